package verify

import (
	"encoding/json"
	"fmt"
	"time"
)

// Predicate types that the checks know.
const (
	// PredicateCosignSign is the predicate of a cosign signature in the bundle
	// format: https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md.
	PredicateCosignSign = "https://sigstore.dev/cosign/sign/v1"
	// PredicateProvenanceV02 and PredicateProvenanceV1 are SLSA provenance.
	PredicateProvenanceV02 = "https://slsa.dev/provenance/v0.2"
	PredicateProvenanceV1  = "https://slsa.dev/provenance/v1"
	// SimpleSigning names, in reports, the payload of a legacy signature, which is no
	// in-toto statement.
	SimpleSigning = "cosign container image signature"
)

const payloadTypeInToto = "application/vnd.in-toto+json"

// Statement is one authenticated statement about one image: a signature or an
// attestation whose signer, time and content were verified under one trusted
// root, and which names the image's digest. Only this package's authentication
// makes one, so that no check can be handed an unverified claim.
type Statement struct {
	layout        Layout
	place         string
	evidence      string // digest of the piece
	predicateType string
	predicate     json.RawMessage
	subjects      []Subject
	// claims is nil for evidence signed by a plain key, whose file's SHA-256 is keySHA256.
	claims    *Claims
	keySHA256 string
	times     []VerifiedTime
	log       LogEvidence
	root      string
	// dockerReference is critical.identity.docker-reference of a legacy signature.
	dockerReference string
	// Of what BuildKit keeps in an index alone: about is the digest of the image that it
	// attests, on platform. It has no claims, and no times but those of voucher, the
	// index's signature that made a check count it.
	about    string
	platform string
	voucher  *Statement
}

// Subject is one subject of an in-toto statement.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// VerifiedTime is a time of signing that somebody else vouches for.
type VerifiedTime struct {
	Time time.Time `json:"time"`
	// Source is "log" or "timestamp-authority"; URI names it.
	Source string `json:"source"`
	URI    string `json:"uri,omitempty"`
}

// LogEvidence is how inclusion in a transparency log was shown.
type LogEvidence string

// The kinds of log evidence.
const (
	// LogProof is an inclusion proof up to a signed checkpoint.
	LogProof LogEvidence = "proof"
	// LogPromise is a signed entry timestamp alone: the log promises to include.
	LogPromise LogEvidence = "promise"
	// LogNone is no log at all, possible only under a root whose thresholds say so.
	LogNone LogEvidence = "none"
)

// Claims returns what the signing certificate says, and false for a plain key.
func (s *Statement) Claims() (Claims, bool) {
	if s.claims == nil {
		return Claims{}, false
	}
	return *s.claims, true
}

// PredicateType returns the exact predicate type.
func (s *Statement) PredicateType() string { return s.predicateType }

// Predicate returns the predicate as it was signed; it must not be changed.
func (s *Statement) Predicate() json.RawMessage { return s.predicate }

// Time returns the earliest verified time of signing.
func (s *Statement) Time() time.Time {
	var earliest time.Time
	for _, t := range s.times {
		if earliest.IsZero() || t.Time.Before(earliest) {
			earliest = t.Time
		}
	}
	return earliest
}

// Log returns how the log entry was shown.
func (s *Statement) Log() LogEvidence { return s.log }

// payload is an in-toto statement as it was parsed, before or after its
// signature was verified.
type payload struct {
	predicateType string
	predicate     json.RawMessage
	subjects      []Subject
}

// parsePayload reads an in-toto statement, v0.1 or v1, strictly: see
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md.
func parsePayload(b []byte, limits Limits) (payload, error) {
	if err := checkJSON(b, limits.Depth); err != nil {
		return payload{}, fmt.Errorf("read the statement: %w", err)
	}
	o, err := parseObject(b, "the statement")
	if err != nil {
		return payload{}, err
	}
	kind, err := o.text("_type")
	if err != nil {
		return payload{}, fmt.Errorf("read the statement: %w", err)
	}
	if kind != "https://in-toto.io/Statement/v0.1" && kind != "https://in-toto.io/Statement/v1" {
		return payload{}, fmt.Errorf("the statement's _type is %q; wanted an in-toto Statement v0.1 or v1", kind)
	}
	p := payload{predicate: o["predicate"]}
	if p.predicateType, err = o.text("predicateType"); err != nil {
		return payload{}, fmt.Errorf("read the statement: %w", err)
	}
	subjects, err := o.array("subject", limits.Subjects)
	if err != nil {
		return payload{}, fmt.Errorf("read the statement: %w", err)
	}
	if len(subjects) == 0 || len(subjects) > limits.Subjects {
		return payload{}, fmt.Errorf("the statement has %d subjects; wanted 1 to %d", len(subjects), limits.Subjects)
	}
	for _, raw := range subjects {
		s, err := parseSubject(raw, limits)
		if err != nil {
			return payload{}, err
		}
		p.subjects = append(p.subjects, s)
	}
	return p, nil
}

