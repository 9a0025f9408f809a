package metadata_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/releaseassay/assay/internal/property"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// TestProperties feeds the workflow with files of all versions of a repository, with files
// by somebody who has stolen the keys of timestamp and snapshot, and with spoilt ones.
func TestProperties(t *testing.T) {
	s := newShelf(t)
	property.Run(t, 1500,
		property.Property{Name: "only-what-was-authorised", Weight: 9, Try: s.authorised},
		property.Property{Name: "same-answer", Weight: 1, Try: s.same},
	)
	t.Logf("%d targets were found, %d of them after something was refused; %d were refused", s.found.Load(), s.foundAfter.Load(), s.refused.Load())
	if s.refused.Load() > 1000 && s.found.Load() == 0 {
		t.Error("nothing was ever found")
	}
}

// target is one file as a role of the honest author lists it.
type target struct{ role, path, sha256 string }

// shelf holds signed files by role, and what the honest author listed.
type shelf struct {
	roots []byte
	files map[string][][]byte
	// listed are the targets that targets, a or b of the author ever listed.
	listed                     map[target]bool
	holders                    map[string]bool
	found, foundAfter, refused atomic.Int64
}

const versions = 4

var shelfPaths = []string{"one", "two", "a/one", "a/two", "b/one", "b/deep/two", "c/one"}

func newShelf(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{files: map[string][][]byte{}, listed: map[target]bool{}, holders: map[string]bool{}}
	// What is verified most often is by made-up Sigstore keys, which cost less than others.
	rootKey, second, third := sigstoreBy("root", "root@example.com"), sigstoreBy("root two", "two@example.com"), sigstoreBy("root three", "three@example.com")
	timestampKey, snapshotKey := sigstoreBy("timestamp", "time@example.com"), sigstoreBy("snapshot", "shot@example.com")
	rootBy := func(version int, by ...signer) object {
		doc := withRole(rootDoc(version), "root", 2, by...)
		return withRole(withRole(doc, "timestamp", 1, timestampKey), "snapshot", 1, snapshotKey)
	}
	for _, k := range []signer{rootKey, second, third, timestampKey, snapshotKey, targetsKey, aKey, bKey} {
		s.holders[k.id] = true
	}
	s.add("root",
		sign(t, rootBy(1, rootKey, second), rootKey, second), sign(t, rootBy(2, rootKey, second), rootKey, second), sign(t, rootBy(3, second, third), rootKey, second, third),
		// Forged ones: by one holder of two, by a stranger, by one holder under two names, over a gap.
		sign(t, rootBy(2, strangerKey), rootKey, strangerKey), sign(t, rootBy(2, rootKey, strangerKey), rootKey, strangerKey),
		sign(t, rootBy(2, rootKey, alias(rootKey)), rootKey, alias(rootKey)), sign(t, rootBy(4, second, third), rootKey, second, third))
	s.roots = s.files["root"][0]
	for v := 1; v <= versions; v++ {
		s.honest(t, "targets", targetsKey, v, "one", "two")
		s.honest(t, "a", aKey, v, "a/one", "a/two", "b/one", "one")
		s.honest(t, "b", bKey, v, "b/one", "b/deep/two", "a/one")
		for name, key := range map[string]signer{"targets": targetsKey, "a": aKey, "b": bKey} {
			doc := listing(name+" stranger", v, shelfPaths...)
			if name == "targets" {
				delegate(doc, delegation{"a", strangerKey, paths("**")}, delegation{"b", strangerKey, paths("*")})
			}
			s.add(name, sign(t, doc, strangerKey), sign(t, doc, signer{key.id, key.key, strangerKey.sign}), sign(t, doc, timestampKey, snapshotKey))
		}
	}
	// The keys of timestamp and snapshot are stolen: they sign whatever is wanted.
	for v := 1; v <= versions; v++ {
		for snapshot := 1; snapshot <= versions; snapshot++ {
			s.add("timestamp", sign(t, timestampDoc(v, snapshot), timestampKey))
		}
		s.add("snapshot", sign(t, snapshotDoc(v, map[string]int{"targets": v, "a": v, "b": v}), snapshotKey),
			sign(t, snapshotDoc(v, map[string]int{"targets": versions, "a": 1, "b": v}), snapshotKey),
			sign(t, snapshotDoc(v, map[string]int{"targets": 1, "a": v}), snapshotKey),
			sign(t, snapshotDoc(v, map[string]int{"targets": v, "a": v, "b": v}), strangerKey))
	}
	return s
}

// alias is the same key under another id.
func alias(k signer) signer { k.id += " again"; return k }

func (s *shelf) add(role string, files ...[]byte) { s.files[role] = append(s.files[role], files...) }

// listing is a targets role whose files differ with role and version.
func listing(role string, version int, paths ...string) object {
	list := object{}
	for _, p := range paths {
		list[p] = object{"length": 9, "hashes": object{"sha256": contentOf(role, version, p)}}
	}
	return head("targets", version, object{"targets": list})
}

