package lab

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Statement types and predicate types.
const (
	StatementV01           = "https://in-toto.io/Statement/v0.1"
	StatementV1            = "https://in-toto.io/Statement/v1"
	SignPredicateType      = "https://sigstore.dev/cosign/sign/v1"
	CycloneDXPredicateType = "https://cyclonedx.org/bom"
	SLSAv02PredicateType   = "https://slsa.dev/provenance/v0.2"
	SLSAv1PredicateType    = "https://slsa.dev/provenance/v1"
)

// Subject is one subject of a statement. Digest maps an algorithm to lower-case hex.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// Subjects returns the usual single subject for a digest written "sha256:...".
func Subjects(name, digest string) []Subject {
	return []Subject{{Name: name, Digest: map[string]string{"sha256": hexOf(digest)}}}
}

// Edit changes a decoded statement before it is encoded again.
type Edit func(map[string]any)

// Statement returns a statement of the given types with any predicate.
func Statement(statementType, predicateType string, subjects []Subject, predicate any, edits ...Edit) ([]byte, error) {
	return encodeStatement(object{
		"_type":         statementType,
		"subject":       subjects,
		"predicateType": predicateType,
		"predicate":     predicate,
	}, edits)
}

// SignStatement returns the statement that cosign signs in place of a signature in the bundle format.
func SignStatement(name, digest string, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, SignPredicateType, Subjects(name, digest), object{}, edits...)
}

// CycloneDX returns a statement whose predicate is a small, valid CycloneDX 1.6 document about the image.
func CycloneDX(name, digest string, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, CycloneDXPredicateType, Subjects(name, digest), cycloneDX(name, digest), edits...)
}

// cycloneDX describes an image that holds one library. The serial number derives from the digest.
func cycloneDX(name, digest string) object {
	const image, library = "image", "pkg:golang/golang.org/x/text@v0.41.0"
	sum := commitOf(digest)
	short := name[strings.LastIndex(name, "/")+1:]
	return object{
		"bomFormat":    "CycloneDX",
		"specVersion":  "1.6",
		"serialNumber": fmt.Sprintf("urn:uuid:%s-%s-4%s-a%s-%s", sum[:8], sum[8:12], sum[13:16], sum[17:20], sum[20:32]),
		"version":      1,
		"metadata": object{
			"timestamp": time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC).Format(time.RFC3339),
			"component": object{
				"bom-ref": image,
				"type":    "container",
				"name":    name,
				"version": "sha256:" + hexOf(digest),
				"purl":    "pkg:oci/" + short + "@sha256%3A" + hexOf(digest),
			},
		},
		"components": []object{{
			"bom-ref":  library,
			"type":     "library",
			"name":     "golang.org/x/text",
			"version":  "v0.41.0",
			"purl":     library,
			"licenses": []object{{"license": object{"id": "BSD-3-Clause"}}},
		}},
		"dependencies": []object{
			{"ref": image, "dependsOn": []string{library}},
			{"ref": library, "dependsOn": []string{}},
		},
	}
}

// encodeStatement encodes a statement. With edits it goes through a decoded form first, so that they see plain maps.
func encodeStatement(statement object, edits []Edit) ([]byte, error) {
	raw, err := json.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("encode statement: %w", err)
	}
	if len(edits) == 0 {
		return raw, nil
	}
	var decoded map[string]any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return nil, fmt.Errorf("decode statement: %w", err)
	}
	for _, edit := range edits {
		if edit != nil {
			edit(decoded)
		}
	}
	if raw, err = json.Marshal(decoded); err != nil {
		return nil, fmt.Errorf("encode edited statement: %w", err)
	}
	return raw, nil
}

// hexOf takes the algorithm off a digest.
func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }
