package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rule looks at one rule, which was read from n.
func (t *linter) rule(n *yaml.Node, r Rule) {
	t.match(n, r)
	t.unreleased(n, r)
	if r.Signature != nil {
		t.demand(n, "signature", r.Signature.Demand)
	}
	if r.Provenance != nil {
		t.demand(n, "provenance", r.Provenance.Demand)
		t.provenance(n, *r.Provenance)
	}
	if r.SBOM != nil {
		t.demand(n, "sbom", r.SBOM.Demand)
		t.sbom(n, *r.SBOM)
	}
	for _, a := range r.Attestations {
		t.demand(n, "attestations/"+a.Name, a.Demand)
		t.attestation(n, a)
	}
	if r.Release != nil {
		t.release(n, *r.Release)
	}
	t.story(n, r)
	if has(n, "mode") {
		t.mode(n, r.Audit, r.AuditUntil)
	}
	t.grace(n, r.Grace)
}

func (t *linter) match(n *yaml.Node, r Rule) {
	host, path, _ := strings.Cut(r.Match.String(), "/")
	switch {
	case strings.Contains(host, "*"):
		t.warn(n, "match", "wide-match", "the rule is for images of any registry; wanted a registry's name")
	case sharedRegistry(host) && strings.HasPrefix(path, "*"):
		t.warn(n, "match", "wide-match", "the rule is for images of anybody at %s; wanted an owner, such as %s/owner/*", host, host)
	}
	for _, m := range r.Mirrors {
		if !strings.Contains(m.Of, "/") && sharedRegistry(m.Of) {
			t.warn(n, "mirrors", "wide-mirror", "whoever can push to %s can offer an image as any of %s; the evidence still decides, but narrow of: to what is mirrored", m.Prefix, m.Of)
		}
	}
}

// sharedRegistry reports whether anybody can have repositories at a registry.
func sharedRegistry(host string) bool {
	return slices.Contains([]string{"ghcr.io", "docker.io", "quay.io", "registry.gitlab.com", "public.ecr.aws"}, host)
}

// unreleased looks for what stops a compromised release workflow.
func (t *linter) unreleased(n *yaml.Node, r Rule) {
	if r.Release != nil {
		return
	}
	t.warn(n, "match", "no-release", "no release is demanded: whoever takes over the release workflow makes all this evidence, and passes; wanted release: {tuf, target, signers}")
	if len(r.Tags.Moving) > 0 {
		t.warn(n, "tags/moving", "moving-tag", "a moving tag can be pointed back at any older release that was validly signed; wanted release:, which knows the newest")
	}
	if r.Provenance == nil && r.Signature != nil {
		t.warn(n, "signature", "no-provenance", "nothing says how the image was built; wanted provenance: {builder}")
	}
}

// demand looks at who may sign, and for what was built from where. where is the
// demand's path below the rule.
func (t *linter) demand(n *yaml.Node, where string, d Demand) {
	for _, s := range d.Signers {
		t.signer(n, where, d, s)
	}
	// A rule's own source is looked at once, by whichever demand comes first.
	path := where + "/source"
	if _, ok := child2(n, where, "source"); !ok {
		path = "source"
	}
	for _, s := range d.Sources {
		t.source(n, path, s)
	}
	if d.MaxAge > longAge {
		t.warn(n, where+"/max_age", "long-age", "evidence counts for more than 400 days; wanted the age at which it should be made again")
	}
}

func child2(n *yaml.Node, path, key string) (*yaml.Node, bool) {
	at, _ := walk(n, path)
	return child(at, key)
}

func (t *linter) signer(n *yaml.Node, where string, d Demand, s Signer) {
	path := where + "/signer"
	if s.Key != nil {
		t.warn(n, path+"/key", "plain-key", "a key says nothing of who used it, and whoever copies it can sign; wanted the identity of a workflow")
		return
	}
	if over := tooWide(s); over != "" {
		t.warn(n, path, "wide-identity", "%s", over)
	}
	if where == "provenance" && s.Workflow.IsZero() && s.Identity.IsZero() && s.IdentityRegexp.IsZero() {
		return // the builder is who signs
	}
	t.circumstances(n, path, s)
	said := slices.ContainsFunc(d.Sources, func(s Source) bool {
		return len(s.Ref) > 0 || !s.RefRegexp.IsZero() || s.Branch != "" || s.VersionedTag != ""
	})
	if !said && !boundRef(s.Ref) && !pinsRef(s) {
		t.warn(n, path, "any-ref", "the workflow counts at any ref, and so with what anybody with write access puts on a branch; wanted ref: refs/tags/v{version}")
	}
}

