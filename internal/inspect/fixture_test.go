package inspect

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/verify"
)

const repository = "registry.example/acme/widget"

// then is when the lab makes evidence; soon is when its logs see it.
var (
	then = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	soon = then.Add(time.Minute)
)

// must is for what the tests make themselves, which cannot go wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wire carries requests to a handler without a socket.
type wire struct{ handler http.Handler }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	response := rec.Result()
	response.Request = r
	return response, nil
}

// anonymous is a keychain without keys: tests must not read the developer's.
type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// shop is a lab and a registry in memory.
type shop struct {
	*lab.Sigstore
	wire wire
}

func newShop(t testing.TB) shop {
	t.Helper()
	return shop{
		Sigstore: must(lab.NewSigstore(lab.Options{Now: then, Name: "lab"})),
		wire:     wire{lab.NewRegistry(lab.RegistryOptions{Clock: func() time.Time { return then }})},
	}
}

func (s shop) options() lab.ReleaseOptions { return lab.ReleaseOptions{Repository: repository} }

func (s shop) push(t testing.TB, p lab.Publication) {
	t.Helper()
	if err := lab.Push(context.Background(), must(name.NewRepository(repository)), p, remote.WithTransport(s.wire)); err != nil {
		t.Fatal(err)
	}
}

func (s shop) source() verify.Source {
	return registry.New(registry.Options{Keychain: anonymous{}, Transport: s.wire})
}

func (s shop) look(reference string, o Options) Tree {
	if o.Limits == (verify.Limits{}) {
		o.Limits = verify.DefaultLimits()
	}
	return Look(context.Background(), s.source(), must(verify.ParseReference(reference)), o)
}

// release is one with all its evidence on the image.
func (s shop) release(t testing.TB, change func(*lab.ReleaseOptions)) *lab.Release {
	t.Helper()
	o := s.options()
	if change != nil {
		change(&o)
	}
	return must(lab.GoodRelease(s.Sigstore, o))
}

// buildKitIndex is an index as docker buildx pushes it: an image for each platform,
// and beside the first one a manifest of attestations about it.
func buildKitIndex(platforms ...v1.Platform) *lab.Image {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for i, p := range platforms {
		img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
		img = must(mutate.ConfigFile(img, &v1.ConfigFile{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}))
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &p}})
		if i > 0 {
			continue
		}
		statement := must(lab.ProvenanceGitHub(lab.ProvenanceOptions{
			Subjects: lab.Subjects("pkg:docker/acme/widget", must(img.Digest()).String()), BuilderID: "https://builder.example/run/1",
		}))
		attestations := must(mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{OS: "unknown", Architecture: "unknown"}))
		attestations = must(mutate.AppendLayers(attestations, static.NewLayer(statement, lab.InTotoPayloadType)))
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: attestations, Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{annotationType: "attestation-manifest", annotationDigest: must(img.Digest()).String()},
		}})
	}
	return must(lab.IndexOf(index))
}

// memory is a Source of fixed answers.
type memory struct {
	image    verify.Image
	failure  error
	evidence map[string]verify.Evidence
}

func (m memory) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	m.image.Reference = ref
	return m.image, m.failure
}

func (m memory) Collect(_ context.Context, image verify.Image, _ verify.Want) verify.Evidence {
	return m.evidence[image.Digest]
}

func digest(c byte) string {
	b := make([]byte, 64)
	for i := range b {
		b[i] = c
	}
	return "sha256:" + string(b)
}

// indexOf is an index over entries that exist nowhere.
func indexOf(entries ...map[string]any) verify.Image {
	return verify.Image{
		Digest: digest('0'), MediaType: string(types.OCIImageIndex),
		Manifest: must(json.Marshal(map[string]any{"schemaVersion": 2, "manifests": entries})),
	}
}
