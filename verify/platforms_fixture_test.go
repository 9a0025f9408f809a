package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// platformStage is the lab in which indexes are signed.
var platformStage = sync.OnceValue(func() *stage { return newStage(lab.Options{}) })

// shelf is a registry of one repository.
type shelf struct {
	*stage
	registry *lab.Registry
	// repository is "host:port/acme/widget".
	repository string
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{stage: platformStage(), registry: lab.NewRegistry(lab.RegistryOptions{})}
	if err := s.registry.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.registry.Close() })
	s.repository = s.registry.Host() + "/" + lab.DefaultRepo
	return s
}

// signature is a good signature over a digest, or one by another workflow.
func (s *shelf) signature(digest string, id lab.Identity) lab.Referrer {
	return lab.BundleReferrer(must(s.issue(id).Bundle(must(lab.SignStatement(s.repository, digest)), soon)))
}

// provenanceOf is good provenance of a digest.
func (s *shelf) provenanceOf(digest string) lab.Referrer {
	statement := must(lab.ProvenanceV02(lab.ProvenanceOptions{Subjects: lab.Subjects(s.repository, digest)}))
	return lab.BundleReferrer(must(s.issue(generator()).Bundle(statement, soon)))
}

// push publishes an image under 1.2.3, and signs the digests.
func (s *shelf) push(t *testing.T, img *lab.Image, signed ...string) {
	t.Helper()
	below := map[string][]lab.Referrer{}
	for _, digest := range signed {
		below[digest] = append(below[digest], s.signature(digest, workflow()))
	}
	s.publish(t, "1.2.3", img, below)
}

func (s *shelf) publish(t *testing.T, tag string, img *lab.Image, referrers map[string][]lab.Referrer) {
	t.Helper()
	p := lab.Publication{Tag: tag, Image: img, Below: map[v1.Hash]lab.Evidence{}}
	for digest, list := range referrers {
		if digest == img.Digest() {
			p.Referrers = list
			continue
		}
		p.Below[must(v1.NewHash(digest))] = lab.Evidence{Referrers: list}
	}
	if err := lab.Push(t.Context(), must(s.registry.Repository(lab.DefaultRepo)), p, s.registry.Direct()); err != nil {
		t.Fatal(err)
	}
	s.registry.ResetRequests()
}

// demanding is a policy that wants a signature there.
func (s *shelf) demanding(t testing.TB, on policy.On, lines ...string) *policy.Policy {
	t.Helper()
	lines = append([]string{"source: " + sourceYAML, signatureYAML}, lines...)
	p, err := policy.Parse("test.yaml", []byte(strings.ReplaceAll(policyText(lines...), imageName, s.repository)))
	if err != nil {
		t.Fatal(err)
	}
	p.Rules[0].Signature.On, p.Rules[0].Consistency = on, nil
	return p
}

// ask verifies an image, by digest where one is given, and holds that the same evidence
// judged again gives the same decision.
func (s *shelf) ask(t *testing.T, p *policy.Policy, digest string, change ...func(*verify.Options)) verify.Verdict {
	t.Helper()
	ref := s.repository + ":1.2.3"
	if digest != "" {
		ref += "@" + digest
	}
	o := options()
	for _, c := range change {
		c(&o)
	}
	from := &recording{Source: registry.New(registry.Options{})}
	v := verify.Verify(t.Context(), from, reference(t, ref), p, s.trust(p), o)
	for range 2 {
		if again := verify.Verify(t.Context(), from.replay(), reference(t, ref), p, s.trust(p), o); !bytes.Equal(decision(t, v), decision(t, again)) {
			t.Errorf("judged again, the decision differs:\n%s\n%s", decision(t, v), decision(t, again))
		}
	}
	twice := map[string]int{}
	for _, r := range s.registry.Requests() {
		if twice[r.Path]++; twice[r.Path] > 1 && !r.Handshake() {
			t.Errorf("%s was asked for %d times", r.Path, twice[r.Path])
		}
	}
	return v
}

// paths are what the registry was asked for, without the handshake.
func (s *shelf) paths() []string {
	var paths []string
	for _, r := range s.registry.Requests() {
		if !r.Handshake() {
			paths = append(paths, strings.TrimPrefix(r.Path, "/v2/"+lab.DefaultRepo+"/"))
		}
	}
	slices.Sort(paths)
	return paths
}

// recording is a source that remembers its answers.
type recording struct {
	verify.Source
	mu       sync.Mutex
	resolved map[string]verify.Image
	failed   map[string]error
	evidence map[string]verify.Evidence
	replayed bool
}

func (r *recording) replay() *recording {
	return &recording{resolved: maps.Clone(r.resolved), failed: maps.Clone(r.failed), evidence: maps.Clone(r.evidence), replayed: true}
}

// Resolve implements verify.Source.
func (r *recording) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replayed {
		return r.resolved[ref.String()], r.failed[ref.String()]
	}
	if r.resolved == nil {
		r.resolved, r.failed = map[string]verify.Image{}, map[string]error{}
	}
	image, err := r.Source.Resolve(ctx, ref)
	r.resolved[ref.String()], r.failed[ref.String()] = image, err
	return image, err
}

// Collect implements verify.Source.
func (r *recording) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	if r.replayed {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.evidence[image.Digest]
	}
	e := r.Source.Collect(ctx, image, want)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.evidence == nil {
		r.evidence = map[string]verify.Evidence{}
	}
	r.evidence[image.Digest] = e
	return e
}

// matrixOf writes the matrix of a verdict, a line for each manifest.
func matrixOf(v verify.Verdict) string {
	var lines []string
	for _, f := range v.Checks {
		if f.Platforms == nil {
			continue
		}
		for _, c := range f.Platforms.Children {
			line := c.Platform + " " + c.Role
			for _, check := range slices.Sorted(maps.Keys(c.Evidence)) {
				line += fmt.Sprintf(" %s=%s", check, c.Evidence[check])
			}
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines, "\n")
}

func wantMatrix(t testing.TB, v verify.Verdict, lines ...string) {
	t.Helper()
	if found := matrixOf(v); found != strings.Join(lines, "\n") {
		t.Errorf("found the matrix\n%s\nwanted\n%s", found, strings.Join(lines, "\n"))
	}
}

// wantError fails the test unless a check is undecided with the code, and the verdict with it.
func wantError(t testing.TB, v verify.Verdict, check string, code verify.Code) {
	t.Helper()
	f := finding(t, v, check)
	if v.Passed() || v.Conclusive || f.Result != verify.Errored || f.Code != code {
		t.Errorf("wanted %s undecided with %s; found pass=%v conclusive=%v %s", check, code, v.Passed(), v.Conclusive, decision(t, v))
	}
}
