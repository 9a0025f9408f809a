package tufclient_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	tuf "github.com/theupdateframework/go-tuf/v2/metadata"
)

// historyStart is when every history begins.
var historyStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// lifetimes are how long metadata of a role is valid; delegated roles are like targets.
var lifetimes = map[string]time.Duration{
	"root": 300 * 24 * time.Hour, "timestamp": 7 * 24 * time.Hour,
	"snapshot": 30 * 24 * time.Hour, "targets": 60 * 24 * time.Hour,
}

// simulator is a TUF repository in memory that holds the keys of all its roles, and so
// can publish what an honest one would and what an attacker with some of them could.
type simulator struct {
	ring    *ring
	nextKey int
	now     time.Time

	consistent, metaHashes, metaLengths bool
	// lengthsAlone lists lengths without hashes. They may then be equal by chance.
	lengthsAlone bool
	// top are root, timestamp, snapshot and targets; oldRoot are the holders by which
	// the newest root must be signed too; first are those of top in the beginning.
	top     map[string]simRole
	first   map[string]simRole
	oldRoot []holder
	// roles are targets and the delegated ones. A role stays listed once it was.
	roles map[string]*simTargets

	rootVersion, snapshotVersion, timestampVersion int64
	expires                                        map[string]time.Time
	dirty                                          map[string]bool
	// listed is what snapshot and timestamp say of the roles below them.
	listed map[string]listing
	// files are all that can be fetched: "m/1.root.json", "t/a/one.txt".
	files map[string][]byte
	// twists change what is published next.
	twists map[string]twist
}

// listing is what is known of the newest file of a role.
type listing struct {
	version, length int64
	sha256          []byte
}

// holder is a key under the id that a delegator gives it.
type holder struct {
	id  string
	key *simKey
}

// simRole is who may sign for a role.
type simRole struct {
	holders   []holder
	threshold int
}

// simTargets is a targets role.
type simTargets struct {
	version     int64
	files       map[string]simFile
	delegations []simDelegation
	bins        *simBins
}

// simFile is one target.
type simFile struct {
	content string
	sha512  bool
}

// simDelegation is a delegation by paths or by hash prefixes.
type simDelegation struct {
	name            string
	role            simRole
	terminating     bool
	paths, prefixes []string
}

// simBins is a delegation to hashed bins (TAP 15).
type simBins struct {
	prefix string
	bits   int
	role   simRole
}

// twist changes the metadata of one role on its way out.
type twist struct {
	// edit changes the signed value, and is signed.
	edit func(signed map[string]any)
	// holders changes who signs, signatures the entries that result.
	holders    func([]holder) []holder
	signatures func([]any) []any
	// bytes changes the finished file; what lists it lists the change.
	bytes func([]byte) []byte
}

// newSimulator publishes a repository with one key for each role.
func newSimulator(r *ring, firstKey int) *simulator {
	s := &simulator{
		ring: r, nextKey: firstKey, now: historyStart, consistent: true,
		top: map[string]simRole{}, expires: map[string]time.Time{}, dirty: map[string]bool{},
		roles:  map[string]*simTargets{"targets": {files: map[string]simFile{}}},
		listed: map[string]listing{}, files: map[string][]byte{}, twists: map[string]twist{},
	}
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		s.top[role] = s.newRole(1, 1)
		s.dirty[role] = true
	}
	s.first = maps.Clone(s.top)
	return s
}

// newRole makes a role with n new keys.
func (s *simulator) newRole(n, threshold int) simRole {
	r := simRole{threshold: threshold}
	for range n {
		r.holders = append(r.holders, s.newHolder())
	}
	return r
}

func (s *simulator) newHolder() holder {
	k := s.ring.key(s.nextKey)
	s.nextKey++
	return holder{id: k.id, key: k}
}

// clone returns a copy that can be published without changing this one.
func (s *simulator) clone() *simulator {
	c := *s
	c.top, c.expires, c.dirty = maps.Clone(s.top), maps.Clone(s.expires), maps.Clone(s.dirty)
	c.listed, c.files, c.twists = maps.Clone(s.listed), maps.Clone(s.files), map[string]twist{}
	c.roles = map[string]*simTargets{}
	for name, r := range s.roles {
		t := *r
		t.files, t.delegations = maps.Clone(r.files), slices.Clone(r.delegations)
		if r.bins != nil {
			b := *r.bins
			t.bins = &b
		}
		c.roles[name] = &t
	}
	return &c
}

