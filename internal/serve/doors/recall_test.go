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

// recalling is a verifier that remembers what answer gives, and is asked for the rest.
type recalling struct {
	*fake
	answer func(serve.Question) (serve.Answer, bool)
}

func (r recalling) Remembered(q serve.Question) (serve.Answer, bool) { return r.answer(q) }

// TestRecall: what a verifier remembers is held against the question as every answer is,
// a panic is undecided, and what is not remembered is asked for.
func TestRecall(t *testing.T) {
	for name, x := range map[string]struct {
		answer  func(serve.Question) (serve.Answer, bool)
		image   string
		allowed bool
		says    string
		asked   int
	}{
		"remembered":      {func(q serve.Question) (serve.Answer, bool) { return answerTo(q), true }, pinned("good"), true, "", 0},
		"a refusal":       {func(q serve.Question) (serve.Answer, bool) { return answerTo(q), true }, pinned("unsigned"), false, "signature.identity_mismatch", 0},
		"a tag":           {func(q serve.Question) (serve.Answer, bool) { return answerTo(q), true }, "ghcr.io/acme/good:1.0", false, "reference.not_pinned", 0},
		"of another":      {func(q serve.Question) (serve.Answer, bool) { a := answerTo(q); a.Digest = badDigest; return a, true }, pinned("good"), false, "internal.panic", 0},
		"a panic":         {func(serve.Question) (serve.Answer, bool) { panic("secret") }, pinned("good"), false, "internal.panic", 0},
		"nothing there":   {func(serve.Question) (serve.Answer, bool) { return serve.Answer{Outcome: serve.Passed}, false }, pinned("unsigned"), false, "signature.identity_mismatch", 1},
		"the zero answer": {func(serve.Question) (serve.Answer, bool) { return serve.Answer{}, true }, pinned("good"), false, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, settings.Settings{}, nil)
			f := &fake{}
			h, err := New(Options{Verifier: recalling{f, x.answer}, Now: func() time.Time { return s.clock }, Metrics: s.metrics})
			must(t, err)
			r := httptest.NewRequest(http.MethodPost, "/admission/validate?timeout=10s", strings.NewReader(asked{object: pod(x.image)}.String())).WithContext(context.Background())
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			text := w.Body.String()
			if strings.Contains(text, `"allowed":true`) != x.allowed || !strings.Contains(text, x.says) || strings.Contains(text, "secret") {
				t.Errorf("got %s; want allowed %t, %s", text, x.allowed, x.says)
			}
			if len(f.asked) != x.asked {
				t.Errorf("asked for %d, want %d", len(f.asked), x.asked)
			}
		})
	}
}
