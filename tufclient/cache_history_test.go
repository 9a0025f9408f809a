package tufclient_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// cacheKinds change what clients keep between steps.
func cacheKinds() []kind {
	return []kind{
		{"cache-garbage", 2, cacheChanged(func([]byte, int) []byte { return []byte("{\"signed\"") })},
		{"cache-empty", 2, cacheChanged(func([]byte, int) []byte { return []byte{} })},
		{"cache-truncated", 2, cacheChanged(func(b []byte, n int) []byte { return b[:len(b)-1-n] })},
		{"cache-deleted", 2, cacheChanged(func([]byte, int) []byte { return nil })},
		{"cache-deleted-rollback", 2, cacheRollback},
		{"cache-old", 2, cacheOld},
		{"cache-root", 2, cacheRoot},
	}
}

// cacheChanged spoils one file that clients keep, and serves the honest repository.
func cacheChanged(change func(b []byte, n int) []byte) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = h.lowRole(h.sim)
		if h.chance(50) {
			h.advance()
		}
		n := h.rng.IntN(40)
		st.cache = func(b []byte) []byte { return change(b, n) }
		return true
	}
}

// cacheRollback removes the file that guards against rollback, and rolls back.
func cacheRollback(h *history, st *step) bool {
	f := h.fork()
	switch st.role = pick(h, []string{"timestamp", "snapshot"}); {
	case st.role == "snapshot":
		f.roles["targets"].version = max(0, f.roles["targets"].version-2)
		f.touch("targets")
	case h.chance(50):
		f.timestampVersion = max(0, f.timestampVersion-2)
	default:
		f.snapshotVersion = max(0, f.snapshotVersion-2)
		f.touch("snapshot")
	}
	h.show(st, f)
	st.cache = func([]byte) []byte { return nil }
	return true
}

// cacheOld puts an old, rightly signed file back, as restored backups do.
func cacheOld(h *history, st *step) bool {
	st.role = pick(h, []string{"timestamp", "snapshot", "targets"})
	h.advance()
	old := h.old()["m/"+st.role+".json"]
	st.cache = func([]byte) []byte { return old }
	return true
}

// cacheRoot spoils or removes the roots that clients keep, while the mirror shows the
// newest one or hides it.
func cacheRoot(h *history, st *step) bool {
	if st.role = "root"; h.chance(50) {
		withheldRoot(h, st)
	}
	lose := h.chance(50)
	st.cache = func([]byte) []byte {
		if lose {
			return nil
		}
		return []byte("{}}")
	}
	return true
}

// spoil changes the file of a role in a client's folder, or all of root's, and returns its
// name, or "" where there is none.
func spoil(dir, role string, change func([]byte) []byte) string {
	found := ""
	must(filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		of := d.Name() == url.PathEscape(role)+".json" || role == "root" && filepath.Base(filepath.Dir(name)) == "roots"
		if err != nil || d.IsDir() || !of {
			return err
		}
		b, err := os.ReadFile(name)
		must(err)
		if len(b) < 100 || !strings.Contains(string(b), "signatures") {
			return nil // no metadata, or spoilt before
		}
		found = name
		if b = change(b); b == nil {
			return os.Remove(name)
		}
		return os.WriteFile(name, b, 0o600)
	}))
	return found
}
