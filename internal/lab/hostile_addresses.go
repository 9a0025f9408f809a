package lab

import (
	"net/http"
	"strings"
)

// hostileAddresses send clients to addresses at which nobody keeps a registry. At 0.0.0.0, which connects to this
// machine, lies what would let the release pass, so that a verifier which goes there passes it.
func hostileAddresses() []Hostile {
	here := func(s *Scene) string {
		_, port, _ := strings.Cut(s.Elsewhere.Host(), ":")
		return "http://0.0.0.0:" + port
	}
	return []Hostile{
		{
			Name: "redirect-unspecified", Shows: "The signature's manifest is redirected to 0.0.0.0, which is this machine by another name.",
			WantCode: insecure, form: LegacyForm,
			set: func(s *Scene) error {
				s.mirror()
				s.answer(s.sigPath(), func(w http.ResponseWriter, req *http.Request) { redirectTo(here(s)+req.URL.Path)(w, req) })
				return nil
			},
		},
		{
			Name: "blobs-unspecified", Shows: "All blobs are redirected to 0.0.0.0, which is this machine by another name.",
			WantCode: insecure,
			set: func(s *Scene) error {
				s.mirror()
				s.answerBlobs(func(w http.ResponseWriter, req *http.Request) { redirectTo(here(s)+req.URL.Path)(w, req) })
				return nil
			},
		},
		{
			Name: "realm-unspecified", Shows: "The token server is at 0.0.0.0, where a service of this machine gives real tokens.",
			WantCode: insecure, behaviour: Behaviour{Auth: TokenAuth, Private: true},
			set: func(s *Scene) error {
				s.tokensElsewhere()
				return s.realm(here(s) + tokenPath)
			},
		},
		{
			Name: "blobs-link-local", Shows: "All blobs are redirected to where the cloud tells this machine its secrets.",
			WantCode: insecure,
			set: func(s *Scene) error {
				s.answerBlobs(redirectTo("http://" + metadataHost + "/latest/meta-data/iam/"))
				return nil
			},
		},
	}
}

// mirror makes the other host answer as the registry would.
func (s *Scene) mirror() {
	s.Elsewhere.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		serve(w, "application/octet-stream", s.honest(req))
		return true
	})
}
