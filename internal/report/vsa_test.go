package report

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/releaseassay/assay/verify"
)

func summaryOf(t *testing.T, v verify.Verdict) summaryStatement {
	t.Helper()
	var s summaryStatement
	if err := json.Unmarshal([]byte(machine(t, "vsa", v)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVSA(t *testing.T) {
	s := summaryOf(t, complete())
	want := summaryPredicate{
		Verifier:     summaryVerifier{ID: "https://github.com/releaseassay/assay", Version: map[string]string{"assay": "v0.1.0"}},
		TimeVerified: "2026-03-05T08:00:00Z", ResourceURI: "ghcr.io/acme/app:1.4.0@" + sha("ab"),
		Policy: summaryResource{URI: "assay:policy/acme%20releases", Digest: digestSet(sha("b1"))},
		Result: "PASSED", Levels: []string{"SLSA_BUILD_LEVEL_3"}, SLSAVersion: "1.0",
	}
	for _, b := range []string{"51", "52", "56", "57", "58", "71"} {
		want.Inputs = append(want.Inputs, summaryResource{Digest: digestSet(sha(b))})
	}
	if !reflect.DeepEqual(s.Predicate, want) {
		t.Errorf("the summary is\n%+v; wanted\n%+v", s.Predicate, want)
	}
	subject := []summarySubject{{Name: "ghcr.io/acme/app", Digest: digestSet(sha("ab"))}}
	if s.Type != "https://in-toto.io/Statement/v1" || s.PredicateType != "https://slsa.dev/verification_summary/v1" || !reflect.DeepEqual(s.Subject, subject) {
		t.Errorf("the statement is %+v", s)
	}
	if s := summaryOf(t, ruleless()); s.Subject == nil || len(s.Subject) != 0 || s.Predicate.Result != "FAILED" {
		t.Errorf("of an image without a digest the statement is %+v", s)
	}
}

// TestVSAInputs wants the evidence that counted, and none that was only looked at.
func TestVSAInputs(t *testing.T) {
	v := passing()
	other, forged := signature(sha("61"), nil), signature(sha("62"), nil)
	forged.Authenticated, forged.Met = false, number(0)
	refused := signature(sha("63"), nil)
	refused.Met, refused.Code = number(0), verify.SignatureInvalid
	v.Checks[0].Found = append(v.Checks[0].Found, other, forged, refused, v.Checks[0].Found[0])
	optional := verify.Finding{ID: "sbom", Result: verify.Passed, Found: []verify.Candidate{sbomOf(sha("64"))}}
	v.Checks = append(v.Checks, optional)
	if got, want := summaryOf(t, v).Predicate.Inputs, []summaryResource{{Digest: digestSet(sha("51"))}, {Digest: digestSet(sha("52"))}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the inputs are %v; wanted %v", got, want)
	}
}

// TestVSALevels wants the level of what was accepted, and of no better thing.
func TestVSALevels(t *testing.T) {
	about := func(digest string, level int) verify.Candidate {
		c := provenance(sha("52"))
		c.About, c.Level, c.Met = digest, number(level), number(0)
		return c
	}
	unmet := about("", 3)
	unmet.Met = nil
	for name, c := range map[string]struct {
		found []verify.Candidate
		want  []string
	}{
		"one":                     {[]verify.Candidate{about("", 2)}, []string{"SLSA_BUILD_LEVEL_2"}},
		"the better of two":       {[]verify.Candidate{about("", 1), about("", 3), about("", 2)}, []string{"SLSA_BUILD_LEVEL_3"}},
		"the worst platform":      {[]verify.Candidate{about(sha("a1"), 3), about(sha("a2"), 1), about(sha("a1"), 2)}, []string{"SLSA_BUILD_LEVEL_1"}},
		"index and platform":      {[]verify.Candidate{about("", 2), about(sha("a1"), 3)}, []string{"SLSA_BUILD_LEVEL_2"}},
		"level 0":                 {[]verify.Candidate{about("", 0)}, []string{"SLSA_BUILD_LEVEL_0"}},
		"beyond the track":        {[]verify.Candidate{about("", 9)}, []string{"SLSA_BUILD_LEVEL_3"}},
		"below the track":         {[]verify.Candidate{about("", -1)}, []string{"SLSA_BUILD_LEVEL_0"}},
		"a better that is no use": {[]verify.Candidate{about("", 1), unmet}, []string{"SLSA_BUILD_LEVEL_1"}},
		"none":                    {nil, []string{}},
	} {
		v := passing()
		v.Checks[1].Found = c.found
		if s := summaryOf(t, v).Predicate; s.Result != "PASSED" || !reflect.DeepEqual(s.Levels, c.want) {
			t.Errorf("%s: %s %v; wanted %v", name, s.Result, s.Levels, c.want)
		}
	}
	for name, change := range map[string]func(*verify.Finding){
		"not required":  func(f *verify.Finding) { f.Required = false },
		"another check": func(f *verify.Finding) { f.ID = "attestations.provenance" },
		"without level": func(f *verify.Finding) { f.Found[0].Level = nil },
		"not demanded":  func(f *verify.Finding) { *f = verify.Finding{ID: "provenance", Result: verify.NotRequired} },
	} {
		v := passing()
		change(&v.Checks[1])
		if s := summaryOf(t, v).Predicate; s.Result != "PASSED" || len(s.Levels) > 0 && s.Levels[0] != "SLSA_BUILD_LEVEL_0" {
			t.Errorf("%s: %s %v", name, s.Result, s.Levels)
		}
	}
}

// TestVSANeverVouchesForLess breaks each thing that PASSED rests on.
func TestVSANeverVouchesForLess(t *testing.T) {
	for name, change := range map[string]func(*verify.Verdict){
		"fail":               func(v *verify.Verdict) { v.Verdict = verify.Fail },
		"not conclusive":     func(v *verify.Verdict) { v.Conclusive = false },
		"hypothetical":       func(v *verify.Verdict) { v.Hypothetical = true },
		"excepted":           func(v *verify.Verdict) { v.Exception = &verify.VerdictException{} },
		"no digest":          func(v *verify.Verdict) { v.Image.Digest = "" },
		"half a digest":      func(v *verify.Verdict) { v.Image.Digest = v.Image.Digest[:40] },
		"not pinned":         func(v *verify.Verdict) { v.Image.Pinned = "" },
		"pinned elsewhere":   func(v *verify.Verdict) { v.Image.Pinned = "ghcr.io/acme/app@" + sha("cd") },
		"a name with colour": func(v *verify.Verdict) { v.Image.Pinned = "\x1b[31mx@" + sha("ab") },
		"no policy":          func(v *verify.Verdict) { v.Policy.Digest = "" },
		"no time":            func(v *verify.Verdict) { v.Run = verify.Run{} },
		"a failed check":     func(v *verify.Verdict) { v.Checks[0].Result = verify.Failed },
		"an open check":      func(v *verify.Verdict) { v.Checks[0].Result = verify.Errored },
		"nothing counted":    func(v *verify.Verdict) { v.Checks[0].Found, v.Checks[1].Found = nil, nil },
		"no checks":          func(v *verify.Verdict) { v.Checks = nil },
	} {
		v := passing()
		change(&v)
		if s := summaryOf(t, v).Predicate; s.Result != "FAILED" || !reflect.DeepEqual(s.Levels, []string{"FAILED"}) || len(s.Inputs) > 0 {
			t.Errorf("%s: the summary is %+v", name, s)
		}
	}
}
