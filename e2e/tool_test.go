package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCacheKey(t *testing.T) {
	base := fstest.MapFS{
		"go.mod":      {Data: []byte("module m\n")},
		"go.sum":      {Data: []byte("sum\n")},
		"own/main.go": {Data: []byte("package main\n")},
	}
	key := func(compiler string, files fstest.MapFS) string {
		t.Helper()
		k, err := cacheKey(compiler, files)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	want := key("go1 linux", base)
	if again := key("go1 linux", maps.Clone(base)); again != want {
		t.Errorf("the same files give %s and %s", want, again)
	}
	if key("go2 linux", base) == want {
		t.Error("another compiler gives the same key")
	}
	for name, file := range base {
		changed, moved := maps.Clone(base), maps.Clone(base)
		changed[name] = &fstest.MapFile{Data: append(slices.Clone(file.Data), '\n')}
		if key("go1 linux", changed) == want {
			t.Errorf("a change of %s does not change the key", name)
		}
		delete(moved, name)
		if key("go1 linux", moved) == want {
			t.Errorf("without %s the key is the same", name)
		}
	}
	for _, name := range []string{"README.md", "own/main_test.go"} {
		more := maps.Clone(base)
		more[name] = &fstest.MapFile{Data: []byte("package main\n")}
		if key("go1 linux", more) != want {
			t.Errorf("%s, which no build reads, changes the key", name)
		}
	}
}

func TestVersion(t *testing.T) {
	gomod := []byte("module example.test/tools\n\ngo 1.26\n\nrequire (\n\texample.test/a v1.0.0\n\texample.test/a/v2 v2.1.0 // indirect\n)\n")
	for pkg, want := range map[string]string{
		"example.test/a/cmd":     "v1.0.0",
		"example.test/a":         "v1.0.0",
		"example.test/a/v2/cmd":  "v2.1.0",
		"example.test/tools/own": "",
	} {
		got, err := version(gomod, pkg)
		if err != nil || got != want {
			t.Errorf("version of %s: found %q, %v; wanted %q", pkg, got, err, want)
		}
	}
	for _, pkg := range []string{"example.test/ab", "example.test"} {
		if v, err := version(gomod, pkg); err == nil {
			t.Errorf("version of %s, which nothing provides: found %q", pkg, v)
		}
	}
}

// The versions are what docs/e2e.md and the scenarios speak of.
func TestToolsArePinned(t *testing.T) {
	want := map[string]string{
		"fulcio": "v1.8.8", "rekor1": "v1.5.4", "rekor2": "v2.3.0", "timestamp-server": "v2.1.3", "ct_server": "v1.3.3",
		"crane": "v0.22.1", "cosign2": "v2.6.5", "cosign3": "v3.1.3", "slsa-verifier": "v2.7.1", "trillmem": "",
	}
	page, err := os.ReadFile("../docs/e2e.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools() {
		raw, err := os.ReadFile("tools/" + tool.module + "/go.mod")
		if err != nil {
			t.Fatal(err)
		}
		got, err := version(raw, tool.pkg)
		if err != nil || got != want[tool.name] {
			t.Errorf("%s: found version %q, %v; wanted %q", tool.name, got, err, want[tool.name])
		}
		if !strings.Contains(string(page), want[tool.name]) {
			t.Errorf("docs/e2e.md does not name version %s of %s", got, tool.name)
		}
		delete(want, tool.name)
	}
	if len(want) > 0 {
		t.Errorf("found no tools for %v", want)
	}
}

func TestToolNamed(t *testing.T) {
	if got, err := toolNamed("slsa-verifier"); err != nil || got.module != "slsa-verifier" {
		t.Errorf("found %+v, %v", got, err)
	}
	if _, err := toolNamed("nothing"); err == nil || !strings.Contains(err.Error(), "cosign3") {
		t.Errorf("an unknown name: found %v; wanted an error that lists the tools", err)
	}
}
