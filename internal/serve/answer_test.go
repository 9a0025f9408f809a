package serve_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// TestZeroRefuses: what nobody filled in admits nothing.
func TestZeroRefuses(t *testing.T) {
	if (serve.Answer{}).Outcome.Admits() || (serve.Answer{}).Outcome.Pins() {
		t.Error("the zero answer admits")
	}
	if got := serve.OutcomeOf(verify.Verdict{}); got.Admits() {
		t.Errorf("the zero verdict is %s", got)
	}
	for o := serve.Graced + 1; o != 0; o++ { // to the end of the type's range
		if o.Admits() || o.Pins() || o.String() != "refused" {
			t.Fatalf("outcome %d, which does not exist, is %s, admits %t", o, o, o.Admits())
		}
	}
}

func TestOutcomeOf(t *testing.T) {
	const digest = "sha256:abc"
	no, yes, later := false, true, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	excuse := &verify.VerdictException{Expires: later}
	resolved := verify.VerdictImage{Digest: digest}
	for _, tt := range []struct {
		name string
		v    verify.Verdict
		want serve.Outcome
	}{
		{"a pass", verify.Verdict{Verdict: verify.Pass, Conclusive: true, Image: resolved}, serve.Passed},
		{"a pass about no digest", verify.Verdict{Verdict: verify.Pass, Conclusive: true}, serve.Refused},
		{"a pass about another time", verify.Verdict{Verdict: verify.Pass, Conclusive: true, Hypothetical: true, Image: resolved}, serve.Refused},
		{"a failure", verify.Verdict{Conclusive: true, Image: resolved}, serve.Refused},
		{"undecided", verify.Verdict{Image: resolved}, serve.Undecided},
		{"excepted", verify.Verdict{Conclusive: true, Exception: excuse, Image: resolved}, serve.Excepted},
		{"excepted, about no digest", verify.Verdict{Conclusive: true, Exception: excuse}, serve.Refused},
		{"audit", verify.Verdict{Conclusive: true, Enforced: &no, EnforcedFrom: &later, Image: resolved}, serve.Audited},
		{"audit, undecided", verify.Verdict{Enforced: &no, EnforcedFrom: &later}, serve.Audited},
		{"audit without an end", verify.Verdict{Conclusive: true, Enforced: &no, Image: resolved}, serve.Refused},
		{"enforced", verify.Verdict{Conclusive: true, Enforced: &yes, EnforcedFrom: &later, Image: resolved}, serve.Refused},
		{"a hypothetical exception", verify.Verdict{Conclusive: true, Hypothetical: true, Exception: excuse, Image: resolved}, serve.Refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := serve.OutcomeOf(tt.v); got != tt.want {
				t.Errorf("the outcome is %s; wanted %s", got, tt.want)
			}
		})
	}
	if serve.Audited.Pins() {
		t.Error("an image that is let in under audit alone would be pinned")
	}
}

func TestDocument(t *testing.T) {
	want := bytes.Repeat([]byte(`{"verdict":"fail"}`), 1000)
	d, err := serve.Pack(want)
	if err != nil {
		t.Fatal(err)
	}
	if d.Size() > len(want)/10 {
		t.Errorf("%d bytes are kept as %d", len(want), d.Size())
	}
	kept, _ := d.MarshalBinary()
	var again serve.Document
	if err := again.UnmarshalBinary(kept); err != nil {
		t.Fatal(err)
	}
	if got, err := again.JSON(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("found %d bytes and %v; wanted what was packed", len(got), err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "noise": []byte("noise"), "cut": kept[:len(kept)/2]} {
		var d serve.Document
		_ = d.UnmarshalBinary(bad)
		if got, err := d.JSON(); err == nil {
			t.Errorf("%s was unpacked as %d bytes", name, len(got))
		}
	}
	bomb, err := serve.Pack(make([]byte, 17<<20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bomb.JSON(); err == nil {
		t.Error("a document that grows beyond its bound was unpacked")
	}
}
