package tufclient

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// TestLoad: what is kept serves without a request, delegated roles and targets too,
// until it expires.
func TestLoad(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.delegate("targets", "a", testKey(40))
	r.delegate("targets", "b", testKey(41))
	r.add("a", "v1.json", "one")
	r.add("b", "v2.json", "two")
	r.update("a", "b", "targets")
	c := r.refreshed(t, dir)
	target, err := c.Find(t.Context(), "v1.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	r.asked()

	load := func(at time.Time, deferred bool) (*Client, error) {
		t.Helper()
		o := r.options(dir)
		o.Time, o.DeferExpiryUnsafe = at, deferred
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return c, c.Load()
	}
	if c, err = load(testTime, false); err != nil {
		t.Fatal(err)
	}
	if target, err = c.Find(t.Context(), "v1.json"); err != nil {
		t.Fatal(err)
	}
	if b, err := c.Fetch(t.Context(), target); err != nil || string(b) != "one" {
		t.Errorf("got %q, %v", b, err)
	}
	_, err = c.Find(t.Context(), "v2.json") // b was never fetched
	wantFetch(t, err, Unreachable)
	if !errors.Is(err, ErrNotKept) {
		t.Errorf("got %v, want ErrNotKept", err)
	}
	r.wantAsked(t)

	_, err = load(testTime.Add(31*24*time.Hour), false)
	wantKind(t, err, metadata.Expired, "root")
	c, err = load(testTime.Add(31*24*time.Hour), true)
	if err != nil {
		t.Fatal(err)
	}
	if role, _ := c.Trusted().Role("timestamp"); !role.Expires.Equal(testTime.Add(30 * 24 * time.Hour)) {
		t.Errorf("got %v: whoever defers expiry must see it", role.Expires)
	}

	remove(t, filepath.Join(dir, "targets.json"))
	_, err = load(testTime, false)
	wantFetch(t, err, Unreachable)
	write(t, filepath.Join(dir, "snapshot.json"), "{}")
	_, err = load(testTime, false)
	wantFetch(t, err, Unreachable)
	r.wantAsked(t)
}

// TestLoadAfterFailure: a repository that cannot be reached leaves what is kept.
func TestLoadAfterFailure(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.refreshed(t, dir)
	r.publish("timestamp")
	r.faults["metadata/timestamp.json"] = status(502)
	c := r.client(t, dir)
	wantFetch(t, c.Refresh(t.Context()), ServerError)
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	if role, ok := c.Trusted().Role("targets"); !ok || role.Version != 1 {
		t.Errorf("got targets %v", role)
	}

	// A timestamp that was verified is never gone back from.
	delete(r.faults, "metadata/timestamp.json")
	r.update("targets")
	r.faults["metadata/2.snapshot.json"] = status(500)
	wantFetch(t, c.Refresh(t.Context()), ServerError)
	wantFetch(t, c.Load(), Unreachable)
	delete(r.faults, "metadata/2.snapshot.json")
	if err := c.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLoadNothing leaves no trace.
func TestLoadNothing(t *testing.T) {
	r := newRepo(t)
	dir := filepath.Join(t.TempDir(), "cache")
	err := r.client(t, dir).Load()
	wantFetch(t, err, Unreachable)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made")
	}
}

// TestRoleNames: no name leads anywhere but to one file, in the repository and on disk.
func TestRoleNames(t *testing.T) {
	for role, want := range map[string][2]string{
		"a b":               {"1.a%20b.json", "a%20b.json"},
		"?":                 {"1.%3F.json", "%3F.json"},
		"#":                 {"1.%23.json", "%23.json"},
		"/abs":              {"1.%2Fabs.json", "%2Fabs.json"},
		"../../escape":      {"1...%2F..%2Fescape.json", "..%2F..%2Fescape.json"},
		`..\escape`:         {"1...%5Cescape.json", "..%5Cescape.json"},
		"..":                {"1....json", "sha256-" + sumOf([]byte("..")) + ".json"},
		"é":                 {"1.%C3%A9.json", "%C3%A9.json"},
		"100%":              {"1.100%25.json", "100%25.json"},
		"Timestamp":         {"1.Timestamp.json", "roles/Timestamp.json"},
		string(longName(t)): {"1." + string(longName(t)) + ".json", "sha256-" + sumOf(longName(t)) + ".json"},
	} {
		t.Run(role[:min(len(role), 20)], func(t *testing.T) {
			r := newRepo(t)
			dir := t.TempDir()
			r.delegate("targets", role, testKey(40))
			r.add(role, "x", "x")
			r.versions[role]++
			expected := "metadata/" + want[0]
			r.versions[role]--
			r.update(role, "targets")
			if _, ok := r.files[expected]; !ok {
				t.Fatalf("%s is not served", expected)
			}
			c := r.refreshed(t, dir)
			r.asked()
			if _, err := c.Find(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			r.wantAsked(t, want[0])
			files := []string{"floor", "lock", "root.json", "snapshot.json", "targets.json", "timestamp.json", want[1]}
			slices.Sort(files)
			if got := listing(t, dir); !slices.Equal(got, files) {
				t.Errorf("got files %q\nwant %q", got, files)
			}
			c = r.refreshed(t, dir)
			r.asked()
			if _, err := c.Find(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			r.wantAsked(t)
		})
	}
}

func longName(testing.TB) []byte { return slices.Repeat([]byte("n"), 300) }

// TestDiamond: a role that two delegators name with other keys is verified for each, even
// if it was already for the other.
func TestDiamond(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.delegations["targets"] = nil
	r.delegate("targets", "a", testKey(40))
	r.delegate("targets", "b", testKey(41))
	r.delegations["targets"][0].paths, r.delegations["targets"][1].paths = []string{"a*"}, []string{"b*"}
	r.delegate("a", "c", testKey(42))
	r.delegate("b", "c", testKey(43))
	r.signers["c"] = r.signers["c"][:1] // a's key alone
	r.add("c", "ax", "ax")
	r.add("c", "bx", "bx")
	r.update("a", "b", "c", "targets")
	for range 2 {
		c := r.refreshed(t, dir)
		if _, err := c.Find(t.Context(), "ax"); err != nil {
			t.Fatal(err)
		}
		_, err := c.Find(t.Context(), "bx")
		wantKind(t, err, metadata.Threshold, "c")
	}
	count := 0
	for _, name := range r.asked() {
		if name == "1.c.json" {
			count++
		}
	}
	if count != 1 {
		t.Errorf("c was fetched %d times", count)
	}

	// The other way round what is kept does not verify, and is fetched once.
	c := r.refreshed(t, dir)
	_, err := c.Find(t.Context(), "bx")
	wantKind(t, err, metadata.Threshold, "c")

	r.signers["c"] = append(r.signers["c"], testKey(43))
	r.update("c")
	c = r.refreshed(t, dir)
	for _, path := range []string{"ax", "bx"} {
		if _, err := c.Find(t.Context(), path); err != nil {
			t.Error(err)
		}
	}
}

func TestList(t *testing.T) {
	r := newRepo(t)
	r.delegate("targets", "a", testKey(40))
	r.delegate("targets", "b", testKey(41))
	r.add("targets", "v0", "0")
	r.add("a", "v1", "1")
	r.add("b", "v2", "2")
	r.update("a", "b", "targets")
	c := r.refreshed(t, t.TempDir())
	r.asked()
	names, err := c.List(t.Context(), func(path string) bool { return path != "v0" }, nil)
	if err != nil || !slices.Equal(names, []string{"v1", "v2"}) {
		t.Errorf("got %q, %v", names, err)
	}
	r.wantAsked(t, "1.a.json", "1.b.json")
	if _, err := c.List(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
	_, err = c.Find(t.Context(), "v9")
	wantKind(t, err, metadata.NotListed, "targets")
	r.wantAsked(t)
}

// TestFetch: a target is verified, kept by its content, and not asked for again.
func TestFetch(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.add("targets", "d/v 1?.json", "one")
	r.add("targets", "empty", "")
	r.add("targets", "big", string(make([]byte, 2000)))
	r.update("targets")
	c := r.refreshed(t, dir)
	r.asked()
	find := func(path string) metadata.Target {
		t.Helper()
		target, err := c.Find(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	name := "targets/d/" + sumOf([]byte("one")) + ".v%201%3F.json"
	r.files[name] = []byte("one")
	for range 2 {
		if b, err := c.Fetch(t.Context(), find("d/v 1?.json")); err != nil || string(b) != "one" {
			t.Errorf("got %q, %v", b, err)
		}
	}
	r.wantAsked(t, name)
	if b, err := c.Fetch(t.Context(), find("empty")); err != nil || len(b) != 0 {
		t.Errorf("got %q, %v", b, err)
	}
	r.asked()
	kept := filepath.Join(dir, "files", "sha256-"+sumOf([]byte("one")))
	for content, kind := range map[string]metadata.Kind{"two": metadata.HashMismatch, "on": metadata.LengthMismatch} {
		write(t, kept, "eno") // and is fetched again
		r.files[name] = []byte(content)
		_, err := c.Fetch(t.Context(), find("d/v 1?.json"))
		wantKind(t, err, kind, "targets")
	}
	r.files[name] = []byte("one and more")
	_, err := c.Fetch(t.Context(), find("d/v 1?.json"))
	wantFetch(t, err, TooMuch)
	r.asked()
	c.options.TargetBytes = 1999
	_, err = c.Fetch(t.Context(), find("big"))
	wantFetch(t, err, TooMuch)
	r.wantAsked(t)
}

// TestFetchSideBySide: targets may be fetched at once, and are all kept.
func TestFetchSideBySide(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	var paths []string
	for i := range 20 {
		paths = append(paths, "v"+strconv.Itoa(i))
		r.add("targets", paths[i], paths[i])
	}
	r.update("targets")
	c := r.refreshed(t, dir)
	var all sync.WaitGroup
	for _, path := range paths {
		target, err := c.Find(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if b, err := c.Fetch(t.Context(), target); err != nil || string(b) != path {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
	all.Wait()
	if entries, err := os.ReadDir(filepath.Join(dir, "files")); err != nil || len(entries) != len(paths) {
		t.Errorf("got %d files, %v, want %d", len(entries), err, len(paths))
	}
}

// TestTargetPaths: a path that could lead elsewhere is refused before anything is asked.
func TestTargetPaths(t *testing.T) {
	r := newRepo(t)
	paths := []string{"../x", "a/../../x", "/x", "a//x", "a/", "", ".", "a/./x", `a\x`, "a\nx", "a\x7fx"}
	for _, path := range paths {
		r.contents["targets"][path] = object{"length": 1, "hashes": object{"sha256": sumOf([]byte("x"))}}
	}
	r.update("targets")
	c := r.refreshed(t, t.TempDir())
	r.asked()
	for _, path := range paths {
		target, err := c.Find(t.Context(), path)
		if err != nil {
			continue // metadata refuses it already
		}
		_, err = c.Fetch(t.Context(), target)
		wantKind(t, err, metadata.Malformed, "targets")
		_, err = c.Download(t.Context(), target, t.TempDir())
		wantKind(t, err, metadata.Malformed, "targets")
	}
	r.wantAsked(t)
}

func TestDownload(t *testing.T) {
	r := newRepo(t)
	to := filepath.Join(t.TempDir(), "to")
	content := string(make([]byte, 3<<20)) // more than is held in memory
	r.add("targets", "d/big.bin", content)
	r.update("targets")
	c := r.refreshed(t, "")
	target, err := c.Find(t.Context(), "d/big.bin")
	if err != nil {
		t.Fatal(err)
	}
	name := "targets/d/" + sumOf([]byte(content)) + ".big.bin"
	r.asked()
	for _, bad := range []string{content[1:], content[:len(content)-1] + "x", content + "x"} {
		r.files[name] = []byte(bad)
		if _, err := c.Download(t.Context(), target, to); err == nil {
			t.Error("a wrong file was stored")
		}
		if got := listing(t, to); len(got) != 0 {
			t.Errorf("%q was left", got)
		}
	}
	r.files[name] = []byte(content)
	r.asked()
	path, err := c.Download(t.Context(), target, to)
	if err != nil || path != filepath.Join(to, "d%2Fbig.bin") {
		t.Fatalf("got %q, %v", path, err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != content {
		t.Error("the file is not right")
	}
	r.wantAsked(t, name)
	if _, err := c.Download(t.Context(), target, to); err != nil {
		t.Fatal(err)
	}
	r.wantAsked(t)
	write(t, path, content+"x")
	if _, err := c.Download(t.Context(), target, to); err != nil {
		t.Fatal(err)
	}
	r.wantAsked(t, name)
	if got := listing(t, to); !slices.Equal(got, []string{"d%2Fbig.bin"}) {
		t.Errorf("got files %q", got)
	}

	write(t, filepath.Join(filepath.Dir(to), "file"), "")
	if _, err := c.Download(t.Context(), target, filepath.Join(filepath.Dir(to), "file")); err == nil {
		t.Error("stored in a file")
	}
}

// TestDirectory: a copy on disk serves as the repository does, under either spelling of a name.
func TestDirectory(t *testing.T) {
	r := newRepo(t)
	r.delegate("targets", "a b", testKey(40))
	r.add("a b", "d/v 1.json", "one")
	r.update("a b", "targets")
	for _, plain := range []bool{false, true} {
		dir := r.store(t)
		if plain {
			if err := os.Rename(filepath.Join(dir, "metadata", "1.a%20b.json"), filepath.Join(dir, "metadata", "1.a b.json")); err != nil {
				t.Fatal(err)
			}
		}
		o := r.options(t.TempDir())
		o.MetadataURL, o.TargetsURL, o.Fetcher, o.Repository = dir+"/metadata", dir+"/targets", Directory{}, o.MetadataURL
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		target, err := c.Find(t.Context(), "d/v 1.json")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := c.Fetch(t.Context(), target); err != nil || string(b) != "one" {
			t.Errorf("got %q, %v", b, err)
		}
		if _, err := c.Download(t.Context(), target, t.TempDir()); err != nil {
			t.Error(err)
		}

		// The state is the repository's, whatever it was read from.
		o = r.options(o.Dir)
		if c, err = New(o); err != nil || !c.State().Known {
			t.Errorf("got %v", err)
		}
	}
	r.wantAsked(t)

	dir := t.TempDir()
	mkdir(t, filepath.Join(dir, "folder"))
	write(t, filepath.Join(dir, "file"), "12345")
	for path, kind := range map[string]FetchKind{"none": NotFound, "folder": Unreachable, "file/below": NotFound, "file": TooMuch, "a%2F..%2Ffile": NotFound, "%2E%2E": NotFound} {
		_, err := Directory{}.Fetch(t.Context(), filepath.ToSlash(dir)+"/"+path, 4)
		wantFetch(t, err, kind)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFetch(t, Directory{}.Stream(ctx, dir+"/file", 9, io.Discard), Timeout)
}
