package lab

import (
	"strings"
	"time"
)

// SPDXPredicateType is the predicate type of SPDX documents, as cosign and BuildKit write it.
const SPDXPredicateType = "https://spdx.dev/Document"

// SPDX returns a statement whose predicate is a small, valid SPDX 2.3 document about the image.
func SPDX(name, digest string, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, SPDXPredicateType, Subjects(name, digest), spdx(name, digest), edits...)
}

// SBOMAbout returns a statement about a digest with any document, text or JSON, as its predicate.
func SBOMAbout(predicateType, name, digest string, document any, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, predicateType, Subjects(name, digest), document, edits...)
}

// spdx describes an image that holds one library. The namespace derives from the digest.
func spdx(name, digest string) object {
	short := name[strings.LastIndex(name, "/")+1:]
	purl := func(text string) []object {
		return []object{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text}}
	}
	return object{
		"spdxVersion":       "SPDX-2.3",
		"dataLicense":       "CC0-1.0",
		"SPDXID":            "SPDXRef-DOCUMENT",
		"name":              name,
		"documentNamespace": "https://spdx.example/" + short + "-" + hexOf(digest),
		"creationInfo": object{
			"created":  time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC).Format(time.RFC3339),
			"creators": []string{"Tool: lab-1.0"},
		},
		"packages": []object{
			{
				"SPDXID": "SPDXRef-image", "name": name, "versionInfo": "sha256:" + hexOf(digest), "downloadLocation": "NOASSERTION",
				"primaryPackagePurpose": "CONTAINER", "externalRefs": purl("pkg:oci/" + short + "@sha256%3A" + hexOf(digest)),
			},
			{
				"SPDXID": "SPDXRef-text", "name": "golang.org/x/text", "versionInfo": "v0.41.0", "downloadLocation": "NOASSERTION",
				"licenseDeclared": "BSD-3-Clause", "licenseConcluded": "NOASSERTION", "externalRefs": purl("pkg:golang/golang.org/x/text@v0.41.0"),
			},
		},
		"relationships": []object{
			{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"},
			{"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-text"},
		},
	}
}
