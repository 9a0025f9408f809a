package lab

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
)

// logEntry is a canonical body with the type it states.
type logEntry struct {
	kind, version string
	body          []byte
}

// EntryKind names a type of Rekor v1 entry as "kind/version".
type EntryKind string

// The Rekor v1 entry types of the legacy layout and of bundles. A bundle may hold EntryDSSE or EntryIntoto002, a
// legacy attestation EntryDSSE or EntryIntoto001; signatures are always "hashedrekord/0.0.1".
const (
	EntryDSSE      EntryKind = "dsse/0.0.1"
	EntryIntoto001 EntryKind = "intoto/0.0.1"
	EntryIntoto002 EntryKind = "intoto/0.0.2"
)

type object = map[string]any

// v1Entry encodes a Rekor v1 body. Keys are sorted by encoding/json and values hold only base64 and hex, so the
// result is canonical.
func v1Entry(kind, version string, spec object) (logEntry, error) {
	body, err := json.Marshal(object{"apiVersion": version, "kind": kind, "spec": spec})
	if err != nil {
		return logEntry{}, fmt.Errorf("encode %s entry: %w", kind, err)
	}
	return logEntry{kind: kind, version: version, body: body}, nil
}

func sha256Object(data []byte) object {
	sum := sha256.Sum256(data)
	return object{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
}

// dsseEntry encodes the Rekor v1 entry of an envelope with one signature.
func dsseEntry(kind EntryKind, env envelope, verifierPEM []byte) (logEntry, error) {
	raw, err := env.marshal()
	if err != nil {
		return logEntry{}, err
	}
	verifier := base64.StdEncoding.EncodeToString(verifierPEM)
	var sig string
	if len(env.signatures) > 0 {
		sig = base64.StdEncoding.EncodeToString(env.signatures[0])
	}
	switch kind {
	case EntryDSSE:
		return v1Entry("dsse", "0.0.1", object{
			"envelopeHash": sha256Object(raw),
			"payloadHash":  sha256Object(env.payload),
			"signatures":   []object{{"signature": sig, "verifier": verifier}},
		})
	case EntryIntoto001:
		return v1Entry("intoto", "0.0.1", object{
			"content":   object{"hash": sha256Object(raw), "payloadHash": sha256Object(env.payload)},
			"publicKey": verifier,
		})
	case EntryIntoto002:
		return v1Entry("intoto", "0.0.2", object{"content": object{
			"envelope": object{
				"payloadType": env.payloadType,
				// The log keeps the envelope's base64 text as bytes, which JSON then encodes once more.
				"signatures": []object{{"sig": base64.StdEncoding.EncodeToString([]byte(sig)), "publicKey": verifier}},
			},
			"hash":        sha256Object(raw),
			"payloadHash": sha256Object(env.payload),
		}})
	default:
		return logEntry{}, fmt.Errorf("encode log entry: unknown kind %q", kind)
	}
}

// hashedEntry encodes the Rekor v1 entry of a signature over bytes.
func hashedEntry(message, sig, verifierPEM []byte) (logEntry, error) {
	return v1Entry("hashedrekord", "0.0.1", object{
		"data": object{"hash": sha256Object(message)},
		"signature": object{
			"content":   base64.StdEncoding.EncodeToString(sig),
			"publicKey": object{"content": base64.StdEncoding.EncodeToString(verifierPEM)},
		},
	})
}

// tileEntry encodes the Rekor v2 entry of a signature over bytes (for an envelope, over its pre-authentication encoding).
func tileEntry(message, sig []byte, s *Signer) (logEntry, error) {
	verifier := &rekortiles.Verifier{KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256}
	if s.Certificate != nil {
		verifier.Verifier = &rekortiles.Verifier_X509Certificate{X509Certificate: &protocommon.X509Certificate{RawBytes: s.Certificate.Raw}}
	} else {
		verifier.Verifier = &rekortiles.Verifier_PublicKey{PublicKey: &rekortiles.PublicKey{RawBytes: s.spki}}
	}
	sum := sha256.Sum256(message)
	return canonicalTileEntry(&rekortiles.Entry{
		Kind:       "hashedrekord",
		ApiVersion: "0.0.2",
		Spec: &rekortiles.Spec{Spec: &rekortiles.Spec_HashedRekordV002{HashedRekordV002: &rekortiles.HashedRekordLogEntryV002{
			Data:      &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature: &rekortiles.Signature{Content: sig, Verifier: verifier},
		}}},
	})
}
