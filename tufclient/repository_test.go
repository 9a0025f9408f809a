package tufclient

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// testTime is when the tests run.
var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type object = map[string]any

// repo is a small TUF repository with ed25519 keys, served over HTTP.
type repo struct {
	t testing.TB

	consistent, hashes bool
	versions           map[string]int64
	expires            map[string]time.Time
	signers            map[string][]ed25519.PrivateKey
	oldRoot            []ed25519.PrivateKey
	contents           map[string]object // targets by role
	delegations        map[string][]delegation
	edits              map[string]func(signed object)
	// files are what is served: "metadata/1.root.json", "targets/a.txt".
	files  map[string][]byte
	faults map[string]http.HandlerFunc

	mu       sync.Mutex
	requests []string
	server   *httptest.Server
}

type delegation struct {
	role        string
	keys        []ed25519.PrivateKey
	paths       []string
	terminating bool
}

// newRepo publishes version 1 of every role, and serves it.
func newRepo(t testing.TB) *repo {
	t.Helper()
	r := unservedRepo(t)
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func unservedRepo(t testing.TB) *repo {
	t.Helper()
	r := &repo{
		t: t, consistent: true, versions: map[string]int64{}, expires: map[string]time.Time{},
		signers: map[string][]ed25519.PrivateKey{}, contents: map[string]object{"targets": {}},
		delegations: map[string][]delegation{}, edits: map[string]func(object){},
		files: map[string][]byte{}, faults: map[string]http.HandlerFunc{},
	}
	for i, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		r.signers[role] = []ed25519.PrivateKey{testKey(byte(i + 1))}
	}
	r.publish("root", "targets", "snapshot", "timestamp")
	return r
}

// testKey is always the same for a number.
func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string([]byte{n & 0x7f}), ed25519.SeedSize)))
}

func keyObject(k ed25519.PrivateKey) (id string, key object) {
	public := hex.EncodeToString(k.Public().(ed25519.PublicKey))
	return public, object{"keytype": "ed25519", "scheme": "ed25519", "keyval": object{"public": public}}
}

// publish writes the next version of each role.
func (r *repo) publish(roles ...string) {
	r.t.Helper()
	for _, role := range roles {
		r.versions[role]++
		expires, ok := r.expires[role]
		if !ok {
			expires = testTime.Add(30 * 24 * time.Hour)
		}
		kind := role
		if r.contents[role] != nil {
			kind = "targets"
		}
		signed := object{
			"_type": kind, "spec_version": "1.0.31", "version": r.versions[role],
			"expires": expires.Format(time.RFC3339),
		}
		switch role {
		case "root":
			r.fillRoot(signed)
		case "timestamp":
			signed["meta"] = r.meta("snapshot")
		case "snapshot":
			all := []string{}
			for name := range r.contents {
				if r.versions[name] > 0 {
					all = append(all, name)
				}
			}
			signed["meta"] = r.meta(all...)
		default:
			r.fillTargets(role, signed)
		}
		if edit := r.edits[role]; edit != nil {
			edit(signed)
		}
		signers := r.signers[role]
		if role == "root" {
			signers = append(slices.Clone(r.oldRoot), signers...)
			r.oldRoot = r.signers[role]
		}
		r.files["metadata/"+r.name(role)] = r.sign(signed, signers...)
	}
}

// name is the file of a role's newest version.
func (r *repo) name(role string) string {
	if role == "timestamp" || role != "root" && !r.consistent {
		return remoteName(role, 0)
	}
	return remoteName(role, r.versions[role])
}

func (r *repo) sign(signed object, keys ...ed25519.PrivateKey) []byte {
	r.t.Helper()
	payload, err := cjson.EncodeCanonical(signed)
	if err != nil {
		r.t.Fatal(err)
	}
	signatures := []object{}
	seen := map[string]bool{}
	for _, k := range keys {
		if id, _ := keyObject(k); !seen[id] {
			seen[id] = true
			signatures = append(signatures, object{"keyid": id, "sig": hex.EncodeToString(ed25519.Sign(k, payload))})
		}
	}
	b, err := json.Marshal(object{"signatures": signatures, "signed": signed})
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *repo) fillRoot(signed object) {
	keys, roles := object{}, object{}
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		ids := []string{}
		for _, k := range r.signers[role] {
			id, key := keyObject(k)
			keys[id] = key
			ids = append(ids, id)
		}
		roles[role] = object{"keyids": ids, "threshold": 1}
	}
	signed["keys"], signed["roles"], signed["consistent_snapshot"] = keys, roles, r.consistent
}

