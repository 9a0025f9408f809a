package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// timestamper answers RFC 3161 requests. The token is encoded here rather than by a library because the usual one
// writes the machine's clock into the signed attributes, and verifiers compare that with the certificate.
type timestamper struct {
	authority *authority
	leaf      *x509.Certificate
	key       *ecdsa.PrivateKey
}

// Object identifiers of CMS (RFC 5652), RFC 3161, RFC 5816 and the algorithms in use.
var (
	oidData              = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4} // id-ct-TSTInfo
	oidSignedData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSigningCertV2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256            = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidECDSAWithSHA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidTimestampPolicy   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}
	oidExtendedKeyUsage  = asn1.ObjectIdentifier{2, 5, 29, 37}
	ekuObjectIdentifiers = map[x509.ExtKeyUsage]asn1.ObjectIdentifier{
		x509.ExtKeyUsageAny:          {2, 5, 29, 37, 0},
		x509.ExtKeyUsageServerAuth:   {1, 3, 6, 1, 5, 5, 7, 3, 1},
		x509.ExtKeyUsageClientAuth:   {1, 3, 6, 1, 5, 5, 7, 3, 2},
		x509.ExtKeyUsageCodeSigning:  {1, 3, 6, 1, 5, 5, 7, 3, 3},
		x509.ExtKeyUsageTimeStamping: {1, 3, 6, 1, 5, 5, 7, 3, 8},
	}
)

func newTimestamper(s *Sigstore) (*timestamper, error) {
	a, err := newAuthority(s, "timestamp", TSARootCert, TSAIntermediateCert, x509.ExtKeyUsageTimeStamping)
	if err != nil {
		return nil, err
	}
	t := &timestamper{authority: a}
	if t.key, err = newKey(); err != nil {
		return nil, err
	}
	usage := s.opts.TSAUsage
	if usage == nil {
		usage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
	}
	eku, err := extendedKeyUsage(usage)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	w := s.certWindow(TSALeafCert)
	t.leaf, err = createCertificate(&x509.Certificate{
		SerialNumber:    serial,
		Subject:         pkix.Name{CommonName: s.host("timestamp"), Organization: []string{"assay lab"}},
		NotBefore:       w.From,
		NotAfter:        w.To,
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{eku},
	}, a.intermediate, t.key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("make timestamping certificate: %w", err)
	}
	return t, nil
}

// extendedKeyUsage renders the extension as critical, which RFC 3161, section 2.3, asks for and crypto/x509 does not do.
func extendedKeyUsage(usage []x509.ExtKeyUsage) (pkix.Extension, error) {
	oids := []asn1.ObjectIdentifier{}
	for _, u := range usage {
		oid, ok := ekuObjectIdentifiers[u]
		if !ok {
			return pkix.Extension{}, fmt.Errorf("render key usage: no object identifier for usage %d", u)
		}
		oids = append(oids, oid)
	}
	der, err := asn1.Marshal(oids)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("encode key usage: %w", err)
	}
	return pkix.Extension{Id: oidExtendedKeyUsage, Critical: true, Value: der}, nil
}

type messageImprint struct {
	HashAlgorithm pkix.AlgorithmIdentifier
	HashedMessage []byte
}

type tstInfo struct {
	Version        int
	Policy         asn1.ObjectIdentifier
	MessageImprint messageImprint
	SerialNumber   *big.Int
	Time           time.Time `asn1:"generalized"`
	Nonce          *big.Int  `asn1:"optional"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue // a SET
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type signerInfo struct {
	Version            int
	SID                issuerAndSerial
	DigestAlgorithm    pkix.AlgorithmIdentifier
	SignedAttrs        asn1.RawValue // [0] IMPLICIT SET
	SignatureAlgorithm pkix.AlgorithmIdentifier
	Signature          []byte
}

type encapsulated struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue // [0] EXPLICIT OCTET STRING
}

type signedData struct {
	Version          int
	DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
	Content          encapsulated
	Certificates     asn1.RawValue `asn1:"optional"`
	SignerInfos      []signerInfo  `asn1:"set"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue // [0] EXPLICIT SignedData
}

type timestampResponse struct {
	Status struct{ Status int }
	Token  contentInfo
}

