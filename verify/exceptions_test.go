package verify_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// excused is an exception for the image that lists checks.
func excused(checks ...string) policy.Exception {
	return policy.Exception{Digest: imageDigest, Checks: checks, Reason: "r", Approver: "a", Expires: today.AddDate(0, 0, 20)}
}

func TestExcept(t *testing.T) {
	s := newStage(lab.Options{})
	other := strings.Replace(signatureYAML, "release.yml", "other.yml", 1)
	failed := s.judge(t, policyOf(t, "source: "+sourceYAML, other), imageRef, options(), s.signature())
	both := s.judge(t, policyOf(t, "source: "+sourceYAML, "consistency: off", other, provenanceYAML), imageRef, options(), s.signature())
	until := func(e policy.Exception, at time.Time) policy.Exception { e.Expires = at; return e }
	of := func(e policy.Exception, digest string) policy.Exception { e.Digest = digest; return e }
	undecided := failed
	undecided.Checks = append([]verify.Finding{{ID: "provenance", Required: true, Result: verify.Errored, Code: verify.RegistryTimeout}}, failed.Checks...)
	denied := failed
	denied.Checks = append([]verify.Finding{{ID: "freshness", Required: true, Code: verify.FreshnessDeniedDigest}}, failed.Checks...)
	deniedSigner := failed
	deniedSigner.Checks = []verify.Finding{{ID: "signature", Required: true, Code: verify.SignatureIdentityMismatch, Found: []verify.Candidate{{Code: verify.SignatureSignerDenied}}}}
	hollow := failed // a pass that nothing authenticated is none
	hollow.Checks = append([]verify.Finding{{ID: "sbom", Required: true, Result: verify.Passed}}, failed.Checks...)
	passed := s.judge(t, policyOf(t, "source: "+sourceYAML, signatureYAML), imageRef, options(), s.signature())
	if !passed.Passed() || failed.Passed() || both.Passed() {
		t.Fatal("the verdicts are not those to be excused")
	}
	for _, c := range []struct {
		name      string
		verdict   verify.Verdict
		exception policy.Exception
		// why no exception applies; "" that it does, "-" that none is even mentioned.
		why string
	}{
		{"the check", failed, excused("signature"), ""},
		{"more checks", failed, excused("sbom", "signature"), ""},
		{"both", both, excused("provenance", "signature"), ""},
		{"one of both", both, excused("signature"), "provenance failed too"},
		{"another check", failed, excused("sbom"), "signature failed too"},
		{"another image", failed, of(excused("signature"), "sha256:"+strings.Repeat("1", 64)), "-"},
		{"no image", failed, of(excused("signature"), ""), "-"},
		{"at its end", failed, until(excused("signature"), today), "it ended"},
		{"before its end", failed, until(excused("signature"), today.Add(time.Second)), ""},
		{"30 days", failed, until(excused("signature"), today.Add(30*24*time.Hour)), ""},
		{"more than 30 days", failed, until(excused("signature"), today.Add(30*24*time.Hour+time.Second)), "no exception lasts for more than 30 days"},
		{"undecided", undecided, excused("signature", "provenance"), "provenance could not be decided"},
		{"denied", denied, excused("signature", "freshness"), "nothing excuses freshness.denied_digest"},
		{"signed by the denied", deniedSigner, excused("signature"), "nothing excuses"},
		{"a hollow pass", hollow, excused("signature"), "sbom failed too"},
		{"a pass", passed, excused("signature"), "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.verdict
			before := string(must(json.Marshal(v)))
			verify.Except(&v, []policy.Exception{c.exception}, "sha256:file", today)
			if (v.Exception != nil) != (c.why == "") {
				t.Errorf("the exception is %+v; wanted one: %v", v.Exception, c.why == "")
			}
			said := ""
			for _, n := range v.Notices {
				if n.Code == verify.ExceptionNotApplied {
					said = n.Message
				}
			}
			if want := strings.TrimPrefix(c.why, "-"); !strings.Contains(said, want) || (said != "") != (want != "") {
				t.Errorf("the notice is %q; wanted %q", said, want)
			}
			if e := v.Exception; e != nil && (e.Digest != "sha256:file" || e.Approver != "a" || !e.Expires.Equal(c.exception.Expires)) {
				t.Errorf("the exception is %+v", e)
			}
			v.Exception, v.Notices = nil, nil
			if after := string(must(json.Marshal(v))); after != before {
				t.Errorf("an exception changed the verdict:\n%s\n%s", before, after)
			}
		})
	}
	// An end that is near is said; of several exceptions the first that applies counts.
	v := failed
	verify.Except(&v, []policy.Exception{excused("sbom"), until(excused("signature"), today.AddDate(0, 0, 14))}, "d", today)
	if v.Exception == nil || !noticed(v, verify.ExceptionExpiresSoon) || !noticed(v, verify.ExceptionNotApplied) {
		t.Errorf("the second exception: %+v, %v", v.Exception, v.Notices)
	}
	// An image that no rule matches, or that could not be resolved, is not excused.
	for name, v := range map[string]verify.Verdict{
		"no rule":    s.judge(t, policyOf(t, "source: "+sourceYAML, signatureYAML), "ghcr.io/o/n@"+imageDigest, options()),
		"unresolved": verify.Undecided(must(verify.ParseReference(imageRef)), policyOf(t, "source: "+sourceYAML, signatureYAML), verify.Trust{}, &verify.Failure{Code: verify.RegistryTimeout}, options()),
	} {
		verify.Except(&v, []policy.Exception{excused("signature", "policy")}, "d", today)
		if v.Exception != nil {
			t.Errorf("%s is excused", name)
		}
	}
}

