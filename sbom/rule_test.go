package sbom

import (
	"strings"
	"testing"
	"time"
)

func TestExpression(t *testing.T) {
	table := newLicenseTable()
	for text, want := range map[string]string{
		"MIT":                                   "MIT",
		"mit":                                   "MIT",
		"(MIT)":                                 "MIT",
		" ( mit  or  APACHE-2.0 ) ":             "MIT OR Apache-2.0",
		"MIT AND (Apache-2.0 OR ISC)":           "MIT AND (Apache-2.0 OR ISC)",
		"(MIT AND Apache-2.0) OR ISC":           "MIT AND Apache-2.0 OR ISC",
		"MIT AND Apache-2.0 AND ISC":            "MIT AND Apache-2.0 AND ISC",
		"GPL-2.0":                               "GPL-2.0-only",
		"GPL-2.0+":                              "GPL-2.0-or-later",
		"gpl-3.0-or-later":                      "GPL-3.0-or-later",
		"LGPL-2.1+ OR AGPL-3.0":                 "LGPL-2.1-or-later OR AGPL-3.0-only",
		"Apache-2.0+":                           "Apache-2.0+",
		"GPL-2.0 WITH classpath-exception-2.0":  "GPL-2.0-only WITH Classpath-exception-2.0",
		"GPL-2.0-with-font-exception":           "GPL-2.0-with-font-exception",
		"GFDL-1.3-no-invariants-only":           "GFDL-1.3-no-invariants-only",
		"LicenseRef-Acme":                       "LicenseRef-Acme",
		"DocumentRef-x:LicenseRef-y OR MIT":     "DocumentRef-x:LicenseRef-y OR MIT",
		"MIT WITH Nonsense":                     "?",
		"Acme-1.0":                              "?",
		"MIT AND":                               "",
		"AND MIT":                               "",
		"MIT Apache-2.0":                        "",
		"(MIT":                                  "",
		"MIT)":                                  "",
		"()":                                    "",
		"":                                      "",
		"MIT WITH":                              "",
		"MIT WITH OR":                           "",
		"MIT/Apache-2.0":                        "",
		"MIT And ISC":                           "",
		strings.Repeat("(", 33) + "MIT":         "",
		strings.Repeat("MIT OR ", 9000) + "ISC": "",
	} {
		l := table.resolve(SourceExpression, text)
		if want == "?" {
			if l.Known || l.Expression == "" {
				t.Errorf("%.40q: %+v, want unknown", text, l)
			}
		} else if l.Expression != want || l.Known != (want != "") {
			t.Errorf("%.40q: %+v, want %q", text, l, want)
		}
		if again := table.resolve(SourceExpression, l.Expression); l.Expression != "" && again.Expression != l.Expression {
			t.Errorf("%q becomes %q", l.Expression, again.Expression)
		}
	}
	for _, name := range []string{"BSD", "Public Domain", "Apache License 2.0", "Acme-1.0"} {
		if l := table.resolve(SourceName, name); l.Expression != "" {
			t.Errorf("the name %q is taken for %q", name, l.Expression)
		}
	}
	if l := table.resolve(SourceName, "mit"); l.Expression != "MIT" {
		t.Error("an id given as a name is not taken for it")
	}
}

// TestExpressionIsLinear asks what takes a disjunctive normal form 2^500 terms.
func TestExpressionIsLinear(t *testing.T) {
	text := strings.TrimSuffix(strings.Repeat("(MIT OR ISC) AND ", 500), " AND ")
	l := newLicenseTable().resolve(SourceExpression, text)
	if l.tree == nil || !l.tree.satisfied(func(e *term) bool { return e.id == "MIT" }) || l.tree.satisfied(func(e *term) bool { return e.id == "X" }) {
		t.Errorf("%+v", l.tree)
	}
}

