package lab

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// loginPage is what a network answers to those who have not paid yet, and a proxy to those it does not know.
const loginPage = "<!DOCTYPE html>\n<html><title>Sign in</title><body>Sign in to go on.</body></html>\n"

// hostilePages answer with what is no manifest, in the manner of one.
func hostilePages() []Hostile {
	const malformed = "registry.malformed"
	tag := func(h http.HandlerFunc) func(*Scene) error {
		return func(s *Scene) error { s.Pinned = ""; s.answer(s.tagPath(), h); return nil }
	}
	return []Hostile{
		{
			Name: "login-page", Shows: "Every question is answered with 200 and a page to sign in, as by a network at a hotel.",
			WantCode: malformed,
			set: func(s *Scene) error {
				s.Pinned = ""
				s.answerAll(func(*http.Request) bool { return true }, page200)
				return nil
			},
		},
		{
			Name: "tag-is-empty", Shows: "The tag is answered with 200 and nothing.",
			WantCode: malformed,
			set:      tag(func(w http.ResponseWriter, _ *http.Request) { serve(w, string(types.OCIImageIndex), nil) }),
		},
		{
			Name: "tag-not-modified", Shows: "The tag is answered with 304, as if the verifier had said that it knows it.",
			WantCode: "registry.server_error",
			set:      tag(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }),
		},
		{
			Name: "tag-in-part", Shows: "The tag is answered with 206 and the first half of the manifest.",
			WantCode: "registry.server_error",
			set: func(s *Scene) error {
				s.Pinned = ""
				s.answer(s.tagPath(), s.half)
				return nil
			},
		},
		{
			Name: "tag-is-two-things", Shows: "The tag is an index and an image in one document, for each client what it looks for.",
			Advisory: "CVE-2021-41190", WantCode: malformed,
			set: func(s *Scene) error { s.Pinned = ""; return s.twoThings() },
		},
	}
}

func page200(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(loginPage)) // the client may have gone
}

// half sends the first half and says so.
func (s *Scene) half(w http.ResponseWriter, req *http.Request) {
	body := s.honest(req)
	n := len(body) / 2
	w.Header().Set("Content-Type", string(types.OCIImageIndex))
	w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", n-1, len(body)))
	w.Header().Set("Content-Length", strconv.Itoa(n))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(body[:n]) // the client may have gone
}

// twoThings adds a config and layers of the unsigned image to the release's index.
func (s *Scene) twoThings() error {
	path := s.manifests(s.Release.Image.Digest())
	_, index := s.Registry.ask(path)
	_, evil := s.Registry.ask(s.manifests(s.evil.Children()[0].Digest.String()))
	if len(index) < 2 || len(evil) < 2 {
		return fmt.Errorf("join manifests: found nothing at %s", path)
	}
	both := append(index[:len(index)-1:len(index)-1], ',')
	both = append(both, evil[1:]...)
	s.answer(s.tagPath(), func(w http.ResponseWriter, _ *http.Request) { serve(w, string(types.OCIImageIndex), both) })
	return nil
}
