package lab

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

// Media types of the layers that cosign writes under .sig and .att tags.
const (
	SimpleSigningMediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	EnvelopeMediaType      = "application/vnd.dsse.envelope.v1+json"
)

// Annotations of those layers.
const (
	SignatureAnnotation     = "dev.cosignproject.cosign/signature"
	CertificateAnnotation   = "dev.sigstore.cosign/certificate"
	ChainAnnotation         = "dev.sigstore.cosign/chain"
	BundleAnnotation        = "dev.sigstore.cosign/bundle"
	TimestampAnnotation     = "dev.sigstore.cosign/rfc3161timestamp"
	PredicateTypeAnnotation = "predicateType"
)

// Layer is one layer of a legacy signature or attestation manifest.
type Layer struct {
	MediaType   string
	Bytes       []byte
	Annotations map[string]string
}

// LegacyOption makes a legacy layer differ from what cosign writes.
type LegacyOption func(*legacyConfig)

type legacyConfig struct {
	payload       []byte
	criticalType  string
	payloadType   string
	before, after [][]byte
	log           logConfig
	stamp         bool
	set           map[string]string
	drop          []string
}

// LegacyPayload signs these bytes in place of the payload that repository and digest give, or of the statement.
func LegacyPayload(payload []byte) LegacyOption { return func(c *legacyConfig) { c.payload = payload } }

// CriticalType replaces critical.type in the payload of a signature.
func CriticalType(t string) LegacyOption { return func(c *legacyConfig) { c.criticalType = t } }

// LegacyPayloadType replaces the payload type of an attestation's envelope; the signature covers it.
func LegacyPayloadType(t string) LegacyOption { return func(c *legacyConfig) { c.payloadType = t } }

// RawBundle writes this text as the bundle annotation.
func RawBundle(text string) LegacyOption { return Annotation(BundleAnnotation, text) }

// Annotation adds or replaces an annotation.
func Annotation(key, value string) LegacyOption { return func(c *legacyConfig) { c.set[key] = value } }

// DropAnnotation leaves an annotation out.
func DropAnnotation(key string) LegacyOption {
	return func(c *legacyConfig) { c.drop = append(c.drop, key) }
}

// LegacyEntry sets the type of an attestation's log entry: EntryDSSE or, as cosign wrote before 2.3, EntryIntoto001.
func LegacyEntry(kind EntryKind) LegacyOption { return func(c *legacyConfig) { c.log.kind = kind } }

// LegacyEntryOf logs another payload or statement, signed by the same signer, in place of the layer's own.
func LegacyEntryOf(other []byte) LegacyOption {
	return func(c *legacyConfig) { c.log.otherStatement = other }
}

// LegacyEntryBody logs these bytes as they are.
func LegacyEntryBody(body []byte) LegacyOption { return func(c *legacyConfig) { c.log.rawBody = body } }

// LegacyUnknownLog logs to a log that the trusted root does not list.
func LegacyUnknownLog() LegacyOption { return func(c *legacyConfig) { c.log.unknown = true } }

// LegacyImpostorLog logs to a log that claims the id of the trusted one and signs with another key.
func LegacyImpostorLog() LegacyOption { return func(c *legacyConfig) { c.log.impostor = true } }

// LegacyFalsePromise spoils the signed entry timestamp.
func LegacyFalsePromise() LegacyOption { return func(c *legacyConfig) { c.log.corruptSET = true } }

// LegacyTimestamp adds an RFC 3161 timestamp.
func LegacyTimestamp() LegacyOption { return func(c *legacyConfig) { c.stamp = true } }

// LegacySignatureBefore puts a further signature before the real one in an attestation's envelope.
func LegacySignatureBefore(sig []byte) LegacyOption {
	return func(c *legacyConfig) { c.before = append(c.before, sig) }
}

// LegacySignatureAfter puts a further signature after the real one in an attestation's envelope.
func LegacySignatureAfter(sig []byte) LegacyOption {
	return func(c *legacyConfig) { c.after = append(c.after, sig) }
}

func newLegacyConfig(opts []LegacyOption) legacyConfig {
	cfg := legacyConfig{
		criticalType: "cosign container image signature",
		payloadType:  InTotoPayloadType,
		log:          logConfig{kind: EntryDSSE},
		set:          map[string]string{},
	}
	for _, o := range opts {
		o(&cfg)
	}
	return cfg
}

// LegacySignature signs an image as cosign 2 does: a simple signing payload with a log entry in its annotations. The
// repository stands in the payload as docker-reference; the digest is "sha256:...".
func (s *Signer) LegacySignature(repo, digest string, at time.Time, opts ...LegacyOption) (Layer, error) {
	cfg := newLegacyConfig(opts)
	payload := cfg.payload
	if payload == nil {
		var err error
		if payload, err = simpleSigning(repo, digest, cfg.criticalType); err != nil {
			return Layer{}, err
		}
	}
	sig, err := s.Sign(payload)
	if err != nil {
		return Layer{}, err
	}
	c := content{message: payload, signature: sig}
	annotations, err := s.legacyAnnotations(c, at, cfg)
	if err != nil {
		return Layer{}, fmt.Errorf("make legacy signature: %w", err)
	}
	annotations[SignatureAnnotation] = base64.StdEncoding.EncodeToString(sig)
	cfg.apply(annotations)
	return Layer{MediaType: SimpleSigningMediaType, Bytes: payload, Annotations: annotations}, nil
}

