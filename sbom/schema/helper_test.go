package schema

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/sbom"
)

const hex64 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// libraryDocuments returns the valid documents of cyclonedx-go's own tests.
func libraryDocuments(t testing.TB, pattern string) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Skipf("SKIPPED: the folder of cyclonedx-go is not known: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Skipf("SKIPPED: cyclonedx-go has no %s here (a vendor folder leaves testdata out): %v", pattern, err)
	}
	return files
}

// read returns the bytes of a file.
func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kindOf returns the kind of a refusal, or "" if there was none.
func kindOf(t *testing.T, err error) sbom.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *sbom.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	return e.Kind
}

// cycloneDX returns a CycloneDX 1.6 document with more members.
func cycloneDX(more ...string) string {
	return `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1` + strings.Join(append([]string{""}, more...), ",") + `}`
}
