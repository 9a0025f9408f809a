package tufclient

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// errCut is the end of the process, as the steps after it see it.
var errCut = errors.New("the process has ended")

// end says how a process ends at a step.
type end int

const (
	before end = iota // the step is not done
	after             // it is done, and all before it
	torn              // and then the power fails: what was not synced is lost or half there
)

// cutDisk does steps until the one at which the process ends.
type cutDisk struct {
	osDisk
	at    int
	end   end
	steps []string
	// files and names are what a loss of power takes back: files that were written, and
	// the undoing of each change of a name, by folder.
	files map[string]bool
	names map[string][]func()
}

func newCutDisk(at int, e end) *cutDisk {
	return &cutDisk{at: at, end: e, files: map[string]bool{}, names: map[string][]func(){}}
}

// do does one step, or ends.
func (d *cutDisk) do(name string, step func() error) error {
	n := len(d.steps)
	d.steps = append(d.steps, name)
	switch {
	case n > d.at || n == d.at && d.end == before:
		return errCut
	case n < d.at:
		return step()
	}
	err := step()
	if d.end == torn {
		d.lose()
	}
	return errors.Join(err, errCut)
}

// lose is what a loss of power does in the worst case.
func (d *cutDisk) lose() {
	for path := range d.files {
		if b, err := os.ReadFile(path); err == nil {
			_ = os.WriteFile(path, b[:len(b)/2], 0o600)
		}
	}
	for _, undo := range d.names {
		for _, u := range slices.Backward(undo) {
			u()
		}
	}
}

func (d *cutDisk) mkdir(path string) error {
	return d.do("mkdir "+filepath.Base(path), func() error {
		err := d.osDisk.mkdir(path)
		if err == nil {
			parent := filepath.Dir(path)
			d.names[parent] = append(d.names[parent], func() { _ = os.RemoveAll(path) })
		}
		return err
	})
}

func (d *cutDisk) create(path string, b []byte) error {
	return d.do("create "+filepath.Base(path), func() error {
		d.files[path] = true
		return d.osDisk.create(path, b)
	})
}

func (d *cutDisk) sync(path string) error {
	return d.do("sync "+filepath.Base(path), func() error {
		delete(d.files, path)
		delete(d.names, path)
		_, err := os.Stat(path)
		return err
	})
}

func (d *cutDisk) rename(from, to string) error {
	return d.do("rename "+filepath.Base(to), func() error {
		was, missing := os.ReadFile(to)
		err := d.osDisk.rename(from, to)
		if err != nil {
			return err
		}
		if d.files[from] {
			d.files[to] = true
			delete(d.files, from)
		}
		dir := filepath.Dir(to)
		d.names[dir] = append(d.names[dir], func() {
			if missing != nil {
				_ = os.Remove(to)
				return
			}
			_ = os.WriteFile(to, was, 0o600)
		})
		return nil
	})
}

func (d *cutDisk) remove(path string) error {
	return d.do("remove "+filepath.Base(path), func() error {
		was, missing := os.ReadFile(path)
		err := d.osDisk.remove(path)
		if err == nil && missing == nil {
			dir := filepath.Dir(path)
			d.names[dir] = append(d.names[dir], func() { _ = os.WriteFile(path, was, 0o600) })
		}
		return err
	})
}

// quickDisk does not wait for the real one.
type quickDisk struct{ osDisk }

func (quickDisk) sync(path string) error {
	_, err := os.Stat(path)
	return err
}

// memoryFetcher reads a repository without a network.
type memoryFetcher struct{ r *repo }

func (m memoryFetcher) Fetch(_ context.Context, url string, _ int64) ([]byte, error) {
	b, ok := m.r.files[url]
	if !ok {
		return nil, &FetchError{Kind: NotFound, URL: url}
	}
	return b, nil
}

// local are options for it.
func (r *repo) local(dir string) Options {
	o := r.options(dir)
	o.MetadataURL, o.TargetsURL, o.Fetcher = "metadata", "targets", memoryFetcher{r}
	return o
}

