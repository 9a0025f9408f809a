package metadata_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func TestCachedTimestamp(t *testing.T) {
	trusted, err := metadata.New(basic(t).roots[0], metadata.Options{Time: now})
	if err != nil {
		t.Fatal(err)
	}
	cached := timestampDoc(5, 3)
	cached["expires"] = earlier
	want(t, trusted.UpdateTimestamp(sign(t, cached, timestampKey)), metadata.Expired, "timestamp", "5.4.4")
	want(t, trusted.UpdateSnapshot(basic(t).snapshot, false), metadata.Expired, "timestamp", "5.4.4")
	if f := trusted.Floor(); f.Timestamp != 0 || f.Snapshot != 0 {
		t.Errorf("an expired timestamp raised the floor to %+v", f)
	}
	want(t, trusted.UpdateTimestamp(sign(t, timestampDoc(4, 3), timestampKey)), metadata.Rollback, "timestamp", "5.4.3.1")
	want(t, trusted.UpdateTimestamp(sign(t, timestampDoc(6, 2), timestampKey)), metadata.Rollback, "timestamp", "5.4.3.2")
	want(t, trusted.UpdateTimestamp(sign(t, timestampDoc(5, 4), timestampKey)), metadata.Same, "timestamp", "5.4.3.1")
	if v, _, _ := trusted.Meta("snapshot"); v != 3 {
		t.Errorf("a timestamp of the same version changed the snapshot to %d", v)
	}
	if err := trusted.UpdateTimestamp(sign(t, timestampDoc(6, 3), timestampKey)); err != nil {
		t.Fatal(err)
	}
	if f := trusted.Floor(); f.Timestamp != 6 || f.Snapshot != 3 {
		t.Errorf("the floor is %+v", f)
	}
}

func TestCachedSnapshot(t *testing.T) {
	r := basic(t)
	start := func(snapshot int) *metadata.Trusted {
		trusted, err := metadata.New(r.roots[0], metadata.Options{Time: now})
		if err != nil {
			t.Fatal(err)
		}
		if err := trusted.UpdateTimestamp(sign(t, timestampDoc(1, snapshot), timestampKey)); err != nil {
			t.Fatal(err)
		}
		return trusted
	}
	snapshot := func(version int, expires string, roles map[string]int) []byte {
		o := snapshotDoc(version, roles)
		o["expires"] = expires
		return sign(t, o, snapshotKey)
	}
	for name, cached := range map[string][]byte{
		"older":           snapshot(1, later, map[string]int{"targets": 2, "a": 1}),
		"older, expired":  snapshot(1, earlier, map[string]int{"targets": 2, "a": 1}),
		"listed, expired": snapshot(2, earlier, map[string]int{"targets": 2, "a": 1}),
	} {
		t.Run(name, func(t *testing.T) {
			trusted := start(2)
			if err := trusted.UpdateSnapshot(cached, true); err == nil {
				t.Fatal("the cached snapshot is taken for the listed one")
			}
			want(t, trusted.UpdateTargets(r.targets), metadata.Order, "targets", "5.6")
			want(t, trusted.UpdateSnapshot(snapshot(2, later, map[string]int{"targets": 1, "a": 1}), false), metadata.Rollback, "snapshot", "5.5.5")
			want(t, trusted.UpdateSnapshot(snapshot(2, later, map[string]int{"targets": 2}), false), metadata.Rollback, "snapshot", "5.5.5")
			if err := trusted.UpdateSnapshot(snapshot(2, later, map[string]int{"targets": 2, "a": 3, "b": 1}), false); err != nil {
				t.Fatal(err)
			}
			if f := trusted.Floor(); !maps.Equal(f.Roles, map[string]int64{"targets": 2, "a": 3, "b": 1}) {
				t.Errorf("the floor is %+v", f)
			}
		})
	}
	if err := start(1).UpdateSnapshot(r.snapshot, true); err != nil {
		t.Errorf("the cached snapshot is the listed one: %v", err)
	}
	// One of the listed version and other bytes is not the listed one, but a baseline.
	trusted, err := metadata.New(r.roots[0], metadata.Options{Time: now})
	if err != nil {
		t.Fatal(err)
	}
	listed := timestampDoc(1, 2)
	listed["meta"].(object)["snapshot.json"].(object)["length"] = 7
	if err := trusted.UpdateTimestamp(sign(t, listed, timestampKey)); err != nil {
		t.Fatal(err)
	}
	want(t, trusted.UpdateSnapshot(snapshot(2, later, map[string]int{"targets": 2}), true), metadata.LengthMismatch, "snapshot", "5.5.2")
	want(t, trusted.UpdateSnapshot(snapshot(1, later, map[string]int{"targets": 1}), true), metadata.Rollback, "snapshot", "5.5.5")
	want(t, trusted.UpdateSnapshot(snapshot(2, later, map[string]int{"targets": 2}), false), metadata.LengthMismatch, "snapshot", "5.5.2")
	// What was not trusted before is no baseline.
	trusted = start(2)
	want(t, trusted.UpdateSnapshot(snapshot(1, later, map[string]int{"targets": 9}), false), metadata.MixAndMatch, "snapshot", "5.5.4")
	want(t, start(1).UpdateSnapshot(snapshot(2, later, nil), false), metadata.MixAndMatch, "snapshot", "5.5.4")
	if err := trusted.UpdateSnapshot(snapshot(2, later, map[string]int{"targets": 3}), false); err != nil {
		t.Error(err)
	}
	want(t, trusted.UpdateSnapshot(snapshot(1, later, nil), false), metadata.MixAndMatch, "snapshot", "5.5.4")
}

