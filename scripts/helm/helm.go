package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNoHelm says that no helm was built here yet.
var errNoHelm = errors.New("helm is not built on this machine; `make helm` builds it once, which takes minutes")

// helm is a built helm.
type helm struct{ file string }

// findHelm returns the helm that the module in tools pins, from the cache, and builds it
// if it may. The cache is named by what it is made from.
func findHelm(ctx context.Context, tools string, build bool) (helm, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return helm{}, fmt.Errorf("find the cache folder: %w", err)
	}
	version := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	version.Dir = tools
	compiler, err := version.Output()
	if err != nil {
		return helm{}, fmt.Errorf("ask the go command for its version: %w", err)
	}
	sum := sha256.New()
	sum.Write(compiler)
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(tools, name))
		if err != nil {
			return helm{}, fmt.Errorf("read the module of helm: %w", err)
		}
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(b))
	}
	folder := filepath.Join(dir, "assay-helm", hex.EncodeToString(sum.Sum(nil))[:16])
	file := filepath.Join(folder, "helm")
	if _, err := os.Stat(file); err == nil || !build {
		if err != nil {
			return helm{}, errNoHelm
		}
		return helm{file}, nil
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return helm{}, fmt.Errorf("make the cache folder: %w", err)
	}
	half := file + ".building"
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", half, "helm.sh/helm/v3/cmd/helm")
	cmd.Dir, cmd.Env = tools, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return helm{}, fmt.Errorf("build helm: %w\n%s", err, out)
	}
	return helm{file}, os.Rename(half, file)
}

// run starts helm away from whatever the user has set up for it.
func (h helm) run(ctx context.Context, args ...string) ([]byte, error) {
	home, err := os.MkdirTemp("", "assay-helm-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for helm: %w", err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, h.file, args...) //nolint:gosec // the file is the one that was built here
	cmd.Env = []string{"HOME=" + home, "PATH=/nonexistent", "KUBECONFIG=/dev/null"}
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("helm %s: %w: %s", args[0], err, strings.TrimSpace(complaint.String()+out.String()))
	}
	return out.Bytes(), nil
}

// kubeVersion is the Kubernetes that is rendered for.
const kubeVersion = "1.34.0"

// lint runs helm's own linter; a warning is an error.
func (h helm) lint(ctx context.Context, chart, values string) error {
	_, err := h.run(ctx, "lint", chart, "--strict", "--quiet", "--kube-version", kubeVersion, "--namespace", "assay-system", "--values", values)
	return err
}

// template renders the chart as the release assay in assay-system. What is made at random
// is taken out, so that two renderings of the same are equal.
func (h helm) template(ctx context.Context, chart, values string, more ...string) ([]byte, error) {
	args := []string{"template", "assay", chart, "--kube-version", kubeVersion, "--namespace", "assay-system", "--values", values}
	out, err := h.run(ctx, append(args, more...)...)
	if err != nil {
		return nil, err
	}
	return redact(out), nil
}

// redact takes generated keys, certificates and tokens out.
func redact(b []byte) []byte {
	lines := strings.Split(string(b), "\n")
	kind, data := "", false
	for i, line := range lines {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case strings.HasPrefix(line, "kind:"):
			kind = strings.TrimSpace(value)
		case line == "---":
			kind, data = "", false
		case line == "data:":
			data = kind == "Secret"
		case key == "caBundle" || data && strings.HasPrefix(line, "  "):
			lines[i] = line[:strings.Index(line, ":")+1] + " UkVEQUNURUQ="
		}
	}
	return []byte(strings.Join(lines, "\n"))
}
