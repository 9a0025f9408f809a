package sbom

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

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

func TestLibraryDocumentsJSON(t *testing.T) {
	files := libraryDocuments(t, "valid-*.json")
	for _, file := range files {
		if _, err := Parse(read(t, file), Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	t.Logf("%d documents", len(files))
}

// TestLibraryDocumentsXML compares what is read from both encodings of one document.
func TestLibraryDocumentsXML(t *testing.T) {
	for _, file := range libraryDocuments(t, "valid-*.xml") {
		if _, err := Parse(read(t, file), Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
	files := libraryDocuments(t, "valid-*.json")
	for _, file := range files {
		var bom cdx.BOM
		b := read(t, file)
		if err := cdx.NewBOMDecoder(bytes.NewReader(b), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Fatal(err)
		}
		bom.XMLNS = xmlNamespace + bom.SpecVersion.String()
		var out bytes.Buffer
		if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatXML).Encode(&bom); err != nil {
			t.Fatal(err)
		}
		asJSON, err := Parse(b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		asXML, err := Parse(out.Bytes(), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		asXML.Encoding = asJSON.Encoding
		if got, want := toJSON(t, asXML), toJSON(t, asJSON); got != want {
			t.Errorf("%s: XML reads\n%s\nJSON reads\n%s", filepath.Base(file), got, want)
		}
	}
	t.Logf("%d documents", len(files))
}

// toJSON returns the facts as one text.
func toJSON(t *testing.T, doc *Document) string {
	t.Helper()
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
