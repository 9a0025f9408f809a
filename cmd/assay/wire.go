package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// loadTrust reads the trusted roots, the keys and the TUF roots that a policy in the
// folder dir names.
func loadTrust(c *cli.Context, w world, p *policy.Policy, dir string) (verify.Trust, error) {
	var t verify.Trust
	if c.IsSet("trusted-root") && !p.Trust[policy.PublicGood].Builtin {
		return t, usagef("--trusted-root stands in for the builtin root, and the policy's public-good is a file; wanted one of them")
	}
	for name, entry := range p.Trust {
		root, err := loadRoot(c, w, dir, entry)
		if err != nil {
			return t, usagef("trust.%s: %w", name, err)
		}
		r, err := verify.NewTrustedRoot(name, root.Source, root.JSON, entry.Thresholds)
		if err != nil {
			return t, usagef("%w", err)
		}
		t.Roots = append(t.Roots, r)
	}
	var err error
	if t.Keys, err = loadKeys(p, dir); err != nil {
		return t, err
	}
	pinned, err := loadPinnedRoots(p, dir)
	if err != nil {
		return t, err
	}
	for sha256, b := range pinned {
		root, err := verify.NewPinnedRoot(b, sha256)
		if err != nil {
			return t, usagef("%w", err)
		}
		t.Pinned = append(t.Pinned, root)
	}
	return t, nil
}

func loadRoot(c *cli.Context, w world, dir string, entry policy.Trust) (trust.Root, error) {
	if !entry.Builtin {
		return trust.Load(beside(dir, entry.File), entry.SHA256)
	}
	return defaultRoot(c, w)
}

// defaultRoot is the root that verification takes where no policy says otherwise.
func defaultRoot(c *cli.Context, w world) (trust.Root, error) {
	if file := c.String("trusted-root"); file != "" {
		return trust.Load(file, "")
	}
	return builtinRoot(c, w), nil
}

// builtinRoot is the newer of the embedded and the updated root. A question about
// the past reads no cache.
func builtinRoot(c *cli.Context, w world) trust.Root {
	cache := ""
	if !c.IsSet("at") {
		cache = w.cacheDir()
	}
	root, warning := trust.Builtin(cache)
	if warning != "" {
		fmt.Fprintf(w.stderr, "assay: warning: %s\n", warning)
	}
	return root
}

// loadKeys reads the files of all keys that the policy names.
func loadKeys(p *policy.Policy, dir string) ([]verify.Key, error) {
	var keys []verify.Key
	for _, k := range p.Keys() {
		pem, err := readFile(beside(dir, k.File), 64<<10)
		if err != nil {
			return nil, usagef("read the public key: %w", err)
		}
		key, err := verify.NewKey(pem, k.SHA256)
		if err != nil {
			return nil, usagef("%s: %w", k.File, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// beside resolves a path that a policy names, relative to the policy's folder.
func beside(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return b, nil
}
