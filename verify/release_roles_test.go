package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// role adds a delegated role to the top-level targets.
func (h *hall) role(name string, keys []*lab.TUFKey, patterns ...string) *lab.TUFRole {
	role := must(lab.NewTUFRole(name, keys...))
	h.Targets.Delegations = append(h.Targets.Delegations, lab.TUFDelegation{Role: role, Paths: patterns})
	return role
}

// machines are the keys of one CI identity.
func (h *hall) machines() []*lab.TUFKey { return []*lab.TUFKey{h.machine("acme/ci")} }

// listIn lists an image in a delegated role.
func (h *hall) listIn(role, version, digest string) {
	b := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: version, Image: imageName, Digest: digest, Created: then}))
	h.AddTarget(lab.ReleaseTarget(imageName, version), b, role)
}

// move lists versions in another role than the top-level targets.
func (h *hall) move(role string, versions ...string) {
	for _, v := range versions {
		path := lab.ReleaseTarget(imageName, v)
		h.AddTarget(path, h.Targets.Targets[path], role)
		h.RemoveTarget(path, "targets")
	}
}

// delegatesTo has a role sign a delegation, whatever else is true of it.
func delegatesTo(name string, terminating bool, patterns ...string) func(map[string]any) {
	return func(signed map[string]any) {
		signed["delegations"] = map[string]any{"keys": map[string]any{}, "roles": []any{map[string]any{
			"name": name, "keyids": []any{}, "threshold": 1, "terminating": terminating, "paths": patterns,
		}}}
	}
}

// oneLine lists 1.2.2, 1.2.3 and 1.2.4 in a role of people, after one of a machine.
func oneLine(h *hall) (nightly *lab.TUFRole) {
	nightly = h.role("nightly", h.machines(), "widget/releases/*")
	h.role("releases", h.Targets.Keys, "widget/releases/*")
	h.move("releases", "1.2.2", "1.2.3")
	h.listIn("releases", "1.2.4", strangeDigest)
	return nightly
}

// twoLines lists 1.x in one role of people, and 2.0.0 in another.
func twoLines(h *hall) (current *lab.TUFRole) {
	h.RemoveTarget(lab.ReleaseTarget(imageName, "1.3.0-rc.1"), "targets")
	h.role("lts", h.Targets.Keys, "widget/releases/v1.*")
	h.move("lts", "1.2.2", "1.2.3")
	current = h.role("current", h.Targets.Keys, "widget/releases/v2.*")
	h.listIn("current", "2.0.0", strangeDigest)
	return current
}

