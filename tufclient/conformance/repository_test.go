package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

// start is the time of every repository; day is what the clock is moved by.
var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// object is signed metadata or a part of it, as JSON has it.
type object = map[string]any

// repository is a TUF repository in memory that a test may break in every way. What is in signed is
// seen by clients once it was published.
type repository struct {
	t *testing.T
	// signed is the metadata in work, by role; signers sign it.
	signed  map[string]object
	signers map[string][]*signer
	// published are the files of each role: the one at index 0 is that of URL version 1.
	published map[string][][]byte
	artifacts map[string][]byte
	// hashes has publish write length and hashes into snapshot and timestamp.
	hashes bool
	// silent closes the connection where a role was taken away, instead of a 404.
	silent bool
	// prefix is what stands before the path of every URL.
	prefix, url string

	mu    sync.Mutex
	asked []string // "role version" for metadata
	got   []string // paths below targets/, hashes included
}

// newRepository serves a repository with version 1 of the four top-level roles.
func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{
		t: t, signed: map[string]object{}, signers: map[string][]*signer{},
		published: map[string][][]byte{}, artifacts: map[string][]byte{},
		prefix: "/" + url.PathEscape(t.Name()),
	}
	roles := object{}
	r.signed["root"] = r.newSigned("root", object{"consistent_snapshot": true, "keys": object{}, "roles": roles})
	r.signed["timestamp"] = r.newSigned("timestamp", object{"meta": object{"snapshot.json": object{"version": 1}}})
	r.signed["snapshot"] = r.newSigned("snapshot", object{"meta": object{"targets.json": object{"version": 1}}})
	r.signed["targets"] = r.newSigned("targets", object{"targets": object{}})
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		roles[role] = object{"keyids": []any{}, "threshold": 1}
		r.addKey("root", role, newSigner(t, ecdsaKey))
	}
	r.publish("targets", "snapshot", "timestamp", "root")
	server := httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	r.url = server.URL + r.prefix
	return r
}

