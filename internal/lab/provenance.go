package lab

import (
	"maps"
	"strings"
)

// SLSA generators and build types of which the lab imitates the provenance.
const (
	GeneratorRepository   = "slsa-framework/slsa-github-generator"
	GeneratorRef          = "refs/tags/v2.1.0"
	ContainerGenerator    = ".github/workflows/generator_container_slsa3.yml"
	ContainerBasedBuilder = ".github/workflows/builder_container-based_slsa3.yml"

	ContainerBuildType      = "https://github.com/slsa-framework/slsa-github-generator/container@v1"
	ContainerBasedBuildType = "https://slsa.dev/container-based-build/v0.1?draft"
	DelegatorBuildType      = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"
	GitHubBuildType         = "https://actions.github.io/buildtypes/workflow/v1"
)

// ProvenanceOptions are the facts of a build. The zero value of a field gives the default named beside it.
type ProvenanceOptions struct {
	// Subjects are what was built; see [Subjects].
	Subjects []Subject
	// Repo is the source repository, "owner/name". Default: acme/widget.
	Repo string
	// Ref is the source ref. Default: refs/tags/v1.2.3.
	Ref string
	// Commit is the source commit. Default: [DefaultCommit].
	Commit string
	// Workflow is the path of the workflow that ran. Default: .github/workflows/release.yml.
	Workflow string
	// BuilderID names the builder. Default: what the real generator of the function writes.
	BuilderID string
	// Event is what started the build. Default: push.
	Event string
	// Inputs are the workflow's inputs; only a workflow_dispatch event has some.
	Inputs map[string]any
	// RepositoryID and OwnerID default to [DefaultRepositoryID] and [DefaultOwnerID].
	RepositoryID, OwnerID string
	// Edit changes the decoded statement before it is encoded.
	Edit Edit
}

// DefaultCommit is the source commit of a good release.
const DefaultCommit = "1f2e3d4c5b6a79880716253443526170ffeeddcc"

func (o ProvenanceOptions) withDefaults(builder string) ProvenanceOptions {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&o.Repo, DefaultRepo},
		{&o.Ref, DefaultRef},
		{&o.Commit, DefaultCommit},
		{&o.Workflow, DefaultWorkflow},
		{&o.Event, "push"},
		{&o.RepositoryID, DefaultRepositoryID},
		{&o.OwnerID, DefaultOwnerID},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if o.BuilderID == "" {
		o.BuilderID = builder
	}
	if o.BuilderID == "" {
		o.BuilderID = o.repoURL() + "/" + o.Workflow + "@" + o.Ref
	}
	return o
}

// generator returns the builder id of a workflow of slsa-github-generator.
func generator(workflow string) string {
	return "https://github.com/" + GeneratorRepository + "/" + workflow + "@" + GeneratorRef
}

func (o ProvenanceOptions) repoURL() string { return "https://github.com/" + o.Repo }
func (o ProvenanceOptions) gitURI() string  { return "git+" + o.repoURL() + "@" + o.Ref }

func (o ProvenanceOptions) owner() string {
	owner, _, _ := strings.Cut(o.Repo, "/")
	return owner
}

func (o ProvenanceOptions) refType() string {
	if strings.HasPrefix(o.Ref, "refs/tags/") {
		return "tag"
	}
	return "branch"
}

func (o ProvenanceOptions) invocationID() string {
	return o.repoURL() + "/actions/runs/" + DefaultRunID + "/attempts/1"
}

// event returns the part of GitHub's event payload that verifiers read.
func (o ProvenanceOptions) event() object {
	repository := object{
		"id":             1001,
		"full_name":      o.Repo,
		"html_url":       o.repoURL(),
		"default_branch": "main",
		"private":        false,
		"visibility":     "public",
		"owner":          object{"id": 2002, "login": o.owner()},
	}
	payload := object{"ref": o.Ref, "repository": repository, "sender": object{"login": "octocat"}}
	if o.Event == "workflow_dispatch" {
		payload["inputs"] = o.inputs()
		payload["workflow"] = o.Workflow
		return payload
	}
	payload["base_ref"] = nil
	if o.refType() == "tag" {
		payload["base_ref"] = "refs/heads/main"
	}
	payload["before"] = strings.Repeat("0", 40)
	payload["after"] = o.Commit
	return payload
}

// inputs returns the inputs, or null as GitHub writes when there are none.
func (o ProvenanceOptions) inputs() any {
	if len(o.Inputs) == 0 {
		return nil
	}
	return maps.Clone(o.Inputs)
}

// environment returns the GitHub context as variables with upper-case names, which the v1 formats record.
func (o ProvenanceOptions) environment() object {
	return object{
		"GITHUB_ACTOR_ID":            "3003",
		"GITHUB_BASE_REF":            "",
		"GITHUB_EVENT_NAME":          o.Event,
		"GITHUB_EVENT_PAYLOAD":       o.event(),
		"GITHUB_REF":                 o.Ref,
		"GITHUB_REF_TYPE":            o.refType(),
		"GITHUB_REPOSITORY":          o.Repo,
		"GITHUB_REPOSITORY_ID":       o.RepositoryID,
		"GITHUB_REPOSITORY_OWNER_ID": o.OwnerID,
		"GITHUB_RUN_ATTEMPT":         "1",
		"GITHUB_RUN_ID":              DefaultRunID,
		"GITHUB_RUN_NUMBER":          "42",
		"GITHUB_SHA":                 o.Commit,
		"GITHUB_TRIGGERING_ACTOR_ID": "3003",
		"GITHUB_WORKFLOW_REF":        o.Repo + "/" + o.Workflow + "@" + o.Ref,
		"GITHUB_WORKFLOW_SHA":        o.Commit,
	}
}

