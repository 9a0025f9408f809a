package sbom

import (
	"encoding/json"
	"strconv"
	"strings"
)

// spdxShape names what holds facts in SPDX JSON (SPDX 2.3, clauses 6 to 11). Files and
// snippets are not components.
func spdxShape() *shape {
	pkg := fields(
		"SPDXID", leaf, "name", leaf, "versionInfo", leaf, "supplier", leaf, "originator", leaf,
		"licenseConcluded", leaf, "licenseDeclared", leaf, "primaryPackagePurpose", leaf,
		"checksums", fields("algorithm", leaf, "checksumValue", leaf),
		"externalRefs", fields("referenceType", leaf, "referenceLocator", leaf))
	pkg.component = true
	return fields(
		"spdxVersion", leaf, "SPDXID", leaf, "name", leaf, "documentNamespace", leaf,
		"creationInfo", fields("created", leaf, "creators", leaf),
		"documentDescribes", leaf,
		"packages", pkg,
		"relationships", fields("spdxElementId", leaf, "relationshipType", leaf, "relatedSpdxElement", leaf),
		"hasExtractedLicensingInfos", fields("licenseId", leaf, "name", leaf))
}

// spdxDocument is the part of an SPDX document that holds facts.
type spdxDocument struct {
	SPDXID            string
	Name              string
	DocumentNamespace string
	CreationInfo      struct {
		Created  string
		Creators []string
	}
	DocumentDescribes []string
	Packages          []spdxPackage
	Relationships     []struct {
		SPDXElementID      string `json:"spdxElementId"`
		RelationshipType   string
		RelatedSPDXElement string `json:"relatedSpdxElement"`
	}
	HasExtractedLicensingInfos []struct{ LicenseID, Name string }
}

// spdxPackage is a package (clause 7).
type spdxPackage struct {
	SPDXID, Name, VersionInfo, Supplier, Originator          string
	LicenseConcluded, LicenseDeclared, PrimaryPackagePurpose string
	Checksums                                                []struct{ Algorithm, ChecksumValue string }
	ExternalRefs                                             []struct{ ReferenceType, ReferenceLocator string }
}

// parseSPDX reads the facts of an SPDX JSON document.
func parseSPDX(facts []byte, version string) (*Document, error) {
	var s spdxDocument
	if err := json.Unmarshal(facts, &s); err != nil {
		return nil, &Error{Kind: KindShape, Problem: "decode SPDX", Err: err}
	}
	doc := &Document{
		Format:       SPDX,
		Encoding:     EncodingJSON,
		SpecVersion:  version,
		SerialNumber: s.DocumentNamespace,
		Timestamp:    s.CreationInfo.Created,
		Time:         newTime(s.CreationInfo.Created),
	}
	for _, c := range s.CreationInfo.Creators {
		if name, ok := strings.CutPrefix(c, "Tool:"); ok {
			doc.Tools = append(doc.Tools, spdxTool(strings.TrimSpace(name)))
		} else if name := spdxAgent(c); name != "" {
			doc.Authors = append(doc.Authors, name)
		}
	}
	described, dependencies := spdxRelationships(&s)
	doc.Dependencies = dependencies
	names := make(map[string]string, len(s.HasExtractedLicensingInfos))
	for _, info := range s.HasExtractedLicensingInfos {
		names[strings.ToLower(info.LicenseID)] = info.Name
	}
	table := newLicenseTable()
	table.names = names
	for i := range s.Packages {
		c := spdxComponent(&s.Packages[i], "/packages/"+strconv.Itoa(i), table)
		if described[c.Ref] {
			doc.Described = append(doc.Described, c)
		}
		doc.Components = append(doc.Components, c)
	}
	if len(doc.Described) == 1 {
		doc.Components = without(doc.Components, doc.Described[0].Path)
	}
	return doc, nil
}

// without returns components less the one at path.
func without(components []Component, path string) []Component {
	for i := range components {
		if components[i].Path == path {
			return append(components[:i], components[i+1:]...)
		}
	}
	return components
}

