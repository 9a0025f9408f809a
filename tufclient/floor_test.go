package tufclient

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func TestFloor(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	c := r.refreshed(t, dir)
	if s := c.State(); s.Known || !s.Floor.IsZero() {
		t.Errorf("got %+v on a first run", s)
	}
	r.publish("root")
	r.update("targets")
	r.refreshed(t, dir)
	s := r.client(t, dir).State()
	if f := s.Floor; !s.Known || f.Root != 2 || f.Timestamp != 2 || f.Snapshot != 2 || !maps.Equal(f.Roles, map[string]int64{"targets": 2}) {
		t.Errorf("got %+v", s)
	}
	for name, mode := range map[string]fs.FileMode{"floor": 0o600, "root.json": 0o600, "roots": 0o700 | fs.ModeDir, "lock": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: got %v, %v, want mode %v", name, info, err, mode)
		}
	}
}

// TestFloorHolds: whoever holds the keys of timestamp and snapshot cannot put an old
// targets file behind new ones, even if nothing but the floor is kept.
func TestFloorHolds(t *testing.T) {
	r := newRepo(t)
	state := filepath.Join(t.TempDir(), "job", "state")
	o := r.options(t.TempDir())
	o.StateFile = state
	refresh := func() error {
		o.Dir = t.TempDir() // each job has a new one
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return c.Refresh(t.Context())
	}
	r.update("targets")
	if err := refresh(); err != nil {
		t.Fatal(err)
	}
	r.versions["targets"] = 1
	r.update()
	wantKind(t, refresh(), metadata.Rollback, "snapshot")
	r.versions["targets"] = 2
	r.update()
	if err := refresh(); err != nil {
		t.Error(err)
	}
	if got := listing(t, o.Dir); strings.Contains(strings.Join(got, " "), "floor") {
		t.Errorf("got %q: the floor is to be carried", got)
	}
	o.Dir = ""
	c, err := New(o)
	if err != nil || !c.State().Known || c.State().Floor.Snapshot != 4 {
		t.Errorf("got %+v, %v", c.State(), err)
	}
}

func TestLostState(t *testing.T) {
	r := newRepo(t)
	lose := map[string]func(t *testing.T, floor string){
		"gone":       func(t *testing.T, floor string) { t.Helper(); remove(t, floor) },
		"empty":      func(t *testing.T, floor string) { t.Helper(); write(t, floor, "") },
		"cut short":  edit(func(s string) string { return s[:len(s)/2] }),
		"no newline": edit(strings.TrimSpace),
		"more":       edit(func(s string) string { return s + " " }),
		"lowered":    edit(func(s string) string { return strings.Replace(s, `"timestamp": 2`, `"timestamp": 1`, 1) }),
		"schema":     edit(func(s string) string { return strings.Replace(s, `"schema": 1`, `"schema": 2`, 1) }),
		"doubled":    edit(func(s string) string { return strings.Replace(s, `"schema": 1,`, `"schema": 1, "schema": 1,`, 1) }),
		"added":      edit(func(s string) string { return strings.Replace(s, `"schema": 1,`, `"schema": 1, "x": 1,`, 1) }),
		"too large":  edit(func(s string) string { return s + strings.Repeat(" ", maxMemory) }),
		"a folder":   func(t *testing.T, floor string) { t.Helper(); remove(t, floor); mkdir(t, floor) },
	}
	for name, lose := range lose {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r.publish("timestamp")
			r.versions["timestamp"] = 1
			r.publish("timestamp")
			c := r.refreshed(t, dir)
			lose(t, filepath.Join(dir, "floor"))
			_, err := New(r.options(dir))
			wantState(t, err)
			wantState(t, c.Refresh(t.Context()))
			wantState(t, c.Load())
			wantState(t, c.Note(map[string]string{"x": ""}))
		})
	}
	t.Run("of another pinned root", func(t *testing.T) {
		dir := t.TempDir()
		r.refreshed(t, dir)
		o := r.options(dir)
		o.Root = append(bytes.Clone(o.Root), ' ')
		_, err := New(o)
		wantState(t, err)
	})
	t.Run("of another repository", func(t *testing.T) {
		dir := t.TempDir()
		r.refreshed(t, dir)
		o := r.options(dir)
		o.MetadataURL += "2"
		_, err := New(o)
		wantState(t, err)
	})
	t.Run("carried, and gone", func(t *testing.T) {
		o := r.options(t.TempDir())
		o.StateFile = filepath.Join(t.TempDir(), "state")
		c, err := New(o)
		if err != nil || c.Refresh(t.Context()) != nil {
			t.Fatal(err)
		}
		remove(t, o.StateFile)
		if c, err = New(o); err != nil || c.State().Known {
			t.Errorf("got %v: where no state is brought it is a first run", err)
		}
		write(t, o.StateFile, "")
		_, err = New(o)
		wantState(t, err)
	})
}

func edit(change func(string) string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil || change(string(b)) == string(b) {
			t.Fatalf("nothing was changed: %v", err)
		}
		write(t, path, change(string(b)))
	}
}

