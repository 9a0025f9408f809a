package sbom

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// xmlNamespace is the namespace of CycloneDX XML less its spec version.
const xmlNamespace = "http://cyclonedx.org/schema/bom/"

// xmlShape names what holds facts in CycloneDX XML (bom-1.x.xsd).
func xmlShape() *shape {
	text := func() *shape { return &shape{fields: map[string]*shape{}} }
	named := func(names ...string) *shape {
		s := text()
		for _, n := range names {
			s.fields[n] = text()
		}
		return s
	}
	many := func(s *shape, attrs ...string) *shape {
		s.many, s.attrs = true, attrs
		return s
	}
	component := many(named("group", "name", "version", "purl", "cpe", "publisher", "scope"), "bom-ref", "type")
	component.component = true
	components := fields("component", component)
	component.fields["supplier"] = named("name")
	component.fields["manufacturer"] = named("name")
	component.fields["hashes"] = fields("hash", many(text(), "alg"))
	component.fields["licenses"] = fields(
		"license", many(named("id", "name"), "acknowledgement"),
		"expression", many(text(), "acknowledgement"))
	component.fields["components"] = components
	described := *component
	described.many = false
	metadata := fields(
		"timestamp", text(), "component", &described,
		"authors", fields("author", many(named("name", "email"))),
		"manufacture", named("name"), "manufacturer", named("name"), "supplier", named("name"),
		"tools", fields(
			"tool", many(named("vendor", "name", "version")),
			"components", fields("component", many(named("group", "publisher", "name", "version"), "type")),
			"services", fields("service", many(named("group", "name", "version")))))
	for kind, one := range map[string]string{"components": "component", "services": "service"} {
		tools := metadata.fields["tools"]
		tools.fields["tool"].component, tools.fields[kind].fields[one].component = true, true
	}
	bom := fields(
		"metadata", metadata, "components", components,
		"dependencies", fields("dependency", many(fields(
			"dependency", many(text(), "ref"), "provides", many(text(), "ref")), "ref")))
	bom.attrs = []string{"serialNumber"}
	return fields("bom", bom)
}

// parseXML reads a CycloneDX XML document.
func parseXML(b []byte, limits Limits) (*Document, error) {
	f := newXMLFilter(b, limits)
	var bom cdx.BOM
	err := xml.NewTokenDecoder(f).Decode(&bom)
	if bad := f.finish(); bad != nil {
		return nil, bad
	}
	if err != nil {
		return nil, &Error{Kind: KindShape, Problem: "decode CycloneDX", Err: err}
	}
	return fromCycloneDX(&bom, EncodingXML, f.version), nil
}

// xmlFilter reads tokens, checks them, and hands on those that its shapes name.
type xmlFilter struct {
	dec        *xml.Decoder
	limits     Limits
	stack      []xmlFrame
	values     int
	components int
	namespace  string
	version    string
	err        error
}

// newXMLFilter returns a filter over a document.
func newXMLFilter(b []byte, limits Limits) *xmlFilter {
	b = bytes.TrimPrefix(bytes.TrimLeft(b, " \t\r\n"), byteOrderMark)
	f := &xmlFilter{dec: xml.NewDecoder(bytes.NewReader(b)), limits: limits}
	f.stack = []xmlFrame{{shape: xmlShape()}}
	if !utf8.Valid(b) {
		f.err = refuse(KindEncoding, "", "the document is not valid UTF-8")
	}
	return f
}

// finish reads what has not been read, and returns what was wrong with the document.
func (f *xmlFilter) finish() error {
	for f.err == nil {
		_, _ = f.Token()
	}
	if !errors.Is(f.err, io.EOF) {
		return f.err
	}
	if f.version == "" {
		return refuse(KindSyntax, "", "the document has no element")
	}
	return nil
}

// xmlFrame is an open element.
type xmlFrame struct {
	name  string
	shape *shape // nil for one that is left out
	seen  []string
}

// Token implements [xml.TokenReader].
func (f *xmlFilter) Token() (xml.Token, error) {
	for f.err == nil {
		token, err := f.dec.Token()
		if err != nil {
			if f.err = err; !errors.Is(err, io.EOF) {
				f.err = &Error{Kind: KindSyntax, Problem: "the document is not XML", Err: err}
			}
			break
		}
		keep, err := f.take(token)
		if err != nil {
			f.err = err
			break
		}
		if keep != nil {
			return keep, nil
		}
	}
	return nil, f.err
}

