package verifier

import (
	"context"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/replay"
	"github.com/releaseassay/assay/verify"
)

// told is the source of one verification: what is remembered of the image first, and
// what is there now for the rest. It is a verify.Source and a verify.Releases.
type told struct {
	v *Verifier
	t task

	mu sync.Mutex
	// opened is nil as long as nothing had to be asked for.
	opened *opened
	// manifest is the image as it was just resolved; its digest is "" where it was not.
	manifest verify.Image
	at       time.Time
	// oldest is when the oldest of what was remembered was seen, zero for nothing.
	oldest time.Time
	// private is true where something remembered was read with the server's credentials.
	private bool
	learned map[shelfName]*shelf
}

// shelfName is whose evidence lies on a shelf.
type shelfName struct{ name, digest string }

var _ verify.Releases = (*told)(nil)

// told is the source for a question. o is what its tag was resolved through, r how.
func (v *Verifier) told(t task, o *opened, r *resolution) *told {
	from := &told{v: v, t: t, opened: o, learned: map[shelfName]*shelf{}}
	if r != nil && r.image.Digest == t.digest && len(r.image.Manifest) > 0 {
		from.manifest, from.at = r.image, r.at
		from.private = r.opened != nil && r.opened.Used(load.Server)
	}
	return from
}

// ask is what is asked through.
func (f *told) ask() *opened {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened == nil {
		f.opened = f.v.open(f.t)
	}
	return f.opened
}

// release lets another verification read much.
func (f *told) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened != nil {
		f.opened.budget.Release()
	}
}

// shelf is what is remembered of an image, nil for nothing.
func (f *told) shelf(name, digest string) *shelf {
	if f.t.fresh {
		return nil
	}
	return f.v.evidence.get(f.t.shelfKey(name, digest))
}

// use notes that something remembered was used.
func (f *told) use(s *shelf, seen time.Time) {
	f.v.Metrics.Cached("evidence", "hit")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.private = f.private || s.private
	if f.oldest.IsZero() || seen.Before(f.oldest) {
		f.oldest = seen
	}
}

// learn notes something that was asked for, to be remembered at the end.
func (f *told) learn(name, digest string, add func(*shelf)) {
	f.v.Metrics.Cached("evidence", "miss")
	f.mu.Lock()
	defer f.mu.Unlock()
	of := shelfName{name, digest}
	if f.learned[of] == nil {
		f.learned[of] = &shelf{}
	}
	add(f.learned[of])
}

// Resolve implements verify.Source. The question's own image is always that of the digest
// under which it will be remembered, whatever its tag points to by now.
func (f *told) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	digest := ref.Digest()
	if digest == "" {
		digest = f.t.digest
	}
	image, err := f.resolve(ctx, ref, digest)
	image.Reference = ref
	return image, err
}

func (f *told) resolve(ctx context.Context, ref verify.Reference, digest string) (verify.Image, error) {
	name := ref.Name()
	if f.manifest.Digest == digest && digest != "" && name == f.t.name {
		f.learn(name, digest, func(s *shelf) { s.image, s.at = f.manifest, f.at })
		return f.manifest, nil
	}
	if s := f.shelf(name, digest); s != nil && s.image.Digest == digest && f.v.evidence.fresh(s.at) {
		f.use(s, s.at)
		return s.image, nil
	}
	pinned, err := verify.ParseReference(name + "@" + digest)
	if err != nil {
		return verify.Image{}, &verify.Failure{Code: verify.RegistryMalformed, Class: verify.Definitive, Place: name, Detail: err.Error()}
	}
	at := f.v.Now()
	image, err := f.ask().Resolve(ctx, pinned)
	if err == nil {
		f.learn(name, digest, func(s *shelf) { s.image, s.at = image, at })
	}
	return image, err
}

// Collect implements verify.Source.
func (f *told) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	name := image.Reference.Name()
	s := f.shelf(name, image.Digest)
	if c := s.collection(want, f.v.evidence.fresh); c != nil {
		f.use(s, c.at)
		return replay.Again(c.evidence)
	}
	at := f.v.Now()
	e := f.ask().Collect(ctx, image, want)
	if len(e.Failures) == 0 {
		kept := replay.Again(e)
		kept.Requests, kept.Bytes = 0, 0
		f.learn(name, image.Digest, func(s *shelf) { s.collected = append(s.collected, collection{want, kept, at}) })
	}
	return e
}

// Release implements verify.Releases.
func (f *told) Release(ctx context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	// The digest is known, so that nobody has to be waited for.
	s := f.shelf(f.t.name, f.t.digest)
	if g := s.gathering(want, f.t.release, f.v.evidence.fresh); g != nil {
		f.use(s, g.at)
		return g.evidence
	}
	at := f.v.Now()
	o := f.ask()
	e := o.Release(ctx, want, resolved)
	if err := o.Repositories.Unkept(); err != nil {
		f.v.Log.Warn("what was seen of a TUF repository could not be kept", "repository", escaped(want.Demand.TUF.MetadataURL), "error", escaped(err.Error()))
	}
	if len(e.Failures) == 0 && e.Refreshed {
		kept := e
		kept.Requests, kept.Bytes = 0, 0
		f.learn(f.t.name, f.t.digest, func(s *shelf) { s.gathered = append(s.gathered, gathering{want: want, evidence: kept, at: at}) })
	}
	return e
}

// spent is what was asked so far.
func (f *told) spent() (requests int, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened == nil {
		return 0, 0
	}
	return f.opened.Spent()
}

// seen is when the oldest was seen that the verdict rests on, and whether any of it was
// remembered.
func (f *told) seen(now time.Time) (at time.Time, old bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.oldest.IsZero() {
		return now, false
	}
	return f.oldest, true
}

// commit remembers what was learned, and reports whether the server's own credentials
// have read any of what was used. release is the TUF repository as the verdict saw it.
func (f *told) commit(release version) (private bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	private = f.private
	if f.opened != nil && f.opened.Used(load.Server) {
		private = true
	}
	for of, s := range f.learned {
		s.private = private
		for i := range s.gathered {
			s.gathered[i].release = release
		}
		f.v.evidence.add(f.t.shelfKey(of.name, of.digest), s)
	}
	f.learned = map[shelfName]*shelf{}
	return private
}
