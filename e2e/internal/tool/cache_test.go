package tool

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
)

// A tool that is there is not built again; nothing is built of a module that is not there.
func TestFill(t *testing.T) {
	modules := t.TempDir()
	if err := os.MkdirAll(filepath.Join(modules, "m"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(modules, "m", "go.mod"), []byte("module example.test/m\n\ngo 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Cache{dir: t.TempDir(), modules: modules, compiler: "go1", log: io.Discard}
	built := Tool{Name: "built", Module: "m", Package: "example.test/m/built"}
	file, err := c.Path(built)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	where, err := c.Fill(t.Context(), []Tool{built})
	if err != nil || where["built"] != file {
		t.Errorf("found %v, %v; wanted %s", where, err, file)
	}
	missing := built
	missing.Name = "missing"
	if where, err := c.Fill(t.Context(), []Tool{missing}); err == nil {
		t.Errorf("a package that is not there: found %v", where)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("found %v, %v in the cache; wanted the one binary", entries, err)
	}
}

// Only what is not our fault may be passed over.
func TestUnfetched(t *testing.T) {
	failed := errors.New("exit status 1")
	late, cancel := context.WithDeadlineCause(t.Context(), time.Unix(0, 0), errors.New("not built within 1s"))
	defer cancel()
	for _, c := range []struct {
		ctx  context.Context
		out  string
		code int
	}{
		{t.Context(), "missing go.sum entry for module providing package x", exit.Fault},
		{t.Context(), "verifying x: checksum mismatch", exit.Fault},
		{t.Context(), "go: updates to go.mod needed", exit.Fault},
		{t.Context(), `Get "https://proxy.golang.org/x": dial tcp: connection refused`, exit.Unavailable},
		{late, "signal: killed", exit.Unavailable},
	} {
		code, err := exit.Coded(exit.Good, unfetched(c.ctx, Tool{Name: "x"}, []byte(c.out), failed))
		if code != c.code || err == nil {
			t.Errorf("%s: found exit code %d, %v; wanted %d", c.out, code, err, c.code)
		}
	}
	if code, err := exit.Coded(exit.Failed, nil); code != exit.Failed || err != nil {
		t.Errorf("no error: found %d, %v", code, err)
	}
}
