package sbom

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// cycloneDXShape names what holds facts in CycloneDX JSON (ECMA-424, sections of the
// same names). Pedigree, formulation and evidence speak of other things than what the
// described component is made of.
func cycloneDXShape() *shape {
	entity := fields("name", leaf)
	contact := fields("name", leaf, "email", leaf)
	hash := fields("alg", leaf, "content", leaf)
	license := fields(
		"license", fields("id", leaf, "name", leaf, "acknowledgement", leaf),
		"expression", leaf, "acknowledgement", leaf)
	component := fields(
		"bom-ref", leaf, "type", leaf, "group", leaf, "name", leaf, "version", leaf,
		"purl", leaf, "cpe", leaf, "supplier", entity, "manufacturer", entity,
		"publisher", leaf, "scope", leaf, "hashes", hash, "licenses", license)
	component.component = true
	component.fields["components"] = component
	tool := fields("vendor", leaf, "name", leaf, "version", leaf)
	tool.fields["components"] = fields("group", leaf, "publisher", leaf, "name", leaf, "version", leaf)
	tool.fields["services"] = fields("group", leaf, "name", leaf, "version", leaf)
	for _, counted := range []*shape{tool, tool.fields["components"], tool.fields["services"]} {
		counted.component = true
	}
	return fields(
		"bomFormat", leaf, "specVersion", leaf, "serialNumber", leaf,
		"metadata", fields(
			"timestamp", leaf, "tools", tool, "authors", contact, "component", component,
			"manufacture", entity, "manufacturer", entity, "supplier", entity),
		"components", component,
		"dependencies", fields("ref", leaf, "dependsOn", leaf, "provides", leaf))
}

// fields returns a shape of pairs of name and shape.
func fields(pairs ...any) *shape {
	s := &shape{fields: make(map[string]*shape, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		s.fields[pairs[i].(string)] = pairs[i+1].(*shape)
	}
	return s
}

// parseCycloneDX reads the facts of a CycloneDX JSON document.
func parseCycloneDX(facts []byte, version string) (*Document, error) {
	var bom cdx.BOM
	if err := json.Unmarshal(facts, &bom); err != nil {
		return nil, &Error{Kind: KindShape, Problem: "decode CycloneDX", Err: err}
	}
	return fromCycloneDX(&bom, EncodingJSON, version), nil
}

// fromCycloneDX turns what cyclonedx-go decoded into a [Document].
func fromCycloneDX(bom *cdx.BOM, encoding, version string) *Document {
	doc := &Document{
		Format:       CycloneDX,
		Encoding:     encoding,
		SpecVersion:  version,
		SerialNumber: bom.SerialNumber,
	}
	r := &cycloneDXReader{licenses: newLicenseTable()}
	if m := bom.Metadata; m != nil {
		doc.Timestamp, doc.Time = m.Timestamp, newTime(m.Timestamp)
		doc.Tools = cycloneDXTools(m.Tools)
		doc.Authors = cycloneDXAuthors(m)
		if m.Component != nil {
			doc.Described = []Component{r.component(m.Component, "/metadata/component")}
			r.list(m.Component.Components, "/metadata/component/components")
		}
	}
	r.found = slices.Grow(r.found, countAll(bom.Components))
	r.list(bom.Components, "/components")
	doc.Components = r.found
	for _, d := range deref(bom.Dependencies) {
		if on := append(deref(d.Dependencies), deref(d.Provides)...); len(on) > 0 {
			doc.Dependencies = append(doc.Dependencies, Dependency{Ref: d.Ref, On: on})
		}
	}
	return doc
}

// cycloneDXReader flattens components.
type cycloneDXReader struct {
	licenses *licenseTable
	found    []Component
}

// countAll counts components at every depth.
func countAll(components *[]cdx.Component) int {
	n := 0
	for i := range deref(components) {
		n += 1 + countAll((*components)[i].Components)
	}
	return n
}

// list adds components and what is inside them; the depth is bounded by Limits.Depth.
func (r *cycloneDXReader) list(components *[]cdx.Component, path string) {
	for i := range deref(components) {
		c := &(*components)[i]
		at := path + "/" + strconv.Itoa(i)
		r.found = append(r.found, r.component(c, at))
		r.list(c.Components, at+"/components")
	}
}

// component returns the facts of one component.
func (r *cycloneDXReader) component(c *cdx.Component, path string) Component {
	out := Component{
		Path:     path,
		Ref:      c.BOMRef,
		Type:     string(c.Type),
		Group:    c.Group,
		Name:     c.Name,
		Version:  c.Version,
		RawPURL:  c.PackageURL,
		CPE:      c.CPE,
		Supplier: firstName(c.Supplier, c.Manufacturer, &cdx.OrganizationalEntity{Name: c.Publisher}),
		Scope:    string(c.Scope),
	}
	out.PURL, out.Package = newPackage(c.PackageURL)
	for _, h := range deref(c.Hashes) {
		out.Hashes = append(out.Hashes, newHash(string(h.Algorithm), h.Value))
	}
	if c.Licenses != nil {
		for _, l := range *c.Licenses {
			out.Licenses = append(out.Licenses, r.license(&l)...)
		}
	}
	out.License = combine(out.Licenses)
	return out
}

// license resolves one entry of licenses: an SPDX id, a name, or an expression.
func (r *cycloneDXReader) license(l *cdx.LicenseChoice) []License {
	var out []License
	add := func(source, text string, ack cdx.LicenseAcknowledgement) {
		if strings.TrimSpace(text) == "" {
			return
		}
		found := r.licenses.resolve(source, text)
		found.Concluded = ack == cdx.LicenseAcknowledgementConcluded
		out = append(out, found)
	}
	ack := cdx.LicenseAcknowledgement("")
	if l.Acknowledgement != nil {
		ack = *l.Acknowledgement
	}
	add(SourceExpression, l.Expression, ack)
	if l.License != nil {
		add(SourceID, l.License.ID, l.License.Acknowledgement)
		add(SourceName, l.License.Name, l.License.Acknowledgement)
	}
	return out
}

// cycloneDXTools returns the tools of both forms (before and since 1.5).
func cycloneDXTools(choice *cdx.ToolsChoice) []Tool {
	if choice == nil {
		return nil
	}
	var out []Tool
	for _, t := range deref(choice.Tools) {
		out = append(out, Tool{Vendor: t.Vendor, Name: t.Name, Version: t.Version})
	}
	for _, c := range deref(choice.Components) {
		vendor := c.Publisher
		if vendor == "" {
			vendor = c.Group
		}
		out = append(out, Tool{Vendor: vendor, Name: c.Name, Version: c.Version})
	}
	for _, s := range deref(choice.Services) {
		out = append(out, Tool{Vendor: s.Group, Name: s.Name, Version: s.Version})
	}
	return out
}

// cycloneDXAuthors returns who wrote the document: people, else organisations.
func cycloneDXAuthors(m *cdx.Metadata) []string {
	var out []string
	for _, a := range deref(m.Authors) {
		if name := strings.TrimSpace(a.Name); name != "" {
			out = append(out, name)
		} else if a.Email != "" {
			out = append(out, a.Email)
		}
	}
	if name := firstName(m.Manufacturer, m.Manufacture, m.Supplier); name != "" {
		out = append(out, name)
	}
	return out
}

// firstName returns the first name that is there.
func firstName(entities ...*cdx.OrganizationalEntity) string {
	for _, e := range entities {
		if e != nil && strings.TrimSpace(e.Name) != "" {
			return strings.TrimSpace(e.Name)
		}
	}
	return ""
}

// deref returns the list behind p, or nothing.
func deref[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}
