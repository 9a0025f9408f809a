package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestStatic reads repositories that other tools made. They belong to others, so they lie beside the
// module or in those that it uses, not in it.
func TestStatic(t *testing.T) {
	const goTUF = "github.com/theupdateframework/go-tuf"
	pythonTUF := filepath.Join("client", "python_interop", "testdata", "python-tuf-v3.0.0")
	for name, test := range map[string]struct {
		dir     string
		at      time.Time
		targets []string
	}{
		"tuf-on-ci with Sigstore keys": {
			filepath.Join(shared(t), "testdata", "sd-proxy-tuf"), time.Date(2026, 4, 19, 0, 0, 0, 0, time.UTC),
			[]string{"oci-prometheus-sd-proxy/releases/v1.4.2.json", "oci-prometheus-sd-proxy/releases/v1.5.0.json"},
		},
		"go-tuf": {
			filepath.Join(module(t, goTUF+"/v2"), "examples", "multirepo", "repository"), start, []string{"map.json", "staging/root.json"},
		},
		"python-tuf, consistent snapshots": {
			filepath.Join(module(t, goTUF), pythonTUF, "with-consistent-snapshot", "repository"), start, []string{"file1.txt", "dir/file2.txt"},
		},
		"python-tuf, no consistent snapshots": {
			filepath.Join(module(t, goTUF), pythonTUF, "without-consistent-snapshot", "repository"), start, []string{"file1.txt", "dir/file2.txt"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := os.ReadFile(filepath.Join(test.dir, "metadata", "1.root.json"))
			if err != nil {
				t.Skipf("this repository is not here: %v", err)
			}
			c := &client{t: t, r: serveFolder(t, test.dir), dir: t.TempDir(), into: t.TempDir(), root: root, now: test.at}
			c.init(0)
			c.refresh(0)
			c.download(0, test.targets...)
			for _, target := range test.targets {
				c.download(0, target)
			}
			c.download(1, test.targets[0]+".other")
			c.now = c.now.AddDate(20, 0, 0)
			c.refresh(1)
		})
	}
}

// serveFolder serves the files of a folder, and no listings.
func serveFolder(t *testing.T, dir string) *repository {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(q.URL.Path)))
		if err != nil {
			http.NotFound(w, q)
			return
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(server.Close)
	return &repository{t: t, url: server.URL}
}

// shared is the folder beside the module.
func shared(t *testing.T) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("where is this file?")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
}

// module is the folder of a module that this one uses, or one that is not there.
func module(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		return filepath.Join(t.TempDir(), "no such module")
	}
	return dir
}
