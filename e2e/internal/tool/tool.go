// Package tool builds other people's programs from source, into a cache.
package tool

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
)

// Tool is somebody else's program, built from source at the version that the go.mod of its module pins.
type Tool struct {
	// Name is what the binary is called, Module the folder below e2e/tools, and Package what is built there.
	Name, Module, Package string
	// Variables are set by the linker, as IMPORTPATH.NAME=VALUE, where "{version}" is the version that is built.
	Variables []string
}

// Version reads from the text of a go.mod which version of a package is built: that of the required module with the
// longest path that holds it, "" for what belongs to the module itself.
func Version(gomod []byte, pkg string) (string, error) {
	f, err := modfile.ParseLax("go.mod", gomod, nil)
	if err != nil {
		return "", fmt.Errorf("read go.mod: %w", err)
	}
	best, found := f.Module.Mod.Path, ""
	if !within(pkg, best) {
		best = ""
	}
	for _, r := range f.Require {
		if len(r.Mod.Path) > len(best) && within(pkg, r.Mod.Path) {
			best, found = r.Mod.Path, r.Mod.Version
		}
	}
	if best == "" {
		return "", fmt.Errorf("found no module of package %s in go.mod; wanted it required", pkg)
	}
	return found, nil
}

// within reports whether a package lies in a module.
func within(pkg, module string) bool {
	return pkg == module || strings.HasPrefix(pkg, module+"/")
}

// cacheKey names the binaries of a module by what they are made from: the compiler and every file of its folder, which
// holds go.mod, go.sum and sources of our own.
func cacheKey(compiler string, folder fs.FS) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", compiler, strings.Join(buildFlags(), " "))
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isSource(name) {
			return err
		}
		raw, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%x %s\n", sha256.Sum256(raw), name)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hash module: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// isSource reports whether a file takes part in a build.
func isSource(name string) bool {
	base := path.Base(name)
	return base == "go.mod" || base == "go.sum" || strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go")
}

// buildFlags are those of every build.
func buildFlags() []string {
	return []string{"-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w"}
}
