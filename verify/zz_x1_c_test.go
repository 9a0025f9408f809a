package verify_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// empty is a source that has one index and no evidence.
type x1empty struct{ index verify.Image }

func (e x1empty) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	return e.index, nil
}
func (e x1empty) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	return verify.Evidence{}
}

// T7b: an index of anybody's, with no evidence at all.
func TestX1StrangersIndex(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	for _, c := range []struct {
		pad int
		ids []string
	}{{3500, []string{"signature"}}, {3500, []string{"sbom"}}, {0, []string{"signature", "sbom"}}} {
		var list []string
		pad := strings.Repeat("x", c.pad)
		for i := range 1000 {
			list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%064x","size":7,"platform":{"os":"linux","architecture":"amd64"},"annotations":{"a":%q}}`, x1man, i+1, pad))
		}
		index := withManifest(t, x1idx, `{"schemaVersion":2,"manifests":[`+strings.Join(list, ",")+`]}`)
		p := h.policy(t, c.ids)
		start := time.Now()
		v := verify.Verify(t.Context(), x1empty{index}, reference(t, imageRef[:len(imageName)+6]), p, h.trustOf(p), options())
		t.Logf("index of %d bytes, %v: %v; pass=%v %s", len(index.Manifest), c.ids, time.Since(start), v.Passed(), finding(t, v, "platforms").Code)
	}
}
