package cases

import (
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// bombBill is a CycloneDX document as XML whose entities grow when they are read.
const bombBill = `<?xml version="1.0"?><!DOCTYPE bom [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components><component type="library"><name>&c;</name><version>1</version></component></components></bom>`

// xmlBill writes a CycloneDX document as XML in a string. It lists a denied component.
func xmlBill(name, digest string, _ time.Time, edits ...lab.Edit) ([]byte, error) {
	purl := "pkg:oci/widget@" + strings.Replace(digest, ":", "%3A", 1)
	text := `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><metadata><component type="container"><name>widget</name><version>` + digest + `</version><purl>` + purl +
		`</purl></component></metadata><components><component type="library"><name>event-stream</name><version>3.3.6</version><purl>pkg:npm/event-stream@3.3.6</purl></component></components></bom>`
	return lab.SBOMAbout(lab.CycloneDXPredicateType, name, digest, text, edits...)
}

// bills are documents that the release workflow signed and that are not what a bill of materials should be. Every case
// denies the component event-stream before version 4 and wants the document to be about the image.
func bills() []Case {
	var cases []Case
	for _, list := range [][]document{billContents(), billComponents(), billShapes()} {
		for _, d := range list {
			cases = append(cases, Case{
				ID: slug(25, d.name), Class: 25, Shows: d.shows, Want: Fails("sbom", d.code),
				Build: func(b *Bench) error {
					b.Rule(Standard(sbomLeg(d.more))...)
					return b.publishGood(d.attested(b))
				},
			})
		}
	}
	return cases
}

func billContents() []document {
	other := "sha256:" + strings.Repeat("ab", 32)
	const tooFew, elsewhere = "sbom.too_few_components", "sbom.describes_other"
	return []document{
		bill("signed and empty", "The bill of materials is signed, and lists nothing.", tooFew, listing()),
		bill("without components", "The bill of materials is signed, and has no list at all.", tooFew, lab.Set("predicate.components", nil)),
		bill("about another image", "The bill of materials says that it describes another image, though the statement around it names this one.", elsewhere,
			lab.Set("predicate.metadata.component.version", other), lab.Set("predicate.metadata.component.purl", "pkg:oci/widget@"+strings.Replace(other, ":", "%3A", 1))),
		bill("spdx about another image", "The SPDX document of another image stands in a statement about this one.", elsewhere,
			lab.Set("predicate.packages.0.versionInfo", other), lab.Set("predicate.packages.0.externalRefs.0.referenceLocator", "pkg:oci/widget@"+strings.Replace(other, ":", "%3A", 1))).by(undated(lab.SPDX).dated),
		bill("about nothing", "The bill of materials does not say what it is of.", "sbom.describes_nothing", lab.Set("predicate.metadata.component", nil)),
		bill("about another component", "The bill of materials is that of a library inside the image, by name and version.", "sbom.describes_nothing",
			lab.Set("predicate.metadata.component", component("golang.org/x/text", "v0.41.0", "pkg:golang/golang.org/x/text@v0.41.0"))),
		bill("denied licence", "The bill of materials lists a library under a licence that the policy denies, as one of two that hold together.", "sbom.license_denied",
			lab.Set("predicate.components.0.licenses", []any{map[string]any{"expression": "MIT AND GPL-3.0-only"}})).demanding(`deny_licenses: ["GPL-*"]`),
		bill("licence in small letters", "The denied licence is written in small letters.", "sbom.license_denied",
			lab.Set("predicate.components.0.licenses", []any{map[string]any{"expression": "gpl-3.0-only"}})).demanding(`deny_licenses: ["GPL-*"]`),
		bill("old document", "The bill of materials was made long before the image.", "sbom.document_too_old", lab.Set("predicate.metadata.timestamp", "2010-01-01T00:00:00Z")).demanding("max_document_age: 3650d"),
		bill("without versions", "No component has a version that could be compared with anything.", "sbom.versions_unknown",
			listing(component("one", "", ""), component("other", "latest", ""))).demanding("unknown_versions: 0.1"),
	}
}

// billComponents list the denied component in ways that a comparison of letters does not see.
func billComponents() []document {
	const denied = "sbom.component_denied"
	stream := component("event-stream", "3.3.6", "pkg:npm/event-stream@3.3.6")
	spelt := func(purl string) lab.Edit { return listing(component("harmless", "3.3.6", purl)) }
	return []document{
		bill("denied component", "The bill of materials lists a component that the policy denies.", denied, listing(stream)),
		bill("denied component in capitals", "The denied component is written in capitals.", denied, spelt("pkg:NPM/Event-STREAM@3.3.6")),
		bill("denied component percent encoded", "The denied component is written with percent signs for its letters and its slash.", denied, spelt("pkg:npm%2Fevent%2Dstream@3.3.6")),
		bill("denied namespace percent encoded", "The slash between the namespace and the name of a denied component is written %2F.", denied, spelt("pkg:npm/%40evil%2Fthing@1.0")),
		bill("denied component with slashes", "The package URL of the denied component begins with slashes.", denied, spelt("pkg:///npm/event-stream@3.3.6")),
		bill("denied component with qualifiers", "The package URL of the denied component goes on with qualifiers and a subpath.", denied, spelt("pkg:npm/event-stream@3.3.6?arch=any#lib")),
		bill("denied component by name alone", "The denied component has no package URL, only its name.", denied, listing(component("Event-Stream", "3.3.6", ""))),
		bill("denied component five levels in", "The denied component lies five levels deep in others.", denied, buried(5, stream)),
		bill("denied component in the image", "The denied component is not in the list but inside the component that the document describes.", denied, lab.Set("predicate.metadata.component.components", []any{stream})),
		bill("denied version with a v", "The version of the denied component has a v in front.", denied, listing(component("event-stream", "v3.3.6", "pkg:npm/event-stream@v3.3.6"))),
		bill("denied component behind a space", "The package URL of the denied component begins with a space.", denied, spelt(" pkg:npm/event-stream@3.3.6")),
		bill("denied version in the url alone", "The denied component says version 4 and its package URL 3.3.6.", denied, listing(component("event-stream", "4.0.1", "pkg:npm/event-stream@3.3.6"))),
		bill("denied version beside the url", "The denied component says version 3.3.6 and its package URL 4.", denied, listing(component("event-stream", "3.3.6", "pkg:npm/event-stream@4.0.1"))),
		bill("denied version with zeros", "The version of the denied component has zeros in front.", denied, spelt("pkg:npm/event-stream@03.03.06")),
		bill("denied version with build data", "The version of the denied component goes on with build data.", denied, spelt("pkg:npm/event-stream@3.3.6+4.0.0")),
		bill("denied component without a version", "The component of which early versions are denied has no version.", denied, listing(component("event-stream", "", "pkg:npm/event-stream"))),
		bill("denied component in spdx", "The SPDX document lists the denied component in capitals.", denied,
			lab.Set("predicate.packages.1.name", "x"), lab.Set("predicate.packages.1.versionInfo", "3.3.6"),
			lab.Set("predicate.packages.1.externalRefs.0.referenceLocator", "pkg:NPM/Event-Stream@3.3.6")).by(undated(lab.SPDX).dated),
		bill("denied component in old spdx", "The SPDX document gives the package URL of the denied component under the category's spelling of SPDX 2.2.", denied,
			lab.Set("predicate.packages.1.name", "x"), lab.Set("predicate.packages.1.versionInfo", "3.3.6"), lab.Set("predicate.packages.1.externalRefs.0.referenceCategory", "PACKAGE_MANAGER"),
			lab.Set("predicate.packages.1.externalRefs.0.referenceLocator", "pkg:npm/event-stream@3.3.6")).by(undated(lab.SPDX).dated),
	}
}

// billShapes are read in one way by some and in another by others, or cost too much to read.
func billShapes() []document {
	const malformed, mismatch = "sbom.malformed", "sbom.format_mismatch"
	const list = `"components":[`
	return []document{
		bill("unknown spec version", "The bill of materials is of a version of CycloneDX that does not exist, so that a reader knows none of its members.", malformed, lab.Set("predicate.specVersion", "9.9")),
		bill("no format", "The document does not say that it is CycloneDX.", malformed, lab.Set("predicate.bomFormat", nil)),
		bill("two formats", "The document says that it is CycloneDX and SPDX.", malformed, lab.Set("predicate.spdxVersion", "SPDX-2.3")),
		bill("list in capitals", "The document has an empty list under Components, which some readers take for components.", malformed, lab.Set("predicate.Components", []any{})),
		bill("list given twice", "The document has its list twice, the second of them empty.", malformed).rewritten(list, `"components":[],`+list),
		bill("list that is an object", "The components are an object, over which a reader of lists goes no times.", malformed, lab.Set("predicate.components", map[string]any{})),
		bill("null document", "The predicate is null.", malformed, lab.Set("predicate", lab.Null)),
		bill("bomb of objects", "The document has 700,000 empty services, which cost a reader hundreds of megabytes.", malformed).rewritten(list, `"services":[`+strings.Repeat("{},", 700_000)+`{}],`+list),
		bill("bomb of brackets", "The document has two hundred lists inside each other.", malformed).rewritten(list, `"services":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+","+list),
		bill("components buried too deep", "The denied component lies two hundred levels deep in others.", malformed, buried(200, component("event-stream", "3.3.6", "pkg:npm/event-stream@3.3.6"))),
		bill("xml bomb", "The document is XML whose entities grow tenfold at each level.", malformed, lab.Set("predicate", bombBill)),
		bill("xml", "The document is XML in a string, which readers of JSON pass over, and lists the denied component.", "sbom.component_denied").by(xmlBill),
		bill("too large", "The document has more bytes than the policy reads.", "sbom.too_large").demanding("max_size: 100"),
		bill("another format", "The policy wants SPDX, and the document is CycloneDX.", mismatch).demanding("format: spdx"),
		bill("type of the other format", "A CycloneDX document is attested as SPDX.", mismatch, lab.Set("predicateType", lab.SPDXPredicateType)),
		bill("type of another version", "The predicate type names version 1.5 and the document 1.6.", mismatch, lab.Set("predicateType", lab.CycloneDXPredicateType+"/v1.5")),
		bill("against the schema", "A component's scope is a word that CycloneDX does not know.", "sbom.schema_invalid", lab.Set("predicate.components.0.scope", "sometimes")).demanding("schema: strict"),
		bill("expression of nothing", "The list is empty, over which a rule for every component holds.", "sbom.too_few_components", listing()).
			demanding(`rules: [{name: hashed, expr: "components.all(c, c.version != '')"}]`),
	}
}
