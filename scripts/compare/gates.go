package main

import (
	"cmp"
	"context"
	"os/exec"
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
	trust   trust
}

// Identities that the gates demand: the workflow that signs, and the builder that attests.
var (
	signer  = lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).SAN
	builder = "https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@" + lab.GeneratorRef
)

// contenders are the commands that people write today, for those of the tools that are there.
func (o options) contenders() []contender {
	who := " --certificate-identity " + signer + " --certificate-oidc-issuer " + lab.GitHubIssuer
	loose := " --certificate-identity-regexp https://github.com/" + lab.DefaultRepo + " --certificate-oidc-issuer " + lab.GitHubIssuer
	by := " --type slsaprovenance --certificate-identity " + builder + " --certificate-oidc-issuer " + lab.GitHubIssuer
	var out []contender
	cosign := func(name, program, arguments string) {
		if program == "" {
			return
		}
		out = append(out, contender{
			name: name, line: "cosign " + arguments + " {image}", program: program, trust: trust{cosign: program},
			command: o.inHome("exec " + shell.Join(program) + " " + arguments + ` "$1"`),
		})
	}
	cosign("cosign 3 verify", o.cosign3, "verify"+who)
	cosign("cosign 3 verify, by pattern", o.cosign3, "verify"+loose)
	cosign("cosign 3 verify, legacy", o.cosign3, "verify --new-bundle-format=false"+who)
	cosign("cosign 3 verify-attestation", o.cosign3, "verify-attestation"+by)
	cosign("cosign 2 verify", o.cosign2, "verify"+who)
	cosign("cosign 2 verify-attestation", o.cosign2, "verify-attestation"+by)
	if with := cmp.Or(o.cosign2, o.cosign3); o.crane != "" && o.slsaVerifier != "" && with != "" {
		// slsa-verifier takes digests alone, so that users resolve the tag first.
		source := " --source-uri github.com/" + lab.DefaultRepo + " --source-tag v" + lab.DefaultTag
		out = append(out, contender{
			name: "slsa-verifier verify-image", line: "slsa-verifier verify-image $(crane digest --full-ref {image})" + source,
			program: o.slsaVerifier, trust: trust{cosign: with, parts: true},
			command: o.inHome("image=$(" + shell.Join(o.crane) + ` digest --full-ref "$1") && exec ` + shell.Join(o.slsaVerifier) + ` verify-image "$image"` + source),
		})
	}
	return out
}

// inHome is a gate that runs a script with the image as its argument, and TUF_ROOT as `cosign initialize` made it.
func (o options) inHome(script string) gate.Command {
	return gate.Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", inHome, "sh", "{state}", "{trusted_root}", script, "{image}"}, Timeout: o.timeout,
		Env: []string{"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost"},
	}
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
