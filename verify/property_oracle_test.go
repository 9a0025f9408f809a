package verify_test

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// oracle says what a pass must rest on, from the policy and from how the evidence was
// made, with none of the code that judges.
type oracle struct {
	pool *pool
	hand []*exhibit
	at   time.Time
}

// check walks a verdict. A failure has to have its reasons; a pass everything that a pass
// implies.
func (o oracle) check(v verify.Verdict, p *policy.Policy) error {
	var wrong []error
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	seen := map[string]int{}
	required, bad, errored, authenticating := 0, 0, 0, 0
	for _, f := range v.Checks {
		seen[f.ID]++
		if !f.Required {
			if f.Result != verify.NotRequired {
				fail("%s is not required and has the result %s", f.ID, f.Result)
			}
			continue
		}
		required++
		if f.Result == verify.Passed {
			if f.Code != "" {
				fail("%s passed with the code %s", f.ID, f.Code)
			}
			if authenticates(f.ID) {
				authenticating++
			}
			continue
		}
		bad++
		if f.Result == verify.Errored {
			errored++
		}
		if !documented(f.Code) || f.Code == verify.InternalPanic {
			fail("%s has the result %s and the code %q: %s", f.ID, f.Result, f.Code, f.Message)
		}
		if (f.Result == verify.Errored) != (f.Class != "") {
			fail("%s has the result %s and the class %q", f.ID, f.Result, f.Class)
		}
	}
	if v.Passed() != (bad == 0 && authenticating > 0) {
		fail("pass=%v with %d required checks, %d not passed, %d authenticating", v.Passed(), required, bad, authenticating)
	}
	if v.Conclusive != (bad > errored || bad == 0) {
		fail("conclusive=%v with %d not passed, %d undecided", v.Conclusive, bad, errored)
	}
	if v.Passed() {
		wrong = append(wrong, o.pass(v, p, seen)...)
	}
	return errors.Join(wrong...)
}

// pass walks a pass.
func (o oracle) pass(v verify.Verdict, p *policy.Policy, seen map[string]int) []error {
	ref, err := verify.ParseReference(v.Image.Requested)
	if err != nil {
		return []error{err}
	}
	rule, ok := p.Rule(ref.Name())
	if !ok {
		return []error{errors.New("no rule matches the image")}
	}
	var wrong []error
	add := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if !p.Expires.IsZero() && !o.at.Before(p.Expires) {
		add(errors.New("the policy has ended"))
	}
	if slices.Contains(p.Deny.Digests, v.Image.Digest) {
		add(errors.New("the digest is denied"))
	}
	for _, d := range p.Deny.Versions {
		if d.Version == v.Image.Version {
			add(errors.New("the version is denied"))
		}
	}
	for id, there := range map[string]bool{
		"signature": rule.Signature != nil, "provenance": rule.Provenance != nil, "sbom": rule.SBOM != nil, "release": rule.Release != nil,
		"consistency": rule.Consistency != nil, "freshness": rule.Freshness != nil || !rule.Deny.IsZero(),
	} {
		f, found := findingOf(v, id)
		if seen[id] != 1 || !found || f.Required != there {
			add(fmt.Errorf("the check %s is there %d times, required %v; wanted %v", id, seen[id], f.Required, there))
		}
	}
	if rule.Signature != nil {
		add(o.rests(v, p, rule, rule.Signature.Demand, "signature"))
	}
	if rule.Provenance != nil {
		add(o.rests(v, p, rule, rule.Provenance.Demand, "provenance"))
	}
	if rule.SBOM != nil {
		add(o.rests(v, p, rule, rule.SBOM.Demand, "sbom"))
	}
	for _, a := range rule.Attestations {
		add(o.rests(v, p, rule, a.Demand, "attestations."+a.Name))
	}
	add(o.released(v))
	add(story(v, rule))
	return wrong
}

func findingOf(v verify.Verdict, id string) (verify.Finding, bool) {
	for _, f := range v.Checks {
		if f.ID == id {
			return f, true
		}
	}
	return verify.Finding{}, false
}

// rests wants every candidate that a check counted to be an exhibit that was there, that
// verifies under the demand's root, about the image, of the kind, by whom the policy names.
func (o oracle) rests(v verify.Verdict, p *policy.Policy, rule policy.Rule, d policy.Demand, id string) error {
	f, ok := findingOf(v, id)
	if !ok || f.Result != verify.Passed || len(f.Found) == 0 {
		return fmt.Errorf("%s passed on nothing", id)
	}
	for _, c := range f.Found {
		if !c.Authenticated || c.Met == nil || c.Code != "" || c.Trust != d.Trust {
			return fmt.Errorf("%s counts %+v", id, c)
		}
		if !slices.ContainsFunc(o.hand, func(e *exhibit) bool {
			return e.Digest == c.Evidence && e.Layout == c.Layout && o.worth(e, v, p, rule, d, id) == "" && claimed(e, c)
		}) {
			why := "it was not there"
			for _, e := range o.hand {
				if e.Digest == c.Evidence && e.Layout == c.Layout {
					why = e.name + ": " + o.worth(e, v, p, rule, d, id)
				}
			}
			return fmt.Errorf("%s counts %s of %s, which must not count: %s", id, c.Evidence, c.Layout, why)
		}
	}
	return nil
}