// newSigned is version 1 of a role's metadata, thirty days from expiry.
func (r *repository) newSigned(kind string, more object) object {
	signed := object{"_type": kind, "spec_version": "1.0.31", "version": 1, "expires": stamp(start.Add(30 * day))}
	maps.Copy(signed, more)
	return signed
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// expire sets the expiry of a role, counted from start.
func (r *repository) expire(role string, after time.Duration) {
	r.signed[role]["expires"] = stamp(start.Add(after))
}

// meta is what snapshot, or timestamp for snapshot itself, lists of a role.
func (r *repository) meta(role string) object {
	return r.signed[lister(role)]["meta"].(object)[role+".json"].(object)
}

func lister(role string) string {
	if role == "snapshot" {
		return "timestamp"
	}
	return "snapshot"
}

// delegation is what a delegator says of a role, and the delegator's keys.
func (r *repository) delegation(by, role string) (entry, keys object) {
	r.t.Helper()
	if by == "root" {
		return r.signed["root"]["roles"].(object)[role].(object), r.signed["root"]["keys"].(object)
	}
	delegations := r.signed[by]["delegations"].(object)
	keys = delegations["keys"].(object)
	if succinct, ok := delegations["succinct_roles"]; ok {
		return succinct.(object), keys
	}
	for _, entry := range delegations["roles"].([]any) {
		if entry.(object)["name"] == role {
			return entry.(object), keys
		}
	}
	r.t.Fatalf("%s does not delegate to %s", by, role)
	return nil, nil
}

// authorize adds a key to a role, even if it is there already.
func (r *repository) authorize(by, role string, s *signer) {
	r.t.Helper()
	entry, keys := r.delegation(by, role)
	entry["keyids"] = append(entry["keyids"].([]any), s.id)
	keys[s.id] = s.key
}

// addKey adds a key to a role and has it sign from now on.
func (r *repository) addKey(by, role string, s *signer) {
	r.t.Helper()
	r.authorize(by, role, s)
	if !slices.Contains(r.signers[role], s) {
		r.signers[role] = append(r.signers[role], s)
	}
}

// clear takes all keys and signers from a role of root.
func (r *repository) clear(role string) {
	entry, _ := r.delegation("root", role)
	entry["keyids"], r.signers[role] = []any{}, nil
}

// rotate gives a role of root one new key in place of all it had.
func (r *repository) rotate(role string) {
	r.clear(role)
	r.addKey("root", role, newSigner(r.t, ecdsaKey))
}

func (r *repository) threshold(role string, n int) {
	entry, _ := r.delegation("root", role)
	entry["threshold"] = n
}

// delegate makes a role, of which the delegator knows one new key.
func (r *repository) delegate(by, role string, terminating bool, paths ...string) object {
	r.t.Helper()
	entry := object{"name": role, "keyids": []any{}, "threshold": 1, "terminating": terminating, "paths": list(paths...)}
	delegations, ok := r.signed[by]["delegations"].(object)
	if !ok {
		delegations = object{"keys": object{}, "roles": []any{}}
		r.signed[by]["delegations"] = delegations
	}
	delegations["roles"] = append(delegations["roles"].([]any), entry)
	if r.signed[role] == nil {
		r.signed[role] = r.newSigned("targets", object{"targets": object{}})
	}
	r.addKey(by, role, newSigner(r.t, ecdsaKey))
	return entry
}

func list(items ...string) []any {
	all := []any{}
	for _, item := range items {
		all = append(all, item)
	}
	return all
}

// add lists an artifact in a role, with these hashes, and serves it.
func (r *repository) add(role, path, content string, algorithms ...string) {
	if len(algorithms) == 0 {
		algorithms = []string{"sha256"}
	}
	hashes := object{}
	for _, algorithm := range algorithms {
		hashes[algorithm] = sum(algorithm, []byte(content))
	}
	r.signed[role]["targets"].(object)[path] = object{"length": len(content), "hashes": hashes}
	r.artifacts[path] = []byte(content)
}

// sum hashes; an algorithm that nobody knows is a SHA-512 under its name.
func sum(algorithm string, b []byte) string {
	var h hash.Hash = sha512.New()
	if algorithm == "sha256" {
		h = sha256.New()
	}
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

// publish signs the roles in this order and serves them under the next URL version. The version
// grows, but for a role of which nothing is published; snapshot and timestamp learn of it.
func (r *repository) publish(roles ...string) {
	r.t.Helper()
	for _, role := range roles {
		signed := r.signed[role]
		if len(r.published[role]) > 0 {
			signed["version"] = signed["version"].(int) + 1
		}
		file := r.sign(role, signed)
		r.published[role] = append(r.published[role], file)
		if role == "root" || role == "timestamp" {
			continue
		}
		entry := object{"version": signed["version"]}
		if r.hashes {
			entry["length"], entry["hashes"] = len(file), object{"sha256": sum("sha256", file)}
		}
		r.signed[lister(role)]["meta"].(object)[role+".json"] = entry
	}
}

// sign is the file of a role, signed by all its signers.
func (r *repository) sign(role string, signed object) []byte {
	r.t.Helper()
	message, err := cjson.EncodeCanonical(signed)
	if err != nil {
		r.t.Fatal(err)
	}
	signatures := []any{}
	for _, s := range r.signers[role] {
		signatures = append(signatures, object{"keyid": s.id, "sig": hex.EncodeToString(s.sign(message))})
	}
	return r.file(object{"signatures": signatures, "signed": signed})
}

func (r *repository) file(envelope object) []byte {
	r.t.Helper()
	b, err := json.MarshalIndent(envelope, "", " ")
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// last is the newest file of a role.
func (r *repository) last(role string) []byte {
	files := r.published[role]
	return files[len(files)-1]
}

// rewrite changes the signatures of a role's newest file.
func (r *repository) rewrite(role string, change func(signatures []any) []any) {
	r.t.Helper()
	var envelope object
	if err := json.Unmarshal(r.last(role), &envelope); err != nil {
		r.t.Fatal(err)
	}
	envelope["signatures"] = change(envelope["signatures"].([]any))
	files := r.published[role]
	files[len(files)-1] = r.file(envelope)
}

// ascii writes a role's newest file in another way that means the same: one line, and a
// \u escape for everything that is not ASCII.
func (r *repository) ascii(role string) {
	r.t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, r.last(role)); err != nil {
		r.t.Fatal(err)
	}
	var out []byte
	for _, c := range compact.String() {
		switch {
		case c < 0x80:
			out = append(out, byte(c))
		case c < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04X\u%04x`, high, low)
		}
	}
	files := r.published[role]
	files[len(files)-1] = out
}
