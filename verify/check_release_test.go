package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

const moving = imageName + ":latest"

func TestReleasePasses(t *testing.T) {
	h := newHall(t)
	p := h.policy(t)
	for name, c := range map[string]struct {
		ref, version, from string
		options            verify.Options
	}{
		"a version tag":         {imageName + ":1.2.3", "1.2.3", "tag", options()},
		"a digest":              {imageName + "@" + imageDigest, "1.2.3", "release", options()},
		"both":                  {imageRef, "1.2.3", "tag", options()},
		"a moving tag":          {moving, "1.2.3", "release", options()},
		"a line of versions":    {imageName + ":1.2", "1.2.3", "release", options()},
		"a pinned line":         {imageName + ":1.2@" + imageDigest, "1.2.3", "release", options()},
		"a flag":                {imageName + "@" + imageDigest, "1.2.3", "flag", verify.Options{At: today, Limits: verify.DefaultLimits(), Version: "1.2.3"}},
		"an older one pinned":   {imageName + ":latest@" + otherDigest, "1.2.2", "release", options()},
		"a pre-release by name": {imageName + ":1.3.0-rc.1@" + newerDigest, "1.3.0-rc.1", "tag", options()},
	} {
		t.Run(name, func(t *testing.T) {
			v := h.decide(t, p, c.ref, c.options, h.evidence())
			wantPass(t, v)
			if v.Image.Version != c.version || v.Image.VersionFrom != c.from {
				t.Errorf("version %q from %q; wanted %q from %q", v.Image.Version, v.Image.VersionFrom, c.version, c.from)
			}
			f := finding(t, v, "release")
			if f.Release.Version != c.version || f.Release.Target != lab.ReleaseTarget(imageName, c.version) || f.Release.People != 1 || f.Wanted[0]["people"] != "1" {
				t.Errorf("found %+v", f.Release)
			}
			// The timestamp expires first.
			if want := then.Add(48 * time.Hour); v.ValidUntil == nil || !v.ValidUntil.Equal(want) {
				t.Errorf("valid until %v; wanted %v", v.ValidUntil, want)
			}
		})
	}
}

func TestReleaseShowsRoles(t *testing.T) {
	h := newHall(t)
	v := h.decide(t, h.policy(t), imageRef, options(), h.evidence())
	r := finding(t, v, "release").Release
	var names []string
	for _, role := range r.Roles {
		names = append(names, role.Name+" by "+role.By)
	}
	if got := strings.Join(names, ", "); got != "root by root 1, timestamp by root 1, snapshot by root 1, targets by root 1" {
		t.Errorf("found the roles %s", got)
	}
	for _, role := range r.Roles {
		for _, holder := range role.Holders {
			person := holder.Identity == lab.FirstPerson || holder.Identity == lab.SecondPerson
			if holder.Human == nil || *holder.Human != person || !holder.Signed || holder.Time == nil || !holder.Time.Equal(then) {
				t.Errorf("%s: found %+v", role.Name, holder)
			}
		}
		if role.Expired || role.Threshold != 1 || role.Version == 0 {
			t.Errorf("found %+v", role)
		}
	}
	if r.State != verify.StateBootstrap || !r.Refreshed || r.Grace != nil || r.Lagging != nil {
		t.Errorf("found %+v", r)
	}
	nobody := policyOf(t, tagsYAML, h.releaseYAML())
	v = h.decide(t, nobody, imageRef, options(), h.evidence())
	wantPass(t, v)
	f := finding(t, v, "release")
	if len(f.Unconstrained) != 1 || f.Unconstrained[0] != "signers" || f.Release.Roles[0].Holders[0].Human != nil {
		t.Errorf("where nobody is demanded, found %v and %+v", f.Unconstrained, f.Release.Roles[0].Holders[0])
	}
}

// releaseCase is a repository and a question that must be answered with a code.
type releaseCase struct {
	name string
	ref  string
	code verify.Code
	// class is set where the answer is that nothing is decided.
	class    verify.Class
	more     []string // keys of the demand
	options  func(*verify.Options)
	prepare  func(*testing.T, *hall)
	evidence func(*hall, *verify.ReleaseEvidence)
}

