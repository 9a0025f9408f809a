package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/releaseassay/assay/internal/lab"
)

// trustedRoot is the root of an instance whose CT log was closed an hour before now.
func trustedRoot(t *testing.T, now time.Time) (*lab.Sigstore, []byte) {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: now, Validity: map[lab.Part]lab.Window{lab.CTLog: {From: now.Add(-48 * time.Hour), To: now.Add(-time.Hour)}}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	return s, raw
}

// Sigstore's own client finds the trusted root where `cosign initialize` looks for it.
func TestMirror(t *testing.T) {
	now := time.Now()
	_, raw := trustedRoot(t, now)
	repo, err := trust{}.repository(raw, now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mirror(repo.Handler()))
	defer server.Close()
	opts := tuf.DefaultOptions()
	opts.Root, opts.RepositoryBaseURL, opts.CachePath = repo.FirstRoot(), server.URL, t.TempDir()
	client, err := tuf.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := client.GetTarget("trusted_root.json"); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("found %.80q, %v; wanted the trusted root", got, err)
	}
}

// The parts of a trusted root are what the old client looks for, with their use and whether they are still in use.
func TestParts(t *testing.T) {
	now := time.Now()
	s, raw := trustedRoot(t, now)
	files, err := partsOf(raw, now)
	if err != nil {
		t.Fatal(err)
	}
	rekor, err := s.RekorPublicKeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, f := range files {
		found[f.usage+" "+f.status] = append(found[f.usage+" "+f.status], f.content...)
	}
	if len(found) != 3 || !bytes.Equal(found["Fulcio Active"], s.FulcioChainPEM()) || !bytes.Equal(found["Rekor Active"], rekor) || found["CTFE Expired"] == nil {
		t.Errorf("found the parts %q", found)
	}
	repo, err := trust{parts: true}.repository(raw, now)
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		Signed struct {
			Targets map[string]struct {
				Custom struct {
					Sigstore struct{ Usage, Status string }
				}
			}
		}
	}
	if err := json.Unmarshal(repo.File(repo.MetadataPath("targets")), &metadata); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		got, served := metadata.Signed.Targets[f.name].Custom.Sigstore, repo.File(repo.TargetPath(f.name, f.content))
		if got.Usage != f.usage || got.Status != f.status || !bytes.Equal(served, f.content) {
			t.Errorf("%s: found %+v and %d bytes", f.name, got, len(served))
		}
	}
	if len(metadata.Signed.Targets) != len(files) {
		t.Errorf("found %d targets, wanted %d", len(metadata.Signed.Targets), len(files))
	}
	if _, err := partsOf([]byte("{"), now); err == nil {
		t.Error("half a trusted root was taken apart")
	}
}

// A gate asks with a copy of the folder, and a refusal of a step before it is a refusal.
func TestInHome(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	root := filepath.Join(dir, "root.json")
	if err := os.Mkdir(root+home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root+home, "kept"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(script, root string) (string, error) {
		g := options{}.inHome(script)
		fill := strings.NewReplacer("{state}", state, "{trusted_root}", root, "{image}", "it's $(an) image")
		args := slices.Clone(g.Args[1:])
		for i := range args {
			args[i] = fill.Replace(args[i])
		}
		out, err := exec.Command(g.Path, args...).CombinedOutput()
		return string(out), err
	}
	const script = `cat "$TUF_ROOT/kept" && echo mine > "$TUF_ROOT/kept" && exec printf ' %s' "$1"`
	for range 2 { // what the first one wrote is its own
		if got, err := ask(script, root); err != nil || got != "kept it's $(an) image" {
			t.Errorf("found %q, %v", got, err)
		}
	}
	if out, err := ask("exit 0", root+".none"); err == nil {
		t.Errorf("a gate without its folder admitted: %s", out)
	}
	if out, err := ask("false && exec true", root); err == nil {
		t.Errorf("a failed step admitted: %s", out)
	}
}
