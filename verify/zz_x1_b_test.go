package verify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// T1b: the default rule, one check, no consistency.
func TestX1DeniedVersionOneCheck(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature"}, "deny: {versions: [{match: "+imageName+", version: 1.2.2}]}", "---")
	x1show(t, "retagged denied version", h.play(t, p, imageRef, options(), pages["signature"](s, the(older))))
}

// T1c: steering by re-encoding.
func TestX1Steer(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	for _, denied := range []string{"1.2.2", "1.2.3"} {
		p := h.policy(t, []string{"signature", "sbom"}, "deny: {versions: [{match: "+imageName+", version: "+denied+"}]}", "---")
		var pieces []verify.Piece
		for _, id := range []string{"signature", "sbom"} {
			pieces = append(pieces, pages[id](s, the()), pages[id](s, the(older)))
		}
		for i := range 20 {
			mine := append([]verify.Piece{}, pieces...)
			for j := range mine {
				mine[j] = x1reencode(mine[j], (i+j*7)%20)
			}
			v := h.play(t, p, imageName+"@"+imageDigest, options(), mine...)
			t.Logf("denied %s, encoding %d: pass=%v", denied, i, v.Passed())
			if v.Passed() {
				break
			}
		}
	}
}

// T6: newest on the index is bad, older on the platforms are good.
func TestX1NewestEither(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	a := "sha256:" + strings.Repeat("a1", 32)
	index := withManifest(t, x1idx, `{"schemaVersion":2,"manifests":[`+x1entry(x1man, a, "amd64", 7)+`]}`)
	scan := func(digest string, after time.Duration, severity string) verify.Piece {
		signer := must(s.Issue(the().signer(), then.Add(after)))
		result := []any{}
		if severity != "" {
			result = append(result, map[string]any{"id": "CVE-1", "severity": []any{map[string]any{"method": "x", "score": severity}}})
		}
		at := then.Add(after).Format(time.RFC3339)
		return fromBundle(must(signer.Bundle(must(lab.Statement(lab.StatementV1, "https://in-toto.io/attestation/vulns/v0.2", lab.Subjects(imageName, digest), map[string]any{
			"scanner": map[string]any{"uri": "pkg:x/y", "result": result}, "metadata": map[string]any{"scanStartedOn": at, "scanFinishedOn": at},
		})), soon.Add(after))))
	}
	p := h.policy(t, nil, "attestations: {scan: {type: 'https://in-toto.io/attestation/vulns/v0.2', max_age: 7d, signer: "+anyVersion+", source: "+anySource+", scan: {deny: [critical]}}}")
	child := func(pieces ...verify.Piece) []verify.Child {
		return []verify.Child{{Image: verify.Image{Reference: index.Reference, Digest: a}, Evidence: verify.Evidence{Pieces: pieces}}}
	}
	o := options()
	x1show(t, "bad newest on the index alone", h.playImage(t, p, index, verify.Evidence{Pieces: []verify.Piece{scan(index.Digest, time.Hour, "critical")}}, o))
	x1show(t, "bad newest on the index, older good on the platform", h.playImage(t, p, index, verify.Evidence{Pieces: []verify.Piece{scan(index.Digest, time.Hour, "critical")}, Children: child(scan(a, 0, ""))}, o))
	x1show(t, "older good on the index, bad newest on the platform", h.playImage(t, p, index, verify.Evidence{Pieces: []verify.Piece{scan(index.Digest, 0, "")}, Children: child(scan(a, time.Hour, "critical"))}, o))
}

// T7: CPU: many re-encodings of one genuine bill of materials about a platform of a big index.
func TestX1CPU(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	a := "sha256:" + strings.Repeat("a1", 32)
	var list []string
	list = append(list, x1entry(x1man, a, "amd64", 7))
	pad := strings.Repeat("x", 3500)
	for i := range 999 {
		list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%064x","size":7,"platform":{"os":"linux","architecture":"amd64"},"annotations":{"a":%q}}`, x1man, i+1, pad))
	}
	index := withManifest(t, x1idx, `{"schemaVersion":2,"manifests":[`+strings.Join(list, ",")+`]}`)
	t.Logf("index of %d bytes", len(index.Manifest))
	one := bundleBy(s.issue(the().signer()), must(lab.CycloneDX(imageName, a)))
	p := h.policy(t, []string{"sbom"})
	for _, n := range []int{1, 50, 200} {
		var pieces []verify.Piece
		for i := range n {
			pieces = append(pieces, x1reencode(one, i))
		}
		start := time.Now()
		facts := verify.Authenticate(index, verify.Evidence{Children: []verify.Child{{Image: verify.Image{Reference: index.Reference, Digest: a}, Evidence: verify.Evidence{Pieces: pieces}}}}, h.trustOf(p), options().Limits)
		mid := time.Now()
		v := verify.Judge(facts, p, h.trustOf(p), options())
		f := finding(t, v, "sbom")
		t.Logf("%d pieces: authenticate %v, judge %v; sbom %s %s", n, mid.Sub(start), time.Since(mid), f.Result, f.Code)
	}
	// The genuine index: many signatures and bills of materials about it.
	for _, n := range []int{100, 400, 1000} {
		pieces := []verify.Piece{}
		bom, sig := bundleBy(s.issue(the().signer()), must(lab.CycloneDX(imageName, imageDigest))), pages["signature"](s, the())
		old, oldSig := pages["sbom"](s, the(older)), pages["signature"](s, the(older))
		for i := range n / 4 {
			pieces = append(pieces, x1reencode(bom, i), x1reencode(sig, i), x1reencode(old, i), x1reencode(oldSig, i))
		}
		p := h.policy(t, []string{"signature", "sbom"})
		facts := verify.Authenticate(verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}, verify.Evidence{Pieces: pieces}, h.trustOf(p), options().Limits)
		mid := time.Now()
		v := verify.Judge(facts, p, h.trustOf(p), options())
		t.Logf("story of %d pieces: judge %v pass=%v", n, time.Since(mid), v.Passed())
		if !v.Passed() {
			x1show(t, "why", v)
		}
	}
}
