package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

func TestZZX2Serve(t *testing.T) {
	dir := os.Getenv("X2DIR")
	if dir == "" {
		t.Skip()
	}
	s, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "lab"})
	must(t, err)
	root, err := s.TrustedRoot()
	must(t, err)
	must(t, os.WriteFile(dir+"/root.json", root, 0o600))
	reg := lab.NewRegistry(lab.RegistryOptions{Clock: time.Now})
	must(t, reg.Start())
	defer reg.Close()
	env := "REG=" + reg.Host() + "\n"
	for _, x := range []struct{ n, platform string }{{"widget", ""}, {"single", "linux/amd64"}, {"naked", "linux/amd64"}, {"bill", "linux/amd64"}} {
		repo := reg.Host() + "/acme/" + x.n
		o := lab.ReleaseOptions{Repository: repo, Platform: x.platform, Form: lab.BundleForm}
		r, err := lab.NewRelease(s, o)
		must(t, err)
		if x.n != "naked" {
			must(t, r.Sign(s, r.Signer()))
			must(t, r.AddProvenance(s, r.Builder(), r.Provenance()))
			md, err := lab.ReleaseMetadata(repo, r.Image.Digest(), s.Now())
			must(t, err)
			must(t, r.Attest(s, r.Signer(), md))
			bom, err := lab.CycloneDX(repo, r.Image.Digest())
			must(t, err)
			must(t, r.Attest(s, r.Signer(), bom))
		}
		if x.n == "single" {
			for k, p := range map[string]any{
				"null": nil, "array": []any{1, 2}, "number": json.Number("18446744073709551616"), "string": "x", "empty": map[string]any{},
				"big":  map[string]any{"s": strings.Repeat("a", 1<<20), "t": strings.Repeat("a", 1<<19) + "b", "l": make([]string, 300000), "n": strings.Repeat("a", 1<<16), "p": "(" + strings.Repeat("a{1000}", 100) + ")"},
				"evil": map[string]any{"text": "a\x1b[31m<script>|`\n## pwn\u202e", "big": json.Number("18446744073709551616"), "t": "9999-12-31T23:59:59Z", "neg": -1},
			} {
				st, err := lab.Statement(lab.StatementV1, "https://x.example/"+k, lab.Subjects(repo, r.Image.Digest()), p)
				must(t, err)
				must(t, r.Attest(s, r.Signer(), st))
			}
		}
		must(t, r.Push(context.Background()))
		env += fmt.Sprintf("%s=%s@%s\n", strings.ToUpper(x.n), repo, r.Image.Digest())
		env += fmt.Sprintf("%s_D=%s\n", strings.ToUpper(x.n), r.Image.Digest())
		for i, c := range r.Image.Children() {
			env += fmt.Sprintf("%s_C%d=%s\n", strings.ToUpper(x.n), i, c.Digest)
		}
	}
	must(t, os.WriteFile(dir+"/env", []byte(env), 0o600))
	for range 2000 {
		if _, err := os.Stat(dir + "/stop"); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
}
