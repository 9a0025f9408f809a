package lab

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"

	"github.com/sigstore/fulcio/pkg/certificate"
)

// GitHubIssuer is the issuer of GitHub Actions tokens.
const GitHubIssuer = "https://token.actions.githubusercontent.com"

// Ids and run numbers that the constructors fill in.
const (
	DefaultRepositoryID = "1001"
	DefaultOwnerID      = "2002"
	DefaultRunID        = "987654321"
)

// Identity is what a leaf certificate says of its holder.
type Identity struct {
	// SAN is the URI in the subject alternative name; empty leaves it out.
	SAN string
	// SANs are further URIs, which Fulcio never issues.
	SANs []string
	// Email is an e-mail address in the subject alternative name, as human signers have.
	Email string
	// Extensions are Fulcio's own. OIDC issuer and all else a policy reads stand here.
	Extensions certificate.Extensions
	// DropExtensions leaves every Fulcio extension out.
	DropExtensions bool
	// OnlyDeprecated keeps extensions .1 to .6 alone, as certificates before 2023 have.
	OnlyDeprecated bool
	// ExtraExtensions are added after the others, as they are.
	ExtraExtensions []pkix.Extension
}

// GitHub is the identity of a workflow such as ".github/workflows/release.yml" that runs in its own repository.
func GitHub(repo, ref, commit, workflow string) Identity {
	return gitHubWorkflow("https://github.com", GitHubIssuer, repo, ref, commit, workflow)
}

// GHES is the identity of a workflow on a GitHub Enterprise Server with the given host name.
func GHES(host, repo, ref, commit, workflow string) Identity {
	return gitHubWorkflow("https://"+host, "https://"+host+"/_services/token", repo, ref, commit, workflow)
}

// ReusableWorkflow is the identity of a workflow of signerRepo that a workflow of sourceRepo calls: the certificate
// names the callee as the signer and the caller's repository as the source.
func ReusableWorkflow(sourceRepo, sourceRef, commit, callerWorkflow, signerRepo, signerWorkflow, signerRef string) Identity {
	id := GitHub(sourceRepo, sourceRef, commit, callerWorkflow)
	id.SAN = "https://github.com/" + signerRepo + "/" + signerWorkflow + "@" + signerRef
	id.Extensions.BuildSignerURI = id.SAN
	id.Extensions.BuildSignerDigest = commitOf(signerRepo + "@" + signerRef)
	return id
}

// GitLab is the identity of a pipeline on a GitLab host; project is "group/name".
func GitLab(host, project, ref, commit string) Identity {
	base := "https://" + host
	config := base + "/" + project + "//.gitlab-ci.yml@" + ref
	owner, _, _ := strings.Cut(project, "/")
	return Identity{SAN: config, Extensions: certificate.Extensions{
		Issuer:                              base,
		BuildSignerURI:                      config,
		BuildSignerDigest:                   commit,
		RunnerEnvironment:                   "gitlab-hosted",
		SourceRepositoryURI:                 base + "/" + project,
		SourceRepositoryDigest:              commit,
		SourceRepositoryRef:                 ref,
		SourceRepositoryIdentifier:          DefaultRepositoryID,
		SourceRepositoryOwnerURI:            base + "/" + owner,
		SourceRepositoryOwnerIdentifier:     DefaultOwnerID,
		BuildConfigURI:                      config,
		BuildConfigDigest:                   commit,
		BuildTrigger:                        "push",
		RunInvocationURI:                    base + "/" + project + "/-/jobs/" + DefaultRunID,
		SourceRepositoryVisibilityAtSigning: "public",
	}}
}

// Person is the identity of a human who signed in with an e-mail address.
func Person(email, issuer string) Identity {
	return Identity{Email: email, Extensions: certificate.Extensions{Issuer: issuer}}
}

// WithIDs replaces the repository id and the owner id.
func (id Identity) WithIDs(repository, owner string) Identity {
	id.Extensions.SourceRepositoryIdentifier = repository
	id.Extensions.SourceRepositoryOwnerIdentifier = owner
	return id
}

// WithTrigger replaces the event that started the build.
func (id Identity) WithTrigger(event string) Identity {
	id.Extensions.BuildTrigger = event
	if id.Extensions.GithubWorkflowTrigger != "" {
		id.Extensions.GithubWorkflowTrigger = event
	}
	return id
}

func gitHubWorkflow(base, issuer, repo, ref, commit, workflow string) Identity {
	config := base + "/" + repo + "/" + workflow + "@" + ref
	owner, _, _ := strings.Cut(repo, "/")
	return Identity{SAN: config, Extensions: certificate.Extensions{
		Issuer:                              issuer,
		GithubWorkflowTrigger:               "push",
		GithubWorkflowSHA:                   commit,
		GithubWorkflowName:                  "release",
		GithubWorkflowRepository:            repo,
		GithubWorkflowRef:                   ref,
		BuildSignerURI:                      config,
		BuildSignerDigest:                   commit,
		RunnerEnvironment:                   "github-hosted",
		SourceRepositoryURI:                 base + "/" + repo,
		SourceRepositoryDigest:              commit,
		SourceRepositoryRef:                 ref,
		SourceRepositoryIdentifier:          DefaultRepositoryID,
		SourceRepositoryOwnerURI:            base + "/" + owner,
		SourceRepositoryOwnerIdentifier:     DefaultOwnerID,
		BuildConfigURI:                      config,
		BuildConfigDigest:                   commit,
		BuildTrigger:                        "push",
		RunInvocationURI:                    base + "/" + repo + "/actions/runs/" + DefaultRunID + "/attempts/1",
		SourceRepositoryVisibilityAtSigning: "public",
	}}
}

// commitOf derives a stable, made-up commit id from a name.
func commitOf(name string) string {
	return hexDigest(name)[:40]
}

// oidFulcio is the arc of Fulcio's extensions; .1 to .6 below it are the deprecated ones.
var oidFulcio = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1}

// render returns the certificate extensions of the identity.
func (id Identity) render() ([]pkix.Extension, error) {
	uris := id.SANs
	if id.SAN != "" {
		uris = append([]string{id.SAN}, id.SANs...)
	}
	var out []pkix.Extension
	if len(uris) > 0 || id.Email != "" {
		san, err := subjectAltName(id.Email, uris)
		if err != nil {
			return nil, err
		}
		out = append(out, san)
	}
	if !id.DropExtensions {
		fulcio, err := id.Extensions.Render()
		if err != nil {
			return nil, fmt.Errorf("render fulcio extensions: %w", err)
		}
		for _, e := range fulcio {
			if !id.OnlyDeprecated || isDeprecated(e.Id) {
				out = append(out, e)
			}
		}
	}
	return append(out, id.ExtraExtensions...), nil
}

func isDeprecated(oid asn1.ObjectIdentifier) bool {
	n := len(oidFulcio)
	return len(oid) == n+1 && oid[:n].Equal(oidFulcio) && oid[n] <= 6
}
