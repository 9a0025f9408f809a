package main

import (
	"archive/tar"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// TestMain lets the test's own program be the one in the image.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println("assay test")
		return
	}
	os.Exit(m.Run())
}

func made(t *testing.T) build {
	t.Helper()
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	return build{
		version: "v1.2.3", commit: strings.Repeat("a", 40), created: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), roots: []byte("certificates\n"),
		programs: []program{{v1.Platform{OS: "linux", Architecture: runtime.GOARCH}, self}, {v1.Platform{OS: "linux", Architecture: other}, []byte("another")}},
	}
}

func digest(t *testing.T, b build) string {
	t.Helper()
	index, err := assemble(b)
	if err != nil {
		t.Fatal(err)
	}
	d, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// TestReproducible makes the image twice, and once from each other input.
func TestReproducible(t *testing.T) {
	b := made(t)
	b.programs = []program{{v1.Platform{OS: "linux", Architecture: "amd64"}, []byte("program")}}
	first := digest(t, b)
	if again := digest(t, b); again != first {
		t.Errorf("the same gives %s and %s", first, again)
	}
	b.created = b.created.In(time.FixedZone("there", 3600))
	if again := digest(t, b); again != first {
		t.Error("the time zone of the commit changes the digest")
	}
	for name, change := range map[string]func(*build){
		"version": func(b *build) { b.version = "v2" }, "commit": func(b *build) { b.commit = "" }, "time": func(b *build) { b.created = b.created.Add(time.Second) },
		"roots": func(b *build) { b.roots = []byte("others") },
		"program": func(b *build) {
			b.programs = []program{{v1.Platform{OS: "linux", Architecture: "amd64"}, []byte("other")}}
		},
	} {
		c := b
		change(&c)
		if digest(t, c) == first {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}

// TestImage reads the layout back: who runs, what is in it, that the program runs.
func TestImage(t *testing.T) {
	b := made(t)
	index, err := assemble(b)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "layout")
	for range 2 { // what was there is replaced
		if err := write(folder, index, b.version); err != nil {
			t.Fatal(err)
		}
	}
	if err := try(t.Context(), folder); err != nil {
		t.Error(err)
	}
	top, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range b.programs {
		image, found, err := imageOf(top, p.platform.Architecture)
		if err != nil || !found {
			t.Fatalf("%s: found %v, %v", p.platform.Architecture, found, err)
		}
		c, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if c.Config.User != "65532:65532" || !slices.Equal(c.Config.Entrypoint, []string{"/usr/bin/assay"}) || c.Config.Cmd != nil ||
			c.OS != "linux" || c.Architecture != p.platform.Architecture || !c.Created.Equal(b.created) || len(c.Config.ExposedPorts)+len(c.Config.Volumes) != 0 {
			t.Errorf("%s: %+v", p.platform.Architecture, c)
		}
		if c.Config.Labels["org.opencontainers.image.version"] != "v1.2.3" || c.Config.Labels["org.opencontainers.image.revision"] != b.commit {
			t.Errorf("labels %v", c.Config.Labels)
		}
		files, err := filesOf(image)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(files)); strings.Join(got, " ") != "etc/ etc/group etc/passwd etc/ssl/ etc/ssl/certs/ etc/ssl/certs/ca-certificates.crt home/ home/nonroot/ tmp/ usr/ usr/bin/ usr/bin/assay var/ var/lib/ var/lib/assay/" {
			t.Errorf("the image holds %v", got)
		}
		for name, f := range files {
			writable := name == "home/nonroot/" || name == "var/lib/assay/"
			if (f.owner == uid) != writable || f.mode&0o022 != 0 && name != "tmp/" || f.mode&0o6000 != 0 {
				t.Errorf("%s: owner %d, mode %o", name, f.owner, f.mode)
			}
		}
		checkTimes(t, image, b.created)
		if string(files[entrypoint].content) != string(p.binary) || string(files[roots].content) != string(b.roots) {
			t.Error("the content is another")
		}
	}
}

// checkTimes wants every entry to be of the commit's time, and of nobody's name.
func checkTimes(t *testing.T, image v1.Image, at time.Time) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		entries := tar.NewReader(r)
		for h, err := entries.Next(); err == nil; h, err = entries.Next() {
			if !h.ModTime.Equal(at) || h.Uname+h.Gname != "" {
				t.Errorf("%s is of %s, %s:%s", h.Name, h.ModTime, h.Uname, h.Gname)
			}
		}
		_ = r.Close()
	}
}

// TestRefuse is of images that would be of nothing.
func TestRefuse(t *testing.T) {
	for name, b := range map[string]build{"no program": {roots: []byte("a")}, "no roots": {programs: []program{{}}}} {
		if _, err := assemble(b); err == nil {
			t.Errorf("%s: assembled", name)
		}
	}
	for _, o := range []options{
		{roots: "/nonexistent"}, {roots: "image_test.go"}, {roots: "/etc/ssl/certs/ca-certificates.crt", date: "yesterday"},
	} {
		if _, err := o.build(t.Context()); err == nil {
			t.Errorf("%+v: built", o)
		}
	}
}
