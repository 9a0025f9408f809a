package doors

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/settings"
)

// TestStatusOfVerdictAlone: whatever stands beside ?status=verdict is an error, and not now and then.
func TestStatusOfVerdictAlone(t *testing.T) {
	s := open(t, settings.Settings{}, nil)
	for range 50 {
		for _, query := range []string{"status=verdict&state=x", "x=&status=verdict", "status=verdict&status=verdict", "status=verdict&Status=ok", "STATUS=verdict", "status="} {
			r := httptest.NewRequest(http.MethodPost, "/v1/verify?"+query, strings.NewReader(`{"image":"`+pinned("good")+`"}`))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest {
				t.Fatalf("?%s: found status %d; wanted 400", query, w.Code)
			}
		}
	}
}

// TestFieldIsNoTemplate: what a registry keeps from us is let through in a pod template alone, whose Pods are judged. A
// field of a kind that an administrator named may run without any Pod.
func TestFieldIsNoTemplate(t *testing.T) {
	s := open(t, settings.Settings{Kinds: []settings.Kind{{Version: "v1", Kind: "Widget", Paths: []string{"$.spec.image"}}}}, nil)
	widget := asked{kind: "Widget", object: `{"apiVersion":"v1","kind":"Widget","spec":{"image":"` + image("private") + `"}}`}
	for _, door := range []string{"validate", "mutate"} {
		if got := s.review(t, door, widget.String()); got.Allowed || !strings.Contains(got.Status.Message, "registry.unauthorized") {
			t.Errorf("%s: %+v", door, got)
		}
	}
}
