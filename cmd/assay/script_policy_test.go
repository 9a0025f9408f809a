package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// newExceptions writes files of exceptions for the good release's image: EXCEPTED for its
// signature and platforms until tomorrow, EXCEPTED_LONG until too far ahead, EXCEPTED_OTHER for another
// check.
func newExceptions(t *testing.T, release *lab.Release, dir string) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, e := range []struct {
		name, checks string
		days         int
	}{
		{"EXCEPTED", "signature, platforms", 1}, {"EXCEPTED_LONG", "signature, platforms", 60}, {"EXCEPTED_OTHER", "sbom", 1},
	} {
		env[e.name] = filepath.Join(dir, e.name+".yaml")
		until := time.Now().AddDate(0, 0, e.days).UTC().Format(time.RFC3339)
		must(t, os.WriteFile(env[e.name], []byte("apiVersion: assay/v1\nkind: Exceptions\nexceptions:\n"+
			"  - {digest: \""+release.Image.Digest()+"\", checks: ["+e.checks+"], reason: moving house, approver: alice, expires: "+until+"}\n"), 0o600))
	}
	return env
}
