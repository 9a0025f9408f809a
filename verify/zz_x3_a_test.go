package verify_test

import (
	"slices"
	"testing"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func TestZZAmbiguousVariant(t *testing.T) {
	entries := two("zz")
	v8 := must(lab.Platforms("zz v8", "linux/arm64/v8"))[0]
	both := []string{"linux/amd64", "linux/arm64"}
	s := newShelf(t)
	img := must(lab.NewIndexOf(append(slices.Clone(entries), v8)...))
	s.push(t, img, img.Digest())
	p := s.demanding(t, policy.OnEither)
	p.Rules[0].Platforms = &policy.Platforms{Require: both, Only: both}
	v := s.ask(t, p, "")
	t.Logf("passed %v\n%s", v.Passed(), matrixOf(v))
}

func TestZZDisguised(t *testing.T) {
	for _, on := range []string{"either", "index", "platforms"} {
		entries := two("zzd")
		list := slices.Clone(entries)
		for _, e := range entries {
			st := must(lab.SPDX(imageName, e.Digest()))
			list = append(list, lab.Attesting(must(lab.AttestationManifest(st)), e.Digest()))
		}
		list = append(list, lab.Attesting(must(lab.Disguised("zzd")), entries[0].Digest()))
		s := newShelf(t)
		img := must(lab.NewIndexOf(list...))
		s.push(t, img, append(digests(entries...), img.Digest(), list[len(list)-1].Digest())...)
		p := s.demanding(t, policy.OnEither, sbomYAML("buildkit: true", "on: "+on))
		v := s.ask(t, p, "")
		t.Logf("on %s passed %v\n%s", on, v.Passed(), matrixOf(v))
		for _, f := range v.Checks {
			t.Logf("%s %s %s %s", f.ID, f.Result, f.Code, f.Message)
		}
	}
}

func TestZZAuditDenied(t *testing.T) {
	s := newStage(lab.Options{})
	p := policyOf(t, "mode: {audit: {until: 2026-12-31}}", "deny: {digests: [\""+imageDigest+"\"]}", "---", "source: "+sourceYAML, signatureYAML)
	o := options()
	ref := reference(t, imageName+"@"+imageDigest)
	v := verify.Undecided(ref, p, s.trust(p), &verify.Failure{Code: verify.RegistryTimeout, Class: verify.Transient}, o)
	t.Logf("undecided: enforced %v until %v at %v", v.Enforced != nil, v.EnforcedFrom, o.At)
	other := reference(t, "ghcr.io/none/of-it@"+imageDigest)
	v, _ = verify.Examine(t.Context(), nil, other, p, s.trust(p), o)
	t.Logf("no rule: enforced:false=%v %s", v.Enforced != nil, v.Checks[0].Code)
	v = s.judge(t, p, imageName+"@"+imageDigest, o, s.signature())
	t.Logf("judged: enforced:false=%v", v.Enforced != nil)
	_ = strings.Contains
}