func TestInit(t *testing.T) {
	r := newRepo(t)
	dir := filepath.Join(t.TempDir(), "a", "b")
	if _, err := Pinned(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	root := r.files["metadata/1.root.json"]
	for range 2 {
		if err := Init(dir, root); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := Pinned(dir); err != nil || !bytes.Equal(b, root) {
		t.Errorf("got %q, %v", b, err)
	}
	c := r.client(t, dir)
	if s := c.State(); s.Known || s.Floor.Root != 1 {
		t.Errorf("got %+v: nothing of the repository is known yet", s)
	}
	r.publish("root")
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := Init(dir, root); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "root.json")); !bytes.Equal(b, r.files["metadata/2.root.json"]) {
		t.Error("a second init went back to the pinned root")
	}
	if s := r.client(t, dir).State(); !s.Known || s.Floor.Root != 2 {
		t.Errorf("got %+v", s)
	}
	wantState(t, Init(dir, r.files["metadata/2.root.json"]))
	for _, bad := range []string{"", "{}", `{"signed":{"_type":"root"}}`, string(r.files["metadata/timestamp.json"]), strings.Repeat(" ", maxPinned+1)} {
		if err := Init(t.TempDir(), []byte(bad)); err == nil {
			t.Errorf("%.20q was taken for a root", bad)
		}
	}
	remove(t, filepath.Join(dir, "floor"))
	_, err := Pinned(dir)
	wantState(t, err)

	// A root that somebody copied there is no lost state.
	dir = t.TempDir()
	write(t, filepath.Join(dir, "root.json"), string(root))
	if c := r.refreshed(t, dir); c.State().Known {
		t.Error("a root alone is no state")
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if err := Init(file, root); err == nil {
		t.Error("a file is no folder")
	}
}

func TestNote(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	c := r.refreshed(t, dir)
	other := r.refreshed(t, dir)
	for _, err := range []error{
		c.Note(map[string]string{"v1": "sha256:aa", "v2": "", "\xff": "\xfe"}),
		other.Note(map[string]string{"v1": "", "v2": "sha256:bb", "v3": ""}),
		c.Note(nil),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	got := r.client(t, dir).State().Listed
	want := map[string]string{"v1": "sha256:aa", "v2": "sha256:bb", "v3": "", "\uFFFD": "\uFFFD"}
	if !maps.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	r.publish("timestamp")
	r.refreshed(t, dir)
	if got := r.client(t, dir).State(); !maps.Equal(got.Listed, want) || got.Floor.Timestamp != 2 {
		t.Errorf("got %+v after a refresh", got)
	}

	// What is too long is left out.
	long := strings.Repeat("x", maxListedPath)
	want[long] = ""
	if err := c.Note(map[string]string{long + "x": "", long: strings.Repeat("x", maxListedDigest+1)}); err != nil || c.Unkept() != nil {
		t.Errorf("got %v, %v", err, c.Unkept())
	}
	if got := r.client(t, dir).State().Listed; !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestUnkept: where nothing can be written the client works, and says so.
func TestUnkept(t *testing.T) {
	r := newRepo(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, dir := range []string{file, filepath.Join(file, "dir")} {
		c := r.client(t, dir)
		if s := c.State(); s.Known {
			t.Errorf("got %+v", s)
		}
		for range 2 {
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.Unkept() == nil {
				t.Error("it does not say that nothing is kept")
			}
		}
		if err := c.Note(map[string]string{"x": ""}); err != nil {
			t.Error(err)
		}
		if err := c.Load(); err != nil {
			t.Errorf("got %v: this client has read it all", err)
		}
		old := r.files["metadata/timestamp.json"]
		r.publish("timestamp")
		if err := c.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
		r.files["metadata/timestamp.json"] = old
		wantKind(t, c.Refresh(t.Context()), metadata.Rollback, "timestamp")
		r.versions["timestamp"] = 0
		r.publish("timestamp")
	}

	// The floor is carried even if the cache cannot be written.
	o := r.options(file)
	o.StateFile = filepath.Join(t.TempDir(), "state")
	c, err := New(o)
	if err != nil || c.Refresh(t.Context()) != nil {
		t.Fatal(err)
	}
	if c, err = New(o); err != nil || !c.State().Known {
		t.Errorf("the floor was not kept: %v", err)
	}
}

func FuzzMemory(f *testing.F) {
	for _, m := range []memory{
		{}, {PinnedSHA256: "aa", Repository: "https://example.com/?a=<b>&c", Floor: metadata.Floor{Root: 1, Roles: map[string]int64{"targets": 3}}},
		{Validator: &validation{"https://example.com/?a=<b>", "aa", Validator{ETag: `"x"`}}},
		{Listed: map[string]string{"v1": "", "é\u2028": "sha256:bb"}, Floor: metadata.Floor{TimestampKeys: []string{"a", "b"}}},
	} {
		b, err := m.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMemory(b)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is read, and written as %q", b, again)
		}
	})
}
