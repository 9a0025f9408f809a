package lab

import (
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// metadataHost is where clouds tell a machine its secrets.
	metadataHost = "169.254.169.254"
	insecure     = "registry.insecure"
)

// hostileRealms send clients, with the password that they would show a token server, to somebody else.
func hostileRealms() []Hostile {
	token := Behaviour{Auth: TokenAuth, Private: true}
	return []Hostile{
		{
			Name: "realm-elsewhere", Shows: "The token server is another address of the same network.",
			Advisory: "CVE-2025-27403", WantCode: insecure, behaviour: token,
			set: func(s *Scene) error { return s.realm("http://" + s.Elsewhere.Host() + tokenPath) },
		},
		{
			Name: "realm-link-local", Class: 33, Shows: "The token server is where the cloud tells this machine its secrets.",
			WantCode: insecure, behaviour: token,
			set: func(s *Scene) error { return s.realm("https://" + metadataHost + tokenPath) },
		},
		{
			Name: "realm-without-tls", Shows: "The token server of another domain is asked without TLS.",
			WantCode: insecure, behaviour: token,
			set: func(s *Scene) error { return s.realm("http://auth.example" + tokenPath) },
		},
		{
			Name: "token-redirected", Shows: "The token server redirects to another host, which gives out a token that opens nothing.",
			Advisory: "CVE-2025-27403", WantCode: insecure, behaviour: token,
			set: func(s *Scene) error {
				s.Pinned = ""
				s.Elsewhere.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
					writeJSON(w, "application/json", map[string]string{"token": "stolen"})
					return true
				})
				s.Registry.SetTokenServer(redirectTo("http://" + s.Elsewhere.Host() + tokenPath))
				return nil
			},
		},
		{
			Name: "ping-redirected", Shows: "The first question is redirected to another host, which names a token server of its own.",
			WantCode: insecure,
			set: func(s *Scene) error {
				s.Pinned = ""
				s.answer("/v2/", redirectTo("http://"+s.Elsewhere.Host()+"/v2/"))
				return nil
			},
		},
	}
}

// realm names another token server.
func (s *Scene) realm(url string) error {
	s.Pinned = ""
	s.Registry.setRealm(url)
	return nil
}

// hostileRedirects send clients from one place to another.
func hostileRedirects() []Hostile {
	private := Behaviour{Auth: BasicAuth, Private: true}
	redirected := func(to func(*Scene) string) func(*Scene) error {
		return func(s *Scene) error { s.answer(s.sigPath(), redirectTo(to(s))); return nil }
	}
	return []Hostile{
		{
			Name: "redirect-loop", Class: 29, Shows: "The signature's manifest is redirected to itself.",
			WantCode: "registry.redirect_loop", form: LegacyForm, set: redirected((*Scene).sigPath),
		},
		{
			Name: "redirect-for-credentials", Shows: "All blobs are redirected to another host, as to a blob store, by a registry that knows the password.",
			behaviour: private, set: (*Scene).store,
		},
		{
			Name: "redirect-with-credentials", Shows: "The signature's manifest is redirected to a URL with credentials in it.",
			WantCode: insecure, form: LegacyForm,
			set: redirected(func(s *Scene) string {
				return "http://" + User + ":" + Password + "@" + s.Elsewhere.Host() + s.sigPath()
			}),
		},
		{
			Name: "redirect-without-tls", Shows: "The signature's manifest is redirected to another domain, without TLS.",
			WantCode: insecure, form: LegacyForm,
			set: redirected(func(s *Scene) string { return "http://store.example" + s.sigPath() }),
		},
		{
			Name: "redirect-link-local", Class: 33, Shows: "The signature's manifest is redirected to where the cloud tells this machine its secrets.",
			WantCode: insecure, form: LegacyForm,
			set: redirected(func(*Scene) string { return "http://" + metadataHost + "/latest/meta-data/" }),
		},
		{
			Name: "redirect-link-local-tls", Class: 33, Shows: "The signature's manifest is redirected to a link-local address, with TLS.",
			WantCode: insecure, form: LegacyForm,
			set: redirected(func(*Scene) string { return "https://" + metadataHost + "/latest/meta-data/" }),
		},
		{
			Name: "redirect-to-a-file", Class: 33, Shows: "The signature's manifest is redirected to a file of this machine.",
			WantCode: insecure, form: LegacyForm,
			set: redirected(func(*Scene) string { return "file:///etc/passwd" }),
		},
	}
}

// store makes the other host a blob store: honest, but not to be told the registry's password.
func (s *Scene) store() error {
	s.Elsewhere.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		_, body := s.Registry.ask(req.URL.Path)
		serve(w, "application/octet-stream", body)
		return true
	})
	s.answerAll(func(req *http.Request) bool { return strings.Contains(req.URL.Path, "/blobs/sha256:") },
		func(w http.ResponseWriter, req *http.Request) {
			redirectTo("http://"+s.Elsewhere.Host()+req.URL.Path)(w, req)
		})
	return nil
}

// redirectTo answers with a redirect that has an innocent body.
func redirectTo(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", url)
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}
