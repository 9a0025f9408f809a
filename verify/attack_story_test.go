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

func listedImage(digest, arch, more string) string {
	return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":7,"platform":{"os":"linux","architecture":%q}%s}`, digest, arch, more)
}

func listing(t *testing.T, more string, entries ...string) verify.Image {
	t.Helper()
	return withManifest(t, "application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+strings.Join(entries, ",")+`]`+more+`}`)
}

func childIn(index verify.Image, digest string, pieces ...verify.Piece) verify.Child {
	return verify.Child{Image: verify.Image{Reference: index.Reference, Digest: digest}, Evidence: verify.Evidence{Pieces: pieces}}
}

var listedA, listedB = "sha256:" + strings.Repeat("a1", 32), "sha256:" + strings.Repeat("b2", 32)

func wantRefused(t *testing.T, v verify.Verdict) {
	t.Helper()
	if v.Passed() {
		t.Errorf("passed: %s", decision(t, v))
	}
}

// reencoded writes a bundle again with other spaces: other bytes, the same statement.
func reencoded(p verify.Piece) verify.Piece {
	var b bytes.Buffer
	_ = json.Indent(&b, p.Bytes, "", "   ")
	return fromBundle(b.Bytes())
}

// TestEachPlatformIsFresh: one platform that was signed lately makes an old one fresh, in an index of anybody's.
func TestEachPlatformIsFresh(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	index := listing(t, "", listedImage(listedA, "amd64", ""), listedImage(listedB, "arm64", ""))
	at := func(digest string, after time.Duration, c chapter) verify.Child {
		signer := must(s.Issue(c.signer(), then.Add(after)))
		return childIn(index, digest, fromBundle(must(signer.Bundle(must(lab.SignStatement(imageName, digest)), soon.Add(after)))))
	}
	o := options()
	o.At = then.Add(200 * 24 * time.Hour)
	wantRefused(t, h.playImage(t, h.policy(t, []string{"signature"}, "freshness: {max_age: 30d}"), index,
		verify.Evidence{Children: []verify.Child{at(listedA, 199*24*time.Hour, the()), at(listedB, 0, the(older))}}, o))
}

// TestOneSourceIsOne: one statement in other bytes, and an annotation of an unsigned index, are further sources.
func TestOneSourceIsOne(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	one := pages["signature"](s, the())
	p := h.policy(t, []string{"signature"}, "consistency: {claims: [commit], required: [commit]}")
	wantRefused(t, h.play(t, p, imageRef, options(), one, reencoded(one)))
	index := listing(t, `,"annotations":{"org.opencontainers.image.revision":"`+lab.DefaultCommit+`"}`, listedImage(listedA, "amd64", ""))
	p = h.policy(t, []string{"signature"}, "consistency: {claims: [commit], required: [commit], labels: true}")
	signed := bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, listedA)))
	wantRefused(t, h.playImage(t, p, index, verify.Evidence{Children: []verify.Child{childIn(index, listedA, signed)}}, options()))
}

// TestNowEnds: a pass that rests on now says when it ends.
func TestNowEnds(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, nil, "sbom: {signer: "+anyVersion+", source: "+anySource+", rules: [{name: recent, expr: \"now - signed < duration('48h')\"}]}")
	v := h.play(t, p, imageRef, options(), pages["sbom"](s, the()))
	if v.Passed() && v.ValidUntil == nil {
		t.Error("the pass never ends")
	}
}
