package policy

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// GitHubRelease describes a release well enough to demand it without a policy file: it
// is what the flags of `assay verify IMAGE --repo OWNER/NAME` say.
type GitHubRelease struct {
	// Image is the canonical name that the policy is for.
	Image string
	// Repository is "owner/name" on github.com, or a whole URL.
	Repository string
	// RepositoryID and OwnerID pin the numeric ids, where given.
	RepositoryID, OwnerID string
	// Ref replaces the default, a tag equal to the image's tag or "v" and that tag.
	Ref string
	// Workflow is "PATH", "OWNER/NAME/PATH" or either with "@REF": who signs, where
	// that is not any workflow of the repository at the source's ref.
	Workflow string
	// Issuer, Identity and Trigger replace the defaults: GitHub's issuer, no demand
	// on the whole identity, and push, release and workflow_dispatch. Workflow and
	// Identity are judged of the signature; provenance is signed by its builder.
	Issuer, Identity string
	Trigger          []string
	// Require names the demanded checks; none means signature and provenance.
	Require []string
}

// requirable are the checks that GitHubRelease.Require may name.
var requirable = []string{"signature", "provenance"}

type yamlPolicy struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Metadata   map[string]string `yaml:"metadata,flow"`
	Images     []yamlRule        `yaml:"images"`
}

type yamlRule struct {
	Match  string `yaml:"match"`
	Tags   any    `yaml:"tags,flow"`
	Source struct {
		Repository   string   `yaml:"repository"`
		RepositoryID string   `yaml:"repository_id,omitempty"`
		OwnerID      string   `yaml:"owner_id,omitempty"`
		Ref          []string `yaml:"ref,flow"`
	} `yaml:"source"`
	Signature  *yamlEvidence `yaml:"signature,omitempty"`
	Provenance *yamlEvidence `yaml:"provenance,omitempty"`
}

type yamlEvidence struct {
	Builder map[string]int `yaml:"builder,omitempty,flow"`
	Signer  yamlSigner     `yaml:"signer"`
}

type yamlSigner struct {
	Issuer     string   `yaml:"issuer"`
	Workflow   string   `yaml:"workflow,omitempty"`
	Repository string   `yaml:"repository,omitempty"`
	Ref        string   `yaml:"ref,omitempty"`
	Identity   string   `yaml:"identity,omitempty"`
	Trigger    []string `yaml:"trigger,omitempty,flow"`
	Runner     string   `yaml:"runner,omitempty"`
}

// BuiltIn writes the built-in policy for a release and parses it, so that what is
// judged is what is shown. It returns the policy and its YAML.
func BuiltIn(r GitHubRelease) (*Policy, []byte, error) {
	text, err := r.yaml()
	if err != nil {
		return nil, nil, err
	}
	p, err := Parse("built-in", text)
	if err != nil {
		return nil, nil, fmt.Errorf("make the built-in policy: %w", err)
	}
	p.BuiltIn = true
	return p, text, nil
}

func (r GitHubRelease) yaml() ([]byte, error) {
	legs, err := r.legs()
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(r.Image, "*{}") {
		return nil, fmt.Errorf("found the image %q; wanted the name of one image", r.Image)
	}
	base, err := r.signer()
	if err != nil {
		return nil, err
	}
	if err := r.speaksFor(base.Issuer); err != nil {
		return nil, err
	}
	rule := r.rule()
	if slices.Contains(legs, "signature") {
		s := base
		if s.Identity == "" && s.Workflow == "" {
			s.Workflow = ".github/workflows/*"
			if g, _ := IssuerGrammar(s.Issuer); g == GitLabGrammar {
				s.Workflow = ".gitlab-ci.yml"
			}
		}
		rule.Signature = &yamlEvidence{Signer: s}
	}
	if slices.Contains(legs, "provenance") {
		// The provenance is signed by its builder, whose identity follows from the
		// table of builders; the signature's workflow says nothing about it.
		s := yamlSigner{Issuer: base.Issuer, Trigger: base.Trigger, Runner: base.Runner}
		rule.Provenance = &yamlEvidence{Builder: map[string]int{"level": 2}, Signer: s}
	}
	return yaml.Marshal(yamlPolicy{
		APIVersion: APIVersion, Kind: Kind, Metadata: map[string]string{"name": "built-in"}, Images: []yamlRule{rule},
	})
}

