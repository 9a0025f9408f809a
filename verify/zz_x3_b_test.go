package verify_test

import (
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func zzlog(t *testing.T, v verify.Verdict) {
	t.Logf("PASS=%v conclusive=%v until=%v", v.Passed(), v.Conclusive, v.ValidUntil)
	for _, f := range v.Checks {
		if f.Required {
			t.Logf("  %s %s %s %s", f.ID, f.Result, f.Code, f.Message)
		}
	}
}

// the voucher of BuildKit's SBOM is of another release than the platforms' signatures
func TestZZVoucherStory(t *testing.T) {
	y := newYard(t, spdxAbout)
	sign := func(digest string, c chapter) verify.Piece {
		return bundleBy(y.issue(c.signer()), must(lab.SignStatement(imageName, digest)))
	}
	for _, on := range []string{"platforms", "either"} {
		p := policyOf(t, tagsYAML, "signature: {signer: "+anyVersion+", source: "+anySource+", on: "+on+"}", "sbom: {signer: "+anyVersion+", source: "+anySource+", buildkit: true}")
		pieces := append([]verify.Piece{sign(y.Digest(), the(older))}, y.statements()...)
		v := y.judge(t, p, pieces, map[string][]verify.Piece{y.image(0): {sign(y.image(0), the())}, y.image(1): {sign(y.image(1), the())}})
		t.Log("signature on", on)
		zzlog(t, v)
	}
}

// exception over a failure that hides what could not be decided
func TestZZExceptUndecided(t *testing.T) {
	st := newStage(lab.Options{})
	inner := lab.Listed{Image: must(lab.NewIndexOf(must(lab.Platforms("zzinner", "linux/s390x"))...))}
	entries := append(two("zze"), inner)
	img := must(lab.NewIndexOf(entries...))
	raw := must(img.Raw())
	ref := must(verify.ParseReference(imageName + ":1.2.3@" + img.Digest()))
	index := verify.Image{Reference: ref, Digest: img.Digest(), MediaType: "application/vnd.oci.image.index.v1+json", Manifest: raw}
	child := func(d string, e verify.Evidence) verify.Child {
		return verify.Child{Image: verify.Image{Reference: must(verify.ParseReference(imageName + "@" + d)), Digest: d}, Evidence: e}
	}
	boom := verify.Evidence{Failures: []verify.Failure{{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "x"}}}
	p := policyOf(t, "source: "+sourceYAML, signatureYAML)
	p.Rules[0].Signature.On = policy.OnPlatforms
	p.Rules[0].Platforms = &policy.Platforms{Only: []string{"linux/amd64", "linux/arm64"}}
	e := verify.Evidence{Children: []verify.Child{child(entries[0].Digest(), verify.Evidence{}), child(entries[1].Digest(), boom), child(entries[2].Digest(), boom)}}
	v := verify.Judge(verify.Authenticate(index, e, st.trust(p), options().Limits), p, st.trust(p), options())
	zzlog(t, v)
	ex := excused("signature")
	ex.Digest = img.Digest()
	verify.Except(&v, []policy.Exception{ex}, "sha256:file", today)
	t.Logf("exception %+v notices %+v", v.Exception, v.Notices)
}
