package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// spoken is what a demand says, with the nodes that say it.
type spoken struct {
	// seen are the keys that were there; nil where the demand is no mapping.
	seen map[string]bool
	// signers are the nodes of the demand's signers, one for each.
	signers []*yaml.Node
	source  *yaml.Node
}

// demand reads the keys that every demand for signed evidence has, into d, beside those
// of its own. What d holds before are the defaults.
func (r *reader) demand(n *yaml.Node, what string, d *Demand, p *Policy, own map[string]func(*yaml.Node)) spoken {
	var s spoken
	fields := map[string]func(*yaml.Node){
		"signer": func(n *yaml.Node) { d.Signers, s.signers = r.signers(n, what+".signer") },
		"source": func(n *yaml.Node) { s.source, d.Sources = n, r.sources(n, what+".source") },
		"trust":  func(n *yaml.Node) { d.Trust = r.trustRef(n, what+".trust", p) },
		"on": func(n *yaml.Node) {
			d.On = On(r.choice(n, what+".on", string(OnIndex), string(OnPlatforms), string(OnEither)))
		},
		"select": func(n *yaml.Node) {
			d.Select = Select(r.choice(n, what+".select", string(SelectAny), string(SelectAll), string(SelectNewest)))
		},
		"max_age": func(n *yaml.Node) { d.MaxAge = r.age(n, what+".max_age", longestMaxAge) },
	}
	maps.Copy(fields, own)
	s.seen = r.mapping(n, what, fields)
	return s
}

// checkNewest refuses to judge the newest statement alone where nothing says how old it
// may be: whoever keeps the evidence can hold the newest back.
func (r *reader) checkNewest(n *yaml.Node, what string, d *Demand, seen map[string]bool) {
	if d.Select == SelectNewest && seen != nil && !seen["max_age"] {
		r.fail(n, "%s selects the newest statement, and the registry can hold that back; wanted max_age beside it, such as max_age: 90d, or select: any", what)
	}
}

// signed reads a demand whose signer has to be named, which signature, sbom and
// attestations have in common. shared are the rule's sources; used is set where they count.
func (r *reader) signed(n *yaml.Node, what string, d *Demand, shared []Source, used *bool, p *Policy, own map[string]func(*yaml.Node)) map[string]bool {
	s := r.demand(n, what, d, p, own)
	if s.seen != nil && !s.seen["signer"] {
		r.fail(n, "%s has no %q; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}", what, "signer")
	}
	certified := slices.ContainsFunc(d.Signers, func(s Signer) bool { return s.Key == nil })
	switch {
	case s.source == nil && certified:
		d.Sources, *used = shared, *used || len(shared) > 0
	case s.source != nil && !certified && len(d.Signers) > 0:
		r.fail(s.source, "%s.source stands beside a key, which says nothing of a source; leave it out", what)
	}
	for i := range d.Signers {
		r.checkSigner(s.signers[i], what+".signer", &d.Signers[i], d.Sources)
	}
	return s.seen
}

// signature reads a demand for a signature.
func (r *reader) signature(n *yaml.Node, shared []Source, used *bool, p *Policy) *Signature {
	s := &Signature{Demand{Trust: PublicGood, On: OnEither, Select: SelectAny}}
	seen := r.signed(n, "signature", &s.Demand, shared, used, p, nil)
	r.checkNewest(n, "signature", &s.Demand, seen)
	return s
}

// provenance reads a demand for provenance; shared and used are as in signed.
func (r *reader) provenance(n *yaml.Node, shared []Source, used *bool, p *Policy) *Provenance {
	d := &Provenance{Demand: Demand{Trust: PublicGood, On: OnEither, Select: SelectAny}}
	s := r.demand(n, "provenance", &d.Demand, p, map[string]func(*yaml.Node){
		"builder": func(n *yaml.Node) { d.Builder = r.builderDemand(n) },
		"inputs": func(n *yaml.Node) {
			r.entries(n, "provenance.inputs", func(name string, n *yaml.Node) {
				d.Inputs = append(d.Inputs, Input{Name: name, Value: r.text(n, "provenance.inputs."+name)})
			})
		},
	})
	if s.seen == nil {
		return d
	}
	if !s.seen["builder"] {
		r.fail(n, "provenance has no %q; wanted {id, level}", "builder")
	}
	if !s.seen["source"] {
		d.Sources, *used = shared, true
		if len(shared) == 0 {
			r.fail(n, "provenance has no source; wanted source: {repository: owner/name} here or beside it")
		}
	}
	if !s.seen["signer"] {
		d.Signers = []Signer{{Issuer: GitHubIssuer}}
	}
	r.checkNewest(n, "provenance", &d.Demand, s.seen)
	for i, signer := range s.signers {
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
	r.oneOrList(n, what, func(n *yaml.Node) { sources = append(sources, r.sourceOrName(n, what)) })
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
