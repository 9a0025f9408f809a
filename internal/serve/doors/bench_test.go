package doors

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// BenchmarkReview is a review of a Pod of three images whose verdicts are at hand.
func BenchmarkReview(b *testing.B) {
	s := open(b, settings.Settings{}, nil)
	known := answerTo(serve.Question{Reference: reference(b, pinned("good"))})
	h, err := New(Options{Verifier: remembering{known}, Now: func() time.Time { return s.clock }, Metrics: s.metrics})
	must(b, err)
	body := asked{object: pod(pinned("good"), pinned("good"), pinned("good"))}.String()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/admission/validate?timeout=10s", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"allowed":true`) {
			b.Fatal(w.Body)
		}
	}
}

type remembering struct{ a serve.Answer }

func (r remembering) Verify(context.Context, serve.Question) serve.Answer { return r.a }

func (r remembering) Remembered(serve.Question) (serve.Answer, bool) { return r.a, true }
