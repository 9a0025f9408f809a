package sbom

import (
	"cmp"
	"fmt"
	"strings"
)

// Range is a set of versions, as [ParseRange] reads it. The zero value holds every
// version.
type Range struct {
	text string
	any  [][]comparator
}

// comparator is one bound of a range.
type comparator struct{ op, version string }

// ParseRange reads bounds like ">=1.0, <1.2.3" that all hold, and alternatives
// between "||". Operators are =, !=, <, <=, > and >=; a version alone means =. The
// empty text and "*" hold every version.
func ParseRange(text string) (Range, error) {
	r := Range{text: strings.TrimSpace(text)}
	if r.text == "" || r.text == "*" {
		return r, nil
	}
	for alternative := range strings.SplitSeq(r.text, "||") {
		var all []comparator
		for bound := range strings.SplitSeq(alternative, ",") {
			c := comparator{op: "=", version: strings.TrimSpace(bound)}
			for _, op := range []string{">=", "<=", "!=", ">", "<", "="} {
				if v, ok := strings.CutPrefix(c.version, op); ok {
					c = comparator{op, strings.TrimSpace(v)}
					break
				}
			}
			if !isVersion(c.version) || strings.ContainsAny(c.version, " \t<>=!|*") {
				return Range{}, fmt.Errorf("parse version range %q: %q has no version", text, strings.TrimSpace(bound))
			}
			all = append(all, c)
		}
		r.any = append(r.any, all)
	}
	return r, nil
}

// String returns the range as it was written.
func (r Range) String() string {
	if r.text == "" {
		return "*"
	}
	return r.text
}

// Contains reports whether version is in the range. A version that cannot be ordered
// (none, "latest") is in every range: nobody can show that it is outside.
func (r Range) Contains(version string) bool {
	if len(r.any) == 0 || !isVersion(version) {
		return true
	}
	for _, all := range r.any {
		in := true
		for _, c := range all {
			in = in && c.holds(compareVersions(version, c.version))
		}
		if in {
			return true
		}
	}
	return false
}

// holds reports whether the bound holds for a version that compares so to its own.
func (c comparator) holds(order int) bool {
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "!=":
		return order != 0
	}
	return order == 0
}

// isVersion reports whether s has something to order by: a number near its beginning.
func isVersion(s string) bool {
	s = trimVersion(s)
	return s != "" && len(s) <= 256 && s[0] >= '0' && s[0] <= '9'
}

// trimVersion takes white space and a leading "v" away.
func trimVersion(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 1 && (s[0] == 'v' || s[0] == 'V') {
		s = s[1:]
	}
	return s
}

// compareVersions orders two versions of any ecosystem as well as one rule can: an
// epoch before a colon first, then numbers as numbers and words as words from left to
// right; a word that means "before" (alpha, rc, dev, Debian's ~) sorts before the end,
// other words, a dash with a number (a revision) and numbers after it, in this order;
// what follows a + does not count, as semantic versioning says.
func compareVersions(a, b string) int {
	x, y := versionParts(a), versionParts(b)
	for i := 0; i < len(x) || i < len(y); i++ {
		var p, q versionPart
		if i < len(x) {
			p = x[i]
		}
		if i < len(y) {
			q = y[i]
		}
		if c := p.compare(q); c != 0 {
			return c
		}
	}
	return 0
}

// versionPart is a number or a word; the zero value stands for the end.
type versionPart struct {
	word   bool
	number string // without leading zeros
	text   string
}

// rank says on which side of the end a part sorts.
func (p versionPart) rank() int {
	if !p.word {
		if p.number == "" {
			return 0 // the end, and zero: 1.0 and 1 are one
		}
		return 2
	}
	switch p.text {
	case "~":
		return -3
	case "dev", "alpha", "a", "beta", "b", "m", "milestone", "c", "rc", "cr", "pre", "preview", "snapshot", "canary", "next", "nightly", "unstable", "test":
		return -2
	case "final", "ga", "release":
		return 0
	}
	return 1
}

// compare orders two parts.
func (p versionPart) compare(q versionPart) int {
	if c := cmp.Compare(p.rank(), q.rank()); c != 0 {
		return c
	}
	if c := cmp.Compare(len(p.number), len(q.number)); c != 0 {
		return c
	}
	if p.rank() == 0 {
		return 0
	}
	return cmp.Or(cmp.Compare(p.number, q.number), cmp.Compare(p.text, q.text))
}

// versionParts splits a version. The first part is the epoch.
func versionParts(s string) []versionPart {
	s = strings.ToLower(trimVersion(s))
	s, _, _ = strings.Cut(s, "+")
	epoch := ""
	if before, after, ok := strings.Cut(s, ":"); ok && strings.Trim(before, "0123456789") == "" {
		epoch, s = before, after
	}
	parts := []versionPart{{number: strings.TrimLeft(epoch, "0")}}
	for s != "" {
		switch c := s[0]; {
		case c >= '0' && c <= '9':
			rest := strings.TrimLeft(s, "0123456789")
			parts = append(parts, versionPart{number: strings.TrimLeft(s[:len(s)-len(rest)], "0")})
			s = rest
		case c >= 'a' && c <= 'z':
			rest := strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz")
			parts = append(parts, versionPart{word: true, text: s[:len(s)-len(rest)]})
			s = rest
		case c == '~', c == '-' && len(s) > 1 && s[1] >= '0' && s[1] <= '9': // 1.0-1 is a revision of 1.0
			parts = append(parts, versionPart{word: true, text: s[:1]})
			s = s[1:]
		default: // a separator
			s = s[1:]
		}
	}
	return parts
}