// LegacyAttestation signs a statement as cosign 2 does: an envelope with a log entry in the layer's annotations.
func (s *Signer) LegacyAttestation(statement []byte, at time.Time, opts ...LegacyOption) (Layer, error) {
	cfg := newLegacyConfig(opts)
	if cfg.payload != nil {
		statement = cfg.payload
	}
	env, err := s.newEnvelope(cfg.payloadType, statement)
	if err != nil {
		return Layer{}, err
	}
	env = env.surround(cfg.before, cfg.after)
	raw, err := env.marshal()
	if err != nil {
		return Layer{}, err
	}
	annotations, err := s.legacyAnnotations(content{envelope: &env, message: env.encoding(), signature: env.signatures[0]}, at, cfg)
	if err != nil {
		return Layer{}, fmt.Errorf("make legacy attestation: %w", err)
	}
	annotations[SignatureAnnotation] = ""
	if t := predicateType(statement); t != "" {
		annotations[PredicateTypeAnnotation] = t
	}
	cfg.apply(annotations)
	return Layer{MediaType: EnvelopeMediaType, Bytes: raw, Annotations: annotations}, nil
}

func (c legacyConfig) apply(annotations map[string]string) {
	maps.Copy(annotations, c.set)
	for _, k := range c.drop {
		delete(annotations, k)
	}
}

// simpleSigning writes the payload that cosign signs for an image.
func simpleSigning(repo, digest, criticalType string) ([]byte, error) {
	raw, err := json.Marshal(object{
		"critical": object{
			"identity": object{"docker-reference": repo},
			"image":    object{"docker-manifest-digest": digest},
			"type":     criticalType,
		},
		"optional": nil,
	})
	if err != nil {
		return nil, fmt.Errorf("encode signature payload: %w", err)
	}
	return raw, nil
}

// legacyAnnotations logs the content and writes certificate, chain, bundle and timestamp.
func (s *Signer) legacyAnnotations(c content, at time.Time, cfg legacyConfig) (map[string]string, error) {
	logged := c
	if cfg.log.otherStatement != nil {
		var err error
		if logged, err = s.signContent(cfg.log.otherStatement, bundleConfig{message: c.envelope == nil, payloadType: cfg.payloadType}); err != nil {
			return nil, err
		}
	}
	entry, err := s.entryOf(logged, cfg.log)
	if err != nil {
		return nil, err
	}
	tle, err := s.sigstore.record(entry, at, cfg.log)
	if err != nil {
		return nil, err
	}
	bundle, err := rekorBundle(tle)
	if err != nil {
		return nil, err
	}
	out := map[string]string{BundleAnnotation: bundle}
	if s.Certificate != nil {
		out[CertificateAnnotation] = string(s.CertificatePEM())
		out[ChainAnnotation] = string(s.ChainPEM())
	}
	if cfg.stamp {
		if out[TimestampAnnotation], err = s.legacyTimestamp(c, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rekorBundle writes an entry as cosign's bundle annotation.
func rekorBundle(tle *protorekor.TransparencyLogEntry) (string, error) {
	raw, err := json.Marshal(struct {
		SignedEntryTimestamp []byte
		Payload              any
	}{
		tle.GetInclusionPromise().GetSignedEntryTimestamp(),
		struct {
			Body           []byte `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		}{tle.GetCanonicalizedBody(), tle.GetIntegratedTime(), tle.GetLogIndex(), fmt.Sprintf("%x", tle.GetLogId().GetKeyId())},
	})
	if err != nil {
		return "", fmt.Errorf("encode bundle annotation: %w", err)
	}
	return string(raw), nil
}

// legacyTimestamp stamps what cosign stamps: the signature, or for an attestation the whole envelope.
func (s *Signer) legacyTimestamp(c content, at time.Time) (string, error) {
	over := c.signature
	if c.envelope != nil {
		var err error
		if over, err = c.envelope.marshal(); err != nil {
			return "", err
		}
	}
	token, err := s.sigstore.Timestamp(over, at)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(struct{ SignedRFC3161Timestamp []byte }{token})
	if err != nil {
		return "", fmt.Errorf("encode timestamp annotation: %w", err)
	}
	return string(raw), nil
}

// predicateType reads the predicate type of a statement; empty when there is none.
func predicateType(statement []byte) string {
	var s struct {
		PredicateType string `json:"predicateType"`
	}
	if json.Unmarshal(statement, &s) != nil {
		return ""
	}
	return s.PredicateType
}
