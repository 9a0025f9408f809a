package lab

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strconv"
	"strings"
)

// GitLabIssuer is the issuer of tokens of gitlab.com.
const GitLabIssuer = "https://gitlab.com"

// discoveryPath is that of OpenID Connect Discovery 1.0, section 4, below the issuer's URL.
const discoveryPath = ".well-known/openid-configuration"

// claimPrefix begins a query parameter that replaces a claim.
const claimPrefix = "claim."

// tokenDoor answers as GitHub's ACTIONS_ID_TOKEN_REQUEST_URL does: a GET with the parameter "audience" and the request
// token as bearer gives {"value": TOKEN}. Parameters claim.NAME=VALUE replace claims; what is derived from a claim
// (such as the subject from repository and ref) follows it unless it is given too.
func (v *Services) tokenDoor(i *issuer, standing map[string]string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(v.opts.RequestToken)) != 1 {
			return refused(http.StatusUnauthorized, "give token: want the request token as \"Authorization: bearer TOKEN\"")
		}
		given := map[string]string{}
		maps.Copy(given, standing)
		for name, values := range r.URL.Query() {
			if claim, ok := strings.CutPrefix(name, claimPrefix); ok && claim != "" {
				given[claim] = values[len(values)-1]
			}
		}
		for _, name := range []string{"exp", "iat", "nbf"} {
			if value, ok := given[name]; ok {
				if _, err := strconv.ParseInt(value, 10, 64); err != nil {
					return refused(http.StatusBadRequest, "give token: want Unix seconds in claim %s, found %q", name, value)
				}
			}
		}
		// GitHub's default audience is the owner's address; nobody in a lab should rely on that.
		token, err := i.token(orDefault(r.URL.Query().Get("audience"), i.url), given, v.opts.Clock())
		if err != nil {
			return err
		}
		return answerJSON(w, http.StatusOK, object{"count": 1, "value": token})
	}
}

// bearer returns the token of an Authorization header, empty when there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) error {
	return answerJSON(w, http.StatusOK, object{
		"issuer":                                i.url,
		"jwks_uri":                              i.url + i.keysPath,
		"subject_types_supported":               []string{"public"},
		"response_types_supported":              []string{"id_token"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid"},
	})
}

// keys answers with the key set of RFC 7517.
func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) error {
	key, err := i.key()
	if err != nil {
		return fmt.Errorf("make issuer key: %w", err)
	}
	return answerJSON(w, http.StatusOK, object{"keys": []object{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": i.keyID(key),
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}})
}

// defaults collects claims: what is given wins, and later claims may be made of earlier ones.
type defaults struct {
	given map[string]string
	out   claims
}

// set gives a claim its value and returns it.
func (d defaults) set(name, otherwise string) string {
	value, ok := d.given[name]
	if !ok {
		value = otherwise
	}
	d.out[name] = value
	return value
}

// rest adds what was given and has no default.
func (d defaults) rest() claims {
	for name, value := range d.given {
		d.out[name] = value
	}
	return d.out
}

// gitHubClaims are those of a job of the release workflow that a pushed tag started, see "OpenID Connect reference" in
// GitHub's documentation.
func gitHubClaims(given map[string]string) claims {
	d := defaults{given: given, out: claims{}}
	repo, ref, sha := d.set("repository", DefaultRepo), d.set("ref", DefaultRef), d.set("sha", DefaultCommit)
	owner, _, _ := strings.Cut(repo, "/")
	d.set("repository_id", DefaultRepositoryID)
	d.set("repository_owner", owner)
	d.set("repository_owner_id", DefaultOwnerID)
	d.set("repository_visibility", "public")
	d.set("ref_type", refType(ref))
	d.set("ref_protected", "false")
	d.set("workflow", "release")
	workflow := d.set("workflow_ref", repo+"/"+DefaultWorkflow+"@"+ref)
	workflowSHA := d.set("workflow_sha", sha)
	d.set("job_workflow_ref", workflow)
	d.set("job_workflow_sha", workflowSHA)
	event := d.set("event_name", "push")
	d.set("run_id", DefaultRunID)
	d.set("run_number", "42")
	d.set("run_attempt", "1")
	d.set("runner_environment", "github-hosted")
	d.set("actor", "octocat")
	d.set("actor_id", "3003")
	d.set("base_ref", "")
	d.set("head_ref", "")
	subject := "repo:" + repo + ":ref:" + ref
	switch environment, ok := given["environment"]; {
	case ok:
		subject = "repo:" + repo + ":environment:" + environment
	case event == "pull_request":
		subject = "repo:" + repo + ":pull_request"
	}
	d.set("sub", subject)
	return d.rest()
}

// gitLabClaims are those of a job of a tag's pipeline, see "OpenID Connect (OIDC) authentication using ID tokens" in
// GitLab's documentation.
func gitLabClaims(given map[string]string) claims {
	d := defaults{given: given, out: claims{}}
	project, sha := d.set("project_path", DefaultRepo), d.set("sha", DefaultCommit)
	path := d.set("ref_path", DefaultRef)
	ref := d.set("ref", strings.TrimPrefix(strings.TrimPrefix(path, "refs/tags/"), "refs/heads/"))
	kind := d.set("ref_type", refType(path))
	namespace := project[:max(0, strings.LastIndexByte(project, '/'))]
	d.set("namespace_path", namespace)
	d.set("namespace_id", DefaultOwnerID)
	d.set("project_id", DefaultRepositoryID)
	d.set("project_visibility", "public")
	d.set("ref_protected", "true")
	d.set("pipeline_id", "42")
	d.set("pipeline_source", "push")
	d.set("job_id", DefaultRunID)
	d.set("runner_id", "1")
	d.set("runner_environment", "gitlab-hosted")
	d.set("ci_config_ref_uri", "gitlab.com/"+project+"//.gitlab-ci.yml@"+path)
	d.set("ci_config_sha", sha)
	d.set("user_id", "3003")
	d.set("user_login", "octocat")
	d.set("sub", "project_path:"+project+":ref_type:"+kind+":ref:"+ref)
	return d.rest()
}

func refType(ref string) string {
	if strings.HasPrefix(ref, "refs/tags/") {
		return "tag"
	}
	return "branch"
}
