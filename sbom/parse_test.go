package sbom

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// kindOf returns the kind of a refusal, or "" if there was none.
func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	return e.Kind
}

// cycloneDX returns a CycloneDX 1.6 document with more members.
func cycloneDX(more ...string) string {
	return `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1` + strings.Join(append([]string{""}, more...), ",") + `}`
}

// bomXML returns a CycloneDX 1.6 XML document around an inside.
func bomXML(inside string) string {
	return `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">` + inside + `</bom>`
}

func TestParseRefuses(t *testing.T) {
	small := Limits{Bytes: 4096, Depth: 8, Values: 100, Keys: 20, Components: 5}
	manyKeys := make([]string, 0, 30)
	for i := range 30 {
		manyKeys = append(manyKeys, fmt.Sprintf(`"k%d":0`, i))
	}
	for name, c := range map[string]struct {
		doc  string
		want Kind
	}{
		"nothing":                 {"", KindFormat},
		"white space":             {" \n", KindFormat},
		"array":                   {"[]", KindFormat},
		"tag-value":               {"SPDXVersion: SPDX-2.3", KindFormat},
		"other JSON":              {`{"a":1}`, KindFormat},
		"other format":            {`{"bomFormat":"cyclonedx","specVersion":"1.6"}`, KindFormat},
		"both formats":            {cycloneDX(`"spdxVersion":"SPDX-2.3"`), KindFormat},
		"no version":              {`{"bomFormat":"CycloneDX"}`, KindVersion},
		"version 1.1":             {`{"bomFormat":"CycloneDX","specVersion":"1.1"}`, KindVersion},
		"version 1.8":             {`{"bomFormat":"CycloneDX","specVersion":"1.8"}`, KindVersion},
		"version 2.0":             {`{"bomFormat":"CycloneDX","specVersion":"2.0"}`, KindVersion},
		"version with a space":    {`{"bomFormat":"CycloneDX","specVersion":"1.6 "}`, KindVersion},
		"version as a number":     {`{"bomFormat":"CycloneDX","specVersion":1.6}`, KindShape},
		"SPDX 2.1":                {`{"spdxVersion":"SPDX-2.1"}`, KindVersion},
		"SPDX 3.0":                {`{"spdxVersion":"SPDX-3.0"}`, KindVersion},
		"SPDX without prefix":     {`{"spdxVersion":"2.3"}`, KindVersion},
		"byte order mark":         {"\xef\xbb\xbf" + cycloneDX(), KindFormat},
		"half a document":         {cycloneDX()[:40], KindSyntax},
		"comma at the end":        {cycloneDX(`"components":[],`), KindSyntax},
		"two documents":           {cycloneDX() + cycloneDX(), KindDocuments},
		"something behind":        {cycloneDX() + "x", KindDocuments},
		"bytes":                   {cycloneDX(`"x":"` + strings.Repeat("a", 5000) + `"`), KindSize},
		"not UTF-8":               {cycloneDX("\"x\":\"\xff\""), KindEncoding},
		"half a surrogate":        {cycloneDX(`"x":"\ud800"`), KindEncoding},
		"half a surrogate, low":   {cycloneDX(`"x":"\udc00\ud800"`), KindEncoding},
		"two high surrogates":     {cycloneDX(`"x":"\ud800\ud800"`), KindEncoding},
		"half a surrogate as key": {cycloneDX(`"\ud800":1`), KindEncoding},
		"depth":                   {cycloneDX(`"x":` + strings.Repeat("[", 9) + strings.Repeat("]", 9)), KindDepth},
		"great depth":             {strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600), KindDepth},
		"values":                  {cycloneDX(`"x":[` + strings.Repeat("0,", 200) + `0]`), KindValues},
		"keys":                    {cycloneDX(`"x":{` + strings.Join(manyKeys, ",") + `}`), KindValues},
		"components":              {cycloneDX(`"components":[{},{},{},{},{},{}]`), KindComponents},
		"nested components":       {cycloneDX(`"components":[{"components":[{},{},{}]},{},{}]`), KindComponents},
		"SPDX packages":           {`{"spdxVersion":"SPDX-2.3","packages":[{},{},{},{},{},{}]}`, KindComponents},
		"duplicate":               {cycloneDX(`"components":[]`, `"components":[]`), KindDuplicate},
		"duplicate deep inside":   {cycloneDX(`"x":[{"y":{"a":1,"b":2,"a":3}}]`), KindDuplicate},
		"duplicate by escape":     {cycloneDX(`"components":[]`, `"\u0063omponents":[]`), KindDuplicate},
		"two cases":               {cycloneDX(`"x":{"name":1,"Name":2}`), KindCase},
		"one key in another case": {cycloneDX(`"Components":[{"name":"evil"}]`), KindCase},
		"Kelvin":                  {cycloneDX(`"dependencie\u017f":[]`), KindCase},
		"inner key in a case":     {cycloneDX(`"components":[{"PURL":"pkg:npm/x"}]`), KindCase},
		"SPDX key in a case":      {`{"spdxVersion":"SPDX-2.3","Packages":[]}`, KindCase},
		"list that is an object":  {cycloneDX(`"components":{"name":"x"}`), KindShape},
		"list in a list":          {cycloneDX(`"components":[[{"name":"x"}]]`), KindShape},
		"null components":         {cycloneDX(`"components":[null,null,null,null,null,null]`), KindComponents},
		"name that is a number":   {cycloneDX(`"components":[{"name":1}]`), KindShape},
		"SPDX name as a list":     {`{"spdxVersion":"SPDX-2.3","packages":[{"name":["x"]}]}`, KindShape},
		"XML, other":              {"<html></html>", KindFormat},
		"XML, other element":      {`<boom xmlns="http://cyclonedx.org/schema/bom/1.6"/>`, KindFormat},
		"XML without namespace":   {"<bom></bom>", KindFormat},
		"XML 1.1":                 {`<bom xmlns="http://cyclonedx.org/schema/bom/1.1"/>`, KindVersion},
		"XML 1.8":                 {`<bom xmlns="http://cyclonedx.org/schema/bom/1.8"/>`, KindVersion},
		"XML, half":               {bomXML("")[:60], KindSyntax},
		"XML, crossed":            {bomXML("<components></bom>"), KindSyntax},
		"XML, nothing":            {"<!-- -->", KindSyntax},
		"XML, entity":             {bomXML("&evil;"), KindSyntax},
		"XML, doctype":            {`<!DOCTYPE bom [<!ENTITY a "b">]>` + bomXML(""), KindSyntax},
		"XML, Latin-1":            {`<?xml version="1.0" encoding="ISO-8859-1"?><bom/>`, KindSyntax},
		"XML, not UTF-8":          {bomXML("\xff"), KindEncoding},
		"XML, two roots":          {bomXML("") + "<bom/>", KindDocuments},
		"XML, text behind":        {bomXML("") + "text", KindDocuments},
		"XML, half behind":        {bomXML("") + "<", KindSyntax},
		"XML, depth":              {bomXML(strings.Repeat("<a>", 10) + strings.Repeat("</a>", 10)), KindDepth},
		"XML, values":             {bomXML(strings.Repeat("<a/>", 200)), KindValues},
		"XML, components":         {bomXML("<components>" + strings.Repeat("<component/>", 6) + "</components>"), KindComponents},
		"XML, two lists":          {bomXML("<components/><components/>"), KindDuplicate},
		"XML, two names":          {bomXML("<components><component><name>a</name><name>b</name></component></components>"), KindDuplicate},
		"XML, attribute twice":    {bomXML(`<components><component type="a" type="b"/></components>`), KindDuplicate},
		"XML, attribute, case":    {bomXML(`<components><component TYPE="b"/></components>`), KindCase},
		"XML, element, case":      {bomXML(`<Components><component/></Components>`), KindCase},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := Parse([]byte(c.doc), small)
			if got := kindOf(t, err); got != c.want {
				t.Fatalf("kind %q, want %q: %v", got, c.want, err)
			}
			if doc != nil || err.Error() == "" {
				t.Errorf("document %v, error %v", doc, err)
			}
		})
	}
	if _, err := Parse([]byte(cycloneDX(`"x":"\ud83d\ude00 \\u0000 \"","y":"\\ud800"`)), small); err != nil {
		t.Errorf("a whole surrogate pair: %v", err)
	}
}

