package tool

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
)

// Place says where tools are built.
type Place struct {
	// Cache is the folder of built tools; "" is assay/e2e in the user's cache. Modules is that of the tools' modules.
	Cache, Modules string
	// Limit is how long building what is missing may take.
	Limit time.Duration
	// Log is told what was built.
	Log io.Writer
}

// Build fills the cache with the wanted tools, and returns where each lies.
func Build(ctx context.Context, p Place, wanted []Tool) (map[string]string, error) {
	dir := p.Cache
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, exit.CannotRun{Reason: fmt.Errorf("find the cache: %w; name one with -cache", err)}
		}
		dir = filepath.Join(base, "assay", "e2e")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the cache: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limit, fmt.Errorf("not built within %s", p.Limit))
	defer cancel()
	c, err := OpenCache(ctx, dir, p.Modules, p.Log)
	if err != nil {
		return nil, err
	}
	return c.Fill(ctx, wanted)
}

// Assay is the program under test: the one that is named, or one that is built from the tree into a folder.
func Assay(ctx context.Context, named, source, dir string) (string, error) {
	if named != "" {
		file, err := filepath.Abs(named)
		if err != nil {
			return "", fmt.Errorf("find assay: %w", err)
		}
		return file, nil
	}
	file := filepath.Join(dir, "assay")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./cmd/assay")
	cmd.Dir, cmd.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build assay: %w\n%s", err, out)
	}
	return file, nil
}

// SourceFolder is where the go.mod of the program that runs lies.
func SourceFolder(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/releaseassay/assay").Output()
	if err != nil {
		return "", fmt.Errorf("find the source: %w; run this in the repository", err)
	}
	return strings.TrimSpace(string(out)), nil
}
