package trust

import (
	"cmp"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Summary is what a trusted root trusts, sorted by start of validity.
type Summary struct {
	// SHA256 is the digest of the document in hex.
	SHA256 string `json:"sha256"`
	// CertificateAuthorities issue the certificates of signers.
	CertificateAuthorities []Authority `json:"certificate_authorities"`
	// TransparencyLogs record signatures.
	TransparencyLogs []Log `json:"transparency_logs"`
	// CTLogs record the certificates of signers.
	CTLogs []Log `json:"ct_logs"`
	// TimestampAuthorities sign times.
	TimestampAuthorities []Authority `json:"timestamp_authorities"`
}

// Authority is a certificate authority or a timestamp authority.
type Authority struct {
	// Subject is the distinguished name of the certificate that signs: the
	// lowest of the chain.
	Subject string `json:"subject"`
	// Root is the distinguished name at the top of the chain.
	Root string `json:"root"`
	// URI is where the authority is reached, if the root says.
	URI string `json:"uri,omitempty"`
	// SHA256 is the digest in hex of the certificate named by Subject.
	SHA256 string `json:"sha256"`
	Validity
}

// Log is a transparency log or a certificate transparency log.
type Log struct {
	// BaseURL is where the log is reached.
	BaseURL string `json:"base_url"`
	// KeyID names the key of the log, in hex.
	KeyID string `json:"key_id"`
	Validity
}

// Validity is a span of time; a zero Until means that it is still open.
type Validity struct {
	From  time.Time `json:"valid_from,omitzero"`
	Until time.Time `json:"valid_until,omitzero"`
}

// Describe lists what a trusted root trusts.
func Describe(json []byte) (Summary, error) {
	tr, err := parse(json)
	if err != nil {
		return Summary{}, fmt.Errorf("describe trusted root: %w", err)
	}
	s := Summary{
		SHA256:                 digest(json),
		CertificateAuthorities: []Authority{},
		TransparencyLogs:       logs(tr.RekorLogs()),
		CTLogs:                 logs(tr.CTLogs()),
		TimestampAuthorities:   []Authority{},
	}
	for _, ca := range tr.FulcioCertificateAuthorities() {
		if ca, ok := ca.(*root.FulcioCertificateAuthority); ok {
			chain := append(slices.Clone(ca.Intermediates), ca.Root)
			s.CertificateAuthorities = append(s.CertificateAuthorities,
				authority(chain, ca.URI, ca.ValidityPeriodStart, ca.ValidityPeriodEnd))
		}
	}
	for _, tsa := range tr.TimestampingAuthorities() {
		if tsa, ok := tsa.(*root.SigstoreTimestampingAuthority); ok {
			chain := append([]*x509.Certificate{tsa.Leaf}, tsa.Intermediates...)
			s.TimestampAuthorities = append(s.TimestampAuthorities,
				authority(append(chain, tsa.Root), tsa.URI, tsa.ValidityPeriodStart, tsa.ValidityPeriodEnd))
		}
	}
	slices.SortFunc(s.CertificateAuthorities, compareAuthorities)
	slices.SortFunc(s.TimestampAuthorities, compareAuthorities)
	return s, nil
}

// authority describes a chain, leaf first; a chain of a leaf alone has nil gaps.
func authority(chain []*x509.Certificate, uri string, from, until time.Time) Authority {
	a := Authority{URI: uri, Validity: Validity{From: from, Until: until}}
	chain = slices.DeleteFunc(chain, func(c *x509.Certificate) bool { return c == nil })
	if len(chain) > 0 {
		low, top := chain[0], chain[len(chain)-1]
		a.Subject, a.Root, a.SHA256 = low.Subject.String(), top.Subject.String(), digest(low.Raw)
	}
	return a
}

func compareAuthorities(a, b Authority) int {
	return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.SHA256, b.SHA256))
}

func logs(from map[string]*root.TransparencyLog) []Log {
	list := make([]Log, 0, len(from))
	for _, l := range from {
		list = append(list, Log{
			BaseURL:  l.BaseURL,
			KeyID:    hex.EncodeToString(l.ID),
			Validity: Validity{From: l.ValidityPeriodStart, Until: l.ValidityPeriodEnd},
		})
	}
	slices.SortFunc(list, func(a, b Log) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.BaseURL, b.BaseURL), cmp.Compare(a.KeyID, b.KeyID))
	})
	return list
}