func TestErrorPath(t *testing.T) {
	_, err := Parse([]byte(cycloneDX(`"components":[{"name":"a"},{"components":[{"name":"b","a/b~c":{"x":1,"x":2}}]}]`)), Limits{})
	want := "read SBOM: /components/1/components/0/a~1b~0c/x: the key is there twice"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestParsePredicate(t *testing.T) {
	bom := cycloneDX()
	spdx := `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT"}`
	for name, c := range map[string]struct {
		kind, doc string
		want      Kind
	}{
		"object":           {PredicateCycloneDX, bom, ""},
		"with version":     {PredicateCycloneDX + "/v1.6", bom, ""},
		"string":           {PredicateCycloneDX, fmt.Sprintf("%q", bom), ""},
		"XML in a string":  {PredicateCycloneDX, fmt.Sprintf("%q", bomXML("")), ""},
		"SPDX":             {PredicateSPDX, spdx, ""},
		"SPDX, version":    {PredicateSPDX + "/v2.3", spdx, ""},
		"SPDX as string":   {PredicateSPDX, fmt.Sprintf("%q", spdx), ""},
		"wrong version":    {PredicateSPDX + "/v2.2", spdx, KindType},
		"empty version":    {PredicateSPDX + "/v", spdx, KindType},
		"wrong format":     {PredicateSPDX, bom, KindType},
		"wrong format too": {PredicateCycloneDX, spdx, KindType},
		"other type":       {"https://slsa.dev/provenance/v1", bom, KindType},
		"type in a case":   {"https://CycloneDX.org/bom", bom, KindType},
		"string in string": {PredicateSPDX, fmt.Sprintf("%q", fmt.Sprintf("%q", spdx)), KindFormat},
		"half a surrogate": {PredicateSPDX, `"\ud800{"`, KindEncoding},
		"half a string":    {PredicateSPDX, `"{`, KindSyntax},
		"null":             {PredicateSPDX, `null`, KindFormat},
		"too large":        {PredicateSPDX, `{"x":"` + strings.Repeat("x", 5000) + `"}`, KindSize},
		"too large inside": {PredicateSPDX, `"` + strings.Repeat("x", 5000) + `"`, KindSize},
		"far too large":    {PredicateSPDX, `"` + strings.Repeat("x", 50000) + `"`, KindSize},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePredicate(c.kind, []byte(c.doc), Limits{Bytes: 4096})
			if got := kindOf(t, err); got != c.want {
				t.Errorf("kind %q, want %q: %v", got, c.want, err)
			}
		})
	}
}

