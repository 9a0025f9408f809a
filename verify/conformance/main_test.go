package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

const (
	identity = "ann@acme.example"
	issuer   = "https://issuer.lab.example"
	text     = "a file that is not an image\n"
)

// files are what a command line names.
type files struct {
	dir, artifact, other, digest, trustedRoot string
	// The first three are signed by the identity, the last two by the key.
	message, statement, rekor2, keyed, keyedBare, key string
	emptyRoot                                         string
}

func newFiles(t *testing.T) files {
	t.Helper()
	now := time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)
	f := files{dir: t.TempDir()}
	write := func(name string, b []byte, err error) string {
		t.Helper()
		path := filepath.Join(f.dir, name)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, err := lab.NewSigstore(lab.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.Issue(lab.Person(identity, issuer), now)
	if err != nil {
		t.Fatal(err)
	}
	keyed, err := s.NewKeySigner()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	f.digest = "sha256:" + hex.EncodeToString(sum[:])
	f.artifact, f.other = write("a.txt", []byte(text), nil), write("b.txt", []byte("else"), nil)
	f.key = write("key.pub", keyed.PublicKeyPEM(), nil)
	f.emptyRoot = write("empty_root.json", []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), nil)
	b, err := s.TrustedRoot()
	f.trustedRoot = write("trusted_root.json", b, err)
	statement, err := lab.Statement("https://in-toto.io/Statement/v1", "https://example.com/made", lab.Subjects("a.txt", f.digest), map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name string, by *lab.Signer, content []byte, opts ...lab.BundleOption) string {
		t.Helper()
		b, err := by.Bundle(content, now.Add(time.Minute), opts...)
		return write(name, b, err)
	}
	f.message = sign("message.json", signer, []byte(text), lab.MessageSignature())
	f.statement = sign("statement.json", signer, statement)
	f.rekor2 = sign("rekor2.json", signer, []byte(text), lab.MessageSignature(), lab.RekorV2())
	f.keyed = sign("keyed.json", keyed, []byte(text), lab.MessageSignature())
	f.keyedBare = sign("bare.json", keyed, []byte(text), lab.MessageSignature(), lab.Unlogged())
	return f
}

