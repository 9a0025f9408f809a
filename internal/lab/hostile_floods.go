package lab

import (
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// hostileFloods send too much of what is not content, or ask for too much patience.
func hostileFloods() []Hostile {
	return []Hostile{
		{
			Name: "one-list-of-100000", Shows: "The list of referrers has 100,000 entries in one page of 30 MB.",
			Advisory: "CVE-2024-29903", WantCode: "limit.exceeded", form: BundleForm,
			set: func(s *Scene) error { return s.bury(100_000, 0, BundleMediaType) },
		},
		{
			Name: "list-in-lists", Shows: "The list of referrers is 200,000 lists in one another.",
			WantCode: "registry.malformed", form: BundleForm,
			set: func(s *Scene) error {
				nested := `{"schemaVersion":2,"manifests":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + "}"
				s.answer(s.listPath(), func(w http.ResponseWriter, _ *http.Request) {
					serve(w, string(types.OCIImageIndex), []byte(nested))
				})
				return nil
			},
		},
		{
			Name: "endless-headers", Shows: "The answer for the signature has a header of 64 MB.",
			WantCode: "registry.unreachable", form: LegacyForm,
			set: func(s *Scene) error { s.answer(s.sigPath(), headers); return nil },
		},
		{
			Name: "retry-after-a-year", Shows: "The registry asks to come back for the signature in a year.",
			WantCode: "registry.rate_limited", form: LegacyForm,
			set: func(s *Scene) error {
				s.answer(s.sigPath(), func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", "31536000")
					refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "come back in a year")
				})
				return nil
			},
		},
		{
			Name: "redirect-ping-pong", Shows: "Two hosts redirect to each other, each time to another path.",
			WantCode: "registry.redirect_loop", form: LegacyForm,
			set: func(s *Scene) error {
				back := func(to *Registry) http.HandlerFunc {
					return func(w http.ResponseWriter, req *http.Request) {
						redirectTo("http://"+to.Host()+s.sigPath()+"?"+req.URL.RawQuery+"x")(w, req)
					}
				}
				s.answer(s.sigPath(), back(s.Elsewhere))
				s.Elsewhere.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool { back(s.Registry)(w, req); return true })
				return nil
			},
		},
		{
			Name: "endless-token", Shows: "The token server's answer never ends.",
			WantCode: "registry.malformed", behaviour: Behaviour{Auth: TokenAuth},
			set: func(s *Scene) error {
				s.Pinned = ""
				s.Registry.SetTokenServer(endlessToken)
				return nil
			},
		},
	}
}

// endlessToken sends a token for as long as somebody listens.
func endlessToken(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"token":"`))
	for chunk := []byte(strings.Repeat("t", 64<<10)); err == nil; {
		_, err = w.Write(chunk)
	}
}

// headers sends one header of 64 MB, piece by piece and past the server, which would keep it whole.
func headers(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte("HTTP/1.1 200 OK\r\nX-Filler: "))
	chunk := []byte(strings.Repeat("h", 64<<10))
	for sent := 0; err == nil && sent < 64<<20; sent += len(chunk) {
		_, err = conn.Write(chunk)
	}
}
