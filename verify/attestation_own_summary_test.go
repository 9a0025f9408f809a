package verify_test

import (
	"bytes"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestOwnSummary signs the verification summary that assay writes of a verdict, and
// wants the check over such summaries to take the one of a pass alone.
func TestOwnSummary(t *testing.T) {
	s := newStage(lab.Options{})
	want := policy.Attestation{Type: lab.VSAPredicateType, VSA: &policy.VSA{
		Verifier: "https://github.com/releaseassay/assay", Policy: "assay:policy/test", Levels: []string{"SLSA_BUILD_LEVEL_3"},
	}}
	signed := func(v verify.Verdict) verify.Piece {
		var b bytes.Buffer
		if err := report.VSA(&b, v); err != nil {
			t.Fatal(err)
		}
		return s.attestation(b.Bytes())
	}
	o := options()
	o.At = soon
	v := s.judge(t, bothLegs(t), imageRef, o, s.signature(), s.provenance())
	if !v.Passed() {
		t.Fatalf("the release does not pass: %+v", v.Checks)
	}
	if got := s.attest(t, want, signed(v)); !got.Passed() {
		t.Errorf("the summary of a pass is refused: %+v", got.Checks)
	}
	another := want
	another.VSA = &policy.VSA{Verifier: want.VSA.Verifier, Policy: "assay:policy/other"}
	wantFail(t, s.attest(t, another, signed(v)), attested, verify.AttestationPolicyMismatch)

	o.Hypothetical = true
	wantFail(t, s.attest(t, want, signed(s.judge(t, bothLegs(t), imageRef, o, s.signature(), s.provenance()))), attested, verify.AttestationNotPassed)
	o.Hypothetical = false
	wantFail(t, s.attest(t, want, signed(s.judge(t, bothLegs(t), imageRef, o, s.signature()))), attested, verify.AttestationNotPassed)
	onlySigned := s.judge(t, policyOf(t, "source: "+sourceYAML, signatureYAML), imageRef, o, s.signature(), s.provenance())
	if !onlySigned.Passed() {
		t.Fatalf("the signature does not pass: %+v", onlySigned.Checks)
	}
	wantFail(t, s.attest(t, want, signed(onlySigned)), attested, verify.AttestationLevelMissing)
}
