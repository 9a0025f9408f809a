// Package replay answers a question about an image with what an earlier one was told:
// so that two policies are judged on the same bytes, and an edited policy without a
// request. It never makes an answer larger than the source did, and what could not be
// fetched is asked for again.
//
// [Covers] and [Asks] say when an answer serves, [Recorder] is a verify.Source over
// them for one judgement after another.
package replay

import (
	"bytes"
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/releaseassay/assay/verify"
)

// Covers reports whether what was collected for a is all that b wants, from the very
// places that b names: evidence from elsewhere must not count.
func Covers(a, b verify.Want) bool {
	for _, need := range [][2]bool{
		{a.Signatures, b.Signatures}, {a.Attestations, b.Attestations}, {a.Bundles, b.Bundles}, {a.BuildKit, b.BuildKit}, {a.Config, b.Config},
	} {
		if need[1] && !need[0] {
			return false
		}
	}
	return same(a.Repositories, b.Repositories) && same(a.GitHub, b.GitHub)
}

// same reports whether two lists hold the same, in any order.
func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Asks reports whether b asks of a TUF repository what a did, where sameRoot says that
// both mean one trusted root by a name. Who may sign is judged later, over the same bytes.
func Asks(a, b verify.ReleaseWant, sameRoot func(name string) bool) bool {
	if !bytes.Equal(a.Root, b.Root) || a.Demand.Trust != b.Demand.Trust || !sameRoot(a.Demand.Trust) {
		return false
	}
	a.Root, b.Root, a.Sigstore, b.Sigstore, a.Demand.Signers, b.Demand.Signers = nil, nil, nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}

// Again is evidence to be given out once more: whoever gets it may add to its lists.
func Again(e verify.Evidence) verify.Evidence {
	e.Pieces, e.Failures, e.Places = slices.Clip(e.Pieces), slices.Clip(e.Failures), slices.Clip(e.Places)
	return e
}

// Recorder is a source that remembers what it answered, failures too, and gives the same
// answer to a question that asks for no more. It is safe for concurrent use.
type Recorder struct {
	// Source answers what is not remembered.
	Source verify.Source
	// SameRoot reports whether both policies mean one trusted root by a name.
	SameRoot func(name string) bool

	mu        sync.Mutex
	images    map[string]Resolution
	collected []Collection
	releases  []Gathering
}

// Resolution is how resolving one reference ended.
type Resolution struct {
	Image verify.Image
	Err   error
}

// Collection is what was collected about one image.
type Collection struct {
	// Name is the repository's canonical name, Digest the image's.
	Name, Digest string
	Want         verify.Want
	Evidence     verify.Evidence
}

// Gathering is what was gathered of a TUF repository.
type Gathering struct {
	Want     verify.ReleaseWant
	Evidence verify.ReleaseEvidence
}

var _ verify.Releases = (*Recorder)(nil)

// Resolve implements verify.Source.
func (r *Recorder) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	r.mu.Lock()
	known, ok := r.images[ref.String()]
	r.mu.Unlock()
	if ok {
		return known.Image, known.Err
	}
	image, err := r.Source.Resolve(ctx, ref)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.images == nil {
		r.images = map[string]Resolution{}
	}
	r.images[ref.String()] = Resolution{image, err}
	return image, err
}

// Collect implements verify.Source.
func (r *Recorder) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	name := image.Reference.Name()
	r.mu.Lock()
	for _, c := range r.collected {
		if c.Name == name && c.Digest == image.Digest && Covers(c.Want, want) {
			r.mu.Unlock()
			return Again(c.Evidence)
		}
	}
	r.mu.Unlock()
	evidence := r.Source.Collect(ctx, image, want)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collected = append(r.collected, Collection{name, image.Digest, want, Again(evidence)})
	return evidence
}

// Release implements verify.Releases.
func (r *Recorder) Release(ctx context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	r.mu.Lock()
	for _, g := range r.releases {
		if Asks(g.Want, want, r.SameRoot) {
			r.mu.Unlock()
			return g.Evidence
		}
	}
	r.mu.Unlock()
	releases, ok := r.Source.(verify.Releases)
	if !ok {
		return verify.ReleaseEvidence{State: verify.ReleaseState{Kind: verify.StateNone}, Failures: []verify.Failure{{
			Code: verify.PlaceUnavailable, Class: verify.Definitive, Place: want.Demand.TUF.MetadataURL, Detail: "nothing here can read a TUF repository",
		}}}
	}
	evidence := releases.Release(ctx, want, resolved)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releases = append(r.releases, Gathering{want, evidence})
	return evidence
}

// Heard returns all that was answered so far. What it holds is not to be changed.
func (r *Recorder) Heard() (images []Resolution, collected []Collection, releases []Gathering) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.images)), slices.Clone(r.collected), slices.Clone(r.releases)
}
