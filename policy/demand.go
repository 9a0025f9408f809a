package policy

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// signature reads a demand for a signature. shared are the rule's sources; used is
// set where they count.
func (r *reader) signature(n *yaml.Node, shared []Source, used *bool, p *Policy) *Signature {
	s := &Signature{Demand{Trust: PublicGood, On: OnEither, Select: SelectAny}}
	var signers []*yaml.Node
	var source *yaml.Node
	seen := r.mapping(n, "signature", map[string]func(*yaml.Node){
		"signer": func(n *yaml.Node) { s.Signers, signers = r.signers(n, "signature.signer") },
		"source": func(n *yaml.Node) { source, s.Sources = n, r.sources(n, "signature.source") },
		"trust":  func(n *yaml.Node) { s.Trust = r.trustRef(n, "signature.trust", p) },
	})
	if seen != nil && !seen["signer"] {
		r.fail(n, "signature has no %q; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}", "signer")
	}
	certified := slices.ContainsFunc(s.Signers, func(s Signer) bool { return s.Key == nil })
	switch {
	case source == nil && certified:
		s.Sources, *used = shared, *used || len(shared) > 0
	case source != nil && !certified && len(s.Signers) > 0:
		r.fail(source, "signature.source stands beside a key, which says nothing of a source; leave it out")
	}
	for i := range s.Signers {
		r.checkSigner(signers[i], "signature.signer", &s.Signers[i], s.Sources)
	}
	return s
}

// provenance reads a demand for provenance; shared and used are as in signature.
func (r *reader) provenance(n *yaml.Node, shared []Source, used *bool, p *Policy) *Provenance {
	d := &Provenance{Demand: Demand{Trust: PublicGood, On: OnEither, Select: SelectAny}}
	var signers []*yaml.Node
	seen := r.mapping(n, "provenance", map[string]func(*yaml.Node){
		"builder": func(n *yaml.Node) { d.Builder = r.builderDemand(n) },
		"signer":  func(n *yaml.Node) { d.Signers, signers = r.signers(n, "provenance.signer") },
		"source":  func(n *yaml.Node) { d.Sources = r.sources(n, "provenance.source") },
		"trust":   func(n *yaml.Node) { d.Trust = r.trustRef(n, "provenance.trust", p) },
		"inputs": func(n *yaml.Node) {
			r.entries(n, "provenance.inputs", func(name string, n *yaml.Node) {
				d.Inputs = append(d.Inputs, Input{Name: name, Value: r.text(n, "provenance.inputs."+name)})
			})
		},
	})
	if seen == nil {
		return d
	}
	if !seen["builder"] {
		r.fail(n, "provenance has no %q; wanted {id, level}", "builder")
	}
	if !seen["source"] {
		d.Sources, *used = shared, true
		if len(shared) == 0 {
			r.fail(n, "provenance has no source; wanted source: {repository: owner/name} here or beside it")
		}
	}
	if !seen["signer"] {
		d.Signers = []Signer{{Issuer: GitHubIssuer}}
	}
	for i, signer := range signers {
		r.checkBuilderSigner(signer, "provenance.signer", &d.Signers[i], d.Sources)
	}
	return d
}

func (r *reader) builderDemand(n *yaml.Node) BuilderDemand {
	var b BuilderDemand
	before := len(r.errs)
	r.mapping(n, "provenance.builder", map[string]func(*yaml.Node){
		"id": func(n *yaml.Node) {
			r.oneOrList(n, "provenance.builder.id", func(n *yaml.Node) { b.IDs = append(b.IDs, r.builderID(n)) })
		},
		"level": func(n *yaml.Node) { b.Level = r.number(n, "provenance.builder.level", 0, 3) },
	})
	if len(r.errs) == before && len(b.IDs) == 0 && b.Level == 0 {
		r.fail(n, "provenance.builder demands nothing; wanted an id, a level of at least 1, or both")
	}
	return b
}

func (r *reader) builderID(n *yaml.Node) string {
	id := r.text(n, "provenance.builder.id")
	path, version, versioned := strings.Cut(id, "@")
	if id != "" && (!strings.HasPrefix(path, "https://") || (versioned && version == "") || strings.Contains(version, "@") || strings.ContainsAny(id, "*?#{} ")) {
		r.fail(n, "provenance.builder.id is %q; wanted an https URL, with @version or without", id)
	}
	return id
}

func (r *reader) trustRef(n *yaml.Node, what string, p *Policy) string {
	name := r.text(n, what)
	if _, ok := p.Trust[name]; name != "" && !ok {
		r.fail(n, "%s is %q; wanted one of the roots under trust: %s", what, name, strings.Join(sortedKeys(p.Trust), ", "))
	}
	return name
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
		"branch": func(n *yaml.Node) {
			s.Branch = r.text(n, what+".branch")
			if strings.HasPrefix(s.Branch, "refs/") || strings.ContainsAny(s.Branch, "*?{} ") {
				r.fail(n, "%s.branch is %q; wanted the name of one branch, such as main, or a pattern under ref", what, s.Branch)
			}
		},
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
	if seen != nil && !seen["repository"] {
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
	if err == nil {
		err = namesAnOwner(url)
	}
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
