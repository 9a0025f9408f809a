// Package sbom reads software bills of materials and judges their content.
//
// It knows CycloneDX 1.2 to 1.7 (JSON and XML) and SPDX 2.2 and 2.3 (JSON). Bytes
// go in and values come out: the package reads no file, no network and no clock,
// and a document that it returns says nothing about who wrote it.
//
// Start with [Parse], which checks the structure strictly and returns the facts as
// a [Document]. Package sbom/schema holds the bytes against the specification's own
// JSON Schemas, a step of its own because many tools in the wild write documents that
// fail it. The rules ([DenyLicenses], [DenyComponents], [MinComponents] and so
// on) are plain functions over a Document that return what violates them.
package sbom

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Format is a family of documents.
type Format string

// The formats that [Parse] reads.
const (
	CycloneDX Format = "cyclonedx"
	SPDX      Format = "spdx"
)

// Encodings of a [Document].
const (
	EncodingJSON = "json"
	EncodingXML  = "xml"
)

// Predicate types of in-toto statements that carry an SBOM. A statement may add a
// spec version ("https://spdx.dev/Document/v2.3"), which then has to be the document's.
const (
	PredicateCycloneDX = "https://cyclonedx.org/bom"
	PredicateSPDX      = "https://spdx.dev/Document"
)

// Parse reads a document of a format that is told from its content, within limits
// (a zero field takes its default). The error is an [*Error].
func Parse(b []byte, limits Limits) (*Document, error) {
	limits = limits.orDefault()
	encoding, err := encodingOf(b, limits)
	if err != nil {
		return nil, err
	}
	if encoding == EncodingXML {
		return parseXML(b, limits)
	}
	return parseJSON(b, limits)
}

// encodingOf tells JSON and XML apart, and refuses what is too large.
func encodingOf(b []byte, limits Limits) (string, error) {
	if len(b) > limits.Bytes {
		return "", refuse(KindSize, "", "the document has %d bytes, more than %d", len(b), limits.Bytes)
	}
	switch first(b) {
	case '{':
		return EncodingJSON, nil
	case '<':
		return EncodingXML, nil
	case 0:
		return "", refuse(KindFormat, "", "the document is empty")
	}
	return "", refuse(KindFormat, "", "the document is neither a JSON object nor XML")
}

// Check checks the structure as [Parse] does, and returns format, encoding and spec
// version without decoding anything. The error is an [*Error].
func Check(b []byte, limits Limits) (format Format, encoding, version string, err error) {
	limits = limits.orDefault()
	if encoding, err = encodingOf(b, limits); err != nil {
		return "", "", "", err
	}
	if encoding == EncodingXML {
		f := newXMLFilter(b, limits)
		if err := f.finish(); err != nil {
			return "", "", "", err
		}
		return CycloneDX, encoding, f.version, nil
	}
	_, format, version, err = checkJSON(b, limits)
	return format, encoding, version, err
}

// PredicateTypes lists the exact predicate types under which tools attest documents of a
// format, of either format for "": cosign and BuildKit write the base alone,
// actions/attest-sbom adds the spec version to SPDX's.
func PredicateTypes(format Format) []string {
	var types []string
	for _, f := range []struct {
		format   Format
		base     string
		versions []string
	}{
		{CycloneDX, PredicateCycloneDX, cycloneDXVersions},
		{SPDX, PredicateSPDX, spdxVersions},
	} {
		if format != "" && format != f.format {
			continue
		}
		types = append(types, f.base)
		for _, v := range f.versions {
			types = append(types, f.base+"/v"+v)
		}
	}
	return types
}

// PredicateDocument returns the document inside the predicate of a statement: the predicate
// itself, or the text of a JSON string (cosign writes what it was told is not JSON as
// such), within limits.Bytes. The error is an [*Error].
func PredicateDocument(predicate []byte, limits Limits) ([]byte, error) {
	limits = limits.orDefault()
	// Six characters of escape hold one byte at worst.
	if len(predicate) > limits.Bytes && (first(predicate) != '"' || len(predicate)/6 > limits.Bytes) {
		return nil, refuse(KindSize, "", "the predicate has %d bytes, more than %d", len(predicate), limits.Bytes)
	}
	if first(predicate) != '"' {
		return predicate, nil
	}
	if err := checkText(predicate); err != nil {
		return nil, err
	}
	if _, err := project(predicate, nil, limits); err != nil {
		return nil, err
	}
	var text string
	if err := json.Unmarshal(predicate, &text); err != nil {
		return nil, &Error{Kind: KindSyntax, Problem: "the predicate is not JSON", Err: err}
	}
	return []byte(text), nil
}

