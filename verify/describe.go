package verify

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

// Description is what one piece of evidence says of itself. Nothing in it was
// verified: no signature, no certificate chain, no log, no time. It is for showing a
// person what lies beside an image; no check reads it, and nothing may be decided
// on it.
type Description struct {
	Layout Layout `json:"layout"`
	// Place says where it lay; Digest, Size in bytes and MediaType are the layer's.
	Place     string `json:"place"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
	MediaType string `json:"media_type,omitempty"`
	// Format is the media type that a bundle gives itself, with its version.
	Format string `json:"format,omitempty"`
	// StatementType is _type of an in-toto statement, or critical.type of a legacy signature.
	StatementType string    `json:"statement_type,omitempty"`
	PredicateType string    `json:"predicate_type,omitempty"`
	Subjects      []Subject `json:"subjects,omitempty"`
	// Claims are the certificate's; nil where there is none or it cannot be read.
	Claims      *Claims             `json:"claims,omitempty"`
	Certificate *ClaimedCertificate `json:"certificate,omitempty"`
	// PlainKey is true if the layout is a signed one and there is no certificate;
	// KeyHint is how a bundle names the key.
	PlainKey bool   `json:"plain_key,omitempty"`
	KeyHint  string `json:"key_hint,omitempty"`
	// Log are the entries of transparency logs that it brings, Timestamps the times of
	// its RFC 3161 timestamps.
	Log        []ClaimedEntry `json:"log,omitempty"`
	Timestamps []time.Time    `json:"timestamps,omitempty"`
	// Build is what SLSA provenance says of the build.
	Build *ClaimedBuild `json:"build,omitempty"`
	// Problems say what in it could not be read; the rest was read all the same.
	Problems []string `json:"problems,omitempty"`
}

// ClaimedCertificate is what a leaf certificate says of itself beside its [Claims].
type ClaimedCertificate struct {
	// Issuer is the distinguished name of the authority that it names.
	Issuer    string    `json:"issuer"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// ClaimedEntry is one entry of a transparency log, as the evidence brings it.
type ClaimedEntry struct {
	// LogID is in hexadecimal, as trusted roots are listed by it.
	LogID string `json:"log_id"`
	Index int64  `json:"index"`
	// Kind is kind and version of the entry: "hashedrekord 0.0.1".
	Kind string `json:"kind,omitempty"`
	// IntegratedTime is nil for entries of Rekor v2, which have none.
	IntegratedTime *time.Time `json:"integrated_time,omitempty"`
	// Promise is a signed entry timestamp, Proof an inclusion proof.
	Promise bool `json:"promise"`
	Proof   bool `json:"proof"`
}

// ClaimedBuild is what SLSA provenance says of a build. Empty is what it does not say.
type ClaimedBuild struct {
	Builder string `json:"builder,omitempty"`
	Type    string `json:"type,omitempty"`
	// Source is the first material or resolved dependency, Commit its commit.
	Source string `json:"source,omitempty"`
	Commit string `json:"commit,omitempty"`
	Run    string `json:"run,omitempty"`
}

// Names reports whether one subject claims the digest "sha256:<hex>".
func (d Description) Names(digest string) bool {
	return payload{subjects: d.Subjects}.names(digest)
}

// Describe reads a piece of evidence as strictly as [Authenticate] does, and trusts
// nothing in it. It never fails: what cannot be read is a problem, and a piece that
// makes a library panic has that for its problem.
func Describe(p Piece, limits Limits) Description {
	d := &describer{limits: limits, Description: Description{
		Layout: p.Layout, Place: p.Place, Digest: p.Digest, Size: len(p.Bytes), MediaType: p.MediaType,
	}}
	d.read(p)
	return d.Description
}

type describer struct {
	Description
	limits Limits
}

func (d *describer) problem(err error) {
	if err != nil {
		d.Problems = append(d.Problems, err.Error())
	}
}

func (d *describer) read(p Piece) {
	defer func() {
		if r := recover(); r != nil {
			d.problem(fmt.Errorf("reading it ended in a panic: %v", r))
		}
	}()
	size := 0
	for k, v := range p.Annotations {
		size += len(k) + len(v)
	}
	switch {
	case int64(len(p.Bytes)) > d.limits.PieceBytes:
		d.problem(fmt.Errorf("it has %d bytes; at most %d are read", len(p.Bytes), d.limits.PieceBytes))
	case size > d.limits.AnnotationBytes:
		d.problem(fmt.Errorf("its annotations have %d bytes; at most %d are read", size, d.limits.AnnotationBytes))
	case p.Layout == Bundle:
		d.bundle(p.Bytes)
	case p.Layout == LegacySignature:
		d.simpleSigning(p.Bytes)
		d.annotations(p.Annotations)
	case p.Layout == LegacyAttestation:
		if e, err := parseEnvelope(p.Bytes, d.limits); err != nil {
			d.problem(err)
		} else {
			d.statement(e.payload)
		}
		d.annotations(p.Annotations)
	case p.Layout == BuildKit: // nobody signs these
		d.statement(p.Bytes)
	default:
		d.problem(fmt.Errorf("its layout %q is not known", p.Layout))
	}
}

// statement reads an in-toto statement. Its two types are noted even where the rest
// is refused.
func (d *describer) statement(b []byte) {
	if err := checkJSON(b, d.limits.Depth); err != nil {
		d.problem(fmt.Errorf("read the statement: %w", err))
		return
	}
	if o, err := parseObject(b, "the statement"); err == nil {
		d.StatementType, _ = o.text("_type")
		d.PredicateType, _ = o.text("predicateType")
	}
	p, err := parsePayload(b, d.limits)
	if err != nil {
		d.problem(err)
		return
	}
	d.Subjects = p.subjects
	if p.predicateType == PredicateProvenanceV02 || p.predicateType == PredicateProvenanceV1 {
		d.Build, err = claimedBuild(p.predicateType, p.predicate)
		d.problem(err)
	}
}

func (d *describer) simpleSigning(b []byte) {
	p, err := parseSimpleSigning(b, d.limits)
	if err != nil {
		d.problem(err)
		return
	}
	d.StatementType = SimpleSigning
	algorithm, value, _ := strings.Cut(p.digest, ":")
	d.Subjects = []Subject{{Name: p.dockerReference, Digest: map[string]string{algorithm: value}}}
}

// bundle reads a Sigstore bundle of any version that is verified.
func (d *describer) bundle(b []byte) {
	parsed, err := parseBundle(b, d.limits)
	if err != nil {
		d.problem(err)
		return
	}
	d.Format = parsed.GetMediaType()
	switch dsse := parsed.GetDsseEnvelope(); {
	case dsse == nil:
		d.problem(fmt.Errorf("the bundle carries a message signature; wanted a DSSE envelope"))
	default:
		if n := len(dsse.GetSignatures()); n != 1 {
			d.problem(fmt.Errorf("the bundle's envelope has %d signatures; wanted exactly one", n))
		}
		if kind := dsse.GetPayloadType(); kind != payloadTypeInToto {
			d.problem(fmt.Errorf("the bundle's envelope has payloadType %q; wanted %q", kind, payloadTypeInToto))
			break
		}
		d.statement(dsse.GetPayload())
	}
	material := parsed.GetVerificationMaterial()
	if content, err := parsed.VerificationContent(); err != nil {
		d.problem(fmt.Errorf("read the bundle's verification material: %w", err))
	} else if leaf := content.Certificate(); leaf != nil {
		d.certificate(leaf.Raw)
	} else {
		d.PlainKey, d.KeyHint = true, material.GetPublicKey().GetHint()
	}
	for _, e := range material.GetTlogEntries() {
		d.Log = append(d.Log, claimedEntry(e))
	}
	tokens, err := parsed.Timestamps()
	d.problem(err)
	d.timestamps(tokens)
}

func claimedEntry(e *protorekor.TransparencyLogEntry) ClaimedEntry {
	c := ClaimedEntry{
		LogID: hex.EncodeToString(e.GetLogId().GetKeyId()), Index: e.GetLogIndex(),
		Kind:    strings.TrimSpace(e.GetKindVersion().GetKind() + " " + e.GetKindVersion().GetVersion()),
		Promise: e.GetInclusionPromise() != nil, Proof: e.GetInclusionProof() != nil,
	}
	c.integrated(e.GetIntegratedTime())
	return c
}

// integrated notes a time in Unix seconds, if there is one that can be written.
func (c *ClaimedEntry) integrated(seconds int64) {
	if t, err := inCalendar(time.Unix(seconds, 0)); err == nil && seconds > 0 {
		c.IntegratedTime = &t
	}
}

// annotations reads what cosign's legacy layout writes beside a layer.
func (d *describer) annotations(a map[string]string) {
	if text := a[static.CertificateAnnotationKey]; text == "" {
		d.PlainKey = true
	} else if der, err := onePEM(text, "CERTIFICATE"); err != nil {
		d.problem(fmt.Errorf("read the annotation %s: %w", static.CertificateAnnotationKey, err))
	} else {
		d.certificate(der)
	}
	if text, ok := a[static.BundleAnnotationKey]; ok {
		d.rekorBundle([]byte(text))
	}
	if text, ok := a[static.RFC3161TimestampAnnotationKey]; ok {
		token, err := legacyTimestamp([]byte(text), d.limits)
		if err != nil {
			d.problem(fmt.Errorf("read the annotation %s: %w", static.RFC3161TimestampAnnotationKey, err))
			return
		}
		d.timestamps([][]byte{token})
	}
}

func (d *describer) rekorBundle(b []byte) {
	r, err := parseRekorBundle(b, d.limits)
	if err != nil {
		d.problem(fmt.Errorf("read the annotation %s: %w", static.BundleAnnotationKey, err))
		return
	}
	c := ClaimedEntry{LogID: r.Payload.LogID, Index: r.Payload.LogIndex, Promise: len(r.SignedEntryTimestamp) > 0}
	c.integrated(r.Payload.IntegratedTime)
	text, _ := r.Payload.Body.(string)
	if body, err := decodeBase64(text, "the log entry's body"); err != nil {
		d.problem(err)
	} else if kind, err := entryKind(body, d.limits); err != nil {
		d.problem(fmt.Errorf("read the log entry's body: %w", err))
	} else {
		c.Kind = kind.GetKind() + " " + kind.GetVersion()
	}
	d.Log = append(d.Log, c)
}

// certificate reads a leaf certificate. Claims that cannot be read one way alone are
// a problem, not a guess.
func (d *describer) certificate(der []byte) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		d.problem(fmt.Errorf("parse the certificate: %w", err))
		return
	}
	from, err := inCalendar(cert.NotBefore)
	d.problem(err)
	to, err := inCalendar(cert.NotAfter)
	d.problem(err)
	d.Certificate = &ClaimedCertificate{Issuer: cert.Issuer.String(), NotBefore: from, NotAfter: to}
	claims, err := parseClaims(cert)
	if err != nil {
		d.problem(err)
		return
	}
	d.Claims = &claims
}

// timestamps reads the times of RFC 3161 responses.
func (d *describer) timestamps(tokens [][]byte) {
	if n := len(tokens); n > d.limits.LogEntries {
		d.problem(fmt.Errorf("it has %d timestamps; at most %d are read", n, d.limits.LogEntries))
		tokens = tokens[:d.limits.LogEntries]
	}
	for i, token := range tokens {
		if slices.ContainsFunc(tokens[:i], func(b []byte) bool { return bytes.Equal(b, token) }) {
			continue
		}
		t, err := timestampTime(token)
		if err != nil {
			d.problem(fmt.Errorf("read the timestamp: %w", err))
			continue
		}
		d.Timestamps = append(d.Timestamps, t)
	}
}
