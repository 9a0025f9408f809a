package lab

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tenGB is the length of a layer that nobody should read.
const tenGB = 10 << 30

// hostileBodies have no end, or more of it than was asked for.
func hostileBodies() []Hostile {
	return []Hostile{
		{
			Name: "layer-of-10-gb", Shows: "The signature's manifest names a layer of 10 GB, and it is sent to whoever asks.",
			Advisory: "CVE-2024-29902", WantCode: "limit.exceeded", form: LegacyForm,
			set: func(s *Scene) error {
				err := s.rewrite(s.sigPath(), func(m *v1.Manifest) { m.Layers[0].Size = tenGB })
				return s.also(err, "/blobs/", s.endless)
			},
		},
		{
			Name: "endless-blobs", Shows: "Every blob goes on and on after the length that its manifest promises.",
			Advisory: "CVE-2023-46737", WantCode: "registry.size_mismatch",
			set: func(s *Scene) error { s.answerBlobs(s.endless); return nil },
		},
		{
			Name: "endless-manifest", Shows: "The signature's manifest never ends.",
			Advisory: "CVE-2023-46737", WantCode: "limit.exceeded", form: LegacyForm,
			set: func(s *Scene) error { s.answer(s.sigPath(), s.endless); return nil },
		},
		{
			Name: "endless-list", Shows: "The list of referrers is one page that never ends.",
			Advisory: "CVE-2023-46737", WantCode: "limit.exceeded", form: BundleForm,
			set: func(s *Scene) error { s.answer(s.listPath(), s.endless); return nil },
		},
		{
			Name: "endless-tag", Shows: "The image's own manifest never ends.",
			Advisory: "CVE-2023-46737", WantCode: "limit.exceeded",
			set: func(s *Scene) error { s.Pinned = ""; s.answer(s.tagPath(), s.endless); return nil },
		},
		{
			Name: "drip", Shows: "The attestations come at one byte a second.", Slow: true,
			WantCode: "registry.timeout", WantCheck: "provenance", form: LegacyForm,
			set: func(s *Scene) error { s.answer(s.attPath(), s.drip); return nil },
		},
		{
			Name: "drip-tag", Shows: "The image's own manifest comes at one byte a second.", Slow: true,
			WantCode: "registry.timeout",
			set:      func(s *Scene) error { s.Pinned = ""; s.answer(s.tagPath(), s.drip); return nil },
		},
		{
			Name: "gzip-bomb", Shows: "A few kilobytes are sent, compressed although that was refused, that unfold to 10 GB.",
			WantCode: "registry.malformed", form: BundleForm,
			set: func(s *Scene) error { s.answer(s.listPath(), gzipBomb()); return nil },
		},
		{
			Name: "gzip-bomb-blobs", Shows: "Every blob is a gzip bomb.",
			WantCode: "registry.malformed",
			set:      func(s *Scene) error { s.answerBlobs(gzipBomb()); return nil },
		},
	}
}

// also puts a further handler, for paths that contain a text, before the one that is set.
func (s *Scene) also(err error, part string, h http.HandlerFunc) error {
	if err != nil {
		return err
	}
	first := s.Registry.hook()
	s.Registry.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, part) {
			return first(w, req)
		}
		h(w, req)
		return true
	})
	return nil
}

// endless sends JSON that is never complete, at first what it should be.
func (s *Scene) endless(w http.ResponseWriter, req *http.Request) {
	serve(w, string(types.OCIImageIndex), s.honest(req))
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for sent := 0; sent < tenGB; sent += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// drip sends what it should at one byte a second.
func (s *Scene) drip(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", string(types.OCIImageIndex))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for _, b := range s.honest(req) {
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-s.stop:
			return
		case <-req.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// silence never answers.
func (s *Scene) silence(_ http.ResponseWriter, req *http.Request) {
	select {
	case <-s.stop:
	case <-req.Context().Done():
	}
}

// gzipBomb sends the same compressed megabytes again and again: a gzip file may have many members.
func gzipBomb() http.HandlerFunc {
	const member = 16 << 20
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is a valid one
	_, _ = z.Write(bytes.Repeat([]byte(" "), member))       // to memory
	_ = z.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", string(types.OCIImageIndex))
		w.Header().Set("Content-Encoding", "gzip")
		for sent := 0; sent < tenGB; sent += member {
			if _, err := w.Write(buf.Bytes()); err != nil {
				return
			}
		}
	}
}
