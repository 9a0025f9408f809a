package verify_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// TestAStrangersBillCostsNoObjects counts what is allocated to refuse a document that anybody may attach: nothing is made
// of what it holds before it is known who signed it.
func TestAStrangersBillCostsNoObjects(t *testing.T) {
	s := newStage(lab.Options{})
	p := sbomPolicy(t)
	stranger := s.issue(lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow))
	document := func(n int) []byte {
		return []byte(strings.Replace(string(bom()), `"components":[`, `"services":[`+strings.Repeat("{},", n)+`{}],"components":[`, 1))
	}
	for layout, piece := range map[string]func([]byte) verify.Piece{
		"legacy": func(b []byte) verify.Piece { return attBy(stranger, b) },
		"bundle": func(b []byte) verify.Piece { return bundleBy(stranger, b) },
	} {
		cost := func(n int) float64 {
			attached := piece(document(n))
			return testing.AllocsPerRun(1, func() {
				wantFail(t, s.judge(t, p, imageRef, options(), attached), "sbom", verify.SBOMIdentityMismatch)
			})
		}
		if few, many := cost(10), cost(20_000); many > few+10_000 {
			t.Errorf("%s: a document of 10 objects takes %.0f allocations, one of 20,000 %.0f", layout, few, many)
		}
	}
}
