package cases

import (
	"fmt"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// field is a key of a policy that a good release does not meet. Whoever ignores the key admits it.
type field struct {
	// words are the id's. holds and never are what the policy says in one place: what the release meets, and what it does
	// not; an empty holds says nothing.
	words, holds, never string
	code                string
	// check refuses; empty is what stands before the dot of the code.
	check string
	// undecided says that the refusal is not conclusive.
	undecided bool
}

// demand is a policy with a place for fields, and a good release that meets the rest of it.
type demand struct {
	// under says where in the policy the place is, for people.
	under      string
	advisories []string
	// rule is the case's own, head the top of its policy; "%s" in either is the place.
	rule, head []string
	// before is called first. also attaches more than a signature and provenance.
	before func(*Bench) error
	also   part
	fields []field
}

// cases has one of each field, with the value that is never met.
func (d demand) cases() []Case {
	var out []Case
	for _, f := range d.fields {
		check := f.check
		if check == "" {
			check, _, _ = strings.Cut(f.code, ".")
		}
		want := Fails(check, f.code)
		if f.undecided {
			want = CannotTell(check, f.code)
		}
		out = append(out, Case{
			ID: slug(9, f.words), Class: 9, Advisories: d.advisories, Want: want, PolicyOnly: true,
			Shows: fmt.Sprintf("The release is good, and the policy says %s under %s, which it does not meet.", f.never, d.under),
			Why:   "A key that is read and not judged is a demand that its author believes in and that nobody makes.",
			Build: func(b *Bench) error { return d.build(b, f.never) },
		})
	}
	return out
}

// controls are the same with values that the release meets.
func (d demand) controls() []Case {
	out := d.cases()
	for i, f := range d.fields {
		out[i].ID += "-control"
		out[i].Want, out[i].Build = Admits(), func(b *Bench) error { return d.build(b, f.holds) }
	}
	return out
}

func (d demand) build(b *Bench, value string) error {
	if d.before != nil {
		if err := d.before(b); err != nil {
			return err
		}
	}
	r, err := b.Good()
	if err != nil {
		return err
	}
	if d.also != nil {
		if err := d.also(b, r); err != nil {
			return err
		}
	}
	value = strings.NewReplacer("DIGEST", r.Image.Digest(), "REPOSITORY", r.Repository).Replace(value)
	filled := func(lines []string) []string {
		var out []string
		for _, l := range lines {
			out = append(out, strings.ReplaceAll(l, "%s", value))
		}
		return out
	}
	if d.rule != nil { // else before wrote it
		b.Rule(filled(d.rule)...)
	}
	b.rule = filled(b.rule)
	b.Head(filled(d.head)...)
	return b.Push(r)
}

// ignoredFields: class 9, a key of the policy that must not be ignored.
func ignoredFields() []Case {
	var out []Case
	for _, d := range demands() {
		out = append(out, d.cases()...)
	}
	return append(out, refusedPolicies()...)
}

// refusedPolicies: class 9, what is not even a policy.
func refusedPolicies() []Case {
	var out []Case
	for _, p := range []struct {
		words, shows string
		rule         []string
	}{
		{"misspelt demand", "The policy says signatures: where it means signature:.", []string{SourceLeg, strings.Replace(SignatureLeg, "signature:", "signatures:", 1), ProvenanceLeg}},
		{"misspelt key of a signer", "The policy says work_flow: where it means workflow:.", []string{SourceLeg, strings.Replace(SignatureLeg, "workflow:", "work_flow:", 1), ProvenanceLeg}},
		{"key twice", "The policy names two issuers under one key, given twice.", []string{SourceLeg, strings.Replace(SignatureLeg, "{issuer:", "{issuer: https://accounts.google.com, issuer:", 1), ProvenanceLeg}},
		{"empty demand", "The policy has signature: with nothing below.", []string{SourceLeg, "signature: {}", ProvenanceLeg}},
		{"no demand", "The policy has a rule for the image that demands no evidence.", []string{SourceLeg}},
		{"signer without a name", "The policy accepts whoever GitHub vouches for.", []string{SourceLeg, "signature: {signer: {issuer: " + lab.GitHubIssuer + "}}"}},
		{"empty value", "The policy names a ref and leaves it empty.", []string{"source: {repository: acme/widget, ref: }", SignatureLeg, ProvenanceLeg}},
		{"unknown root", "The policy demands a root that it does not define.", []string{SourceLeg, SignatureLeg[:len(SignatureLeg)-1] + ", trust: corp}", ProvenanceLeg}},
	} {
		out = append(out, Case{
			ID: slug(9, p.words), Class: 9, Advisories: []string{"CVE-2025-29778"}, Shows: p.shows, Want: Rejected(), PolicyOnly: true,
			Why: "What cannot be meant as it stands is refused before any image is judged.",
			Build: func(b *Bench) error {
				b.Rule(p.rule...)
				r, err := b.Good()
				if err != nil {
					return err
				}
				return b.Push(r)
			},
		})
	}
	return out
}
