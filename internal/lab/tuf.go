package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

// TUFOptions describe a repository. A role without keys gets an ed25519 key; every threshold is 1.
type TUFOptions struct {
	// Now dates signatures and expiries. Required.
	Now                                time.Time
	Root, Timestamp, Snapshot, Targets []*TUFKey
	// Inconsistent switches consistent_snapshot off.
	Inconsistent bool
	// MetaHashes writes hashes and lengths into the meta of snapshot and timestamp, which tuf-on-ci does not.
	MetaHashes bool
	// Address is where Start listens. Default: a free port of 127.0.0.1.
	Address string
}

// TUF is a TUF repository in memory, in the manner of tuf-on-ci, for tests to mutate: change the roles, then call
// [TUF.Publish]. It serves its files over HTTP while one goroutine changes them.
type TUF struct {
	Root, Timestamp, Snapshot, Targets *TUFRole
	Consistent, MetaHashes             bool
	// Hashes are the algorithms, sha256 or sha512, by which files are listed. The first names the targets' files.
	Hashes []string
	// Now dates what is published next.
	Now time.Time

	// rootSigners signed the newest root, which must sign its successor.
	rootSigners []*TUFKey
	address     string
	server      *http.Server
	host        string

	mu       sync.Mutex
	files    map[string]tufFile
	faults   map[string]http.HandlerFunc
	cache    Validator
	requests []Request
}

// NewTUF makes a repository and publishes version 1 of its roles.
func NewTUF(o TUFOptions) (*TUF, error) {
	if o.Now.IsZero() {
		return nil, errors.New("make tuf repository: no time given")
	}
	t := &TUF{
		Consistent: !o.Inconsistent, MetaHashes: o.MetaHashes, Hashes: []string{"sha256"}, Now: o.Now,
		address: orDefault(o.Address, "127.0.0.1:0"),
		files:   map[string]tufFile{}, faults: map[string]http.HandlerFunc{},
	}
	for _, r := range []struct {
		to   **TUFRole
		name string
		keys []*TUFKey
	}{{&t.Root, "root", o.Root}, {&t.Timestamp, "timestamp", o.Timestamp}, {&t.Snapshot, "snapshot", o.Snapshot}, {&t.Targets, "targets", o.Targets}} {
		role, err := NewTUFRole(r.name, r.keys...)
		if err != nil {
			return nil, fmt.Errorf("make tuf repository: %w", err)
		}
		*r.to = role
	}
	t.Timestamp.Lifetime = 48 * time.Hour
	return t, t.Publish()
}

// Publish signs and writes every role that has changed since, and those that are named, under the next version.
func (t *TUF) Publish(again ...string) error {
	roles := slices.Clone(t.delegated())
	slices.Reverse(roles)
	roles = append(roles, t.Targets)
	if err := t.publish(t.Root, "root", t.renderRoot(), again); err != nil {
		return err
	}
	for _, r := range roles {
		if err := t.publish(r, "targets", t.renderTargets(r), again); err != nil {
			return err
		}
	}
	if err := t.publish(t.Snapshot, "snapshot", t.renderMeta(roles...), again); err != nil {
		return err
	}
	return t.publish(t.Timestamp, "timestamp", t.renderMeta(t.Snapshot), again)
}

// RotateRoot publishes what a change makes of the root; the keys of the last root sign it too.
func (t *TUF) RotateRoot(change func(*TUF)) error {
	change(t)
	return t.Publish("root")
}

func (t *TUF) publish(r *TUFRole, kind string, body object, again []string) error {
	signers := r.signers()
	if r == t.Root {
		signers = distinct(t.rootSigners, signers)
	}
	mark, err := fingerprint(r, body, signers)
	if err != nil {
		return fmt.Errorf("publish %s: %w", r.Name, err)
	}
	if r.published == mark && r.newest == r.Version && !slices.Contains(again, r.Name) {
		return nil
	}
	r.Version++
	expires := r.Expires
	if expires.IsZero() {
		expires = t.Now.Add(r.Lifetime)
	}
	signed := signedOf(r, kind, body, expires)
	if r.Edit != nil {
		r.Edit(signed)
	}
	raw, err := t.Envelope(signed, signers...)
	if err != nil {
		return fmt.Errorf("publish %s: %w", r.Name, err)
	}
	t.SetFile(t.metadataPath(r), raw)
	r.published, r.newest = mark, r.Version
	t.putTargets(r)
	if r == t.Root {
		t.rootSigners = r.signers()
		r.published, err = fingerprint(r, body, t.rootSigners)
	}
	return err
}

// fingerprint says what a role's next version would be made from.
func fingerprint(r *TUFRole, body object, signers []*TUFKey) (string, error) {
	raw, err := cjson.EncodeCanonical(body)
	if err != nil {
		return "", err
	}
	mark := fmt.Sprintf("%s %s %s %p", raw, r.Expires, r.Lifetime, r.Edit)
	for _, k := range signers {
		mark += fmt.Sprintf(" %s %p", k.ID, k)
	}
	return mark, nil
}

func distinct(lists ...[]*TUFKey) []*TUFKey {
	var out []*TUFKey
	for _, k := range slices.Concat(lists...) {
		if !slices.ContainsFunc(out, func(o *TUFKey) bool { return o.ID == k.ID }) {
			out = append(out, k)
		}
	}
	return out
}

// Envelope signs any metadata, at the repository's time.
func (t *TUF) Envelope(signed map[string]any, signers ...*TUFKey) ([]byte, error) {
	message, err := cjson.EncodeCanonical(signed)
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	signatures := []TUFSignature{}
	for _, k := range signers {
		sig, err := k.Sign(message, t.Now)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, sig)
	}
	return encodeTUF(object{"signatures": signatures, "signed": signed})
}

// encodeTUF writes JSON as tuf-on-ci does: sorted members, indented by one space.
func encodeTUF(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// metadataPath is where a role's newest file lies (section 6.2), with the role's name escaped.
func (t *TUF) metadataPath(r *TUFRole) string {
	file := url.PathEscape(r.Name) + ".json"
	if r == t.Root || r != t.Timestamp && t.Consistent {
		return fmt.Sprintf("metadata/%d.%s", r.Version, file)
	}
	return "metadata/" + file
}

// MetadataPath is where the newest file of a role lies: "metadata/4.targets.json".
func (t *TUF) MetadataPath(role string) string { return t.metadataPath(t.Role(role)) }

// TargetPath is where a target lies: "targets/dir/HASH.name", or "targets/dir/name" where snapshots are
// not consistent.
func (t *TUF) TargetPath(path string, content []byte) string {
	if !t.Consistent {
		return "targets/" + path
	}
	slash := strings.LastIndexByte(path, '/') + 1
	return "targets/" + path[:slash] + fmt.Sprint(t.hashesOf(content)[t.Hashes[0]]) + "." + path[slash:]
}

func (t *TUF) putTargets(r *TUFRole) {
	for path, content := range r.Targets {
		t.SetFile(t.TargetPath(path, content), content)
	}
}

// AddTarget lists a file in a role ("targets" or a delegated one), which must be there.
func (t *TUF) AddTarget(path string, content []byte, role string) {
	t.Role(role).Targets[path] = content
}

// RemoveTarget takes a file off a role's list. The file itself stays, as it does on a web server.
func (t *TUF) RemoveTarget(path, role string) { delete(t.Role(role).Targets, path) }
