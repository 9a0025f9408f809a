package tool

import (
	"maps"
	"slices"
	"testing"
	"testing/fstest"
)

func TestCacheKey(t *testing.T) {
	base := fstest.MapFS{
		"go.mod":      {Data: []byte("module m\n")},
		"go.sum":      {Data: []byte("sum\n")},
		"own/main.go": {Data: []byte("package tool\n")},
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
		more[name] = &fstest.MapFile{Data: []byte("package tool\n")}
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
		got, err := Version(gomod, pkg)
		if err != nil || got != want {
			t.Errorf("version of %s: found %q, %v; wanted %q", pkg, got, err, want)
		}
	}
	for _, pkg := range []string{"example.test/ab", "example.test"} {
		if v, err := Version(gomod, pkg); err == nil {
			t.Errorf("version of %s, which nothing provides: found %q", pkg, v)
		}
	}
}
