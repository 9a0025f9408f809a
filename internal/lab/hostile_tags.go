package lab

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// hostileTags answer the same question with different images.
func hostileTags() []Hostile {
	return []Hostile{
		{
			Name: "tag-moves", Shows: "The tag is the good release when first asked for, and an unsigned image ever after.",
			Advisory: "CVE-2023-47630",
			set: func(s *Scene) error {
				return s.tagTurns(s.Release.Image, func(n int64, _ *http.Request) bool { return n > 1 })
			},
		},
		{
			Name: "tag-moves-back", Shows: "The tag is an unsigned image when first asked for, and the good release ever after.",
			Advisory: "CVE-2023-47630", WantCode: "signature.missing", Refused: true,
			set: func(s *Scene) error {
				return s.tagTurns(s.evil, func(n int64, _ *http.Request) bool { return n == 1 })
			},
		},
		{
			Name: "head-differs", Shows: "HEAD names an unsigned image, GET gives the good release.",
			set: func(s *Scene) error {
				return s.tagTurns(s.Release.Image, func(_ int64, req *http.Request) bool { return req.Method == http.MethodHead })
			},
		},
		{
			Name: "get-differs", Shows: "HEAD names the good release, GET gives an unsigned image.",
			WantCode: "signature.missing", Refused: true,
			set: func(s *Scene) error {
				return s.tagTurns(s.evil, func(_ int64, req *http.Request) bool { return req.Method != http.MethodHead })
			},
		},
	}
}

// hostileHeaders answer by who asks, or say in a header what the bytes are not.
func hostileHeaders() []Hostile {
	return []Hostile{
		{
			Name: "user-agent-differs", Shows: "Container runtimes get an unsigned image, everybody else the good release.",
			set: func(s *Scene) error {
				return s.tagTurns(s.Release.Image, func(_ int64, req *http.Request) bool {
					agent := req.UserAgent()
					return strings.HasPrefix(agent, "containerd/") || strings.HasPrefix(agent, "docker/") || strings.HasPrefix(agent, "cri-o/")
				})
			},
		},
		{
			Name: "accept-differs", Shows: "Who accepts an OCI index gets the good release, everybody else an unsigned image.",
			set: func(s *Scene) error {
				return s.tagTurns(s.Release.Image, func(_ int64, req *http.Request) bool {
					return !strings.Contains(strings.Join(req.Header.Values("Accept"), ","), string(types.OCIImageIndex))
				})
			},
		},
		{
			Name: "false-digest-header", Shows: "The tag is an unsigned image, served under the good release's Docker-Content-Digest.",
			Advisory: "CVE-2022-47633", WantCode: "signature.missing", Refused: true,
			set: func(s *Scene) error {
				s.Pinned = s.evil.Digest()
				s.serveEvil(s.tagPath())
				return nil
			},
		},
		{
			Name: "digest-is-another", Class: 28, Shows: "Asked for the good release by digest, the registry gives an unsigned image under that digest's header.",
			WantCode: "registry.digest_mismatch",
			set: func(s *Scene) error {
				s.Reference = s.Release.Repository + "@" + s.Release.Image.Digest()
				s.Pinned = ""
				s.serveEvil(s.manifests(s.Release.Image.Digest()))
				return nil
			},
		},
	}
}

// tagTurns serves the evil image under the tag for those requests, counted from 1, that are chosen. What a verifier
// gets, and must pin, is judged.
func (s *Scene) tagTurns(judged *Image, chosen func(n int64, req *http.Request) bool) error {
	s.Pinned = judged.Digest()
	var n atomic.Int64
	evil, tag := s.manifests(s.evil.Digest()), s.tagPath()
	s.Registry.SetIntercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path == tag && chosen(n.Add(1), req) {
			req.URL.Path = evil
		}
		return false
	})
	return nil
}

// serveEvil answers for a path with the evil image and says that it is the release.
func (s *Scene) serveEvil(path string) {
	_, body := s.Registry.ask(s.manifests(s.evil.Digest()))
	s.answer(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Docker-Content-Digest", s.Release.Image.Digest())
		serve(w, string(types.OCIImageIndex), body)
	})
}
