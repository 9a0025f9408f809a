package front

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/settings"
)

// TestOpenDoors asks at every door with and without a token: only those that are named as
// open take anybody, and only at exactly their paths.
func TestOpenDoors(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"/admission/validate": "admission", "/admission/mutate": "admission", "/imagereview": "imagereview",
		"/gatekeeper": "gatekeeper", "/gatekeeper/mutate": "gatekeeper", "/v1/verify": "verify", "/v1/verdicts/sha256:00": "verify",
		"/": "", "/admission": "", "/admission/validate/": "", "//admission/validate": "", "/admission/../v1/verify": "", "/metrics": "",
		"/v1": "", "/v1/": "", "/ADMISSION/validate": "",
	}
	for _, open := range [][]string{nil, {"admission"}, {"gatekeeper", "imagereview"}, {"verify"}} {
		s := settings.Defaults()
		s.Listen, s.Auth, s.Tokens, s.Open = "127.0.0.1:0", "bearer", []string{file}, open
		var asked string
		f, err := New(Options{Settings: s, Now: time.Now, Doors: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked = Client(r.Context())
		})})
		if err != nil {
			t.Fatal(err)
		}
		h := f.guarded(f.o.Doors)
		for path, door := range paths {
			for _, shown := range []string{"", "wrong-" + secret, secret} {
				asked = ""
				r := httptest.NewRequest(http.MethodPost, "http://assay.test/", nil)
				r.URL.Path, r.RemoteAddr = path, "192.0.2.7:1234"
				if shown != "" {
					r.Header.Set("Authorization", "Bearer "+shown)
				}
				h.ServeHTTP(httptest.NewRecorder(), r)
				isOpen := false
				for _, o := range open {
					isOpen = isOpen || o == door
				}
				if want := isOpen || shown == secret; want != (asked != "") {
					t.Errorf("open %v, path %s, token %.5q: asked %v; wanted %v", open, path, shown, asked != "", want)
				}
				if isOpen && shown != secret && asked != "192.0.2.7" {
					t.Errorf("open %v, path %s: the client is %q; wanted its address", open, path, asked)
				}
			}
		}
	}
}
