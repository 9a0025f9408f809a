package sbom_test

import (
	"fmt"

	"github.com/releaseassay/assay/sbom"
)

func Example() {
	doc, err := sbom.Parse([]byte(`{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata": {"component": {"type": "container", "name": "acme/widget"}},
		"components": [
			{"type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/Left%2Dpad@1.3.0",
			 "licenses": [{"expression": "MIT AND GPL-2.0+"}]}
		]}`), sbom.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	banned, err := sbom.ParsePattern("pkg:npm/left-pad", "<2")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range append(sbom.DenyComponents(doc, banned), sbom.DenyLicenses(doc, "GPL-*")...) {
		fmt.Println(v)
	}
	fmt.Println(len(sbom.MinComponents(doc, 1)), "other violations")
	// Output:
	// denied-component: pkg:npm/Left-pad@1.3.0 (/components/0): it is denied by "pkg:npm/left-pad <2" (by package URL, 1.3.0)
	// denied-license: pkg:npm/Left-pad@1.3.0 (/components/0): the licence "MIT AND GPL-2.0-or-later" is denied
	// 0 other violations
}
