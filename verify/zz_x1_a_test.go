package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

func x1show(t *testing.T, name string, v verify.Verdict) {
	t.Helper()
	t.Logf("%s: pass=%v conclusive=%v validUntil=%v version=%q/%s", name, v.Passed(), v.Conclusive, v.ValidUntil, v.Image.Version, v.Image.VersionFrom)
	for _, f := range v.Checks {
		if f.Required {
			t.Logf("   %s %s %s %s", f.ID, f.Result, f.Code, f.Message)
		}
	}
}

func x1reencode(p verify.Piece, n int) verify.Piece {
	var b bytes.Buffer
	_ = json.Indent(&b, p.Bytes, "", strings.Repeat(" ", n%10)+strings.Repeat("\t", n/10))
	return fromBundle(b.Bytes())
}

// T1: a version that the policy denies is left out of the story.
func TestX1DeniedVersionHiddenByChoice(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	for _, denied := range []string{"1.2.2", "1.2.3"} {
		for _, ref := range []string{imageName + "@" + imageDigest, imageRef, imageName + ":1.2.2@" + imageDigest} {
			for _, cons := range []string{"", "consistency: off"} {
				more := []string{"deny: {versions: [{match: " + imageName + ", version: " + denied + "}]}", "---"}
				if cons != "" {
					more = append(more, cons)
				}
				p := h.policy(t, []string{"signature", "sbom"}, more...)
				var pieces []verify.Piece
				for _, id := range []string{"signature", "sbom"} {
					pieces = append(pieces, pages[id](s, the()), pages[id](s, the(older)))
				}
				x1show(t, "denied "+denied+" "+ref+" "+cons, h.play(t, p, ref, options(), pieces...))
				x1show(t, "  only older, denied "+denied+" "+ref+" "+cons, h.play(t, p, ref, options(), pages["signature"](s, the(older)), pages["sbom"](s, the(older))))
			}
		}
	}
}

func x1entry(mt, digest, arch string, size int) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":%q}}`, mt, digest, size, arch)
}

const (
	x1idx = "application/vnd.oci.image.index.v1+json"
	x1man = "application/vnd.oci.image.manifest.v1+json"
)

// T2: a denied digest in a nested index.
func TestX1DeniedNested(t *testing.T) {
	entries := two("nested-denied")
	inner := must(lab.NewIndexOf(entries...))
	outer := must(lab.NewIndexOf(lab.Listed{Image: inner}))
	s := newShelf(t)
	s.push(t, outer, outer.Digest())
	p := s.demanding(t, "either")
	p.Rules[0].Deny.Digests = []string{entries[0].Digest()}
	p.Deny.Digests = []string{entries[0].Digest()}
	x1show(t, "nested denied", s.ask(t, p, ""))
}

// T3: one fresh platform makes a stale one fresh.
func TestX1FreshByNeighbour(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	a, b := "sha256:"+strings.Repeat("a1", 32), "sha256:"+strings.Repeat("b2", 32)
	index := withManifest(t, x1idx, `{"schemaVersion":2,"manifests":[`+x1entry(x1man, a, "amd64", 7)+","+x1entry(x1man, b, "arm64", 7)+`]}`)
	at := func(digest string, after time.Duration, c chapter) verify.Child {
		signer := must(s.Issue(c.signer(), then.Add(after)))
		piece := fromBundle(must(signer.Bundle(must(lab.SignStatement(imageName, digest)), soon.Add(after))))
		return verify.Child{Image: verify.Image{Reference: index.Reference, Digest: digest}, Evidence: verify.Evidence{Pieces: []verify.Piece{piece}}}
	}
	p := h.policy(t, []string{"signature"}, "freshness: {max_age: 30d}")
	o := options()
	o.At = then.Add(200 * 24 * time.Hour)
	fresh := 199 * 24 * time.Hour
	x1show(t, "both stale", h.playImage(t, p, index, verify.Evidence{Children: []verify.Child{at(a, 0, the()), at(b, 0, the())}}, o))
	x1show(t, "one stale", h.playImage(t, p, index, verify.Evidence{Children: []verify.Child{at(a, fresh, the()), at(b, 0, the(older))}}, o))
}

// T4: BuildKit's statement under another root than its demand's.
func TestX1BuildKitTrust(t *testing.T) {
	y := newYard(t, spdxAbout)
	p := policyOf(t, corpRoot("timestamps: 1"), "---", "source: "+sourceYAML, anySignature, sbomYAML("buildkit: true", "trust: corp"), "consistency: off")
	v := y.judge(t, p, append([]verify.Piece{y.signed(y.Digest())}, y.statements()...), nil)
	x1show(t, "buildkit with trust corp", v)
	for _, c := range finding(t, v, "sbom").Found {
		t.Logf("  %+v", c.Trust)
	}
}

// T5: one statement written twice is two sources.
func TestX1OneStatementTwice(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature"}, "consistency: {claims: [commit], required: [commit]}")
	one := pages["signature"](s, the())
	x1show(t, "once", h.play(t, p, imageRef, options(), one))
	x1show(t, "twice", h.play(t, p, imageRef, options(), one, x1reencode(one, 3)))
}

// T8: a rule that depends on now bounds nothing.
func TestX1NowInRule(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, nil, "sbom: {signer: "+anyVersion+", source: "+anySource+", rules: [{name: recent, expr: \"now - signed < duration('48h')\"}]}")
	one := pages["sbom"](s, the())
	x1show(t, "now", h.play(t, p, imageRef, options(), one))
	o := options()
	o.At = o.At.Add(1000 * time.Hour)
	x1show(t, "later", h.play(t, p, imageRef, o, one))
}

// T9: annotations of an unsigned index are a source.
func TestX1Annotation(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	a := "sha256:" + strings.Repeat("a1", 32)
	for _, ann := range []string{"", `,"annotations":{"org.opencontainers.image.revision":"` + lab.DefaultCommit + `"}`} {
		index := withManifest(t, x1idx, `{"schemaVersion":2,"manifests":[`+x1entry(x1man, a, "amd64", 7)+`]`+ann+`}`)
		p := h.policy(t, []string{"signature"}, "consistency: {claims: [commit], required: [commit], labels: true}")
		child := verify.Child{Image: verify.Image{Reference: index.Reference, Digest: a}, Evidence: verify.Evidence{Pieces: []verify.Piece{bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, a)))}}}
		x1show(t, "annotation "+ann, h.playImage(t, p, index, verify.Evidence{Children: []verify.Child{child}}, options()))
	}
}