func TestLicenses(t *testing.T) {
	license := func(entries ...string) *Document {
		return mustParse(t, cycloneDX(`"components":[{"name":"a","licenses":[`+strings.Join(entries, ",")+`]}]`))
	}
	expression := func(e string) string { return `{"expression":"` + e + `"}` }
	for name, c := range map[string]struct {
		doc             *Document
		pattern         string
		denied, allowed bool
	}{
		"plain":                     {license(expression("GPL-3.0-only")), "GPL-3.0-only", true, true},
		"case":                      {license(expression("gpl-3.0-ONLY")), "gPl-3.0-only", true, true},
		"old id":                    {license(expression("GPL-3.0")), "GPL-3.0-only", true, true},
		"old pattern":               {license(expression("GPL-3.0-only")), "GPL-3.0", true, true},
		"plus":                      {license(expression("GPL-3.0+")), "GPL-3.0-or-later", true, true},
		"old pattern with plus":     {license(expression("GPL-3.0-or-later")), "GPL-3.0+", true, true},
		"only is not later":         {license(expression("GPL-3.0-only")), "GPL-3.0-or-later", false, false},
		"star":                      {license(expression("GPL-3.0-only")), "GPL-*", true, true},
		"star elsewhere":            {license(expression("LGPL-3.0-only")), "GPL-*", false, false},
		"or":                        {license(expression("MIT OR GPL-3.0-only")), "GPL-*", false, true},
		"and":                       {license(expression("MIT AND GPL-3.0-only")), "GPL-*", true, false},
		"deep":                      {license(expression("MIT AND (ISC OR (GPL-3.0-only AND MIT))")), "GPL-*", false, false},
		"or of denied":              {license(expression("GPL-2.0-only OR GPL-3.0-only")), "GPL-*", true, true},
		"exception":                 {license(expression("GPL-2.0 WITH Classpath-exception-2.0")), "GPL-2.0", true, true},
		"old exception":             {license(expression("GPL-2.0-with-classpath-exception")), "GPL-2.0", true, true},
		"only with exception":       {license(expression("GPL-2.0")), "GPL-2.0-only WITH Classpath-exception-2.0", false, false},
		"two entries":               {license(expression("MIT"), expression("GPL-2.0")), "GPL-*", true, false},
		"name that is an id":        {license(`{"license":{"name":"gpl-2.0"}}`), "GPL-2.0-only", true, true},
		"name":                      {license(`{"license":{"name":"My Own"}}`), "My Own", true, false},
		"word of a name":            {license(`{"license":{"name":"Licence: GPL-2.0 (see file)"}}`), "GPL-*", true, false},
		"broken expression":         {license(expression("GPL-2.0 AND (")), "GPL-*", true, false},
		"slash":                     {license(expression("MIT/GPL-2.0")), "GPL-*", true, false},
		"unknown":                   {license(expression("Acme-1.0")), "Acme-1.0", true, true},
		"concluded counts":          {license(`{"license":{"id":"MIT","acknowledgement":"concluded"}}`, `{"license":{"id":"ISC"}}`), "MIT", true, true},
		"declared counts for a ban": {license(`{"license":{"id":"MIT","acknowledgement":"concluded"}}`, `{"license":{"id":"ISC"}}`), "ISC", true, false},
		"none":                      {license(), "*", false, false},
		"everything":                {license(expression("MIT")), "*", true, true},
		"LicenseRef": {mustParse(t, `{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","licenseDeclared":"LicenseRef-7"}],
			"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-7","name":"GPL-2.0"}]}`), "GPL-*", true, false},
		"NOASSERTION": {mustParse(t, `{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","licenseDeclared":"NOASSERTION","licenseConcluded":"NONE"}]}`), "*", false, false},
	} {
		if found := DenyLicenses(c.doc, c.pattern); (len(found) > 0) != c.denied {
			t.Errorf("%s: denied: %v", name, found)
		}
		if found := RequireLicenses(c.doc, c.pattern); (len(found) == 0) != c.allowed {
			t.Errorf("%s: required: %v", name, found)
		}
	}
	found := DenyLicenses(license(expression("GPL-3.0")), "GPL-*")
	if want := `denied-license: a (/components/0): the licence "GPL-3.0-only" is denied`; len(found) != 1 || found[0].String() != want {
		t.Errorf("%v", found)
	}
}