// applied excepts a copy of a verdict, and says why the exception does not apply, if so.
func applied(t *testing.T, v verify.Verdict, checks ...string) (bool, string) {
	t.Helper()
	e := excused(checks...)
	e.Digest, v.Notices = v.Image.Digest, nil
	verify.Except(&v, []policy.Exception{e}, "d", today)
	for _, n := range v.Notices {
		if n.Code == verify.ExceptionNotApplied {
			return v.Exception != nil, n.Message
		}
	}
	return v.Exception != nil, ""
}

// TestExceptPartlyUndecided hides what could not be decided behind what failed: nobody
// knows whether the rest is denied.
func TestExceptPartlyUndecided(t *testing.T) {
	entries := two("excused")
	inner := lab.Listed{Image: must(lab.NewIndexOf(must(lab.Platforms("excused", "linux/s390x"))...))}
	nested := "/manifests/" + inner.Digest()
	for _, c := range []struct {
		name   string
		on     policy.On
		broken []string
		why    string
	}{
		{"nothing", policy.OnPlatforms, nil, ""},
		{"nothing of the index", policy.OnIndex, nil, ""},
		{"a platform and a nested index", policy.OnPlatforms, []string{"/referrers/" + entries[1].Digest(), nested}, "signature could not be decided for everything"},
		{"a platform", policy.OnPlatforms, []string{"/referrers/" + entries[1].Digest()}, "signature could not be decided for everything"},
		{"a nested index", policy.OnIndex, []string{nested}, "platforms could not be decided for everything"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t)
			s.push(t, must(lab.NewIndexOf(append(slices.Clone(entries), inner)...)))
			s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
				broken := slices.ContainsFunc(c.broken, func(path string) bool { return strings.Contains(r.URL.Path, path) })
				if broken {
					w.WriteHeader(http.StatusForbidden)
				}
				return broken
			})
			p := s.demanding(t, c.on)
			p.Rules[0].Platforms = &policy.Platforms{Only: []string{"linux/amd64", "linux/arm64", "linux/s390x"}}
			v := s.ask(t, p, "")
			wantFail(t, v, "signature", "signature.missing")
			wantFail(t, v, "platforms", "platforms.evidence_missing")
			for _, checks := range [][]string{{"signature"}, {"signature", "platforms"}} {
				if ok, why := applied(t, v, checks...); ok != (c.why == "") || !strings.Contains(why, c.why) {
					t.Errorf("an exception for %v applies: %v, %q; wanted %q", checks, ok, why, c.why)
				}
			}
			if text := string(decision(t, v)); strings.Contains(text, "partly") {
				t.Errorf("the verdict shows what is ours alone: %s", text)
			}
		})
	}
}

// TestExceptDeniedCandidate excuses no check behind which evidence of a denied version is.
func TestExceptDeniedCandidate(t *testing.T) {
	s := newStage(lab.Options{})
	other := strings.Replace(checksYAML["signature"], "*.yml", "other.yml", 1)
	for version, why := range map[string]string{"1.2.3": "version 1.2.3, which the policy denies", "1.2.5": ""} {
		p := policyOf(t, "deny: {versions: [{match: "+imageName+", version: "+version+"}]}", "---", tagsYAML, other)
		v := s.judge(t, p, imageName+":1.2.4@"+imageDigest, options(), s.signature())
		wantOthers(t, v, "signature")
		if ok, found := applied(t, v, "signature"); ok != (why == "") || !strings.Contains(found, why) {
			t.Errorf("with %s denied, the exception applies: %v, %q; wanted %q", version, ok, found, why)
		}
	}
}

// TestExceptConsistency excuses that nothing is left to compare with the check whose
// evidence is missing, and nothing else of the check.
func TestExceptConsistency(t *testing.T) {
	s := newStage(lab.Options{})
	other := strings.Replace(signatureYAML, "release.yml", "other.yml", 1)
	v := s.judge(t, policyOf(t, "source: "+sourceYAML, other, provenanceYAML), imageRef, options(), s.signature(), s.provenance())
	wantFail(t, v, "consistency", verify.ConsistencyNothingToCompare)
	wantFail(t, v, "signature", verify.SignatureIdentityMismatch)
	if ok, why := applied(t, v, "signature"); !ok {
		t.Errorf("the exception does not apply: %s", why)
	}
	alone, disagreeing := v, v
	alone.Checks, disagreeing.Checks = slices.Clone(v.Checks), slices.Clone(v.Checks)
	for i, f := range v.Checks {
		switch f.ID {
		case "signature":
			alone.Checks[i] = verify.Finding{ID: "signature", Result: verify.NotRequired}
		case "consistency":
			disagreeing.Checks[i].Code = verify.ConsistencyDisagreement
		}
	}
	for name, v := range map[string]verify.Verdict{"nothing else failed": alone, "a disagreement": disagreeing} {
		if ok, why := applied(t, v, "signature"); ok || !strings.Contains(why, "consistency failed too") {
			t.Errorf("%s: the exception applies: %v, %q", name, ok, why)
		}
	}
}