// circumstances looks at how a workflow may have been started, and where it ran.
func (t *linter) circumstances(n *yaml.Node, path string, s Signer) {
	if grammar, _ := IssuerGrammar(s.Issuer); grammar != GitHubGrammar {
		return
	}
	switch {
	case len(s.Trigger) == 0:
		t.warn(n, path, "any-trigger", "the workflow counts whatever started it, a pull request of a stranger too; wanted trigger: [push, release]")
	case slices.Contains(s.Trigger, "pull_request_target") || slices.Contains(s.Trigger, "pull_request") || slices.Contains(s.Trigger, "workflow_run"):
		t.warn(n, path+"/trigger", "outside-trigger", "a stranger's pull request can start the workflow; wanted events that only those with write access cause, such as push")
	}
	switch s.Runner {
	case "":
		t.warn(n, path, "any-runner", "a runner of one's own counts, on which an earlier job can leave anything; wanted runner: github-hosted")
	case "self-hosted":
		t.warn(n, path+"/runner", "self-hosted", "a self-hosted runner keeps what an earlier job left on it; wanted runner: github-hosted")
	}
}

func (t *linter) source(n *yaml.Node, path string, s Source) {
	if s.Repository.IsExact() && (s.RepositoryID == "" || s.OwnerID == "") {
		t.warn(n, path+"/repository", "no-ids", "whoever gets the name %s after it was given up has the same repository name; wanted repository_id and owner_id, which `assay verify --repo` prints", s.Repository)
	}
	if !s.Repository.IsExact() {
		t.warn(n, path+"/repository", "wide-source", "any repository that fits %s counts, whatever it is for; wanted the repository", s.Repository)
	}
	for _, p := range s.Ref {
		if !boundRef([]Pattern{p}) {
			t.warn(n, path+"/ref", "any-ref", "the ref %s is every ref, branches of anybody with write access among them; wanted refs/tags/v{version}", p)
		} else if strings.HasPrefix(p.String(), "refs/heads/") && !p.IsExact() {
			t.warn(n, path+"/ref", "any-branch", "the ref %s is every such branch; wanted a tag, or the name of a protected branch", p)
		}
	}
	if s.Branch != "" && len(s.Ref) > 0 && !slices.ContainsFunc(s.Ref, func(p Pattern) bool {
		return strings.HasPrefix(p.String(), "refs/tags/") || strings.HasPrefix(p.String(), "**") || p.Match("refs/heads/"+s.Branch, Vars{})
	}) {
		t.warn(n, path+"/branch", "never", "no ref is both of the branch %s and one of ref:, so that nothing passes", s.Branch)
	}
}

// boundRef reports whether one of the patterns says more of a ref than that it is one.
func boundRef(refs []Pattern) bool {
	for _, p := range refs {
		if strings.Trim(strings.NewReplacer("refs/", "", "heads/", "", "tags/", "").Replace(p.String()), "*/") == "" {
			return false
		}
	}
	return len(refs) > 0
}

// pinsRef reports whether an identity spells its ref out.
func pinsRef(s Signer) bool {
	_, ref, ok := strings.Cut(s.Identity.String(), "@")
	if !s.IdentityRegexp.IsZero() {
		_, ref, ok = strings.Cut(s.IdentityRegexp.String(), "@")
		return ok && !strings.HasPrefix(strings.TrimPrefix(ref, "refs/"), ".")
	}
	return ok && strings.Trim(strings.TrimPrefix(ref, "refs/"), "*/") != ""
}

// tooWide says whom an identity lets in beside the one that is meant, "" if nobody.
func tooWide(s Signer) string {
	switch {
	case !s.Workflow.IsZero() && strings.Trim(s.Workflow.String(), "*/") == "",
		!s.Workflow.IsZero() && strings.Trim(strings.TrimPrefix(s.Workflow.String(), ".github/workflows/"), "*.yml/") == "":
		return "any workflow of the repository counts, the one that runs on pull requests too; wanted the release workflow's path"
	case !s.IdentityRegexp.IsZero():
		return wideExpression(s)
	case s.Identity.IsZero() || s.Identity.IsExact():
		return ""
	}
	name, _, _ := strings.Cut(s.Identity.String(), "@")
	if strings.Contains(name, "*") {
		return "the identity " + s.Identity.String() + " is that of any workflow that fits; wanted the release workflow's whole path before the @"
	}
	return ""
}

// wideExpression tries an expression on identities that only resemble the one meant.
func wideExpression(s Signer) string {
	_, base := IssuerGrammar(s.Issuer)
	prefix := s.IdentityRegexp.literalPrefix()
	path, _ := strings.CutPrefix(prefix, base+"/")
	parts := strings.SplitN(path, "/", 3)
	if len(parts) < 3 || !strings.Contains(parts[2], ".y") {
		return "the expression " + s.IdentityRegexp.String() + " leaves the workflow open; wanted the release workflow's whole path, with its dots escaped"
	}
	return ""
}
