package report

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/releaseassay/assay/verify"
)

// TestLine wants one line within its limit, without anything that a terminal would
// obey, that begins with the answer and the code, whatever the verdict holds.
func TestLine(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 12 {
		for range 40 {
			v := verify.Verdict{Conclusive: r.IntN(2) == 0}
			for i := range n {
				v.Checks = append(v.Checks, randomFinding(r, i))
				v.Checks[i].Required = true
			}
			for _, limit := range []int{200, 512, 2000} {
				line := Line(v, limit)
				if len(line) > limit || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
					t.Fatalf("limit %d: %d bytes: %q", limit, len(line), line)
				}
				if !strings.HasPrefix(line, "FAIL ") && !strings.HasPrefix(line, "UNDECIDED ") {
					t.Fatalf("found %q", line)
				}
				if n > 0 && !strings.Contains(line, "missing: wanted ") {
					t.Fatalf("no code in %q", line)
				}
			}
		}
	}
	if got := Line(verify.Verdict{}, 512); !strings.Contains(got, nothingCounted) {
		t.Errorf("the zero verdict says %q", got)
	}
	if got := Line(passing(), 512); !strings.HasPrefix(got, "PASS ") {
		t.Errorf("a pass says %q", got)
	}
}
