package registry

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// TestRoundTrips shows what a verification asks for in each layout: a signature and
// three attestations. Each meeting is answered only once all of its requests have
// come, so that the test ends only if they are asked for side by side.
func TestRoundTrips(t *testing.T) {
	probes := func(s *stage) []string {
		tag := fallbackTag(s.image.Digest)
		return []string{at("manifests", tag+".sig"), at("manifests", tag+".att"), at("manifests", tag), at("referrers", s.image.Digest)}
	}
	legacy := func(s *stage) (blobs []string) {
		s.legacy(".sig", typeSimpleSigning, "signature")
		s.legacy(".att", typeEnvelope, "provenance", "sbom", "metadata")
		for _, b := range []string{"signature", "provenance", "sbom", "metadata"} {
			blobs = append(blobs, at("blobs", digestOf([]byte(b))))
		}
		return blobs
	}
	bundles := func(s *stage) (list []descriptor, manifests, blobs []string) {
		for _, b := range []string{"b-sign", "b-prov", "b-sbom", "b-meta"} {
			d := s.bundle(b)
			list = append(list, d)
			manifests = append(manifests, at("manifests", d.Digest))
			blobs = append(blobs, at("blobs", digestOf([]byte(b))))
		}
		return list, manifests, blobs
	}
	legacyPieces := []string{
		"legacy-attestation provenance", "legacy-attestation sbom", "legacy-attestation metadata", "legacy-signature signature",
	}
	bundlePieces := []string{"bundle b-meta", "bundle b-prov", "bundle b-sbom", "bundle b-sign"}

	for name, test := range map[string]struct {
		set      func(s *stage)
		pieces   []string
		requests int // after the ping
		depth    int // after the ping
	}{
		"nothing": {func(s *stage) { s.together(probes(s)...) }, nil, 5, 2},
		"legacy": {func(s *stage) {
			s.together(probes(s)...)
			s.together(legacy(s)...)
		}, legacyPieces, 9, 3},
		"referrers": {func(s *stage) {
			list, manifests, blobs := bundles(s)
			s.lists(list...)
			s.together(probes(s)...)
			s.together(manifests...)
			s.together(blobs...)
		}, bundlePieces, 13, 4},
		"fallback tag": {func(s *stage) {
			list, manifests, blobs := bundles(s)
			s.fallsBack(list...)
			s.together(probes(s)...)
			s.together(manifests...)
			s.together(blobs...)
		}, bundlePieces, 13, 4},
		"fallback tag beside an empty list": {func(s *stage) {
			list, manifests, blobs := bundles(s)
			s.lists()
			s.fallsBack(list...)
			s.together(probes(s)...)
			s.together(manifests...)
			s.together(blobs...)
		}, bundlePieces, 13, 4},
		"listed twice": {func(s *stage) {
			list, _, _ := bundles(s)
			s.lists(list...)
			s.fallsBack(list...)
			s.together(probes(s)...)
		}, bundlePieces, 13, 0},
		"mixed": {func(s *stage) {
			list, manifests, blobs := bundles(s)
			s.lists(list...)
			s.together(probes(s)...)
			s.together(append(manifests, legacy(s)...)...)
			s.together(blobs...)
		}, append(slices.Clone(bundlePieces), legacyPieces...), 17, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			test.set(s)
			b := budget.New(budget.Default(), noWaiting())
			evidence := s.run(Options{Budget: b})
			same(t, "failures", troubles(evidence), nil)
			got := summary(evidence)
			slices.Sort(got[:min(len(got), len(test.pieces))])
			want := slices.Clone(test.pieces)
			slices.Sort(want)
			same(t, "pieces", got, want)
			if n := len(s.asked()); n != 1+test.requests || evidence.Requests != n || b.Requests() != n {
				t.Errorf("got %d requests, counted as %d; want a ping and %d:\n%s", n, evidence.Requests, test.requests, strings.Join(s.asked(), "\n"))
			}
			if got := budget.Depth(b.Records()); test.depth > 0 && got != 1+test.depth {
				t.Errorf("got depth %d, want a ping and %d", got, test.depth)
			}
			if evidence.Bytes != b.Bytes() || evidence.Bytes == 0 {
				t.Errorf("got %d bytes, the budget has %d", evidence.Bytes, b.Bytes())
			}
		})
	}
}

