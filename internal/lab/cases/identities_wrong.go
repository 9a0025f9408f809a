package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// wrong is a release of which one leg is wrong, and that is good in everything else. Its control, the same with the good
// leg, has to pass.
type wrong struct {
	class      int
	words      string
	advisories []string
	shows, why string
	// rule is the case's own policy; nil is the shared one.
	rule []string
	form lab.Form
	// signature and provenance are the wrong legs. One that is nil is good, as goodSignature and goodProvenance are: nil
	// stands for those of every release.
	signature, provenance, goodSignature, goodProvenance part
	want                                                 Want
}

// part adds a piece of evidence to a release.
type part func(*Bench, *lab.Release) error

// flawed are the cases of wrong releases.
func flawed(rows ...wrong) []Case {
	var out []Case
	for _, w := range rows {
		out = append(out, w.toCase())
	}
	return out
}

func (w wrong) toCase() Case {
	return Case{
		ID: slug(w.class, w.words), Class: w.class, Advisories: w.advisories, Shows: w.shows, Why: w.why, Want: w.want,
		Build: w.build,
	}
}

// control is what the case is without its fault.
func (w wrong) control() Case {
	c := w.toCase()
	c.ID += "-control"
	w.signature, w.provenance = nil, nil
	c.Want, c.Build = Admits(), w.build
	return c
}

func (w wrong) build(b *Bench) error {
	if w.rule != nil {
		b.Rule(w.rule...)
	}
	r, err := b.Release(Form(w.form))
	if err != nil {
		return err
	}
	for _, p := range []part{
		either(w.signature, w.goodSignature, signed(nil)),
		either(w.provenance, w.goodProvenance, built(nil)),
	} {
		if err := p(b, r); err != nil {
			return err
		}
	}
	return b.Push(r)
}

// either is the first of parts that there is.
func either(parts ...part) part {
	for _, p := range parts {
		if p != nil {
			return p
		}
	}
	return nothing
}

// nothing attaches nothing.
func nothing(*Bench, *lab.Release) error { return nil }

// parts adds several.
func parts(all ...part) part {
	return func(b *Bench, r *lab.Release) error {
		for _, p := range all {
			if err := p(b, r); err != nil {
				return err
			}
		}
		return nil
	}
}

// signed is a signature by the release workflow after a change to its identity; nil changes nothing.
func signed(who func(*lab.Identity)) part {
	return func(b *Bench, r *lab.Release) error { return r.Sign(b.Sigstore, changed(r.Signer(), who)) }
}

// signedAs is a signature by an identity.
func signedAs(id lab.Identity) part {
	return signed(func(i *lab.Identity) { *i = id })
}

// built is provenance by the builder after a change to its identity and to what it says.
func built(who func(*lab.Identity), says ...func(*lab.ProvenanceOptions)) part {
	return func(b *Bench, r *lab.Release) error {
		o := r.Provenance()
		for _, change := range says {
			change(&o)
		}
		return r.AddProvenance(b.Sigstore, changed(r.Builder(), who), o)
	}
}

// builtAs is provenance by an identity.
func builtAs(id lab.Identity, says ...func(*lab.ProvenanceOptions)) part {
	return built(func(i *lab.Identity) { *i = id }, says...)
}

// attested is a statement about the release by an identity.
func attested(id lab.Identity, statement func(*Bench, *lab.Release) ([]byte, error)) part {
	return func(b *Bench, r *lab.Release) error {
		s, err := statement(b, r)
		if err != nil {
			return err
		}
		return r.Attest(b.Sigstore, id, s)
	}
}

func changed(id lab.Identity, who func(*lab.Identity)) lab.Identity {
	if who != nil {
		who(&id)
	}
	return id
}

// ourWorkflow signs good releases, and ourBuilder attests how they were built.
func ourWorkflow() lab.Identity { return workflowAt(lab.DefaultRef) }

func workflowAt(ref string) lab.Identity {
	return lab.GitHub(lab.DefaultRepo, ref, lab.DefaultCommit, lab.DefaultWorkflow)
}

func ourBuilder() lab.Identity {
	return builderFrom(lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef)
}

// builderFrom is a reusable workflow that the release workflow calls.
func builderFrom(repo, workflow, ref string) lab.Identity {
	return lab.ReusableWorkflow(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, repo, workflow, ref)
}

// edited changes the statement of provenance.
func edited(e lab.Edit) func(*lab.ProvenanceOptions) {
	return func(o *lab.ProvenanceOptions) { o.Edit = e }
}
