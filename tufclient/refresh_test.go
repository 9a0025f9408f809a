package tufclient

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func TestRequests(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	first := []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}
	r.refreshed(t, dir)
	r.wantAsked(t, first...)
	if got, want := listing(t, dir), []string{"floor", "lock", "root.json", "snapshot.json", "targets.json", "timestamp.json"}; !slices.Equal(got, want) {
		t.Errorf("got files %q\nwant %q", got, want)
	}

	r.refreshed(t, dir)
	r.wantAsked(t, "2.root.json", "timestamp.json")
	r.publish("timestamp") // the same snapshot
	r.refreshed(t, dir)
	r.wantAsked(t, "2.root.json", "timestamp.json")
	r.publish("snapshot", "timestamp") // the same targets
	r.refreshed(t, dir)
	r.wantAsked(t, "2.root.json", "timestamp.json", "2.snapshot.json")
	r.update("targets")
	r.refreshed(t, dir)
	r.wantAsked(t, "2.root.json", "timestamp.json", "3.snapshot.json", "2.targets.json")

	r.publish("root")
	r.publish("root")
	r.refreshed(t, dir)
	r.wantAsked(t, "2.root.json", "3.root.json", "4.root.json", "timestamp.json")
	r.refreshed(t, dir)
	r.wantAsked(t, "4.root.json", "timestamp.json")

	r.consistent = false
	r.update("root", "targets")
	r.refreshed(t, dir)
	r.wantAsked(t, "4.root.json", "5.root.json", "timestamp.json", "snapshot.json", "targets.json")

	for role, version := range map[string]int64{"root": 4, "timestamp": 5, "snapshot": 4, "targets": 3} {
		b, err := os.ReadFile(filepath.Join(dir, role+".json"))
		if err != nil || !bytes.Equal(b, r.files["metadata/"+r.name(role)]) || r.versions[role] != version {
			t.Errorf("%s.json is not version %d: %v", role, version, err)
		}
	}
}

func TestRefreshTwice(t *testing.T) {
	for name, dir := range map[string]string{"kept": t.TempDir(), "not kept": ""} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			c := r.refreshed(t, dir)
			r.publish("root")
			r.update("targets")
			r.asked()
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.wantAsked(t, "2.root.json", "3.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json")
			if role, _ := c.Trusted().Role("targets"); role.Version != 2 {
				t.Errorf("got targets %d, want 2", role.Version)
			}
			old := r.files["metadata/timestamp.json"]
			r.publish("timestamp")
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.files["metadata/timestamp.json"] = old
			wantKind(t, c.Refresh(t.Context()), metadata.Rollback, "timestamp")
		})
	}
}

