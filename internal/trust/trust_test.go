package trust

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestPublicGood(t *testing.T) {
	r := PublicGood()
	if r.Name != PublicGoodName || r.SHA256 != digest(r.JSON) || r.SHA256 != embeddedSHA256 {
		t.Errorf("name %s, sha256 %s, wanted %s", r.Name, r.SHA256, embeddedSHA256)
	}
	if r.Date.Format(time.RFC3339) != embeddedPublished || !strings.HasPrefix(r.Source, "built in, from npm ") {
		t.Errorf("date %s, source %q", r.Date, r.Source)
	}
	if _, err := root.NewTrustedRootFromJSON(r.JSON); err != nil {
		t.Error(err)
	}
	if _, err := trustedmetadata.New([]byte(embeddedTUFRoot)); err != nil {
		t.Error(err)
	}
	source, err := os.ReadFile("public-good/SOURCE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `trusted_root.json` | sha256 `" + digest([]byte(embeddedTrustedRoot)) + "` |",
		"| `root.json` | sha256 `" + digest([]byte(embeddedTUFRoot)) + "`,",
		"| published | " + embeddedPublished + " |",
	} {
		if !strings.Contains(string(source), want) {
			t.Errorf("SOURCE.md lacks %q", want)
		}
	}
	r.JSON[0] = 'x'
	if PublicGood().JSON[0] == 'x' {
		t.Error("a caller can change the built-in root")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, []byte(content))
		return path
	}
	good := file("good.json", embeddedTrustedRoot)
	for _, sha := range []string{"", embeddedSHA256, "sha256:" + strings.ToUpper(embeddedSHA256)} {
		r, err := Load(good, sha)
		if err != nil || r.SHA256 != embeddedSHA256 || r.Source != "file "+good || r.Name != "" {
			t.Errorf("sha256 %q: %+v, %v", sha, r, err)
		}
	}
	tests := []struct{ name, file, sha, want string }{
		{"absent", filepath.Join(dir, "absent.json"), "", "read trusted root"},
		{"directory", dir, "", "read trusted root"},
		{"wrong sha256", good, strings.Repeat("0", 64), "sha256 wanted 0000000000000000000000000000000000000000000000000000000000000000, found " + embeddedSHA256 + ": restore"},
		{"short sha256", good, "sha256:6494", "wanted 64 hex digits"},
		{"empty", file("empty.json", ""), "", "wanted a Sigstore trusted root"},
		{"unknown field", file("field.json", `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","caz":[]}`), "", "take it again"},
		{"TUF root", file("root.json", embeddedTUFRoot), "", "found TUF metadata: take the target trusted_root.json"},
		{"trusts nobody", file("none.json", `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), "", "found neither"},
		{"too large", file("large.json", strings.Repeat(" ", MaxSize+1)), "", "wanted at most 4194304 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Load(tt.file, tt.sha)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, wanted %q", err, tt.want)
			}
			if r.JSON != nil {
				t.Error("a refused root was returned")
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	s, err := Describe(PublicGood().JSON)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/public-good.describe.json"
	if *update {
		writeFile(t, golden, append(got, '\n'))
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("got:\n%s\nwanted %s", got, golden)
	}
	if _, err := Describe([]byte("{}")); err == nil {
		t.Error("described nothing")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(embeddedTrustedRoot))
	f.Add([]byte(embeddedTUFRoot))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := Describe(data); err == nil && len(s.CertificateAuthorities)+len(s.TransparencyLogs) == 0 {
			t.Errorf("accepted a root that trusts nobody: %s", data)
		}
	})
}
