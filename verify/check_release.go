package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// releaseCheck demands that the project's own TUF repository, verified from a pinned
// root (TUF 1.0.34, TAP 18), lists a manifest that names this image's digest, and that
// people hold the keys on the way to it. It is what stops a release workflow that was
// taken over, whose signatures and provenance are all valid.
type releaseCheck struct{}

func (releaseCheck) id() string { return "release" }

func (releaseCheck) required(r policy.Rule) bool { return r.Release != nil }

// versions implements check: no certificate gives the version of a release. What the
// repository lists does, see [question.releaseVersion].
func (releaseCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

// judge implements check.
func (releaseCheck) judge(q *question) Finding {
	f, _ := q.released()
	return f
}

// released is the check's finding with the manifest that it accepted, if any, judged once
// for each question.
func (q *question) released() (Finding, *manifest) {
	if q.catalogue == nil {
		q.catalogue = newCatalogue()
	}
	if q.catalogue.finding == nil {
		f := q.judgeRelease()
		q.catalogue.finding = &f
	}
	return *q.catalogue.finding, q.catalogue.manifest
}

// judgeRelease judges the check. A panic over what was authenticated leaves it undecided.
func (q *question) judgeRelease() (f Finding) {
	defer func() {
		if p := recover(); p != nil {
			f = Finding{ID: "release", Required: true}
			f.refuse(undecided(InternalPanic, Definitive, "judging the release ended in a panic: %v", p))
		}
	}()
	j := newReleaseJudge(q)
	f = Finding{ID: "release", Required: true, Wanted: []map[string]string{j.describe()}, Release: j.shown}
	troubles := j.judge()
	f.Found = j.found
	j.showRoles()
	if t := gravest(troubles); t != nil {
		f.refuse(j.explain(t))
		for i := range f.Found {
			f.Found[i].Met = nil
		}
		return f
	}
	if len(j.found) != 1 || j.accepted == nil { // cannot be: nothing accepted is trouble
		f.refuse(undecided(InternalPanic, Definitive, "no listed version was accepted"))
		return f
	}
	f.Result, j.manifest = Passed, &j.accepted.manifest
	if j.demand.Signers == nil {
		f.Unconstrained = []string{"signers"}
	}
	f.Notice, f.Message = j.notice()
	q.until(j.until)
	return f
}

func (f *Finding) refuse(t *trouble) {
	f.Result, f.Code, f.Class, f.Message, f.Next = t.result, t.code, t.class, t.message, next(t.code)
	if f.Result == Passed || f.Result == NotRequired {
		f.Result = Failed
	}
}

// releaseJudge judges one question about a release.
type releaseJudge struct {
	q      *question
	r      *Release
	demand policy.Release
	shown  *VerdictRelease
	found  []Candidate

	*catalogue

	// accepted is the version that the image is, others are further ones that the
	// decision rests on, reached all roles where it rests on what none of them lists.
	accepted *listing
	others   []*listing
	reached  []metadata.Role
	lag      *VerdictLag
	until    time.Time
}

func newReleaseJudge(q *question) *releaseJudge {
	if q.catalogue == nil {
		q.catalogue = newCatalogue()
	}
	j := &releaseJudge{q: q, r: q.facts.release, demand: *q.rule.Release, catalogue: q.catalogue}
	j.shown = &VerdictRelease{
		Repository: j.demand.TUF.MetadataURL, Root: "sha256:" + j.demand.TUF.Root.SHA256, State: StateNone, Roles: []VerdictRole{},
	}
	if j.demand.Signers != nil {
		j.shown.People = people{*j.demand.Signers}.demanded()
	}
	if j.r == nil {
		j.r = &Release{unready: "the project's TUF repository was not read"}
	}
	if j.r.state.Kind != "" {
		j.shown.State = j.r.state.Kind
	}
	j.shown.Refreshed = j.r.refreshed
	if j.r.unready == "" && (j.r.pinned != j.demand.TUF.Root.SHA256 || j.r.trust != j.demand.Trust) {
		j.r = &Release{unready: "the TUF repository was authenticated under another root than the policy names"}
	}
	return j
}

// judge lists everything that is wrong, in the order in which it is told: metadata
// that is no evidence at all, then its signers, its times, and last what it lists.
func (j *releaseJudge) judge() []*trouble {
	var all []*trouble
	add := func(more ...*trouble) {
		for _, t := range more {
			if t != nil {
				all = append(all, t)
			}
		}
	}
	add(j.readiness()...)
	add(j.held(true, j.r.roots())...)
	if len(j.r.roots()) == 0 || !j.r.whole() {
		return all
	}
	_, trouble := j.choose()
	way := j.way()
	targets, _ := j.r.role(metadata.Targets)
	add(j.held(false, append([]metadata.Role{targets}, j.delegations()...))...)
	add(j.future(way), j.minimum(way), j.refreshed(), j.expiry(append(j.current(way), j.asked(way)...)), trouble)
	if j.lag != nil {
		j.ends(j.lag.Until)
	}
	return all
}

// readiness says why the metadata is no evidence, or none yet.
func (j *releaseJudge) readiness() []*trouble {
	var all []*trouble
	r := j.r
	failure, failed := r.failure()
	switch {
	case r.unready != "":
		all = append(all, undecided(PlaceUnavailable, Definitive, "%s", r.unready))
	case r.panicked != "":
		all = append(all, undecided(InternalPanic, Definitive, "reading the metadata ended in a panic: %s", r.panicked))
	}
	if f, ok := r.withCode(ReleaseStateMissing, ReleaseStateUnreadable, InternalPanic); ok {
		all = append(all, f.trouble())
	} else if r.unready == "" && j.demand.TUF.StateRequired && r.state.Kind != StateKnown {
		all = append(all, undecided(ReleaseStateMissing, Definitive, "the policy demands the state of an earlier run; this run has %s", j.shown.State))
	}
	switch {
	case r.refused != nil && failed:
		t := failure.trouble()
		t.message += "; and " + r.refusal().message
		all = append(all, t)
	case r.refused != nil:
		all = append(all, r.refusal())
	case r.absent != "" && failed:
		all = append(all, failure.trouble())
	case r.absent != "":
		all = append(all, undecided(PlaceUnavailable, Definitive, "the role %s was not read", r.absent))
	}
	return all
}

// held judges who signed roles. That of a root in the chain stands whatever newer
// metadata says.
func (j *releaseJudge) held(stands bool, roles []metadata.Role) []*trouble {
	if j.demand.Signers == nil {
		return nil
	}
	var machines, few []*trouble
	for _, role := range roles {
		byMachines, byFew := people{*j.demand.Signers}.held(role)
		if byMachines != nil {
			byMachines.stands = stands
			machines = append(machines, byMachines)
		}
		if byFew != nil {
			byFew.stands = stands
			few = append(few, byFew)
		}
	}
	return append(machines, few...)
}

// minimum holds the roles to the policy once more: they may have been authenticated
// under another.
func (j *releaseJudge) minimum(roles []metadata.Role) *trouble {
	for _, role := range j.current(roles) {
		if least := j.demand.TUF.Min[role.Name]; role.Version < least {
			return undecided(ReleaseBelowMinimum, Definitive, "the role %s has version %d; wanted at least %d", role.Name, role.Version, least)
		}
	}
	return nil
}

// refreshed says why the repository itself was not asked where that is demanded.
func (j *releaseJudge) refreshed() *trouble {
	if j.demand.TUF.Refresh != policy.RefreshRequired || j.r.refreshed {
		return nil
	}
	if f, ok := j.r.failure(); ok {
		return f.trouble()
	}
	return undecided(PlaceUnavailable, Definitive, "the policy demands that the repository itself is asked, and this run did not")
}

// way lists the roles that the decision rests on: every root, the other top-level
// roles, the delegations by which the versions in question were found, and for a tag
// that moves all that could list a newer one.
func (j *releaseJudge) way() []metadata.Role {
	return slices.Concat(j.r.roots(), j.r.top(), j.delegations())
}

// current leaves the roots out that a newer one has replaced.
func (j *releaseJudge) current(way []metadata.Role) []metadata.Role {
	return way[max(len(j.r.roots())-1, 0):]
}

func (j *releaseJudge) delegations() []metadata.Role {
	seen := map[string]bool{}
	roles := j.ofListings(seen, func(t metadata.Target) []metadata.Role { return t.Roles[1:] }) // after the top-level targets
	for _, role := range j.reached {
		if key := edgeOf(role); !seen[key] && role.Name != metadata.Targets {
			seen[key] = true
			roles = append(roles, role)
		}
	}
	return roles
}

// asked lists the roles that were asked before the ones on the way and that list
// nothing: in them it is expiry alone that counts (5.6.5).
func (j *releaseJudge) asked(way []metadata.Role) []metadata.Role {
	seen := map[string]bool{}
	for _, role := range way {
		seen[edgeOf(role)] = true
	}
	return j.ofListings(seen, func(t metadata.Target) []metadata.Role { return t.Visited })
}

// ofListings lists roles of the versions in question, each once, but those in seen.
func (j *releaseJudge) ofListings(seen map[string]bool, of func(metadata.Target) []metadata.Role) []metadata.Role {
	var roles []metadata.Role
	for _, l := range append([]*listing{j.accepted}, j.others...) {
		if l == nil {
			continue
		}
		for _, role := range of(l.target) {
			if key := edgeOf(role); !seen[key] {
				seen[key] = true
				roles = append(roles, role)
			}
		}
	}
	return roles
}

// edgeOf names a role as its delegators name it.
func edgeOf(role metadata.Role) string {
	key := role.Name + "\x00" + role.SHA256
	for _, a := range role.Authorizations {
		key += "\x00" + a.By
	}
	return key
}

// explain turns what a kept copy cannot answer into what kept it from being newer.
func (j *releaseJudge) explain(t *trouble) *trouble {
	f, failed := j.r.failure()
	if !failed || j.r.refreshed || t.stands || (t.result != Failed && t.code != ReleaseExpired) {
		return t
	}
	told := f.trouble()
	told.message += "; of the kept copy: " + t.message
	return told
}

// describe says what is demanded.
func (j *releaseJudge) describe() map[string]string {
	w := map[string]string{
		"repository": j.demand.TUF.MetadataURL, "root": j.demand.TUF.Root.SHA256, "target": j.demand.Target.String(),
		"image": j.q.rule.Canonical, "digest": j.q.facts.image.Digest,
	}
	if j.q.vars.Version != "" {
		w["version"] = j.q.vars.Version
		if path, ok := j.path(j.q.vars.Version); ok {
			w["target"] = path
		}
	}
	if j.demand.Signers != nil {
		who := people{*j.demand.Signers}
		w["signers"], w["people"] = who.describe(), fmt.Sprint(who.demanded())
	}
	return w
}

// notice says what a pass should be read with.
func (j *releaseJudge) notice() (Code, string) {
	var texts []string
	var code Code
	if j.lag != nil {
		code = ReleaseLagging
		texts = append(texts, fmt.Sprintf("version %s is newer and was listed a moment ago; from %s on the tag must point to it", j.lag.Newest, stamp(j.lag.Until)))
	}
	if j.shown.Grace != nil {
		texts = append(texts, "the metadata has expired; release.offline.max_age accepts it until "+stamp(*j.shown.Grace))
	}
	return code, strings.Join(texts, "; ")
}
