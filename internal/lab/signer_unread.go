package lab

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"
)

// IssueUnread is [Sigstore.Issue] for a name that crypto/x509 writes and does not read back, such as one with a line
// break. Of the signer's certificate only the raw bytes are set.
func (s *Sigstore) IssueUnread(id Identity, at time.Time) (*Signer, error) {
	signer, err := s.NewKeySigner()
	if err != nil {
		return nil, err
	}
	cfg := leafConfig{usage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, lifetime: LeafLifetime}
	template, err := leafTemplate(id, at, cfg)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	parent := s.fulcio.intermediate
	bare, err := unreadCertificate(template, parent, signer.key.Public(), s.fulcio.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	sct, err := s.ct.promise(bare, parent.RawSubjectPublicKeyInfo, at)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	template.ExtraExtensions = append(template.ExtraExtensions, sct)
	if signer.Certificate, err = unreadCertificate(template, parent, signer.key.Public(), s.fulcio.key); err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	return signer, nil
}

// unreadCertificate signs a certificate and takes it apart no further than a log needs it (RFC 5280, section 4.1).
func unreadCertificate(template, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	var outer struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil, fmt.Errorf("take certificate apart: %w", err)
	}
	return &x509.Certificate{Raw: der, RawTBSCertificate: outer.TBS.FullBytes}, nil
}
