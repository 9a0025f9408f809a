package cache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// floorOf is a floor whose timestamp, snapshot and targets have one version.
func floorOf(root, version int64, holders ...string) metadata.Floor {
	return metadata.Floor{
		Root: root, Timestamp: version, Snapshot: version, Roles: map[string]int64{"targets": version},
		TimestampKeys: holders, SnapshotKeys: []string{"s"},
	}
}

var repository = sha256.Sum256([]byte("repository"))

// raised is what a replica knows after it told the others of a floor.
func raised(t *testing.T, f *Floors, floor metadata.Floor) metadata.Floor {
	t.Helper()
	kept, err := f.Raise(t.Context(), repository, floor)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func wantFloor(t *testing.T, got, want metadata.Floor) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestFloorShared: floors only rise, whichever replica comes when, but where a newer root
// takes a key away (5.3.11).
func TestFloorShared(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a, b := NewFloors(s.store(c, nil)), NewFloors(s.store(c, nil))
	wantFloor(t, raised(t, a, metadata.Floor{}), metadata.Floor{})
	if names := s.raw().Keys(t.Context(), "*").Val(); len(names) != 0 {
		t.Errorf("reading left %q", names)
	}
	wantFloor(t, raised(t, a, floorOf(1, 7, "t")), floorOf(1, 7, "t"))
	wantFloor(t, raised(t, b, metadata.Floor{}), floorOf(1, 7, "t"))
	wantFloor(t, raised(t, b, floorOf(1, 6, "t")), floorOf(1, 7, "t"))

	// The holder of the online key publishes a version far ahead, and is replaced.
	wantFloor(t, raised(t, b, floorOf(1, 1<<40, "t")), floorOf(1, 1<<40, "t"))
	wantFloor(t, raised(t, a, floorOf(2, 8, "u")), floorOf(2, 8, "u"))
	old := NewFloors(s.store(c, nil)) // has not seen the new root, and tells of the old floor again
	wantFloor(t, raised(t, old, floorOf(1, 1<<40, "t")), floorOf(2, 8, "u"))
	wantFloor(t, raised(t, b, metadata.Floor{}), floorOf(2, 8, "u"))
	if left := s.raw().PTTL(t.Context(), a.store.name(kindFloor, repository)).Val(); left != -1 {
		t.Errorf("it ends in %v", left)
	}
}

// TestFloorRotated: a floor that does not rise is sealed anew all the same while both keys
// are there.
func TestFloorRotated(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	with := func(keys ...byte) *Floors {
		return NewFloors(s.store(c, func(o *RedisOptions) {
			o.Keys = nil
			for _, n := range keys {
				o.Keys = append(o.Keys, testKey(n))
			}
		}), repository)
	}
	raised(t, with(1), floorOf(1, 7, "t"))
	wantFloor(t, raised(t, with(1, 2), metadata.Floor{}), floorOf(1, 7, "t"))
	if err := with(2).Ready(t.Context()); err == nil {
		t.Error("sealed anew too early, for those who have the old key alone")
	}
	wantFloor(t, raised(t, with(2, 1), metadata.Floor{}), floorOf(1, 7, "t"))
	wantFloor(t, raised(t, with(2), metadata.Floor{}), floorOf(1, 7, "t"))
}

// TestFloorRights: the rights that the documentation names are enough for everything.
func TestFloorRights(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	rights := "on >pass-word ~assay:1:* resetchannels -@all +getrange +set +watch +unwatch +multi +exec +ping +auth +hello +select"
	args := []any{"ACL", "SETUSER", "assay"}
	for _, right := range strings.Fields(rights) {
		args = append(args, right)
	}
	if err := s.raw().Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/cache.md")
	if err != nil || !strings.Contains(string(page), strings.Replace(rights, "pass-word", "PASSWORD", 1)) {
		t.Errorf("docs/cache.md names other rights, %v", err)
	}
	r := s.store(c, func(o *RedisOptions) { o.URL, o.PasswordFile = "redis://assay@"+s.addr+"/3", file(t, "pass-word") })
	f := NewFloors(r, repository)
	wantFloor(t, raised(t, f, floorOf(1, 7, "t")), floorOf(1, 7, "t"))
	wantFloor(t, raised(t, f, metadata.Floor{}), floorOf(1, 7, "t"))
	if err := f.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	r.Set(t.Context(), keyOf("a"), []byte("v"), start.Add(time.Hour))
	if v := got(t, r, keyOf("a")); v != "v" {
		t.Errorf("got %q", v)
	}
}

// TestFloorRaces: of replicas that raise at once none is lost.
func TestFloorRaces(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	var all sync.WaitGroup
	var lost atomic.Int64
	for i := range 8 {
		f := NewFloors(s.store(c, nil))
		all.Go(func() {
			for n := range 20 {
				floor := metadata.Floor{Root: 1, Roles: map[string]int64{fmt.Sprint(i): int64(n + 1)}, TimestampKeys: []string{"t"}}
				for _, err := f.Raise(t.Context(), repository, floor); err != nil; _, err = f.Raise(t.Context(), repository, floor) {
					if lost.Add(1) > 1000 {
						return
					}
				}
			}
		})
	}
	all.Wait()
	if n := lost.Load(); n > 8 { // of 160
		t.Errorf("%d were told of a race", n)
	}
	kept := raised(t, NewFloors(s.store(c, nil)), metadata.Floor{})
	if len(kept.Roles) != 8 {
		t.Errorf("got %v", kept.Roles)
	}
	for role, version := range kept.Roles {
		if version != 20 {
			t.Errorf("%s: got %d", role, version)
		}
	}
}

// TestFloorStranger: somebody without the key lowers nothing for a replica that knows a
// floor, which heals the store, and keeps one that knows none from beginning anew.
func TestFloorStranger(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a, raw := NewFloors(s.store(c, nil)), s.raw()
	name := a.store.name(kindFloor, repository)
	raised(t, a, floorOf(1, 5, "t"))
	older := raw.Get(t.Context(), name).Val()
	raised(t, a, floorOf(1, 7, "t"))
	verdict, err := a.store.sealer.seal(kindValue, repository, []byte(`{"root":1,"timestamp":99}`), start, start)
	if err != nil {
		t.Fatal(err)
	}
	of := func(change func(*RedisOptions)) string {
		f := NewFloors(s.store(c, change))
		b, err := f.store.sealer.seal(kindFloor, repository, []byte(`{"root":1,"timestamp":99}`), start, start)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for what, put := range map[string]func() error{
		"plain text":      func() error { return raw.Set(t.Context(), name, `{"root":1}`, 0).Err() },
		"a list":          func() error { raw.Del(t.Context(), name); return raw.LPush(t.Context(), name, "x").Err() },
		"of another kind": func() error { return raw.Set(t.Context(), name, verdict, 0).Err() },
		"under another key": func() error {
			return raw.Set(t.Context(), name, of(func(o *RedisOptions) { o.Keys = [][]byte{testKey(3)} }), 0).Err()
		},
		"of another namespace": func() error {
			return raw.Set(t.Context(), name, of(func(o *RedisOptions) { o.Namespace = "b" }), 0).Err()
		},
	} {
		t.Run(what, func(t *testing.T) {
			if err := put(); err != nil {
				t.Fatal(err)
			}
			fresh := NewFloors(a.store, repository)
			if kept, err := fresh.Raise(t.Context(), repository, metadata.Floor{}); !errors.Is(err, errForged) || !kept.IsZero() {
				t.Errorf("a fresh replica: got %+v, %v", kept, err)
			}
			if err := fresh.Ready(t.Context()); !errors.Is(err, errForged) {
				t.Errorf("a fresh replica is ready: %v", err)
			}
			if err := a.Ready(t.Context()); err != nil {
				t.Errorf("one that knows a floor is not ready: %v", err)
			}
			wantFloor(t, raised(t, a, metadata.Floor{}), floorOf(1, 7, "t"))
			if err := fresh.Ready(t.Context()); err != nil {
				t.Errorf("not healed: %v", err)
			}
			wantFloor(t, raised(t, fresh, metadata.Floor{}), floorOf(1, 7, "t"))
		})
	}
	for what, put := range map[string]func() error{
		"taken away": func() error { return raw.FlushAll(t.Context()).Err() },
		"replayed":   func() error { return raw.Set(t.Context(), name, older, 0).Err() },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		wantFloor(t, raised(t, a, metadata.Floor{}), floorOf(1, 7, "t"))
		if got := raised(t, NewFloors(a.store), metadata.Floor{}); got.Timestamp != 7 {
			t.Errorf("%s, and not put back: got %+v", what, got)
		}
	}
}

// TestFloorUnreadable: without the store nothing is known, whatever was before.
func TestFloorUnreadable(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	f := NewFloors(s.store(c, nil), repository)
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("not ready before there is a floor: %v", err)
	}
	raised(t, f, floorOf(1, 7, "t"))
	s.kill()
	kept, err := f.Raise(t.Context(), repository, metadata.Floor{})
	if err == nil || !kept.IsZero() {
		t.Errorf("got %+v, %v", kept, err)
	}
	if err := f.Ready(t.Context()); err == nil {
		t.Error("ready without a store")
	}
	s.start()
	eventually(t, func() error { return f.Ready(t.Context()) })
	wantFloor(t, raised(t, f, metadata.Floor{}), floorOf(1, 7, "t")) // which the new store never had
}

// TestFloorReadOnly: a floor that may not be raised is an error with the store's name of
// it, and without its words.
func TestFloorReadOnly(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	f := NewFloors(s.store(c, nil))
	if err := s.raw().Do(t.Context(), "CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := f.Raise(t.Context(), repository, floorOf(1, 7, "t"))
	if err == nil || strings.Contains(err.Error(), "maxmemory") || !strings.Contains(err.Error(), f.store.name(kindFloor, repository)) {
		t.Errorf("got %v", err)
	}
}

// TestFloorStalled: a store that does not answer is waited for, and not for long.
func TestFloorStalled(t *testing.T) {
	addr, _ := stalled(t)
	r, err := NewRedis(RedisOptions{URL: "redis://" + addr, Keys: [][]byte{testKey(1)}, Now: newFakeClock().now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := NewFloors(r).Raise(t.Context(), repository, floorOf(1, 7, "t")); err == nil {
		t.Error("raised in a store that says nothing")
	}
}
