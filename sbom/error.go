package sbom

import "fmt"

// Kind classifies why a document was refused.
type Kind string

// The kinds of [Error].
const (
	// KindSize: the document has more bytes than Limits.Bytes.
	KindSize Kind = "size"
	// KindEncoding: it is not valid UTF-8, or a string has half a surrogate pair.
	KindEncoding Kind = "encoding"
	// KindSyntax: it is not JSON or XML, or is XML with a document type declaration.
	KindSyntax Kind = "syntax"
	// KindDocuments: something follows the end of the document.
	KindDocuments Kind = "documents"
	// KindDepth: it is nested more deeply than Limits.Depth.
	KindDepth Kind = "depth"
	// KindValues: it has more values or objects than Limits.Values and Limits.Objects,
	// or an object more keys than Limits.Keys.
	KindValues Kind = "values"
	// KindComponents: it has more components than Limits.Components.
	KindComponents Kind = "components"
	// KindDuplicate: an object has a key twice, or an element an attribute or a
	// child twice that may be there once.
	KindDuplicate Kind = "duplicate"
	// KindCase: a key differs by case alone from another of its object, or from one
	// that the format knows at this place. Some parsers read it and some do not.
	KindCase Kind = "case"
	// KindFormat: it is neither CycloneDX nor SPDX, or claims to be both.
	KindFormat Kind = "format"
	// KindVersion: the spec version is missing or unknown.
	KindVersion Kind = "version"
	// KindType: it is of another format or spec version than the predicate type says,
	// or the type is none of an SBOM's.
	KindType Kind = "type"
	// KindShape: a value is of another type than the format says.
	KindShape Kind = "shape"
)

// Error says why a document was refused.
type Error struct {
	Kind Kind
	// Path is a JSON Pointer (RFC 6901) to the place, or the like over XML elements;
	// empty where the problem is the document's.
	Path string
	// Problem is the reason in words.
	Problem string
	// Err is the parser's error, if that was the reason.
	Err error
}

// Error returns the place, the problem and the parser's words.
func (e *Error) Error() string {
	text := e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	return "read SBOM: " + text
}

// Unwrap returns the parser's error.
func (e *Error) Unwrap() error { return e.Err }

// refuse returns an [Error].
func refuse(kind Kind, path, format string, args ...any) *Error {
	return &Error{Kind: kind, Path: path, Problem: fmt.Sprintf(format, args...)}
}