func (c releaseCase) run(t *testing.T) verify.Verdict {
	t.Helper()
	h := newHall(t)
	if c.prepare != nil {
		c.prepare(t, h)
		h.publish(t)
	}
	e, o := h.evidence(), options()
	if c.evidence != nil {
		c.evidence(h, e)
	}
	if c.options != nil {
		c.options(&o)
	}
	ref := c.ref
	if ref == "" {
		ref = imageRef
	}
	v := h.decide(t, h.policy(t, c.more...), ref, o, e)
	switch {
	case c.code == "":
		wantPass(t, v)
	case c.class == "":
		wantFail(t, v, "release", c.code)
	default:
		wantUndecided(t, v, c.code, c.class)
	}
	return v
}

func runAll(t *testing.T, cases []releaseCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

// listAs lists a manifest after changes.
func listAs(t *testing.T, h *hall, version string, edit func(map[string]any)) {
	t.Helper()
	b := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: version, Image: imageName, Digest: imageDigest, Created: then, Edit: edit}))
	h.AddTarget(lab.ReleaseTarget(imageName, version), b, "targets")
}

func editing1(key string, value any) func(*testing.T, *hall) {
	return func(t *testing.T, h *hall) {
		t.Helper()
		listAs(t, h, "1.2.3", func(m map[string]any) {
			if m[key] = value; value == nil {
				delete(m, key)
			}
		})
	}
}

func withdraw(version string) func(*testing.T, *hall) {
	return func(_ *testing.T, h *hall) { h.RemoveTarget(lab.ReleaseTarget(imageName, version), "targets") }
}

func sawListed(version, digest string) func(*hall, *verify.ReleaseEvidence) {
	return func(_ *hall, e *verify.ReleaseEvidence) {
		e.State.Kind = verify.StateKnown
		e.State.Listed = map[string]string{lab.ReleaseTarget(imageName, version): digest}
	}
}

const strangeDigest = "sha256:8888888888888888888888888888888888888888888888888888888888888888"