// take checks one token and returns what is handed on, or nil.
func (f *xmlFilter) take(token xml.Token) (xml.Token, error) {
	top := &f.stack[len(f.stack)-1]
	switch t := token.(type) {
	case xml.StartElement:
		return f.start(t)
	case xml.EndElement:
		f.stack = f.stack[:len(f.stack)-1]
		if top.shape == nil {
			return nil, nil
		}
		return xml.EndElement{Name: xml.Name{Local: t.Name.Local}}, nil
	case xml.CharData:
		if len(f.stack) == 1 && len(bytes.TrimSpace(t)) > 0 {
			return nil, refuse(KindDocuments, "", "text follows the end of the document")
		}
		if top.shape == nil || len(f.stack) == 1 {
			return nil, nil
		}
		return t, nil
	case xml.Directive:
		return nil, refuse(KindSyntax, f.where(), "the document has a declaration (<!...>)")
	}
	return nil, nil // comments and processing instructions
}

// where returns the open elements as a path.
func (f *xmlFilter) where() string {
	var names []string
	for _, frame := range f.stack[1:] {
		names = append(names, frame.name)
	}
	return Pointer(names)
}

// start checks the beginning of an element.
func (f *xmlFilter) start(t xml.StartElement) (xml.Token, error) {
	if f.values += 2 + len(t.Attr); f.values > f.limits.Values {
		return nil, refuse(KindValues, f.where(), "the document has more than %d values, of which an element is two", f.limits.Values)
	}
	if len(f.stack) > f.limits.Depth {
		return nil, refuse(KindDepth, f.where(), "the document is nested more than %d levels", f.limits.Depth)
	}
	if len(t.Attr) > f.limits.Keys {
		return nil, refuse(KindValues, f.where(), "an element has more than %d attributes", f.limits.Keys)
	}
	root := len(f.stack) == 1
	if root {
		if err := f.root(t); err != nil {
			return nil, err
		}
	}
	name := t.Name.Local
	f.stack = append(f.stack, xmlFrame{name: name})
	parent, this := &f.stack[len(f.stack)-2], &f.stack[len(f.stack)-1]
	var inner *shape
	if parent.shape != nil && t.Name.Space == f.namespace {
		if err := parent.shape.checkCase(fold(name), name, f.where); err != nil {
			return nil, err
		}
		inner = parent.shape.fields[name]
	}
	attrs, err := f.attributes(t, inner)
	if err != nil || inner == nil {
		return nil, err
	}
	if !inner.many {
		if slices.Contains(parent.seen, name) {
			return nil, refuse(KindDuplicate, f.where(), "the element is there twice")
		}
		parent.seen = append(parent.seen, name)
	}
	if inner.component {
		if f.components++; f.components > f.limits.Components {
			return nil, refuse(KindComponents, f.where(), "the document has more than %d components", f.limits.Components)
		}
	}
	this.shape = inner
	if root {
		attrs = append(attrs, xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: f.namespace})
	}
	return xml.StartElement{Name: xml.Name{Local: name}, Attr: attrs}, nil
}

// root checks the outermost element: its namespace says the spec version.
func (f *xmlFilter) root(t xml.StartElement) error {
	if f.version != "" {
		return refuse(KindDocuments, "", "a second element follows the end of the document")
	}
	version, ok := strings.CutPrefix(t.Name.Space, xmlNamespace)
	if !ok || t.Name.Local != "bom" {
		return refuse(KindFormat, "", "the outermost element is %q of namespace %q, not CycloneDX's bom", t.Name.Local, t.Name.Space)
	}
	if !slices.Contains(cycloneDXVersions, version) {
		return refuse(KindVersion, "", "the spec version is %q, not one of %v", version, cycloneDXVersions)
	}
	f.namespace, f.version = t.Name.Space, version
	return nil
}

// attributes checks the attributes of an element and returns those that hold facts.
func (f *xmlFilter) attributes(t xml.StartElement, s *shape) ([]xml.Attr, error) {
	var keep []xml.Attr
	var keys keySet
	for _, a := range t.Attr {
		name := a.Name.Space + " " + a.Name.Local
		if had, ok := keys.add(fold(name), name); ok {
			if had == name {
				return nil, refuse(KindDuplicate, f.where(), "the attribute %q is there twice", a.Name.Local)
			}
			return nil, refuse(KindCase, f.where(), "the attribute %q is there in two cases", a.Name.Local)
		}
		if s == nil || a.Name.Space != "" {
			continue
		}
		for _, known := range s.attrs {
			if a.Name.Local == known {
				keep = append(keep, xml.Attr{Name: xml.Name{Local: known}, Value: a.Value})
			} else if fold(a.Name.Local) == fold(known) {
				return nil, refuse(KindCase, f.where(), "the attribute %q differs from %q by case alone", a.Name.Local, known)
			}
		}
	}
	return keep, nil
}
