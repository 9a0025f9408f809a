package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

func when(t time.Time) func(*verify.Options) { return func(o *verify.Options) { o.At = t } }

func TestReleaseExpiry(t *testing.T) {
	expires := then.Add(48 * time.Hour)
	grace := []string{"offline: {max_age: 72h}"}
	short := func(name string) func(*testing.T, *hall) {
		return func(_ *testing.T, h *hall) { h.Role(name).Lifetime = time.Hour }
	}
	runAll(t, []releaseCase{
		{name: "at the last moment", options: when(expires)},
		{name: "a moment later", options: when(expires.Add(time.Second)), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "root", prepare: func(t *testing.T, h *hall) { t.Helper(); short("root")(t, h); h.publish(t, "root") }, code: verify.ReleaseExpired, class: verify.Transient},
		{name: "snapshot", prepare: short("snapshot"), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "targets", prepare: short("targets"), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "a delegated role on the way", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			delegate(t, h, 1, h.Targets.Keys...).Lifetime = time.Hour
		}, code: verify.ReleaseExpired, class: verify.Transient},
		{name: "a delegated role that is asked before and lists nothing", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			delegate(t, h, 1, h.Targets.Keys...)
			before := must(lab.NewTUFRole("before", h.Targets.Keys...))
			before.Lifetime = time.Hour
			h.Targets.Delegations = append([]lab.TUFDelegation{{Role: before, Paths: []string{"widget/releases/*"}}}, h.Targets.Delegations...)
		}, code: verify.ReleaseExpired, class: verify.Transient},
		{name: "a root that was replaced", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			h.Root.Lifetime = time.Hour
			h.publish(t, "root")
			h.Root.Lifetime = 1000 * time.Hour
			h.publish(t, "root")
		}},
		{name: "expired and not listed", ref: imageName + ":1.2.4@" + strangeDigest, options: when(expires.Add(time.Second)), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "within the grace", more: grace, options: when(expires.Add(time.Hour))},
		{name: "at the end of the grace", more: grace, options: when(then.Add(72 * time.Hour))},
		{name: "after the grace", more: grace, options: when(then.Add(72*time.Hour + time.Second)), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "grace is for now alone", more: grace, options: func(o *verify.Options) { o.At, o.Hypothetical = expires.Add(time.Hour), true }, code: verify.ReleaseExpired, class: verify.Transient},
		{name: "no grace without a verified time", more: grace, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			if err := h.RotateRoot(func(r *lab.TUF) { r.Timestamp.Keys = []*lab.TUFKey{must(lab.NewTUFKey(lab.TUFEd25519))} }); err != nil {
				t.Fatal(err)
			}
		}, options: when(expires.Add(time.Hour)), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "signed after the judgement", options: when(then.Add(-6 * time.Minute)), code: verify.ReleaseInFuture, class: verify.Transient},
		{name: "signed after another time", options: func(o *verify.Options) { o.At, o.Hypothetical = then.Add(-6*time.Minute), true }, code: verify.ReleaseInFuture},
		{name: "signed a moment after the judgement", options: when(then.Add(-4 * time.Minute))},
	})
}

func TestReleaseGraceShows(t *testing.T) {
	h := newHall(t)
	p := h.policy(t, "offline: {max_age: 72h}")
	v := h.decide(t, p, imageRef, at(then.Add(50*time.Hour)), h.evidence())
	wantPass(t, v)
	f, until := finding(t, v, "release"), then.Add(72*time.Hour)
	if f.Release.Grace == nil || !f.Release.Grace.Equal(until) || !v.ValidUntil.Equal(until) || !strings.Contains(f.Message, "expired") {
		t.Errorf("grace %v, valid until %v: %s", f.Release.Grace, v.ValidUntil, f.Message)
	}
	if !f.Release.Roles[1].Expired || f.Release.Roles[0].Expired {
		t.Errorf("found %+v", f.Release.Roles)
	}
	v = h.decide(t, h.policy(t), imageRef, at(then.Add(50*time.Hour)), h.evidence())
	if m := finding(t, v, "release").Message; !strings.Contains(m, "timestamp on 2025-06-03T12:00:00Z") {
		t.Errorf("the expired role is not named: %s", m)
	}
}

// TestReleaseGraceIsForWhatExpiredSince has a machine sign a timestamp every day over
// roles that have expired: that is no grace for them.
func TestReleaseGraceIsForWhatExpiredSince(t *testing.T) {
	grace := []string{"offline: {max_age: 1h}"}
	daily := func(role string, days int) func(*testing.T, *hall) {
		return func(t *testing.T, h *hall) {
			t.Helper()
			h.Snapshot.Lifetime = 1000 * 24 * time.Hour
			h.publish(t, "snapshot")
			h.Role(role).Lifetime = 24 * time.Hour
			h.publish(t, role)
			h.Now = then.AddDate(0, 0, days)
			h.publish(t, "timestamp")
		}
	}
	days := func(n int) func(*verify.Options) { return when(then.AddDate(0, 0, n).Add(time.Minute)) }
	runAll(t, []releaseCase{
		{name: "root", more: grace, prepare: daily("root", 2), options: days(2), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "targets", more: grace, prepare: daily("targets", 2), options: days(2), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "targets, long ago", more: grace, prepare: daily("targets", 80), options: days(80), code: verify.ReleaseExpired, class: verify.Transient},
		{name: "targets, at the moment when the timestamp was signed", more: grace, prepare: daily("targets", 1), options: days(1)},
		{name: "targets, a minute after they were signed anew", more: grace, prepare: daily("targets", 0), options: days(0)},
	})
}

