package verify

import (
	"testing"

	"github.com/releaseassay/assay/policy"
)

// TestStatementsAreJudgedOnce wants a check to be judged once for the image that was asked
// about, and what was found of that one never to be taken for another image.
func TestStatementsAreJudgedOnce(t *testing.T) {
	q := insideQuestion(t)
	q.rule.Signature = &policy.Signature{Demand: policy.Demand{On: policy.OnEither, Select: policy.SelectAny}}
	signature, other := statements{signatureCheck{}}, statements{sbomCheck{}}
	q.rule.SBOM = &policy.SBOM{Demand: q.rule.Signature.Demand}

	if j := q.statements(signature); j.finding.Result != Failed || j.finding.Code != "signature.missing" {
		t.Fatalf("found %+v", j.finding)
	}
	mark := q.memo[memoKey{check: signature.id()}]
	mark.finding.Message = "asked before"
	q.memo[memoKey{check: signature.id()}] = mark
	if j := q.statements(signature); j.finding.Message != "asked before" {
		t.Error("a check is judged again")
	}
	if j := q.statements(other); j.finding.ID != "sbom" || j.finding.Message == "asked before" {
		t.Error("one check is taken for another")
	}
	unit := *q
	unit.facts, unit.around = Facts{image: Image{Digest: insideOther}}, []*Facts{&q.facts}
	if j := unit.statements(signature); j.finding.Message == "asked before" {
		t.Error("what was found of one image is taken for another")
	}
}
