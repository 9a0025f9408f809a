package verify

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/releaseassay/assay/policy"
)

// bundle verifies a Sigstore bundle, v0.1 to v0.3
// (https://docs.sigstore.dev/about/bundle/), that carries an in-toto statement.
func (a *authenticator) bundle(p Piece) (*Statement, error) {
	b, err := parseBundle(p.Bytes, a.limits)
	if unsupported := (*unsupportedEntry)(nil); errors.As(err, &unsupported) {
		return nil, reject(problemUnsupported, "%w", err)
	}
	if err != nil {
		return nil, reject(problemMalformed, "%w", err)
	}
	dsse := b.GetDsseEnvelope()
	if dsse == nil {
		return nil, reject(problemUnsupported, "the bundle carries a message signature; wanted a DSSE envelope")
	}
	if dsse.GetPayloadType() != payloadTypeInToto || len(dsse.GetSignatures()) != 1 {
		return nil, reject(problemMalformed, "the bundle's envelope has payloadType %q and %d signatures; wanted %q and exactly one",
			dsse.GetPayloadType(), len(dsse.GetSignatures()), payloadTypeInToto)
	}
	statement, err := a.statementOf(dsse.GetPayload())
	if err != nil {
		return nil, err
	}
	content, err := b.VerificationContent()
	if err != nil {
		return nil, reject(problemMalformed, "read the bundle's verification material: %w", err)
	}
	leaf := content.Certificate()
	if leaf != nil {
		if leaf, err = a.leaf(leaf.Raw); err != nil {
			return nil, err
		}
	}
	if err := a.wantSubject(statement); err != nil {
		return nil, err
	}
	digest, err := hex.DecodeString(a.image.Digest[len("sha256:"):])
	if err != nil {
		return nil, reject(problemInvalid, "decode the image's digest: %w", err)
	}
	s := &Statement{
		layout: p.Layout, place: p.Place, evidence: p.Digest, predicateType: statement.predicateType, predicate: statement.predicate,
		subjects: statement.subjects, claims: a.claims, root: a.root.name,
	}
	artifact := sigstore.WithArtifactDigest("sha256", digest)
	if leaf == nil {
		s.keySHA256, s.times, err = a.keyBundle(b, artifact)
	} else {
		s.times, err = a.certificateBundle(b, leaf, artifact)
	}
	if err != nil {
		return nil, err
	}
	s.log = LogNone
	if a.root.thresholds.LogEntries > 0 { // else nobody verified the entries
		s.log = logEvidence(b)
	}
	return s, nil
}

// unsupportedEntry is a log entry as it should be, of a kind that sigstore-go cannot verify.
type unsupportedEntry struct{ kind, version string }

// Error implements error.
func (e *unsupportedEntry) Error() string {
	return fmt.Sprintf("a log entry is of kind %q %q, which cannot be verified yet; wanted hashedrekord 0.0.2 of Rekor v2, "+
		"as cosign 3 writes it, or an entry of Rekor v1", e.kind, e.version)
}

// parseBundle reads a bundle strictly.
func parseBundle(b []byte, limits Limits) (*bundle.Bundle, error) {
	if err := checkSmallJSON(b, limits.Depth, maxValues); err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	var message protobundle.Bundle
	if err := protojson.Unmarshal(b, &message); err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	// Before the libraries read the entries, each at the cost of a signature check:
	// on a kind that it does not know, Rekor's prints where in its code that was.
	entries := message.GetVerificationMaterial().GetTlogEntries()
	if len(entries) > limits.LogEntries {
		return nil, fmt.Errorf("the bundle has %d log entries; at most %d are read", len(entries), limits.LogEntries)
	}
	for _, e := range entries {
		kind, version, err := readKind(e.GetCanonicalizedBody(), limits)
		if err != nil {
			return nil, fmt.Errorf("read the body of a log entry: %w", err)
		}
		switch kind + " " + version {
		case "hashedrekord 0.0.1", "hashedrekord 0.0.2", "dsse 0.0.1", "intoto 0.0.1", "intoto 0.0.2":
		case "dsse 0.0.2":
			return nil, &unsupportedEntry{kind: kind, version: version}
		default:
			return nil, fmt.Errorf("a log entry is of kind %q %q; wanted hashedrekord, dsse or intoto", kind, version)
		}
	}
	parsed, err := bundle.NewBundle(&message)
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	return parsed, nil
}

// certificateBundle verifies a bundle signed with a certificate and returns its
// verified times.
func (a *authenticator) certificateBundle(b *bundle.Bundle, leaf *x509.Certificate, artifact sigstore.ArtifactPolicyOption) ([]VerifiedTime, error) {
	if len(a.root.material.FulcioCertificateAuthorities()) == 0 {
		return nil, a.unknownAuthority(leaf)
	}
	// The identity is the leaf's own: sigstore-go and this package must read the
	// same name and issuer out of one certificate. Who it should be is judged later.
	identity, err := sigstore.NewShortCertificateIdentity(a.claims.Issuer, "", a.claims.Identity, "")
	if err != nil {
		return nil, reject(problemInvalid, "%w", err)
	}
	times, err := verifyBundle(b, a.root.material, a.root.thresholds, sigstore.NewPolicy(artifact, sigstore.WithCertificateIdentity(identity)))
	if err == nil {
		return times, nil
	}
	if !a.root.signed(leaf) {
		return nil, a.unknownAuthority(leaf)
	}
	if id := unknownLog(b, a.root.material); id != "" {
		return nil, reject(problemUnknownAuthority, "the trusted root %s (%s) does not know the log %s: %w", a.root.name, a.root.source, id, err)
	}
	return nil, reject(problemInvalid, "%w", err)
}

