package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/lab/gate"
	"github.com/releaseassay/assay/internal/shell"
)

// contender is a gate of the comparison.
type contender struct {
	// name is how the page calls it.
	name string
	// line is the command for people to read.
	line string
	// program is the tool whose version is shown.
	program string
	command gate.Command
}

// Identities that the gates demand: the workflow that signs, and the builder that attests.
var (
	signer  = lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).SAN
	builder = "https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@" + lab.GeneratorRef
)

// contenders are the commands that people write today, for those of the tools that are there.
func (o options) contenders() []contender {
	who := "--certificate-identity " + signer + " --certificate-oidc-issuer " + lab.GitHubIssuer
	loose := "--certificate-identity-regexp https://github.com/" + lab.DefaultRepo + " --certificate-oidc-issuer " + lab.GitHubIssuer
	by := "--certificate-identity " + builder + " --certificate-oidc-issuer " + lab.GitHubIssuer
	const root = " --trusted-root {trusted_root} "
	var out []contender
	add := func(name, program, line string, env ...string) {
		if program == "" {
			return
		}
		args := strings.Fields(line)
		out = append(out, contender{name: name, line: line, program: program, command: gate.Command{
			Path: program, Args: args, Timeout: o.timeout, Env: append([]string{"TUF_ROOT={state}", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost"}, env...),
		}})
	}
	add("cosign 3 verify", o.cosign3, "cosign verify"+root+who+" {image}")
	add("cosign 3 verify, by pattern", o.cosign3, "cosign verify"+root+loose+" {image}")
	add("cosign 3 verify, legacy", o.cosign3, "cosign verify --new-bundle-format=false"+root+who+" {image}")
	add("cosign 3 verify-attestation", o.cosign3, "cosign verify-attestation --type slsaprovenance"+root+by+" {image}")
	add("cosign 2 verify", o.cosign2, "cosign verify"+root+who+" {image}")
	add("cosign 2 verify-attestation", o.cosign2, "cosign verify-attestation --offline --type slsaprovenance "+by+" {image}",
		"SIGSTORE_ROOT_FILE={dir}/keys/fulcio.pem", "SIGSTORE_REKOR_PUBLIC_KEY={dir}/keys/rekor.pem", "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE={dir}/keys/ct.pem")
	if o.crane != "" && o.slsaVerifier != "" {
		// slsa-verifier takes digests alone, so that users resolve the tag first.
		line := "slsa-verifier verify-image $(crane digest --full-ref {image}) --source-uri github.com/" + lab.DefaultRepo + " --source-tag v" + lab.DefaultTag
		shown := strings.NewReplacer("slsa-verifier ", shell.Join(o.slsaVerifier)+" ", "crane ", shell.Join(o.crane)+" ", "{image}", `"$1"`).Replace(line)
		add("slsa-verifier verify-image", "/bin/sh", "sh")
		k := &out[len(out)-1]
		k.line, k.program, k.command.Args = line, o.slsaVerifier, []string{"sh", "-c", shown, "sh", "{image}"}
	}
	return out
}

// writeKeys writes the public keys of an instance as cosign 2 wants them for legacy attestations.
func writeKeys(s *lab.Sigstore, dir string) error {
	rekor, err := s.RekorPublicKeyPEM()
	if err != nil {
		return err
	}
	ct, err := s.CTLogPublicKeyPEM()
	if err != nil {
		return err
	}
	keys := filepath.Join(dir, "keys")
	if err := os.MkdirAll(keys, 0o750); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"fulcio.pem": s.FulcioChainPEM(), "rekor.pem": rekor, "ct.pem": ct} {
		if err := os.WriteFile(filepath.Join(keys, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// versionOf asks a tool for its version, as `go version -m` records it.
func versionOf(ctx context.Context, program string) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "version", "-m", program).Output() //nolint:gosec // the program is the user's own
	if err != nil {
		return "unknown"
	}
	// The dependency of the module that pins the tool says which version it is.
	path := ""
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[0] == "path":
			path = f[1]
		case len(f) >= 3 && (f[0] == "mod" || f[0] == "dep") && path != "" && (path == f[1] || strings.HasPrefix(path, f[1]+"/")) && f[2] != "(devel)":
			return f[2]
		}
	}
	return "unknown"
}