// claimed reports whether a candidate shows the claims of the exhibit's signer, and the
// time at which it was made.
func claimed(e *exhibit, c verify.Candidate) bool {
	if len(c.Times) == 0 || slices.ContainsFunc(c.Times, func(t verify.VerifiedTime) bool { return !t.Time.Equal(soon) }) {
		return false
	}
	if e.key != "" {
		return c.Claims == nil && c.Key == e.key
	}
	x := e.by.Extensions
	return c.Claims != nil && c.Key == "" && c.Claims.Identity == cmp.Or(e.by.SAN, e.by.Email) && c.Claims.Issuer == x.Issuer &&
		c.Claims.Repository == x.SourceRepositoryURI && c.Claims.RepositoryID == x.SourceRepositoryIdentifier && c.Claims.OwnerID == x.SourceRepositoryOwnerIdentifier &&
		c.Claims.Ref == x.SourceRepositoryRef && c.Claims.Commit == x.SourceRepositoryDigest && c.Claims.Trigger == x.BuildTrigger && c.Claims.Runner == x.RunnerEnvironment
}

// checkOf is the check that a kind of statement is for.
var checkOf = map[string]string{
	"sign": "signature", "slsa 0.2": "provenance", "slsa 1": "provenance", "cyclonedx": "sbom", "spdx": "sbom", "metadata": "attestations.metadata",
	"scan": "attestations.scan", "vex": "attestations.vex", "vsa": "attestations.vsa", "tests": "attestations.tests",
}

// worth says why an exhibit must not count for a demand, "" if it may.
func (o oracle) worth(e *exhibit, v verify.Verdict, p *policy.Policy, rule policy.Rule, d policy.Demand, id string) string {
	switch {
	case e.root != d.Trust:
		return "it verifies under " + e.root
	case e.about != v.Image.Digest:
		return "it is about another digest"
	case checkOf[e.kind] != id:
		return "it is of the kind " + e.kind
	case d.MaxAge > 0 && o.at.Sub(soon) > d.MaxAge:
		return "it is too old"
	case soon.After(o.at.Add(options().Limits.ClockSkew)):
		return "it is of the future"
	}
	for _, s := range p.Deny.Signed {
		if e.key == "" && (s.Issuer == "" || s.Issuer == e.by.Extensions.Issuer) && globbed(s.Identity.String(), cmp.Or(e.by.SAN, e.by.Email), "") && s.Window.Contains(soon) {
			return "its signer is denied"
		}
	}
	if id == "provenance" {
		if why := byBuilder(e, p, rule); why != "" {
			return why
		}
	}
	why := "the policy names no signer"
	for _, s := range d.Signers {
		if s.Key != nil {
			if why = "the key is another"; e.key == s.Key.SHA256 && s.Signed.Contains(soon) {
				return ""
			}
			continue
		}
		sources := d.Sources
		if len(sources) == 0 {
			sources = []policy.Source{{}}
		}
		for _, src := range sources {
			if why = bySigner(e, s, src, v.Image.Version); why == "" {
				if id == "provenance" && src.Branch == "main" && strings.HasPrefix(e.by.Extensions.SourceRepositoryRef, "refs/tags/") {
					src.Branch = "" // the pool's provenance says that the tag is of it
				}
				if why = sourced(e.by, src, v.Image.Version); why == "" {
					return ""
				}
			}
		}
	}
	return why
}

// byBuilder compares the builder, which is the signer of the pool's provenance.
func byBuilder(e *exhibit, p *policy.Policy, rule policy.Rule) string {
	levels := map[string]int{generatorID: 3}
	for _, b := range p.Builders {
		levels[b.ID] = b.Level
	}
	demand := rule.Provenance.Builder
	path, version, _ := strings.Cut(e.by.SAN, "@")
	version = strings.TrimPrefix(version, "refs/tags/")
	if levels[path] < demand.Level {
		return "the builder's level is too low"
	}
	if len(demand.IDs) > 0 && !slices.Contains(demand.IDs, path) && !slices.Contains(demand.IDs, path+"@"+version) {
		return "the builder is another"
	}
	if !regexp.MustCompile(`\Av[0-9]+\.[0-9]+\.[0-9]+\z`).MatchString(version) {
		return "the builder is no release"
	}
	return ""
}

