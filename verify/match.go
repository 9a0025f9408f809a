package verify

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/slsa-framework/slsa-verifier/v2/verifiers/utils"

	"github.com/releaseassay/assay/policy"
)

// Difference is the first thing in which a candidate is not what was demanded.
type Difference struct {
	Field  string `json:"field"`
	Wanted string `json:"wanted"`
	Found  string `json:"found"`

	problem problem
	// code is the exact code where the problem's does not do; violations are what of a
	// statement's content breaks which rule. See [violated].
	code       Code
	violations []Violation
	// text says it in a sentence, where field, wanted and found do not make one.
	text string
}

func differ(p problem, field, wanted, found string) *Difference {
	return &Difference{Field: field, Wanted: wanted, Found: found, problem: p}
}

// missing is a claim that was demanded and that the certificate does not make. It
// is never taken from the statement instead.
func missing(field, wanted string) *Difference {
	return differ(problemClaimMissing, field, wanted, "")
}

// matchClaim compares one claim with the one value that is demanded, if any.
func matchClaim(p problem, field, wanted, found string) *Difference {
	switch {
	case wanted == "" || wanted == found:
		return nil
	case found == "":
		return missing(field, wanted)
	}
	return differ(p, field, wanted, found)
}

// matchPatterns compares one claim with patterns of which one must match.
func matchPatterns(p problem, field string, wanted []policy.Pattern, found string, vars policy.Vars) *Difference {
	if len(wanted) == 0 {
		return nil
	}
	var texts []string
	for _, w := range wanted {
		if w.Match(found, vars) {
			return nil
		}
		texts = append(texts, expand(w, vars))
	}
	if found == "" {
		return missing(field, strings.Join(texts, " or "))
	}
	return differ(p, field, strings.Join(texts, " or "), found)
}

// expand writes a pattern for people, with the version where it is known.
func expand(p policy.Pattern, vars policy.Vars) string {
	if s, ok := p.Expand(vars); ok {
		return s
	}
	if vars.Version != "" {
		return strings.ReplaceAll(p.String(), "{version}", vars.Version)
	}
	return p.String()
}

// demand is one way in which a requirement can be met: one signer and one source.
type demand struct {
	signer policy.Signer
	source *policy.Source
}

// demands pairs every signer with every source. A requirement without a source is
// met by its signer alone.
func demands(signers []policy.Signer, sources []policy.Source) []demand {
	var all []demand
	for _, s := range signers {
		if len(sources) == 0 || s.Key != nil { // a key says nothing of a source
			all = append(all, demand{signer: s})
			continue
		}
		for i := range sources {
			all = append(all, demand{signer: s, source: &sources[i]})
		}
	}
	return all
}

// usesVersion reports whether the demand cannot be judged without a version.
func (d demand) usesVersion() bool {
	for _, p := range d.signer.Ref {
		if p.UsesVersion() {
			return true
		}
	}
	if d.signer.Identity.UsesVersion() {
		return true
	}
	if d.source == nil {
		return false
	}
	for _, p := range d.source.Ref {
		if p.UsesVersion() {
			return true
		}
	}
	return false
}

// matchTime wants every verified time to be no later than the judgement and
// inside the windows of signer and source.
func (d demand) matchTime(s *Statement, at time.Time, limits Limits) *Difference {
	for _, t := range s.times {
		if t.Time.After(at.Add(limits.ClockSkew)) {
			return differ(problemFuture, "time", "not after "+at.UTC().Format(time.RFC3339), t.Time.Format(time.RFC3339))
		}
		for _, w := range d.windows() {
			if !w.Contains(t.Time) {
				return differ(problemWindow, "time", window(w), t.Time.Format(time.RFC3339))
			}
		}
	}
	return nil
}

func (d demand) windows() []policy.Window {
	windows := []policy.Window{d.signer.Signed}
	if d.source != nil {
		windows = append(windows, d.source.Signed)
	}
	return windows
}

