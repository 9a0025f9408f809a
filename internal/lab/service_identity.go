package lab

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/sigstore/fulcio/pkg/certificate"
)

// need returns claims that must be there, in the order asked for.
func (c claims) need(names ...string) (func(string) string, error) {
	for _, name := range names {
		if c.text(name) == "" {
			return nil, fmt.Errorf("identify signer: the token has no claim %q", name)
		}
	}
	return c.text, nil
}

// gitHubIdentity maps claims as the public instance's configuration of Fulcio does for GitHub: the certificate is the
// called workflow's, and the repository that of its caller.
func gitHubIdentity(c claims) (Identity, error) {
	get, err := c.need("sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility",
		"ref", "sha", "workflow", "workflow_ref", "workflow_sha", "job_workflow_ref", "job_workflow_sha", "event_name",
		"run_id", "run_attempt", "runner_environment")
	if err != nil {
		return Identity{}, err
	}
	const base = "https://github.com/"
	signer := base + get("job_workflow_ref")
	subject, err := subjectExtension(get("sub"))
	return Identity{SAN: signer, ExtraExtensions: subject, Extensions: certificate.Extensions{
		Issuer:                              get("iss"),
		GithubWorkflowTrigger:               get("event_name"),
		GithubWorkflowSHA:                   get("sha"),
		GithubWorkflowName:                  get("workflow"),
		GithubWorkflowRepository:            get("repository"),
		GithubWorkflowRef:                   get("ref"),
		BuildSignerURI:                      signer,
		BuildSignerDigest:                   get("job_workflow_sha"),
		RunnerEnvironment:                   get("runner_environment"),
		SourceRepositoryURI:                 base + get("repository"),
		SourceRepositoryDigest:              get("sha"),
		SourceRepositoryRef:                 get("ref"),
		SourceRepositoryIdentifier:          get("repository_id"),
		SourceRepositoryOwnerURI:            base + get("repository_owner"),
		SourceRepositoryOwnerIdentifier:     get("repository_owner_id"),
		BuildConfigURI:                      base + get("workflow_ref"),
		BuildConfigDigest:                   get("workflow_sha"),
		BuildTrigger:                        get("event_name"),
		RunInvocationURI:                    base + get("repository") + "/actions/runs/" + get("run_id") + "/attempts/" + get("run_attempt"),
		SourceRepositoryVisibilityAtSigning: get("repository_visibility"),
		DeploymentEnvironment:               get("environment"),
	}}, err
}

// gitLabIdentity maps claims as that configuration does for gitlab.com.
func gitLabIdentity(c claims) (Identity, error) {
	get, err := c.need("sub", "project_path", "project_id", "project_visibility", "namespace_path", "namespace_id",
		"ref", "ref_type", "sha", "ci_config_ref_uri", "ci_config_sha", "pipeline_source", "job_id", "runner_environment")
	if err != nil {
		return Identity{}, err
	}
	const base = GitLabIssuer + "/"
	kind := "tags"
	if get("ref_type") == "branch" {
		kind = "heads"
	}
	signer := "https://" + get("ci_config_ref_uri")
	subject, err := subjectExtension(get("sub"))
	return Identity{SAN: signer, ExtraExtensions: subject, Extensions: certificate.Extensions{
		Issuer:                              get("iss"),
		BuildSignerURI:                      signer,
		BuildSignerDigest:                   get("ci_config_sha"),
		RunnerEnvironment:                   get("runner_environment"),
		SourceRepositoryURI:                 base + get("project_path"),
		SourceRepositoryDigest:              get("sha"),
		SourceRepositoryRef:                 "refs/" + kind + "/" + get("ref"),
		SourceRepositoryIdentifier:          get("project_id"),
		SourceRepositoryOwnerURI:            base + get("namespace_path"),
		SourceRepositoryOwnerIdentifier:     get("namespace_id"),
		BuildConfigURI:                      signer,
		BuildConfigDigest:                   get("ci_config_sha"),
		BuildTrigger:                        get("pipeline_source"),
		RunInvocationURI:                    base + get("project_path") + "/-/jobs/" + get("job_id"),
		SourceRepositoryVisibilityAtSigning: get("project_visibility"),
		DeploymentEnvironment:               get("environment"),
	}}, err
}

// subjectExtension holds the token's subject, which Fulcio writes since version 1.8.8.
func subjectExtension(subject string) ([]pkix.Extension, error) {
	der, err := asn1.MarshalWithParams(subject, "utf8")
	if err != nil {
		return nil, fmt.Errorf("encode token subject: %w", err)
	}
	return []pkix.Extension{{Id: append(slices.Clone(oidFulcio), 24), Value: der}}, nil
}
