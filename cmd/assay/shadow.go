package main

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func shadowFlag() cli.Flag {
	return &cli.StringFlag{Name: "shadow", Usage: "also judge by the policy in `FILE`, and say on stderr how its verdict differs"}
}

// shadow is a second policy whose verdict changes nothing.
type shadow struct {
	file   string
	policy *policy.Policy
	trust  verify.Trust
	// heard is what the first judgement was told.
	heard *recorder
}

// loadShadow reads the second policy, nil where none is named. first is the policy that
// decides.
func loadShadow(c *cli.Context, w world, first *policy.Policy) (*shadow, error) {
	file := c.String("shadow")
	if file == "" {
		return nil, nil
	}
	p, err := policyFile(w, file)
	if err != nil {
		return nil, fmt.Errorf("--shadow: %w", err)
	}
	trust, err := loadTrust(c, w, p, folderOf(file))
	if err != nil {
		return nil, fmt.Errorf("--shadow: %w", err)
	}
	return &shadow{file: file, policy: p, trust: trust, heard: &recorder{sameRoot: func(name string) bool {
		return sameRoot(first.Trust[name], p.Trust[name])
	}}}, nil
}

// sameRoot reports whether two policies mean one trusted root by a name.
func sameRoot(a, b policy.Trust) bool {
	return a.Builtin == b.Builtin && a.SHA256 == b.SHA256 && a.Thresholds == b.Thresholds
}

// watch stands between a source and the first judgement.
func (s *shadow) watch(source verify.Source) verify.Source {
	if s == nil {
		return source
	}
	s.heard.source = source
	return s.heard
}

// compare judges by the second policy what the first has judged, and says on one line how
// the verdicts differ. Whatever goes wrong here is said and changes nothing.
func (s *shadow) compare(ctx context.Context, w world, ref verify.Reference, failure *verify.Failure, first verify.Verdict, o verify.Options) {
	if s == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(w.stderr, "assay: shadow %s: internal.panic: %s\n", escape(s.file), escape(fmt.Sprint(r)))
		}
	}()
	var v verify.Verdict
	if failure != nil {
		v = verify.Undecided(ref, s.policy, s.trust, failure, o)
	} else {
		v = verify.Verify(ctx, s.heard, ref, s.policy, s.trust, o)
	}
	fmt.Fprintf(w.stderr, "assay: shadow %s (%s): %s\n", escape(s.file), escape(s.policy.Name), difference(first, v))
}

// difference says how a second verdict differs from the first.
func difference(first, second verify.Verdict) string {
	a, b := outcomeOf(first), outcomeOf(second)
	if a == b {
		return "the same, " + b
	}
	return b + "; the policy in force: " + a
}

// outcomeOf is a verdict in a few words: pass, or what failed.
func outcomeOf(v verify.Verdict) string {
	if v.Passed() {
		return "pass"
	}
	word := "fail"
	if !v.Conclusive {
		word = "undecided"
	}
	var codes []string
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			codes = append(codes, f.ID+" "+string(f.Code))
		}
	}
	return escape(word + " (" + strings.Join(codes, ", ") + ")")
}

// recorder is a source that remembers what it answered, and gives the same answer to a
// question that asks for no more.
type recorder struct {
	source verify.Source
	// sameRoot reports whether both policies mean one trusted root by a name.
	sameRoot func(name string) bool

	mu        sync.Mutex
	images    map[string]resolved
	collected map[string][]collection
	releases  []gathered
}

type resolved struct {
	image verify.Image
	err   error
}

type collection struct {
	want     verify.Want
	evidence verify.Evidence
}

type gathered struct {
	want     verify.ReleaseWant
	evidence verify.ReleaseEvidence
}

var _ verify.Releases = (*recorder)(nil)

// Resolve implements verify.Source.
func (r *recorder) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	r.mu.Lock()
	known, ok := r.images[ref.String()]
	r.mu.Unlock()
	if ok {
		return known.image, known.err
	}
	image, err := r.source.Resolve(ctx, ref)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.images == nil {
		r.images = map[string]resolved{}
	}
	r.images[ref.String()] = resolved{image, err}
	return image, err
}

// Collect implements verify.Source.
func (r *recorder) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	key := image.Reference.Name() + "@" + image.Digest
	r.mu.Lock()
	for _, c := range r.collected[key] {
		if covers(c.want, want) {
			r.mu.Unlock()
			e := c.evidence // whose lists are added to
			e.Pieces, e.Failures, e.Places = slices.Clip(e.Pieces), slices.Clip(e.Failures), slices.Clip(e.Places)
			return e
		}
	}
	r.mu.Unlock()
	evidence := r.source.Collect(ctx, image, want)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.collected == nil {
		r.collected = map[string][]collection{}
	}
	r.collected[key] = append(r.collected[key], collection{want, evidence})
	return evidence
}

// covers reports whether what was collected for a is all that b wants, from the very
// places that b names: evidence from elsewhere must not count.
func covers(a, b verify.Want) bool {
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

// Release implements verify.Releases.
func (r *recorder) Release(ctx context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	r.mu.Lock()
	for _, g := range r.releases {
		if r.asks(g.want, want) {
			r.mu.Unlock()
			return g.evidence
		}
	}
	r.mu.Unlock()
	releases, ok := r.source.(verify.Releases)
	if !ok {
		return verify.ReleaseEvidence{State: verify.ReleaseState{Kind: verify.StateNone}, Failures: []verify.Failure{{
			Code: verify.PlaceUnavailable, Class: verify.Definitive, Place: want.Demand.TUF.MetadataURL, Detail: "nothing here can read a TUF repository",
		}}}
	}
	evidence := releases.Release(ctx, want, resolved)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releases = append(r.releases, gathered{want, evidence})
	return evidence
}

// asks reports whether b asks of a TUF repository what a did. Who may sign is judged
// later, over the same bytes.
func (r *recorder) asks(a, b verify.ReleaseWant) bool {
	if !bytes.Equal(a.Root, b.Root) || a.Demand.Trust != b.Demand.Trust || !r.sameRoot(a.Demand.Trust) {
		return false
	}
	a.Root, b.Root, a.Sigstore, b.Sigstore, a.Demand.Signers, b.Demand.Signers = nil, nil, nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}