// legs are the checks that the policy demands.
func (r GitHubRelease) legs() ([]string, error) {
	if len(r.Require) == 0 {
		return requirable, nil
	}
	for _, leg := range r.Require {
		if !slices.Contains(requirable, leg) {
			return nil, fmt.Errorf("found the check %q; wanted some of %s", leg, strings.Join(requirable, ", "))
		}
	}
	if (r.Workflow != "" || r.Identity != "") && !slices.Contains(r.Require, "signature") {
		return nil, fmt.Errorf("found a signer workflow or an identity, which are judged of a signature, and no signature is required")
	}
	return r.Require, nil
}

// rule is the rule without its evidence.
func (r GitHubRelease) rule() yamlRule {
	rule := yamlRule{Match: r.Image, Tags: map[string]string{"version": "{version}", "version_regexp": "[0-9A-Za-z_][0-9A-Za-z._-]*"}}
	rule.Source.Repository = r.Repository
	rule.Source.RepositoryID, rule.Source.OwnerID = r.RepositoryID, r.OwnerID
	rule.Source.Ref = []string{"refs/tags/{version}", "refs/tags/v{version}"}
	if r.Ref != "" {
		rule.Source.Ref = []string{r.Ref}
	}
	return rule
}

// speaksFor refuses a repository of another home than its issuer's: nothing that
// the issuer signs could ever be of it.
func (r GitHubRelease) speaksFor(issuer string) error {
	_, base := IssuerGrammar(issuer)
	url, err := RepositoryURL(r.Repository)
	if err != nil || base == "" || strings.HasPrefix(url, base+"/") {
		return err
	}
	return fmt.Errorf("found the repository %q and the issuer %q, which speaks for %s/...; wanted the whole URL of a repository there, or another issuer", r.Repository, issuer, base)
}

// signer is what the flags say about who signs.
func (r GitHubRelease) signer() (yamlSigner, error) {
	s := yamlSigner{Issuer: r.Issuer, Identity: r.Identity, Trigger: r.Trigger}
	if s.Issuer == "" {
		s.Issuer = GitHubIssuer
	}
	grammar, base := IssuerGrammar(s.Issuer)
	if grammar == GitHubGrammar {
		s.Runner = "github-hosted"
		if len(s.Trigger) == 0 {
			s.Trigger = []string{"push", "release", "workflow_dispatch"}
		}
	}
	if r.Workflow == "" {
		return s, nil
	}
	if r.Identity != "" {
		return s, fmt.Errorf("found a signer workflow and an identity; wanted one of them")
	}
	path, ref, at := strings.Cut(r.Workflow, "@")
	if path == "" || at && ref == "" {
		return s, fmt.Errorf("found the signer workflow %q; wanted PATH, or PATH@REF", r.Workflow)
	}
	s.Workflow, s.Ref = path, ref
	if grammar != GitHubGrammar || strings.HasPrefix(path, ".github/") {
		return s, nil
	}
	parts := strings.SplitN(path, "/", 3)
	if len(parts) != 3 || !strings.HasPrefix(parts[2], ".github/") {
		return s, fmt.Errorf("found the signer workflow %q; wanted .github/workflows/FILE or OWNER/NAME/.github/workflows/FILE", r.Workflow)
	}
	if ref == "" {
		return s, fmt.Errorf("found the signer workflow %q of another repository at no ref; wanted %s@refs/tags/*, or the ref it is used at", r.Workflow, r.Workflow)
	}
	s.Repository, s.Workflow = base+"/"+parts[0]+"/"+parts[1], parts[2]
	return s, nil
}
