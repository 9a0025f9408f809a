package verify_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// modes is a policy that wants a signature, with keys of the policy before it.
func modes(t *testing.T, top string) *policy.Policy {
	t.Helper()
	return policyOf(t, top, "---", "source: "+sourceYAML, signatureYAML)
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// nowhere is a source that must not be asked.
type nowhere struct{ t *testing.T }

func (n nowhere) Resolve(context.Context, verify.Reference) (verify.Image, error) {
	n.t.Error("the registry was asked")
	return verify.Image{}, errors.New("nowhere")
}

func (n nowhere) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	return verify.Evidence{}
}

// A policy that has ended passes nothing, from that very moment on, whatever is asked.
func TestPolicyExpires(t *testing.T) {
	s := newStage(lab.Options{})
	signature := s.signature()
	for _, c := range []struct {
		expires time.Time
		want    verify.Decision
		notice  bool
	}{
		{today.AddDate(0, 0, -1), verify.Fail, false},
		{today, verify.Fail, false},
		{today.Add(time.Second), verify.Pass, true},
		{today.AddDate(0, 0, 14), verify.Pass, true},
		{today.AddDate(0, 0, 14).Add(time.Second), verify.Pass, false},
	} {
		p := modes(t, "mode: {audit: {until: 2099-01-01}}\nexpires: \""+day(c.expires)+"\"")
		v := s.judge(t, p, imageRef, options(), signature)
		if v.Verdict != c.want || noticed(v, verify.PolicyExpiresSoon) != c.notice {
			t.Errorf("until %s: %v with the notices %v; wanted %v, and a notice %v", c.expires, v.Verdict, v.Notices, c.want, c.notice)
		}
		if c.want == verify.Pass {
			if v.ValidUntil == nil || !v.ValidUntil.Equal(c.expires) {
				t.Errorf("valid until %v; wanted %s", v.ValidUntil, c.expires)
			}
			continue
		}
		ref := must(verify.ParseReference(imageRef))
		failure := &verify.Failure{Code: verify.RegistryTimeout, Class: verify.Transient}
		for name, v := range map[string]verify.Verdict{
			"judged": v, "verified": verify.Verify(t.Context(), nowhere{t}, ref, p, s.trust(p), options()),
			"unresolved": verify.Undecided(ref, p, s.trust(p), failure, options()),
			"no rule":    verify.Verify(t.Context(), nowhere{t}, must(verify.ParseReference("ghcr.io/o/n:1")), p, s.trust(p), options()),
		} {
			if v.Passed() || !v.Conclusive || len(v.Checks) != 1 || v.Checks[0].Code != verify.PolicyExpired || v.Checks[0].ID != "policy" {
				t.Errorf("%s: %+v", name, v)
			}
			if v.Enforced != nil {
				t.Errorf("%s: an expired policy is in audit mode", name)
			}
		}
	}
}

// Audit mode says that a refusal is not enforced, until its date, and changes nothing else.
func TestAudit(t *testing.T) {
	s := newStage(lab.Options{})
	ref := must(verify.ParseReference("ghcr.io/o/n:1"))
	for _, c := range []struct {
		until         time.Time
		audit, notice bool
	}{
		{today.AddDate(0, 0, -1), false, false},
		{today, false, false},
		{today.Add(time.Second), true, true},
		{today.AddDate(0, 0, 14), true, true},
		{today.AddDate(0, 0, 15), true, false},
	} {
		enforced, p := modes(t, "mode: enforce"), modes(t, "mode: {audit: {until: \""+day(c.until)+"\"}}")
		for name, pair := range map[string][2]verify.Verdict{
			"fail":    {s.judge(t, enforced, imageRef, options()), s.judge(t, p, imageRef, options())},
			"pass":    {s.judge(t, enforced, imageRef, options(), s.signature()), s.judge(t, p, imageRef, options(), s.signature())},
			"no rule": {verify.Verify(t.Context(), nowhere{t}, ref, enforced, s.trust(p), options()), verify.Verify(t.Context(), nowhere{t}, ref, p, s.trust(p), options())},
		} {
			plain, audited := pair[0], pair[1]
			if plain.Enforced != nil || (audited.Enforced != nil && !*audited.Enforced) != c.audit || noticed(audited, verify.PolicyAuditEnds) != c.notice {
				t.Errorf("%s, audit until %s: enforced %v with the notices %v", name, c.until, audited.Enforced, audited.Notices)
			}
			if plain.Verdict != audited.Verdict || plain.Conclusive != audited.Conclusive || len(plain.Checks) != len(audited.Checks) || plain.Checks[0].Code != audited.Checks[0].Code {
				t.Errorf("%s: audit mode changes the verdict: %+v", name, audited)
			}
		}
	}
}

// Audit mode lets in nothing that is denied.
func TestAuditOfDenied(t *testing.T) {
	s := newStage(lab.Options{})
	v := s.judge(t, modes(t, "mode: {audit: {until: 2099-01-01}}\ndeny: {digests: [\""+imageDigest+"\"]}"), imageRef, options(), s.signature())
	if v.Passed() || v.Enforced != nil || v.EnforcedFrom != nil || noticed(v, verify.PolicyAuditEnds) {
		t.Errorf("a denied image: %v, enforced %v from %v with %v", v.Verdict, v.Enforced, v.EnforcedFrom, v.Notices)
	}
}

// Nor where its digest is all that is known of it.
func TestAuditOfDeniedUnseen(t *testing.T) {
	s := newStage(lab.Options{})
	p := modes(t, "mode: {audit: {until: 2099-01-01}}\ndeny: {digests: [\""+imageDigest+"\"]}")
	down := &verify.Failure{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "registry.example"}
	for ref, audit := range map[string]bool{
		imageName + "@" + imageDigest: false, imageName + "@" + otherDigest: true, imageName + ":1.2.3": true,
		"elsewhere.example/a/b@" + imageDigest: false, "elsewhere.example/a/b@" + otherDigest: true,
	} {
		v := verify.Undecided(reference(t, ref), p, s.trust(p), down, options())
		if v.Passed() || (v.Enforced != nil) != audit {
			t.Errorf("%s: enforced %v; wanted audit %v: %s", ref, v.Enforced, audit, decision(t, v))
		}
	}
}

func noticed(v verify.Verdict, code verify.Code) bool {
	for _, n := range v.Notices {
		if n.Code == code {
			return true
		}
	}
	return false
}