// spdxComponent returns the facts of one package.
func spdxComponent(p *spdxPackage, path string, table *licenseTable) Component {
	c := Component{
		Path:    path,
		Ref:     p.SPDXID,
		Type:    strings.ToLower(p.PrimaryPackagePurpose),
		Name:    p.Name,
		Version: p.VersionInfo,
	}
	if c.Supplier = spdxAgent(p.Supplier); c.Supplier == "" {
		c.Supplier = spdxAgent(p.Originator)
	}
	for _, ref := range p.ExternalRefs {
		switch {
		case ref.ReferenceType == "purl" && c.PURL == "":
			c.RawPURL = ref.ReferenceLocator
			c.PURL, c.Package = newPackage(ref.ReferenceLocator)
		case c.CPE == "" && (ref.ReferenceType == "cpe23Type" || ref.ReferenceType == "cpe22Type"):
			c.CPE = ref.ReferenceLocator
		}
	}
	for _, h := range p.Checksums {
		c.Hashes = append(c.Hashes, newHash(h.Algorithm, h.ChecksumValue))
	}
	for _, l := range []struct{ source, text string }{
		{SourceConcluded, p.LicenseConcluded}, {SourceDeclared, p.LicenseDeclared},
	} {
		if isNothing(l.text) {
			continue
		}
		found := table.resolve(l.source, l.text)
		found.Concluded = l.source == SourceConcluded
		c.Licenses = append(c.Licenses, found)
	}
	c.License = combine(c.Licenses)
	return c
}

// spdxRelationships returns the elements that the document describes (clause 11.1 and
// the documentDescribes of 2.2), and what depends on or contains what.
func spdxRelationships(s *spdxDocument) (map[string]bool, []Dependency) {
	described := map[string]bool{}
	for _, id := range s.DocumentDescribes {
		described[id] = true
	}
	at := map[string]int{}
	var list []Dependency
	add := func(from, to string) {
		i, ok := at[from]
		if !ok {
			i = len(list)
			at[from] = i
			list = append(list, Dependency{Ref: from})
		}
		list[i].On = append(list[i].On, to)
	}
	document := s.SPDXID
	if document == "" {
		document = "SPDXRef-DOCUMENT"
	}
	for _, r := range s.Relationships {
		from, to := r.SPDXElementID, r.RelatedSPDXElement
		switch kind := r.RelationshipType; {
		case kind == "DESCRIBES" && from == document:
			described[to] = true
		case kind == "DESCRIBED_BY" && to == document:
			described[from] = true
		case isNothing(to) || isNothing(from):
		case kind == "DEPENDS_ON" || kind == "CONTAINS" || kind == "HAS_PREREQUISITE":
			add(from, to)
		case strings.HasSuffix(kind, "DEPENDENCY_OF") || kind == "CONTAINED_BY" || kind == "PREREQUISITE_FOR":
			add(to, from)
		}
	}
	return described, list
}

// spdxAgent returns the name in "Organization: Acme (mail)", without its kind and mail.
func spdxAgent(s string) string {
	for _, kind := range []string{"Organization:", "Person:"} {
		if name, ok := strings.CutPrefix(s, kind); ok {
			name, _, _ = strings.Cut(name, "(")
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// spdxTool splits "syft-1.2.3" at the last dash before a digit (clause 6.8).
func spdxTool(s string) Tool {
	if i := strings.LastIndexByte(s, '-'); i > 0 && i+1 < len(s) {
		if v := strings.TrimPrefix(s[i+1:], "v"); v != "" && v[0] >= '0' && v[0] <= '9' {
			return Tool{Name: s[:i], Version: s[i+1:]}
		}
	}
	return Tool{Name: s}
}

// isNothing reports whether an SPDX field says that nothing is said.
func isNothing(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || strings.EqualFold(s, "NOASSERTION") || strings.EqualFold(s, "NONE")
}
