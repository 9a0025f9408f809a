package lab

import (
	"maps"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// About returns the same release of another image, such as one that an index lists, without evidence.
func (r *Release) About(img *Image) *Release {
	out := *r
	out.Publication = Publication{Tag: r.Tag, Image: img}
	return &out
}

// Carry hangs the evidence of other releases on their images, which need not be this one's.
func (r *Release) Carry(others ...*Release) {
	below := maps.Clone(r.Below)
	if below == nil {
		below = map[v1.Hash]Evidence{}
	}
	for _, o := range others {
		digest := o.Image.Descriptor().Digest
		below[digest] = below[digest].and(o.Evidence)
	}
	r.Below = below
}

// and is all of two.
func (e Evidence) and(other Evidence) Evidence {
	return Evidence{
		Signatures:   slices.Concat(e.Signatures, other.Signatures),
		Attestations: slices.Concat(e.Attestations, other.Attestations),
		Referrers:    slices.Concat(e.Referrers, other.Referrers),
	}
}

// Telling adds evidence that tells of the release otherwise: the change may replace Repository, Repo, Ref and Commit, and
// with [SignedAt] the time. All of it is put back afterwards.
func (r *Release) Telling(change func(*Release), add func(*Release) error) error {
	other := *r
	change(&other)
	err := add(&other)
	r.Evidence = other.Evidence
	return err
}

// SignedAt is a change for [Release.Telling]: evidence is made at a time.
func SignedAt(at time.Time) func(*Release) {
	return func(r *Release) { r.at = at }
}