func TestReleaseListing(t *testing.T) {
	digestOnly := imageName + "@" + imageDigest
	runAll(t, []releaseCase{
		{name: "a version that is not listed", ref: imageName + ":1.2.4@" + strangeDigest, code: verify.ReleaseNotListed},
		{name: "a digest that is not listed", ref: imageName + "@" + strangeDigest, code: verify.ReleaseNotListed},
		{name: "a moving tag of a digest that is not listed", ref: moving, prepare: withdraw("1.2.3"), code: verify.ReleaseNotListed},
		{name: "another digest under the version", ref: imageName + ":1.2.3@" + strangeDigest, code: verify.ReleaseDigestMismatch},
		{name: "the digest of another version", ref: imageName + ":1.2.3@" + otherDigest, code: verify.ReleaseOtherVersion},
		{name: "the digest of another version, and the version is not listed", ref: imageName + ":1.9.0@" + otherDigest, code: verify.ReleaseOtherVersion},
		{name: "withdrawn by version", prepare: withdraw("1.2.3"), evidence: sawListed("1.2.3", imageDigest), code: verify.ReleaseWithdrawn},
		{name: "withdrawn by version, never read", prepare: withdraw("1.2.3"), evidence: sawListed("1.2.3", ""), code: verify.ReleaseWithdrawn},
		{name: "another image was withdrawn", prepare: withdraw("1.2.3"), evidence: sawListed("1.2.3", strangeDigest), code: verify.ReleaseNotListed},
		{name: "withdrawn by digest", ref: digestOnly, prepare: withdraw("1.2.3"), evidence: sawListed("1.2.3", imageDigest), code: verify.ReleaseWithdrawn},
		{name: "withdrawn behind a moving tag", ref: moving, prepare: withdraw("1.2.3"), evidence: sawListed("1.2.3", imageDigest), code: verify.ReleaseWithdrawn},
		{name: "replaced under its version", prepare: func(t *testing.T, h *hall) { t.Helper(); h.list(t, "1.2.3", strangeDigest) }, evidence: sawListed("1.2.3", imageDigest), code: verify.ReleaseWithdrawn},
		{name: "a manifest of another image", prepare: editing1("image", "registry.example/acme/other"), code: verify.ReleaseImageMismatch},
		{name: "a manifest of another image, by digest", ref: digestOnly, prepare: editing1("image", "registry.example/acme/other"), code: verify.ReleaseImageMismatch},
		{name: "a manifest of another tag", prepare: editing1("image", imageName+":1.2.2"), code: verify.ReleaseImageMismatch},
		{name: "a manifest of another digest", prepare: editing1("image", imageName+"@"+otherDigest), code: verify.ReleaseImageMismatch},
		{name: "a manifest with its own tag and digest", prepare: editing1("image", imageRef)},
		{name: "a manifest of another version", prepare: editing1("version", "1.2.2"), code: verify.ReleaseVersionMismatch},
		{name: "a manifest of v1.2.3", prepare: editing1("version", "v1.2.3"), code: verify.ReleaseVersionMismatch},
		{name: "a manifest without a version", prepare: editing1("version", nil), code: verify.ReleaseManifestMalformed},
		{name: "a manifest without a digest", prepare: editing1("digest", nil), code: verify.ReleaseManifestMalformed},
		{name: "a digest that is none", prepare: editing1("digest", strings.ToUpper(imageDigest)), code: verify.ReleaseManifestMalformed},
		{name: "a digest that is a list", prepare: editing1("digest", []string{imageDigest}), code: verify.ReleaseManifestMalformed},
		{name: "a member in another case", prepare: editing1("Digest", otherDigest), code: verify.ReleaseManifestMalformed},
		{name: "no commit", more: []string{"fields: {commit: commit}"}, code: verify.ReleaseManifestMalformed},
		{name: "a short commit", more: []string{"fields: {commit: commit}"}, prepare: editing1("commit", "c0ffee0"), code: verify.ReleaseManifestMalformed},
		{name: "a commit", more: []string{"fields: {commit: commit}"}, prepare: editing1("commit", lab.DefaultCommit)},
		{name: "other members", more: []string{"fields: {digest: image_ref, version: tag}"}, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			listAs(t, h, "1.2.3", func(m map[string]any) {
				m["image_ref"], m["tag"] = imageDigest, "1.2.3"
				delete(m, "digest")
				delete(m, "version")
			})
		}},
		{name: "a manifest that is no JSON", prepare: func(_ *testing.T, h *hall) {
			h.AddTarget(lab.ReleaseTarget(imageName, "1.2.3"), []byte(imageDigest), "targets")
		}, code: verify.ReleaseManifestMalformed},
		{name: "a digest twice", prepare: func(_ *testing.T, h *hall) {
			path := lab.ReleaseTarget(imageName, "1.2.3")
			b := strings.Replace(string(h.Targets.Targets[path]), "{", `{"digest":"`+otherDigest+`",`, 1)
			h.AddTarget(path, []byte(b), "targets")
		}, code: verify.ReleaseManifestMalformed},
		{name: "a tag that is neither a version nor moving", ref: imageName + ":nightly@" + imageDigest, code: verify.PolicyNoVersion},
		{name: "a flag against the tag", options: func(o *verify.Options) { o.Version = "1.2.2" }, code: verify.PolicyNoVersion},
		{name: "a flag of another version", ref: digestOnly, options: func(o *verify.Options) { o.Version = "1.2.2" }, code: verify.ReleaseOtherVersion},
		{name: "a line that is not the version's", ref: imageName + ":1.1@" + imageDigest, code: verify.ReleaseVersionMismatch},
		{name: "a line that is not the flag's", ref: imageName + ":1.1", options: func(o *verify.Options) { o.Version = "1.2.3" }, code: verify.ReleaseVersionMismatch},
		{name: "the manifest was not read", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Manifests = nil }, code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "the manifest could not be read", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Manifests, e.Failures = nil, unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "another file in the manifest's place, which was not gathered", evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			e.Manifests, e.Failures = nil, otherFile()
		}, code: verify.ReleaseHashMismatch, class: verify.Definitive},
		{name: "another file in the manifest's place, and a failure", evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			e.Manifests, e.Failures = nil, append(otherFile(), unreachable()...)
		}, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "another file in the manifest's place", evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			for i := range e.Manifests {
				e.Manifests[i].Bytes = append([]byte(" "), e.Manifests[i].Bytes...)
			}
		}, code: verify.ReleaseHashMismatch},
		{name: "a manifest that nobody lists", ref: imageName + ":1.2.4", evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			b := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: "1.2.4", Image: imageName, Digest: imageDigest, Created: then}))
			e.Manifests = append(e.Manifests, verify.Manifest{Path: lab.ReleaseTarget(imageName, "1.2.4"), Bytes: b})
		}, code: verify.ReleaseOtherVersion},
		{name: "a digest among manifests that were not all read", ref: imageName + "@" + strangeDigest, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Complete = false }, code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "a digest among manifests of which one is lost", ref: imageName + "@" + strangeDigest, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Manifests = e.Manifests[1:] }, code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "a digest that was found before all were read", ref: digestOnly, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Complete = false }},
	})
}

