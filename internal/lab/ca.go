package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// authority is a root with one intermediate that issues leaf certificates.
type authority struct {
	uri          string
	root         *x509.Certificate
	intermediate *x509.Certificate
	key          *ecdsa.PrivateKey // of the intermediate
}

// FulcioChain returns the intermediate and the root that issue leaf certificates.
func (s *Sigstore) FulcioChain() []*x509.Certificate {
	return []*x509.Certificate{s.fulcio.intermediate, s.fulcio.root}
}

func newFulcio(s *Sigstore) (*authority, error) {
	return newAuthority(s, "fulcio", FulcioRootCert, FulcioIntermediateCert, x509.ExtKeyUsageCodeSigning)
}

func newAuthority(s *Sigstore, service string, root, intermediate Part, use x509.ExtKeyUsage) (*authority, error) {
	rootKey, err := newKey()
	if err != nil {
		return nil, err
	}
	a := &authority{uri: "https://" + s.host(service)}
	if a.root, err = caCertificate(s.host(service), s.certWindow(root), nil, nil, rootKey, rootKey); err != nil {
		return nil, fmt.Errorf("make root certificate: %w", err)
	}
	if a.key, err = newKey(); err != nil {
		return nil, err
	}
	usage := []x509.ExtKeyUsage{use}
	name := s.host(service) + " intermediate"
	if a.intermediate, err = caCertificate(name, s.certWindow(intermediate), usage, a.root, a.key, rootKey); err != nil {
		return nil, fmt.Errorf("make intermediate certificate: %w", err)
	}
	return a, nil
}

// caCertificate makes a CA certificate for key; a nil parent makes it self-signed.
func caCertificate(name string, w Window, usage []x509.ExtKeyUsage, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name, Organization: []string{"assay lab"}},
		NotBefore:             w.From,
		NotAfter:              w.To,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           usage,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	if parent == nil {
		parent = template
	}
	return createCertificate(template, parent, key.Public(), signer)
}

func createCertificate(template, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate back: %w", err)
	}
	return cert, nil
}

// newSerial returns a random positive number of up to 127 bits.
func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// GeneralName tags of RFC 5280, section 4.2.1.6.
const (
	sanEmail = 1
	sanURI   = 6
)

// subjectAltName renders the extension by hand, because Fulcio marks it critical and because crypto/x509 would tidy
// up the strange URIs that tests want.
func subjectAltName(email string, uris []string) (pkix.Extension, error) {
	var names []asn1.RawValue
	for _, u := range uris {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: sanURI, Bytes: []byte(u)})
	}
	if email != "" {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: sanEmail, Bytes: []byte(email)})
	}
	der, err := asn1.Marshal(names)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("encode subject alternative name: %w", err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: der}, nil
}
