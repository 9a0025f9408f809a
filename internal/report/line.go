package report

import (
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Line is a verdict on one line of at most limit bytes (limit is 200 or more), for doors
// that have room for one reason: PASS with the image and the rule, or FAIL, UNDECIDED or
// EXCEPTED with the code of the first check that refused, what was wanted and found, the
// codes of the others, and what to do next as far as there is room. All of it is escaped.
func Line(v verify.Verdict, limit int) string {
	if v.Passed() {
		return clip("PASS "+value(reference(v))+" (policy "+value(v.Policy.Name)+", rule "+value(v.Policy.Rule)+")", limit)
	}
	checks := together(refused(v))
	if len(checks) == 0 {
		return clip(headline(v)+" "+nothingCounted, limit)
	}
	s := summarise(v, checks[0])
	line := headline(v) + " " + value(string(checks[0].Code)) + ": wanted " + clip(s.wanted, limit/4) + "; found " + clip(s.found, limit/3)
	var others []string
	for _, f := range checks[1:] {
		others = append(others, string(f.Code))
	}
	if len(others) > 0 {
		line += "; also " + clip(value(strings.Join(others, ", ")), limit/5)
	}
	return clip(line+"; next: "+s.next, limit)
}

// clip shortens text that was escaped already to limit bytes.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-3], "") + "..."
}
