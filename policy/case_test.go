package policy_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

func TestParseCases(t *testing.T) {
	cases, err := policy.ParseCases("p.test.yaml", []byte(`cases:
  - {name: good, image: "ghcr.io/o/n:1.2.3", layout: saved, at: 2026-01-31, version: 1.2.3, index: "ghcr.io/o/n:1.2.3", trusted_root: root.json, tuf_mirror: tuf, want: {verdict: pass}}
  - {name: bad, lab: unsigned, repository: o/n, want: {verdict: fail, codes: [signature.missing, sbom.too_old]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "cases", len(cases), 2)
	equal(t, "the first", cases[0].Image+" "+cases[0].Layout+" "+cases[0].TrustedRoot+" "+cases[0].TUFMirror, "ghcr.io/o/n:1.2.3 saved root.json tuf")
	equal(t, "its time", cases[0].At, date(2026, 1, 31))
	equal(t, "its line", cases[0].Line, 2)
	equal(t, "its verdict", cases[0].Want.Verdict, policy.WantPass)
	equal(t, "the second", cases[1].Lab+" "+cases[1].Repository+" "+strings.Join(cases[1].Want.Codes, " "), "unsigned o/n signature.missing sbom.too_old")
}

func TestRefuseCases(t *testing.T) {
	const good = "name: a, lab: good, want: {verdict: pass}"
	for text, want := range map[string]string{
		"":                              "p:",
		"cases: []":                     "p:1:8: cases is an empty list",
		"case: 1":                       `p:1:1: found unknown key "case"`,
		"cases: [{" + good + ", b: 1}]": `found unknown key "b" in a case; wanted one of at, image,`,
		"cases: [{" + good + "}, {" + good + "}]":                                         `cases has two of the name "a"`,
		"cases: [{lab: good, want: {verdict: pass}}]":                                     `a case has no "name"`,
		"cases: [{name: a, lab: good}]":                                                   `a case has no "want"`,
		"cases: [{name: a, want: {verdict: pass}}]":                                       "found neither",
		"cases: [{" + good + ", layout: x, image: a/b}]":                                  "found both",
		"cases: [{name: a, layout: x, want: {verdict: pass}}]":                            `a case with a layout has no "image"`,
		"cases: [{name: a, layout: x, image: i, repository: o/n, want: {verdict: pass}}]": "wanted it beside lab alone",
		"cases: [{" + good + ", tuf_mirror: x}]":                                          `has "tuf_mirror", which is for saved evidence`,
		"cases: [{" + good + ", repository: https}]":                                      "wanted owner/name",
		"cases: [{" + good + ", at: yesterday}]":                                          "wanted a time such as",
		"cases: [{name: a, lab: good, want: {verdict: maybe}}]":                           "wanted one of pass, fail, undecided",
		"cases: [{name: a, lab: good, want: {codes: [a.b]}}]":                             `want has no "verdict"`,
		"cases: [{name: a, lab: good, want: {verdict: pass, codes: [a.b]}}]":              "want has codes beside a pass",
		"cases: [{name: a, lab: good, want: {verdict: fail, codes: [missing]}}]":          "wanted the code of a reason",
		"cases: [{name: a, lab: good, want: {verdict: fail, codes: [a.b, a.b]}}]":         `want.codes has "a.b" twice`,
		"cases: [{name: a, lab: good, want: {verdict: fail, codes: []}}]":                 "want.codes is an empty list",
		"cases:" + strings.Repeat("\n  - {"+good+"}", 257):                                "cases has 257 entries; wanted at most 256",
	} {
		cases, err := policy.ParseCases("p", []byte(text))
		if err == nil || cases != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v; wanted %q", text, err, want)
		}
	}
}

// Whatever the bytes, cases come back whole or not at all.
func FuzzParseCases(f *testing.F) {
	for _, s := range []string{"", "cases: [{name: a, lab: good, want: {verdict: pass}}]", "cases: &a [*a]", "cases: [{name: a, layout: x, image: y, want: {verdict: fail, codes: a.b}}]", fullPolicy} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		policy.PositionsOf(b)
		cases, err := policy.ParseCases("p", b)
		if (err == nil) != (len(cases) > 0) {
			t.Fatalf("%d cases, %v", len(cases), err)
		}
		for _, c := range cases {
			if c.Name == "" || (c.Lab == "") == (c.Layout == "") || c.Want.Verdict == "" {
				t.Fatalf("took %+v", c)
			}
		}
	})
}
