package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

// TUFKeyKind is a kind of ordinary key.
type TUFKeyKind string

// The ordinary kinds of key (TUF 1.0.34, section 4.2).
const (
	TUFEd25519 TUFKeyKind = "ed25519"
	TUFECDSA   TUFKeyKind = "ecdsa"
	TUFRSA     TUFKeyKind = "rsa"
)

// TUFKey is a key as metadata lists it, with the means to sign. All exported fields may be changed before the
// metadata that lists the key is published.
type TUFKey struct {
	// ID is the label that metadata gives the key: at first, the hash that tuf-on-ci would take.
	ID           string
	Type, Scheme string
	// Value is the member keyval.
	Value map[string]any
	// Extra are further members, such as x-tuf-on-ci-keyowner.
	Extra map[string]any
	// Signing says how a Sigstore key signs.
	Signing TUFSigning

	// sign is of an ordinary key.
	sign func(message []byte) ([]byte, error)
	spki []byte
}

// TUFSigning is how a Sigstore key signs, which need not be how it should.
type TUFSigning struct {
	// Sigstore and Identity are the instance that certifies and what it certifies.
	Sigstore *Sigstore
	Identity Identity
	// At is when the certificate is issued, Logged when the signature is logged. Default: the repository's time
	// for the one, the same time for the other.
	At, Logged time.Time
	Leaf       []LeafOption
	Bundle     []BundleOption
	// Over is signed in place of the metadata.
	Over []byte
	// Sig changes what stands in the member sig, which is the bundle's signature.
	Sig func(string) string
}

// TUFSignature is one member of "signatures".
type TUFSignature struct {
	KeyID  string          `json:"keyid"`
	Sig    string          `json:"sig"`
	Bundle json.RawMessage `json:"bundle,omitempty"`
}

// NewTUFKey makes an ordinary key.
func NewTUFKey(kind TUFKeyKind) (*TUFKey, error) {
	k := &TUFKey{Type: string(kind)}
	var signer crypto.Signer
	var err error
	switch kind {
	case TUFEd25519:
		k.Scheme = "ed25519"
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case TUFECDSA:
		k.Scheme = "ecdsa-sha2-nistp256"
		signer, err = newKey()
	case TUFRSA:
		k.Scheme = "rsassa-pss-sha256"
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("unknown kind %q", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("make tuf key: %w", err)
	}
	if k.spki, err = x509.MarshalPKIXPublicKey(signer.Public()); err != nil {
		return nil, fmt.Errorf("make tuf key: %w", err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.spki}))
	if pub, ok := signer.Public().(ed25519.PublicKey); ok {
		public = hex.EncodeToString(pub)
	}
	k.Value = object{"public": public}
	k.sign = func(message []byte) ([]byte, error) { return signOrdinary(signer, message) }
	return k, k.rename()
}

func signOrdinary(key crypto.Signer, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, message), nil
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, key, sum[:])
	default:
		return key.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
}

// NewSigstoreTUFKey makes a key that is an identity (TAP 18): the e-mail address or the URI of id, by its issuer. It is
// labelled as tuf-on-ci labels people and workflows.
func NewSigstoreTUFKey(s *Sigstore, id Identity) (*TUFKey, error) {
	k := &TUFKey{Type: "sigstore-oidc", Scheme: "Fulcio", Signing: TUFSigning{Sigstore: s, Identity: id}}
	k.Value = object{"identity": id.SAN, "issuer": id.Extensions.Issuer}
	k.Extra = object{"x-tuf-on-ci-online-uri": "sigstore:"}
	if id.Email != "" {
		user, _, _ := strings.Cut(id.Email, "@")
		k.Value["identity"] = id.Email
		k.Extra = object{"x-tuf-on-ci-keyowner": "@" + user}
	}
	return k, k.rename()
}

// rename labels the key with the hash of its canonical form.
func (k *TUFKey) rename() error {
	raw, err := cjson.EncodeCanonical(k.render())
	if err != nil {
		return fmt.Errorf("name tuf key: %w", err)
	}
	sum := sha256.Sum256(raw)
	k.ID = hex.EncodeToString(sum[:])
	return nil
}

func (k *TUFKey) render() object {
	out := object{"keytype": k.Type, "scheme": k.Scheme, "keyval": k.Value}
	maps.Copy(out, k.Extra)
	return out
}

// Labelled returns the same key under another id.
func (k *TUFKey) Labelled(id string) *TUFKey {
	out := *k
	out.ID = id
	return &out
}

// But returns the same Sigstore key, signing in another way.
func (k *TUFKey) But(change func(*TUFSigning)) *TUFKey {
	out := *k
	change(&out.Signing)
	return &out
}

// Fingerprint returns the SHA-256, in hexadecimal, of an ordinary key's SubjectPublicKeyInfo; "" for a Sigstore key.
func (k *TUFKey) Fingerprint() string {
	if k.spki == nil {
		return ""
	}
	sum := sha256.Sum256(k.spki)
	return hex.EncodeToString(sum[:])
}

// Sign signs canonical bytes at a time.
func (k *TUFKey) Sign(message []byte, at time.Time) (TUFSignature, error) {
	if k.sign != nil {
		sig, err := k.sign(message)
		if err != nil {
			return TUFSignature{}, fmt.Errorf("sign metadata: %w", err)
		}
		return TUFSignature{KeyID: k.ID, Sig: hex.EncodeToString(sig)}, nil
	}
	how := k.Signing
	if how.At.IsZero() {
		how.At = at
	}
	if how.Logged.IsZero() {
		how.Logged = how.At
	}
	if how.Over != nil {
		message = how.Over
	}
	signer, err := how.Sigstore.Issue(how.Identity, how.At, how.Leaf...)
	if err != nil {
		return TUFSignature{}, fmt.Errorf("sign metadata: %w", err)
	}
	bundle, err := signer.Bundle(message, how.Logged, append([]BundleOption{MessageSignature()}, how.Bundle...)...)
	if err != nil {
		return TUFSignature{}, fmt.Errorf("sign metadata: %w", err)
	}
	var b struct {
		MessageSignature struct {
			Signature []byte `json:"signature"`
		} `json:"messageSignature"`
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		return TUFSignature{}, fmt.Errorf("read bundle back: %w", err)
	}
	sig := base64.StdEncoding.EncodeToString(b.MessageSignature.Signature)
	if how.Sig != nil {
		sig = how.Sig(sig)
	}
	return TUFSignature{KeyID: k.ID, Sig: sig, Bundle: bundle}, nil
}
