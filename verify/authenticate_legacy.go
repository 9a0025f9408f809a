package verify

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"         // log entries of this kind can be read
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1" // and of this
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"       // and of this
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"       // and of this
	"github.com/sigstore/sigstore-go/pkg/tlog"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// legacyLayer is a layer of cosign's legacy layout whose annotations were parsed
// strictly and whose signed entry timestamp was verified: cosign's own parser
// takes the process down on some that it does not expect.
type legacyLayer struct {
	signature string // base64; "" for an attestation, whose envelope carries it
	leaf      *x509.Certificate
	entry     cosignbundle.RekorBundle
	time      VerifiedTime
}

// legacySignature verifies one layer of sha256-<hex>.sig
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
func (a *authenticator) legacySignature(p Piece) (*Statement, error) {
	a.predicateType = SimpleSigning
	payload, err := parseSimpleSigning(p.Bytes, a.limits)
	if err != nil {
		return nil, reject(problemMalformed, "%w", err)
	}
	layer, err := a.legacyLayer(p)
	if err != nil {
		return nil, err
	}
	if layer.signature == "" {
		return nil, reject(problemMalformed, "the annotation %s is empty", static.SignatureAnnotationKey)
	}
	if payload.digest != a.image.Digest {
		return nil, reject(problemSubject, "its payload names %q; the image is %s", payload.digest, a.image.Digest)
	}
	signature, err := static.NewSignature(p.Bytes, layer.signature, layer.options()...)
	if err != nil {
		return nil, reject(problemMalformed, "%w", err)
	}
	s := a.legacyStatement(p, layer)
	s.predicateType, s.dockerReference = SimpleSigning, payload.dockerReference
	s.subjects = []Subject{{Name: payload.dockerReference, Digest: map[string]string{"sha256": a.image.Digest[len("sha256:"):]}}}
	return a.cosign(s, layer, func(h v1.Hash, opts *cosign.CheckOpts) (bool, error) {
		opts.ClaimVerifier = cosign.SimpleClaimVerifier
		return cosign.VerifyImageSignature(context.Background(), signature, h, opts)
	})
}

// legacyAttestation verifies one layer of sha256-<hex>.att
// (https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md).
func (a *authenticator) legacyAttestation(p Piece) (*Statement, error) {
	e, err := parseEnvelope(p.Bytes, a.limits)
	if err != nil {
		return nil, reject(problemMalformed, "%w", err)
	}
	statement, err := a.statementOf(e.payload)
	if err != nil {
		return nil, err
	}
	layer, err := a.legacyLayer(p)
	if err != nil {
		return nil, err
	}
	if layer.signature != "" {
		return nil, reject(problemMalformed, "the annotation %s of an attestation is not empty", static.SignatureAnnotationKey)
	}
	if err := a.wantSubject(statement); err != nil {
		return nil, err
	}
	attestation, err := static.NewAttestation(p.Bytes, layer.options()...)
	if err != nil {
		return nil, reject(problemMalformed, "%w", err)
	}
	s := a.legacyStatement(p, layer)
	s.predicateType, s.predicate, s.subjects = statement.predicateType, statement.predicate, statement.subjects
	return a.cosign(s, layer, func(h v1.Hash, opts *cosign.CheckOpts) (bool, error) {
		opts.ClaimVerifier = sameEnvelope(p.Bytes)
		return cosign.VerifyBlobAttestation(context.Background(), attestation, h, opts)
	})
}

// sameEnvelope is a claim verifier for cosign. Its own looks for the subject again, and on the way makes objects of the
// whole predicate: some hundred megabytes of a bill of materials that anybody may attach. The subject was looked for
// in these bytes above.
func sameEnvelope(b []byte) func(oci.Signature, v1.Hash, map[string]any) error {
	return func(verified oci.Signature, _ v1.Hash, _ map[string]any) error {
		payload, err := verified.Payload()
		if err != nil {
			return err
		}
		if !bytes.Equal(payload, b) {
			return errors.New("what was verified is not the envelope that was read")
		}
		return nil
	}
}

func (a *authenticator) legacyStatement(p Piece, l legacyLayer) *Statement {
	return &Statement{
		layout: p.Layout, place: p.Place, evidence: p.Digest, claims: a.claims, root: a.root.name,
		times: []VerifiedTime{l.time}, log: LogPromise,
	}
}

