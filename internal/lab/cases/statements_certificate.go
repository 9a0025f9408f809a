package cases

import (
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// lie is a value of provenance that its certificate contradicts.
type lie struct {
	words, shows string
	path         string
	value        any
}

const (
	foreignSource = "git+https://github.com/evil/widget@refs/tags/v1.2.3"
	foreignCommit = "00112233445566778899aabbccddeeff00112233"
	ownSource     = "git+https://github.com/acme/widget"
)

// falseProvenance: class 22, provenance in SLSA 0.2 that says something else than the certificate that signs it.
func falseProvenance() []wrong {
	const builder = "https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator
	var all []wrong
	for _, l := range []lie{
		{"builder of another version", "names another version of the builder", "builder.id", builder + "@refs/tags/v2.0.0"},
		{"another builder", "names another builder of the same repository", "builder.id", strings.Replace(builder, "container", "generic", 1) + "@" + lab.GeneratorRef},
		{"builder without a version", "names the builder without a version", "builder.id", builder},
		{"material of a stranger", "names a stranger's repository as its source", "materials.0.uri", foreignSource},
		{"material at another tag", "names another tag of its source", "materials.0.uri", ownSource + "@refs/tags/v1.2.2"},
		{"material at a branch", "names a branch of its source", "materials.0.uri", ownSource + "@refs/heads/main"},
		{"material without a ref", "names its source without a ref", "materials.0.uri", ownSource},
		{"material of another commit", "names another commit of its source", "materials.0.digest.sha1", foreignCommit},
		{"trigger of a stranger", "says that a stranger's workflow started the build", "invocation.configSource.uri", foreignSource},
		{"trigger at another tag", "says that the build was started at another tag", "invocation.configSource.uri", ownSource + "@refs/tags/v1.2.2"},
		{"trigger of another commit", "says that the build was started at another commit", "invocation.configSource.digest.sha1", foreignCommit},
		{"another workflow", "says that another workflow started the build", "invocation.configSource.entryPoint", ".github/workflows/evil.yml"},
		{"another event", "says that another event started the build", "invocation.environment.github_event_name", "workflow_dispatch"},
		{"another ref in the context", "says in its context that the build was of a branch", "invocation.environment.github_ref", "refs/heads/main"},
		{"another repository id", "has another number for the repository", "invocation.environment.github_repository_id", "9009"},
		{"another run", "is of another run", "metadata.buildInvocationID", "1-1"},
	} {
		all = append(all, wrong{
			class: 22, words: l.words, shows: "The builder's provenance " + l.shows + ", and its certificate says otherwise.",
			provenance: built(nil, edited(lab.Set("predicate."+l.path, l.value))), want: contradicted,
		})
	}
	return append(all, wrong{
		class: 22, words: "another release throughout", shows: "The provenance tells of the release before, whole and in itself without a fault, and its certificate is of this one.",
		provenance: built(nil, func(o *lab.ProvenanceOptions) { o.Ref, o.Commit = "refs/tags/v1.2.2", foreignCommit }), want: contradicted,
	})
}

var contradicted = Fails("provenance", "provenance.certificate_mismatch")

// falseV1Provenance: class 22, the same in SLSA 1, by the container-based builder and by GitHub's own action.
func falseV1Provenance() []wrong {
	var all []wrong
	for _, l := range []lie{
		{"container builder of another name", "names another builder", "runDetails.builder.id", "https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@" + lab.GeneratorRef},
		{"container source of a stranger", "names a stranger's repository as its source", "buildDefinition.resolvedDependencies.0.uri", foreignSource},
		{"container parameter of a stranger", "names a stranger's repository as its parameter", "buildDefinition.externalParameters.source.uri", foreignSource},
		{"container source of two commits", "gives its one source two commits", "buildDefinition.resolvedDependencies.0.digest.gitCommit", foreignCommit},
		{"container workflow at a branch", "names the workflow at a branch", "buildDefinition.internalParameters.GITHUB_WORKFLOW_REF", "acme/widget/.github/workflows/release.yml@refs/heads/main"},
		{"container run of another id", "is of another run", "runDetails.metadata.invocationId", "https://github.com/acme/widget/actions/runs/1/attempts/1"},
	} {
		all = append(all, wrong{
			class: 22, words: l.words, rule: containerRule, shows: "The container-based builder's provenance " + l.shows + ", and its certificate says otherwise.",
			goodProvenance: inContainer(), provenance: inContainer(edited(lab.Set("predicate."+l.path, l.value))), want: contradicted,
		})
	}
	for _, l := range []lie{
		{"github builder of a stranger", "names a stranger's workflow as its builder", "runDetails.builder.id", "https://github.com/evil/widget/.github/workflows/release.yml@refs/tags/v1.2.3"},
		{"github repository of a stranger", "names a stranger's repository", "buildDefinition.externalParameters.workflow.repository", "https://github.com/evil/widget"},
		{"github ref of a branch", "names a branch", "buildDefinition.externalParameters.workflow.ref", "refs/heads/main"},
		{"github workflow of another path", "names another workflow", "buildDefinition.externalParameters.workflow.path", ".github/workflows/evil.yml"},
		{"github source of another commit", "names another commit", "buildDefinition.resolvedDependencies.0.digest.gitCommit", foreignCommit},
		{"github runner of another kind", "speaks of a runner that is not GitHub's", "buildDefinition.internalParameters.github.runner_environment", "self-hosted"},
	} {
		all = append(all, wrong{
			class: 22, words: l.words, rule: runnerRule, shows: "The provenance of GitHub's own action " + l.shows + ", and its certificate says otherwise.",
			goodProvenance: onRunner(), provenance: onRunner(edited(lab.Set("predicate."+l.path, l.value))), want: contradicted,
		})
	}
	return all
}