func window(w policy.Window) string {
	var parts []string
	if !w.From.IsZero() {
		parts = append(parts, "from "+w.From.Format(time.RFC3339))
	}
	if !w.Until.IsZero() {
		parts = append(parts, "until "+w.Until.Format(time.RFC3339))
	}
	return strings.Join(parts, " ")
}

// matchSigner compares who signed with who should have.
func (d demand) matchSigner(s *Statement, vars policy.Vars) *Difference {
	if d.signer.Key != nil {
		if demandsClaims(d.signer) {
			return differ(problemIdentity, "signer", "a key and a certificate's claims, which nothing is", keyOrIdentity(s))
		}
		if s.claims == nil && s.keySHA256 != "" && s.keySHA256 == d.signer.Key.SHA256 {
			return nil
		}
		return differ(problemIdentity, "key", d.signer.Key.SHA256, keyOrIdentity(s))
	}
	if s.claims == nil {
		return differ(problemKeySigned, "signer", "a certificate of "+d.signer.Issuer, "the key "+s.keySHA256)
	}
	if d.signer.Issuer == "" || d.signer.Issuer != s.claims.Issuer {
		return differ(problemIdentity, "issuer", d.signer.Issuer, s.claims.Issuer)
	}
	if diff := d.matchIdentity(s.claims, vars); diff != nil {
		return diff
	}
	return d.matchCircumstances(s.claims)
}

// demandsClaims reports whether a signer has any field set but the key and its
// window. No parser makes one with both, and what is set must hold.
func demandsClaims(s policy.Signer) bool {
	s.Key, s.Signed = nil, policy.Window{}
	return !reflect.ValueOf(s).IsZero()
}

func keyOrIdentity(s *Statement) string {
	if s.claims != nil {
		return s.claims.Identity
	}
	return s.keySHA256
}

// matchCircumstances compares trigger, runner and visibility.
func (d demand) matchCircumstances(c *Claims) *Difference {
	if len(d.signer.Trigger) > 0 {
		wanted := strings.Join(d.signer.Trigger, " or ")
		if c.Trigger == "" {
			return missing("trigger", wanted)
		}
		if !contains(d.signer.Trigger, c.Trigger) {
			return differ(problemClaimMismatch, "trigger", wanted, c.Trigger)
		}
	}
	if diff := matchClaim(problemClaimMismatch, "runner", d.signer.Runner, c.Runner); diff != nil {
		return diff
	}
	return matchClaim(problemClaimMismatch, "visibility", d.signer.Visibility, c.Visibility)
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// matchIdentity compares the certificate's name: as a whole, and as repository,
// workflow and ref in the grammar of its issuer. Everything that is set must hold.
func (d demand) matchIdentity(c *Claims, vars policy.Vars) *Difference {
	s := d.signer
	if !s.Identity.IsZero() && !s.Identity.Match(c.Identity, vars) {
		return differ(problemIdentity, "identity", expand(s.Identity, vars), c.Identity)
	}
	if !s.IdentityRegexp.IsZero() && !s.IdentityRegexp.Match(c.Identity) {
		return differ(problemIdentity, "identity", "matching "+s.IdentityRegexp.String(), c.Identity)
	}
	if s.Workflow.IsZero() && s.Repository.IsZero() && len(s.Ref) == 0 {
		return nil // for provenance, the table of builders says who signs
	}
	return d.matchWorkflow(c, vars)
}

// matchWorkflow compares repository, path and ref of the workflow that signed.
func (d demand) matchWorkflow(c *Claims, vars policy.Vars) *Difference {
	id, ok := parseIdentity(c)
	if !ok {
		return differ(problemIdentity, "identity", "a workflow as "+d.signer.Issuer+" names it", c.Identity)
	}
	workflow := !d.signer.Workflow.IsZero()
	if workflow || !d.signer.Repository.IsZero() {
		if diff := d.matchRepository(id.repository, c.Identity); diff != nil {
			return diff
		}
	}
	if workflow && !d.signer.Workflow.Match(id.path, vars) {
		return differ(problemIdentity, "workflow", expand(d.signer.Workflow, vars), id.path)
	}
	switch {
	case len(d.signer.Ref) > 0:
		return matchPatterns(problemIdentity, "workflow ref", d.signer.Ref, id.ref, vars)
	case !workflow:
		return nil
	case d.source == nil:
		return differ(problemIdentity, "workflow ref", "a source's ref", id.ref)
	}
	if diff := matchRef(d.source, id.ref, "", vars); diff != nil {
		return differ(problemIdentity, "workflow ref", diff.Wanted, diff.Found)
	}
	return nil
}

func (d demand) matchRepository(found, identity string) *Difference {
	wanted := d.signer.Repository
	if wanted.IsZero() && d.source != nil {
		wanted = d.source.Repository
	}
	if wanted.IsZero() || !wanted.Match(found, policy.Vars{}) {
		return differ(problemIdentity, "identity", "a workflow of "+wanted.String(), identity)
	}
	return nil
}

// identity is a workflow's name taken apart.
type identity struct{ repository, path, ref string }

// parseIdentity takes a workflow's name apart at the first place where each
// separator can stand: what is left over then fits no demand.
func parseIdentity(c *Claims) (identity, bool) {
	grammar, base := policy.IssuerGrammar(c.Issuer)
	rest, ok := strings.CutPrefix(c.Identity, base+"/")
	if !ok || base == "" {
		return identity{}, false
	}
	name, ref, ok := strings.Cut(rest, "@")
	if !ok || ref == "" {
		return identity{}, false
	}
	switch grammar {
	case policy.GitHubGrammar:
		parts := strings.SplitN(name, "/", 3)
		if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
			return identity{}, false
		}
		return identity{repository: base + "/" + parts[0] + "/" + parts[1], path: parts[2], ref: ref}, true
	case policy.GitLabGrammar:
		project, path, ok := strings.Cut(name, "//")
		if !ok || project == "" || path == "" {
			return identity{}, false
		}
		return identity{repository: base + "/" + project, path: path, ref: ref}, true
	}
	return identity{}, false
}