// TestReleaseState is attack 36's part about what earlier runs saw.
func TestReleaseState(t *testing.T) {
	seen := func(f metadata.Floor) func(*hall, *verify.ReleaseEvidence) {
		return func(_ *hall, e *verify.ReleaseEvidence) { state(f, nil)(e) }
	}
	failed := func(code verify.Code, class verify.Class) func(*hall, *verify.ReleaseEvidence) {
		return func(_ *hall, e *verify.ReleaseEvidence) {
			e.Failures = []verify.Failure{{Code: code, Class: class, Place: "state.json", Detail: "the checksum differs"}}
		}
	}
	required := []string{"tuf.state: required"}
	runAll(t, []releaseCase{
		{name: "no state yet"},
		{name: "the same as before", evidence: seen(metadata.Floor{Root: 1, Timestamp: 2, Snapshot: 2, Roles: map[string]int64{"targets": 2}})},
		{name: "an older root", evidence: seen(metadata.Floor{Root: 2}), code: verify.ReleaseRollback, class: verify.Transient},
		{name: "an older timestamp", evidence: seen(metadata.Floor{Root: 1, Timestamp: 3}), code: verify.ReleaseRollback, class: verify.Transient},
		{name: "an older snapshot", evidence: seen(metadata.Floor{Root: 1, Timestamp: 2, Snapshot: 3}), code: verify.ReleaseRollback, class: verify.Transient},
		{name: "older targets", evidence: seen(metadata.Floor{Root: 1, Timestamp: 2, Snapshot: 2, Roles: map[string]int64{"targets": 3}}), code: verify.ReleaseRollback, class: verify.Transient},
		{name: "a role is gone", evidence: seen(metadata.Floor{Root: 1, Timestamp: 2, Snapshot: 2, Roles: map[string]int64{"releases": 1}}), code: verify.ReleaseRollback, class: verify.Transient},
		{name: "state that cannot be read", evidence: failed(verify.ReleaseStateUnreadable, verify.Definitive), code: verify.ReleaseStateUnreadable, class: verify.Definitive},
		{name: "a collector that panicked", evidence: failed(verify.InternalPanic, verify.Definitive), code: verify.InternalPanic, class: verify.Definitive},
		{name: "state is required, and there is none yet", more: required, code: verify.ReleaseStateMissing, class: verify.Definitive},
		{name: "state is required, and there", more: required, evidence: seen(metadata.Floor{Root: 1})},
		{name: "state is required, and the collector says so", more: required, evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			*e = verify.ReleaseEvidence{State: verify.ReleaseState{Kind: verify.StateNone}, Failures: []verify.Failure{{Code: verify.ReleaseStateMissing, Class: verify.Definitive}}}
		}, code: verify.ReleaseStateMissing, class: verify.Definitive},
		{name: "as new as the policy wants", more: []string{"tuf.min: {root: 1, timestamp: 2, snapshot: 2, targets: 2}"}},
		{name: "root below the minimum", more: []string{"tuf.min: {root: 2}"}, code: verify.ReleaseBelowMinimum, class: verify.Definitive},
		{name: "timestamp below the minimum", more: []string{"tuf.min: {timestamp: 3}"}, code: verify.ReleaseBelowMinimum, class: verify.Definitive},
		{name: "snapshot below the minimum", more: []string{"tuf.min: {snapshot: 3}"}, code: verify.ReleaseBelowMinimum, class: verify.Definitive},
		{name: "targets below the minimum", more: []string{"tuf.min: {targets: 3}"}, code: verify.ReleaseBelowMinimum, class: verify.Definitive},
		{name: "a delegated role below the minimum", more: []string{"tuf.min: {releases: 2}"}, prepare: func(t *testing.T, h *hall) { t.Helper(); delegate(t, h, 1, h.Targets.Keys...) }, code: verify.ReleaseBelowMinimum, class: verify.Definitive},
		{name: "refresh is required, and was done", more: []string{"tuf.refresh: required"}},
		{name: "refresh is required, and failed", more: []string{"tuf.refresh: required"}, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed, e.Failures = false, unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "refresh is required, and was not tried", more: []string{"tuf.refresh: required"}, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed = false }, code: verify.PlaceUnavailable, class: verify.Definitive},
		{name: "a kept copy serves", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed, e.Failures = false, unreachable() }},
		{name: "a kept copy that does not list it yet", ref: imageName + ":1.9.0@" + strangeDigest, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed, e.Failures = false, unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "a kept copy that has expired", options: when(then.AddDate(0, 0, 3)), evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed, e.Failures = false, unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "a mirror on disk that does not list it", ref: imageName + ":1.9.0@" + strangeDigest, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed = false }, code: verify.ReleaseNotListed},
	})
}