// TestReleaseNewestRestsOnPeople is attack 34's part about a newer release that
// somebody keeps from being seen: that there is none rests on roles that list nothing.
func TestReleaseNewestRestsOnPeople(t *testing.T) {
	noLag, both := "moving: {lag: 1s}", []string{"moving: {lag: 1s}", twoPeople}
	runAll(t, []releaseCase{
		{name: "a machine's role is asked before", ref: moving, more: both, prepare: func(_ *testing.T, h *hall) { oneLine(h) }, code: verify.ReleaseMachineSigners},
		{name: "a machine's role hides the newest", ref: moving, more: both, prepare: func(_ *testing.T, h *hall) {
			oneLine(h).Edit = delegatesTo("nightly", true, "widget/releases/v1.2.4.json")
		}, code: verify.ReleaseMachineSigners},
		{name: "a machine's role hides it that is asked before for it alone", ref: moving, more: both, prepare: func(_ *testing.T, h *hall) {
			oneLine(h).Edit = delegatesTo("nightly", true, "widget/releases/v1.2.4.json")
			h.Targets.Delegations[0].Paths = []string{"widget/releases/v1.2.4.json"}
		}, code: verify.ReleaseMachineSigners},
		{name: "a machine's role puts another image in its place", ref: moving, more: []string{noLag}, prepare: func(_ *testing.T, h *hall) {
			oneLine(h)
			h.listIn("nightly", "1.2.4", imageDigest)
		}, code: verify.ReleaseMachineSigners},
		{name: "a machine's role is asked after", ref: moving, prepare: func(_ *testing.T, h *hall) {
			h.role("releases", h.Targets.Keys, "widget/releases/*")
			h.move("releases", "1.2.2", "1.2.3")
			h.role("nightly", h.machines(), "widget/releases/*").Edit = delegatesTo("nightly", true, "widget/releases/*")
		}},
		{name: "a machine's role is of other versions", ref: moving, prepare: func(_ *testing.T, h *hall) {
			oneLine(h).Edit = delegatesTo("x", true, "widget/releases/*")
			h.Targets.Delegations[0].Paths = []string{"widget/releases/*-nightly*"}
			h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.4"), "releases")
		}},
		{name: "a terminating delegation of people", ref: moving, more: []string{noLag}, prepare: func(_ *testing.T, h *hall) {
			h.role("first", h.Targets.Keys, "widget/releases/v1.2.4.json")
			h.Targets.Delegations[0].Terminating = true
			h.role("releases", h.Targets.Keys, "widget/releases/*")
			h.move("releases", "1.2.2", "1.2.3")
			h.listIn("releases", "1.2.4", strangeDigest)
		}},
		{name: "a machine's role lists a newer one", ref: moving, prepare: func(_ *testing.T, h *hall) {
			h.role("nightly", h.machines(), "widget/releases/*")
			h.listIn("nightly", "99.0.0", strangeDigest)
		}},
		{name: "a machine's role delegates to people, who list a newer one", ref: moving, prepare: func(_ *testing.T, h *hall) {
			nightly := h.role("nightly", h.machines(), "widget/releases/*")
			below := must(lab.NewTUFRole("below", h.Targets.Keys...))
			nightly.Delegations = []lab.TUFDelegation{{Role: below, Paths: []string{"widget/releases/*"}}}
			h.listIn("below", "99.0.0", strangeDigest)
		}},
		{name: "a machine's role that was not gathered", ref: moving, prepare: func(_ *testing.T, h *hall) {
			h.role("nightly", h.machines(), "widget/releases/*")
		}, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Delegated = nil }},
		{name: "an image that a machine's role alone lists", ref: moving, prepare: func(_ *testing.T, h *hall) {
			h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.3"), "targets")
			h.role("nightly", h.machines(), "widget/releases/*")
			h.listIn("nightly", "1.2.3", imageDigest)
		}, code: verify.ReleaseMachineSigners},

		{name: "two people withdraw the newest", ref: moving, more: both, prepare: func(_ *testing.T, h *hall) {
			twoLines(h)
			h.RemoveTarget(lab.ReleaseTarget(imageName, "2.0.0"), "current")
		}},
		{name: "one of two withdraws the newest", ref: moving, more: both, prepare: func(_ *testing.T, h *hall) {
			current := twoLines(h)
			current.Signers = current.Keys[:1]
			h.RemoveTarget(lab.ReleaseTarget(imageName, "2.0.0"), "current")
		}, code: verify.ReleaseTooFewPeople},
		{name: "one of two withdraws the newest, and the image is named", more: both, prepare: func(_ *testing.T, h *hall) {
			current := twoLines(h)
			current.Signers = current.Keys[:1]
		}},
		{name: "a role in which machines sign with people", ref: moving, prepare: func(_ *testing.T, h *hall) {
			keys := []*lab.TUFKey{h.Targets.Keys[0], h.Targets.Keys[1], h.machine("acme/ci")}
			mixed := h.role("mixed", keys, "widget/releases/v2.*")
			mixed.Threshold, mixed.Signers = 2, keys[1:]
		}, code: verify.ReleaseMachineSigners},
		{name: "a role off the way that has expired", ref: moving, more: both, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			current := twoLines(h)
			h.RemoveTarget(lab.ReleaseTarget(imageName, "2.0.0"), "current")
			current.Lifetime = time.Hour
		}, code: verify.ReleaseExpired, class: verify.Transient},
		{name: "a machine's role that has expired", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.role("nightly", h.machines(), "widget/releases/v2.*").Lifetime = time.Hour
		}},
		{name: "a role off the way that was signed in the future", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			current := h.role("current", h.Targets.Keys, "widget/releases/v2.*")
			current.Signers = []*lab.TUFKey{current.Keys[0].But(func(s *lab.TUFSigning) { s.At = today.Add(time.Hour) })}
		}, code: verify.ReleaseInFuture, class: verify.Transient},
		{name: "a role off the way below the minimum", ref: moving, more: []string{"tuf.min: {current: 2}"}, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.role("current", h.Targets.Keys, "widget/releases/v2.*")
		}, code: verify.ReleaseBelowMinimum, class: verify.Definitive},
		{name: "a role that cannot list a release", ref: moving, more: both, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.role("sboms", h.Targets.Keys[:1], "widget/sboms/*").Lifetime = time.Hour
		}},
	})
}

