package tufclient

import (
	"maps"
	"reflect"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// TestHold: a floor from elsewhere binds a client that has seen nothing, with a folder and
// without one, and is kept like its own.
func TestHold(t *testing.T) {
	r := newRepo(t)
	old := maps.Clone(r.files)
	r.update("targets")
	seen := r.refreshed(t, t.TempDir()).Floor()
	if seen.Timestamp != 2 || !sameFloor(seen, r.refreshed(t, "").Trusted().Floor()) {
		t.Fatalf("got %+v", seen)
	}
	current := r.files
	for name, dir := range map[string]string{"a folder": t.TempDir(), "no folder": ""} {
		r.files = old
		c := r.client(t, dir)
		if err := c.Hold(metadata.Floor{}); err != nil || c.State().Known {
			t.Errorf("%s: a zero floor is %v, known %t", name, err, c.State().Known)
		}
		if err := c.Hold(seen); err != nil {
			t.Fatal(err)
		}
		if s := c.State(); !s.Known || !sameFloor(s.Floor, seen) {
			t.Errorf("%s: got %+v", name, s)
		}
		if err := c.Refresh(t.Context()); !isKind(err, metadata.Rollback, metadata.Timestamp) {
			t.Errorf("%s: got %v", name, err)
		}
		if dir != "" {
			if got := r.client(t, dir).State(); !got.Known || !sameFloor(got.Floor, seen) {
				t.Errorf("%s: the next run knows %+v", name, got)
			}
		}
		r.files = current
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHoldLowersNothing: what a client knows itself stays, and what it copied is held to
// what others have seen.
func TestHoldLowersNothing(t *testing.T) {
	r := newRepo(t)
	r.update("targets")
	dir := t.TempDir()
	own := r.refreshed(t, dir).Floor()
	low, high := own, own
	low.Timestamp, low.Snapshot, low.Roles = 1, 1, map[string]int64{"targets": 1}
	high.Timestamp = 9
	c := r.client(t, dir)
	if err := c.Hold(low); err != nil {
		t.Fatal(err)
	}
	if got := c.Floor(); !sameFloor(got, own) {
		t.Errorf("got %+v, want %+v", got, own)
	}
	if err := c.Load(); err != nil {
		t.Error(err)
	}
	if err := c.Hold(high); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(); !isKind(err, metadata.Rollback, metadata.Timestamp) {
		t.Errorf("got %v", err)
	}
	bad := own
	bad.Roles = map[string]int64{"targets": -1}
	if c.Hold(bad) == nil {
		t.Error("a version below zero is held")
	}
}

// TestHoldRecovers: a version far ahead is forgotten with its key (5.3.11), also where it
// was another machine that saw it.
func TestHoldRecovers(t *testing.T) {
	r := newRepo(t)
	ahead := r.refreshed(t, "").Floor()
	ahead.Timestamp, ahead.Snapshot = 1<<40, 1<<40
	c := r.client(t, "")
	if err := c.Hold(ahead); err != nil {
		t.Fatal(err)
	}
	if err := c.Refresh(t.Context()); !isKind(err, metadata.Rollback, metadata.Timestamp) {
		t.Errorf("got %v", err)
	}
	r.signers["timestamp"] = r.signers["timestamp"][:0:0]
	r.signers["timestamp"] = append(r.signers["timestamp"], testKey(33))
	r.publish("root", "targets", "snapshot", "timestamp")
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := Newest(ahead, c.Floor()); got.Timestamp != 2 || got.Root != 2 {
		t.Errorf("got %+v", got)
	}
	if got := Newest(c.Floor(), ahead); got.Timestamp != 2 || got.Root != 2 {
		t.Errorf("got %+v", got)
	}
}

// TestNewestLeavesItsArguments: merging changes neither floor, nor does changing the result.
func TestNewestLeavesItsArguments(t *testing.T) {
	a := metadata.Floor{Root: 1, Timestamp: 1, Roles: map[string]int64{"x": 1}, TimestampKeys: []string{"t"}}
	b := metadata.Floor{Root: 1, Timestamp: 2, Roles: map[string]int64{"x": 2, "y": 1}, TimestampKeys: []string{"t"}}
	for _, pair := range [][2]metadata.Floor{{a, b}, {b, a}, {a, {}}, {{}, b}} {
		copies := [2]metadata.Floor{Newest(pair[0], metadata.Floor{}), Newest(pair[1], metadata.Floor{})}
		got := Newest(pair[0], pair[1])
		if got.Roles["x"] < 1 {
			t.Errorf("got %+v", got)
		}
		got.Roles["x"], got.TimestampKeys[0] = 99, "changed"
		if !reflect.DeepEqual(copies, pair) {
			t.Errorf("got %+v\nwant %+v", pair, copies)
		}
	}
	if !Newest(metadata.Floor{}, metadata.Floor{}).IsZero() {
		t.Error("nothing became something")
	}
}
