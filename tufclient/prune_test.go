package tufclient

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	s := newStore(osDisk{}, dir, "")
	for i, name := range []string{"d", "c", "b", "a"} {
		s.write("files/"+name, []byte(strings.Repeat("x", 10)))
		at := testTime.Add(time.Duration(i) * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, "files", name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	s.use("files/c")
	for _, c := range []struct {
		most  int
		bytes int64
		left  string
	}{
		{4, 40, "a b c d"}, {3, 40, "a b c"}, {3, 29, "a c"}, {1, 40, "c"}, {1, 9, ""},
	} {
		s.prune(c.most, c.bytes)
		if got := strings.Join(listing(t, filepath.Join(dir, "files")), " "); got != c.left {
			t.Errorf("%d files, %d bytes: left %q; want %q", c.most, c.bytes, got, c.left)
		}
	}
}

// TestFilesAreBounded: targets that come and go do not pile up.
func TestFilesAreBounded(t *testing.T) {
	r := unservedRepo(t)
	dir := t.TempDir()
	mkdir(t, filepath.Join(dir, filesDir))
	for i := range maxFiles + 500 {
		write(t, filepath.Join(dir, filesDir, fmt.Sprintf("sha256-%064x", i)), "x")
	}
	r.add("targets", "v1", "one")
	r.update("targets")
	c := r.quick(t, dir)
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	target, err := c.Find(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), target); err != nil || c.Unkept() != nil {
		t.Fatal(err, c.Unkept())
	}
	left := listing(t, filepath.Join(dir, filesDir))
	if len(left) != maxFiles || !slices.Contains(left, "sha256-"+sumOf([]byte("one"))) {
		t.Errorf("%d files are left", len(left))
	}
}

func TestForget(t *testing.T) {
	r := newRepo(t)
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	r.add("targets", "v1", "one")
	r.update("targets")
	o := r.options(dir)
	for _, o.StateFile = range []string{"", state} {
		c, err := New(o)
		if err != nil || c.Refresh(t.Context()) != nil {
			t.Fatal(err)
		}
		target, err := c.Find(t.Context(), "v1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Fetch(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := Forget(dir, o.StateFile); err != nil {
				t.Fatal(err)
			}
		}
		if got := listing(t, dir); !slices.Equal(got, []string{"lock"}) {
			t.Errorf("left %q", got)
		}
		if _, err := os.Stat(state); err == nil {
			t.Error("left the state file")
		}
		if c, err = New(o); err != nil || c.State().Known {
			t.Errorf("got %v, %v", c.State(), err)
		}
	}
	// What cannot be read is forgotten too, and what is not there stays away.
	write(t, filepath.Join(dir, "floor"), "junk")
	none := filepath.Join(t.TempDir(), "none")
	for _, dir := range []string{dir, none, ""} {
		if err := Forget(dir, ""); err != nil {
			t.Error(err)
		}
	}
	r.client(t, dir)
	if _, err := os.Stat(none); err == nil {
		t.Error("a folder was made")
	}
}

// TestForgetWaits: nothing is taken from under whoever holds the lock.
func TestForgetWaits(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	c := r.refreshed(t, dir)
	unlock, err := c.store.lock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Forget(dir, "") }()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if got := listing(t, dir); !slices.Contains(got, "floor") || !slices.Contains(got, "timestamp.json") {
		t.Errorf("left %q", got)
	}
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