func unreachable() []verify.Failure {
	return []verify.Failure{{Code: verify.TUFUnreachable, Class: verify.Transient, Place: metadataURL, Detail: "dial: refused"}}
}

func otherFile() []verify.Failure {
	return []verify.Failure{{Code: verify.ReleaseHashMismatch, Class: verify.Definitive, Place: metadataURL, Detail: "another hash"}}
}

func TestReleaseMoving(t *testing.T) {
	release := func(version, digest string, when time.Time) func(*testing.T, *hall) {
		return func(t *testing.T, h *hall) {
			t.Helper()
			h.Now = when
			h.list(t, version, digest)
			h.publish(t, "timestamp")
		}
	}
	old := today.Add(-2 * time.Hour)
	runAll(t, []releaseCase{
		{name: "a newer release", ref: moving, prepare: release("1.2.4", strangeDigest, old), code: verify.ReleaseRolledBack},
		{name: "a newer release in the line", ref: imageName + ":1.2", prepare: release("1.2.4", strangeDigest, old), code: verify.ReleaseRolledBack},
		{name: "a newer release of another line", ref: imageName + ":1.2", prepare: release("1.3.0", strangeDigest, old)},
		{name: "ten is more than nine", ref: moving, prepare: release("1.10.0", strangeDigest, old), code: verify.ReleaseRolledBack},
		{name: "a newer one in letters alone", ref: moving, prepare: release("1.2.3-zzz", strangeDigest, old)},
		{name: "a pre-release that counts", ref: moving, more: []string{"moving: {prereleases: true}"}, code: verify.ReleaseRolledBack},
		{name: "a pre-release behind the tag", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.list(t, "1.2.3", otherDigest)
			h.list(t, "1.4.0-rc.1", imageDigest)
			h.Now = old
		}, code: verify.ReleaseRolledBack},
		{name: "no version of the line", ref: imageName + ":3.1", code: verify.ReleaseVersionMismatch},
		{name: "build metadata", ref: moving, prepare: release("1.2.3+build.7", strangeDigest, old)},
		{name: "lagging", ref: moving, prepare: release("1.2.4", strangeDigest, today.Add(-time.Minute))},
		{name: "lagging no longer", ref: moving, prepare: release("1.2.4", strangeDigest, today.Add(-time.Hour)), code: verify.ReleaseRolledBack},
		{name: "lagging by another measure", ref: moving, more: []string{"moving: {lag: 3h}"}, prepare: release("1.2.4", strangeDigest, old)},
		{name: "hardly any lag", ref: moving, more: []string{"moving: {lag: 1s}"}, prepare: release("1.2.4", strangeDigest, today.Add(-time.Minute)), code: verify.ReleaseRolledBack},
		{name: "lagging by two releases", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.list(t, "1.2.4", strangeDigest)
			release("1.2.5", newerDigest, today.Add(-time.Minute))(t, h)
		}, code: verify.ReleaseRolledBack},
		{name: "pinned, whatever was released since", ref: moving + "@" + imageDigest, prepare: release("1.2.4", strangeDigest, old)},
		{name: "named, whatever was released since", prepare: release("1.2.4", strangeDigest, old)},
		{name: "by flag, whatever was released since", ref: moving, options: func(o *verify.Options) { o.Version = "1.2.3" }, prepare: release("1.2.4", strangeDigest, old)},
		{name: "the newest is of another image", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			listAs(t, h, "1.2.4", func(m map[string]any) { m["image"] = "registry.example/acme/other" })
		}, code: verify.ReleaseImageMismatch},
		{name: "the newest was not read", ref: moving, prepare: release("1.2.4", strangeDigest, old), evidence: dropManifest("1.2.4"), code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "an older one was not read", ref: moving, evidence: dropManifest("1.2.2")},
		{name: "an unlisted one behind the tag, and not all were read", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.list(t, "1.2.3", strangeDigest)
		}, evidence: dropManifest("1.2.2"), code: verify.ReleaseNotListed},
		{name: "the one before the newest was not read while it may lag", ref: moving, prepare: release("1.2.4", strangeDigest, today.Add(-time.Minute)), evidence: dropManifest("1.2.3"), code: verify.ReleaseNotEnumerable, class: verify.Definitive},
	})
}

