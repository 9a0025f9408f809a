package lab

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"time"
)

// LeafLifetime is how long a leaf certificate is valid unless [ValidFor] says otherwise.
const LeafLifetime = 10 * time.Minute

// Signer is a key of the lab, usually with a certificate for it. Its methods make evidence; each takes the time at
// which the log, or the timestamp authority, saw the signature.
type Signer struct {
	// Certificate speaks for the key; nil for a plain key.
	Certificate *x509.Certificate

	sigstore *Sigstore
	key      *ecdsa.PrivateKey
	spki     []byte
}

// LeafOption makes a leaf certificate differ from what Fulcio issues.
type LeafOption func(*leafConfig)

type leafConfig struct {
	noSCT, unknownCTLog, otherSCT, isCA, selfSigned bool
	usage                                           []x509.ExtKeyUsage
	lifetime                                        time.Duration
}

func newLeafConfig(opts []LeafOption) leafConfig {
	cfg := leafConfig{usage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, lifetime: LeafLifetime}
	for _, o := range opts {
		o(&cfg)
	}
	return cfg
}

// NoSCT leaves the signed certificate timestamp out.
func NoSCT() LeafOption { return func(c *leafConfig) { c.noSCT = true } }

// UnknownCTLog embeds a timestamp by a log that the trusted root does not list.
func UnknownCTLog() LeafOption { return func(c *leafConfig) { c.unknownCTLog = true } }

// OtherSCT embeds the known log's timestamp of another certificate.
func OtherSCT() LeafOption { return func(c *leafConfig) { c.otherSCT = true } }

// NoCodeSigning leaves the extended key usage out. crypto/x509 takes that for any usage.
func NoCodeSigning() LeafOption { return LeafUsage() }

// LeafUsage replaces the extended key usage, which is code signing.
func LeafUsage(usage ...x509.ExtKeyUsage) LeafOption {
	return func(c *leafConfig) { c.usage = usage }
}

// CALeaf makes the leaf a certificate authority.
func CALeaf() LeafOption { return func(c *leafConfig) { c.isCA = true } }

// SelfSigned makes the leaf sign itself.
func SelfSigned() LeafOption { return func(c *leafConfig) { c.selfSigned = true } }

// ValidFor replaces the lifetime of [LeafLifetime].
func ValidFor(d time.Duration) LeafOption { return func(c *leafConfig) { c.lifetime = d } }

// Issue certifies a new key for an identity, from the time given on.
func (s *Sigstore) Issue(id Identity, at time.Time, opts ...LeafOption) (*Signer, error) {
	cfg := newLeafConfig(opts)
	signer, err := s.NewKeySigner()
	if err != nil {
		return nil, err
	}
	template, err := leafTemplate(id, at, cfg)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	parent, key := s.fulcio.intermediate, s.fulcio.key
	if cfg.selfSigned {
		parent, key = template, signer.key
	}
	// The certificate without its promise comes first: its TBS is what the log promises to include.
	cert, err := createCertificate(template, parent, signer.key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	if !cfg.noSCT {
		if cert, err = s.embedSCT(cert, template, parent, signer, key, at, cfg); err != nil {
			return nil, fmt.Errorf("issue certificate: %w", err)
		}
	}
	signer.Certificate = cert
	return signer, nil
}

func leafTemplate(id Identity, at time.Time, cfg leafConfig) (*x509.Certificate, error) {
	exts, err := id.render()
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:    serial,
		NotBefore:       at,
		NotAfter:        at.Add(cfg.lifetime),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtKeyUsage:     cfg.usage,
		ExtraExtensions: exts,
	}
	if cfg.isCA {
		t.IsCA, t.BasicConstraintsValid = true, true
		t.KeyUsage |= x509.KeyUsageCertSign
		t.Subject = pkix.Name{CommonName: "leaf that may sign certificates"}
	}
	return t, nil
}

func (s *Sigstore) embedSCT(bare, template, parent *x509.Certificate, signer *Signer, key crypto.Signer, at time.Time, cfg leafConfig) (*x509.Certificate, error) {
	log := s.ct
	if cfg.unknownCTLog {
		var err error
		if log, err = newCTLog(); err != nil {
			return nil, fmt.Errorf("make unknown ct log: %w", err)
		}
	}
	issuer := parent.RawSubjectPublicKeyInfo
	if cfg.selfSigned {
		issuer = signer.spki
	}
	if cfg.otherSCT {
		bare = parent
	}
	sct, err := log.promise(bare, issuer, at)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(template.ExtraExtensions, sct)
	return createCertificate(template, parent, signer.key.Public(), key)
}

// NewKeySigner makes a key without a certificate; its evidence names the key by a hint.
func (s *Sigstore) NewKeySigner() (*Signer, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return &Signer{sigstore: s, key: key, spki: spki}, nil
}

// WithCertificate returns a signer that keeps the key but shows another certificate, which does not belong to it.
func (s *Signer) WithCertificate(c *x509.Certificate) *Signer {
	out := *s
	out.Certificate = c
	return &out
}

// PublicKeyPEM returns the public key in PEM.
func (s *Signer) PublicKeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: s.spki})
}

// PublicKey returns the public key.
func (s *Signer) PublicKey() crypto.PublicKey { return s.key.Public() }

// Hint returns what a bundle by a plain key calls the key: the base64 of its SHA-256.
func (s *Signer) Hint() string {
	sum := sha256.Sum256(s.spki)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// CertificatePEM returns the certificate in PEM, empty for a plain key.
func (s *Signer) CertificatePEM() []byte {
	if s.Certificate == nil {
		return nil
	}
	return certificatePEM(s.Certificate)
}

// ChainPEM returns the intermediate and the root in PEM, as cosign stores them.
func (s *Signer) ChainPEM() []byte {
	f := s.sigstore.fulcio
	return bytes.Join([][]byte{certificatePEM(f.intermediate), certificatePEM(f.root)}, nil)
}

// Sign signs the SHA-256 of a message.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	sig, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign message: %w", err)
	}
	return sig, nil
}

// verifierPEM returns what a log entry shows of the signer.
func (s *Signer) verifierPEM() []byte {
	if s.Certificate == nil {
		return s.PublicKeyPEM()
	}
	return s.CertificatePEM()
}

func certificatePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
