package lab

import (
	"net/http"
	"strings"
)

// hostileStores are hosts that a registry sends its clients to, and that want the registry's credentials. Each serves the
// good release to those who show them, so that a verifier which gives them away passes it.
func hostileStores() []Hostile {
	const unauthorized = "registry.unauthorized"
	return []Hostile{
		{
			Name: "store-wants-password", Shows: "Blobs are redirected to another host, which serves those alone who show it the registry's password.",
			Advisory: "CVE-2024-3727", WantCode: unauthorized, behaviour: Behaviour{Auth: BasicAuth, Private: true},
			set: func(s *Scene) error {
				return s.keeper(func(req *http.Request) bool {
					user, password, ok := req.BasicAuth()
					return ok && user == User && password == Password
				}, `Basic realm="store"`)
			},
		},
		{
			Name: "store-wants-token", Shows: "Blobs are redirected to another host, which serves those alone who show it the registry's token.",
			Advisory: "CVE-2025-27403", WantCode: unauthorized, behaviour: Behaviour{Auth: TokenAuth, Private: true},
			set: func(s *Scene) error {
				return s.keeper(func(req *http.Request) bool {
					token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
					return ok && s.Registry.gave(token)
				}, `Basic realm="store"`)
			},
		},
		{
			Name: "realm-wants-password", Shows: "The token server is another host, which gives real tokens to those who show it the registry's password.",
			Advisory: "CVE-2025-27403", WantCode: insecure, behaviour: Behaviour{Auth: TokenAuth, Private: true},
			set: func(s *Scene) error {
				s.tokensElsewhere()
				return s.realm("http://" + s.Elsewhere.Host() + tokenPath)
			},
		},
	}
}

// keeper makes the other host a blob store for those who show what it wants, and asks the others for it.
func (s *Scene) keeper(shown func(*http.Request) bool, challenge string) error {
	if err := s.store(); err != nil {
		return err
	}
	s.Elsewhere.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !shown(req) {
			w.Header().Set("WWW-Authenticate", challenge)
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "show what you showed the registry")
			return true
		}
		serve(w, "application/octet-stream", s.honest(req))
		return true
	})
	return nil
}

// tokensElsewhere makes the other host a token server whose tokens the registry accepts.
func (s *Scene) tokensElsewhere() {
	s.Elsewhere.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		s.Registry.giveToken(w, req)
		return true
	})
}

// gave reports whether a token was given out here.
func (r *Registry) gave(token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.tokens[token]
	return ok
}
