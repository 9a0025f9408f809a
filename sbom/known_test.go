package sbom

import "testing"

func TestKnownLicense(t *testing.T) {
	for pattern, want := range map[string]bool{
		"MIT": true, "mit": true, "GPL-3.0": true, "GPL-3.0+": true, "GPL-3.0-or-later": true, "gpl-*": true, "GPL-3.0*": true, "AGPL-*": true, "Apache-2.0+": true,
		"LicenseRef-Acme": true, "LicenseRef-*": true, "DocumentRef-a.LicenseRef-b": true, "GPL-2.0-only WITH Classpath-exception-2.0": true, "GPL-2.0* with *": true,
		"GLP-3.0": false, "GPL": false, "GPLv3": false, "Apache": false, "Proprietary*": false, "MIT-*-x-*": false, "GPL-2.0 WITH Clashpath": false, "": false,
	} {
		if KnownLicense(pattern) != want {
			t.Errorf("%q: known is %v", pattern, !want)
		}
	}
}

func TestKnownType(t *testing.T) {
	for purl, want := range map[string]bool{
		"pkg:npm/left-pad": true, "pkg:NPM/left-pad": true, "pkg:deb/debian/*": true, "pkg:*/log4j": true, "pkg:go*/x": true,
		"pkg:nmp/left-pad": false, "pkg:go/x": false, "pkg:x*/y": false,
	} {
		p, err := ParsePattern(purl, "")
		if err != nil {
			t.Fatal(err)
		}
		if p.KnownType() != want {
			t.Errorf("%s: known is %v", purl, !want)
		}
	}
}
