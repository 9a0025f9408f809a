package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"google.golang.org/protobuf/encoding/protojson"
)

// BundleMediaType is the media type of a v0.3 bundle, which is also its artifact type in a registry.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// BundleVersion is a version of the bundle format.
type BundleVersion string

// The versions of the bundle format. Before v0.3 a bundle holds the certificate as the only member of a chain.
const (
	BundleV01 BundleVersion = "0.1"
	BundleV02 BundleVersion = "0.2"
	BundleV03 BundleVersion = "0.3"
)

func (v BundleVersion) mediaType() string {
	if v == BundleV03 {
		return BundleMediaType
	}
	return "application/vnd.dev.sigstore.bundle+json;version=" + string(v)
}

// BundleOption makes a bundle differ from the default: v0.3, an envelope with one signature, a Rekor v1 "dsse" entry
// with promise and proof, no timestamp.
type BundleOption func(*bundleConfig)

type bundleConfig struct {
	version       BundleVersion
	payloadType   string
	message       bool
	before, after [][]byte
	log           logConfig
	stamp         bool
	stampOver     []byte
	stampAt       time.Time
	stampBy       *Sigstore
	edit          []func(*protobundle.Bundle)
}

// Version sets the version of the format.
func Version(v BundleVersion) BundleOption { return func(c *bundleConfig) { c.version = v } }

// RekorV2 logs to the Rekor v2 log and, because its entries carry no time, adds a timestamp. [NoTimestamp] after it
// takes the timestamp away again.
func RekorV2() BundleOption { return func(c *bundleConfig) { c.log.v2, c.stamp = true, true } }

// Unlogged leaves log entries out.
func Unlogged() BundleOption { return func(c *bundleConfig) { c.log.none = true } }

// NoPromise leaves the signed entry timestamp out.
func NoPromise() BundleOption { return func(c *bundleConfig) { c.log.noSET = true } }

// NoProof leaves the inclusion proof out.
func NoProof() BundleOption { return func(c *bundleConfig) { c.log.noProof = true } }

// FalsePromise spoils the signed entry timestamp.
func FalsePromise() BundleOption { return func(c *bundleConfig) { c.log.corruptSET = true } }

// FalseProof spoils the inclusion proof and leaves the checkpoint as it is.
func FalseProof() BundleOption { return func(c *bundleConfig) { c.log.corruptProof = true } }

// CheckpointOrigin replaces the origin line of the checkpoint (and, for Rekor v2, the name of its signature).
func CheckpointOrigin(origin string) BundleOption {
	return func(c *bundleConfig) { c.log.origin = origin }
}

// UnknownLog logs to a log that the trusted root does not list.
func UnknownLog() BundleOption { return func(c *bundleConfig) { c.log.unknown = true } }

// ImpostorLog logs to a log that claims the id of the trusted one and signs with another key.
func ImpostorLog() BundleOption { return func(c *bundleConfig) { c.log.impostor = true } }

// LoggedTwice adds a second entry of the same log under another index.
func LoggedTwice() BundleOption { return func(c *bundleConfig) { c.log.twice = true } }

// AlsoRekorV2 adds an entry of the Rekor v2 log to that of the Rekor v1 log.
func AlsoRekorV2() BundleOption { return func(c *bundleConfig) { c.log.both = true } }

// Entry sets the type of the Rekor v1 entry.
func Entry(kind EntryKind) BundleOption { return func(c *bundleConfig) { c.log.kind = kind } }

// EntryOf logs another statement, signed by the same signer, in place of the bundle's own.
func EntryOf(statement []byte) BundleOption {
	return func(c *bundleConfig) { c.log.otherStatement = statement }
}

// EntryBody logs these bytes as they are.
func EntryBody(body []byte) BundleOption { return func(c *bundleConfig) { c.log.rawBody = body } }

// Timestamp adds an RFC 3161 timestamp over the signature.
func Timestamp() BundleOption { return func(c *bundleConfig) { c.stamp = true } }

// TimestampOver adds a timestamp over other bytes.
func TimestampOver(data []byte) BundleOption {
	return func(c *bundleConfig) { c.stamp, c.stampOver = true, data }
}

// TimestampAt adds a timestamp that bears another time than the log entry.
func TimestampAt(at time.Time) BundleOption {
	return func(c *bundleConfig) { c.stamp, c.stampAt = true, at }
}

// StampedBy adds a timestamp by another instance.
func StampedBy(other *Sigstore) BundleOption {
	return func(c *bundleConfig) { c.stamp, c.stampBy = true, other }
}

// NoTimestamp leaves the timestamp out.
func NoTimestamp() BundleOption { return func(c *bundleConfig) { c.stamp = false } }