// spdxExample is a document as syft and BuildKit write them.
const spdxExample = `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"acme","dataLicense":"CC0-1.0",
"documentNamespace":"https://acme.example/sbom/1","creationInfo":{"created":"2026-01-02T03:04:05Z",
"creators":["Tool: syft-1.2.3","Organization: Acme (sbom@acme.example)","Person: Jane Doe ()"]},
"packages":[
{"SPDXID":"SPDXRef-image","name":"acme/widget","versionInfo":"sha256:` + hex64 + `","primaryPackagePurpose":"CONTAINER"},
{"SPDXID":"SPDXRef-a","name":"left-pad","versionInfo":"1.3.0","supplier":"Organization: NPM","licenseConcluded":"NOASSERTION","licenseDeclared":"mit",
 "checksums":[{"algorithm":"SHA256","checksumValue":"` + hex64 + `"}],
 "externalRefs":[{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:x:y"},
 {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/left-pad@1.3.0"}]},
{"SPDXID":"SPDXRef-b","name":"b","licenseConcluded":"LicenseRef-1 OR gpl-2.0+","licenseDeclared":"MIT"}],
"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-1","name":"Acme Licence","extractedText":"x"}],
"files":[{"fileName":"x"}],
"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-image"},
{"spdxElementId":"SPDXRef-image","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-a"},
{"spdxElementId":"SPDXRef-b","relationshipType":"DEPENDENCY_OF","relatedSpdxElement":"SPDXRef-a"}]}`

