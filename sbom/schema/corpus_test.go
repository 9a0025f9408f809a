package schema

import (
	"bytes"
	"path/filepath"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/releaseassay/assay/sbom"
)

func TestLibraryDocumentsJSON(t *testing.T) {
	v := NewValidator(sbom.Limits{})
	files := libraryDocuments(t, "valid-*.json")
	for _, file := range files {
		b := read(t, file)
		if _, err := sbom.Parse(b, sbom.Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		violations, err := v.Validate(b)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		for _, violation := range violations {
			t.Errorf("%s: %v", filepath.Base(file), violation)
		}
	}
	t.Logf("%d documents", len(files))
}

// TestLibraryDocumentsVersions has cyclonedx-go write its documents in every version.
func TestLibraryDocumentsVersions(t *testing.T) {
	v := NewValidator(sbom.Limits{})
	files := libraryDocuments(t, "valid-*.json")
	for version := cdx.SpecVersion1_2; version <= cdx.SpecVersion1_7; version++ {
		parsed, valid := 0, 0
		for _, file := range files {
			var bom cdx.BOM
			if err := cdx.NewBOMDecoder(bytes.NewReader(read(t, file)), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
				t.Fatal(err)
			}
			for _, format := range []cdx.BOMFileFormat{cdx.BOMFileFormatJSON, cdx.BOMFileFormatXML} {
				var out bytes.Buffer
				if err := cdx.NewBOMEncoder(&out, format).EncodeVersion(&bom, version); err != nil {
					t.Logf("%s as %s: the library does not write it: %v", filepath.Base(file), version, err)
					continue
				}
				doc, err := sbom.Parse(out.Bytes(), sbom.Limits{})
				if err != nil {
					t.Errorf("%s as %s: %v", filepath.Base(file), version, err)
					continue
				}
				parsed++
				if doc.SpecVersion != version.String() {
					t.Errorf("%s as %s is taken for %s", filepath.Base(file), version, doc.SpecVersion)
				}
				if format == cdx.BOMFileFormatXML {
					continue
				}
				violations, err := v.Validate(out.Bytes())
				if err != nil {
					t.Error(err)
				}
				if len(violations) == 0 {
					valid++
				} else {
					t.Logf("%s as %s: %v", filepath.Base(file), version, violations[0])
				}
			}
		}
		t.Logf("%s: %d written and parsed, %d of %d valid JSON", version, parsed, valid, len(files))
	}
}

func FuzzValidate(f *testing.F) {
	for _, file := range libraryDocuments(f, "valid-*.json") {
		f.Add(read(f, file))
	}
	v := NewValidator(sbom.Limits{Bytes: 1 << 16, Depth: 24, Values: 5000, Objects: 2000, Keys: 64, Components: 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		if found, err := v.Validate(b); err != nil && len(found) > 0 {
			t.Fatal(found, err)
		}
	})
}