// PayloadType replaces the envelope's payload type; the signature covers it.
func PayloadType(t string) BundleOption { return func(c *bundleConfig) { c.payloadType = t } }

// SignatureBefore puts a further signature before the real one. The log entry names the first.
func SignatureBefore(sig []byte) BundleOption {
	return func(c *bundleConfig) { c.before = append(c.before, sig) }
}

// SignatureAfter puts a further signature after the real one.
func SignatureAfter(sig []byte) BundleOption {
	return func(c *bundleConfig) { c.after = append(c.after, sig) }
}

// MessageSignature signs the statement as a plain file rather than in an envelope.
func MessageSignature() BundleOption { return func(c *bundleConfig) { c.message = true } }

// EditBundle changes the finished bundle.
func EditBundle(edit func(*protobundle.Bundle)) BundleOption {
	return func(c *bundleConfig) { c.edit = append(c.edit, edit) }
}

// Bundle signs a statement and returns a Sigstore bundle as JSON. The time is when the log saw it and, if there is a
// timestamp, what that says.
func (s *Signer) Bundle(statement []byte, at time.Time, opts ...BundleOption) ([]byte, error) {
	cfg := bundleConfig{version: BundleV03, payloadType: InTotoPayloadType, log: logConfig{kind: EntryDSSE}, stampAt: at}
	for _, o := range opts {
		o(&cfg)
	}
	signed, err := s.signContent(statement, cfg)
	if err != nil {
		return nil, fmt.Errorf("make bundle: %w", err)
	}
	material := s.material(cfg.version)
	if !cfg.log.none {
		if material.TlogEntries, err = s.logContent(signed, at, cfg); err != nil {
			return nil, fmt.Errorf("make bundle: %w", err)
		}
	}
	if cfg.stamp {
		if material.TimestampVerificationData, err = s.timestamps(signed.signature, cfg); err != nil {
			return nil, fmt.Errorf("make bundle: %w", err)
		}
	}
	bundle := &protobundle.Bundle{MediaType: cfg.version.mediaType(), VerificationMaterial: material}
	signed.fill(bundle)
	for _, edit := range cfg.edit {
		edit(bundle)
	}
	return encodeBundle(bundle)
}

func encodeBundle(b *protobundle.Bundle) ([]byte, error) {
	raw, err := protojson.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode bundle: %w", err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return nil, fmt.Errorf("compact bundle: %w", err)
	}
	return out.Bytes(), nil
}

// content is what a bundle signs: an envelope, or a message when the envelope is nil.
type content struct {
	envelope  *envelope
	message   []byte // what the first signature covers
	signature []byte // the first signature
}

func (s *Signer) signContent(statement []byte, cfg bundleConfig) (content, error) {
	if cfg.message {
		sig, err := s.Sign(statement)
		return content{message: statement, signature: sig}, err
	}
	env, err := s.newEnvelope(cfg.payloadType, statement)
	if err != nil {
		return content{}, err
	}
	env = env.surround(cfg.before, cfg.after)
	return content{envelope: &env, message: env.encoding(), signature: env.signatures[0]}, nil
}

func (c content) fill(b *protobundle.Bundle) {
	if c.envelope == nil {
		sum := sha256.Sum256(c.message)
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     c.signature,
		}}
		return
	}
	env := &protodsse.Envelope{Payload: c.envelope.payload, PayloadType: c.envelope.payloadType}
	for _, sig := range c.envelope.signatures {
		env.Signatures = append(env.Signatures, &protodsse.Signature{Sig: sig})
	}
	b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: env}
}

// material says who signed, in the shape of the bundle's version.
func (s *Signer) material(v BundleVersion) *protobundle.VerificationMaterial {
	m := &protobundle.VerificationMaterial{}
	if s.Certificate == nil {
		m.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: s.Hint()}}
		return m
	}
	cert := &protocommon.X509Certificate{RawBytes: s.Certificate.Raw}
	if v == BundleV03 {
		m.Content = &protobundle.VerificationMaterial_Certificate{Certificate: cert}
		return m
	}
	m.Content = &protobundle.VerificationMaterial_X509CertificateChain{
		X509CertificateChain: &protocommon.X509CertificateChain{Certificates: []*protocommon.X509Certificate{cert}},
	}
	return m
}

func (s *Signer) timestamps(signature []byte, cfg bundleConfig) (*protobundle.TimestampVerificationData, error) {
	over := signature
	if cfg.stampOver != nil {
		over = cfg.stampOver
	}
	by := s.sigstore
	if cfg.stampBy != nil {
		by = cfg.stampBy
	}
	token, err := by.Timestamp(over, cfg.stampAt)
	if err != nil {
		return nil, err
	}
	return &protobundle.TimestampVerificationData{
		Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: token}},
	}, nil
}
