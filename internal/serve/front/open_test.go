package front

import (
	"crypto/tls"
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

// TestOpenDoorsMutual is of client certificates: an open door takes a connection without
// one, every other door refuses it, and a certificate of strangers opens none.
func TestOpenDoorsMutual(t *testing.T) {
	set := secured("mtls")
	set.Open = []string{"admission"}
	s := start(t, set, nil)
	good, key := s.clients.issue(t, nil)
	strange, strangeKey := s.ca.issue(t, nil)
	shows := func(cert, key []byte) *http.Client {
		pair := must(tls.X509KeyPair(cert, key))
		return s.client(t, func(c *tls.Config) { c.Certificates = []tls.Certificate{pair} })
	}
	for _, c := range []struct {
		name   string
		client *http.Client
		path   string
		want   int
	}{
		{"nobody", s.client(t, nil), "/admission/validate", 200},
		{"nobody", s.client(t, nil), "/v1/verify", 401},
		{"a client", shows(good, key), "/admission/validate", 200},
		{"a client", shows(good, key), "/v1/verify", 200},
		{"a stranger", shows(strange, strangeKey), "/v1/verify", 0},
	} {
		if code, body := get(c.client, s.url(c.path)); code != c.want && !(c.want == 0 && code == 401) {
			t.Errorf("%s at %s: got %d %s; wanted %d", c.name, c.path, code, body, c.want)
		}
	}
}