func TestVersions(t *testing.T) {
	order := []string{
		"0.9", "1.0~rc1", "1.0-dev", "1.0.0-rc.1", "1.0", "1.0-1", "1.0.1", "1.0.9", "1.0.10", "1.2", "1.10", "2.0-beta9",
		"2.0", "2.14.1", "2.17.1", "10", "20240101", "99999999999999999999999999", "1:0.1", "2:0.0",
	}
	for i, a := range order {
		for j, b := range order {
			if i == j {
				continue
			}
			if got := compareVersions(a, b); got < 0 != (i < j) {
				if a == "1.0.0-rc.1" && b == "1.0-dev" || a == "1.0-dev" && b == "1.0.0-rc.1" {
					continue // words that mean "before" are alike or in the order of the alphabet
				}
				t.Errorf("compare %s with %s: %d", a, b, got)
			}
		}
	}
	for _, same := range [][2]string{{"1.0", "1"}, {"v1.2.3", "1.2.3"}, {"1.2.3+build5", "1.2.3"}, {"01.2", "1.2"}, {"1.0.0.Final", "1.0"}, {"0:1", "1"}, {" 1.2 ", "1.2"}} {
		if compareVersions(same[0], same[1]) != 0 {
			t.Errorf("%s is not %s", same[0], same[1])
		}
	}
	for text, versions := range map[string]string{
		"<2":                "1.9 2.0-rc1 0 latest |2 2.0 3",
		">=1.0, <1.2.3":     "1.0 v1.2.2 1.2.3-rc1 unknown |1.2.3 0.9 1.0-beta",
		"<1 || >=2,<2.5":    "0.9 2.0 2.4.9|1.5 2.5 3",
		"1.2.3":             "1.2.3 v1.2.3 1.2.3+x|1.2.4 1.2",
		"=1.2.3":            "1.2.3|1.2.4",
		"!=1.2.3":           "1.2.4|1.2.3",
		">1.0":              "1.0.1|1.0 0.9",
		"<=1.0":             "1.0 0.9|1.0.1",
		"":                  "1 x|",
		"*":                 "1 x|",
		">=2.0-beta9,<2.15": "2.0-beta9 2.0-rc1 2.14.1|2.0-alpha1 2.15.0 1.2.17",
	} {
		r, err := ParseRange(text)
		if err != nil {
			t.Fatal(err)
		}
		in, out, _ := strings.Cut(versions, "|")
		for v := range strings.FieldsSeq(in) {
			if !r.Contains(v) {
				t.Errorf("%q does not hold %s", text, v)
			}
		}
		for v := range strings.FieldsSeq(out) {
			if r.Contains(v) {
				t.Errorf("%q holds %s", text, v)
			}
		}
	}
	for _, bad := range []string{"<", ">=x", "1,", ",1", "||", "1 ||", "1 2", "1.*", "=>1", "<1 >2", "^1.0", "~1"} {
		if r, err := ParseRange(bad); err == nil {
			t.Errorf("%q is the range %+v", bad, r)
		}
	}
	for _, bad := range []string{"", "left-pad", "pkg:", "pkg:npm", "pkg:npm/", "pkg:/x", "pkg:npm/x@1", "pkg:npm/x?y=z", "pkg:npm/x#y"} {
		if p, err := ParsePattern(bad, ""); err == nil {
			t.Errorf("%q is the pattern %+v", bad, p)
		}
	}
	if _, err := ParsePattern("pkg:npm/x", "<"); err == nil {
		t.Error("a pattern with half a range")
	}
	if p := mustPattern(t, "pkg:npm/@a/b", " <2 "); p.String() != "pkg:npm/@a/b <2" {
		t.Error(p)
	}
}

