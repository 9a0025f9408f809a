package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// longIndex lists images, the first of which has the digest.
func longIndex(t testing.TB, mediaType, digest string, length int) verify.Image {
	t.Helper()
	entries := make([]string, 0, length)
	for i := range length {
		if i > 0 {
			digest = fmt.Sprintf("sha256:%064x", i)
		}
		entries = append(entries, fmt.Sprintf(
			`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":7,"platform":{"os":"linux","architecture":"amd64","variant":"v%d"}}`, digest, i))
	}
	return withManifest(t, mediaType, `{"schemaVersion":2,"manifests":[`+strings.Join(entries, ",")+`]}`)
}

// TestJudgingAnIndexIsLinear counts what is allocated to judge indexes, which anybody may
// push: ten times the length may not cost a hundred times as much.
func TestJudgingAnIndexIsLinear(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	const ociIndex = "application/vnd.oci.image.index.v1+json"
	p := h.policy(t, []string{"signature", "provenance", "sbom"})
	p.Rules[0].SBOM.BuildKit = true
	cost := func(judge func(length int) func()) (short, long float64) {
		return testing.AllocsPerRun(1, judge(100)), testing.AllocsPerRun(1, judge(1000))
	}
	bare := func(verify.Image, int) verify.Evidence { return verify.Evidence{} }
	collected := func(i verify.Image, length int) verify.Evidence { // as if nothing were there of each
		var e verify.Evidence
		for n := range length {
			e.Children = append(e.Children, verify.Child{Image: verify.Image{Reference: i.Reference, Digest: fmt.Sprintf("sha256:%064x", n+1)}})
		}
		return e
	}
	signed := func(i verify.Image, length int) verify.Evidence {
		e := collected(i, length)
		e.Pieces = []verify.Piece{
			bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, i.Digest))),
			bundleBy(s.issue(the().signer()), must(lab.CycloneDX(imageName, i.Digest))),
		}
		return e
	}
	for name, c := range map[string]struct {
		mediaType string
		evidence  func(verify.Image, int) verify.Evidence
		named     bool
	}{
		"nothing about it":              {ociIndex, bare, false},
		"nothing about its images":      {ociIndex, collected, false},
		"signed, with an SBOM":          {ociIndex, signed, false},
		"called an image":               {"application/vnd.oci.image.manifest.v1+json", collected, false},
		"named for an image it lists":   {ociIndex, bare, true},
		"named, and called an image":    {"application/vnd.oci.image.manifest.v1+json", bare, true},
		"named, and signed, for itself": {ociIndex, signed, true},
	} {
		t.Run(name, func(t *testing.T) {
			short, long := cost(func(length int) func() {
				index := longIndex(t, c.mediaType, imageDigest, length)
				e, image, o := c.evidence(index, length), index, options()
				if c.named {
					o.Index = index.Reference
					e.Index = &verify.Child{Image: index}
					if e.Pieces == nil {
						image = verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}
					}
				}
				return func() {
					if v := h.playImage(t, p, image, e, o); v.Passed() {
						t.Errorf("passed: %s", decision(t, v))
					}
				}
			})
			if long > 30*short {
				t.Errorf("an index of 100 entries takes %.0f allocations, one of 1,000 %.0f", short, long)
			}
		})
	}
}