// matchSource compares what was built, by the certificate's claims. branch is the
// branch that the statement says a tag came from, "" if it says none.
func (d demand) matchSource(c *Claims, branch string, vars policy.Vars) *Difference {
	if d.source == nil {
		return nil
	}
	s := d.source
	if c.Repository == "" {
		return missing("repository", s.Repository.String())
	}
	if !s.Repository.Match(c.Repository, policy.Vars{}) {
		return differ(problemSource, "repository", s.Repository.String(), c.Repository)
	}
	if diff := matchClaim(problemSource, "repository_id", s.RepositoryID, c.RepositoryID); diff != nil {
		return diff
	}
	if diff := matchClaim(problemSource, "owner_id", s.OwnerID, c.OwnerID); diff != nil {
		return diff
	}
	if diff := matchRef(s, c.Ref, branch, vars); diff != nil {
		return diff
	}
	return matchClaim(problemSource, "commit", s.Commit, c.Commit)
}

// matchSourceCommit compares the commit that the statement says was built. It is
// the certificate's but for a delegated builder, which may build another one of
// the same repository: the demand is met by what was built.
func (d demand) matchSourceCommit(b *build) *Difference {
	if d.source == nil || d.source.Commit == "" || d.source.Commit == b.sourceCommit {
		return nil
	}
	return differ(problemSource, "source commit", d.source.Commit, b.sourceCommit)
}

