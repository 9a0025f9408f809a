// Package coverage tells which images a policy has a rule for, and what evidence of the
// demanded kinds lies beside them.
//
// It reads image references from lines of text and from objects of Kubernetes, and
// counts evidence by what it says of itself. It trusts nothing and decides nothing: an
// image that is covered may still be refused. Who wants to know whether one may run
// asks package verify.
//
// Start with [Read], then [Of] or [Look].
package coverage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
	"github.com/releaseassay/assay/verify"
)

// Schema names the shape of a [Table] as JSON.
const Schema = "assay.coverage/v1"

// State says what is known of one image.
type State string

// The states, from good to bad.
const (
	// Covered has a rule and, where that was looked for, evidence of each demanded kind.
	Covered State = "covered"
	// Undecided has a rule, and what lies beside it could not all be read.
	Undecided State = "undecided"
	// NoEvidence has a rule and lacks evidence of a kind that the rule demands.
	NoEvidence State = "no evidence"
	// NoRule is matched by no rule of the policy.
	NoRule State = "no rule"
	// Unreadable is no image reference, so that no rule can be for it.
	Unreadable State = "unreadable"
)

// Table is the coverage of some images.
type Table struct {
	Schema string `json:"schema"`
	// Policy is metadata.name, Digest of the policy's text.
	Policy string `json:"policy"`
	Digest string `json:"policy_digest"`
	// Evidence is true where evidence was looked for.
	Evidence bool  `json:"evidence"`
	Images   []Row `json:"images"`
}

// Row is one image.
type Row struct {
	// Image is the reference, canonical where it could be read; Where says where it was
	// first met.
	Image string `json:"image"`
	Where string `json:"where,omitempty"`
	State State  `json:"state"`
	// Rule is the pattern of the first rule that matches it.
	Rule   string `json:"rule,omitempty"`
	Digest string `json:"digest,omitempty"`
	// Evidence counts what lies there of each demanded kind, nil where nobody looked.
	Evidence []Count `json:"evidence,omitempty"`
	Problem  string  `json:"problem,omitempty"`

	ref  verify.Reference
	rule policy.Rule
}

// Count is how many pieces of evidence say that they are of a kind that a check wants,
// and about the image, or about platforms of an index.
type Count struct {
	Check string `json:"check"`
	// Found is about the image itself, OnPlatforms about what its index lists.
	Found       int `json:"found"`
	OnPlatforms int `json:"on_platforms,omitempty"`
}

// Of says which rule each image has. Images are sorted, and each is there once.
func Of(p *policy.Policy, refs []Ref) Table {
	t := Table{Schema: Schema, Policy: p.Name, Digest: p.Digest, Images: []Row{}}
	seen := map[string]bool{}
	for _, r := range refs {
		row := rowOf(p, r)
		if !seen[row.Image] {
			seen[row.Image] = true
			t.Images = append(t.Images, row)
		}
	}
	slices.SortFunc(t.Images, func(a, b Row) int { return strings.Compare(a.Image, b.Image) })
	return t
}

func rowOf(p *policy.Policy, r Ref) Row {
	row := Row{Image: r.Image, Where: r.Where, State: Unreadable}
	ref, err := verify.ParseReference(r.Image)
	if err != nil {
		row.Problem = err.Error()
		return row
	}
	row.ref, row.Image, row.State = ref, canonical(ref), NoRule
	if rule, ok := p.Rule(ref.Name()); ok {
		row.State, row.Rule, row.rule = Covered, rule.Match.String(), rule
	}
	return row
}

// canonical writes a reference in one spelling.
func canonical(ref verify.Reference) string {
	if ref.Digest() != "" {
		return ref.Pinned(ref.Digest())
	}
	return ref.Name() + ":" + ref.Tag()
}

// Worst is the worst state of the images.
func (t Table) Worst() State {
	order := []State{Covered, Undecided, NoEvidence, NoRule, Unreadable}
	worst := 0
	for _, r := range t.Images {
		worst = max(worst, slices.Index(order, r.State))
	}
	return order[worst]
}

// atOnce is how many images are looked at together.
const atOnce = 4

// key is what one collection is good for.
type key struct{ name, digest, rule string }

// found is what one collection came to.
type found struct {
	once   sync.Once
	counts []Count
	bad    *verify.Failure
}

