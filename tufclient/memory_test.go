package tufclient

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// TestFloorNeverFalls: a client that began before another one raised the floor, and goes
// on after it, leaves it where it is.
func TestFloorNeverFalls(t *testing.T) {
	r := newRepo(t)
	r.delegate("targets", "d", testKey(9))
	r.add("d", "a/x", "hello")
	r.publish("d")
	r.update("targets")
	dir := t.TempDir()
	early, other := r.refreshed(t, dir), r.refreshed(t, dir)
	for range 5 {
		r.update("targets")
	}
	late := r.refreshed(t, dir).Trusted().Floor()
	same := func(after string) {
		t.Helper()
		if got := r.client(t, dir).State().Floor; !sameFloor(got, late) {
			t.Errorf("after %s: got %+v\nwant %+v", after, got, late)
		}
	}
	same("a refresh")
	if _, err := other.Find(t.Context(), "a/x"); err != nil {
		t.Fatal(err)
	}
	same("a lookup")
	if err := early.Note(map[string]string{"a/x": "sha256:1"}); err != nil {
		t.Fatal(err)
	}
	same("a note")
	if _, err := early.Find(t.Context(), "a/x"); err != nil {
		t.Fatal(err)
	}
	same("a note and a lookup")
	if got := r.client(t, dir).State().Listed; !maps.Equal(got, map[string]string{"a/x": "sha256:1"}) {
		t.Errorf("got %q", got)
	}
}

// TestFloorAheadOfDisk: a client whose floor could not be written does not put it over a
// newer one later.
func TestFloorAheadOfDisk(t *testing.T) {
	for name, write := range map[string]func(c *Client) error{
		"a note":   func(c *Client) error { return c.Note(map[string]string{"x": ""}) },
		"a lookup": func(c *Client) error { _, err := c.Find(t.Context(), "a/x"); return err },
	} {
		t.Run(name, func(t *testing.T) { aheadOfDisk(t, write) })
	}
}

func aheadOfDisk(t *testing.T, write func(c *Client) error) {
	t.Helper()
	r := unservedRepo(t)
	r.delegate("targets", "d", testKey(9))
	r.add("d", "a/x", "hello")
	r.publish("d")
	dir := t.TempDir()
	if err := r.quick(t, dir).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.update("targets")
	full := &fullDisk{err: syscall.ENOSPC}
	early, err := newClient(r.local(dir), full)
	if err != nil || early.Refresh(t.Context()) != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.update("targets")
	}
	if err := r.quick(t, dir).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	full.err = nil
	early.store.reopen()
	if err := write(early); err != nil {
		t.Fatal(err)
	}
	if got := r.quick(t, dir).State(); got.Floor.Timestamp != 5 {
		t.Errorf("got %+v", got)
	}
}

func TestNewest(t *testing.T) {
	floor := func(root, timestamp, snapshot int64, roles map[string]int64, holders ...string) metadata.Floor {
		return metadata.Floor{Root: root, Timestamp: timestamp, Snapshot: snapshot, Roles: roles, TimestampKeys: holders, SnapshotKeys: []string{"s"}}
	}
	type roles = map[string]int64
	for _, c := range []struct {
		name             string
		kept, seen, want metadata.Floor
	}{
		{"nothing is kept", metadata.Floor{}, floor(1, 2, 3, roles{"a": 4}, "t"), floor(1, 2, 3, roles{"a": 4}, "t")},
		{"role by role", floor(1, 9, 3, roles{"a": 4, "b": 1}, "t"), floor(1, 5, 7, roles{"a": 3, "c": 2}, "t"), floor(1, 9, 7, roles{"a": 4, "b": 1, "c": 2}, "t")},
		{"a newer root of the same holders", floor(1, 9, 3, nil, "t"), floor(2, 5, 3, nil, "t"), floor(2, 9, 3, nil, "t")},
		{"a newer root of more holders", floor(1, 9, 3, nil, "t"), floor(2, 5, 3, nil, "t", "u"), floor(2, 9, 3, nil, "t", "u")},
		{"a root that has forgotten", floor(1, 9, 9, roles{"a": 9}, "t", "u"), floor(2, 5, 5, roles{"a": 5}, "t"), floor(2, 5, 5, roles{"a": 5}, "t")},
		{"and was kept before it was judged", floor(2, 9, 9, roles{"a": 9}, "t", "u"), floor(2, 5, 5, roles{"a": 5}, "t"), floor(2, 5, 5, roles{"a": 5}, "t")},
		{"another has forgotten", floor(2, 5, 5, roles{"a": 5}, "t"), floor(1, 9, 9, roles{"a": 9}, "t", "u"), floor(2, 5, 5, roles{"a": 5}, "t")},
		{"an older root forgets nothing", floor(2, 5, 5, nil, "t", "u"), floor(1, 9, 4, nil, "t"), floor(2, 9, 5, nil, "t", "u")},
		{"a root that was not judged", floor(1, 5, 5, nil, "t"), metadata.Floor{Root: 1}, floor(1, 5, 5, nil, "t")},
	} {
		if got := newest(c.kept, c.seen); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// fullDisk takes nothing while it has an error.
type fullDisk struct {
	quickDisk
	err error
}

func (d *fullDisk) create(path string, b []byte) error {
	if d.err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: d.err}
	}
	return d.quickDisk.create(path, b)
}