// touch marks a role as one to publish anew.
func (s *simulator) touch(roles ...string) {
	for _, r := range roles {
		s.dirty[r] = true
	}
}

// ageing reports whether a role has less than a third of its lifetime left.
func (s *simulator) ageing(role string) bool {
	life, ok := lifetimes[role]
	if !ok {
		life = lifetimes["targets"]
	}
	return s.expires[role].Sub(s.now) < life/3
}

// publish signs everything that was touched or grows old, and always a timestamp.
func (s *simulator) publish() {
	if s.dirty["root"] || s.ageing("root") {
		s.publishRoot()
	}
	for _, name := range sortedKeys(s.roles) {
		if s.dirty[name] || s.ageing(name) {
			s.publishTargets(name)
			s.dirty["snapshot"] = true
		}
	}
	if s.dirty["snapshot"] || s.ageing("snapshot") {
		s.publishSnapshot()
	}
	s.publishTimestamp()
	clear(s.dirty)
	clear(s.twists)
}

// expiry gives a role its lifetime from now on.
func (s *simulator) expiry(role string) time.Time {
	life, ok := lifetimes[role]
	if !ok {
		life = lifetimes["targets"]
	}
	s.expires[role] = s.now.Add(life)
	return s.expires[role]
}

func (s *simulator) publishRoot() {
	s.rootVersion++
	m := tuf.Root(s.expiry("root"))
	m.Signed.Version, m.Signed.ConsistentSnapshot = s.rootVersion, s.consistent
	for role, r := range s.top {
		m.Signed.Roles[role] = &tuf.Role{KeyIDs: ids(r.holders), Threshold: r.threshold}
		for _, h := range r.holders {
			m.Signed.Keys[h.id] = h.key.tuf
		}
	}
	signers := union(s.top["root"].holders, s.oldRoot)
	s.put("root", s.rootVersion, s.render("root", m.Signed, signers))
	s.oldRoot = s.top["root"].holders
	delete(s.dirty, "root")
}

func (s *simulator) publishTargets(name string) {
	r := s.roles[name]
	r.version++
	m := tuf.Targets(s.expiry(name))
	m.Signed.Version = r.version
	for p, f := range r.files {
		m.Signed.Targets[p] = s.putTarget(p, f)
	}
	m.Signed.Delegations = r.render()
	s.put(name, r.version, s.render(name, m.Signed, s.signers(name)))
}

func (s *simulator) publishSnapshot() {
	s.snapshotVersion++
	m := tuf.Snapshot(s.expiry("snapshot"))
	m.Signed.Version = s.snapshotVersion
	for name := range s.roles {
		m.Signed.Meta[name+".json"] = s.meta(name)
	}
	s.put("snapshot", s.snapshotVersion, s.render("snapshot", m.Signed, s.top["snapshot"].holders))
}

func (s *simulator) publishTimestamp() {
	s.timestampVersion++
	m := tuf.Timestamp(s.expiry("timestamp"))
	m.Signed.Version = s.timestampVersion
	m.Signed.Meta["snapshot.json"] = s.meta("snapshot")
	s.put("timestamp", s.timestampVersion, s.render("timestamp", m.Signed, s.top["timestamp"].holders))
}

// meta is the entry of a role in snapshot or timestamp.
func (s *simulator) meta(role string) *tuf.MetaFiles {
	l := s.listed[role]
	m := &tuf.MetaFiles{Version: l.version}
	if s.metaHashes {
		m.Hashes = tuf.Hashes{"sha256": l.sha256}
	}
	if s.metaLengths && (s.metaHashes || s.lengthsAlone) {
		m.Length = l.length
	}
	return m
}

// render returns the delegations of a targets role, or nil.
func (r *simTargets) render() *tuf.Delegations {
	if len(r.delegations) == 0 && r.bins == nil {
		return nil
	}
	out := &tuf.Delegations{Keys: map[string]*tuf.Key{}}
	for _, d := range r.delegations {
		out.Roles = append(out.Roles, tuf.DelegatedRole{
			Name: d.name, KeyIDs: ids(d.role.holders), Threshold: d.role.threshold,
			Terminating: d.terminating, Paths: d.paths, PathHashPrefixes: d.prefixes,
		})
		addKeys(out.Keys, d.role.holders)
	}
	if b := r.bins; b != nil {
		out.SuccinctRoles = &tuf.SuccinctRoles{
			KeyIDs: ids(b.role.holders), Threshold: b.role.threshold, BitLength: b.bits, NamePrefix: b.prefix,
		}
		addKeys(out.Keys, b.role.holders)
	}
	return out
}

