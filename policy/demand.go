package policy

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (r *reader) signature(n *yaml.Node, sources []Source, p *Policy) *Signature {
	s := &Signature{Trust: PublicGood, Sources: sources}
	seen := r.mapping(n, "signature", map[string]func(*yaml.Node){
		"signer": func(n *yaml.Node) { s.Signers = r.signers(n, "signature.signer") },
		"source": func(n *yaml.Node) { s.Sources = r.sources(n, "signature.source") },
		"trust":  func(n *yaml.Node) { s.Trust = r.trustRef(n, "signature.trust", p) },
	})
	if !seen["signer"] {
		r.fail(n, "signature has no %q; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}", "signer")
	}
	for i := range s.Signers {
		r.checkSigner(n, "signature.signer", &s.Signers[i], s.Sources)
	}
	return s
}

func (r *reader) provenance(n *yaml.Node, sources []Source, p *Policy) *Provenance {
	d := &Provenance{Trust: PublicGood, Sources: sources}
	seen := r.mapping(n, "provenance", map[string]func(*yaml.Node){
		"builder": func(n *yaml.Node) { d.Builder = r.builderDemand(n) },
		"signer":  func(n *yaml.Node) { d.Signers = r.signers(n, "provenance.signer") },
		"source":  func(n *yaml.Node) { d.Sources = r.sources(n, "provenance.source") },
		"trust":   func(n *yaml.Node) { d.Trust = r.trustRef(n, "provenance.trust", p) },
		"inputs": func(n *yaml.Node) {
			r.entries(n, "provenance.inputs", func(name string, n *yaml.Node) {
				d.Inputs = append(d.Inputs, Input{Name: name, Value: r.text(n, "provenance.inputs."+name)})
			})
		},
	})
	if !seen["builder"] {
		r.fail(n, "provenance has no %q; wanted {id, level}", "builder")
	}
	if len(d.Sources) == 0 {
		r.fail(n, "provenance has no source; wanted source: {repository: owner/name} here or beside it")
	}
	if len(d.Signers) == 0 {
		d.Signers = []Signer{{Issuer: GitHubIssuer}}
	}
	for _, s := range d.Signers {
		if s.Key != nil {
			r.fail(n, "provenance.signer names a key; a key alone says nothing of a builder")
		}
		if s.Issuer == "" {
			r.fail(n, "provenance.signer has no %q", "issuer")
		}
		r.checkIdentity(n, "provenance.signer", &s)
	}
	return d
}

func (r *reader) builderDemand(n *yaml.Node) BuilderDemand {
	var b BuilderDemand
	r.mapping(n, "provenance.builder", map[string]func(*yaml.Node){
		"id": func(n *yaml.Node) {
			r.oneOrList(n, "provenance.builder.id", func(n *yaml.Node) { b.IDs = append(b.IDs, r.builderID(n)) })
		},
		"level": func(n *yaml.Node) { b.Level = r.number(n, "provenance.builder.level", 0, 3) },
	})
	if len(b.IDs) == 0 && b.Level == 0 {
		r.fail(n, "provenance.builder demands nothing; wanted an id, a level of at least 1, or both")
	}
	return b
}

func (r *reader) builderID(n *yaml.Node) string {
	id := r.text(n, "provenance.builder.id")
	path, version, versioned := strings.Cut(id, "@")
	if id != "" && (!strings.HasPrefix(path, "https://") || (versioned && version == "") || strings.Contains(version, "@")) {
		r.fail(n, "provenance.builder.id is %q; wanted an https URL, with @version or without", id)
	}
	return id
}

func (r *reader) trustRef(n *yaml.Node, what string, p *Policy) string {
	name := r.text(n, what)
	if _, ok := p.Trust[name]; name != "" && !ok {
		r.fail(n, "%s is %q; wanted one of the roots above under trust: %s", what, name, strings.Join(sortedKeys(p.Trust), ", "))
	}
	return name
}

func (r *reader) signers(n *yaml.Node, what string) []Signer {
	var signers []Signer
	r.oneOrList(n, what, func(n *yaml.Node) { signers = append(signers, r.signer(n, what)) })
	return signers
}

func (r *reader) signer(n *yaml.Node, what string) Signer {
	var s Signer
	r.mapping(n, what, map[string]func(*yaml.Node){
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
	return s
}

func (r *reader) key(n *yaml.Node, what string) *Key {
	var k Key
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"file":   func(n *yaml.Node) { k.File = r.text(n, what+".file") },
		"sha256": func(n *yaml.Node) { k.SHA256 = r.sha256(n, what+".sha256") },
	})
	if !seen["file"] || !seen["sha256"] {
		r.fail(n, "%s lacks its file or its sha256", what)
	}
	return &k
}

func (r *reader) window(n *yaml.Node, what string) Window {
	var w Window
	r.mapping(n, what, map[string]func(*yaml.Node){
		"from":  func(n *yaml.Node) { w.From = r.time(n, what+".from") },
		"until": func(n *yaml.Node) { w.Until = r.time(n, what+".until") },
	})
	if w.IsZero() {
		r.fail(n, "%s bounds nothing; wanted from, until or both", what)
	}
	if !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until) {
		r.fail(n, "%s ends before it begins", what)
	}
	return w
}

func (r *reader) sources(n *yaml.Node, what string) []Source {
	var sources []Source
	r.oneOrList(n, what, func(n *yaml.Node) { sources = append(sources, r.source(n, what)) })
	return sources
}