// Timestamp returns a granted RFC 3161 response over data, dated at.
func (s *Sigstore) Timestamp(data []byte, at time.Time) ([]byte, error) {
	token, err := s.tsa.stamp(data, at)
	if err != nil {
		return nil, fmt.Errorf("timestamp data: %w", err)
	}
	return token, nil
}

// stampRequest is what a token is wanted for.
type stampRequest struct {
	imprint messageImprint
	nonce   *big.Int // nil for none
	bare    bool     // without the certificate
}

// stamp returns a granted response over data, dated at.
func (t *timestamper) stamp(data []byte, at time.Time) ([]byte, error) {
	imprint := sha256.Sum256(data)
	return t.answer(stampRequest{
		imprint: messageImprint{HashAlgorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA256}, HashedMessage: imprint[:]},
	}, at)
}

// answer returns a granted response, dated at.
func (t *timestamper) answer(request stampRequest, at time.Time) ([]byte, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	info, err := asn1.Marshal(tstInfo{
		Version:        1,
		Policy:         oidTimestampPolicy,
		MessageImprint: request.imprint,
		SerialNumber:   serial,
		Time:           at.UTC().Truncate(time.Second),
		Nonce:          request.nonce,
	})
	if err != nil {
		return nil, fmt.Errorf("encode timestamp info: %w", err)
	}
	signer, err := t.signerInfo(info, at)
	if err != nil {
		return nil, err
	}
	octets, err := asn1.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("encode timestamp content: %w", err)
	}
	data := signedData{
		Version:          3,
		DigestAlgorithms: []pkix.AlgorithmIdentifier{{Algorithm: oidSHA256}},
		Content:          encapsulated{Type: oidData, Content: explicit(octets)},
		SignerInfos:      []signerInfo{signer},
	}
	if !request.bare {
		data.Certificates = explicit(t.leaf.Raw)
	}
	signed, err := asn1.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode timestamp token: %w", err)
	}
	der, err := asn1.Marshal(timestampResponse{
		Token: contentInfo{Type: oidSignedData, Content: explicit(signed)},
	})
	if err != nil {
		return nil, fmt.Errorf("encode timestamp response: %w", err)
	}
	return der, nil
}

// signerInfo signs the attributes of RFC 5652, section 5.3, with the certificate reference of RFC 5816.
func (t *timestamper) signerInfo(content []byte, at time.Time) (signerInfo, error) {
	digest := sha256.Sum256(content)
	certHash := sha256.Sum256(t.leaf.Raw)
	var attrs []attribute
	for _, a := range []struct {
		oid   asn1.ObjectIdentifier
		value any
	}{
		{oidContentType, oidData},
		{oidSigningTime, at.UTC().Truncate(time.Second)},
		{oidMessageDigest, digest[:]},
		{oidSigningCertV2, struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{certHash[:]}}}},
	} {
		der, err := asn1.Marshal(a.value)
		if err != nil {
			return signerInfo{}, fmt.Errorf("encode attribute %s: %w", a.oid, err)
		}
		attrs = append(attrs, attribute{Type: a.oid, Values: asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: der}})
	}
	// The signature covers the attributes as a SET; the structure carries them under an implicit tag.
	set, err := asn1.MarshalWithParams(attrs, "set")
	if err != nil {
		return signerInfo{}, fmt.Errorf("encode signed attributes: %w", err)
	}
	sum := sha256.Sum256(set)
	sig, err := t.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return signerInfo{}, fmt.Errorf("sign timestamp: %w", err)
	}
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(set, &inner); err != nil {
		return signerInfo{}, fmt.Errorf("read signed attributes back: %w", err)
	}
	return signerInfo{
		Version:            1,
		SID:                issuerAndSerial{Issuer: asn1.RawValue{FullBytes: t.leaf.RawIssuer}, Serial: t.leaf.SerialNumber},
		DigestAlgorithm:    pkix.AlgorithmIdentifier{Algorithm: oidSHA256},
		SignedAttrs:        explicit(inner.Bytes), // an implicit tag has the same form
		SignatureAlgorithm: pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA256},
		Signature:          sig,
	}, nil
}

// explicit puts an encoding under the tag [0].
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}
