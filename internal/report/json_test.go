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
