package sbom

import (
	"fmt"
	"strings"
)

// DenyLicenses returns the components, the described one among them, that can only be
// used under a denied licence: "MIT OR GPL-3.0-only" has a way out, "MIT AND
// GPL-3.0-only" has none. Patterns are SPDX ids in any case, where * stands for any
// characters, and stand for the licence with and without an exception; "GPL-2.0" means
// GPL-2.0-only and "GPL-2.0+" GPL-2.0-or-later. Everything that was declared or
// concluded counts. A licence that is no expression is held against the patterns as a
// whole and word by word.
func DenyLicenses(d *Document, patterns ...string) []Violation {
	match := licenseMatcher(patterns)
	var out []Violation
	for _, c := range d.All() {
		for _, l := range c.Licenses {
			if l.tree != nil {
				if !l.tree.satisfied(func(t *term) bool { return !match(t) }) {
					out = append(out, about(RuleDeniedLicense, &c, fmt.Sprintf("the licence %q is denied", l.Expression)))
				}
				continue
			}
			if matchesText(match, l.Text) {
				out = append(out, about(RuleDeniedLicense, &c, fmt.Sprintf("the licence text %q names a denied licence", l.Text)))
			}
		}
	}
	return out
}

// RequireLicenses returns the components that cannot be used under allowed licences
// alone: every component needs a licence, and all its licences that count (what was
// concluded, else what was declared) need a way through the allowed ones. Patterns are
// those of [DenyLicenses], but stand for ids alone: what a document calls a LicenseRef,
// or writes in place of an expression, allows nothing. The described component is not
// asked: it is one's own.
func RequireLicenses(d *Document, patterns ...string) []Violation {
	match := licenseMatcher(patterns)
	var out []Violation
	for i := range d.Components {
		c := &d.Components[i]
		licenses := counting(c.Licenses)
		if len(licenses) == 0 {
			out = append(out, about(RuleRequiredLicense, c, "it has no licence"))
			continue
		}
		for _, l := range licenses {
			if l.tree == nil {
				out = append(out, about(RuleRequiredLicense, c, fmt.Sprintf("the licence text %q is not an SPDX expression", l.Text)))
			} else if !l.tree.satisfied(func(t *term) bool { return match(&term{id: t.id, plus: t.plus, exception: t.exception}) }) {
				out = append(out, about(RuleRequiredLicense, c, fmt.Sprintf("the licence %q is not among the allowed", l.Expression)))
			}
		}
	}
	return out
}

// licenseMatcher returns whether one licence of an expression fits one of patterns.
func licenseMatcher(patterns []string) func(*term) bool {
	low := make([]string, 0, len(patterns))
	for _, p := range patterns {
		low = append(low, strings.ToLower(modernPattern(strings.TrimSpace(p))))
	}
	return func(t *term) bool {
		id, plus := modern(t.id, t.plus)
		forms := []string{id}
		if plus {
			forms = append(forms, id+"+")
		}
		if base, _, old := strings.Cut(strings.ToLower(id), "-with-"); old { // GPL-2.0-with-font-exception
			base, _ = modern(base, false)
			forms = append(forms, base)
		}
		if t.exception != "" {
			forms = append(forms, id+" WITH "+t.exception)
		}
		if t.name != "" {
			forms = append(forms, t.name)
			forms = append(forms, words(t.name)...)
		}
		for _, form := range forms {
			form = strings.ToLower(form)
			for _, p := range low {
				if glob(p, form) {
					return true
				}
			}
		}
		return false
	}
}

// modernPattern puts a pattern without a star in the form of [License.Expression].
func modernPattern(p string) string {
	if strings.Contains(p, "*") {
		return p
	}
	id, rest, _ := strings.Cut(p, " ")
	base, plus := strings.CutSuffix(id, "+")
	base, plus = modern(base, plus)
	if plus {
		base += "+"
	}
	return strings.TrimSpace(base + " " + rest)
}

// matchesText reports whether a text that is no expression names a licence that match
// takes, as a whole or by one of its words.
func matchesText(match func(*term) bool, text string) bool {
	if match(&term{id: text}) {
		return true
	}
	for _, w := range words(text) {
		base, plus := strings.CutSuffix(w, "+")
		if match(&term{id: base, plus: plus}) {
			return true
		}
	}
	return false
}

// words splits a text at everything that is not part of an SPDX id.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '.' && r != '-' && r != '+' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// glob reports whether s fits a pattern in which * stands for any characters. It takes
// time proportional to the product of both lengths at most.
func glob(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], next
	}
}