const hex64 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestSPDX(t *testing.T) {
	doc, err := Parse([]byte(spdxExample), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"format":"spdx","encoding":"json","specVersion":"2.3","serialNumber":"https://acme.example/sbom/1","timestamp":"2026-01-02T03:04:05Z","time":"2026-01-02T03:04:05Z",` +
		`"tools":[{"name":"syft","version":"1.2.3"}],"authors":["Acme","Jane Doe"],` +
		`"described":[{"path":"/packages/0","ref":"SPDXRef-image","type":"container","name":"acme/widget","version":"sha256:` + hex64 + `"}],` +
		`"components":[{"path":"/packages/1","ref":"SPDXRef-a","name":"left-pad","version":"1.3.0","purl":"pkg:npm/left-pad@1.3.0","rawPurl":"pkg:npm/left-pad@1.3.0",` +
		`"package":{"type":"npm","name":"left-pad","version":"1.3.0"},"cpe":"cpe:2.3:a:x:y","supplier":"NPM","license":"MIT",` +
		`"licenses":[{"expression":"MIT","text":"mit","source":"declared","known":true}],"hashes":[{"algorithm":"sha256","value":"` + hex64 + `"}]},` +
		`{"path":"/packages/2","ref":"SPDXRef-b","name":"b","license":"LicenseRef-1 OR GPL-2.0-or-later",` +
		`"licenses":[{"expression":"LicenseRef-1 OR GPL-2.0-or-later","text":"LicenseRef-1 OR gpl-2.0+","source":"concluded","known":true,"concluded":true},` +
		`{"expression":"MIT","text":"MIT","source":"declared","known":true}]}],` +
		`"dependencies":[{"ref":"SPDXRef-image","on":["SPDXRef-a"]},{"ref":"SPDXRef-a","on":["SPDXRef-b"]}]}`
	if got := toJSON(t, doc); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := doc.Described[0].ImageDigests(); len(got) != 1 || got[0] != "sha256:"+hex64 {
		t.Errorf("digests %v", got)
	}
}

func TestCycloneDX(t *testing.T) {
	doc, err := Parse([]byte(cycloneDX(`"serialNumber":"urn:uuid:1"`, `"metadata":{"timestamp":"2026-01-02T04:04:05+01:00",
		"tools":{"components":[{"type":"application","publisher":"Acme","name":"t","version":"1"}],"services":[{"group":"G","name":"s"}]},
		"authors":[{"name":" Jane "},{"email":"joe@acme.example"}],"supplier":{"name":"Acme"},
		"component":{"type":"container","name":"acme/widget","purl":"pkg:oci/widget@sha256%3A`+hex64+`?repository_url=ghcr.io/acme/widget",
			"components":[{"type":"library","name":"inner"}]}}`,
		`"components":[{"bom-ref":"r","type":"library","group":"g","name":"n","version":"1","manufacturer":{"name":"M"},"scope":"optional",
			"licenses":[{"license":{"id":"Apache-2.0","acknowledgement":"declared"}},{"license":{"name":"My Licence"}},{"expression":"MIT or bsd-3-clause"}],
			"hashes":[{"alg":"SHA3-256","content":"ABC"}]}]`,
		`"dependencies":[{"ref":"r","dependsOn":["a","b"],"provides":["c"]},{"ref":"empty"}]`)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); !doc.Time.Equal(want) {
		t.Errorf("time %s", doc.Time)
	}
	doc.Time = time.Time{}
	want := `{"format":"cyclonedx","encoding":"json","specVersion":"1.6","serialNumber":"urn:uuid:1","timestamp":"2026-01-02T04:04:05+01:00",` +
		`"tools":[{"vendor":"Acme","name":"t","version":"1"},{"vendor":"G","name":"s"}],"authors":["Jane","joe@acme.example","Acme"],` +
		`"described":[{"path":"/metadata/component","type":"container","name":"acme/widget",` +
		`"purl":"pkg:oci/widget@sha256:` + hex64 + `?repository_url=ghcr.io%2Facme%2Fwidget","rawPurl":"pkg:oci/widget@sha256%3A` + hex64 + `?repository_url=ghcr.io/acme/widget",` +
		`"package":{"type":"oci","name":"widget","version":"sha256:` + hex64 + `","qualifiers":{"repository_url":"ghcr.io/acme/widget"}}}],` +
		`"components":[{"path":"/metadata/component/components/0","type":"library","name":"inner"},` +
		`{"path":"/components/0","ref":"r","type":"library","group":"g","name":"n","version":"1","supplier":"M",` +
		`"license":"Apache-2.0 AND \"My Licence\" AND (MIT OR BSD-3-Clause)","licenses":[` +
		`{"expression":"Apache-2.0","text":"Apache-2.0","source":"id","known":true},{"text":"My Licence","source":"name","known":false},` +
		`{"expression":"MIT OR BSD-3-Clause","text":"MIT or bsd-3-clause","source":"expression","known":true}],` +
		`"hashes":[{"algorithm":"sha3256","value":"abc"}],"scope":"optional"}],"dependencies":[{"ref":"r","on":["a","b","c"]}]}`
	if got := toJSON(t, doc); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := doc.Described[0].ImageDigests(); len(got) != 1 || got[0] != "sha256:"+hex64 {
		t.Errorf("digests %v", got)
	}
}

func TestPredicateTypes(t *testing.T) {
	for _, format := range []Format{CycloneDX, SPDX, ""} {
		types := PredicateTypes(format)
		if want := map[Format]int{CycloneDX: 7, SPDX: 3, "": 10}[format]; len(types) != want {
			t.Errorf("%q has the types %v; wanted %d", format, types, want)
		}
		for _, kind := range types {
			if got := FormatOf(kind); got == "" || format != "" && got != format {
				t.Errorf("%s is of the format %q", kind, got)
			}
		}
	}
	// As cosign and BuildKit, actions/attest-sbom and in-toto write them.
	for _, kind := range []string{"https://cyclonedx.org/bom", "https://spdx.dev/Document", "https://spdx.dev/Document/v2.3", "https://cyclonedx.org/bom/v1.4"} {
		if !slices.Contains(PredicateTypes(""), kind) {
			t.Errorf("%s is not among the types", kind)
		}
	}
	for _, kind := range []string{"https://cyclonedx.org/bom/", "https://cyclonedx.org/schema", "https://spdx.dev/Document/2.3", "http://spdx.dev/Document", "https://evil/cyclonedx.org/bom"} {
		if slices.Contains(PredicateTypes(""), kind) || FormatOf(kind) != "" {
			t.Errorf("%s is taken for an SBOM", kind)
		}
	}
}