// TestFastForward recovers from versions that an attacker drove up, by new keys.
func TestFastForward(t *testing.T) {
	r := basic(t)
	high := metadata.Floor{
		Root: 1, Timestamp: 1 << 40, Snapshot: 1 << 40, Roles: map[string]int64{"targets": 1 << 40},
		TimestampKeys: []string{holder(timestampKey)}, SnapshotKeys: []string{holder(snapshotKey)},
	}
	_, err := r.run(metadata.Options{Floor: high})
	want(t, err, metadata.Rollback, "timestamp", "5.4.3.1")

	added := sign(t, withRole(rootDoc(2), "timestamp", 1, timestampKey, aKey), rootKey)
	r.roots = [][]byte{r.roots[0], added}
	_, err = r.run(metadata.Options{Floor: high})
	want(t, err, metadata.Rollback, "timestamp", "5.4.3.1")

	// The attacker's key is one of two; the cached timestamp would still verify.
	high.TimestampKeys = append(high.TimestampKeys, holder(aKey))
	r = basic(t)
	trusted := mustRun(t, r, metadata.Options{Floor: high})
	if !trusted.Forgets() {
		t.Error("a holder has gone and nothing is forgotten")
	}
	if f := trusted.Floor(); f.Timestamp != 1 || f.Snapshot != 1 || f.Roles["targets"] != 1 || !slices.Equal(f.TimestampKeys, []string{holder(timestampKey)}) {
		t.Errorf("the floor is %+v", f)
	}
	trusted, err = metadata.New(r.roots[0], metadata.Options{Time: now, Floor: high})
	if err != nil {
		t.Fatal(err)
	}
	if f := trusted.Floor(); f.Timestamp != 1<<40 || len(f.TimestampKeys) != 2 {
		t.Errorf("before the last root is known the floor is %+v", f)
	}
	if err := trusted.UpdateTimestamp(sign(t, timestampDoc(1<<40, 1<<40), timestampKey)); err != nil {
		t.Fatal(err)
	}
	if err := trusted.UpdateTimestamp(r.timestamp); err != nil {
		t.Errorf("a cached timestamp stands in the way of the recovery: %v", err)
	}
	want(t, trusted.UpdateSnapshot(sign(t, snapshotDoc(1<<40, map[string]int{"targets": 1 << 40}), snapshotKey), true), metadata.MixAndMatch, "snapshot", "5.5.4")
	if err := trusted.UpdateSnapshot(r.snapshot, false); err != nil {
		t.Errorf("a cached snapshot stands in the way of the recovery: %v", err)
	}
	// No recovery lifts the policy's minimum, and none happens below the floor's root.
	_, err = r.run(metadata.Options{Floor: high, Min: map[string]int64{"timestamp": 2}})
	want(t, err, metadata.BelowMinimum, "timestamp", "5.4.3.1")
	high.Root = 2
	trusted, err = r.run(metadata.Options{Floor: high})
	want(t, err, metadata.Rollback, "root", "5.3.5")
	if f := trusted.Floor(); trusted.Forgets() || f.Timestamp != 1<<40 || f.Root != 2 {
		t.Errorf("below the floor's root the floor becomes %+v", f)
	}
}