// signers are the holders of a role by all its delegators.
func (s *simulator) signers(role string) []holder {
	if r, ok := s.top[role]; ok {
		return r.holders
	}
	var out []holder
	for _, name := range sortedKeys(s.roles) {
		r := s.roles[name]
		for _, d := range r.delegations {
			if d.name == role {
				out = union(out, d.role.holders)
			}
		}
		if r.bins != nil && slices.Contains(r.bins.names(), role) {
			out = union(out, r.bins.role.holders)
		}
	}
	return out
}

// names are those of the bins.
func (b *simBins) names() []string {
	var out []string
	for i := range 1 << b.bits {
		out = append(out, fmt.Sprintf("%s-%0*x", b.prefix, (b.bits+3)/4, i))
	}
	return out
}

// render signs a value and returns the file.
func (s *simulator) render(role string, signed any, holders []holder) []byte {
	t := s.twists[role]
	raw, err := json.Marshal(signed)
	must(err)
	if t.edit != nil || s.ring.sigstore {
		raw = edited(raw, t.edit)
	}
	payload, err := cjson.EncodeCanonical(json.RawMessage(raw))
	if err != nil {
		payload = raw // a fraction: it has no canonical form
	}
	if t.holders != nil {
		holders = t.holders(holders)
	}
	signatures := []any{}
	for _, h := range holders {
		entry := h.key.entry(payload)
		entry["keyid"] = h.id
		signatures = append(signatures, entry)
	}
	if t.signatures != nil {
		signatures = t.signatures(signatures)
	}
	file, err := json.Marshal(map[string]any{"signatures": signatures, "signed": json.RawMessage(raw)})
	must(err)
	if t.bytes != nil {
		file = t.bytes(file)
	}
	return file
}

// edited changes a signed value, and takes the empty public keys of identities away
// that go-tuf's type adds.
func edited(raw []byte, edit func(map[string]any)) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	must(d.Decode(&m))
	dropEmptyKeys(m)
	if edit != nil {
		edit(m)
	}
	out, err := json.Marshal(m)
	must(err)
	return out
}

func dropEmptyKeys(v map[string]any) {
	if delegations, ok := v["delegations"].(map[string]any); ok {
		dropEmptyKeys(delegations)
	}
	keys, _ := v["keys"].(map[string]any)
	for _, key := range keys {
		if value, ok := key.(map[string]any)["keyval"].(map[string]any); ok && value["public"] == "" {
			delete(value, "public")
		}
	}
}

// put stores a metadata file under both of its names (6.2).
func (s *simulator) put(role string, version int64, b []byte) {
	sum := sha256.Sum256(b)
	s.listed[role] = listing{version: version, length: int64(len(b)), sha256: sum[:]}
	s.files["m/"+strconv.FormatInt(version, 10)+"."+role+".json"] = b
	if role != "root" {
		s.files["m/"+role+".json"] = b
	}
}

// putTarget stores a target under its plain name and those with its hashes.
func (s *simulator) putTarget(p string, f simFile) *tuf.TargetFiles {
	content := []byte(f.content)
	sum := sha256.Sum256(content)
	out := &tuf.TargetFiles{Length: int64(len(content)), Hashes: tuf.Hashes{"sha256": sum[:]}}
	if f.sha512 {
		long := sha512.Sum512(content)
		out.Hashes["sha512"] = long[:]
	}
	for _, name := range targetNames(p, out) {
		s.files["t/"+name] = content
	}
	return out
}

// targetNames are the names under which a target can be fetched.
func targetNames(p string, f *tuf.TargetFiles) []string {
	out := []string{p}
	dir, base := path.Split(p)
	for _, alg := range sortedKeys(f.Hashes) {
		out = append(out, dir+hex.EncodeToString(f.Hashes[alg])+"."+base)
	}
	return out
}

func ids(holders []holder) []string {
	out := []string{}
	for _, h := range holders {
		out = append(out, h.id)
	}
	return out
}

func addKeys(keys map[string]*tuf.Key, holders []holder) {
	for _, h := range holders {
		keys[h.id] = h.key.tuf
	}
}

// union is both lists without an id twice.
func union(a, b []holder) []holder {
	out := slices.Clone(a)
	for _, h := range b {
		if !slices.ContainsFunc(out, func(o holder) bool { return o.id == h.id }) {
			out = append(out, h)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