// legacyLayer parses the annotations of a layer and verifies its signed entry timestamp.
func (a *authenticator) legacyLayer(p Piece) (legacyLayer, error) {
	var l legacyLayer
	var err error
	if l.signature = p.Annotations[static.SignatureAnnotationKey]; l.signature != "" {
		if _, err := decodeBase64(l.signature, "the annotation "+static.SignatureAnnotationKey); err != nil {
			return l, reject(problemMalformed, "%w", err)
		}
	}
	if text, ok := p.Annotations[static.CertificateAnnotationKey]; ok && text != "" {
		der, err := onePEM(text, "CERTIFICATE")
		if err != nil {
			return l, reject(problemMalformed, "read the annotation %s: %w", static.CertificateAnnotationKey, err)
		}
		if l.leaf, err = a.leaf(der); err != nil {
			return l, err
		}
	}
	text, ok := p.Annotations[static.BundleAnnotationKey]
	if !ok {
		return l, reject(problemInvalid, "it has no log entry (annotation %s)", static.BundleAnnotationKey)
	}
	if l.entry, err = parseRekorBundle([]byte(text), a.limits); err != nil {
		return l, reject(problemMalformed, "read the annotation %s: %w", static.BundleAnnotationKey, err)
	}
	l.time, err = a.signedEntry(l.entry)
	return l, err
}

// parseRekorBundle reads cosign's bundle annotation with exactly its own fields.
func parseRekorBundle(b []byte, limits Limits) (cosignbundle.RekorBundle, error) {
	var r cosignbundle.RekorBundle
	if err := checkSmallJSON(b, limits.Depth, maxValues); err != nil {
		return r, err
	}
	o, err := parseObject(b, "the bundle")
	if err != nil {
		return r, err
	}
	if err := o.only("SignedEntryTimestamp", "Payload"); err != nil {
		return r, err
	}
	if r.SignedEntryTimestamp, err = o.base64("SignedEntryTimestamp"); err != nil {
		return r, err
	}
	payload, err := o.object("Payload")
	if err != nil {
		return r, err
	}
	if err := payload.only("body", "integratedTime", "logIndex", "logID"); err != nil {
		return r, err
	}
	body, err := payload.text("body")
	if err != nil {
		return r, err
	}
	if _, err := decodeBase64(body, "the log entry's body"); err != nil {
		return r, err
	}
	r.Payload.Body = body
	if r.Payload.IntegratedTime, err = payload.integer("integratedTime"); err != nil {
		return r, err
	}
	if r.Payload.LogIndex, err = payload.integer("logIndex"); err != nil {
		return r, err
	}
	if r.Payload.LogID, err = payload.text("logID"); err != nil {
		return r, err
	}
	if r.Payload.IntegratedTime <= 0 || r.Payload.LogIndex < 0 {
		return r, fmt.Errorf("the log entry has integratedTime %d and logIndex %d", r.Payload.IntegratedTime, r.Payload.LogIndex)
	}
	return r, nil
}

// signedEntry verifies the log's signature over the entry, so that only bodies
// that a trusted log signed reach cosign, and returns the log's time.
func (a *authenticator) signedEntry(r cosignbundle.RekorBundle) (VerifiedTime, error) {
	id, err := hex.DecodeString(r.Payload.LogID)
	if err != nil || hex.EncodeToString(id) != r.Payload.LogID {
		return VerifiedTime{}, reject(problemMalformed, "the log id %q is not lower-case hexadecimal", r.Payload.LogID)
	}
	log, ok := a.root.material.RekorLogs()[hex.EncodeToString(id)]
	if !ok {
		return VerifiedTime{}, reject(problemUnknownAuthority, "the trusted root %s (%s) does not know the log %s", a.root.name, a.root.source, r.Payload.LogID)
	}
	text, _ := r.Payload.Body.(string)
	body, err := decodeBase64(text, "the log entry's body")
	if err != nil {
		return VerifiedTime{}, reject(problemMalformed, "%w", err)
	}
	kind, err := entryKind(body, a.limits)
	if err != nil {
		return VerifiedTime{}, reject(problemMalformed, "read the log entry's body: %w", err)
	}
	entry, err := tlog.ParseTransparencyLogEntry(&protorekor.TransparencyLogEntry{
		LogIndex: r.Payload.LogIndex, LogId: &protocommon.LogId{KeyId: id}, KindVersion: kind,
		IntegratedTime: r.Payload.IntegratedTime, CanonicalizedBody: body,
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: r.SignedEntryTimestamp},
	})
	if err != nil {
		// It is JSON of a kind that is known: what is wrong is inside, such as a
		// signature that is not by the certificate beside it.
		return VerifiedTime{}, reject(problemInvalid, "read the log entry: %w", err)
	}
	if err := tlog.VerifySET(entry, a.root.material.RekorLogs()); err != nil {
		return VerifiedTime{}, reject(problemInvalid, "verify the log's signed entry timestamp: %w", err)
	}
	t := VerifiedTime{Time: time.Unix(r.Payload.IntegratedTime, 0).UTC(), Source: "log", URI: log.BaseURL}
	if err := logValid(log, []VerifiedTime{t}); err != nil {
		return VerifiedTime{}, reject(problemInvalid, "%w", err)
	}
	return t, nil
}