func dropManifest(version string) func(*hall, *verify.ReleaseEvidence) {
	return func(_ *hall, e *verify.ReleaseEvidence) {
		e.Complete = false
		for i, m := range e.Manifests {
			if m.Path == lab.ReleaseTarget(imageName, version) {
				e.Manifests = append(e.Manifests[:i:i], e.Manifests[i+1:]...)
				return
			}
		}
	}
}

func TestReleaseLagging(t *testing.T) {
	h := newHall(t)
	h.Now = today.Add(-20 * time.Minute)
	h.list(t, "1.2.4", strangeDigest)
	h.publish(t)
	v := h.decide(t, h.policy(t), moving, options(), h.evidence())
	wantPass(t, v)
	f, until := finding(t, v, "release"), today.Add(40*time.Minute)
	if f.Notice != verify.ReleaseLagging || f.Release.Lagging == nil || f.Release.Lagging.Newest != "1.2.4" || !f.Release.Lagging.Until.Equal(until) {
		t.Errorf("found the notice %q and %+v", f.Notice, f.Release.Lagging)
	}
	if !v.ValidUntil.Equal(until) || v.Image.Version != "1.2.3" || !strings.Contains(f.Message, "1.2.4") {
		t.Errorf("valid until %v, version %s: %s", v.ValidUntil, v.Image.Version, f.Message)
	}
}

// TestReleaseLaggingCounts wants the time of lagging to begin when the last of the
// signatures was made that were needed, and the newer release to be people's too.
func TestReleaseLaggingCounts(t *testing.T) {
	h := newHall(t)
	err := h.RotateRoot(func(r *lab.TUF) { r.Targets.Threshold = 2 })
	if err != nil {
		t.Fatal(err)
	}
	h.Now = today.Add(-20 * time.Minute)
	early := h.Targets.Keys[0].But(func(s *lab.TUFSigning) { s.At = today.Add(-3 * time.Hour) })
	h.Targets.Signers = []*lab.TUFKey{early, h.Targets.Keys[1]}
	h.list(t, "1.2.4", strangeDigest)
	h.publish(t)
	wantPass(t, h.decide(t, h.policy(t), moving, options(), h.evidence()))

	h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.4"), "targets")
	role := must(lab.NewTUFRole("newer", h.Targets.Keys[0]))
	h.Targets.Delegations = []lab.TUFDelegation{{Role: role, Paths: []string{"widget/releases/v1.2.5.json"}}}
	b := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: "1.2.5", Image: imageName, Digest: strangeDigest, Created: then}))
	h.AddTarget(lab.ReleaseTarget(imageName, "1.2.5"), b, "newer")
	h.publish(t)
	wantPass(t, h.decide(t, h.policy(t), moving, options(), h.evidence()))
	wantFail(t, h.decide(t, h.policy(t, twoPeople), moving, options(), h.evidence()), "release", verify.ReleaseTooFewPeople)
}