func contentOf(role string, version int, path string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", role, version, path))
	return hex.EncodeToString(sum[:])
}

// honest adds a version of a role by the author. The last version of targets no longer
// delegates to b.
func (s *shelf) honest(t testing.TB, role string, key signer, version int, paths ...string) {
	t.Helper()
	doc := listing(role, version, paths...)
	for _, p := range paths {
		s.listed[target{role, p, contentOf(role, version, p)}] = true
	}
	if role == "targets" {
		to := []delegation{{"a", aKey, object{"paths": []string{"a/*"}}}, {"b", bKey, final(object{"paths": []string{"b/*", "b/*/*"}})}}
		delegate(doc, to[:2-version/versions]...)
	}
	s.add(role, sign(t, doc, key))
}

// may says which paths the author lets a role list.
func may(role, path string) bool {
	switch role {
	case "targets":
		return true
	case "a":
		return strings.HasPrefix(path, "a/")
	}
	return role == "b" && strings.HasPrefix(path, "b/")
}

// feed is what one client is given, in order.
type feed struct {
	roots                        [][]byte
	timestamp, snapshot, targets []byte
	delegated                    map[string][]byte
	path                         string
	floor                        metadata.Floor
	done                         []string
}

// choose takes files at random. Most come from the honest history of one version.
func (s *shelf) choose(r *rand.Rand) feed {
	v := r.IntN(versions)
	f := feed{path: shelfPaths[r.IntN(len(shelfPaths))], delegated: map[string][]byte{}}
	one := func(role string, usual int) []byte {
		all := s.files[role]
		b := all[min(usual, len(all)-1)]
		if r.IntN(6) == 0 {
			i := r.IntN(len(all))
			b = all[i]
			f.done = append(f.done, fmt.Sprintf("%s is %d", role, i))
		}
		if r.IntN(12) == 0 {
			roles := slices.Sorted(maps.Keys(s.files))
			other := s.files[roles[r.IntN(len(roles))]]
			var what string
			b, what = spoil(r, b, other[r.IntN(len(other))])
			f.done = append(f.done, role+" "+what)
		}
		return b
	}
	for i := range r.IntN(4) {
		f.roots = append(f.roots, one("root", i+1))
	}
	f.timestamp, f.snapshot = one("timestamp", v*versions+v), one("snapshot", 4*v)
	// Each version of a role was added with three that are forged.
	f.targets, f.delegated["a"], f.delegated["b"] = one("targets", 4*v), one("a", 4*v), one("b", 4*v)
	if r.IntN(4) == 0 {
		f.floor = metadata.Floor{Root: int64(r.IntN(4)), Timestamp: int64(r.IntN(versions + 1)), Snapshot: int64(r.IntN(versions + 1)), Roles: map[string]int64{"targets": int64(r.IntN(versions + 1)), "a": 1}}
	}
	return f
}

// spoil changes a file, or takes a part of another one.
func spoil(r *rand.Rand, b, other []byte) ([]byte, string) {
	if i := r.IntN(len(b)); r.IntN(3) == 0 {
		b = bytes.Clone(b)
		switch r.IntN(3) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
			return b, fmt.Sprintf("flipped at %d", i)
		case 1:
			return b[:i], fmt.Sprintf("cut at %d", i)
		}
		return slices.Insert(b, i, b[i:min(len(b), i+20)]...), fmt.Sprintf("repeated at %d", i)
	}
	tree, theirs := decoded(b), decoded(other)
	if tree == nil || theirs == nil {
		return other, "of another"
	}
	switch r.IntN(7) {
	case 0:
		tree["signatures"] = theirs["signatures"]
		return encoded(tree), "with signatures of another"
	case 1:
		tree["signatures"] = slices.Concat(listOf(tree["signatures"]), listOf(theirs["signatures"]))
		return encoded(tree), "with signatures of another beside its own"
	case 2:
		tree["signed"] = theirs["signed"]
		return encoded(tree), "with what another signed"
	case 3:
		return encoded(tree), "encoded anew"
	case 4:
		delete(tree, []string{"signed", "signatures"}[r.IntN(2)])
		return encoded(tree), "without a half"
	}
	all := leaves(tree["signed"], nil)
	at := all[r.IntN(len(all))]
	put(tree["signed"], at, []any{nil, 0, json.Number("1"), json.Number("99"), "x", strings.Repeat("00", 32), []any{}, object{}, true}[r.IntN(9)])
	return encoded(tree), "with another " + path(at)
}

func listOf(v any) []any { l, _ := v.([]any); return l }

func decoded(b []byte) object {
	var tree object
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&tree) != nil || tree["signed"] == nil {
		return nil
	}
	return tree
}

func encoded(v any) []byte { return must(json.Marshal(v)) }

