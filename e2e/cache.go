package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// unavailable says why the scenarios cannot run on this machine now, through no fault of the tree.
type unavailable struct{ reason error }

func (u unavailable) Error() string { return u.reason.Error() }
func (u unavailable) Unwrap() error { return u.reason }

// cache keeps built tools in a folder: DIR/KEY/NAME.
type cache struct {
	dir, modules string
	compiler     string
	log          io.Writer
}

// openCache reads which compiler there is. modules is the folder of the tools' modules.
func openCache(ctx context.Context, dir, modules string, log io.Writer) (*cache, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOEXPERIMENT")
	cmd.Dir = modules
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask the go command for its version: %w", err)
	}
	return &cache{dir: dir, modules: modules, compiler: strings.Join(strings.Fields(string(out)), " "), log: log}, nil
}

// path says where a tool's binary lies, or will.
func (c *cache) path(t tool) (string, error) {
	key, err := cacheKey(c.compiler, os.DirFS(filepath.Join(c.modules, t.module)))
	if err != nil {
		return "", err
	}
	return filepath.Join(c.dir, key, t.name), nil
}

// fill builds those tools that are missing, and returns where each lies.
func (c *cache) fill(ctx context.Context, wanted []tool) (map[string]string, error) {
	where := map[string]string{}
	for _, t := range wanted {
		file, err := c.path(t)
		if err != nil {
			return nil, err
		}
		where[t.name] = file
		if _, err := os.Stat(file); err == nil {
			continue
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("look for %s: %w", t.name, err)
		}
		began := time.Now()
		if err := c.build(ctx, t, file); err != nil {
			return nil, err
		}
		fmt.Fprintf(c.log, "built %s in %.1f s\n", t.name, time.Since(began).Seconds())
	}
	return where, nil
}

// build makes one binary. It appears under its name only when it is whole.
func (c *cache) build(ctx context.Context, t tool, file string) error {
	// The packages are loaded first, so that a module that cannot be fetched is not taken for one that does not compile.
	if out, err := c.run(ctx, t, "list", "-deps", "-mod=readonly", t.pkg); err != nil {
		return unfetched(ctx, t, out, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return unavailable{fmt.Errorf("make cache folder: %w", err)}
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), ".building-")
	if err != nil {
		return unavailable{fmt.Errorf("make cache folder: %w", err)}
	}
	defer func() { _ = os.RemoveAll(dir) }()
	half := filepath.Join(dir, t.name)
	if out, err := c.run(ctx, t, slices.Concat([]string{"build"}, buildFlags(), []string{"-o", half, t.pkg})...); err != nil {
		if ctx.Err() != nil {
			return unavailable{fmt.Errorf("build %s: %w", t.name, context.Cause(ctx))}
		}
		return fmt.Errorf("build %s: %w\n%s", t.name, err, out)
	}
	if err := os.Rename(half, file); err != nil {
		return fmt.Errorf("keep %s: %w", t.name, err)
	}
	return nil
}

// unfetched tells a go.mod or go.sum that is wrong, which is our fault, from modules that cannot be had.
func unfetched(ctx context.Context, t tool, out []byte, err error) error {
	if ctx.Err() != nil {
		return unavailable{fmt.Errorf("fetch the modules of %s: %w", t.name, context.Cause(ctx))}
	}
	err = fmt.Errorf("fetch the modules of %s: %w\n%s", t.name, err, out)
	for _, ours := range []string{"missing go.sum entry", "updates to go.mod needed", "checksum mismatch", "no required module"} {
		if bytes.Contains(out, []byte(ours)) {
			return err
		}
	}
	return unavailable{err}
}

// run starts the go command in a tool's module and returns what it complained of. Whatever the user sets for other
// builds stays out.
func (c *cache) run(ctx context.Context, t tool, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(c.modules, t.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	err := cmd.Run()
	return complaint.Bytes(), err
}
