package sbom

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// MinComponents wants at least n components, the described one not counted.
func MinComponents(d *Document, n int) []Violation {
	if len(d.Components) >= n {
		return nil
	}
	return []Violation{{Rule: RuleMinComponents, Problem: fmt.Sprintf("the document has %d components, fewer than %d", len(d.Components), n)}}
}

// NTIA wants the minimum elements of the United States' NTIA (July 2021): author and
// timestamp of the document, at least one dependency relationship, and supplier, name,
// version and another unique identifier (package URL, CPE or hash) of each component.
// A document without components has none of these.
func NTIA(d *Document) []Violation {
	var out []Violation
	if len(d.Authors) == 0 && len(d.Tools) == 0 {
		out = append(out, Violation{Rule: RuleNTIA, Problem: "the document names no author"})
	}
	if d.Time.IsZero() {
		out = append(out, Violation{Rule: RuleNTIA, Problem: "the document has no timestamp that can be read"})
	}
	if len(d.Dependencies) == 0 {
		out = append(out, Violation{Rule: RuleNTIA, Problem: "the document has no dependency relationship"})
	}
	if len(d.Components) == 0 {
		out = append(out, Violation{Rule: RuleNTIA, Problem: "the document has no component"})
	}
	for i := range d.Components {
		c := &d.Components[i]
		var missing []string
		for _, need := range []struct {
			name  string
			there bool
		}{
			{"supplier", c.Supplier != ""},
			{"name", strings.TrimSpace(c.Name) != ""},
			{"version", !isUnknown(c)},
			{"unique identifier", c.PURL != "" || c.CPE != "" || hasHash(c)},
		} {
			if !need.there {
				missing = append(missing, need.name)
			}
		}
		if len(missing) > 0 {
			out = append(out, about(RuleNTIA, c, "it has no "+strings.Join(missing, ", no ")))
		}
	}
	return out
}

// PURLCoverage wants a package URL that can be read on at least a share of least (0 to
// 1) of all components, and at least one component.
func PURLCoverage(d *Document, least float64) []Violation {
	return coverage(d, RulePURLCoverage, "no package URL that can be read", least, func(c *Component) bool { return c.PURL != "" })
}

// HashCoverage wants a hash of SHA-256 or better on at least a share of least (0 to 1)
// of all components, and at least one component.
func HashCoverage(d *Document, least float64) []Violation {
	return coverage(d, RuleHashCoverage, "no hash of SHA-256 or better", least, hasHash)
}

// UnknownVersions wants at most a share of most (0 to 1) of components whose version is
// missing or a word like "unknown", "latest" or NOASSERTION, and at least one component.
func UnknownVersions(d *Document, most float64) []Violation {
	return coverage(d, RuleUnknownVersions, "no version", 1-most, func(c *Component) bool { return !isUnknown(c) })
}

// coverage wants good on a share of components. It names those that lack it, at most
// MaxViolations, behind one violation with the numbers.
func coverage(d *Document, rule, lacks string, least float64, good func(*Component) bool) []Violation {
	total, have := len(d.Components), 0
	var lacking []Violation
	for i := range d.Components {
		if c := &d.Components[i]; good(c) {
			have++
		} else if len(lacking) < MaxViolations {
			lacking = append(lacking, about(rule, c, "it has "+lacks))
		}
	}
	if total == 0 {
		return []Violation{{Rule: rule, Problem: "the document has no component"}}
	}
	// A billionth forgives what binary fractions cost: 1-0.1 of ten is nine.
	if float64(have) >= least*float64(total)-1e-9*float64(total) {
		return nil
	}
	sum := Violation{Rule: rule, Problem: fmt.Sprintf("%d of %d components have %s, %.1f%%", total-have, total, lacks, 100*float64(total-have)/float64(total))}
	return append([]Violation{sum}, lacking...)
}

// hasHash reports whether a component has a hash by which it can be told today.
func hasHash(c *Component) bool {
	return slices.ContainsFunc(c.Hashes, func(h Hash) bool {
		size := map[string]int{
			"sha256": 64, "sha384": 96, "sha512": 128, "sha3256": 64, "sha3384": 96, "sha3512": 128,
			"blake2b256": 64, "blake2b384": 96, "blake2b512": 128, "blake3": 64,
		}[h.Algorithm]
		return size > 0 && len(h.Value) >= size && strings.Trim(h.Value, "0123456789abcdef") == ""
	})
}

// isUnknown reports whether a component's version says nothing.
func isUnknown(c *Component) bool {
	v := strings.TrimSpace(c.Version)
	if v == "" && c.Package != nil {
		v = c.Package.Version
	}
	switch strings.ToLower(strings.Trim(v, "()[]<> ")) {
	case "", "unknown", "latest", "noassertion", "none", "devel", "undefined", "null", "n/a", "unspecified", "0", "*":
		return true
	}
	return false
}

// MaxAge wants a timestamp that is not more than limit before now, and not after it by
// more than five minutes.
func MaxAge(d *Document, limit time.Duration, now time.Time) []Violation {
	problem := ""
	switch age := now.Sub(d.Time); {
	case d.Time.IsZero():
		problem = fmt.Sprintf("the document has no timestamp that can be read (%q)", d.Timestamp)
	case age > limit:
		problem = fmt.Sprintf("the document is of %s, older than %s", d.Timestamp, limit)
	case age < -5*time.Minute:
		problem = fmt.Sprintf("the document is of %s, in the future", d.Timestamp)
	default:
		return nil
	}
	return []Violation{{Rule: RuleAge, Path: agePath(d), Problem: problem}}
}

// agePath returns where the timestamp stands.
func agePath(d *Document) string {
	if d.Format == SPDX {
		return "/creationInfo/created"
	}
	return "/metadata/timestamp"
}

// Describes wants the document to be about one of digests ("sha256:<hex>"): when the
// described component names image digests ([Component.ImageDigests]), one of them is
// among these. A document that names none says nothing about that; with strict it is a
// violation, and so is one without a described component.
func Describes(d *Document, strict bool, digests ...string) []Violation {
	var out []Violation
	named := false
	for i := range d.Described {
		c := &d.Described[i]
		found := c.ImageDigests()
		if slices.ContainsFunc(found, func(s string) bool { return slices.Contains(digests, s) }) {
			return nil
		}
		if len(found) > 0 {
			named = true
			out = append(out, about(RuleDescribesSubject, c, fmt.Sprintf("it names the image %s, not %s", strings.Join(found, ", "), strings.Join(digests, " or "))))
		}
	}
	if strict && !named {
		out = append(out, Violation{Rule: RuleDescribesSubject, Problem: "the document does not name the digest of the image that it describes"})
	}
	return out
}
