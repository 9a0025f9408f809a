package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// signers reads one signer or several, each with the node it was read from. One
// that is no mapping and no known name is reported and left out.
func (r *reader) signers(n *yaml.Node, what string) (signers []Signer, nodes []*yaml.Node) {
	r.oneOrList(n, what, func(n *yaml.Node) {
		if s, ok := r.signerOrName(n, what); ok {
			signers, nodes = append(signers, s), append(nodes, n)
		}
	})
	return signers, nodes
}

func (r *reader) signer(n *yaml.Node, what string) (s Signer, ok bool) {
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"issuer":          func(n *yaml.Node) { s.Issuer = r.text(n, what+".issuer") },
		"workflow":        func(n *yaml.Node) { s.Workflow = r.pattern(n, what+".workflow") },
		"repository":      func(n *yaml.Node) { s.Repository = r.repository(n, what+".repository") },
		"ref":             func(n *yaml.Node) { s.Ref = r.refs(n, what+".ref") },
		"identity":        func(n *yaml.Node) { s.Identity = r.pattern(n, what+".identity", "version") },
		"identity_regexp": func(n *yaml.Node) { s.IdentityRegexp = r.regexp(n, what+".identity_regexp") },
		"trigger": func(n *yaml.Node) {
			r.oneOrList(n, what+".trigger", func(n *yaml.Node) { s.Trigger = append(s.Trigger, r.text(n, what+".trigger")) })
		},
		"runner":     func(n *yaml.Node) { s.Runner = r.choice(n, what+".runner", "github-hosted", "self-hosted") },
		"visibility": func(n *yaml.Node) { s.Visibility = r.choice(n, what+".visibility", "public", "private", "internal") },
		"key":        func(n *yaml.Node) { s.Key = r.key(n, what+".key") },
		"signed":     func(n *yaml.Node) { s.Signed = r.window(n, what+".signed") },
	})
	return s, seen != nil
}

func (r *reader) key(n *yaml.Node, what string) *Key {
	var k Key
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"file":   func(n *yaml.Node) { k.File = r.localFile(n, what+".file") },
		"sha256": func(n *yaml.Node) { k.SHA256 = r.sha256(n, what+".sha256") },
	})
	if seen != nil && (!seen["file"] || !seen["sha256"]) {
		r.fail(n, "%s lacks its file or its sha256", what)
	}
	return &k
}

func (r *reader) window(n *yaml.Node, what string) Window {
	var w Window
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"from":  func(n *yaml.Node) { w.From = r.time(n, what+".from") },
		"until": func(n *yaml.Node) { w.Until = r.time(n, what+".until") },
	})
	if seen != nil && !seen["from"] && !seen["until"] {
		r.fail(n, "%s bounds nothing; wanted from, until or both", what)
	}
	if !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until) {
		r.fail(n, "%s ends before it begins", what)
	}
	return w
}

// checkSigner refuses a signature's signer that says too little to name anybody.
func (r *reader) checkSigner(n *yaml.Node, what string, s *Signer, sources []Source) {
	if s.Key != nil {
		if s.hasClaims() {
			r.fail(n, "%s names a key and a certificate's claims; wanted one of them, or a list of two signers", what)
		}
		return
	}
	if s.Workflow.IsZero() && s.Identity.IsZero() && s.IdentityRegexp.IsZero() {
		r.fail(n, "%s has no workflow and no identity; wanted one of them", what)
	}
	if len(sources) == 0 && s.namesAnybody() {
		r.fail(n, "%s has an identity that strangers have too, and there is no source; wanted an identity that spells the owner out, or source: {repository}", what)
	}
	r.checkIdentity(n, what, s, sources)
}

// checkBuilderSigner refuses a provenance's signer that cannot be a builder.
// Without workflow and identity, the table of builders says who signs.
func (r *reader) checkBuilderSigner(n *yaml.Node, what string, s *Signer, sources []Source) {
	if s.Key != nil {
		r.fail(n, "%s names a key; a key alone says nothing of a builder", what)
		return
	}
	r.checkIdentity(n, what, s, sources)
}

// hasClaims reports whether s demands anything of a certificate.
func (s *Signer) hasClaims() bool {
	return s.Issuer != "" || !s.Workflow.IsZero() || !s.Repository.IsZero() || len(s.Ref) > 0 || !s.Identity.IsZero() ||
		!s.IdentityRegexp.IsZero() || len(s.Trigger) > 0 || s.Runner != "" || s.Visibility != ""
}

// checkIdentity refuses demands on a certificate's name that exclude each other,
// that leave a part of it open, or whose grammar is not known.
func (r *reader) checkIdentity(n *yaml.Node, what string, s *Signer, sources []Source) {
	whole := !s.Identity.IsZero() || !s.IdentityRegexp.IsZero()
	switch {
	case !s.Identity.IsZero() && !s.IdentityRegexp.IsZero():
		r.fail(n, "%s has identity and identity_regexp; wanted one of them", what)
	case whole && !s.Workflow.IsZero():
		r.fail(n, "%s has a workflow and an identity; wanted one of them", what)
	case whole && (!s.Repository.IsZero() || len(s.Ref) > 0):
		r.fail(n, "%s has an identity, which is the whole name, and a part of it; wanted identity alone, or workflow with repository and ref", what)
	}
	if !s.Workflow.IsZero() {
		if s.Repository.IsZero() && len(sources) == 0 {
			r.fail(n, "%s has a workflow of no repository; wanted source: {repository} or signer.repository", what)
		}
		if len(s.Ref) == 0 && !allRefs(sources) {
			r.fail(n, "%s has a workflow at no ref; wanted signer.ref, or source: {ref} in every source", what)
		}
	}
	switch {
	case s.Issuer == "":
		r.fail(n, "%s has no %q; wanted the OIDC issuer, such as %s", what, "issuer", GitHubIssuer)
	case strings.HasPrefix(s.Identity.String(), "https://") && !s.Identity.IsExact() && !strings.Contains(s.Identity.String(), "@"):
		r.fail(n, "%s.identity is %q, which no workflow has, since wildcards do not stand for @; wanted PATH@REF, such as %s@refs/tags/*", what, s.Identity, s.Identity)
	case !KnownIssuer(s.Issuer) && !s.Identity.IsExact():
		r.fail(n, "%s.issuer is %q, whose identities assay does not know the grammar of; wanted an exact identity instead of workflow or pattern", what, s.Issuer)
	}
}

// allRefs reports whether there are sources and each says which ref.
func allRefs(sources []Source) bool {
	for _, s := range sources {
		if len(s.Ref) == 0 && s.RefRegexp.IsZero() && s.VersionedTag == "" && s.Branch == "" {
			return false
		}
	}
	return len(sources) > 0
}