// TestReleaseNewestUnconstrained wants roles to count where nobody says who may sign, and
// their expiry with them.
func TestReleaseNewestUnconstrained(t *testing.T) {
	h := newHall(t)
	nightly := h.role("nightly", h.machines(), "widget/releases/v2.*")
	h.publish(t)
	p := policyOf(t, tagsYAML, h.releaseYAML("moving: {lag: 1s}"))
	wantPass(t, h.decide(t, p, moving, options(), h.evidence()))
	nightly.Lifetime = time.Hour
	h.publish(t, "nightly")
	wantUndecided(t, h.decide(t, p, moving, options(), h.evidence()), verify.ReleaseExpired, verify.Transient)
	nightly.Lifetime = 100 * time.Hour
	h.listIn("nightly", "2.0.0", strangeDigest)
	h.publish(t)
	wantFail(t, h.decide(t, p, moving, options(), h.evidence()), "release", verify.ReleaseRolledBack)
}

// TestReleaseNewestShowsRoles wants a verdict about a moving tag to name the roles that
// list nothing newer, and to end with them.
func TestReleaseNewestShowsRoles(t *testing.T) {
	h := newHall(t)
	current := twoLines(h)
	h.RemoveTarget(lab.ReleaseTarget(imageName, "2.0.0"), "current")
	current.Lifetime = 30 * time.Hour
	h.publish(t)
	v := h.decide(t, h.policy(t), moving, options(), h.evidence())
	wantPass(t, v)
	var names []string
	for _, role := range finding(t, v, "release").Release.Roles {
		names = append(names, role.Name)
	}
	if got := strings.Join(names, " "); got != "root timestamp snapshot targets lts current" {
		t.Errorf("found the roles %s", got)
	}
	if until := then.Add(30 * time.Hour); !v.ValidUntil.Equal(until) {
		t.Errorf("valid until %v; wanted %v", v.ValidUntil, until)
	}
	v = h.decide(t, h.policy(t), imageRef, options(), h.evidence())
	if until := then.Add(48 * time.Hour); !v.ValidUntil.Equal(until) {
		t.Errorf("by name, valid until %v; wanted %v", v.ValidUntil, until)
	}
}

// TestReleaseNewestSaysWho wants the refusal over a machine's role to name it, the
// version it could hide, and whoever holds it.
func TestReleaseNewestSaysWho(t *testing.T) {
	h := newHall(t)
	oneLine(h)
	h.publish(t)
	v := h.decide(t, h.policy(t), moving, options(), h.evidence())
	m := finding(t, v, "release").Message
	for _, want := range []string{"the role nightly, version 1,", "version 1.2.4", "sign.yml@refs/heads/main of https://token.actions.githubusercontent.com"} {
		if !strings.Contains(m, want) {
			t.Errorf("the message lacks %q: %s", want, m)
		}
	}
}

// TestReleaseListedByStrangers has a machine's role list a good image too: people's word
// for it stands, and nobody is told to run what the machine lists.
func TestReleaseListedByStrangers(t *testing.T) {
	h := newHall(t)
	h.role("nightly", h.machines(), "widget/releases/*")
	h.listIn("nightly", "99.0.0", imageDigest)
	h.listIn("nightly", "98.0.0", newerDigest)
	h.listIn("nightly", "97.0.0", strangeDigest)
	h.list(t, "1.2.4", newerDigest)
	h.publish(t)
	p := h.policy(t, "moving: {lag: 1s}")
	for _, ref := range []string{imageName + "@" + imageDigest, moving + "@" + imageDigest, imageRef, imageName + ":1.2@" + imageDigest} {
		v := h.decide(t, p, ref, options(), h.evidence())
		wantPass(t, v)
		if r := finding(t, v, "release").Release; v.Image.Version != "1.2.3" || r.Version != "1.2.3" || len(r.Versions) != 0 {
			t.Errorf("%s: found version %q, %+v", ref, v.Image.Version, r)
		}
	}
	v := h.decide(t, p, moving, options(), h.evidence())
	wantFail(t, v, "release", verify.ReleaseRolledBack)
	f := finding(t, v, "release")
	if len(f.Release.Newest) != 3 || f.Release.Newest[0].Version != "1.2.4" || strings.Contains(f.Message, "99.0.0") {
		t.Errorf("found %+v: %s", f.Release.Newest, f.Message)
	}
	v = h.decide(t, p, imageName+":1.2.4@"+imageDigest, options(), h.evidence())
	wantFail(t, v, "release", verify.ReleaseOtherVersion)
	if m := finding(t, v, "release").Message; strings.Contains(m, "99.0.0") {
		t.Errorf("a stranger's version is told: %s", m)
	}
	for _, ref := range []string{imageName + "@" + strangeDigest, imageName + ":97.0.0@" + strangeDigest, moving + "@" + strangeDigest} {
		v := h.decide(t, p, ref, options(), h.evidence())
		wantFail(t, v, "release", verify.ReleaseMachineSigners)
	}
	v = h.decide(t, p, imageName+"@"+strangeDigest, options(), h.evidence())
	if f := finding(t, v, "release"); v.Image.Version != "" || f.Release.Version != "" || f.Release.Target != "" {
		t.Errorf("what a machine lists is shown as authorised: version %q, %+v", v.Image.Version, f.Release)
	}
}

