package cases

import "github.com/releaseassay/assay/internal/lab"

// maker writes provenance.
type maker func(lab.ProvenanceOptions) ([]byte, error)

// reusable is the identity of a builder of another repository that the release workflow calls.
func reusable(repo, workflow, ref string) func(*lab.Release) lab.Identity {
	return func(r *lab.Release) lab.Identity {
		return lab.ReusableWorkflow(r.Repo, r.Ref, r.Commit, lab.DefaultWorkflow, repo, workflow, ref)
	}
}

func releaseBuilders() []Case {
	const (
		delegator = ".github/workflows/delegator_generic_slsa3.yml"
		byob      = "https://github.com/" + lab.GeneratorRepository + "/.github/workflows/builder_maven_slsa3.yml@" + lab.GeneratorRef
		own       = "https://github.com/acme/builders/.github/workflows/build.yml"
	)
	built := func(name, shows string, rule []string, by func(*lab.Release) lab.Identity, write maker, change func(*lab.ProvenanceOptions)) Case {
		return good(name, shows, func(b *Bench) error {
			if rule != nil {
				b.Rule(rule...)
			}
			return b.publish(nil, b.signs, func(r *lab.Release) error {
				o := r.Provenance()
				if change != nil {
					change(&o)
				}
				statement, err := write(o)
				if err != nil {
					return err
				}
				return r.Attest(b.Sigstore, by(r), statement)
			})
		})
	}
	level2 := []string{SourceLeg, SignatureLeg, "provenance: {builder: {level: 2}}"}
	return []Case{
		built("container based builder", "slsa-github-generator's container-based builder made the provenance.", nil,
			reusable(lab.GeneratorRepository, lab.ContainerBasedBuilder, lab.GeneratorRef), lab.ProvenanceContainerBased, nil),
		built("delegated builder", "A builder of slsa-github-generator's own made the provenance, and its delegator signed it.", nil,
			reusable(lab.GeneratorRepository, delegator, lab.GeneratorRef), lab.ProvenanceBYOB,
			func(o *lab.ProvenanceOptions) { o.BuilderID = byob }),
		built("github provenance", "The release workflow itself attests with actions/attest-build-provenance, and the policy wants level 2.", level2,
			(*lab.Release).Signer, lab.ProvenanceGitHub, nil),
		built("dispatched by hand", "Somebody started the release workflow by hand at the tag, with an input that the policy demands.",
			[]string{SourceLeg, SignatureLeg, "provenance: {builder: {level: 3}, inputs: {channel: stable}}"},
			func(r *lab.Release) lab.Identity { return r.Builder().WithTrigger("workflow_dispatch") }, lab.ProvenanceV02,
			func(o *lab.ProvenanceOptions) {
				o.Event, o.Inputs = "workflow_dispatch", map[string]any{"channel": "stable"}
			}),
		ownBuilder(own),
	}
}

// ownBuilder is a release by a reusable workflow that the policy lists as a builder.
func ownBuilder(id string) Case {
	const workflow, ref = ".github/workflows/build.yml", "refs/tags/v1.0.0"
	return good("own builder", "A reusable workflow of the organisation builds and attests, and the policy lists it as a builder of level 3.", func(b *Bench) error {
		b.Head("builders:", "  - {id: "+id+", level: 3}")
		b.Rule(SourceLeg, SignatureLeg, "provenance: {builder: {id: "+id+", level: 3}}")
		return b.publish(nil, b.signs, func(r *lab.Release) error {
			o := r.Provenance()
			o.BuilderID = id + "@" + ref
			statement, err := lab.ProvenanceGitHub(o)
			if err != nil {
				return err
			}
			return r.Attest(b.Sigstore, reusable("acme/builders", workflow, ref)(r), statement)
		})
	})
}
