package verify_test

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func (y yard) judgeAt(t testing.TB, p *policy.Policy, pieces []verify.Piece, children map[string][]verify.Piece, at time.Time) verify.Verdict {
	index := verify.Image{Reference: must(verify.ParseReference(imageName + ":1.2.3@" + y.Digest())), Digest: y.Digest(), MediaType: string(y.Descriptor().MediaType), Manifest: y.Manifest}
	evidence := verify.Evidence{Pieces: pieces}
	for _, d := range y.Children() {
		digest := d.Digest.String()
		c := verify.Child{Image: verify.Image{Reference: must(verify.ParseReference(imageName + "@" + digest)), Digest: digest, MediaType: string(d.MediaType)}}
		for _, a := range y.Attestations {
			if digestOf(a.Manifest) == digest {
				c.Image.Manifest = a.Manifest
			}
		}
		c.Evidence = verify.Evidence{Pieces: children[digest]}
		evidence.Children = append(evidence.Children, c)
	}
	trust := y.trust(p)
	o := options()
	o.At = at
	return verify.Judge(verify.Authenticate(index, evidence, trust, o.Limits), p, trust, o)
}

func (y yard) signAfter(digest string, c chapter, after time.Duration) verify.Piece {
	return fromBundle(must(must(y.Issue(c.signer(), then.Add(after))).Bundle(must(lab.SignStatement(imageName, digest)), soon.Add(after))))
}

// the voucher ages out before the platforms' signatures
func TestZZVoucherUntil(t *testing.T) {
	y := newYard(t, spdxAbout)
	p := policyOf(t, tagsYAML, "signature: {signer: "+anyVersion+", source: "+anySource+", on: platforms, max_age: 3d}", "sbom: {signer: "+anyVersion+", source: "+anySource+", buildkit: true}")
	pieces := append([]verify.Piece{y.signAfter(y.Digest(), the(), 0)}, y.statements()...)
	ch := map[string][]verify.Piece{y.image(0): {y.signAfter(y.image(0), the(), 20*time.Hour)}, y.image(1): {y.signAfter(y.image(1), the(), 20*time.Hour)}}
	zzlog(t, y.judgeAt(t, p, pieces, ch, today))
	v := y.judgeAt(t, p, pieces, ch, today)
	t.Log("one second before valid_until:")
	zzlog(t, y.judgeAt(t, p, pieces, ch, v.ValidUntil.Add(-time.Second)))
}

// deny.versions and the voucher
func TestZZVoucherDeniedVersion(t *testing.T) {
	y := newYard(t, spdxAbout)
	p := policyOf(t, "deny: {versions: [{match: "+imageName+", version: 1.2.2}]}", "---", tagsYAML, "signature: {signer: "+anyVersion+", source: "+anySource+", on: platforms}", "sbom: {signer: "+anyVersion+", source: "+anySource+", buildkit: true}")
	pieces := append([]verify.Piece{y.signAfter(y.Digest(), the(older), 0)}, y.statements()...)
	ch := map[string][]verify.Piece{y.image(0): {y.signAfter(y.image(0), the(), 0)}, y.image(1): {y.signAfter(y.image(1), the(), 0)}}
	zzlog(t, y.judgeAt(t, p, pieces, ch, today))
}

func TestZZLasting(t *testing.T) {
	y := newYard(t, spdxAbout)
	p := policyOf(t, tagsYAML, "signature: {signer: "+anyVersion+", source: "+anySource+", on: either, max_age: 3d}", "consistency: {}")
	ch := map[string][]verify.Piece{y.image(0): {y.signAfter(y.image(0), the(older), 20*time.Hour)}, y.image(1): {y.signAfter(y.image(1), the(older), 20*time.Hour)}}
	_ = p
	p = policyOf(t, tagsYAML, "signature: {signer: "+anyVersion+", source: "+anySource+", on: either, max_age: 3d}", "sbom: {signer: "+anyVersion+", source: "+anySource+"}")
	bom := bundleBy(y.issue(the().signer()), must(lab.CycloneDX(imageName, y.Digest())))
	pieces := []verify.Piece{y.signAfter(y.Digest(), the(), 0), bom}
	v := y.judgeAt(t, p, pieces, ch, today)
	zzlog(t, v)
	if v.Passed() {
		zzlog(t, y.judgeAt(t, p, pieces, ch, v.ValidUntil.Add(-time.Second)))
	}
}

// freshness rests on a bill that stops counting while another carries the check on
func TestZZFreshUntil(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, nil, "sbom: {signer: "+anyVersion+", source: "+anySource+", max_document_age: 30d}", "freshness: {max_age: 5d}")
	bill := func(after time.Duration, doc time.Time) verify.Piece {
		signer := must(s.Issue(the().signer(), then.Add(after)))
		return fromBundle(must(signer.Bundle(must(lab.CycloneDX(imageName, imageDigest, inPredicate(doc.Format(time.RFC3339), "metadata", "timestamp"))), soon.Add(after))))
	}
	a, b := bill(20*time.Hour, then.AddDate(0, 0, -27)), bill(0, then.AddDate(0, 0, -1))
	v := h.play(t, p, imageRef, options(), a, b)
	zzlog(t, v)
	if v.Passed() {
		o := options()
		o.At = v.ValidUntil.Add(-time.Second)
		zzlog(t, h.play(t, p, imageRef, o, a, b))
	}
}
