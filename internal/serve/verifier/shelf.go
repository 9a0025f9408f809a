package verifier

import (
	"slices"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/replay"
	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/verify"
)

// shelf is what is remembered of one image, for one principal: bytes that nothing has
// been decided on. Nothing that failed lies here. It is not changed once it is kept.
type shelf struct {
	// image is the manifest and at when it was read; its digest is "" where it was not.
	image     verify.Image
	at        time.Time
	collected []collection
	gathered  []gathering
	// private is true where the server's own credentials read any of it.
	private bool
}

type collection struct {
	want     verify.Want
	evidence verify.Evidence
	at       time.Time
}

type gathering struct {
	want     verify.ReleaseWant
	evidence verify.ReleaseEvidence
	// release is the TUF repository as it was seen then.
	release version
	at      time.Time
}

// maxCollections is how many collections about one image are remembered: of so many
// rules that want something else.
const maxCollections = 4

// collection is what serves for a want, nil if nothing does. A nil shelf has nothing.
func (s *shelf) collection(want verify.Want, fresh func(time.Time) bool) *collection {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.collected, func(c collection) bool { return fresh(c.at) && replay.Covers(c.want, want) })
	if i < 0 {
		return nil
	}
	return &s.collected[i]
}

// gathering is what serves for a release, of the repository as it is now, nil if nothing
// does. Signatures are verified again by the roots of the one who asks.
func (s *shelf) gathering(want verify.ReleaseWant, release version, fresh func(time.Time) bool) *gathering {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.gathered, func(g gathering) bool {
		before := g.want
		before.At = want.At
		return fresh(g.at) && g.release == release && replay.Asks(before, want, func(string) bool { return true })
	})
	if i < 0 {
		return nil
	}
	return &s.gathered[i]
}

// with is both shelves together, the newer things first.
func (s *shelf) with(newer *shelf) *shelf {
	if s == nil {
		return newer
	}
	all := &shelf{image: newer.image, at: newer.at, private: s.private || newer.private}
	if all.image.Digest == "" {
		all.image, all.at = s.image, s.at
	}
	all.collected = append(all.collected, newer.collected...)
	for _, c := range s.collected {
		if len(all.collected) < maxCollections && !slices.ContainsFunc(newer.collected, func(n collection) bool { return replay.Covers(n.want, c.want) }) {
			all.collected = append(all.collected, c)
		}
	}
	all.gathered = append(all.gathered, newer.gathered...)
	for _, g := range s.gathered {
		same := func(n gathering) bool {
			return n.want.Reference == g.want.Reference && n.want.Version == g.want.Version && n.want.Name == g.want.Name
		}
		if len(all.gathered) < maxCollections && !slices.ContainsFunc(newer.gathered, same) {
			all.gathered = append(all.gathered, g)
		}
	}
	return all
}

// weight is what the shelf takes, in bytes.
func (s *shelf) weight() int64 {
	n := len(s.image.Manifest) + 256
	for _, c := range s.collected {
		n += len(c.evidence.Config) + 256
		for _, p := range c.evidence.Pieces {
			n += len(p.Bytes) + len(p.Manifest) + len(p.Place) + 256
			for k, v := range p.Annotations {
				n += len(k) + len(v) + 64
			}
		}
		for _, p := range c.evidence.Places {
			n += len(p) + 16
		}
	}
	for _, g := range s.gathered {
		n += g.weight()
	}
	return int64(n)
}

func (g gathering) weight() int {
	e := g.evidence
	n := len(e.Timestamp) + len(e.Snapshot) + len(e.Targets) + 512
	for _, r := range e.Roots {
		n += len(r) + 32
	}
	for _, d := range e.Delegated {
		n += len(d.Bytes) + len(d.Role) + len(d.Delegator) + 64
	}
	for _, m := range e.Manifests {
		n += len(m.Bytes) + len(m.Path) + 64
	}
	for path, digest := range e.State.Listed {
		n += len(path) + len(digest) + 64
	}
	return n
}

// shelves are the evidence memory: bounded, and of a life.
type shelves struct {
	memory *cache.Memory[*shelf]
	life   time.Duration
	now    func() time.Time
	// mu keeps what two verifications of one image learn together.
	mu sync.Mutex
}

func newShelves(limit int64, life time.Duration, now func() time.Time) *shelves {
	return &shelves{memory: cache.NewMemory[*shelf](limit, now), life: life, now: now}
}

// fresh reports whether what was seen at a moment may still be judged by.
func (s *shelves) fresh(at time.Time) bool {
	now := s.now()
	return !at.After(now) && now.Before(at.Add(s.life))
}

func (s *shelves) get(key cache.Key) *shelf {
	found, _ := s.memory.Get(key)
	return found
}

func (s *shelves) add(key cache.Key, newer *shelf) {
	if s.life <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.get(key).with(newer)
	s.memory.Set(key, all, all.weight(), s.now().Add(s.life))
}
