package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// hostileLists hide the evidence in a list of referrers.
func hostileLists() []Hostile {
	const scan = "application/vnd.example.scan.v1+json"
	return []Hostile{
		{
			Name: "referrers-100000", Shows: "The image has 100,000 referrers that claim to be bundles, over a hundred pages, before the good ones.",
			Advisory: "CVE-2024-29903", WantCode: "limit.exceeded", form: BundleForm,
			set: func(s *Scene) error { return s.bury(100_000, 1000, BundleMediaType) },
		},
		{
			Name: "junk-5000", Shows: "The list of referrers has 5,000 scan results before the good bundles.",
			Advisory: "CVE-2024-29903", form: BundleForm,
			set: func(s *Scene) error { return s.bury(5000, 0, scan) },
		},
		{
			Name: "junk-5000-disguised", Shows: "The list of referrers has 5,000 entries that claim to be bundles before the good ones.",
			Advisory: "CVE-2024-29903", WantCode: "limit.exceeded", form: BundleForm,
			set: func(s *Scene) error { return s.bury(5000, 0, BundleMediaType) },
		},
		{
			Name: "junk-5000-beside", Shows: "The list of referrers has 5,000 disguised entries, and the release is signed in the legacy layout.",
			Advisory: "CVE-2024-29903", form: LegacyForm,
			set: func(s *Scene) error { return s.bury(5000, 0, BundleMediaType) },
		},
		{
			Name: "big-bundle", Shows: "Beside the good release lies a bill of materials of 30 MB, signed by a stranger.",
			Advisory: "CVE-2024-29902", publish: bigStatement,
		},
	}
}

// hostileLinks lead from page to page of a list.
func hostileLinks() []Hostile {
	return []Hostile{
		{
			Name: "link-loop", Shows: "The pages of an empty list of referrers lead back to the first.",
			WantCode: "registry.redirect_loop", form: BundleForm,
			set: func(s *Scene) error { s.answer(s.listPath(), s.pages(func(n int) int { return 1 - n })); return nil },
		},
		{
			Name: "link-endless", Shows: "Each empty page of the list of referrers leads to a new one.",
			WantCode: "registry.redirect_loop", form: BundleForm,
			set: func(s *Scene) error { s.answer(s.listPath(), s.pages(func(n int) int { return n + 1 })); return nil },
		},
		{
			Name: "link-elsewhere", Class: 32, Shows: "The second page of the list of referrers lies at another host.",
			WantCode: "registry.insecure", form: BundleForm,
			set: func(s *Scene) error {
				s.answer(s.listPath(), func(w http.ResponseWriter, req *http.Request) {
					w.Header().Set("Link", "<http://"+s.Elsewhere.Host()+req.URL.Path+`>; rel="next"`)
					serve(w, string(types.OCIImageIndex), []byte(emptyIndex))
				})
				return nil
			},
		},
	}
}

