package main

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/releaseassay/assay/internal/lab"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScript runs the whole program, with exact exit codes. Each script gets a
// registry on loopback with a good release and attacked copies of it (REGISTRY,
// IMAGE), its trusted root (ROOT), the same release as an OCI layout (LAYOUT), and
// the real layouts of slsa-verifier's test data (REAL).
func TestScript(t *testing.T) {
	if !flag.Parsed() {
		flag.Parse()
	}
	f := newFixture(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
		Setup: func(e *testscript.Env) error {
			for k, v := range f.env {
				e.Setenv(k, v)
			}
			e.Setenv("ASSAY_CACHE", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
	})
}

// exits runs the program and wants an exact exit code: exits CODE assay ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if e, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it bare
		code = itoa(e.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s; wanted %s", code, args[0])
	}
}

func itoa(n int) string {
	if n >= 0 && n < 10 {
		return string(rune('0' + n))
	}
	return "other"
}

type fixture struct{ env map[string]string }

func newFixture(t *testing.T) fixture {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "lab"})
	must(t, err)
	root, err := s.TrustedRoot()
	must(t, err)
	dir := t.TempDir()
	rootFile := filepath.Join(dir, "trusted_root.json")
	must(t, os.WriteFile(rootFile, root, 0o600))
	reg := lab.NewRegistry(lab.RegistryOptions{Clock: time.Now})
	must(t, reg.Start())
	t.Cleanup(func() { _ = reg.Close() })
	repository := reg.Host() + "/acme/widget"
	ctx := context.Background()
	release, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: repository})
	must(t, err)
	must(t, release.Push(ctx))
	layout := filepath.Join(dir, "layout")
	must(t, lab.WriteLayout(layout, release.Publication))
	attacks, err := lab.Attacks(s, lab.ReleaseOptions{Repository: repository})
	must(t, err)
	for _, a := range attacks {
		must(t, a.Push(ctx))
	}
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/slsa-framework/slsa-verifier/v2").Output()
	must(t, err)
	return fixture{env: map[string]string{
		"REGISTRY": reg.Host(), "IMAGE": repository, "DIGEST": release.Image.Digest(), "ROOT": rootFile, "LAYOUT": layout,
		"REAL": filepath.Join(strings.TrimSpace(string(module)), "cli/slsa-verifier/testdata/gha_generic_container"),
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
