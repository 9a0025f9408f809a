package github_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/releaseassay/assay/internal/github"
	"github.com/releaseassay/assay/verify"
)

// TestDoor asks servers that no test could start: each hop is answered in memory.
func TestDoor(t *testing.T) {
	const there = "https://api.github.com" // what options without a BaseURL ask
	for name, test := range map[string]struct {
		base   string
		bundle string
		moved  string
		code   verify.Code
		says   string
	}{
		"good":                   {bundle: "https://blobs.example/x"},
		"plain HTTP to the API":  {base: "http://example.com", code: github.Insecure, says: "only https"},
		"API with credentials":   {base: "https://u:p@example.com", code: github.UnusableName, says: "not a plain URL"},
		"API without scheme":     {base: "example.com", code: github.UnusableName, says: "not a plain URL"},
		"bundle on this machine": {bundle: "https://localhost./x", code: github.Insecure, says: "this machine"},
		"bundle at metadata":     {bundle: "http://169.254.169.254/x", code: github.Insecure, says: "only https"},
		"bundle moved here":      {bundle: "https://blobs.example/x", moved: "http://[::1]/x", code: github.Insecure, says: "this machine"},
		"bundle downgraded":      {base: "https://127.0.0.1", bundle: "https://127.0.0.1/x", moved: "http://127.0.0.1/y", code: github.Insecure, says: "downgrade"},
	} {
		t.Run(name, func(t *testing.T) {
			client := github.New(github.Options{BaseURL: test.base, Token: token, Transport: roundTripper(func(r *http.Request) *http.Response {
				w := httptest.NewRecorder()
				atAPI := r.URL.Path == listPath
				if (r.Header.Get("Authorization") != "") != atAPI {
					t.Errorf("%s had Authorization %q", r.URL, r.Header.Get("Authorization"))
				}
				switch {
				case atAPI && test.base == "" && r.URL.Scheme+"://"+r.URL.Host != there:
					t.Errorf("asked %s", r.URL)
				case atAPI:
					_, _ = fmt.Fprintf(w, `{"attestations":[{"bundle_url":%q}]}`, test.bundle)
				case test.moved != "":
					w.Header().Set("Location", test.moved)
					w.WriteHeader(http.StatusTemporaryRedirect)
				default:
					_, _ = w.WriteString(`{}`)
				}
				return w.Result()
			})})
			e := client.Collect(t.Context(), repo, digest)
			if test.code != "" {
				wantFailure(t, e, test.code, verify.Definitive, test.says)
			} else if len(e.Pieces) != 1 || len(e.Failures) != 0 {
				t.Errorf("%+v", e.Failures)
			}
		})
	}
}
