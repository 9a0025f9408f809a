package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// client is the program with its two folders, run once for each command.
type client struct {
	t         *testing.T
	r         *repository
	dir, into string // metadata, targets
	root      []byte // what init is given
	now       time.Time
	stderr    string // of the last command
}

// newClient is a repository and a client that was not initialised. The test runs beside others.
func newClient(t *testing.T) (*client, *repository) {
	t.Helper()
	t.Parallel()
	r := newRepository(t)
	c := &client{t: t, r: r, dir: t.TempDir(), into: t.TempDir(), root: r.published["root"][0], now: start}
	return c, r
}

// initialised is a repository and a client that knows its root.
func initialised(t *testing.T) (*client, *repository) {
	t.Helper()
	c, r := newClient(t)
	c.init(0)
	return c, r
}

// refreshed is a client that also has version 1 of everything.
func refreshed(t *testing.T) (*client, *repository) {
	t.Helper()
	c, r := initialised(t)
	c.refresh(0)
	return c, r
}

// run is one command.
func (c *client) run(args ...string) int {
	c.t.Helper()
	var stderr bytes.Buffer
	code := run(context.Background(), args, &stderr, func(context.Context) (time.Time, error) { return c.now, nil })
	c.stderr = stderr.String()
	if (code == 0) != (c.stderr == "") || code < 0 || code > 1 {
		c.t.Errorf("%s: exit %d with %q on stderr", args, code, c.stderr)
	}
	return code
}

// want runs a command and wants an exit code.
func (c *client) want(code int, args ...string) {
	c.t.Helper()
	if got := c.run(args...); got != code {
		c.t.Fatalf("%s: exit %d, want %d; stderr: %s", args[len(args)-1], got, code, c.stderr)
	}
}

func (c *client) tryInit() int {
	c.t.Helper()
	root := filepath.Join(c.t.TempDir(), "initial.json")
	if err := os.WriteFile(root, c.root, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return c.run("--metadata-dir", c.dir, "init", root)
}

func (c *client) init(code int) {
	c.t.Helper()
	if got := c.tryInit(); got != code {
		c.t.Fatalf("init: exit %d, want %d; stderr: %s", got, code, c.stderr)
	}
}

func (c *client) refresh(code int) {
	c.t.Helper()
	c.want(code, "--metadata-url", c.r.url+"/metadata/", "--metadata-dir", c.dir, "refresh")
}

// refreshAt is a refresh this long after start.
func (c *client) refreshAt(after time.Duration, code int) {
	c.t.Helper()
	defer func() { c.now = start }()
	c.now = start.Add(after)
	c.refresh(code)
}

func (c *client) download(code int, names ...string) {
	c.t.Helper()
	c.want(code, c.downloadArgs(names...)...)
}

func (c *client) downloadAt(after time.Duration, code int, names ...string) {
	c.t.Helper()
	defer func() { c.now = start }()
	c.now = start.Add(after)
	c.download(code, names...)
}

func (c *client) downloadArgs(names ...string) []string {
	args := []string{"--metadata-url", c.r.url + "/metadata/", "--metadata-dir", c.dir}
	for _, name := range names {
		args = append(args, "--target-name", name)
	}
	return append(args, "--target-dir", c.into, "--target-base-url", c.r.url+"/targets/", "download")
}

// trusts wants these roles and versions in the metadata folder, as "role version", and no other file
// that looks like metadata.
func (c *client) trusts(want ...string) {
	c.t.Helper()
	if got := c.trusted(); !slices.Equal(got, want) {
		c.t.Errorf("trusts %q, want %q", got, want)
	}
}

func (c *client) trusted() []string {
	c.t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	roles := []string{}
	for _, entry := range entries {
		if role, ok := strings.CutSuffix(entry.Name(), ".json"); ok {
			roles = append(roles, fmt.Sprintf("%s %d", role, c.version(role)))
		}
	}
	slices.Sort(roles)
	return roles
}

// version is what the metadata folder has of a role, 0 if it has none.
func (c *client) version(role string) int {
	c.t.Helper()
	b := c.file(role)
	if b == nil {
		return 0
	}
	var file struct {
		Signed struct {
			Version int `json:"version"`
		} `json:"signed"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		c.t.Errorf("%s.json: %v", role, err)
	}
	return file.Signed.Version
}

// file is the file of a role, or nil.
func (c *client) file(role string) []byte {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, role+".json"))
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	return b
}

// has wants versions of some roles: "role version".
func (c *client) has(want ...string) {
	c.t.Helper()
	for _, w := range want {
		role, _, _ := strings.Cut(w, " ")
		if got := fmt.Sprintf("%s %d", role, c.version(role)); got != w {
			c.t.Errorf("has %q, want %q", got, w)
		}
	}
}

// keeps wants exactly these bytes for a role.
func (c *client) keeps(role string, want []byte) {
	c.t.Helper()
	if got := c.file(role); !bytes.Equal(got, want) {
		c.t.Errorf("%s.json has %d bytes, want the %d that were published", role, len(got), len(want))
	}
}

// downloaded wants these contents in the targets folder and nothing else.
func (c *client) downloaded(want ...string) {
	c.t.Helper()
	got := []string{}
	err := filepath.WalkDir(c.into, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		got = append(got, string(b))
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Errorf("downloaded %q, want %q", got, want)
	}
}

// asks wants these requests for metadata since the last look, in this order.
func (r *repository) asks(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.asked, want) {
		r.t.Errorf("asked for %q, want %q", r.asked, want)
	}
	r.asked = nil
}

// asksLast wants this to be the last request for metadata.
func (r *repository) asksLast(want string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) == 0 || r.asked[len(r.asked)-1] != want {
		r.t.Errorf("asked for %q, want %q last", r.asked, want)
	}
}

// fetches wants this many requests for targets since the last look.
func (r *repository) fetches(want int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) != want {
		r.t.Errorf("fetched %q, want %d requests", r.got, want)
	}
	r.got = nil
}

// forget starts the lists of requests anew.
func (r *repository) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.got = nil, nil
}