const emptyIndex = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`

// pages serves pages without entries. To page n follows next(n); the first is 0.
func (s *Scene) pages(next func(int) int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.URL.Query().Get("page")) // 0 for the first
		w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, req.URL.Path, next(n)))
		serve(w, string(types.OCIImageIndex), []byte(emptyIndex))
	}
}

// bigStatement adds an attestation by a stranger that is nearly as large as the largest that are read.
func bigStatement(ctx context.Context, s *Scene) error {
	other := *s.Release
	other.Evidence, other.form = Evidence{}, BundleForm
	const component = `{"name":"x"},`
	predicate := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + strings.Repeat(component, 22<<20/len(component)) + `{}]}`
	statement, err := Statement(StatementV1, CycloneDXPredicateType, Subjects(other.Repository, other.Image.Digest()), json.RawMessage(predicate))
	if err != nil {
		return err
	}
	if err := other.Attest(s.sigstore, GitHub("evil/widget", other.Ref, commitOf("evil"), DefaultWorkflow), statement); err != nil {
		return err
	}
	repo, err := s.repository()
	if err != nil {
		return err
	}
	return PushEvidence(ctx, repo, other.Image.Descriptor(), other.Evidence, s.Registry.Direct())
}

// junk are referrers that exist, and that say nothing.
type junk struct {
	// head and tail are what stands in a manifest around the digest of its layer.
	head, tail string
	// manifests and layers find the number of a digest.
	manifests, layers map[string]int
	// list are the junk and the good ones after it.
	list v1.IndexManifest
}

// bury lists so many junk referrers under an artifact type, and then the good ones. Readers who sort by digest meet
// the junk first all the same. Its manifests are made when somebody asks.
func (s *Scene) bury(n, pageSize int, artifactType string) error {
	good, err := s.list()
	if err != nil {
		return err
	}
	if s.junk == nil {
		s.junk = newJunk(s.Release.Image.Descriptor(), n, artifactType, good)
	}
	path, j := s.listPath(), s.junk
	s.Registry.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != path {
			return j.serve(w, req)
		}
		shown := j.list
		if pageSize > 0 {
			shown.Manifests = page(w, req, shown.Manifests, pageSize)
		}
		writeJSON(w, string(types.OCIImageIndex), shown)
		return true
	})
	return nil
}

// before is how many of the junk have digests that come before all good ones, more than anybody reads in that order.
const before = 1200

func newJunk(subject v1.Descriptor, n int, artifactType string, good v1.IndexManifest) *junk {
	j := &junk{manifests: map[string]int{}, layers: map[string]int{}, list: good}
	j.head = fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"config":{"mediaType":%q,"digest":"sha256:%s","size":2},`+
		`"layers":[{"mediaType":%q,"digest":"sha256:`, types.OCIManifestSchema1, BundleMediaType, emptyConfigMediaType, hexDigest("{}"), BundleMediaType)
	j.tail = fmt.Sprintf(`","size":%d}],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
		len(layerOfJunk(0)), subject.MediaType, subject.Digest, subject.Size)
	first := ""
	for i := range good.Manifests {
		good.Manifests[i].ArtifactType = BundleMediaType
		if d := good.Manifests[i].Digest.String(); first == "" || d < first {
			first = d
		}
	}
	j.list.Manifests = make([]v1.Descriptor, 0, n+len(good.Manifests))
	for i := 0; len(j.list.Manifests) < n; i++ {
		layer := hexDigest(string(layerOfJunk(i)))
		raw := j.manifest(layer)
		d := v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Size: int64(len(raw)), ArtifactType: artifactType,
			Digest: v1.Hash{Algorithm: "sha256", Hex: hexDigest(raw)},
		}
		if first != "" && len(j.list.Manifests) < before && d.Digest.String() > first {
			continue
		}
		j.manifests[d.Digest.Hex], j.layers[layer] = i, i
		j.list.Manifests = append(j.list.Manifests, d)
	}
	slices.SortFunc(j.list.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.Hex, b.Digest.Hex) })
	j.list.Manifests = append(j.list.Manifests, good.Manifests...)
	return j
}

// layerOfJunk is always of the same length.
func layerOfJunk(i int) []byte {
	return fmt.Appendf(nil, `{"mediaType":%q,"junk":"%08d%s"}`, BundleMediaType, i, strings.Repeat("j", 256))
}

// manifest is about a layer by its digest in hexadecimal.
func (j *junk) manifest(layer string) string { return j.head + layer + j.tail }

// serve answers for the manifests and layers of the junk.
func (j *junk) serve(w http.ResponseWriter, req *http.Request) bool {
	_, digest, ok := strings.Cut(req.URL.Path, "sha256:")
	if !ok {
		return false
	}
	if i, ok := j.manifests[digest]; ok {
		serve(w, string(types.OCIManifestSchema1), []byte(j.manifest(hexDigest(string(layerOfJunk(i))))))
		return true
	}
	if i, ok := j.layers[digest]; ok {
		serve(w, "application/octet-stream", layerOfJunk(i))
		return true
	}
	return false
}
