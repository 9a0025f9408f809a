package sbom

import (
	"strings"
	"time"
)

// Document is what a bill of materials says, in one form for all formats.
type Document struct {
	Format   Format `json:"format"`
	Encoding string `json:"encoding"`
	// SpecVersion is the version of the specification without a prefix: "1.6", "2.3".
	SpecVersion string `json:"specVersion"`
	// SerialNumber is CycloneDX's serialNumber or SPDX's documentNamespace.
	SerialNumber string `json:"serialNumber,omitempty"`
	// Timestamp is when the document says it was made, as written; Time is the same,
	// or zero where it is missing or not RFC 3339.
	Timestamp string    `json:"timestamp,omitempty"`
	Time      time.Time `json:"time,omitzero"`
	Tools     []Tool    `json:"tools,omitempty"`
	// Authors are the people and organisations that wrote the document.
	Authors []string `json:"authors,omitempty"`
	// Described is what the document is about: CycloneDX's metadata.component, or the
	// packages that SPDX's document DESCRIBES. Several of those are also Components,
	// a single one is not.
	Described []Component `json:"described,omitempty"`
	// Components holds all others at every depth, outer before inner.
	Components   []Component  `json:"components,omitempty"`
	Dependencies []Dependency `json:"dependencies,omitempty"`
}

// Component is one component (CycloneDX) or package (SPDX). Its width is that of the
// formats: each field is one that a rule may ask about.
type Component struct {
	// Path is the JSON Pointer (RFC 6901) to the component in the document, for XML
	// in the terms of CycloneDX's JSON: "/components/3/components/0".
	Path string `json:"path"`
	// Ref is the bom-ref or SPDXID that dependencies name.
	Ref     string `json:"ref,omitempty"`
	Type    string `json:"type,omitempty"`
	Group   string `json:"group,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// PURL is the package URL in canonical form (ECMA-427), empty where there is none
	// or none that can be read; RawPURL is what the document has.
	PURL    string   `json:"purl,omitempty"`
	RawPURL string   `json:"rawPurl,omitempty"`
	Package *Package `json:"package,omitempty"`
	CPE     string   `json:"cpe,omitempty"`
	// Supplier is the supplier, or else the manufacturer or publisher.
	Supplier string `json:"supplier,omitempty"`
	// License is one SPDX expression for all Licenses that count, or empty.
	License  string    `json:"license,omitempty"`
	Licenses []License `json:"licenses,omitempty"`
	Hashes   []Hash    `json:"hashes,omitempty"`
	// Scope is CycloneDX's: required, optional, excluded or empty.
	Scope string `json:"scope,omitempty"`
}

// Hash is a digest of a component.
type Hash struct {
	// Algorithm is in lower case without punctuation: "sha256", "sha3512", "blake2b256".
	Algorithm string `json:"algorithm"`
	// Value is in lower-case hexadecimal, as far as the document's is hexadecimal.
	Value string `json:"value"`
}

// Tool is a program that took part in making the document.
type Tool struct {
	Vendor  string `json:"vendor,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// Dependency says what one component needs or contains, by Ref.
type Dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"on"`
}

// All returns Described and Components without listing any twice.
func (d *Document) All() []Component {
	if len(d.Described) != 1 {
		return appendNew(d.Components, d.Described)
	}
	return append(append(make([]Component, 0, 1+len(d.Components)), d.Described...), d.Components...)
}

// appendNew returns list and those of more whose path is not in it.
func appendNew(list, more []Component) []Component {
	if len(more) == 0 {
		return list
	}
	seen := make(map[string]bool, len(list))
	for i := range list {
		seen[list[i].Path] = true
	}
	out := append(make([]Component, 0, len(list)+len(more)), list...)
	for i := range more {
		if !seen[more[i].Path] {
			out = append(out, more[i])
		}
	}
	return out
}

// ImageDigests returns the digests ("sha256:<hex>") by which the component names a
// container image: in the version of an oci or docker package URL, as its version,
// behind the @ of its name, or as the SHA-256 of a container.
func (c *Component) ImageDigests() []string {
	var found []string
	add := func(s string) {
		s = strings.ToLower(strings.TrimSpace(s))
		if !isDigest(s) {
			return
		}
		for _, f := range found {
			if f == s {
				return
			}
		}
		found = append(found, s)
	}
	if p := c.Package; p != nil && (p.Type == "oci" || p.Type == "docker") {
		add(p.Version)
	}
	add(c.Version)
	if _, after, ok := strings.Cut(c.Name, "@"); ok {
		add(after)
	}
	if c.Type == "container" {
		for _, h := range c.Hashes {
			if h.Algorithm == "sha256" {
				add("sha256:" + h.Value)
			}
		}
	}
	return found
}

// isDigest reports whether s is "sha256:" with 64 or "sha512:" with 128 lower-case
// hexadecimal characters.
func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	want := 64
	if !ok {
		hex, ok = strings.CutPrefix(s, "sha512:")
		want = 128
	}
	return ok && len(hex) == want && strings.Trim(hex, "0123456789abcdef") == ""
}

// newHash returns a hash in the form of [Hash]. "SHA-256", "SHA256" and "sha_256" are one.
func newHash(algorithm, value string) Hash {
	drop := func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}
	return Hash{
		Algorithm: strings.Map(drop, strings.ToLower(algorithm)),
		Value:     strings.ToLower(strings.TrimSpace(value)),
	}
}

// newTime returns the time of an RFC 3339 timestamp, or zero.
func newTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
