package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/policy"
)

// resolveVersion finds the version under judgement and says what gave it. In
// order: the caller's, the tag's, and, for a digest or a moving tag, the one under
// which the project's TUF repository lists the digest, or else the one with which
// accepted certificates' refs fit the demands.
func (q *question) resolveVersion(named string) string {
	tags := q.rule.VersionTags()
	q.vars.Grammar = tags.Grammar
	tag := q.facts.image.Reference.Tag()
	switch {
	case named != "":
		if err := CheckVersion(q.rule, q.facts.image.Reference, named); err != nil {
			q.noVersion, q.misnamed = err.Error(), true
			return ""
		}
		q.vars.Version = named
		return "flag"
	case tag != "" && !tags.IsMoving(tag):
		version, ok := tags.VersionOf(tag)
		if !ok {
			q.misnamed = true
			q.noVersion = fmt.Sprintf("the tag %q is neither a version (%s) nor a moving tag of the policy", tag, patterns(tags.Version))
			return ""
		}
		q.vars.Version = version
		return "tag"
	}
	if version, problem := q.releaseVersion(); version != "" || problem != "" {
		q.vars.Version, q.noVersion = version, problem
		if version == "" {
			return ""
		}
		return "release"
	}
	version, problem := q.versionOfEvidence(tags)
	if version == "" {
		q.noVersion = problem
		return ""
	}
	q.vars.Version = version
	return "certificate"
}

// CheckVersion says why named cannot be the version of ref under a rule: it is none
// by the rule's grammar, or the tag names another one. A tag that moves, and
// "latest", name none.
func CheckVersion(rule policy.Rule, ref Reference, named string) error {
	tags := rule.VersionTags()
	if !policy.IsVersion(named, tags.Grammar) {
		return fmt.Errorf("%q is no version by the policy's grammar", named)
	}
	tag := ref.Tag()
	if tag == "" || tag == name.DefaultTag || tags.IsMoving(tag) {
		return nil
	}
	if version, ok := tags.VersionOf(tag); ok && version != named {
		return fmt.Errorf("the tag %q is of version %s; version %s was asked for", tag, version, named)
	}
	return nil
}

// named reports whether the caller or the tag name the version.
func (q *question) named() bool { return q.versionFrom == "flag" || q.versionFrom == "tag" }

// movingTag reports whether the reference has a tag that moves.
func (q *question) movingTag() bool {
	tag := q.facts.image.Reference.Tag()
	return tag != "" && q.rule.VersionTags().IsMoving(tag)
}

// releaseVersion is the one version under which the TUF repository lists the digest,
// or why it is several. Both are empty where it lists none; whether the release
// passes is for its check to say.
func (q *question) releaseVersion() (version, problem string) {
	if q.rule.Release == nil || q.facts.release == nil {
		return "", ""
	}
	defer func() {
		if p := recover(); p != nil { // the check will meet it again and say so
			version, problem = "", ""
		}
	}()
	j := newReleaseJudge(q)
	if !j.r.whole() {
		return "", ""
	}
	if q.movingTag() && q.facts.image.Reference.Digest() == "" {
		if l, _ := j.choose(); l != nil {
			return l.version, ""
		}
	}
	with, _ := j.with()
	if q.movingTag() {
		if fits := j.fitting(with, q.facts.image.Reference.Tag()); len(fits) > 0 {
			with = fits
		}
	}
	switch len(with) {
	case 0:
		return "", ""
	case 1:
		return with[0].version, ""
	}
	return "", "the project's TUF repository lists the image under several versions: " + versionsOf(with)
}

func patterns(ps []policy.Pattern) string {
	texts := make([]string, 0, len(ps))
	for _, p := range ps {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, " or ")
}

// versionOfEvidence reads the version backwards: for every required check that
// needs one, the versions with which a statement meets it; then the one version
// that all those checks share.
func (q *question) versionOfEvidence(tags policy.Tags) (version, problem string) {
	var shared []string
	first, needed := true, false
	for _, c := range checks(q.rule) {
		if !c.required(q.rule) {
			continue
		}
		versions, uses := c.versions(q, tags)
		if !uses {
			continue
		}
		needed = true
		if len(versions) == 0 {
			continue // the check fails by itself and says why
		}
		if first {
			shared, first = versions, false
			continue
		}
		shared = slices.DeleteFunc(shared, func(v string) bool { return !slices.Contains(versions, v) })
	}
	if len(shared) > 1 {
		// "v1.2.3" and "1.2.3" are two readings of one ref; SemVer knows the second.
		if strict := slices.DeleteFunc(slices.Clone(shared), func(v string) bool { return !policy.IsVersion(v, "") }); len(strict) == 1 {
			shared = strict
		}
	}
	switch {
	case len(shared) == 1:
		return shared[0], ""
	case len(shared) > 1:
		return "", fmt.Sprintf("the evidence fits several versions: %s", strings.Join(shared, ", "))
	case !first:
		return "", "the evidence of one check is of another version than that of the next"
	case needed:
		return "", "no accepted evidence gives a version"
	}
	return "", ""
}

// versions implements check: those with which some statement meets it.
func (c statements) versions(q *question, tags policy.Tags) ([]string, bool) {
	if !usesVersion(c.demands(q.rule)) {
		return nil, false
	}
	found := map[string]bool{}
	for _, s := range q.reach(c) {
		if s.root != c.demand(q.rule).Trust || !c.concerns(s.layout, s.predicateType) || s.claims == nil {
			continue
		}
		for _, d := range c.demands(q.rule) {
			for _, v := range d.candidateVersions(s.claims, tags.Grammar) {
				if _, diff := c.meets(q, s, d, policy.Vars{Version: v, Grammar: tags.Grammar}); diff == nil && q.denied(s) == nil {
					found[v] = true
				}
			}
		}
	}
	versions := make([]string, 0, len(found))
	for v := range found {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	return versions, true
}

// candidateVersions reads {version} out of the certificate by every pattern that has one.
func (d demand) candidateVersions(c *Claims, grammar string) []string {
	var versions []string
	add := func(p policy.Pattern, s string) {
		if v, ok := p.Version(s, grammar); ok {
			versions = append(versions, v)
		}
	}
	add(d.signer.Identity, c.Identity)
	id, _ := parseIdentity(c)
	for _, p := range d.signer.Ref {
		add(p, id.ref)
	}
	if d.source != nil {
		for _, p := range d.source.Ref {
			add(p, c.Ref)
		}
	}
	return versions
}
