package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCache: what lies in the metadata folder is worth what can be verified of it.
func TestCache(t *testing.T) {
	for _, role := range []string{"timestamp", "snapshot", "targets", "A"} {
		for how, content := range map[string]string{
			"is gone": "-", "is empty": "", "is no JSON": "{", "is another's": `{"signatures":[],"signed":{"_type":"targets","version":9}}`,
		} {
			t.Run(role+" "+how, func(t *testing.T) {
				c, r := initialised(t)
				build(r, edge{by: "targets", role: "A"})
				c.download(1, "x")
				path := filepath.Join(c.dir, role+".json")
				if role == "A" {
					path = c.delegated()
				}
				if content == "-" {
					mustDo(t, os.Remove(path))
				} else {
					mustDo(t, os.WriteFile(path, []byte(content), 0o600))
				}
				r.forget()
				r.add("A", "x", "content")
				r.publish("A", "snapshot", "timestamp")
				c.download(0, "x")
				c.downloaded("content")
				for _, role := range []string{"timestamp", "snapshot", "targets"} {
					c.keeps(role, r.last(role))
				}
			})
		}
	}
	t.Run("floor after the files are gone", func(t *testing.T) {
		c, r := refreshed(t)
		r.publish("targets", "snapshot", "timestamp")
		c.refresh(0)
		for _, role := range []string{"timestamp", "snapshot", "targets"} {
			mustDo(t, os.Remove(filepath.Join(c.dir, role+".json")))
			r.published[role] = r.published[role][:1]
		}
		c.refresh(1)
		c.has("timestamp 0", "snapshot 0", "targets 0")
	})
	t.Run("init again forgets nothing", func(t *testing.T) {
		c, r := refreshed(t)
		r.publish("timestamp")
		c.refresh(0)
		c.init(0)
		r.published["timestamp"] = r.published["timestamp"][:1]
		c.refresh(1)
		c.has("timestamp 2")
	})
	t.Run("without init", func(t *testing.T) {
		c, r := newClient(t)
		c.refresh(1)
		r.asks()
	})
}

// delegated is the path of the only delegated role's file.
func (c *client) delegated() string {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "*.json"))
	mustDo(c.t, err)
	for _, file := range files {
		switch filepath.Base(file) {
		case "root.json", "timestamp.json", "snapshot.json", "targets.json":
		default:
			return file
		}
	}
	c.t.Fatal("no delegated role is kept")
	return ""
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestSnapshotMeta: what a snapshot may not do to the roles that an earlier one listed, and what it
// says of them. refresh and download are the exit codes.
func TestSnapshotMeta(t *testing.T) {
	for name, test := range map[string]struct {
		change            func(r *repository)
		refresh, download int
	}{
		"delegated role is gone":        {func(r *repository) { delete(r.signed["snapshot"]["meta"].(object), "A.json") }, 1, 1},
		"targets are gone":              {func(r *repository) { delete(r.signed["snapshot"]["meta"].(object), "targets.json") }, 1, 1},
		"delegated role goes back":      {func(r *repository) { r.meta("A")["version"] = 1 }, 1, 1},
		"delegated role goes on":        {func(r *repository) { r.publish("A") }, 0, 0},
		"hash of delegated is wrong":    {func(r *repository) { r.publish("A"); r.meta("A")["hashes"] = object{"sha256": sum("sha256", nil)} }, 0, 1},
		"length of delegated too low":   {func(r *repository) { r.publish("A"); r.meta("A")["length"] = 10 }, 0, 1},
		"version of delegated too high": {func(r *repository) { r.meta("A")["version"] = 9 }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := initialised(t)
			r.delegate("targets", "A", false, "*")
			r.add("A", "x", "content")
			r.publish("A", "A", "targets", "snapshot", "timestamp")
			c.download(0, "x")
			test.change(r)
			r.publish("snapshot", "timestamp")
			c.refresh(test.refresh)
			if test.refresh == 0 {
				c.has("snapshot 3", "timestamp 3")
			} else {
				c.has("snapshot 2", "timestamp 3")
			}
			c.download(test.download, "x")
		})
	}
	t.Run("delegated role was never listed", func(t *testing.T) {
		c, r := initialised(t)
		r.delegate("targets", "A", false, "*")
		r.add("A", "x", "content")
		r.publish("A", "targets")
		delete(r.signed["snapshot"]["meta"].(object), "A.json")
		r.publish("snapshot", "timestamp")
		c.download(1, "x")
		r.asks("root 2", "timestamp", "snapshot 2", "targets 2")
	})
	t.Run("delegated role goes back under a new snapshot key", func(t *testing.T) {
		c, r := initialised(t)
		r.delegate("targets", "A", false, "*")
		r.add("A", "x", "content")
		r.publish("A", "A", "targets", "snapshot", "timestamp")
		c.download(0, "x")
		r.rotate("snapshot")
		r.restart("A")
		r.publish("root", "A", "snapshot", "timestamp")
		c.download(0, "x")
	})
}
