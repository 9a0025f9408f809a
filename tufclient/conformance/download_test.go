package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestDownload(t *testing.T) {
	run := map[string]func(t *testing.T){
		"expected file": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content")
			r.publish("targets", "snapshot", "timestamp")
			c.refresh(0)
			c.downloaded()
			c.download(0, "file.txt")
			c.downloaded("content")
		},
		"in a directory": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "path/to/a/file.txt", "content")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "path/to/a/file.txt")
			c.downloaded("content")
		},
		"substituted": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "first", "content 1")
			r.add("targets", "second", "content 2")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "first")
			r.artifacts["first"], r.artifacts["second"] = []byte("evil file"), []byte("evil file")
			c.run(c.downloadArgs("first")...)
			c.downloaded("content 1")
			c.download(1, "second")
			c.downloaded("content 1")
		},
		"many changes": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "file.txt")
			more := []string{}
			for i := range 11 {
				changed := fmt.Sprintf("changed %d", i)
				r.add("targets", "file.txt", changed)
				r.add("targets", fmt.Sprintf("new-%d", i), fmt.Sprintf("new %d", i))
				r.publish("targets", "snapshot", "timestamp")
				if i%5 != 0 { // the client sees every fifth version
					continue
				}
				c.download(0, "file.txt")
				c.downloaded(append([]string{changed}, more...)...)
				c.download(0, fmt.Sprintf("new-%d", i))
				more = append(more, fmt.Sprintf("new %d", i))
				c.downloaded(append([]string{changed}, more...)...)
				r.artifacts["file.txt"] = fmt.Appendf(nil, "evil %d", i)
				r.publish("targets", "snapshot", "timestamp")
				c.run(c.downloadArgs("file.txt")...)
				c.downloaded(append([]string{changed}, more...)...)
			}
		},
		"kept": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "file.txt")
			r.fetches(1)
			was := c.modified()
			c.download(0, "file.txt")
			r.fetches(0)
			if now := c.modified(); !now.Equal(was) {
				t.Errorf("the file was written again")
			}
			r.add("targets", "file.txt", "changed")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "file.txt")
			r.fetches(1)
			c.downloaded("changed")
		},
		"changed on disk": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "file.txt")
			c.overwrite("evil file")
			c.download(0, "file.txt")
			r.fetches(2)
			c.downloaded("content")
		},
		"several at once": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "first", "content 1")
			r.add("targets", "second", "content 2")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "second", "first", "second")
			r.asks("root 2", "timestamp", "snapshot 2", "targets 2")
			r.fetches(2)
			c.downloaded("content 1", "content 2")
		},
		"several, stopping at the first that fails": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "first", "content 1")
			r.add("targets", "second", "content 2")
			r.publish("targets", "snapshot", "timestamp")
			c.download(1, "first", "missing", "second")
			c.downloaded("content 1")
		},
		"length too small":  func(t *testing.T) { wrongLength(t, 3) },
		"length too great":  func(t *testing.T) { wrongLength(t, 100) },
		"not at the server": func(t *testing.T) { absent(t) },
		"unknown hash algorithm": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content", "unknown-hash")
			r.publish("targets", "snapshot", "timestamp")
			c.download(1, "file.txt")
			c.downloaded()
		},
		"unknown hash algorithm beside a known one": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content", "unknown-hash", "sha256")
			r.publish("targets", "snapshot", "timestamp")
			c.download(0, "file.txt")
			c.downloaded("content")
		},
		"one of two hashes is wrong": func(t *testing.T) {
			c, r := initialised(t)
			r.add("targets", "file.txt", "content", "sha256", "sha512")
			r.signed["targets"]["targets"].(object)["file.txt"].(object)["hashes"].(object)["sha512"] = sum("sha512", []byte("other"))
			r.publish("targets", "snapshot", "timestamp")
			c.download(1, "file.txt")
			c.downloaded()
		},
		"no consistent snapshots": func(t *testing.T) {
			c, r := newClient(t)
			r.signed["root"]["consistent_snapshot"] = false
			r.add("targets", "path/file.txt", "content")
			r.publish("root", "targets", "snapshot", "timestamp")
			c.init(0)
			c.download(0, "path/file.txt")
			c.downloaded("content")
			r.asks("root 2", "root 3", "timestamp", "snapshot", "targets")
			r.fetches(1)
		},
	}
	for name, algorithms := range map[string][]string{"sha256": {"sha256"}, "sha512": {"sha512"}, "sha256 and sha512": {"sha256", "sha512"}} {
		run[name] = func(t *testing.T) {
			c, r := newClient(t)
			r.add("targets", "file.txt", "content", algorithms...)
			r.publish("targets", "snapshot", "timestamp", "root")
			c.init(0)
			c.download(0, "file.txt")
			r.fetches(1)
			c.downloaded("content")
		}
	}
	for name, run := range run {
		t.Run(name, run)
	}
}

func wrongLength(t *testing.T, length int) {
	t.Helper()
	c, r := initialised(t)
	r.add("targets", "file.txt", "content")
	r.signed["targets"]["targets"].(object)["file.txt"].(object)["length"] = length
	r.publish("targets", "snapshot", "timestamp")
	c.download(1, "file.txt")
	c.downloaded()
}

func absent(t *testing.T) {
	t.Helper()
	c, r := initialised(t)
	r.add("targets", "file.txt", "content")
	r.publish("targets", "snapshot", "timestamp")
	delete(r.artifacts, "file.txt")
	c.download(1, "file.txt")
	c.downloaded()
}

// modified is when the only downloaded file was written.
func (c *client) modified() time.Time {
	c.t.Helper()
	info, err := os.Stat(c.only())
	if err != nil {
		c.t.Fatal(err)
	}
	return info.ModTime()
}

func (c *client) overwrite(content string) {
	c.t.Helper()
	if err := os.WriteFile(c.only(), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// only is the path of the only downloaded file.
func (c *client) only() string {
	c.t.Helper()
	var files []string
	err := filepath.WalkDir(c.into, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) != 1 {
		c.t.Fatalf("files %q, %v; want one", files, err)
	}
	return files[0]
}