func (o ProvenanceOptions) runDetails() object {
	return object{
		"builder":  object{"id": o.BuilderID},
		"metadata": object{"invocationId": o.invocationID()},
	}
}

// ProvenanceV02 returns SLSA v0.2 provenance as slsa-github-generator writes it for a container image.
func ProvenanceV02(opts ProvenanceOptions) ([]byte, error) {
	o := opts.withDefaults(generator(ContainerGenerator))
	source := object{"uri": o.gitURI(), "digest": object{"sha1": o.Commit}}
	return Statement(StatementV01, SLSAv02PredicateType, o.Subjects, object{
		"builder":   object{"id": o.BuilderID},
		"buildType": ContainerBuildType,
		"invocation": object{
			"configSource": object{"uri": o.gitURI(), "digest": object{"sha1": o.Commit}, "entryPoint": o.Workflow},
			"environment": object{
				"github_actor":               "octocat",
				"github_actor_id":            "3003",
				"github_base_ref":            "",
				"github_event_name":          o.Event,
				"github_event_payload":       o.event(),
				"github_head_ref":            "",
				"github_ref":                 o.Ref,
				"github_ref_type":            o.refType(),
				"github_repository_id":       o.RepositoryID,
				"github_repository_owner":    o.owner(),
				"github_repository_owner_id": o.OwnerID,
				"github_run_attempt":         "1",
				"github_run_id":              DefaultRunID,
				"github_run_number":          "42",
				"github_sha1":                o.Commit,
			},
		},
		"metadata": object{
			"buildInvocationID": DefaultRunID + "-1",
			"completeness":      object{"parameters": true, "environment": false, "materials": false},
			"reproducible":      false,
		},
		"materials": []object{source},
	}, o.Edit)
}

// ProvenanceContainerBased returns SLSA v1 provenance as the container-based builder of slsa-github-generator writes it.
func ProvenanceContainerBased(opts ProvenanceOptions) ([]byte, error) {
	o := opts.withDefaults(generator(ContainerBasedBuilder))
	source := object{"uri": o.gitURI(), "digest": object{"sha1": o.Commit}}
	image := hexDigest("builder image")
	environment := o.environment()
	environment["GITHUB_WORKFLOW"] = o.Workflow
	// This builder alone writes the run as numbers.
	environment["GITHUB_RUN_ID"], environment["GITHUB_RUN_NUMBER"] = 987654321, 42
	return Statement(StatementV01, SLSAv1PredicateType, o.Subjects, object{
		"buildDefinition": object{
			"buildType": ContainerBasedBuildType,
			"externalParameters": object{
				"source":       source,
				"builderImage": object{"uri": "bash@sha256:" + image, "digest": object{"sha256": image}},
				"configPath":   ".github/configs/build.toml",
				"buildConfig":  object{"ArtifactPath": "widget", "Command": []string{"make", "widget"}},
			},
			"resolvedDependencies": []object{source, {
				"uri":    "git+https://github.com/" + GeneratorRepository + "@" + GeneratorRef,
				"digest": object{"sha256": image},
			}},
			"internalParameters": environment,
		},
		"runDetails": o.runDetails(),
	}, o.Edit)
}

// ProvenanceBYOB returns SLSA v1 provenance as a builder made with slsa-github-generator's "bring your own builder"
// framework writes it. The builder id is the trusted reusable workflow; its default is one of acme/builders.
func ProvenanceBYOB(opts ProvenanceOptions) ([]byte, error) {
	o := opts.withDefaults("https://github.com/acme/builders/.github/workflows/builder_slsa3.yml@refs/tags/v1.0.0")
	inputs := o.inputs()
	if inputs == nil {
		inputs = object{}
	}
	return Statement(StatementV01, SLSAv1PredicateType, o.Subjects, object{
		"buildDefinition": object{
			"buildType":            DelegatorBuildType,
			"externalParameters":   object{"inputs": inputs, "vars": object{}},
			"internalParameters":   o.environment(),
			"resolvedDependencies": []object{{"uri": o.gitURI(), "digest": object{"gitCommit": o.Commit}}},
		},
		"runDetails": o.runDetails(),
	}, o.Edit)
}

// ProvenanceGitHub returns SLSA v1 provenance as actions/attest-build-provenance writes it. The builder is the
// workflow itself.
func ProvenanceGitHub(opts ProvenanceOptions) ([]byte, error) {
	o := opts.withDefaults("")
	return Statement(StatementV1, SLSAv1PredicateType, o.Subjects, object{
		"buildDefinition": object{
			"buildType": GitHubBuildType,
			"externalParameters": object{
				"workflow": object{"ref": o.Ref, "repository": o.repoURL(), "path": o.Workflow},
			},
			"internalParameters": object{"github": object{
				"event_name":          o.Event,
				"repository_id":       o.RepositoryID,
				"repository_owner_id": o.OwnerID,
				"runner_environment":  "github-hosted",
			}},
			"resolvedDependencies": []object{{"uri": o.gitURI(), "digest": object{"gitCommit": o.Commit}}},
		},
		"runDetails": o.runDetails(),
	}, o.Edit)
}