// TestReleaseGoingBackToPeople wants a refusal not to recommend what a machine's role puts
// in the place of a version that people list.
func TestReleaseGoingBackToPeople(t *testing.T) {
	h := newHall(t)
	oneLine(h)
	h.listIn("nightly", "1.2.4", newerDigest)
	h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.3"), "releases")
	h.publish(t)
	e := h.evidence()
	sawListed("1.2.3", imageDigest)(h, e)
	v := h.decide(t, h.policy(t), imageName+"@"+imageDigest, options(), e)
	wantFail(t, v, "release", verify.ReleaseWithdrawn)
	if newest := finding(t, v, "release").Release.Newest; len(newest) != 1 || newest[0].Version != "1.2.2" {
		t.Errorf("found %+v", newest)
	}
}

// TestReleaseManyListed wants a question that needs all versions to end where there are
// very many, and one that does not to be answered.
func TestReleaseManyListed(t *testing.T) {
	many := func(signed map[string]any) {
		targets := signed["targets"].(map[string]any)
		for i := range 4097 {
			targets[lab.ReleaseTarget(imageName, fmt.Sprintf("0.9.%d", i))] = map[string]any{"length": 1, "hashes": map[string]any{"sha256": strings.Repeat("ab", 32)}}
		}
	}
	incomplete := func(_ *hall, e *verify.ReleaseEvidence) { e.Complete = false }
	people := func(_ *testing.T, h *hall) { h.Targets.Edit = many }
	machine := func(_ *testing.T, h *hall) { h.role("nightly", h.machines(), "widget/releases/*").Edit = many }
	runAll(t, []releaseCase{
		{name: "people's, behind a tag", ref: moving, prepare: people, evidence: incomplete, code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "people's, pinned", ref: imageName + "@" + imageDigest, prepare: people, evidence: incomplete},
		{name: "people's, pinned to another", ref: imageName + "@" + strangeDigest, prepare: people, evidence: incomplete, code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "people's, by name", prepare: people, evidence: incomplete},
		{name: "a machine's, behind a tag", ref: moving, prepare: machine, evidence: incomplete},
		{name: "a machine's, pinned", ref: imageName + "@" + imageDigest, prepare: machine, evidence: incomplete},
	})
}

// TestReleaseDiamond wants every delegator's word on who signs a role to count.
func TestReleaseDiamond(t *testing.T) {
	h := newHall(t)
	shared := must(lab.NewTUFRole("shared", h.Targets.Keys...))
	for _, name := range []string{"east", "west"} {
		role := h.role(name, h.Targets.Keys, "widget/releases/*")
		role.Delegations = []lab.TUFDelegation{{Role: shared, Paths: []string{"widget/releases/v2.*"}}}
	}
	h.publish(t)
	e := h.evidence()
	p := h.policy(t)
	v := h.decide(t, p, moving, options(), e)
	wantPass(t, v)
	var by []string
	for _, role := range finding(t, v, "release").Release.Roles[4:] {
		by = append(by, role.Name+" by "+role.By)
	}
	if got := strings.Join(by, ", "); got != "east by targets 3, west by targets 3, shared by east 1, shared by west 1" {
		t.Errorf("found %s", got)
	}
	e.Delegated = slices.DeleteFunc(e.Delegated, func(d verify.DelegatedMetadata) bool { return d.Role == "shared" && d.Delegator == "west" })
	wantUndecided(t, h.decide(t, p, moving, options(), e), verify.ReleaseNotEnumerable, verify.Definitive)
	wantPass(t, h.decide(t, p, imageRef, options(), e))
}