// Look counts the evidence beside the images that have a rule. open makes a source for
// one image, with a budget of its own; what lies at one digest is collected once.
func Look(ctx context.Context, t Table, open func() (source verify.Source, done func(), err error), limits verify.Limits) (Table, error) {
	t.Evidence = true
	t.Images = slices.Clone(t.Images)
	var lock sync.Mutex
	known := map[key]*found{}
	var failed error
	var all sync.WaitGroup
	lane := make(chan struct{}, atOnce)
	for i := range t.Images {
		row := &t.Images[i]
		if row.State != Covered {
			continue
		}
		lane <- struct{}{}
		all.Go(func() {
			defer func() { <-lane }()
			source, done, err := open()
			if err != nil {
				lock.Lock()
				failed = err
				lock.Unlock()
				return
			}
			defer done()
			image, err := source.Resolve(ctx, row.ref)
			if err != nil {
				row.undecided(err)
				return
			}
			row.Digest = image.Digest
			k := key{row.ref.Name(), image.Digest, row.Rule}
			lock.Lock()
			if known[k] == nil {
				known[k] = &found{}
			}
			f := known[k]
			lock.Unlock()
			f.once.Do(func() { f.counts, f.bad = count(ctx, source, image, row.rule, limits) })
			row.take(f)
		})
	}
	all.Wait()
	return t, failed
}

func (r *Row) undecided(err error) {
	failure := &verify.Failure{}
	r.State, r.Problem = Undecided, err.Error()
	if errors.As(err, &failure) {
		r.Problem = failure.Error()
	}
}

// take notes what was found. What could not be read is never taken for absent.
func (r *Row) take(f *found) {
	r.Evidence = f.counts
	for _, c := range f.counts {
		if c.Found+c.OnPlatforms > 0 {
			continue
		}
		if f.bad != nil {
			r.undecided(f.bad)
			return
		}
		r.State = NoEvidence
	}
}

// count collects the evidence about one image and counts what each demand could count.
func count(ctx context.Context, source verify.Source, image verify.Image, rule policy.Rule, limits verify.Limits) ([]Count, *verify.Failure) {
	want := verify.WantOf(rule, image.Reference.Name())
	want.Config, want.Release = false, nil
	evidence := source.Collect(ctx, image, want)
	counts := make([]Count, 0, 4)
	kinds := kindsOf(rule)
	lacking := false
	for _, k := range kinds {
		c := Count{Check: k.check, Found: k.count(evidence, image.Digest, limits)}
		lacking = lacking || c.Found == 0 && k.on != policy.OnIndex || k.on == policy.OnPlatforms
		counts = append(counts, c)
	}
	failures := evidence.Failures
	if lacking {
		below := verify.GatherPlatforms(ctx, source, image, want, limits)
		for i, k := range kinds {
			if k.on == policy.OnPlatforms && len(below) > 0 {
				counts[i].Found = 0 // what lies on the index does not count
			}
		}
		for _, child := range below {
			for i, k := range kinds {
				if k.on == policy.OnIndex {
					continue
				}
				counts[i].OnPlatforms += k.count(child.Evidence, child.Image.Digest, limits)
			}
			failures = append(failures, child.Evidence.Failures...)
		}
	}
	if len(failures) > 0 {
		return counts, &failures[0]
	}
	return counts, nil
}

// kind is what one check demands.
type kind struct {
	check string
	types []string
	on    policy.On
	// buildKit counts what BuildKit keeps in the index, too.
	buildKit bool
}

func kindsOf(r policy.Rule) []kind {
	var all []kind
	if r.Signature != nil {
		all = append(all, kind{"signature", []string{verify.PredicateCosignSign, ""}, r.Signature.On, false})
	}
	if r.Provenance != nil {
		all = append(all, kind{"provenance", []string{verify.PredicateProvenanceV02, verify.PredicateProvenanceV1}, r.Provenance.On, false})
	}
	if r.SBOM != nil {
		all = append(all, kind{"sbom", sbom.PredicateTypes(r.SBOM.Format), r.SBOM.On, r.SBOM.BuildKit})
	}
	for _, a := range r.Attestations {
		all = append(all, kind{"attestations." + a.Name, []string{a.Type}, a.On, false})
	}
	return all
}

// count counts the pieces that say that they are of the kind and about the digest.
func (k kind) count(e verify.Evidence, digest string, limits verify.Limits) int {
	n := 0
	for _, p := range e.Pieces {
		d := verify.Describe(p, limits)
		switch {
		case p.Layout == verify.BuildKit:
			if k.buildKit && slices.Contains(k.types, d.PredicateType) {
				n++ // its subject is a platform of the index
			}
		case !d.Names(digest):
		case d.PredicateType == "" && p.Layout != verify.LegacySignature:
		case slices.Contains(k.types, d.PredicateType):
			n++
		}
	}
	return n
}
