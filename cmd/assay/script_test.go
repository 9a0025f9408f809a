package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
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
	testscript.Main(m, map[string]func(){"assay": main, "assay-containerd": main})
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
		Cmds:                scriptCommands(),
		Condition:           condition,
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

// scriptCommands are the commands of scripts beside testscript's own.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "decides": decides, "tampered": tampered}
	maps.Copy(all, serveCommands)
	return all
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

// condition knows [strace]: whether system calls can be watched here.
func condition(cond string) (bool, error) {
	if cond != "strace" {
		return false, fmt.Errorf("found the condition %q; wanted strace", cond)
	}
	return exec.Command("strace", "-f", "-o", os.DevNull, "true").Run() == nil, nil
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
	scattered := newScattered(t, s, reg, release, dir)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/slsa-framework/slsa-verifier/v2").Output()
	must(t, err)
	env := map[string]string{
		"REGISTRY": reg.Host(), "IMAGE": repository, "DIGEST": release.Image.Digest(), "ROOT": rootFile, "LAYOUT": layout,
		"REAL": filepath.Join(strings.TrimSpace(string(module)), "cli/slsa-verifier/testdata/gha_generic_container"),
	}
	maps.Copy(env, scattered)
	exceptions := newExceptions(t, release, dir)
	maps.Copy(env, exceptions)
	maps.Copy(env, newContainerd(t, release, attacks, exceptions, rootFile, dir))
	maps.Copy(env, newReleases(t, s, reg, dir))
	maps.Copy(env, newContainerdListed(t, env, rootFile, dir))
	maps.Copy(env, newServers(t, env, reg.Host(), rootFile, dir))
	maps.Copy(env, newServe(t, reg.Host(), dir))
	return fixture{env: env}
}

// newScattered publishes the good release's image without evidence, and its
// evidence in the other places that a policy can name: bundles in files (SIGNATURE,
// PROVENANCE), a repository for evidence alone, and GitHub's attestations; BARE is
// the image, and each policy (IN_MIRROR, IN_EVIDENCE, IN_GITHUB) names one place.
func newScattered(t *testing.T, s *lab.Sigstore, reg *lab.Registry, release *lab.Release, dir string) map[string]string {
	t.Helper()
	ctx := context.Background()
	bare, err := reg.Repository("mirror/acme/widget")
	must(t, err)
	must(t, lab.PushImage(ctx, bare, "1.2.3", release.Image))
	apart, err := reg.Repository("acme/evidence")
	must(t, err)
	must(t, lab.PushEvidence(ctx, apart, release.Image.Descriptor(), release.Evidence))
	api := lab.NewGitHubAPI(lab.GitHubOptions{Clock: time.Now})
	must(t, api.Start())
	t.Cleanup(func() { _ = api.Close() })
	api.AddRepository(lab.DefaultRepo, false)
	env := map[string]string{"BARE": reg.Host() + "/mirror/acme/widget", "ASSAY_GITHUB_API": api.URL()}
	must(t, lab.WriteLayout(filepath.Join(dir, "layout-bare"), lab.Publication{Tag: "1.2.3", Image: release.Image}))
	for i, name := range []string{"SIGNATURE", "PROVENANCE"} {
		bundle := release.Evidence.Referrers[i].Bytes
		env[name] = filepath.Join(dir, strings.ToLower(name)+".json")
		must(t, os.WriteFile(env[name], bundle, 0o600))
		must(t, api.Attest(lab.DefaultRepo, bundle, release.Image.Digest()))
	}
	for name, places := range map[string]string{
		"IN_MIRROR":   "mirrors: [{prefix: " + reg.Host() + "/mirror, of: " + reg.Host() + "}]",
		"IN_ORIGIN":   "mirrors: [{prefix: " + reg.Host() + "/mirror/acme/widget, of: " + reg.Host() + "/acme/widget}]\n    evidence: [same, origin]",
		"IN_EVIDENCE": "evidence: [same, " + reg.Host() + "/acme/evidence]",
		"IN_GITHUB":   "places: [registry, github]",
	} {
		env[name] = filepath.Join(dir, strings.ToLower(name)+".yaml")
		must(t, os.WriteFile(env[name], []byte(`apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: places}
images:
  - match: `+reg.Host()+`/**
    `+places+`
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature:
      signer: {issuer: https://token.actions.githubusercontent.com, workflow: .github/workflows/release.yml}
    provenance: {builder: {level: 3}}
`), 0o600))
	}
	return env
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
