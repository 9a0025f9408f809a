package lab

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const trustedRootMediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"

// TrustedRoot returns the instance's trusted_root.json, with the validity of each part as Options set it.
func (s *Sigstore) TrustedRoot() ([]byte, error) {
	rekor1, err := logInstance(s.rekor1.host, &s.rekor1.key.PublicKey, s.rekor1.id[:], s.window(RekorV1Log))
	if err != nil {
		return nil, fmt.Errorf("describe rekor v1 log: %w", err)
	}
	rekor2, err := logInstance(s.rekor2.host, s.rekor2.key.Public(), s.rekor2.id, s.window(RekorV2Log))
	if err != nil {
		return nil, fmt.Errorf("describe rekor v2 log: %w", err)
	}
	rekor2.PublicKey.KeyDetails = protocommon.PublicKeyDetails_PKIX_ED25519
	ctlog, err := logInstance(s.host("ctfe"), &s.ct.key.PublicKey, s.ct.id[:], s.window(CTLog))
	if err != nil {
		return nil, fmt.Errorf("describe ct log: %w", err)
	}
	raw, err := protojson.Marshal(&prototrustroot.TrustedRoot{
		MediaType:              trustedRootMediaType,
		Tlogs:                  []*prototrustroot.TransparencyLogInstance{rekor1, rekor2},
		Ctlogs:                 []*prototrustroot.TransparencyLogInstance{ctlog},
		CertificateAuthorities: []*prototrustroot.CertificateAuthority{authorityInstance(s.fulcio, nil, s.window(FulcioCA))},
		TimestampAuthorities:   []*prototrustroot.CertificateAuthority{authorityInstance(s.tsa.authority, s.tsa.leaf, s.window(TSA))},
	})
	if err != nil {
		return nil, fmt.Errorf("encode trusted root: %w", err)
	}
	// protojson varies its white space on purpose; indenting makes the text stable.
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("indent trusted root: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}

func logInstance(host string, key any, id []byte, w Window) (*prototrustroot.TransparencyLogInstance, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return &prototrustroot.TransparencyLogInstance{
		BaseUrl:       "https://" + host,
		HashAlgorithm: protocommon.HashAlgorithm_SHA2_256,
		PublicKey: &protocommon.PublicKey{
			RawBytes:   spki,
			KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
			ValidFor:   timeRange(w),
		},
		LogId: &protocommon.LogId{KeyId: id},
	}, nil
}

func authorityInstance(a *authority, leaf *x509.Certificate, w Window) *prototrustroot.CertificateAuthority {
	var chain []*protocommon.X509Certificate
	for _, c := range []*x509.Certificate{leaf, a.intermediate, a.root} {
		if c != nil {
			chain = append(chain, &protocommon.X509Certificate{RawBytes: c.Raw})
		}
	}
	return &prototrustroot.CertificateAuthority{
		Subject:   &protocommon.DistinguishedName{Organization: "assay lab", CommonName: a.root.Subject.CommonName},
		Uri:       a.uri,
		CertChain: &protocommon.X509CertificateChain{Certificates: chain},
		ValidFor:  timeRange(w),
	}
}

func timeRange(w Window) *protocommon.TimeRange {
	r := &protocommon.TimeRange{Start: timestamppb.New(w.From)}
	if !w.To.IsZero() {
		r.End = timestamppb.New(w.To)
	}
	return r
}
