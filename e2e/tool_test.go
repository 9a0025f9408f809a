package main

import (
	"os"
	"strings"
	"testing"

	"github.com/releaseassay/assay/e2e/internal/tool"
)

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
	for _, one := range tools() {
		raw, err := os.ReadFile("tools/" + one.Module + "/go.mod")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tool.Version(raw, one.Package)
		if err != nil || got != want[one.Name] {
			t.Errorf("%s: found version %q, %v; wanted %q", one.Name, got, err, want[one.Name])
		}
		if !strings.Contains(string(page), want[one.Name]) {
			t.Errorf("docs/e2e.md does not name version %s of %s", got, one.Name)
		}
		delete(want, one.Name)
	}
	if len(want) > 0 {
		t.Errorf("found no tools for %v", want)
	}
}

func TestToolNamed(t *testing.T) {
	if got, err := toolNamed("slsa-verifier"); err != nil || got.Module != "slsa-verifier" {
		t.Errorf("found %+v, %v", got, err)
	}
	if _, err := toolNamed("nothing"); err == nil || !strings.Contains(err.Error(), "cosign3") {
		t.Errorf("an unknown name: found %v; wanted an error that lists the tools", err)
	}
}
