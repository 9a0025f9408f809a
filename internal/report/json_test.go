package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

func asJSON(t testing.TB, v verify.Verdict) string {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	v := impostor()
	v.Checks[0].Message = "<a> & b \u202e\u009b\U000e0041 é"
	got := asJSON(t, v)
	if !strings.HasPrefix(got, "{\n  \"schema\"") || !strings.HasSuffix(got, "\n}\n") {
		t.Errorf("not indented by two spaces, or not ended by one newline:\n%s", got)
	}
	if !strings.Contains(got, `<a> & b \u202e\u009b\udb40\udc41 é`) {
		t.Errorf("HTML is escaped, or what cannot be seen is not:\n%s", got)
	}
	var back verify.Verdict
	if err := json.Unmarshal([]byte(got), &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, v) {
		t.Errorf("read back, the verdict is another:\n%+v\n%+v", back, v)
	}
	clean(t, asJSON(t, hostile()))
}

func TestDecision(t *testing.T) {
	decide := func(v verify.Verdict) string {
		b, err := Decision(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	a, b := passing(), passing()
	b.Run = verify.Run{Requests: 99, Looked: []string{"elsewhere"}}
	if decide(a) != decide(b) {
		t.Error("the run is part of the decision")
	}
	if got := decide(a); strings.Contains(got, `"run"`) || strings.ContainsAny(got, "\n\t") || !strings.HasPrefix(got, `{"checks":[`) {
		t.Errorf("the decision is not in canonical form: %s", got)
	}
	b.Checks[0].Found[0].Claims.Commit = "another"
	if decide(a) == decide(b) {
		t.Error("another commit is the same decision")
	}
	none, empty := verify.Verdict{}, verify.Verdict{Trust: []verify.VerdictRoot{}, Checks: []verify.Finding{}}
	if decide(none) != decide(empty) {
		t.Error("a list that is nil differs from an empty one")
	}
}

// TestJSONOfContent wants what checks over content write to come back as it was, and
// lists that are always there to be empty ones.
func TestJSONOfContent(t *testing.T) {
	for _, make := range []func() verify.Verdict{complete, disagreement, platformLacks, sbomRules, excepted, warned} {
		var back verify.Verdict
		got := asJSON(t, make())
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Fatal(err)
		}
		if again := asJSON(t, back); again != got {
			t.Errorf("read back, the verdict is another:\n%s\n%s", again, got)
		}
	}
	v := excepted()
	v.Exception.Checks = nil
	of(&v, "platforms").Platforms.Children = nil
	of(&v, "consistency").Story[0].Sources = nil
	got := asJSON(t, v)
	for _, want := range []string{`"checks": []`, `"children": []`, `"sources": []`} {
		if !strings.Contains(got, want) {
			t.Errorf("the verdict lacks %s", want)
		}
	}
	if v.Exception.Checks != nil || of(&v, "consistency").Story[0].Sources != nil || of(&v, "platforms").Platforms.Children != nil {
		t.Error("writing the verdict changed it")
	}
	golden(t, "testdata/complete.json", asJSON(t, complete()))
	golden(t, "testdata/excepted.json", asJSON(t, excepted()))
}
