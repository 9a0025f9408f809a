package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/releaseassay/assay/e2e/internal/process"
	"github.com/releaseassay/assay/internal/lab"
)

// commandLimit is how long one call of cosign or assay may take.
const commandLimit = 2 * time.Minute

// outcome is how a command ended.
type outcome struct {
	exit           int
	stdout, stderr []byte
}

// world is where the scenarios happen: in a folder, with real servers, with those of our laboratory, and with assay.
type world struct {
	dir, assay string
	stack      *stack
	// registry has the referrers API, which the stack's has not.
	registry *lab.Registry
	// known is the instance behind services. Nobody has heard of the unknown one.
	known, unknown *lab.Sigstore
	services       *lab.Services
	// real is where the real servers are, and labs where services are.
	real, labs site
	now        func() time.Time
}

// site is where a lane signs.
func (w *world) site(l lane) site {
	if l.lab {
		return w.labs
	}
	return w.real
}

// file is the path of a file of the world.
func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// run calls a program with an environment of its own. That it ends with another code than 0 is no error.
func (w *world) run(ctx context.Context, program string, env, args []string) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	home := w.file("home")
	cmd.Dir = w.dir
	cmd.Env = slices.Concat([]string{"HOME=" + home, "DOCKER_CONFIG=" + home, "ASSAY_CACHE=" + w.file("assay-cache"), "TMPDIR=" + w.dir}, env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	process.DieWithUs(cmd)
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		return outcome{}, fmt.Errorf("run %s: %w", filepath.Base(program), errors.Join(err, ctx.Err()))
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.Bytes()}, nil
}

// must runs a command that has to end with 0.
func (w *world) must(ctx context.Context, program string, env, args []string) ([]byte, error) {
	out, err := w.run(ctx, program, env, args)
	if err != nil {
		return nil, err
	}
	if out.exit != 0 {
		return nil, fmt.Errorf("%s %s: found exit code %d; wanted 0\n%s", filepath.Base(program), args[0], out.exit, lastLines(out.stderr))
	}
	return out.stdout, nil
}

// lastLines is the end of what a program said.
func lastLines(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[max(0, len(text)-1500):]
}
