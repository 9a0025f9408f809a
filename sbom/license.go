package sbom

import (
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// Sources of a [License].
const (
	SourceID         = "id"         // CycloneDX license.id
	SourceName       = "name"       // CycloneDX license.name
	SourceExpression = "expression" // CycloneDX expression
	SourceDeclared   = "declared"   // SPDX licenseDeclared
	SourceConcluded  = "concluded"  // SPDX licenseConcluded
)

// License is one statement about a component's licence.
type License struct {
	// Expression is an SPDX expression (SPDX 2.3, annex D) in canonical form: ids in
	// the case of SPDX's list, GPL-2.0 as GPL-2.0-only and GPL-2.0+ as
	// GPL-2.0-or-later. It is empty for a name or text that is not an expression.
	Expression string `json:"expression,omitempty"`
	// Text is what the document has.
	Text   string `json:"text"`
	Source string `json:"source"`
	// Known is true if all ids of Expression are on SPDX's list or are LicenseRefs.
	Known bool `json:"known"`
	// Concluded is true for what somebody concluded, as against what was declared.
	Concluded bool `json:"concluded,omitempty"`

	tree *term
}

// licenseTable resolves texts to licences, each text once. Its lists are those of
// go-spdx; its Satisfies is not used, since it expands an expression to a disjunctive
// normal form: 18 times "(MIT OR ISC)", 300 bytes, take it 11 seconds and 4 GiB.
type licenseTable struct {
	ids        map[string]string // by lower case
	exceptions map[string]string
	names      map[string]string // of LicenseRefs, by lower case
	seen       map[string]License
}

// newLicenseTable returns a table of SPDX's licences and exceptions.
func newLicenseTable() *licenseTable {
	t := &licenseTable{ids: map[string]string{}, exceptions: map[string]string{}, seen: map[string]License{}}
	for _, id := range slices.Concat(spdxlicenses.GetLicenses(), spdxlicenses.GetDeprecated()) {
		t.ids[strings.ToLower(id)] = id
	}
	for _, id := range spdxlicenses.GetExceptions() {
		t.exceptions[strings.ToLower(id)] = id
	}
	return t
}

// resolve returns the licence that text stands for.
func (t *licenseTable) resolve(source, text string) License {
	key := source + "\x00" + text
	if l, ok := t.seen[key]; ok {
		return l
	}
	l := License{Text: strings.TrimSpace(text), Source: source}
	tree, err := parseExpression(l.Text)
	if err == nil {
		known := t.canonical(tree)
		// "BSD" and "Public Domain" are names; "MIT" as a name is an id.
		if known || source != SourceName {
			l.tree, l.Known, l.Expression = tree, known, tree.String()
		}
	}
	if len(t.seen) < maxSeen {
		t.seen[key] = l
	}
	return l
}

// maxSeen bounds how many texts a table remembers.
const maxSeen = 4096

// canonical puts the ids of an expression in the form of [License], and reports
// whether all are known.
func (t *licenseTable) canonical(e *term) bool {
	known := true
	for _, inner := range e.terms {
		known = t.canonical(inner) && known
	}
	if e.op != "" {
		return known
	}
	lower := strings.ToLower(e.id)
	if strings.Contains(lower, "licenseref-") {
		e.name = t.names[lower]
		return true
	}
	id, ok := t.ids[lower]
	if ok {
		e.id = id
	} else if base, plus := strings.CutSuffix(lower, "-or-later"); plus && t.ids[base] != "" {
		e.id, ok = t.ids[base]+"-or-later", true
	}
	e.id, e.plus = modern(e.id, e.plus)
	if e.exception != "" {
		exception, found := t.exceptions[strings.ToLower(e.exception)]
		if found {
			e.exception = exception
		}
		ok = ok && (found || strings.HasPrefix(strings.ToLower(e.exception), "additionref-"))
	}
	return ok
}

// modern replaces the deprecated ids of the GNU licences.
func modern(id string, plus bool) (string, bool) {
	for _, family := range []string{"GPL-", "LGPL-", "AGPL-", "GFDL-"} {
		if len(id) < len(family) || !strings.EqualFold(id[:len(family)], family) {
			continue
		}
		base, rest := id, ""
		for _, suffix := range []string{"-only", "-or-later"} {
			if len(id) > len(suffix) && strings.EqualFold(id[len(id)-len(suffix):], suffix) {
				base, rest = id[:len(id)-len(suffix)], suffix
			}
		}
		if len(base) < len(family) {
			return id, plus // GPL-only, of no version
		}
		if strings.ContainsAny(strings.TrimLeft(base[len(family):], "0123456789."), "-") {
			return id, plus // GPL-2.0-with-classpath-exception, GFDL-1.1-invariants
		}
		if rest == "" {
			rest = "-only"
		}
		if plus {
			rest = "-or-later"
		}
		return base + rest, false
	}
	return id, plus
}

// counting returns the licences that count: what was concluded, if anything was, and
// else everything that was said.
func counting(licenses []License) []License {
	var concluded []License
	for _, l := range licenses {
		if l.Concluded {
			concluded = append(concluded, l)
		}
	}
	if len(concluded) > 0 {
		return concluded
	}
	return licenses
}

// combine returns one expression for the licences that count; a name that is no
// expression is put in double quotes, so that the result says all and is no
// expression then.
func combine(licenses []License) string {
	licenses = counting(licenses)
	parts := make([]string, 0, len(licenses))
	for _, l := range licenses {
		part := l.Expression
		if part == "" {
			part = `"` + l.Text + `"`
		} else if l.tree != nil && l.tree.op == opOr && len(licenses) > 1 {
			part = "(" + part + ")"
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " AND ")
}