// serve runs a workflow on a feed and returns what it finds. Errors of steps are left
// behind: a client that goes on must not be led astray either.
func (s *shelf) serve(f feed) (found metadata.Target, finds error, wrong error) {
	trusted, err := metadata.New(s.roots, metadata.Options{Time: now, Floor: f.floor, Sigstore: mock{at: signedAt}})
	if err != nil {
		return found, nil, fmt.Errorf("the pinned root is refused: %w", err)
	}
	var before []metadata.Role
	step := func(what string, err error) {
		after := trustedRoles(trusted)
		switch {
		case err != nil && kindOf(err) == "":
			wrong = errors.Join(wrong, fmt.Errorf("%s: the error %w is not typed", what, err))
		case err != nil && kindOf(err) != metadata.Expired && !slices.EqualFunc(before, after, sameRole):
			wrong = errors.Join(wrong, fmt.Errorf("%s was refused (%w) and changed what is trusted", what, err))
		}
		before = after
	}
	before = trustedRoles(trusted)
	for _, b := range f.roots {
		step("a root", trusted.UpdateRoot(b))
	}
	step("the timestamp", trusted.UpdateTimestamp(f.timestamp))
	step("the snapshot", trusted.UpdateSnapshot(f.snapshot, false))
	step("the targets", trusted.UpdateTargets(f.targets))
	for range 4 {
		var need *metadata.Need
		if found, need, finds = trusted.Find(f.path); need == nil {
			break
		}
		err := trusted.UpdateDelegated(f.delegated[need.Role], need.Role, need.Delegator)
		step("the role "+need.Role, err)
		if err != nil {
			return metadata.Target{}, err, wrong
		}
	}
	if _, _, err := trusted.List(nil, nil, nil); err != nil && kindOf(err) == "" {
		wrong = errors.Join(wrong, fmt.Errorf("the error %w is not typed", err))
	}
	wrong = errors.Join(wrong, s.judge(f, trusted))
	return found, finds, wrong
}

func trustedRoles(t *metadata.Trusted) []metadata.Role {
	all := t.Roots()
	for _, name := range []string{metadata.Timestamp, metadata.Snapshot, metadata.Targets} {
		r, _ := t.Role(name)
		all = append(all, r)
	}
	return all
}

func sameRole(a, b metadata.Role) bool { return a.Version == b.Version && a.SHA256 == b.SHA256 }

func kindOf(err error) metadata.Kind {
	var e *metadata.Error
	if !errors.As(err, &e) || e.Wanted == "" || e.Found == "" || len(err.Error()) > 10_000 {
		return ""
	}
	return e.Kind
}

// judge holds what is trusted against what must be true of it.
func (s *shelf) judge(f feed, trusted *metadata.Trusted) error {
	for i, role := range trustedRoles(trusted) {
		if role.Version == 0 {
			continue // it is not there
		}
		for _, a := range role.Authorizations {
			if a.Threshold < 1 || len(a.Signed) < a.Threshold {
				return fmt.Errorf("%s has %d signatures of %d", role.Name, len(a.Signed), a.Threshold)
			}
			for _, sig := range a.Signed {
				if !s.holders[sig.Key.ID] {
					return fmt.Errorf("%s is trusted by the signature of %s", role.Name, sig.Key.ID)
				}
			}
		}
		if role.Name == metadata.Root && role.Version != int64(i+1) {
			return fmt.Errorf("root %d follows %d", role.Version, i)
		}
	}
	timestamp, there := trusted.Role(metadata.Timestamp)
	targets, complete := trusted.Role(metadata.Targets)
	if there && !trusted.Forgets() && timestamp.Version < f.floor.Timestamp || complete && !trusted.Forgets() && targets.Version < f.floor.Roles["targets"] {
		return fmt.Errorf("a version below the floor %+v is trusted: timestamp %d, targets %d", f.floor, timestamp.Version, targets.Version)
	}
	return nil
}

// authorised: nothing is found but what the author listed, in a role that may list it.
func (s *shelf) authorised(r *rand.Rand) error {
	f := s.choose(r)
	found, finds, wrong := s.serve(f)
	if finds == nil && wrong == nil {
		s.found.Add(1)
		if len(f.done) > 0 {
			s.foundAfter.Add(1)
		}
		role := found.Roles[len(found.Roles)-1].Name
		if !s.listed[target{role, f.path, found.Hashes["sha256"]}] || !may(role, f.path) || found.Path != f.path {
			wrong = fmt.Errorf("found %s in %s with %v, which nobody authorised", found.Path, role, found.Hashes)
		}
	} else {
		s.refused.Add(1)
	}
	if wrong != nil {
		return fmt.Errorf("%w\nlooking for %s with the floor %+v after %q", wrong, f.path, f.floor, f.done)
	}
	return nil
}

// same: the same files give the same answer, in the same words.
func (s *shelf) same(r *rand.Rand) error {
	f := s.choose(r)
	first, firstErr, _ := s.serve(f)
	again, againErr, _ := s.serve(f)
	if fmt.Sprint(first, firstErr) != fmt.Sprint(again, againErr) {
		return fmt.Errorf("found %v, %w, and then %v, %w after %q", first, firstErr, again, againErr, f.done)
	}
	return nil
}
