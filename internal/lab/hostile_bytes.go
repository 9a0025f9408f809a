package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// hostileBytes give other bytes than the manifests promise.
func hostileBytes() []Hostile {
	return []Hostile{
		{
			Name: "blobs-are-others", Shows: "The signature's bytes are of the right length and do not hash to their digest.",
			WantCode: "registry.digest_mismatch", form: LegacyForm,
			set: func(s *Scene) error { s.answerBlobs(s.flipped); return nil },
		},
		{
			Name: "bundles-are-others", Shows: "The bundles are of the right length and do not hash to their digests.",
			WantCode: "registry.digest_mismatch", form: BundleForm,
			set: func(s *Scene) error { s.answerBlobs(s.flipped); return nil },
		},
		{
			Name: "manifests-are-others", Shows: "The manifests of the bundles do not hash to the digests in the list.",
			WantCode: "registry.digest_mismatch", form: BundleForm,
			set: func(s *Scene) error {
				s.answerAll(func(req *http.Request) bool {
					return strings.Contains(req.URL.Path, "/manifests/sha256:")
				}, s.flipped)
				return nil
			},
		},
	}
}

// hostileSizes give other lengths than they promise, or names that are none.
func hostileSizes() []Hostile {
	return []Hostile{
		{
			Name: "layer-size-lies", Shows: "The signature's manifest says that its layers are a byte longer than they are.",
			WantCode: "registry.size_mismatch", form: LegacyForm,
			set: func(s *Scene) error {
				return s.rewrite(s.sigPath(), func(m *v1.Manifest) { m.Layers[0].Size++ })
			},
		},
		{
			Name: "layer-size-lies-short", Shows: "The signature's manifest says that its layers end before they do.",
			WantCode: "registry.size_mismatch", form: LegacyForm,
			set: func(s *Scene) error {
				return s.rewrite(s.sigPath(), func(m *v1.Manifest) { m.Layers[0].Size-- })
			},
		},
		{
			Name: "list-size-lies", Shows: "The list of referrers gives a wrong size for each manifest, which hides nothing.",
			form: BundleForm,
			set: func(s *Scene) error {
				return s.rewriteList(func(list *v1.IndexManifest) {
					for i := range list.Manifests {
						list.Manifests[i].Size++
					}
				})
			},
		},
		{
			Name: "body-ends-early", Shows: "The connection is cut in the middle of the signature's manifest.",
			WantCode: "registry.truncated", form: LegacyForm,
			set: func(s *Scene) error {
				s.answer(s.sigPath(), func(w http.ResponseWriter, req *http.Request) {
					body := s.honest(req)
					serve(w, string(types.OCIManifestSchema1), body[:len(body)/2])
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				})
				return nil
			},
		},
		{
			Name: "layer-digest-is-a-path", Class: 32, Shows: "The signature's manifest names its layer by a digest with ../ in it.",
			Advisory: "CVE-2024-3727", WantCode: "registry.malformed", form: LegacyForm,
			set: func(s *Scene) error {
				return s.rewriteRaw(s.sigPath(), `"digest":"sha256:`, `"digest":"sha256:../../../../`)
			},
		},
		{
			Name: "list-digest-is-a-path", Class: 32, Shows: "The list of referrers names manifests by digests with ../ in them.",
			Advisory: "CVE-2024-3727", WantCode: "registry.malformed", form: BundleForm,
			set: func(s *Scene) error {
				return s.rewriteRaw(s.listPath(), `"digest":"sha256:`, `"digest":"sha256:../../evil/manifests/`)
			},
		},
	}
}

// flipped serves the right bytes with the last one changed.
func (s *Scene) flipped(w http.ResponseWriter, req *http.Request) {
	body := bytes.Clone(s.honest(req))
	if len(body) > 0 {
		body[len(body)-1] ^= 1
	}
	serve(w, "application/octet-stream", body)
}

// rewrite serves a manifest after a change to it.
func (s *Scene) rewrite(path string, change func(*v1.Manifest)) error {
	_, body := s.Registry.ask(path)
	var m v1.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("read manifest %s: %w", path, err)
	}
	change(&m)
	s.answer(path, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, string(types.OCIManifestSchema1), m) })
	return nil
}

// rewriteList serves the list of referrers after a change to it.
func (s *Scene) rewriteList(change func(*v1.IndexManifest)) error {
	list, err := s.list()
	if err != nil {
		return err
	}
	change(&list)
	s.answer(s.listPath(), func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, string(types.OCIImageIndex), list) })
	return nil
}

// rewriteRaw serves what lies at a path with a text replaced wherever it stands.
func (s *Scene) rewriteRaw(path, old, with string) error {
	_, body := s.Registry.ask(path)
	changed := strings.ReplaceAll(string(body), old, with)
	if changed == string(body) {
		return fmt.Errorf("change %s: %q does not occur in it", path, old)
	}
	s.answer(path, func(w http.ResponseWriter, _ *http.Request) { serve(w, "application/json", []byte(changed)) })
	return nil
}

// list returns the honest list of referrers.
func (s *Scene) list() (v1.IndexManifest, error) {
	var list v1.IndexManifest
	_, body := s.Registry.ask(s.listPath())
	if err := json.Unmarshal(body, &list); err != nil {
		return list, fmt.Errorf("read list of referrers: %w", err)
	}
	return list, nil
}