// TestReleaseGoingBack wants a refusal to say what could be run instead.
func TestReleaseGoingBack(t *testing.T) {
	h := newHall(t)
	h.list(t, "1.2.4", strangeDigest)
	h.publish(t)
	v := h.decide(t, h.policy(t), moving, options(), h.evidence())
	wantFail(t, v, "release", verify.ReleaseRolledBack)
	f := finding(t, v, "release")
	if len(f.Release.Newest) != 3 || f.Release.Newest[0].Version != "1.2.4" || f.Release.Newest[0].Pinned != imageName+"@"+strangeDigest {
		t.Errorf("found %+v", f.Release.Newest)
	}
	for _, want := range []string{"1.2.4 (" + imageName + "@" + strangeDigest + ")", "to run an older release, name its version or digest"} {
		if !strings.Contains(f.Message, want) {
			t.Errorf("the message lacks %q: %s", want, f.Message)
		}
	}
	if f.Release.Version != "" || f.Release.Target != "" {
		t.Errorf("a refused release is shown as accepted: %+v", f.Release)
	}
}

// TestReleaseSeveralVersions wants a digest of two versions to pass by itself, and not
// where another demand needs the one.
func TestReleaseSeveralVersions(t *testing.T) {
	h := newHall(t)
	h.list(t, "1.2.10", imageDigest)
	h.publish(t)
	digestOnly := imageName + "@" + imageDigest
	v := h.decide(t, h.policy(t), digestOnly, options(), h.evidence())
	wantPass(t, v)
	if r := finding(t, v, "release").Release; r.Version != "1.2.10" || strings.Join(r.Versions, " ") != "1.2.10 1.2.3" || v.Image.Version != "" {
		t.Errorf("found %+v", r)
	}
	v = h.decide(t, h.policy(t), imageName+":1.2", options(), h.evidence())
	wantPass(t, v)
	if v.Image.Version != "1.2.10" || v.Image.VersionFrom != "release" {
		t.Errorf("behind a line it is version %q from %q", v.Image.Version, v.Image.VersionFrom)
	}
	both := policyOf(t, "source: "+sourceYAML, signatureYAML, h.releaseYAML(human))
	v = decideUnder(t, h.trustOf(both), both, digestOnly, "", options(), h.evidence(), h.signature())
	wantFail(t, v, "signature", verify.PolicyNoVersion)
	v = decideUnder(t, h.trustOf(both), both, imageRef, "", options(), h.evidence(), h.signature())
	wantPass(t, v)
}

// TestReleaseVersionForOthers wants the version that the repository lists to be the one
// that templated demands are judged by.
func TestReleaseVersionForOthers(t *testing.T) {
	h := newHall(t)
	both := policyOf(t, "source: "+sourceYAML, signatureYAML, h.releaseYAML(human))
	v := decideUnder(t, h.trustOf(both), both, imageName+"@"+imageDigest, "", options(), h.evidence(), h.signature())
	wantPass(t, v)
	if v.Image.VersionFrom != "release" {
		t.Errorf("the version is from %q", v.Image.VersionFrom)
	}
	h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.3"), "targets")
	h.list(t, "1.2.4", imageDigest)
	h.publish(t)
	v = decideUnder(t, h.trustOf(both), both, imageName+"@"+imageDigest, "", options(), h.evidence(), h.signature())
	wantFail(t, v, "signature", verify.SignatureIdentityMismatch)
	if finding(t, v, "release").Result != verify.Passed {
		t.Error("the release check fails for the signature's sake")
	}
}

func TestReleaseOtherGrammar(t *testing.T) {
	h := newHall(t)
	h.list(t, "2025.06", imageDigest)
	h.publish(t)
	p := policyOf(t, `tags: {version: "{version}", moving: latest, version_regexp: "[0-9.]+"}`, h.releaseYAML(human))
	wantPass(t, h.decide(t, p, imageName+":2025.06", options(), h.evidence()))
	wantUndecided(t, h.decide(t, p, moving, options(), h.evidence()), verify.ReleaseNotEnumerable, verify.Definitive)
}
