package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// TestRefusalLines wants ten lines at most, whatever refused and however often,
// and each code named as long as there is a line for it.
func TestRefusalLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		for range 5 {
			v := verify.Verdict{Conclusive: r.IntN(2) == 0, Hypothetical: r.IntN(2) == 0}
			for i := range n {
				v.Checks = append(v.Checks, randomFinding(r, i))
			}
			check(t, v)
			got := refusal(t, v)
			for _, f := range v.Checks {
				if !strings.Contains(got, string(f.Code)) && n < 20 {
					t.Fatalf("%d checks, and %s is not named:\n%s", n, f.Code, got)
				}
			}
		}
	}
}

func randomFinding(r *rand.Rand, i int) verify.Finding {
	from := crowded().Checks[r.IntN(2)]
	if r.IntN(3) == 0 {
		from = undecided().Checks[0]
	}
	from.ID, from.Code = fmt.Sprintf("check%d", i), verify.Code(fmt.Sprintf("check%c.missing", 'a'+i%26))
	from.Message = attacks[r.IntN(len(attacks))]
	return from
}

func TestRefusalOfAPassIsEmpty(t *testing.T) {
	if got := refusal(t, passing()); got != "" {
		t.Errorf("found %q", got)
	}
}