// matchRef compares a git ref with everything that a source says about it.
func matchRef(s *policy.Source, ref, branch string, vars policy.Vars) *Difference {
	if diff := matchPatterns(problemSource, "ref", s.Ref, ref, vars); diff != nil {
		return diff
	}
	if !s.RefRegexp.IsZero() && !s.RefRegexp.Match(ref) {
		return orMissing(differ(problemSource, "ref", "matching "+s.RefRegexp.String(), ref))
	}
	if s.Branch != "" {
		// A push of a tag or a release is a build of a tag; the statement may say
		// which branch it came from, as slsa-verifier's --source-branch reads it.
		wanted := "refs/heads/" + s.Branch
		if ref != wanted && !(strings.HasPrefix(ref, "refs/tags/") && branch == wanted) {
			found := ref
			if branch != "" && branch != ref {
				found = fmt.Sprintf("%s (from %s)", ref, branch)
			}
			return orMissing(differ(problemSource, "branch", wanted, found))
		}
	}
	if s.VersionedTag != "" {
		tag, err := utils.TagFromGitRef(ref)
		if err == nil {
			err = utils.VerifyVersionedTag(tag, s.VersionedTag)
		}
		if err != nil {
			return orMissing(differ(problemSource, "versioned_tag", "a tag of "+s.VersionedTag, ref))
		}
	}
	return nil
}

func orMissing(d *Difference) *Difference {
	if d.Found == "" {
		return missing(d.Field, d.Wanted)
	}
	return d
}

// unconstrained lists the claims of an accepted certificate that no demand touches.
func (d demand) unconstrained(c *Claims, builderDemanded bool) []string {
	if c == nil {
		return nil
	}
	s := policy.Source{}
	if d.source != nil {
		s = *d.source
	}
	named := d.signer.Identity.IsExact()
	var free []string
	for _, claim := range []struct {
		name, value string
		bound       bool
	}{
		{"workflow", c.Identity, named || builderDemanded || (!d.signer.Workflow.IsZero() && d.signer.Workflow.IsExact())},
		{"repository", c.Repository, s.Repository.IsExact()},
		{"repository_id", c.RepositoryID, s.RepositoryID != ""},
		{"owner_id", c.OwnerID, s.OwnerID != ""},
		{"ref", c.Ref, boundRef(s)},
		{"commit", c.Commit, s.Commit != ""},
		{"trigger", c.Trigger, len(d.signer.Trigger) > 0},
		{"runner", c.Runner, d.signer.Runner != ""},
		{"visibility", c.Visibility, d.signer.Visibility != ""},
	} {
		if claim.value != "" && !claim.bound {
			free = append(free, claim.name)
		}
	}
	return free
}

// boundRef reports whether a source says more of a ref than that it is one.
func boundRef(s policy.Source) bool {
	for _, p := range s.Ref {
		if strings.Trim(strings.NewReplacer("refs/", "", "heads/", "", "tags/", "").Replace(p.String()), "*/") == "" {
			return false
		}
	}
	return len(s.Ref) > 0 || !s.RefRegexp.IsZero() || s.Branch != "" || s.VersionedTag != ""
}

// describe writes a demand as claims and wanted values, for the verdict.
func (d demand) describe(vars policy.Vars) map[string]string {
	w := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			w[name] = value
		}
	}
	if d.signer.Key != nil {
		set("key", d.signer.Key.SHA256)
	}
	set("issuer", d.signer.Issuer)
	set("signer.repository", d.signer.Repository.String())
	set("workflow", expand(d.signer.Workflow, vars))
	set("workflow ref", join(d.signer.Ref, vars))
	set("identity", expand(d.signer.Identity, vars))
	set("identity_regexp", d.signer.IdentityRegexp.String())
	set("trigger", strings.Join(d.signer.Trigger, " or "))
	set("runner", d.signer.Runner)
	set("visibility", d.signer.Visibility)
	set("signer.signed", window(d.signer.Signed))
	if s := d.source; s != nil {
		set("source.signed", window(s.Signed))
		set("repository", s.Repository.String())
		set("repository_id", s.RepositoryID)
		set("owner_id", s.OwnerID)
		set("ref", join(s.Ref, vars))
		set("ref_regexp", s.RefRegexp.String())
		set("branch", s.Branch)
		set("versioned_tag", s.VersionedTag)
		set("commit", s.Commit)
	}
	return w
}

func join(patterns []policy.Pattern, vars policy.Vars) string {
	var texts []string
	for _, p := range patterns {
		texts = append(texts, expand(p, vars))
	}
	return strings.Join(texts, " or ")
}