func TestWholeDocument(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	good := func(more string) *Document {
		return mustParse(t, cycloneDX(`"metadata":{"timestamp":"2026-02-01T00:00:00Z","authors":[{"name":"a"}]}`,
			`"dependencies":[{"ref":"a","dependsOn":["b"]}]`,
			`"components":[{"name":"a","version":"1","supplier":{"name":"s"},"purl":"pkg:npm/a@1","hashes":[{"alg":"SHA-256","content":"`+hex64+`"}]}`+more+`]`))
	}
	bare := `,{"name":"b"}`
	for name, c := range map[string]struct {
		found []Violation
		want  int
		first string
	}{
		"enough":              {MinComponents(good(""), 1), 0, ""},
		"too few":             {MinComponents(good(""), 2), 1, "min-components: the document has 1 components, fewer than 2"},
		"NTIA":                {NTIA(good("")), 0, ""},
		"NTIA, bare":          {NTIA(good(bare)), 1, "ntia: b (/components/1): it has no supplier, no version, no unique identifier"},
		"purl":                {PURLCoverage(good(""), 1), 0, ""},
		"purl, half":          {PURLCoverage(good(bare), 0.5), 0, ""},
		"purl, too few":       {PURLCoverage(good(bare), 0.51), 2, "purl-coverage: 1 of 2 components have no package URL that can be read, 50.0%"},
		"purl, malformed":     {PURLCoverage(good(`,{"name":"b","purl":"npm/b"}`), 1), 2, "purl-coverage: 1 of 2 components have no package URL that can be read, 50.0%"},
		"hash":                {HashCoverage(good(""), 1), 0, ""},
		"hash, MD5":           {HashCoverage(good(`,{"name":"b","hashes":[{"alg":"MD5","content":"`+hex64[:32]+`"}]}`), 1), 2, "hash-coverage: 1 of 2 components have no hash of SHA-256 or better, 50.0%"},
		"hash, short":         {HashCoverage(good(`,{"name":"b","hashes":[{"alg":"SHA-256","content":"00"}]}`), 1), 2, "hash-coverage: 1 of 2 components have no hash of SHA-256 or better, 50.0%"},
		"versions":            {UnknownVersions(good(""), 0), 0, ""},
		"versions, half":      {UnknownVersions(good(bare), 0.5), 0, ""},
		"versions, too few":   {UnknownVersions(good(bare), 0.4), 2, "unknown-versions: 1 of 2 components have no version, 50.0%"},
		"versions, latest":    {UnknownVersions(good(`,{"name":"b","version":"(Unknown)"}`), 0), 2, "unknown-versions: 1 of 2 components have no version, 50.0%"},
		"versions, of purl":   {UnknownVersions(good(`,{"name":"b","purl":"pkg:npm/b@1"}`), 0), 0, ""},
		"age":                 {MaxAge(good(""), 30*24*time.Hour, now), 0, ""},
		"too old":             {MaxAge(good(""), 24*time.Hour, now), 1, "age: /metadata/timestamp: the document is of 2026-02-01T00:00:00Z, older than 24h0m0s"},
		"in the future":       {MaxAge(good(""), time.Hour, now.AddDate(-1, 0, 0)), 1, "age: /metadata/timestamp: the document is of 2026-02-01T00:00:00Z, in the future"},
		"timestamp malformed": {MaxAge(mustParse(t, cycloneDX(`"metadata":{"timestamp":"today"}`)), time.Hour, now), 1, `age: /metadata/timestamp: the document has no timestamp that can be read ("today")`},
	} {
		if len(c.found) != c.want || c.want > 0 && c.found[0].String() != c.first {
			t.Errorf("%s: %v", name, c.found)
		}
	}
}

func TestGlob(t *testing.T) {
	for pattern, texts := range map[string]string{
		"a*c": "ac abc abcc|ab bc a", "*": "a abc|", "a": "a|b aa", "*b*": "b abc bb|a", "a*b*c": "abc aXbYc|acb", "aa*aa": "aaaa aaXaa|aaa",
	} {
		in, out, _ := strings.Cut(texts, "|")
		for s := range strings.FieldsSeq(in) {
			if !glob(pattern, s) {
				t.Errorf("%q does not take %q", pattern, s)
			}
		}
		for s := range strings.FieldsSeq(out) {
			if glob(pattern, s) {
				t.Errorf("%q takes %q", pattern, s)
			}
		}
	}
}