// ParsePredicate reads the predicate of a statement of the given type, as
// [PredicateDocument] finds the document in it. Type and content have to agree on
// format and, where the type names one, spec version. The error is an [*Error].
func ParsePredicate(predicateType string, predicate []byte, limits Limits) (*Document, error) {
	want, version, ok := formatOf(predicateType)
	if !ok {
		return nil, refuse(KindType, "", "predicate type %q is not one of an SBOM", predicateType)
	}
	b, err := PredicateDocument(predicate, limits)
	if err != nil {
		return nil, err
	}
	doc, err := Parse(b, limits)
	if err != nil {
		return nil, err
	}
	if doc.Format != want {
		return nil, refuse(KindType, "", "predicate type %q holds a document of format %q", predicateType, doc.Format)
	}
	if version != "" && version != doc.SpecVersion {
		return nil, refuse(KindType, "", "predicate type %q holds a document of spec version %q", predicateType, doc.SpecVersion)
	}
	return doc, nil
}

// FormatOf returns the format that a predicate type stands for, "" for none.
func FormatOf(predicateType string) Format {
	format, _, _ := formatOf(predicateType)
	return format
}

// formatOf tells which format a predicate type stands for, and the spec version if
// the type has one.
func formatOf(predicateType string) (Format, string, bool) {
	for base, format := range map[string]Format{PredicateCycloneDX: CycloneDX, PredicateSPDX: SPDX} {
		if predicateType == base {
			return format, "", true
		}
		if version, ok := strings.CutPrefix(predicateType, base+"/v"); ok && version != "" {
			return format, version, true
		}
	}
	return "", "", false
}

// first returns the first byte that is not white space, after the byte order mark
// that XML may begin with, or 0.
func first(b []byte) byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if xml := bytes.TrimPrefix(b, byteOrderMark); len(xml) > 0 && xml[0] == '<' {
		return '<'
	}
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// byteOrderMark is U+FEFF in UTF-8: allowed before XML, not before JSON (RFC 8259, section 8.1).
var byteOrderMark = []byte("\xef\xbb\xbf")

// header tells what a JSON document is.
type header struct {
	BOMFormat   *string `json:"bomFormat"`
	SpecVersion string  `json:"specVersion"`
	SPDXVersion *string `json:"spdxVersion"`
}

// parseJSON reads a JSON document of either format.
func parseJSON(b []byte, limits Limits) (*Document, error) {
	facts, format, version, err := checkJSON(b, limits)
	if err != nil {
		return nil, err
	}
	if format == SPDX {
		return parseSPDX(facts, version)
	}
	return parseCycloneDX(facts, version)
}

// checkJSON checks a JSON document, and returns its parts that hold facts, its format
// and its spec version.
func checkJSON(b []byte, limits Limits) ([]byte, Format, string, error) {
	if err := checkText(b); err != nil {
		return nil, "", "", err
	}
	facts, err := project(b, jsonShape(), limits)
	if err != nil {
		return nil, "", "", err
	}
	format, version, err := identify(facts)
	return facts, format, version, err
}

// identify tells format and spec version of a JSON document, and refuses what is not
// one of those that this package reads.
func identify(facts []byte) (Format, string, error) {
	var h header
	if err := json.Unmarshal(facts, &h); err != nil {
		return "", "", &Error{Kind: KindShape, Problem: "read format and version", Err: err}
	}
	switch {
	case h.BOMFormat != nil && h.SPDXVersion != nil:
		return "", "", refuse(KindFormat, "", "the document claims to be both CycloneDX and SPDX")
	case h.BOMFormat != nil:
		if *h.BOMFormat != "CycloneDX" {
			return "", "", refuse(KindFormat, "/bomFormat", "the format is %q, not \"CycloneDX\"", *h.BOMFormat)
		}
		if !slices.Contains(cycloneDXVersions, h.SpecVersion) {
			return "", "", refuse(KindVersion, "/specVersion", "the spec version is %q, not one of %v", h.SpecVersion, cycloneDXVersions)
		}
		return CycloneDX, h.SpecVersion, nil
	case h.SPDXVersion != nil:
		version, ok := strings.CutPrefix(*h.SPDXVersion, "SPDX-")
		if !ok || !slices.Contains(spdxVersions, version) {
			return "", "", refuse(KindVersion, "/spdxVersion", "the spec version is %q, not SPDX- and one of %v", *h.SPDXVersion, spdxVersions)
		}
		return SPDX, version, nil
	}
	return "", "", refuse(KindFormat, "", "the document has neither bomFormat nor spdxVersion")
}

// The spec versions that [Parse] reads.
var (
	cycloneDXVersions = []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}
	spdxVersions      = []string{"2.2", "2.3"}
)

// jsonShape names what holds facts in either format; their keys do not meet.
func jsonShape() *shape {
	s := cycloneDXShape()
	maps.Copy(s.fields, spdxShape().fields)
	return s
}
