package load_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
)

// folder is a policy with one file of each kind that it can rest on.
type folder struct {
	t   *testing.T
	dir string
	// files are their contents by path below dir.
	files map[string]string
}

const text = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: whole}
include: [{file: common/people.yaml}]
trust: {corp: {file: roots/corp.json, sha256: CORP}}
images:
  - match: ghcr.io/o/n
    signature: {signer: [vendor, {key: {file: own.pem, sha256: OWN}}], trust: corp}
    release:
      tuf:
        metadata_url: https://example.com/tuf/metadata
        targets_url: https://example.com/tuf/targets
        root: {file: roots/1.root.json, sha256: TUF}
      target: v{version}.json
`

const fragment = `apiVersion: assay/v1
kind: ReleasePolicyFragment
identities: {signers: {vendor: {key: {file: vendor.pem, sha256: VENDOR}}}}
`

func newFolder(t *testing.T) *folder {
	t.Helper()
	return &folder{t: t, dir: t.TempDir(), files: map[string]string{
		"policy.yaml": text, "common/people.yaml": fragment, "common/vendor.pem": key(t), "own.pem": key(t),
		"roots/corp.json": string(trust.PublicGood().JSON), "roots/1.root.json": `{"a": 1}`,
	}}
}

func key(t *testing.T) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func hexOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// write puts the files there, with the digests that they have.
func (f *folder) write() string {
	f.t.Helper()
	for path, content := range f.files {
		for word, of := range map[string]string{"CORP": "roots/corp.json", "OWN": "own.pem", "TUF": "roots/1.root.json", "VENDOR": "common/vendor.pem"} {
			content = strings.ReplaceAll(content, "sha256: "+word, "sha256: "+hexOf(f.files[of]))
		}
		path = filepath.Join(f.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	return filepath.Join(f.dir, "policy.yaml")
}

func read(t *testing.T, file string, o load.PolicyOptions) *load.Policy {
	t.Helper()
	p, err := load.ReadPolicy(file, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReadPolicy(t *testing.T) {
	f := newFolder(t)
	p := read(t, f.write(), load.PolicyOptions{Version: "dev"})
	var files []string
	for _, path := range p.Files {
		local, err := filepath.Rel(f.dir, path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.ToSlash(local))
	}
	slices.Sort(files)
	want := []string{"common/people.yaml", "common/vendor.pem", "own.pem", "policy.yaml", "roots/1.root.json", "roots/corp.json"}
	if !slices.Equal(files, want) {
		t.Errorf("read %v, want %v", files, want)
	}
	var roots []string
	for _, r := range p.Trust.Roots {
		roots = append(roots, r.Name())
	}
	if !slices.Equal(roots, []string{"corp", policy.PublicGood}) || len(p.Trust.Keys) != 2 || len(p.Trust.Pinned) != 1 {
		t.Errorf("found the roots %v, %d keys, %d pinned roots", roots, len(p.Trust.Keys), len(p.Trust.Pinned))
	}
	if p.Digest == p.Policy.Digest || len(p.Digest) != len("sha256:")+64 {
		t.Errorf("the digest is %q, that of the text %q", p.Digest, p.Policy.Digest)
	}
	if len(p.Warnings) > 0 {
		t.Errorf("found %v", p.Warnings)
	}
}

// TestDigestIsOfEverything changes one byte of each file in turn, and what stands in for
// the builtin root, and wants another digest each time; the same files elsewhere have
// the same one.
func TestDigestIsOfEverything(t *testing.T) {
	f := newFolder(t)
	seen := map[string]string{read(t, f.write(), load.PolicyOptions{}).Digest: "as it is"}
	differs := func(what string, o load.PolicyOptions) {
		t.Helper()
		got := read(t, f.write(), o).Digest
		if other, ok := seen[got]; ok {
			t.Errorf("%s: the digest is that of %s", what, other)
		}
		seen[got] = what
	}
	for path, was := range f.files {
		f.files[path] = was + "\n"
		differs(path, load.PolicyOptions{})
		f.files[path] = was
	}
	other := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(other, append(trust.PublicGood().JSON, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	differs("another builtin root", load.PolicyOptions{TrustedRoot: other})
	f.files["policy.yaml"] = strings.ReplaceAll(text, "trust: corp}", "trust: public-good}")
	differs("another root for the signature", load.PolicyOptions{})
	f.files["policy.yaml"] = text

	moved := newFolder(t)
	moved.files = f.files
	if _, ok := seen[read(t, moved.write(), load.PolicyOptions{}).Digest]; !ok {
		t.Error("the same files in another folder have another digest")
	}
	// A root that is built in is covered by its content: named or not, it is the same.
	if err := os.WriteFile(other, trust.PublicGood().JSON, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := seen[read(t, f.write(), load.PolicyOptions{TrustedRoot: other}).Digest]; got != "as it is" {
		t.Errorf("a copy of the builtin root gives the digest of %q", got)
	}
}

func TestReadPolicyRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(f *folder)
		o     load.PolicyOptions
		want  string
	}{
		"no policy":        {func(f *folder) { delete(f.files, "policy.yaml") }, load.PolicyOptions{}, "read the policy: open "},
		"a fault":          {func(f *folder) { f.files["policy.yaml"] += "a: 1\n" }, load.PolicyOptions{}, "the policy is not valid:\n"},
		"no fragment":      {func(f *folder) { delete(f.files, "common/people.yaml") }, load.PolicyOptions{}, "the policy is not valid:\n"},
		"no key":           {func(f *folder) { delete(f.files, "own.pem") }, load.PolicyOptions{}, "read the public key: open "},
		"no root":          {func(f *folder) { delete(f.files, "roots/corp.json") }, load.PolicyOptions{}, "trust.corp: "},
		"no TUF root":      {func(f *folder) { delete(f.files, "roots/1.root.json") }, load.PolicyOptions{}, "release.tuf.root: read the TUF root: "},
		"a large TUF root": {func(f *folder) { f.files["roots/1.root.json"] = strings.Repeat(" ", load.MaxTUFRoot+1) }, load.PolicyOptions{}, "has more than 524288 bytes"},
		"another TUF root": {func(f *folder) { f.files["policy.yaml"] = strings.Replace(text, "TUF}", hexOf("other")+"}", 1) }, load.PolicyOptions{}, "as the policy pins it"},
		"another key":      {func(f *folder) { f.files["policy.yaml"] = strings.Replace(text, "OWN}", hexOf("other")+"}", 1) }, load.PolicyOptions{}, "own.pem: "},
		"a policy too new": {func(f *folder) { f.files["policy.yaml"] += "requires: \">= 9.0.0\"\na: 1\n" }, load.PolicyOptions{Version: "1.0.0"}, "the policy requires assay 9.0.0 or newer"},
		"no stand-in":      {func(*folder) {}, load.PolicyOptions{TrustedRoot: "/no/such/file"}, "trust.public-good: "},
		"a stand-in for none": {func(f *folder) {
			f.files["policy.yaml"] = strings.NewReplacer("corp:", "public-good:", "trust: corp", "trust: public-good").Replace(text)
		}, load.PolicyOptions{TrustedRoot: "x"}, "--trusted-root stands in for the builtin root"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			c.spoil(f)
			_ = f.write()
			p, err := load.ReadPolicy(filepath.Join(f.dir, "policy.yaml"), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || p != nil {
				t.Errorf("got %v; wanted %q", err, c.want)
			}
		})
	}
}

// TestWarnings: a development build is taken for any version, and says so.
func TestWarnings(t *testing.T) {
	f := newFolder(t)
	f.files["policy.yaml"] += "requires: \">= 9.0.0\"\n"
	p := read(t, f.write(), load.PolicyOptions{Version: "dev"})
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "development build") {
		t.Errorf("found %q", p.Warnings)
	}
}

// TestFragmentIsAFile: the policy's own file may be a pipe, and what it names may not.
func TestFragmentIsAFile(t *testing.T) {
	f := newFolder(t)
	delete(f.files, "common/people.yaml")
	file := f.write()
	if err := os.MkdirAll(filepath.Join(f.dir, "common/people.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := load.ReadPolicy(file, load.PolicyOptions{}); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestReadExceptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "exceptions.yaml")
	if _, err := load.ReadExceptions(file); err == nil || !strings.HasPrefix(err.Error(), "read the exceptions: ") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(file, []byte("a: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load.ReadExceptions(file); err == nil || !strings.HasPrefix(err.Error(), "the exceptions are not valid:\n") {
		t.Errorf("got %v", err)
	}
}
