package release

import (
	"context"
	"errors"
	"fmt"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// Release implements verify.Releases. A run that demands state and has none asks for
// nothing and keeps nothing: otherwise the next one would have some.
func (r *Repositories) Release(ctx context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) (e verify.ReleaseEvidence) {
	g := &gathering{Repositories: r, want: want, resolved: resolved, place: r.place(want), read: map[string]*manifest{}}
	defer func() {
		if p := recover(); p != nil {
			// The panic of another goroutine than the command's would end the process.
			g.evidence.Failures = append(g.evidence.Failures, verify.Failure{
				Code: verify.InternalPanic, Class: verify.Definitive, Place: g.place, Detail: printable(fmt.Sprint(p)),
			})
		}
		if b := r.options.Budget; b != nil {
			g.evidence.Requests, g.evidence.Bytes = b.Requests(), b.Bytes()
		}
		e = g.evidence
	}()
	g.run(ctx)
	return g.evidence
}

// gathering is one run of Release.
type gathering struct {
	*Repositories
	want     verify.ReleaseWant
	resolved func() (verify.Image, bool)
	place    string

	client   *tufclient.Client
	known    bool
	evidence verify.ReleaseEvidence
	read     map[string]*manifest
	// instead is why a kept copy serves, nil where none has to.
	instead error
	// held is the floor that other machines have seen.
	held metadata.Floor
	// listed are the targets that were found in the repository.
	listed []string
}

// place is where the metadata is read.
func (r *Repositories) place(want verify.ReleaseWant) string {
	if r.options.Mirror != "" {
		return r.options.Mirror + " (mirror of " + want.Demand.TUF.MetadataURL + ")"
	}
	return want.Demand.TUF.MetadataURL
}

func (g *gathering) run(ctx context.Context) {
	g.evidence.Places = []string{g.place}
	g.evidence.State.Kind = verify.StateNone
	client, err := g.Open(Repository{
		TUF: g.want.Demand.TUF, Root: g.want.Root, Sigstore: g.want.Sigstore,
		At: g.want.At, DeferExpiryUnsafe: true, Stateless: g.want.Hypothetical,
	})
	if err != nil {
		g.fail(err)
		return
	}
	g.client = client
	defer func() {
		g.unkept = client.Unkept()
		_ = client.Close()
	}()
	if err := g.hold(ctx); err != nil {
		g.state()
		g.fail(err)
		return
	}
	g.state()
	if g.want.Demand.TUF.StateRequired && !g.known {
		g.evidence.Failures = append(g.evidence.Failures, g.stateMissing())
		return
	}
	err = g.refresh(ctx)
	g.share(ctx)
	if err == nil {
		err = g.manifests(ctx)
		g.note()
	}
	g.fail(err)
	g.raw()
}

// state tells what was known before.
func (g *gathering) state() {
	kept := g.client.State()
	g.known = known(kept)
	g.evidence.State.Floor, g.evidence.State.Listed = kept.Floor, kept.Listed
	switch {
	case g.known:
		g.evidence.State.Kind = verify.StateKnown
	case !g.want.Hypothetical && (g.options.Dir != "" || g.options.StateFile != ""):
		g.evidence.State.Kind = verify.StateBootstrap
	}
}

// known reports whether an earlier run has seen the repository: one that got no further
// than the roots has seen nothing that a later one could be held to.
func known(kept tufclient.State) bool { return kept.Known && kept.Floor.Timestamp > 0 }

// refresh brings the metadata up to date as far as policy and flags let it.
func (g *gathering) refresh(ctx context.Context) error {
	demand := g.want.Demand.TUF.Refresh
	folder := g.options.Mirror != "" && !IsURL(g.options.Mirror)
	if demand == policy.RefreshRequired && (folder || g.options.Offline) {
		return &unavailable{place: g.place, detail: "the policy demands that the repository itself is asked, and this run opens no connection to it"}
	}
	if !folder && (g.options.Offline || demand == policy.RefreshNever) {
		return g.load(nil)
	}
	err := g.client.Refresh(ctx)
	var fetch *tufclient.FetchError
	switch {
	case err == nil:
		g.evidence.Refreshed = !folder
		return nil
	case errors.As(err, &fetch) && demand != policy.RefreshRequired:
		return g.load(err)
	}
	return err
}

// load takes what was kept. instead is why the repository could not be asked, nil if
// it was not to be.
func (g *gathering) load(instead error) error {
	err := g.client.Load()
	switch {
	case err == nil:
		g.instead = instead
		g.evidence.Places = append(g.evidence.Places, "the kept copy of "+g.want.Demand.TUF.MetadataURL)
		return nil
	case instead != nil:
		return instead
	case !g.known:
		return &unavailable{place: g.place, detail: "nothing is kept of the repository, and this run opens no connection to it: " + advice}
	}
	return err
}

// note keeps what the repository lists now, so that a target that is withdrawn
// later is known to have been there.
func (g *gathering) note() {
	if len(g.listed) == 0 || g.evidence.State.Kind == verify.StateNone {
		return
	}
	listed := map[string]string{}
	for _, path := range g.listed {
		listed[path] = g.evidence.State.Listed[path]
		if m := g.read[path]; m != nil && m.digest != "" {
			listed[path] = m.digest
		}
	}
	g.fail(g.client.Note(listed))
}

// raw hands on the metadata, with what was refused, so that verify finds the same.
func (g *gathering) raw() {
	raw := g.client.Raw()
	e := &g.evidence
	e.Roots, e.Timestamp, e.Snapshot, e.Targets = raw.Roots, raw.Timestamp, raw.Snapshot, raw.Targets
	for _, d := range raw.Delegated {
		e.Delegated = append(e.Delegated, verify.DelegatedMetadata{Role: d.Role, Delegator: d.Delegator, Bytes: d.Bytes})
	}
}

// fail notes what could not be had. Metadata that was refused is no failure: its bytes
// are evidence.
func (g *gathering) fail(err error) {
	var refused *metadata.Error
	if err == nil || errors.As(err, &refused) {
		return
	}
	g.evidence.Failures = append(g.evidence.Failures, g.failure(err))
}
