package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// What the public suite does not ask, here and in cache_test.go and broken_test.go.

// TestBins: delegations by the hash of the path, written out or succinct.
func TestBins(t *testing.T) {
	for _, path := range []string{"foo", "doo", "too", "bar", "a/b c?d"} {
		bin := sum("sha256", []byte(path))[:1]
		t.Run("prefixes "+path, func(t *testing.T) {
			c, r := initialised(t)
			roles := []string{"targets", "snapshot", "timestamp"}
			for i := range 16 {
				prefix := strconv.FormatInt(int64(i), 16)
				entry := r.delegate("targets", "bin-"+prefix, false)
				delete(entry, "paths")
				entry["path_hash_prefixes"] = list(prefix)
				roles = append([]string{"bin-" + prefix}, roles...)
			}
			r.add("bin-"+bin, path, "content")
			r.publish(roles...)
			c.download(0, path)
			c.downloaded("content")
			r.asks("root 2", "timestamp", "snapshot 2", "targets 2", "bin-"+bin+" 1")
		})
		for _, bits := range []int{1, 2, 4, 8} {
			t.Run(fmt.Sprintf("succinct %d bits %s", bits, path), func(t *testing.T) {
				c, r := initialised(t)
				number, err := strconv.ParseUint(sum("sha256", []byte(path))[:8], 16, 32)
				mustDo(t, err)
				digits := (bits + 3) / 4
				role := fmt.Sprintf("bin-%0*x", digits, number>>(32-bits))
				r.signed["targets"]["delegations"] = object{"keys": object{}, "succinct_roles": object{
					"keyids": []any{}, "threshold": 1, "bit_length": bits, "name_prefix": "bin",
				}}
				r.signed[role] = r.newSigned("targets", object{"targets": object{}})
				r.addKey("targets", role, newSigner(t, ecdsaKey))
				r.add(role, path, "content")
				r.publish(role, "targets", "snapshot", "timestamp")
				c.download(0, path)
				c.downloaded("content")
				r.asks("root 2", "timestamp", "snapshot 2", "targets 2", role+" 1")
			})
		}
	}
}

// TestEndless: chains that a repository can make as long as it likes.
func TestEndless(t *testing.T) {
	t.Run("forty roots", func(t *testing.T) {
		c, r := initialised(t)
		for range 40 {
			r.addKey("root", "root", newSigner(t, ecdsaKey))
			r.publish("root")
		}
		c.refresh(0)
		c.has("root 41")
	})
	t.Run("more roots than are followed", func(t *testing.T) {
		c, r := initialised(t)
		r.publishTimes(300, "root")
		c.refresh(1)
		if got := c.version("timestamp"); got != 0 {
			t.Errorf("timestamp %d, want none", got)
		}
	})
	t.Run("more delegations than are visited", func(t *testing.T) {
		c, r := initialised(t)
		edges := []edge{}
		by := "targets"
		for i := range 60 {
			role := "r" + strconv.Itoa(i)
			edges = append(edges, edge{by: by, role: role})
			by = role
		}
		build(r, edges...)
		c.download(1, "x")
		if got := len(r.asked) - 4; got > 40 {
			t.Errorf("asked for %d delegated roles", got)
		}
	})
}

// TestKeyTypes: keys that nobody here can use.
func TestKeyTypes(t *testing.T) {
	unknown := func(t *testing.T) *signer {
		t.Helper()
		return newSigner(t, ecdsaKey).with(t, object{"keytype": "post-quantum", "scheme": "lattice", "keyval": object{"public": "x"}})
	}
	t.Run("beside enough others", func(t *testing.T) {
		c, r := initialised(t)
		r.addKey("root", "root", unknown(t))
		r.addKey("root", "timestamp", unknown(t))
		r.publish("root", "timestamp")
		c.refresh(0)
		c.has("root 2", "timestamp 2")
	})
	t.Run("needed", func(t *testing.T) {
		c, r := initialised(t)
		r.addKey("root", "timestamp", unknown(t))
		r.threshold("timestamp", 2)
		r.publish("root", "timestamp")
		c.refresh(1)
		c.has("root 2", "timestamp 0")
	})
	t.Run("a key id without a key", func(t *testing.T) {
		c, r := initialised(t)
		entry, _ := r.delegation("root", "timestamp")
		entry["keyids"] = append(entry["keyids"].([]any), sum("sha256", nil))
		r.publish("root", "timestamp")
		c.refresh(0)
		c.has("root 2", "timestamp 2")
	})
}

// TestPaths: target paths that mean something to a file system or in a URL.
func TestPaths(t *testing.T) {
	for _, path := range []string{"a b", "a?b#c", "100%", "ünï/cøde", "a+b&c=d", "a:b", "~", "dir.d/file", "%2e%2e/x"} {
		t.Run(path, func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", path, "content")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, path)
			c.downloaded("content")
		})
	}
	for _, path := range []string{"../x", "/x", "a/../../x", "..", "."} {
		t.Run("outside "+path, func(t *testing.T) {
			c, r := initialised(t)
			into := filepath.Join(c.into, "deep", "er")
			mustDo(t, os.MkdirAll(into, 0o750))
			outer := c.into
			c.into = into
			r.add("targets", path, "content")
			r.publish("targets", "snapshot", "timestamp")
			c.run(c.downloadArgs(path)...)
			c.into = outer
			if files, err := filepath.Glob(filepath.Join(outer, "*", "x")); err != nil || len(files) > 0 {
				t.Errorf("wrote %q, %v", files, err)
			}
			if files, err := filepath.Glob(filepath.Join(outer, "x")); err != nil || len(files) > 0 {
				t.Errorf("wrote %q, %v", files, err)
			}
		})
	}
}