// bySigner compares who signed.
func bySigner(e *exhibit, s policy.Signer, src policy.Source, version string) string {
	x, name := e.by.Extensions, cmp.Or(e.by.SAN, e.by.Email)
	switch {
	case e.key != "":
		return "it is signed by a key"
	case s.Issuer != x.Issuer:
		return "the issuer is another"
	case len(s.Trigger) > 0 && !slices.Contains(s.Trigger, x.BuildTrigger):
		return "the trigger is another"
	case s.Runner != "" && s.Runner != x.RunnerEnvironment:
		return "the runner is another"
	case s.Visibility != "" && s.Visibility != x.SourceRepositoryVisibilityAtSigning:
		return "the visibility is another"
	case !s.Signed.Contains(soon) || !src.Signed.Contains(soon):
		return "it was signed outside the window"
	case !s.Identity.IsZero() && !globbed(s.Identity.String(), name, version):
		return "the identity is another"
	case !s.IdentityRegexp.IsZero() && !regexp.MustCompile(`\A(?:`+s.IdentityRegexp.String()+`)\z`).MatchString(name):
		return "the identity is another"
	case s.Workflow.IsZero():
		return ""
	}
	part := regexp.MustCompile(`\A(https://github\.com/[^/]+/[^/]+)/([^@]+)@(.+)\z`).FindStringSubmatch(name)
	switch {
	case part == nil:
		return "the identity is no workflow"
	case !globbed(cmp.Or(s.Repository.String(), src.Repository.String()), part[1], version):
		return "the signer's repository is another"
	case !globbed(s.Workflow.String(), part[2], version):
		return "the workflow is another"
	case len(s.Ref) > 0 && !anyGlob(s.Ref, part[3], version):
		return "the workflow's ref is another"
	case len(s.Ref) == 0:
		return ofRef(src, part[3], version)
	}
	return ""
}

// sourced compares what was built.
func sourced(by lab.Identity, s policy.Source, version string) string {
	x := by.Extensions
	switch {
	case s.Repository.IsZero():
		return ""
	case !globbed(s.Repository.String(), x.SourceRepositoryURI, version):
		return "the repository is another"
	case s.RepositoryID != "" && s.RepositoryID != x.SourceRepositoryIdentifier:
		return "the repository's id is another"
	case s.OwnerID != "" && s.OwnerID != x.SourceRepositoryOwnerIdentifier:
		return "the owner's id is another"
	case s.Commit != "" && s.Commit != x.SourceRepositoryDigest:
		return "the commit is another"
	}
	return ofRef(s, x.SourceRepositoryRef, version)
}

func ofRef(s policy.Source, ref, version string) string {
	switch {
	case len(s.Ref) > 0 && !anyGlob(s.Ref, ref, version),
		!s.RefRegexp.IsZero() && !regexp.MustCompile(`\A(?:`+s.RefRegexp.String()+`)\z`).MatchString(ref),
		s.Branch != "" && ref != "refs/heads/"+s.Branch,
		s.VersionedTag != "" && !strings.HasPrefix(ref, "refs/tags/"+s.VersionedTag+"."):
		return "the ref is another"
	}
	return ""
}

func anyGlob(all []policy.Pattern, text, version string) bool {
	return slices.ContainsFunc(all, func(p policy.Pattern) bool { return globbed(p.String(), text, version) })
}

// globbed is an anchored glob, read anew. A pattern over the version matches nothing where
// there is none.
func globbed(pattern, text, version string) bool {
	if strings.Contains(pattern, "{version}") && version == "" || text == "" {
		return false
	}
	expr := regexp.QuoteMeta(strings.ReplaceAll(pattern, "{version}", version))
	expr = strings.ReplaceAll(expr, `\*\*`, "[^@]*")
	expr = strings.ReplaceAll(expr, `\*`, "[^/@]*")
	return regexp.MustCompile(`\A` + expr + `\z`).MatchString(text)
}

// released wants the release that passed to be one that people listed.
func (o oracle) released(v verify.Verdict) error {
	f, _ := findingOf(v, "release")
	if !f.Required {
		return nil
	}
	if len(f.Found) != 1 || f.Found[0].Layout != verify.TUFTarget || f.Found[0].Met == nil || f.Release == nil {
		return fmt.Errorf("a release passed on %+v", f.Found)
	}
	if !o.pool.authorises(f.Found[0].Type, f.Release.Version, v.Image.Digest) {
		return fmt.Errorf("nobody authorised %s as %s (%s)", v.Image.Digest, f.Release.Version, f.Found[0].Type)
	}
	return nil
}

// story wants a comparison that passed to be of two sources at least that agree.
func story(v verify.Verdict, rule policy.Rule) error {
	f, _ := findingOf(v, "consistency")
	if !f.Required {
		return nil
	}
	sources := map[string]bool{}
	for _, line := range f.Story {
		compared := slices.Contains(rule.Consistency.Claims, line.Claim)
		if compared && (!line.Compared || !line.Agree) {
			return fmt.Errorf("the claim %s is compared=%v agree=%v in a pass", line.Claim, line.Compared, line.Agree)
		}
		for _, s := range line.Sources {
			if compared && s.Evidence != "" && !s.Hint && s.Value != "" {
				first, _, _ := strings.Cut(s.Source, " ")
				sources[first] = true
			}
		}
	}
	if len(sources) < 2 {
		return fmt.Errorf("the story that passed is of %d sources: %+v", len(sources), f.Story)
	}
	return nil
}