// TestWantDecidesWhatIsAsked shows that nothing is asked for that is not demanded.
func TestWantDecidesWhatIsAsked(t *testing.T) {
	s := newStage(t)
	tag := fallbackTag(s.image.Digest)
	for name, test := range map[string]struct {
		want  verify.Want
		asked []string
	}{
		"nothing":      {verify.Want{}, nil},
		"signatures":   {verify.Want{Signatures: true}, []string{at("manifests", tag+".sig")}},
		"attestations": {verify.Want{Attestations: true}, []string{at("manifests", tag+".att")}},
		"bundles":      {verify.Want{Bundles: true}, []string{at("manifests", tag), at("referrers", s.image.Digest)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			r, ref := s.play(Options{})
			image, err := r.Resolve(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			before := len(s.asked())
			evidence := r.Collect(t.Context(), image, test.want)
			got := s.asked()[before:]
			slices.Sort(got)
			same(t, "asked", got, test.asked)
			if len(evidence.Places) != len(test.asked) || len(evidence.Failures) != 0 {
				t.Errorf("got places %q, failures %v", evidence.Places, evidence.Failures)
			}
		})
	}
}

// TestPieces shows what a piece says of itself, and their order.
func TestPieces(t *testing.T) {
	s := newStage(t)
	// Two signers of one payload: one blob, two layers.
	var bodies []string
	for i := range 11 {
		bodies = append(bodies, fmt.Sprint("payload ", i%10))
	}
	s.legacy(".sig", typeSimpleSigning, bodies...)
	evidence := s.run(Options{})
	same(t, "failures", troubles(evidence), nil)
	if len(evidence.Pieces) != 11 {
		t.Fatalf("got %d pieces, want 11", len(evidence.Pieces))
	}
	for i, p := range evidence.Pieces {
		if want := fmt.Sprintf("/o/n:%s.sig layer %d", fallbackTag(s.image.Digest), i); !strings.HasSuffix(p.Place, want) {
			t.Errorf("piece %d lies at %q, want …%q", i, p.Place, want)
		}
		if p.Digest != digestOf(p.Bytes) || p.MediaType != typeSimpleSigning || p.Annotations["of"] != bodies[i] || string(p.Bytes) != bodies[i] {
			t.Errorf("piece %d is %+v", i, p)
		}
	}
	if len(evidence.Places) != 4 || !slices.IsSorted(evidence.Places) {
		t.Errorf("got places %q", evidence.Places)
	}
}

// TestPieceLimit shows that what is beyond the limit is a failure, not silence.
func TestPieceLimit(t *testing.T) {
	s := newStage(t)
	s.legacy(".sig", typeSimpleSigning, "a", "b", "c")
	s.legacy(".att", typeEnvelope, "d", "e")
	evidence := s.run(Options{Limits: verify.Limits{Pieces: 2}})
	// What is too much in one layout displaces nothing of another.
	same(t, "pieces", summary(evidence), []string{"legacy-attestation d", "legacy-attestation e", "legacy-signature a", "legacy-signature b"})
	same(t, "failures", troubles(evidence), []string{"limit.exceeded definitive"})
	for _, f := range evidence.Failures {
		if !slices.Equal(f.Layouts, []verify.Layout{verify.LegacySignature}) {
			t.Errorf("%v could have been %v", f.Error(), f.Layouts)
		}
	}
}

// TestManifestBomb shows that what a manifest lists is counted before it is parsed.
func TestManifestBomb(t *testing.T) {
	body := []byte(`{"schemaVersion":2,"layers":[` + strings.Repeat("{},", 1<<20) + `{}]}`)
	if _, bad := parseManifest(body); bad == nil || bad.code != verify.LimitExceeded {
		t.Errorf("got %v, want %s", bad, verify.LimitExceeded)
	}
}

// TestPanicIsAFailure shows that a fault while reading leaves what was wanted undecided.
func TestPanicIsAFailure(t *testing.T) {
	c := newCollector("registry.example/o/n", verify.Image{}, verify.Want{Signatures: true, Bundles: true}, verify.DefaultLimits())
	c.spawn(func() { panic("a fault") })
	c.wg.Wait()
	if len(c.failures) != 1 || c.failures[0].Code != verify.InternalPanic ||
		!slices.Equal(c.failures[0].Layouts, wantedLayouts(c.want)) || len(c.failures[0].Layouts) == 0 {
		t.Errorf("got %+v", c.failures)
	}
}

// faulty is a keychain with a fault.
type faulty struct{}

func (faulty) Resolve(authn.Resource) (authn.Authenticator, error) { panic("a fault") }

// TestPanicBeforeTheFirstRequest has the handshake panic, which must not end the process.
func TestPanicBeforeTheFirstRequest(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	r := New(Options{Keychain: faulty{}, Transport: &hosts{}, Budget: budget.New(budget.Default(), noWaiting())})
	image := verify.Image{Reference: reference(t, "registry.example/o/n@"+digest), Digest: digest}
	evidence := r.Collect(t.Context(), image, verify.Want{Signatures: true})
	if len(evidence.Failures) != 1 || evidence.Failures[0].Code != verify.InternalPanic || len(evidence.Failures[0].Layouts) == 0 {
		t.Errorf("found %+v", evidence.Failures)
	}
}