func (r *reader) source(n *yaml.Node, what string) Source {
	var s Source
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"repository":    func(n *yaml.Node) { s.Repository = r.repository(n, what+".repository") },
		"repository_id": func(n *yaml.Node) { s.RepositoryID = r.text(n, what+".repository_id") },
		"owner_id":      func(n *yaml.Node) { s.OwnerID = r.text(n, what+".owner_id") },
		"ref":           func(n *yaml.Node) { s.Ref = r.refs(n, what+".ref") },
		"ref_regexp":    func(n *yaml.Node) { s.RefRegexp = r.regexp(n, what+".ref_regexp") },
		"branch":        func(n *yaml.Node) { s.Branch = r.text(n, what+".branch") },
		"versioned_tag": func(n *yaml.Node) {
			s.VersionedTag = r.text(n, what+".versioned_tag")
			if s.VersionedTag != "" && !versionedTag.MatchString(s.VersionedTag) {
				r.fail(n, "%s.versioned_tag is %q; wanted v1, v1.2 or v1.2.3", what, s.VersionedTag)
			}
		},
		"commit": func(n *yaml.Node) {
			s.Commit = r.text(n, what+".commit")
			if s.Commit != "" && !commit.MatchString(s.Commit) {
				r.fail(n, "%s.commit is %q; wanted 40 or 64 lower-case hexadecimal digits", what, s.Commit)
			}
		},
		"signed": func(n *yaml.Node) { s.Signed = r.window(n, what+".signed") },
	})
	if !seen["repository"] {
		r.fail(n, "%s has no %q; wanted owner/name on github.com, or a whole https URL", what, "repository")
	}
	return s
}

var (
	versionedTag = regexp.MustCompile(`\Av[0-9]+(\.[0-9]+(\.[0-9]+(-[0-9A-Za-z.-]+)?)?)?\z`)
	commit       = regexp.MustCompile(`\A([0-9a-f]{40}|[0-9a-f]{64})\z`)
)

func (r *reader) refs(n *yaml.Node, what string) []Pattern {
	var refs []Pattern
	r.oneOrList(n, what, func(n *yaml.Node) {
		p := r.pattern(n, what, "version")
		if !p.IsZero() && !strings.HasPrefix(p.String(), "refs/") && p.String() != "**" {
			r.fail(n, "%s is %q; wanted a whole ref, such as refs/tags/v{version} or refs/heads/main", what, p)
		}
		refs = append(refs, p)
	})
	return refs
}

// repository reads "owner/name", which lives on github.com, or a whole URL.
func (r *reader) repository(n *yaml.Node, what string) Pattern {
	s := r.text(n, what)
	if s == "" {
		return Pattern{}
	}
	url, err := RepositoryURL(s)
	if err != nil {
		r.fail(n, "%s: %s", what, err)
		return Pattern{}
	}
	p, err := ParsePattern(url)
	if err != nil {
		r.fail(n, "%s: %s", what, err)
	}
	return p
}

// checkSigner refuses a signer that says too little to name anybody.
func (r *reader) checkSigner(n *yaml.Node, what string, s *Signer, sources []Source) {
	if s.Key != nil {
		if s.Issuer != "" || !s.Workflow.IsZero() || !s.Repository.IsZero() || len(s.Ref) > 0 || !s.Identity.IsZero() ||
			!s.IdentityRegexp.IsZero() || len(s.Trigger) > 0 || s.Runner != "" || s.Visibility != "" {
			r.fail(n, "%s names a key and a certificate's claims; wanted one of them, or a list of two signers", what)
		}
		return
	}
	if s.Issuer == "" {
		r.fail(n, "%s has no %q; wanted the OIDC issuer, such as %s", what, "issuer", GitHubIssuer)
	}
	if s.Workflow.IsZero() && s.Identity.IsZero() && s.IdentityRegexp.IsZero() {
		r.fail(n, "%s has no workflow and no identity; wanted one of them", what)
	}
	if !s.Workflow.IsZero() && s.Repository.IsZero() && len(sources) == 0 {
		r.fail(n, "%s has a workflow of no repository; wanted source: {repository} or signer.repository", what)
	}
	if !s.Workflow.IsZero() && len(s.Ref) == 0 && !anyRef(sources) {
		r.fail(n, "%s has a workflow at no ref; wanted source: {ref} or signer.ref", what)
	}
	r.checkIdentity(n, what, s)
}

// checkIdentity refuses patterns over identities whose grammar is not known.
func (r *reader) checkIdentity(n *yaml.Node, what string, s *Signer) {
	if !s.Identity.IsZero() && !s.IdentityRegexp.IsZero() {
		r.fail(n, "%s has identity and identity_regexp; wanted one of them", what)
	}
	if !s.Workflow.IsZero() && (!s.Identity.IsZero() || !s.IdentityRegexp.IsZero()) {
		r.fail(n, "%s has a workflow and an identity; wanted one of them", what)
	}
	if s.Issuer == "" || KnownIssuer(s.Issuer) {
		return
	}
	if !s.Workflow.IsZero() || s.Identity.IsZero() || (!s.Identity.IsZero() && !s.Identity.IsExact()) || !s.IdentityRegexp.IsZero() {
		r.fail(n, "%s.issuer is %q, whose identities assay does not know the grammar of; wanted an exact identity instead of workflow or pattern", what, s.Issuer)
	}
}

func anyRef(sources []Source) bool {
	for _, s := range sources {
		if len(s.Ref) > 0 || !s.RefRegexp.IsZero() || s.VersionedTag != "" || s.Branch != "" {
			return true
		}
	}
	return false
}
