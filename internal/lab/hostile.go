package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
)

// Hostile is one way in which a registry attacks those who verify what it holds. Behind each lies a good release,
// which passes from an honest registry.
type Hostile struct {
	// Name is short and unique.
	Name string
	// Shows says in one sentence what the registry does.
	Shows string
	// Class is the number in the catalogue of attacks.
	Class int
	// Advisory names a published weakness of this kind; empty when there is none to name.
	Advisory string
	// WantCode is why the first demanded check must not pass. It is empty where the verifier has to see through it
	// all and pass the release, pinned to the bytes that it judged.
	WantCode string
	// WantCheck is the check that finds the code in a rule which demands signature and provenance.
	WantCheck string
	// Refused tells a denial from what cannot be decided: the verdict is conclusive.
	Refused bool
	// Slow says that the registry keeps its clients waiting until they give up.
	Slow bool

	form      Form
	behaviour Behaviour
	set       func(*Scene) error
	// publish changes what is in the registry, before set.
	publish func(context.Context, *Scene) error
}

// Hostiles lists all of them. A name does not change its meaning.
func Hostiles() []Hostile {
	var out []Hostile
	for _, group := range []struct {
		class int
		list  []Hostile
	}{
		{27, slices.Concat(hostileTags(), hostileHeaders())},
		{28, slices.Concat(hostileBytes(), hostileSizes(), hostilePages())},
		{29, slices.Concat(hostileBodies(), hostileLists(), hostileLinks(), hostileFloods())},
		{30, hostileDowngrades()},
		{31, hostileFallbacks()},
		{32, slices.Concat(hostileRealms(), hostileRedirects(), hostileStores())},
		{33, hostileAddresses()},
	} {
		for _, h := range group.list {
			h.Class = cmp.Or(h.Class, group.class)
			if h.WantCode != "" {
				h.WantCheck = cmp.Or(h.WantCheck, "signature")
			}
			out = append(out, h)
		}
	}
	return out
}

// HostileNamed finds one.
func HostileNamed(name string) (Hostile, bool) {
	for _, h := range Hostiles() {
		if h.Name == name {
			return h, true
		}
	}
	return Hostile{}, false
}

// Scene is a hostile registry at work.
type Scene struct {
	Hostile
	// Registry is the hostile one, and Elsewhere another host that must never get the credentials of the first.
	Registry, Elsewhere *Registry
	// Release is the good release.
	Release *Release
	// Reference is what a user would ask to verify, and Pinned the digest that the verdict must be about: empty where
	// no image can be had.
	Reference, Pinned string

	sigstore *Sigstore
	evil     *Image
	junk     *junk
	// stop ends the answers that have no end of their own.
	stop    chan struct{}
	stopped sync.Once
}

// Open starts the scene: a release of [DefaultRepo] under the repository acme/widget of a new registry, and the hostile
// hook before it. Of opts, the behaviour is not used.
func (h Hostile) Open(ctx context.Context, s *Sigstore, opts RegistryOptions) (*Scene, error) {
	opts.Behaviour = h.behaviour
	scene := &Scene{
		Hostile: h, sigstore: s, stop: make(chan struct{}),
		Registry: NewRegistry(opts), Elsewhere: NewRegistry(RegistryOptions{Clock: opts.Clock}),
	}
	if err := errors.Join(scene.Registry.Start(), scene.Elsewhere.Start()); err != nil {
		return nil, errors.Join(err, scene.Close())
	}
	if err := scene.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", h.Name, err), scene.Close())
	}
	return scene, nil
}

// prepare publishes the good release and an image that nobody signed, and then turns the registry hostile.
func (s *Scene) prepare(ctx context.Context) error {
	repository := s.Registry.Host() + "/" + DefaultRepo
	var err error
	if s.Release, err = GoodRelease(s.sigstore, ReleaseOptions{Repository: repository, Form: s.form}); err != nil {
		return err
	}
	if s.evil, err = NewIndex("evil"); err != nil {
		return err
	}
	if err := s.push(ctx, s.Release.Publication); err != nil {
		return err
	}
	if err := s.push(ctx, Publication{Tag: "evil", Image: s.evil}); err != nil {
		return err
	}
	s.Reference, s.Pinned = s.Release.Reference(), s.Release.Image.Digest()
	if s.publish != nil {
		if err := s.publish(ctx, s); err != nil {
			return err
		}
	}
	return s.Arm()
}

// Arm makes the registry behave as it did when the scene was opened, for a verifier that knows nothing of the one before.
func (s *Scene) Arm() error {
	if s.set == nil {
		return nil
	}
	return s.set(s)
}

// push publishes past the registry's behaviour.
func (s *Scene) push(ctx context.Context, p Publication) error {
	repo, err := s.repository()
	if err != nil {
		return err
	}
	return Push(ctx, repo, p, s.Registry.Direct())
}

func (s *Scene) repository() (name.Repository, error) { return s.Registry.Repository(DefaultRepo) }

// Close stops both hosts. It may be called twice.
func (s *Scene) Close() error {
	s.stopped.Do(func() { close(s.stop) })
	return errors.Join(s.Registry.Close(), s.Elsewhere.Close())
}

// The places of the release's evidence, as paths.
func (s *Scene) manifests(wanted string) string { return "/v2/" + DefaultRepo + "/manifests/" + wanted }

func (s *Scene) tagPath() string { return s.manifests(s.Release.Tag) }

func (s *Scene) sigPath() string { return s.manifests(s.fallbackTag() + ".sig") }

func (s *Scene) attPath() string { return s.manifests(s.fallbackTag() + ".att") }

func (s *Scene) fallbackPath() string { return s.manifests(s.fallbackTag()) }

func (s *Scene) listPath() string {
	return "/v2/" + DefaultRepo + "/referrers/" + s.Release.Image.Digest()
}

func (s *Scene) fallbackTag() string {
	return strings.Replace(s.Release.Image.Digest(), ":", "-", 1)
}

// answer makes one handler answer all requests for a path, whatever their query.
func (s *Scene) answer(path string, h http.HandlerFunc) {
	s.answerAll(func(req *http.Request) bool { return req.URL.Path == path }, h)
}

// answerBlobs makes one handler answer for all blobs.
func (s *Scene) answerBlobs(h http.HandlerFunc) {
	s.answerAll(func(req *http.Request) bool { return strings.Contains(req.URL.Path, "/blobs/sha256:") }, h)
}

func (s *Scene) answerAll(which func(*http.Request) bool, h http.HandlerFunc) {
	s.Registry.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !which(req) {
			return false
		}
		h(w, req)
		return true
	})
}

// honest returns what an honest registry would answer.
func (s *Scene) honest(req *http.Request) []byte {
	_, body := s.Registry.ask(req.URL.Path)
	return body
}

// serve answers with a body of a media type.
func serve(w http.ResponseWriter, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(body) // the client may have gone
}
