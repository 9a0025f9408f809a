package verify

import (
	"context"
	"fmt"

	"github.com/releaseassay/assay/policy"
)

// releaseWant says what a rule demands of its TUF repository, nil if nothing.
func releaseWant(rule policy.Rule, ref Reference, trust Trust, o Options) *ReleaseWant {
	if rule.Release == nil {
		return nil
	}
	root, _ := trust.pinned(rule.Release.TUF.Root.SHA256)
	material, _ := trust.root(rule.Release.Trust)
	want := &ReleaseWant{
		Demand: *rule.Release, Root: root.bytes, Sigstore: MetadataSigstore(material, o.Limits), Reference: ref,
		Name: rule.Canonical, Tags: rule.VersionTags(), At: o.At, Hypothetical: o.Hypothetical,
	}
	switch tag := ref.Tag(); {
	case o.Version != "" && CheckVersion(rule, ref, o.Version) == nil:
		want.Version = o.Version
	case o.Version == "" && tag != "" && !want.Tags.IsMoving(tag):
		want.Version, _ = want.Tags.VersionOf(tag)
	}
	return want
}

// asking is a TUF repository being read, beside the registry.
type asking struct {
	image    chan resolution
	evidence chan ReleaseEvidence
}

// resolution is how resolving the image ended.
type resolution struct {
	image Image
	ok    bool
}

// askReleases starts to read what want names; nil is nothing to read. Whoever gets it
// must call resolved and then wait.
func askReleases(ctx context.Context, source Source, want *ReleaseWant) *asking {
	if want == nil {
		return nil
	}
	a := &asking{image: make(chan resolution, 1), evidence: make(chan ReleaseEvidence, 1)}
	failed := func(code Code, detail string) {
		a.evidence <- ReleaseEvidence{State: ReleaseState{Kind: StateNone}, Failures: []Failure{{
			Code: code, Class: Definitive, Place: want.Demand.TUF.MetadataURL, Detail: detail,
		}}}
	}
	releases, ok := source.(Releases)
	switch {
	case !ok:
		failed(PlaceUnavailable, "nothing here can read a TUF repository")
		return a
	case len(want.Root) == 0: // which authentication says
		a.evidence <- ReleaseEvidence{State: ReleaseState{Kind: StateNone}}
		return a
	}
	go func() {
		defer func() {
			if p := recover(); p != nil {
				failed(InternalPanic, fmt.Sprintf("reading it ended in a panic: %v", p))
			}
		}()
		a.evidence <- releases.Release(ctx, *want, a.known)
	}()
	return a
}

// known waits until the image is resolved, or it is known that it cannot be.
func (a *asking) known() (Image, bool) {
	r := <-a.image
	a.image <- r // for whoever asks next
	return r.image, r.ok
}

// resolved says how resolving the image ended.
func (a *asking) resolved(image Image, ok bool) {
	if a != nil {
		a.image <- resolution{image, ok}
	}
}

// wait returns what was read, nil if there was nothing to read.
func (a *asking) wait() *ReleaseEvidence {
	if a == nil {
		return nil
	}
	e := <-a.evidence
	return &e
}
