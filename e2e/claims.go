package main

import (
	"maps"
	"net/url"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// claims are those of the token that GitHub gives a job:
// https://docs.github.com/actions/reference/security/oidc.
type claims map[string]string

// released are the claims of the release workflow of a repository, at a ref that a push has moved.
func released(repo, ref string) claims {
	owner, _, _ := strings.Cut(repo, "/")
	workflow := repo + "/" + lab.DefaultWorkflow + "@" + ref
	kind := "branch"
	if strings.HasPrefix(ref, "refs/tags/") {
		kind = "tag"
	}
	return claims{
		"sub":                   "repo:" + repo + ":ref:" + ref,
		"repository":            repo,
		"repository_id":         lab.DefaultRepositoryID,
		"repository_owner":      owner,
		"repository_owner_id":   lab.DefaultOwnerID,
		"repository_visibility": "public",
		"ref":                   ref,
		"ref_type":              kind,
		"sha":                   lab.DefaultCommit,
		"workflow":              "release",
		"workflow_ref":          workflow,
		"workflow_sha":          lab.DefaultCommit,
		"job_workflow_ref":      workflow,
		"job_workflow_sha":      lab.DefaultCommit,
		"event_name":            "push",
		"run_id":                lab.DefaultRunID,
		"run_number":            "42",
		"run_attempt":           "1",
		"runner_environment":    "github-hosted",
		"actor":                 "octocat",
		"actor_id":              "3003",
	}
}

// but returns the same claims with others for some names, which are followed by their values.
func (c claims) but(pairs ...string) claims {
	out := maps.Clone(c)
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// generator are the claims of a job that the same run hands to the container generator of slsa-github-generator: a
// reusable workflow signs, and what started it stays.
func (c claims) generator() claims {
	return c.but("job_workflow_ref", lab.GeneratorRepository+"/"+lab.ContainerGenerator+"@"+lab.GeneratorRef,
		"job_workflow_sha", strings.Repeat("5", 40))
}

// identity is what Fulcio makes of them for the certificate's subject.
func (c claims) identity() string { return "https://github.com/" + c["job_workflow_ref"] }

// query asks the lab's token endpoint for exactly these claims.
func (c claims) query() string {
	values := url.Values{}
	for name, value := range c {
		values.Set("claim."+name, value)
	}
	return values.Encode()
}
