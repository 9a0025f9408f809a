package lab

import "time"

// DefaultVEXAuthor is the author of a good release's VEX document.
const DefaultVEXAuthor = "security@acme.example"

// OpenVEX returns an OpenVEX document, version 0.2.0: one vulnerability does not affect the image, another is fixed.
func OpenVEX(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	product := object{
		"@id":           imagePURL(name, digest),
		"identifiers":   object{"purl": imagePURL(name, digest)},
		"hashes":        object{"sha-256": hexOf(digest)},
		"subcomponents": []object{{"@id": "pkg:golang/golang.org/x/text@v0.41.0"}},
	}
	return Statement(StatementV1, OpenVEXPredicateType, Subjects(name, digest), object{
		"@context":  "https://openvex.dev/ns/v0.2.0",
		"@id":       "https://openvex.dev/docs/example/vex-" + hexOf(digest)[:12],
		"author":    DefaultVEXAuthor,
		"timestamp": at.UTC().Format(time.RFC3339),
		"version":   1,
		"statements": []object{
			{
				"vulnerability": object{"name": "CVE-2025-1000"},
				"products":      []object{product},
				"status":        "not_affected",
				"justification": "vulnerable_code_not_in_execute_path",
			},
			{"vulnerability": object{"name": "CVE-2024-2000"}, "products": []object{product}, "status": "fixed"},
		},
	}, edits...)
}

// OpenVEXv001 returns a document of version 0.0.1, which wrote vulnerabilities and products as strings.
func OpenVEXv001(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, OpenVEXv001PredicateType, Subjects(name, digest), object{
		"@context":  "https://openvex.dev/ns/v0.0.1",
		"@id":       "https://openvex.dev/docs/example/vex-" + hexOf(digest)[:12],
		"author":    DefaultVEXAuthor,
		"timestamp": at.UTC().Format(time.RFC3339),
		"version":   "1",
		"statements": []object{{
			"vulnerability": "CVE-2025-1000",
			"products":      []string{imagePURL(name, digest)},
			"subcomponents": []string{"pkg:golang/golang.org/x/text@v0.41.0"},
			"status":        "not_affected",
			"justification": "component_not_present",
		}},
	}, edits...)
}