// quick makes a client on such a disk and repository.
func (r *repo) quick(t *testing.T, dir string) *Client {
	t.Helper()
	c, err := newClient(r.local(dir), quickDisk{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCrash ends a refresh before and after each of its steps, and by a loss of power: the
// next client finds a usable cache, and never takes what is older than the floor that
// was kept.
func TestCrash(t *testing.T) {
	refresh := func(r *repo, dir string) {
		if err := r.quick(t, dir).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, prepare := range map[string]func(r *repo, dir string){
		"first run": func(*repo, string) {},
		"later run": func(r *repo, dir string) {
			refresh(r, dir)
			r.publish("root")
			r.publish("root")
			r.update("targets")
		},
		"key rotated": func(r *repo, dir string) {
			r.signers["timestamp"] = append(r.signers["timestamp"], testKey(60))
			r.publish("root")
			r.versions["timestamp"], r.versions["snapshot"] = 50, 50 // an attacker's fast forward
			r.update()
			refresh(r, dir)
			r.signers["timestamp"] = r.signers["timestamp"][1:]
			r.publish("root")
			r.versions["timestamp"], r.versions["snapshot"] = 3, 3
			r.update("targets")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := 0
			stride := 1
			if testing.Short() {
				stride = 3
			}
			for reached := true; reached; at += stride {
				for _, e := range []end{before, after, torn} {
					reached = crash(t, prepare, at, e) > at
				}
			}
			if at < 40 {
				t.Errorf("only %d steps were seen", at)
			}
			t.Logf("%d steps", at)
		})
	}
}

// crash ends one refresh, and returns how many steps were tried.
func crash(t *testing.T, prepare func(*repo, string), at int, e end) int {
	t.Helper()
	r := unservedRepo(t)
	dir := filepath.Join(t.TempDir(), "cache")
	old := map[string][]byte{}
	for name, b := range r.files {
		old[name] = b
	}
	prepare(r, dir)
	r.delegate("targets", "a", testKey(70))
	r.add("a", "x", "x")
	r.update("a", "targets")

	d := newCutDisk(at, e)
	c, err := newClient(r.local(dir), d)
	if err != nil {
		t.Fatal(err)
	}
	run := func(c *Client) {
		t.Helper()
		err := c.Refresh(t.Context())
		if state := (*StateError)(nil); errors.As(err, &state) && errors.Is(err, errCut) {
			return // there was a floor, and it could not be raised
		}
		if err != nil {
			t.Fatalf("step %d %d: %v", at, e, err)
		}
		target, err := c.Find(t.Context(), "x")
		if err == nil {
			_, err = c.Fetch(t.Context(), target)
		}
		if err != nil && !errors.Is(err, errCut) {
			t.Fatalf("step %d %d: %v", at, e, err)
		}
	}
	run(c)
	steps := d.steps
	where := fmt.Sprintf("step %d (%s), end %d", at, append(slices.Clone(steps), "none")[min(at, len(steps))], e)
	if at < len(steps) && c.Unkept() == nil {
		t.Errorf("%s: it does not say that something was not kept", where)
	}

	// What the next run finds.
	c, err = newClient(r.local(dir), quickDisk{})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	floor := c.State().Floor
	if floor.Timestamp == r.versions["timestamp"] {
		// It has seen the newest timestamp, and must refuse any other.
		now := r.files
		r.files = old
		if err := c.Refresh(t.Context()); err == nil {
			t.Errorf("%s: went back to version 1", where)
		}
		if got := r.quick(t, dir).State().Floor; got.Timestamp != floor.Timestamp || got.Root != floor.Root {
			t.Errorf("%s: the floor went from %+v to %+v", where, floor, got)
		}
		r.files = now
	}
	c = r.quick(t, dir)
	run(c)
	if c.Unkept() != nil {
		t.Errorf("%s: %v", where, c.Unkept())
	}
	for _, role := range []string{"root", "timestamp", "snapshot", "targets", "a"} {
		if b, err := os.ReadFile(filepath.Join(dir, role+".json")); err != nil || string(b) != string(r.files["metadata/"+r.name(role)]) {
			t.Errorf("%s: %s.json is not the newest: %v", where, role, err)
		}
	}
	return len(steps)
}

// TestFloorFirst: no metadata is on disk whose floor is not.
func TestFloorFirst(t *testing.T) {
	r := newRepo(t)
	d := newCutDisk(1<<30, before)
	dir := t.TempDir()
	c, err := newClient(r.options(dir), d)
	if err != nil || c.Refresh(t.Context()) != nil {
		t.Fatal(err)
	}
	want := []string{
		"create .floor.tmp", "sync .floor.tmp", "rename floor", "sync " + filepath.Base(dir),
		"create .root.json.tmp", "sync .root.json.tmp", "rename root.json", "sync " + filepath.Base(dir),
		"create .floor.tmp", "sync .floor.tmp", "rename floor", "sync " + filepath.Base(dir),
		"create .timestamp.json.tmp",
	}
	if len(d.steps) < len(want) || !slices.Equal(d.steps[:len(want)], want) {
		t.Errorf("got steps %q\nwant %q", d.steps, want)
	}
}

const processVariable = "TUFCLIENT_TEST_PROCESS"

// TestProcess is what TestTwoProcesses starts.
func TestProcess(t *testing.T) {
	dir, url := os.Getenv(processVariable), os.Getenv(processVariable+"_URL")
	if dir == "" {
		t.Skip("it is started by TestTwoProcesses")
	}
	root, err := os.ReadFile(os.Getenv(processVariable + "_ROOT"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		c, err := New(Options{MetadataURL: url + "/metadata", TargetsURL: url + "/targets", Root: root, Dir: dir, Time: testTime})
		if err == nil {
			err = c.Refresh(t.Context())
		}
		if err == nil {
			err = c.Unkept()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTwoProcesses: two processes that refresh one cache both succeed.
func TestTwoProcesses(t *testing.T) {
	r := newRepo(t)
	dir := filepath.Join(t.TempDir(), "cache")
	root := filepath.Join(t.TempDir(), "root")
	write(t, root, string(r.files["metadata/1.root.json"]))
	r.publish("root")
	r.update("targets")
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcess$", "-test.count=1")
			cmd.Env = append(os.Environ(), processVariable+"="+dir, processVariable+"_URL="+r.server.URL, processVariable+"_ROOT="+root)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	// Nor do two clients of one process disturb each other or them.
	for range 2 {
		all.Go(func() {
			for range 5 {
				c, err := New(r.options(dir))
				if err == nil {
					err = c.Refresh(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if s := r.client(t, dir).State(); s.Floor.Root != 2 || s.Floor.Timestamp != 2 {
		t.Errorf("got %+v", s)
	}
}

// TestLockWaits: who waits for the lock gives up with its context, and the lock is free
// once it is let go of.
func TestLockWaits(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	c := r.refreshed(t, dir)
	unlock, err := c.store.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantFetch(t, r.client(t, dir).Refresh(ctx), Timeout)
	wantFetch(t, r.client(t, dir).Refresh(ctx), Timeout)
	unlock()
	for range 2 {
		if err := r.client(t, dir).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if role, ok := c.Trusted().Role(metadata.Targets); !ok || role.Version != 1 {
		t.Errorf("got %v", role)
	}
}