// TestFloorThatCannotBeWritten: on a disk that takes nothing a client works by what is
// there and says so; where anything else keeps a floor from rising it is undecided.
func TestFloorThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		name         string
		err          error
		known, fails bool
	}{
		{"read-only, known", syscall.EROFS, true, false},
		{"full, known", syscall.ENOSPC, true, false},
		{"somebody else's, known", syscall.EACCES, true, false},
		{"broken, known", syscall.EIO, true, true},
		{"read-only, first run", syscall.EROFS, false, false},
		{"broken, first run", syscall.EIO, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := unservedRepo(t)
			dir := t.TempDir()
			old := maps.Clone(r.files)
			r.update("targets")
			if c.known {
				if err := r.quick(t, dir).Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			before := listing(t, dir)
			second := maps.Clone(r.files)
			r.update("targets")
			refresh := func(files map[string][]byte) (*Client, error) {
				r.files = files
				client, err := newClient(r.local(dir), &fullDisk{err: c.err})
				if err != nil {
					t.Fatal(err)
				}
				return client, client.Refresh(t.Context())
			}
			client, err := refresh(r.files)
			if c.fails {
				wantState(t, err)
			} else if err != nil {
				t.Fatal(err)
			}
			says := "there is no floor"
			if c.known {
				says = "stays as it was"
			}
			if err := client.Unkept(); !errors.Is(err, c.err) || !strings.Contains(err.Error(), says) {
				t.Errorf("it says %v", err)
			}
			if got := listing(t, dir); c.known && strings.Join(got, " ") != strings.Join(before, " ") {
				t.Errorf("got files %q, before %q", got, before)
			}
			if c.known {
				_, err := refresh(old) // below the floor that is there
				wantKind(t, err, metadata.Rollback, "timestamp")
				if _, err := refresh(second); err != nil {
					t.Errorf("got %v for what the floor allows", err)
				}
			}
		})
	}
}

// TestFloorThatDoesNotFit: a repository that lists more than can be remembered is
// undecided, on a first run too, and whatever was listed before gives way to it.
func TestFloorThatDoesNotFit(t *testing.T) {
	r := unservedRepo(t)
	roles := func(n int) {
		r.edits["snapshot"] = func(signed object) {
			for i := range n {
				signed["meta"].(object)[fmt.Sprintf("%02000d.json", i)] = object{"version": 1}
			}
		}
		r.update()
	}
	options := func(dir string) Options {
		o := r.local(dir)
		o.Limits.SnapshotBytes = 4 * maxMemory
		return o
	}
	refresh := func(dir string) error {
		c, err := newClient(options(dir), quickDisk{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Refresh(t.Context())
	}
	dir := t.TempDir()
	roles(10)
	if err := refresh(dir); err != nil {
		t.Fatal(err)
	}
	known := r.quick(t, dir).State().Floor
	roles(maxMemory / 2000)
	for _, dir := range []string{dir, t.TempDir(), filepath.Join(t.TempDir(), "new")} {
		for range 2 {
			wantState(t, refresh(dir))
		}
	}
	// What is remembered is what could be: the timestamp, and no role of that snapshot.
	floor := r.quick(t, dir).State().Floor
	if floor.Timestamp != r.versions["timestamp"] || !maps.Equal(floor.Roles, known.Roles) {
		t.Errorf("got timestamp %d, %d roles", floor.Timestamp, len(floor.Roles))
	}
	if err := refresh(""); err != nil {
		t.Errorf("got %v where nothing is to be kept", err)
	}
}

// TestWidestSnapshot: no snapshot within the limit fills the floor file, however its
// names are escaped, and all that may be listed fits beside it.
func TestWidestSnapshot(t *testing.T) {
	most := int(metadata.DefaultLimits().SnapshotBytes)
	for name, role := range map[string]string{"short": "", "escaped": strings.Repeat("\u2028", 200)} {
		m := memory{Listed: map[string]string{}, Floor: metadata.Floor{Roles: map[string]int64{}}}
		for i, size := 0, 0; size < most; i++ {
			role := fmt.Sprintf("%s%x", role, i)
			m.Floor.Roles[role] = 1
			size += len(role) + len(`"":{"version":1},`) // without ".json", to be safe
		}
		for i := range maxListed / 8 {
			m.Listed[fmt.Sprintf("v%d\u2028", i)] = ""
		}
		m.Listed = cut(m.Listed, maxListed)
		b, err := m.fit()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := parseMemory(b)
		if err != nil || len(again.Listed) != len(m.Listed) || len(again.Floor.Roles) != len(m.Floor.Roles) {
			t.Errorf("%s: got %d listed of %d, %v", name, len(again.Listed), len(m.Listed), err)
		}
	}
}
