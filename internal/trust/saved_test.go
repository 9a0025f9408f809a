package trust

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// TestSavedIsVerified changes each part of a good update, one at a time.
func TestSavedIsVerified(t *testing.T) {
	first := edition("first")
	m := newMirror(t, first)
	s, dir := m.seed(), t.TempDir()
	path := mustUpdate(t, s, options(dir, m)).Path
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := newMirror(t, first)
	m.publish(edition("second")) // signed as well, and of another time
	change := func(f func(*saved)) []byte {
		var file saved
		if err := json.Unmarshal(good, &file); err != nil {
			t.Fatal(err)
		}
		f(&file)
		data, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	tests := map[string][]byte{
		"empty":         nil,
		"cut":           good[:len(good)/2],
		"not JSON":      []byte("hello"),
		"no content":    []byte("{}"),
		"other format":  change(func(f *saved) { f.Version = 2 }),
		"trusted root":  change(func(f *saved) { f.TrustedRoot = edition("evil") }),
		"no targets":    change(func(f *saved) { f.Targets = nil }),
		"targets":       change(func(f *saved) { f.Targets = other.files["1.targets.json"] }),
		"no snapshot":   change(func(f *saved) { f.Snapshot = nil }),
		"snapshot":      change(func(f *saved) { f.Snapshot = other.files["1.snapshot.json"] }),
		"no timestamp":  change(func(f *saved) { f.Timestamp = nil }),
		"timestamp":     change(func(f *saved) { f.Timestamp = other.files["timestamp.json"] }),
		"next targets":  change(func(f *saved) { f.Targets, f.TrustedRoot = m.files["2.targets.json"], edition("second") }),
		"next snapshot": change(func(f *saved) { f.Snapshot = m.files["2.snapshot.json"] }),
		"broken root":   change(func(f *saved) { f.Roots = append(f.Roots, []byte("{}")) }),
		"whole new set": change(func(f *saved) { *f = reroot(t, other, f) }),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			writeFile(t, path, data)
			wantInUse(t, s, dir, s.trusted, true)
		})
	}
	t.Run("too large", func(t *testing.T) {
		if err := os.Truncate(path, maxSaved+1); err != nil {
			t.Fatal(err)
		}
		wantInUse(t, s, dir, s.trusted, true)
	})
	t.Run("mended by an update", func(t *testing.T) {
		mustUpdate(t, s, options(dir, m))
		wantInUse(t, s, dir, edition("second"), false)
	})
}

// reroot is the attacker with write access to the cache: a consistent set that
// other keys signed.
func reroot(t *testing.T, other *mirror, f *saved) saved {
	t.Helper()
	forged := *f
	forged.Roots = [][]byte{other.anchor()}
	forged.Timestamp = other.files["timestamp.json"]
	forged.Snapshot = other.files["1.snapshot.json"]
	forged.Targets = other.files["1.targets.json"]
	if _, err := forged.verify(other.anchor()); err != nil {
		t.Fatalf("the forged set is not consistent: %v", err)
	}
	return forged
}

func TestBuiltinIsTheNewer(t *testing.T) {
	first := edition("first")
	m := newMirror(t, first)
	s, dir := m.seed(), t.TempDir()
	path := mustUpdate(t, s, options(dir, m)).Path
	wantInUse(t, s, dir, first, false)

	upgraded := s
	upgraded.published = time.Now().Add(time.Minute)
	wantInUse(t, upgraded, dir, s.trusted, false)

	// A file that claims a later fetch than its signed timestamp allows.
	upgraded.published = m.expires.Add(time.Minute)
	file, _, err := readSaved(path, s.anchor)
	if err != nil {
		t.Fatal(err)
	}
	file.Fetched = upgraded.published.Add(time.Hour)
	if err := file.write(path); err != nil {
		t.Fatal(err)
	}
	wantInUse(t, upgraded, dir, s.trusted, false)
	wantInUse(t, s, "", s.trusted, false)
}

func FuzzSaved(f *testing.F) {
	f.Add([]byte(`{"version":1,"roots":["e30="],"timestamp":"e30=","snapshot":"e30=","targets":"e30="}`))
	f.Add([]byte(`{"version":1,"timestamp":"eyJzaWduZWQiOnsiX3R5cGUiOiJ0aW1lc3RhbXAifX0="}`))
	s := publicGood()
	f.Fuzz(func(t *testing.T, data []byte) {
		var file saved
		if json.Unmarshal(data, &file) != nil {
			return
		}
		if _, err := file.verify(s.anchor); err == nil {
			t.Errorf("verified without a signature: %s", data)
		}
	})
}