func TestRun(t *testing.T) {
	f := newFiles(t)
	by := func(bundle string, more ...string) []string {
		return append([]string{"verify-bundle", "--bundle", bundle, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, "--trusted-root", f.trustedRoot}, more...)
	}
	key := func(bundle string, more ...string) []string {
		return append([]string{"verify-bundle", "--bundle", bundle, "--key", f.key, "--trusted-root", f.trustedRoot}, more...)
	}
	for name, c := range map[string]struct {
		args []string
		want string // of stderr; empty means accepted
	}{
		"message":               {by(f.message, f.artifact), ""},
		"message, digest":       {by(f.message, f.digest), ""},
		"statement":             {by(f.statement, f.artifact), ""},
		"statement, digest":     {by(f.statement, f.digest), ""},
		"rekor v2":              {by(f.rekor2, f.artifact), ""},
		"rekor v2, digest":      {by(f.rekor2, f.digest), ""},
		"key":                   {key(f.keyed, f.artifact), ""},
		"key, digest":           {key(f.keyed, f.digest), ""},
		"key, a root of nobody": {[]string{"verify-bundle", "--bundle", f.keyedBare, "--key", f.key, "--trusted-root", f.emptyRoot, f.artifact}, ""},
		"staging with its root": {by(f.message, "--staging", f.artifact), ""},
		"any order": {[]string{
			"verify-bundle", f.artifact, "--trusted-root=" + f.trustedRoot, "--certificate-oidc-issuer=" + issuer, "--certificate-identity=" + identity, "--bundle=" + f.message,
		}, ""},
		"the artifact between": {[]string{"verify-bundle", "--key", f.key, f.artifact, "--bundle=" + f.keyed, "--trusted-root", f.trustedRoot}, ""},

		"another file":              {by(f.message, f.other), "refused"},
		"another file, statement":   {by(f.statement, f.other), "refused"},
		"another digest":            {by(f.message, "sha256:"+strings.Repeat("0", 64)), "refused"},
		"another digest, statement": {by(f.statement, "sha256:"+strings.Repeat("0", 64)), "refused"},
		"no such file":              {by(f.message, filepath.Join(f.dir, "none")), "none"},
		"a short digest is a file":  {by(f.message, f.digest[:70]), "sha256:"},
		"another algorithm":         {by(f.message, "sha512:"+f.digest[7:]), "sha512:"},
		"the default root":          {[]string{"verify-bundle", "--bundle", f.message, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, f.artifact}, "refused"},
		"a root of nobody":          {[]string{"verify-bundle", "--bundle", f.message, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, "--trusted-root", f.emptyRoot, f.artifact}, "no certificate authority"},
		"staging without its root":  {[]string{"verify-bundle", "--staging", "--bundle", f.message, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, f.artifact}, "staging"},
		"another identity":          {[]string{"verify-bundle", "--bundle", f.message, "--certificate-identity", "bob@acme.example", "--certificate-oidc-issuer", issuer, "--trusted-root", f.trustedRoot, f.artifact}, "wanted"},
		"part of the identity":      {[]string{"verify-bundle", "--bundle", f.message, "--certificate-identity", "ann@acme", "--certificate-oidc-issuer", issuer, "--trusted-root", f.trustedRoot, f.artifact}, "wanted"},
		"another issuer":            {[]string{"verify-bundle", "--bundle", f.message, "--certificate-identity", identity, "--certificate-oidc-issuer", issuer + "/x", "--trusted-root", f.trustedRoot, f.artifact}, "wanted"},
		"no issuer":                 {[]string{"verify-bundle", "--bundle", f.message, "--certificate-identity", identity, "--trusted-root", f.trustedRoot, f.artifact}, "the signer"},
		"neither":                   {[]string{"verify-bundle", "--bundle", f.message, "--trusted-root", f.trustedRoot, f.artifact}, "neither"},
		"neither, keyed":            {[]string{"verify-bundle", "--bundle", f.keyed, "--trusted-root", f.trustedRoot, f.artifact}, "neither"},
		"both":                      {by(f.message, "--key", f.key, f.artifact), "both"},
		"both, keyed":               {by(f.keyed, "--key", f.key, f.artifact), "both"},
		"a key for a certificate":   {key(f.message, f.artifact), "wanted a plain key"},
		"a certificate for a key":   {by(f.keyed, f.artifact), "wanted a certificate"},
		"key, another file":         {key(f.keyed, f.other), "refused"},
		"key, not logged":           {key(f.keyedBare, f.artifact), "log entries"},
		"not a key":                 {[]string{"verify-bundle", "--bundle", f.keyed, "--key", f.artifact, "--trusted-root", f.trustedRoot, f.artifact}, "public key"},
		"no such key":               {[]string{"verify-bundle", "--bundle", f.keyed, "--key", f.key + "x", "--trusted-root", f.trustedRoot, f.artifact}, "key.pubx"},
		"not a bundle":              {by(f.artifact, f.artifact), "bundle"},
		"no such bundle":            {by(f.message+"x", f.artifact), "message.jsonx"},
		"not a root":                {[]string{"verify-bundle", "--bundle", f.keyed, "--key", f.key, "--trusted-root", f.artifact, f.artifact}, "trusted root"},
		"nothing":                   {nil, "usage"},
		"sign":                      {[]string{"sign-bundle", "--in-toto", "--bundle", f.message, f.artifact}, "usage"},
		"no artifact":               {by(f.message), "usage"},
		"two artifacts":             {by(f.message, f.artifact, f.artifact), "twice"},
		"two bundles":               {by(f.message, "--bundle", f.message, f.artifact), "twice"},
		"an empty flag":             {by(f.message, "--key=", f.artifact), "empty"},
		"an unknown flag":           {by(f.message, "--insecure", f.artifact), "insecure"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(c.args, &stdout, &stderr)
			if stdout.Len() > 0 {
				t.Errorf("stdout %q", &stdout)
			}
			switch {
			case c.want == "" && (code != 0 || stderr.Len() > 0):
				t.Errorf("exit %d: %s", code, &stderr)
			case c.want != "" && (code != 1 || !strings.Contains(stderr.String(), c.want)):
				t.Errorf("exit %d: %s; wanted 1 and %q", code, &stderr, c.want)
			}
		})
	}
}

// TestBinary builds the program and runs it as the suite does.
func TestBinary(t *testing.T) {
	f := newFiles(t)
	binary := filepath.Join(f.dir, "conformance")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	code := func(args ...string) int {
		t.Helper()
		cmd := exec.Command(binary, args...)
		out, err := cmd.Output()
		if len(out) > 0 {
			t.Errorf("stdout %q", out)
		}
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode()
	}
	if got := code("verify-bundle", "--bundle", f.keyed, "--key", f.key, "--trusted-root", f.trustedRoot, f.artifact); got != 0 {
		t.Errorf("a good bundle: exit %d", got)
	}
	if got := code("verify-bundle", "--bundle", f.keyed, "--key", f.key, "--trusted-root", f.trustedRoot, f.other); got != 1 {
		t.Errorf("another file: exit %d", got)
	}
	if got := code("verify-bundle", "--bundle", f.keyed, "--trusted-root", f.trustedRoot, f.artifact); got != 1 {
		t.Errorf("no identity and no key: exit %d", got)
	}
}