func (a *authenticator) unknownAuthority(leaf *x509.Certificate) error {
	return reject(problemUnknownAuthority, "no certificate authority of the trusted root %s (%s) issued the certificate (issuer %q)", a.root.name, a.root.source, leaf.Issuer)
}

// unknownLog names the log of the first entry if the root knows the log of none.
func unknownLog(b *bundle.Bundle, material root.TrustedMaterial) string {
	unknown := ""
	for _, e := range b.GetVerificationMaterial().GetTlogEntries() {
		id := hex.EncodeToString(e.GetLogId().GetKeyId())
		if _, ok := material.RekorLogs()[id]; ok {
			return ""
		}
		if unknown == "" {
			unknown = id
		}
	}
	return unknown
}

// keyBundle verifies a bundle signed with a plain key by each key that the policy
// names, and returns the digest of the key's file.
func (a *authenticator) keyBundle(b *bundle.Bundle, artifact sigstore.ArtifactPolicyOption) (string, []VerifiedTime, error) {
	err := reject(problemKeySigned, "it is signed by a plain key, and the policy names none")
	for _, k := range a.trust.Keys {
		times, keyErr := verifyKeyBundle(b, a.root.material, a.root.thresholds, k.verifier, artifact)
		if keyErr == nil {
			return k.sha256, times, nil
		}
		err = reject(problemKeySigned, "it is signed by a plain key that is none of the policy's: %w", keyErr)
	}
	return "", nil, err
}

func verifyKeyBundle(b *bundle.Bundle, material root.TrustedMaterial, need policy.Thresholds, key signature.Verifier, artifact sigstore.ArtifactPolicyOption) ([]VerifiedTime, error) {
	need.SCTs = 0 // a key has no certificate for a log to sign
	return verifyBundle(b, keyMaterial{TrustedMaterial: material, key: key}, need, sigstore.NewPolicy(artifact, sigstore.WithKey()))
}

// keyMaterial is a trusted root with one public key, valid at any time.
type keyMaterial struct {
	root.TrustedMaterial
	key signature.Verifier
}

// PublicKeyVerifier implements root.TrustedMaterial for every hint: a hint is only that.
func (m keyMaterial) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	return root.NewExpiringKey(m.key, time.Time{}, time.Time{}), nil
}

// verifyBundle is the one call of sigstore-go's verifier, with the rule that it
// does not know: every verified time lies inside the validity of every log key used.
func verifyBundle(b *bundle.Bundle, material root.TrustedMaterial, need policy.Thresholds, want sigstore.PolicyBuilder) ([]VerifiedTime, error) {
	options := []sigstore.VerifierOption{sigstore.WithoutStatementPredicate()}
	if need.Timestamps > 0 {
		options = append(options, sigstore.WithObserverTimestamps(need.Timestamps))
	} else { // refused by sigstore-go for a certificate
		options = append(options, sigstore.WithNoObserverTimestamps())
	}
	if need.LogEntries > 0 {
		options = append(options, sigstore.WithTransparencyLog(need.LogEntries))
	}
	if need.SCTs > 0 {
		options = append(options, sigstore.WithSignedCertificateTimestamps(need.SCTs))
	}
	verifier, err := sigstore.NewVerifier(material, options...)
	if err != nil {
		return nil, err
	}
	result, err := verifier.Verify(b, want)
	if err != nil {
		return nil, err
	}
	var times []VerifiedTime
	for _, t := range result.VerifiedTimestamps {
		source := "timestamp-authority"
		if t.Type == "Tlog" {
			source = "log"
		}
		times = append(times, VerifiedTime{Time: t.Timestamp.UTC(), Source: source, URI: t.URI})
	}
	for _, e := range b.GetVerificationMaterial().GetTlogEntries() {
		log, ok := material.RekorLogs()[hex.EncodeToString(e.GetLogId().GetKeyId())]
		if !ok {
			continue // not counted by the verifier either
		}
		if err := logValid(log, times); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// logEvidence tells a bundle with an inclusion proof from one with a promise
// alone. The verifier passes over entries of logs that it does not know, so there
// is a verified proof for certain only where every entry has one.
func logEvidence(b *bundle.Bundle) LogEvidence {
	kind := LogNone
	for _, e := range b.GetVerificationMaterial().GetTlogEntries() {
		if e.GetInclusionProof() == nil {
			return LogPromise
		}
		kind = LogProof
	}
	return kind
}
