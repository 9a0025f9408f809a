package tool

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

	"github.com/releaseassay/assay/e2e/internal/exit"
)

// Cache keeps built tools in a folder: DIR/KEY/NAME.
type Cache struct {
	dir, modules string
	compiler     string
	log          io.Writer
}

// OpenCache reads which compiler there is. modules is the folder of the tools' modules.
func OpenCache(ctx context.Context, dir, modules string, log io.Writer) (*Cache, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOEXPERIMENT")
	cmd.Dir = modules
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask the go command for its version: %w", err)
	}
	return &Cache{dir: dir, modules: modules, compiler: strings.Join(strings.Fields(string(out)), " "), log: log}, nil
}

// Path says where a tool's binary lies, or will.
func (c *Cache) Path(t Tool) (string, error) {
	key, err := cacheKey(strings.Join(append([]string{c.compiler}, t.Variables...), " "), os.DirFS(filepath.Join(c.modules, t.Module)))
	if err != nil {
		return "", err
	}
	return filepath.Join(c.dir, key, t.Name), nil
}

// Fill builds those tools that are missing, and returns where each lies.
func (c *Cache) Fill(ctx context.Context, wanted []Tool) (map[string]string, error) {
	where := map[string]string{}
	for _, t := range wanted {
		file, err := c.Path(t)
		if err != nil {
			return nil, err
		}
		where[t.Name] = file
		if _, err := os.Stat(file); err == nil {
			continue
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("look for %s: %w", t.Name, err)
		}
		began := time.Now()
		if err := c.build(ctx, t, file); err != nil {
			return nil, err
		}
		fmt.Fprintf(c.log, "built %s in %.1f s\n", t.Name, time.Since(began).Seconds())
	}
	return where, nil
}

// build makes one binary. It appears under its name only when it is whole.
func (c *Cache) build(ctx context.Context, t Tool, file string) error {
	// The packages are loaded first, so that a module that cannot be fetched is not taken for one that does not compile.
	if out, err := c.run(ctx, t, "list", "-deps", "-mod=readonly", t.Package); err != nil {
		return unfetched(ctx, t, out, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return exit.CannotRun{Reason: fmt.Errorf("make cache folder: %w", err)}
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), ".building-")
	if err != nil {
		return exit.CannotRun{Reason: fmt.Errorf("make cache folder: %w", err)}
	}
	defer func() { _ = os.RemoveAll(dir) }()
	half := filepath.Join(dir, t.Name)
	flags, err := c.flags(t)
	if err != nil {
		return err
	}
	if out, err := c.run(ctx, t, slices.Concat([]string{"build"}, flags, []string{"-o", half, t.Package})...); err != nil {
		if ctx.Err() != nil {
			return exit.CannotRun{Reason: fmt.Errorf("build %s: %w", t.Name, context.Cause(ctx))}
		}
		return fmt.Errorf("build %s: %w\n%s", t.Name, err, out)
	}
	if err := os.Rename(half, file); err != nil {
		return fmt.Errorf("keep %s: %w", t.Name, err)
	}
	return nil
}

// flags are those of a tool's build, with its variables.
func (c *Cache) flags(t Tool) ([]string, error) {
	if len(t.Variables) == 0 {
		return buildFlags(), nil
	}
	gomod, err := os.ReadFile(filepath.Join(c.modules, t.Module, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("read go.mod of %s: %w", t.Name, err)
	}
	v, err := Version(gomod, t.Package)
	if err != nil {
		return nil, err
	}
	flags := buildFlags()
	for _, variable := range t.Variables {
		flags[len(flags)-1] += " -X " + strings.ReplaceAll(variable, "{version}", v)
	}
	return flags, nil
}

// unfetched tells a go.mod or go.sum that is wrong, which is our fault, from modules that cannot be had.
func unfetched(ctx context.Context, t Tool, out []byte, err error) error {
	if ctx.Err() != nil {
		return exit.CannotRun{Reason: fmt.Errorf("fetch the modules of %s: %w", t.Name, context.Cause(ctx))}
	}
	err = fmt.Errorf("fetch the modules of %s: %w\n%s", t.Name, err, out)
	for _, ours := range []string{"missing go.sum entry", "updates to go.mod needed", "checksum mismatch", "no required module"} {
		if bytes.Contains(out, []byte(ours)) {
			return err
		}
	}
	return exit.CannotRun{Reason: err}
}

// run starts the go command in a tool's module and returns what it complained of. Whatever the user sets for other
// builds stays out.
func (c *Cache) run(ctx context.Context, t Tool, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(c.modules, t.Module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	err := cmd.Run()
	return complaint.Bytes(), err
}