func (r *repo) meta(roles ...string) object {
	all := object{}
	for _, role := range roles {
		entry := object{"version": r.versions[role]}
		if b := r.files["metadata/"+r.name(role)]; r.hashes && b != nil {
			entry["length"], entry["hashes"] = len(b), object{"sha256": sumOf(b)}
		}
		all[role+".json"] = entry
	}
	return all
}

func (r *repo) fillTargets(role string, signed object) {
	signed["targets"] = r.contents[role]
	if len(r.delegations[role]) == 0 {
		return
	}
	keys, roles := object{}, []object{}
	for _, d := range r.delegations[role] {
		ids := []string{}
		for _, k := range d.keys {
			id, key := keyObject(k)
			keys[id] = key
			ids = append(ids, id)
		}
		roles = append(roles, object{"name": d.role, "keyids": ids, "threshold": 1, "terminating": d.terminating, "paths": d.paths})
	}
	signed["delegations"] = object{"keys": keys, "roles": roles}
}

// add lists a target and serves it.
func (r *repo) add(role, path, content string) {
	sum := sumOf([]byte(content))
	r.contents[role][path] = object{"length": len(content), "hashes": object{"sha256": sum}}
	dir, base := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, base = path[:i+1], path[i+1:]
	}
	if r.consistent {
		base = sum + "." + base
	}
	r.files["targets/"+dir+base] = []byte(content)
}

// delegate lets a role sign for all paths.
func (r *repo) delegate(from, to string, keys ...ed25519.PrivateKey) {
	if r.contents[to] == nil {
		r.contents[to] = object{}
	}
	r.signers[to] = append(r.signers[to], keys...)
	r.delegations[from] = append(r.delegations[from], delegation{role: to, keys: keys, paths: []string{"*", "*/*"}})
}

// update publishes roles, and snapshot and timestamp after them.
func (r *repo) update(roles ...string) { r.publish(append(roles, "snapshot", "timestamp")...) }

// ServeHTTP implements http.Handler. Names of metadata are looked for as they were sent.
func (r *repo) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.EscapedPath(), "/")
	r.mu.Lock()
	r.requests = append(r.requests, name)
	fault, b := r.faults[name], r.files[name]
	r.mu.Unlock()
	switch {
	case fault != nil:
		fault(w, req)
	case b == nil:
		http.NotFound(w, req)
	default:
		_, _ = w.Write(b)
	}
}

// asked returns the requests since the last call.
func (r *repo) asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.requests
	r.requests = nil
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], "metadata/")
	}
	return all
}

func (r *repo) wantAsked(t testing.TB, want ...string) {
	t.Helper()
	if got := r.asked(); !slices.Equal(got, want) {
		t.Errorf("got requests %q\nwant %q", got, want)
	}
}

// status is a fault.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// options are those of a client whose pinned root is version 1.
func (r *repo) options(dir string) Options {
	url := ""
	if r.server != nil {
		url = r.server.URL
	}
	return Options{
		MetadataURL: url + "/metadata", TargetsURL: url + "/targets",
		Root: r.files["metadata/1.root.json"], Dir: dir, Time: testTime,
	}
}

// client makes one that must come to be.
func (r *repo) client(t testing.TB, dir string) *Client {
	t.Helper()
	c, err := New(r.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refreshed is a client that has refreshed.
func (r *repo) refreshed(t testing.TB, dir string) *Client {
	t.Helper()
	c := r.client(t, dir)
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// store writes the repository to a folder.
func (r *repo) store(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range r.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func wantKind(t testing.TB, err error, kind metadata.Kind, role string) {
	t.Helper()
	var e *metadata.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Role != role {
		t.Errorf("got %v, want %s of %s", err, kind, role)
	}
}

func wantFetch(t testing.TB, err error, kind FetchKind) {
	t.Helper()
	var e *FetchError
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("got %v, want %s", err, kind)
	}
}

func wantState(t testing.TB, err error) {
	t.Helper()
	var e *StateError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a StateError", err)
	}
}

// listing names the files in a folder, with those in folders below it.
func listing(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