func TestNextRoot(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault http.HandlerFunc
		kind  FetchKind // "" is none
	}{
		{"404", status(404), ""},
		{"403, as object stores answer", status(403), ""},
		{"410", status(410), ""},
		{"401", status(401), Forbidden},
		{"403 of a rate limit", status(403, "Retry-After", "60"), RateLimited},
		{"500", status(500), ServerError},
		{"304 that nobody asked for", status(304), ServerError},
		{"204", status(204), ServerError},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRepo(t)
			r.faults["metadata/2.root.json"] = test.fault
			err := r.client(t, t.TempDir()).Refresh(t.Context())
			if test.kind != "" {
				wantFetch(t, err, test.kind)
				r.wantAsked(t, "2.root.json")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWithheldRoot: the newest root is kept, so that a mirror that hides it later, or a
// client that is given the old one again, does not go back to it.
func TestWithheldRoot(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.signers["root"] = []ed25519.PrivateKey{testKey(20)}
	r.publish("root")
	r.refreshed(t, dir)
	second := r.files["metadata/2.root.json"]
	delete(r.files, "metadata/2.root.json")
	c := r.refreshed(t, dir)
	if roots := c.Trusted().Roots(); len(roots) != 2 || len(c.Raw().Roots) != 1 {
		t.Errorf("got roots %v, want two", roots)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "root.json")); !bytes.Equal(b, second) {
		t.Error("root.json went back to the pinned root")
	}

	// The kept chain is damaged and the mirror withholds the root: nothing older is taken.
	write(t, filepath.Join(dir, "roots", "2.json"), "{")
	wantKind(t, r.client(t, dir).Refresh(t.Context()), metadata.Rollback, "root")
	r.files["metadata/2.root.json"] = second
	r.refreshed(t, dir)
	delete(r.files, "metadata/2.root.json")
	r.refreshed(t, dir)
}

func TestSameTimestamp(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.refreshed(t, dir)
	was := r.files["metadata/timestamp.json"]
	r.versions["timestamp"]--
	r.versions["snapshot"] = 100
	r.publish("timestamp")
	r.asked()
	c := r.refreshed(t, dir)
	r.wantAsked(t, "2.root.json", "timestamp.json")
	if b, _ := os.ReadFile(filepath.Join(dir, "timestamp.json")); !bytes.Equal(b, was) || !bytes.Equal(c.Raw().Timestamp, was) {
		t.Error("the timestamp was replaced by another of the same version")
	}
}

// TestExpiredTimestamp: one that has expired still guards, and is not used.
func TestExpiredTimestamp(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.expires["timestamp"] = testTime.Add(time.Hour)
	r.publish("timestamp")
	old := r.files["metadata/timestamp.json"]
	r.refreshed(t, dir)
	r.asked()
	o := r.options(dir)
	o.Time = testTime.Add(2 * time.Hour)
	refresh := func() error {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return c.Refresh(t.Context())
	}
	wantKind(t, refresh(), metadata.Expired, "timestamp")
	r.wantAsked(t, "2.root.json", "timestamp.json")
	r.expires["timestamp"] = testTime.Add(48 * time.Hour)
	r.publish("timestamp")
	if err := refresh(); err != nil {
		t.Error(err)
	}
	r.files["metadata/timestamp.json"] = old
	wantKind(t, refresh(), metadata.Rollback, "timestamp")
}

// TestTimestampWithoutSnapshot panics in go-tuf.
func TestTimestampWithoutSnapshot(t *testing.T) {
	r := newRepo(t)
	r.edits["timestamp"] = func(signed object) { signed["meta"] = object{} }
	r.publish("timestamp")
	wantKind(t, r.client(t, t.TempDir()).Refresh(t.Context()), metadata.Malformed, "timestamp")
}

// TestDamagedCache: whatever lies where metadata is kept, it is fetched again and never
// below what was seen.
func TestDamagedCache(t *testing.T) {
	damage := map[string]func(t *testing.T, path string){
		"empty": func(t *testing.T, path string) { t.Helper(); write(t, path, "") },
		"cut short": func(t *testing.T, path string) {
			t.Helper()
			b, _ := os.ReadFile(path)
			write(t, path, string(b[:len(b)/2]))
		},
		"changed": func(t *testing.T, path string) {
			t.Helper()
			b, _ := os.ReadFile(path)
			write(t, path, strings.Replace(string(b), `"version":2`, `"version":9`, 1))
		},
		"too large": func(t *testing.T, path string) { t.Helper(); write(t, path, strings.Repeat(" ", 6<<20)) },
		"a folder":  func(t *testing.T, path string) { t.Helper(); remove(t, path); mkdir(t, path) },
		"a full folder": func(t *testing.T, path string) {
			t.Helper()
			remove(t, path)
			mkdir(t, path)
			write(t, filepath.Join(path, "x"), "x")
		},
		"gone": func(t *testing.T, path string) { t.Helper(); remove(t, path) },
	}
	for name, damage := range damage {
		for _, file := range []string{"root.json", "timestamp.json", "snapshot.json", "targets.json", "roots/2.json", "validator"} {
			t.Run(name+" "+file, func(t *testing.T) {
				r := newRepo(t)
				dir := t.TempDir()
				r.publish("root")
				r.faults["metadata/timestamp.json"] = tagged(r)
				old := map[string][]byte{"metadata/timestamp.json": r.files["metadata/timestamp.json"], "metadata/1.snapshot.json": r.files["metadata/1.snapshot.json"]}
				r.update("targets")
				r.refreshed(t, dir)
				damage(t, filepath.Join(dir, filepath.FromSlash(file)))
				c := r.refreshed(t, dir)
				if role, _ := c.Trusted().Role("timestamp"); role.Version != 2 {
					t.Errorf("got timestamp %d, want 2", role.Version)
				}
				c = r.refreshed(t, dir)
				if name != "a full folder" && c.Unkept() != nil {
					t.Errorf("not kept: %v", c.Unkept())
				}
				damage(t, filepath.Join(dir, filepath.FromSlash(file)))
				for name, b := range old {
					r.files[name] = b
				}
				delete(r.faults, "metadata/timestamp.json")
				wantKind(t, r.client(t, dir).Refresh(t.Context()), metadata.Rollback, "timestamp")
			})
		}
	}
}

// TestWorkingFolder: a client that keeps nothing reads nothing, not even in the working
// folder, as go-tuf does.
func TestWorkingFolder(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.refreshed(t, dir)
	t.Chdir(dir)
	r.asked()
	c := r.refreshed(t, "")
	r.wantAsked(t, "2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json")
	if c.State().Known {
		t.Error("a floor was read from the working folder")
	}
	wantFetch(t, r.client(t, "").Load(), Unreachable)
}

// TestEndless: no repository makes a client read for ever.
func TestEndless(t *testing.T) {
	t.Run("bytes", func(t *testing.T) {
		for _, chunked := range []bool{false, true} {
			r := newRepo(t)
			sent := 0
			r.faults["metadata/timestamp.json"] = func(w http.ResponseWriter, _ *http.Request) {
				if !chunked {
					w.Header().Set("Content-Length", "100000000")
				}
				for chunk := make([]byte, 64<<10); sent < 100_000_000; sent += len(chunk) {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			}
			wantFetch(t, r.client(t, t.TempDir()).Refresh(t.Context()), TooMuch)
			r.server.Close()
			if sent > 20<<20 {
				t.Errorf("%d bytes were sent", sent)
			}
		}
	})
	t.Run("listed", func(t *testing.T) {
		r := newRepo(t)
		r.edits["snapshot"] = func(signed object) {
			signed["meta"] = object{"targets.json": object{"version": 1, "length": 1 << 40}}
		}
		r.update()
		wantKind(t, r.client(t, t.TempDir()).Refresh(t.Context()), metadata.TooLarge, "targets")
	})
	t.Run("longer than listed", func(t *testing.T) {
		r := newRepo(t)
		r.hashes = true
		r.update("targets")
		r.files["metadata/2.targets.json"] = append(r.files["metadata/2.targets.json"], ' ')
		wantFetch(t, r.client(t, t.TempDir()).Refresh(t.Context()), TooMuch)
	})
	t.Run("drip", func(t *testing.T) {
		r := newRepo(t)
		r.faults["metadata/timestamp.json"] = func(w http.ResponseWriter, req *http.Request) {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			<-req.Context().Done()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := r.client(t, t.TempDir()).Refresh(ctx)
		wantFetch(t, err, Timeout)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline in it", err)
		}
	})
	t.Run("roots", func(t *testing.T) {
		r := newRepo(t)
		dir := t.TempDir()
		for range 8 {
			r.publish("root")
		}
		o := r.options(dir)
		o.Limits.Roots = 5
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, c.Refresh(t.Context()), metadata.TooLarge, "root")
		r.wantAsked(t, "2.root.json", "3.root.json", "4.root.json", "5.root.json", "6.root.json", "7.root.json")
		o.Limits.Roots = 8
		if c, err = New(o); err != nil {
			t.Fatal(err)
		}
		if err := c.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
		r.wantAsked(t, "7.root.json", "8.root.json", "9.root.json", "10.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json")
	})
}

// TestForgets: once the timestamp's key is replaced because an attacker had fast-forwarded
// it, a kept timestamp that another of its keys still verifies does not come back.
func TestForgets(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.signers["timestamp"] = []ed25519.PrivateKey{testKey(30), testKey(31)}
	r.publish("root")
	r.versions["timestamp"] = 99
	r.publish("timestamp")
	r.refreshed(t, dir)
	r.signers["timestamp"] = []ed25519.PrivateKey{testKey(31), testKey(32)}
	r.publish("root")
	r.versions["timestamp"] = 1
	r.publish("timestamp")
	for range 2 {
		c := r.refreshed(t, dir)
		if role, _ := c.Trusted().Role("timestamp"); role.Version != 2 {
			t.Errorf("got timestamp %d, want 2", role.Version)
		}
	}
}

// TestRaw: what a run read replays elsewhere to the same end.
func TestRaw(t *testing.T) {
	replay := func(t *testing.T, r *repo, c *Client) error {
		t.Helper()
		m, err := metadata.New(r.files["metadata/1.root.json"], metadata.Options{Time: testTime, Floor: c.State().Floor})
		raw := c.Raw()
		for _, b := range raw.Roots {
			if err == nil {
				err = m.UpdateRoot(b)
			}
		}
		if err == nil {
			err = m.UpdateTimestamp(raw.Timestamp)
		}
		if err == nil {
			err = m.UpdateSnapshot(raw.Snapshot, false)
		}
		if err == nil {
			err = m.UpdateTargets(raw.Targets)
		}
		for _, d := range raw.Delegated {
			if err == nil {
				err = m.UpdateDelegated(d.Bytes, d.Role, d.Delegator)
			}
		}
		return err
	}
	for _, broken := range []string{"", "root", "timestamp", "snapshot", "targets", "a"} {
		t.Run("broken "+broken, func(t *testing.T) {
			r := newRepo(t)
			dir := t.TempDir()
			r.refreshed(t, dir)
			r.delegate("targets", "a", testKey(40))
			r.add("a", "x", "x")
			r.publish("root")
			if broken != "" {
				r.signers[broken] = []ed25519.PrivateKey{testKey(50)}
				if broken == "root" {
					r.oldRoot = nil
				}
			}
			r.update("root", "a", "targets")
			if broken != "root" && broken != "" && broken != "a" {
				// Signed by a key that no root names.
				r.files["metadata/3.root.json"] = nil
			}
			c := r.client(t, dir)
			err := c.Refresh(t.Context())
			if err == nil {
				_, err = c.Find(t.Context(), "x")
			}
			again := replay(t, r, c)
			var one, other *metadata.Error
			if broken == "" {
				if err != nil || again != nil {
					t.Fatalf("got %v and %v", err, again)
				}
				return
			}
			if !errors.As(err, &one) || !errors.As(again, &other) || *one != *other {
				t.Errorf("got %v\nand again %v", err, again)
			}
			wantKind(t, err, metadata.Threshold, broken)
		})
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// tagged serves the timestamp with an ETag.
func tagged(r *repo) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		b := r.files["metadata/timestamp.json"]
		tag := `"` + sumOf(b) + `"`
		w.Header().Set("ETag", tag)
		if req.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(b)
	}
}