// entryKind reads kind and version of a Rekor v1 entry, and accepts those alone
// that cosign writes.
func entryKind(body []byte, limits Limits) (*protorekor.KindVersion, error) {
	kind, version, err := readKind(body, limits)
	if err != nil {
		return nil, err
	}
	switch kind + " " + version {
	case "hashedrekord 0.0.1", "dsse 0.0.1", "intoto 0.0.1", "intoto 0.0.2":
		return &protorekor.KindVersion{Kind: kind, Version: version}, nil
	}
	return nil, fmt.Errorf("the entry is of kind %s %s; wanted hashedrekord, dsse or intoto", kind, version)
}

// readKind reads kind and version of any Rekor entry.
func readKind(body []byte, limits Limits) (kind, version string, err error) {
	if err := checkSmallJSON(body, limits.Depth, maxValues); err != nil {
		return "", "", err
	}
	o, err := parseObject(body, "the entry")
	if err != nil {
		return "", "", err
	}
	if err := o.exact("kind", "apiVersion"); err != nil { // Rekor reads them again
		return "", "", err
	}
	if kind, err = o.text("kind"); err != nil {
		return "", "", err
	}
	version, err = o.text("apiVersion")
	return kind, version, err
}

func (l legacyLayer) options() []static.Option {
	options := []static.Option{static.WithBundle(&l.entry)}
	if l.leaf != nil {
		cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.leaf.Raw})
		options = append(options, static.WithCertChain(cert, nil))
	}
	return options
}

// cosign has cosign check a layer that has passed everything above, then checks
// what cosign leaves out. s is returned only if all of it holds.
func (a *authenticator) cosign(s *Statement, l legacyLayer, check func(v1.Hash, *cosign.CheckOpts) (bool, error)) (*Statement, error) {
	if need := a.root.thresholds; need.LogEntries > 1 || need.Timestamps > 1 {
		return nil, reject(problemInvalid, "the legacy layout carries one log entry and one time; the trusted root %s needs %d and %d",
			a.root.name, need.LogEntries, need.Timestamps)
	}
	h, err := v1.NewHash(a.image.Digest)
	if err != nil {
		return nil, reject(problemInvalid, "%w", err)
	}
	opts := cosign.CheckOpts{TrustedMaterial: a.root.material, Offline: true}
	if l.leaf == nil {
		return a.cosignKey(s, h, opts, check)
	}
	opts.Identities = []cosign.Identity{{Issuer: a.claims.Issuer, Subject: a.claims.Identity}}
	logged, err := check(h, &opts)
	if err != nil {
		if !a.root.signed(l.leaf) {
			return nil, a.unknownAuthority(l.leaf)
		}
		return nil, reject(problemInvalid, "%w", err)
	}
	if !logged {
		return nil, reject(problemInvalid, "no log entry was verified")
	}
	// cosign verifies the chain at the certificate's NotBefore: authorities that
	// had expired when the log saw the signature would pass.
	chains, err := sigstore.VerifyLeafCertificate(l.time.Time, l.leaf, a.root.material)
	if err != nil {
		return nil, reject(problemInvalid, "verify the certificate at the log's time: %w", err)
	}
	if n := a.root.thresholds.SCTs; n > 0 {
		if err := sigstore.VerifySignedCertificateTimestamp(chains, n, a.root.material); err != nil {
			return nil, reject(problemInvalid, "verify the signed certificate timestamp: %w", err)
		}
	}
	return s, nil
}

// cosignKey checks a layer without a certificate against each key that the policy names.
func (a *authenticator) cosignKey(s *Statement, h v1.Hash, opts cosign.CheckOpts, check func(v1.Hash, *cosign.CheckOpts) (bool, error)) (*Statement, error) {
	err := reject(problemKeySigned, "it is signed by a plain key, and the policy names none")
	for _, k := range a.trust.Keys {
		opts.SigVerifier = k.verifier
		logged, keyErr := check(h, &opts)
		switch {
		case keyErr != nil:
			err = reject(problemKeySigned, "it is signed by a plain key that is none of the policy's: %w", keyErr)
		case logged:
			s.keySHA256 = k.sha256
			return s, nil
		}
	}
	return nil, err
}
