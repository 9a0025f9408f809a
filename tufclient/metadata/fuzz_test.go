package metadata_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// fuzzed is a repository with every kind of key and delegation.
func fuzzed(t testing.TB) repository {
	t.Helper()
	top := delegate(targetsDoc(1, "one"),
		delegation{"a", aKey, paths("a/*", "[!b]?")}, delegation{"b", bKey, final(prefixes("0", "ab"))})
	r := delegated(t, top, "a", "b")
	ci := sigstoreBy("ci", "ci@example.com")
	root := withRole(rootDoc(1), "timestamp", 1, ci, timestampKey)
	r.roots[0] = sign(t, root, rootKey)
	r.timestamp = sign(t, timestampDoc(1, 1), ci, timestampKey)
	return r
}

var fuzzOptions = metadata.Options{Time: now, Sigstore: mock{at: signedAt}}

// typed demands that an error is one that callers can tell apart and explain.
func typed(t *testing.T, err error) {
	t.Helper()
	var e *metadata.Error
	if err != nil && (!errors.As(err, &e) || e.Kind == "" || e.Role == "" || e.Wanted == "" || e.Found == "") {
		t.Fatalf("the error %v is not typed", err)
	}
	if err != nil && len(err.Error()) > 10_000 {
		t.Fatalf("the error is of %d bytes", len(err.Error()))
	}
}

func FuzzRoot(f *testing.F) {
	r := fuzzed(f)
	second := sign(f, rootDoc(2), rootKey)
	f.Add(r.roots[0])
	f.Add(second)
	f.Add([]byte(`{"signed":{"_type":"root","spec_version":"1.0","version":1,"expires":"2026-06-01T00:00:00Z","keys":{"k":{"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"00"}}},"roles":{}},"signatures":[{"keyid":"k","sig":"00"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		trusted, err := metadata.New(b, fuzzOptions)
		typed(t, err)
		if err == nil {
			typed(t, trusted.UpdateRoot(second))
		}
		if trusted, err = metadata.New(r.roots[0], fuzzOptions); err != nil {
			t.Fatal(err)
		}
		err = trusted.UpdateRoot(b)
		typed(t, err)
		if (len(trusted.Roots()) == 2) != (err == nil) {
			t.Fatalf("%d roots, error %v", len(trusted.Roots()), err)
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	r := fuzzed(f)
	f.Add(r.timestamp)
	f.Add(sign(f, head("timestamp", 1, object{"meta": object{}}), timestampKey))
	f.Add(sign(f, timestampDoc(1<<40, 1<<40), timestampKey))
	f.Fuzz(func(t *testing.T, b []byte) {
		trusted, err := metadata.New(r.roots[0], fuzzOptions)
		if err != nil {
			t.Fatal(err)
		}
		err = trusted.UpdateTimestamp(b)
		typed(t, err)
		if _, ok := trusted.Role("timestamp"); err == nil != ok && kind(err) != metadata.Expired {
			t.Fatalf("the timestamp is there: %t, error %v", ok, err)
		}
		trusted.Floor()
		typed(t, trusted.UpdateTimestamp(r.timestamp))
	})
}

func FuzzSnapshot(f *testing.F) {
	r := fuzzed(f)
	f.Add(r.snapshot, false)
	f.Add(sign(f, snapshotDoc(3, map[string]int{"targets": 7}), snapshotKey), true)
	f.Add(sign(f, head("snapshot", 1, object{"meta": object{"targets.json": object{"version": 1, "length": 10, "hashes": object{"sha256": "00"}}}}), snapshotKey), true)
	f.Fuzz(func(t *testing.T, b []byte, cached bool) {
		trusted, err := metadata.New(r.roots[0], fuzzOptions)
		if err != nil {
			t.Fatal(err)
		}
		if err := trusted.UpdateTimestamp(r.timestamp); err != nil {
			t.Fatal(err)
		}
		err = trusted.UpdateSnapshot(b, cached)
		typed(t, err)
		if _, ok := trusted.Role("snapshot"); ok != (err == nil) {
			t.Fatalf("the snapshot is there: %t, error %v", ok, err)
		}
		trusted.Floor()
		typed(t, trusted.UpdateSnapshot(r.snapshot, false))
	})
}

// FuzzTargets makes the bytes the top-level targets and then a delegated role, both
// signed rightly where they can be, so that the lookup sees them too.
func FuzzTargets(f *testing.F) {
	r := fuzzed(f)
	f.Add(r.targets, "one")
	f.Add(sign(f, targetsDoc(1, "a/x"), aKey), "a/x")
	f.Add([]byte(`{"signed":{"_type":"targets","spec_version":"1.0","version":1,"expires":"2026-06-01T00:00:00Z","targets":{},`+
		`"delegations":{"keys":{},"succinct_roles":{"keyids":[],"threshold":1,"bit_length":32,"name_prefix":"x"}}},"signatures":[]}`), "x")
	f.Fuzz(func(t *testing.T, b []byte, path string) {
		trusted := mustRun(t, r, fuzzOptions)
		typed(t, trusted.UpdateDelegated(b, "a", "targets"))
		lookup(t, trusted, path, b)

		r := r
		r.targets = signAgain(b)
		trusted, err := r.run(fuzzOptions)
		typed(t, err)
		if err == nil {
			lookup(t, trusted, path, b)
		}
	})
}

// signAgain signs a file as the targets do, where it has a form that can be signed.
func signAgain(b []byte) []byte {
	var file struct{ Signed json.RawMessage }
	if json.Unmarshal(b, &file) != nil {
		return b
	}
	var signed any
	d := json.NewDecoder(bytes.NewReader(file.Signed))
	d.UseNumber()
	if d.Decode(&signed) != nil {
		return b
	}
	message, err := cjson.EncodeCanonical(signed)
	if err != nil {
		return b
	}
	sig := targetsKey.sign(message)
	sig["keyid"] = targetsKey.id
	if b, err = json.Marshal(object{"signed": file.Signed, "signatures": []object{sig}}); err != nil {
		panic(err)
	}
	return b
}

func lookup(t *testing.T, trusted *metadata.Trusted, path string, b []byte) {
	t.Helper()
	_, need, err := trusted.Find(path)
	typed(t, err)
	if need != nil {
		typed(t, trusted.UpdateDelegated(b, need.Role, need.Delegator))
		_, _, err = trusted.Find(path)
		typed(t, err)
	}
	_, _, err = trusted.List(nil, nil, nil)
	typed(t, err)
}

func kind(err error) metadata.Kind {
	var e *metadata.Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Kind
}