func parseSubject(raw json.RawMessage, limits Limits) (Subject, error) {
	o, err := parseObject(raw, "a subject")
	if err != nil {
		return Subject{}, err
	}
	s := Subject{Digest: map[string]string{}}
	if raw, ok := o["name"]; ok { // it may be empty, as in the specification's own examples
		if err := json.Unmarshal(raw, &s.Name); err != nil {
			return Subject{}, fmt.Errorf("read a subject's name: %w", err)
		}
	}
	digests, err := o.object("digest")
	if err != nil {
		return Subject{}, fmt.Errorf("read a subject: %w", err)
	}
	if len(digests) > limits.Digests {
		return Subject{}, fmt.Errorf("a subject has %d digests; wanted at most %d", len(digests), limits.Digests)
	}
	for algorithm := range digests {
		if s.Digest[algorithm], err = digests.text(algorithm); err != nil {
			return Subject{}, fmt.Errorf("read a subject's digest: %w", err)
		}
	}
	return s, nil
}

// names reports whether one subject has exactly the digest "sha256:<hex>".
func (p payload) names(digest string) bool {
	for _, s := range p.subjects {
		if IsDigest(digest) && "sha256:"+s.Digest["sha256"] == digest {
			return true
		}
	}
	return false
}

// envelope is a DSSE envelope with exactly one signature.
type envelope struct {
	payload   []byte
	signature []byte
}

// maxSignatures is how many signatures of an envelope are counted before it is
// refused for having more than one.
const maxSignatures = 100

// parseEnvelope reads a DSSE envelope (https://github.com/secure-systems-lab/dsse)
// of an in-toto statement, strictly.
func parseEnvelope(b []byte, limits Limits) (envelope, error) {
	if err := checkSmallJSON(b, limits.Depth, maxValues); err != nil {
		return envelope{}, fmt.Errorf("read the envelope: %w", err)
	}
	o, err := parseObject(b, "the envelope")
	if err != nil {
		return envelope{}, err
	}
	// cosign reads the envelope again, and must see the payload that is judged.
	if err := o.exact("payloadType", "payload", "signatures"); err != nil {
		return envelope{}, fmt.Errorf("read the envelope: %w", err)
	}
	kind, err := o.text("payloadType")
	if err != nil {
		return envelope{}, fmt.Errorf("read the envelope: %w", err)
	}
	if kind != payloadTypeInToto {
		return envelope{}, fmt.Errorf("the envelope's payloadType is %q; wanted %q", kind, payloadTypeInToto)
	}
	var e envelope
	if e.payload, err = o.base64("payload"); err != nil {
		return envelope{}, fmt.Errorf("read the envelope: %w", err)
	}
	signatures, err := o.array("signatures", maxSignatures)
	if err != nil {
		return envelope{}, fmt.Errorf("read the envelope: %w", err)
	}
	if len(signatures) != 1 {
		return envelope{}, fmt.Errorf("the envelope has %d signatures; wanted exactly one", len(signatures))
	}
	signature, err := parseObject(signatures[0], "the envelope's signature")
	if err != nil {
		return envelope{}, err
	}
	if err := signature.exact("keyid", "sig"); err != nil {
		return envelope{}, fmt.Errorf("read the envelope's signature: %w", err)
	}
	if e.signature, err = signature.base64("sig"); err != nil {
		return envelope{}, fmt.Errorf("read the envelope's signature: %w", err)
	}
	return e, nil
}

// base64 returns the bytes at key, written in standard base64.
func (o object) base64(key string) ([]byte, error) {
	s, err := o.text(key)
	if err != nil {
		return nil, err
	}
	return decodeBase64(s, fmt.Sprintf("%q", key))
}
