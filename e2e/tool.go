package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
)

// tool is somebody else's program, built from source at the version that the go.mod of its module pins.
type tool struct {
	// name is what the binary is called, module the folder below e2e/tools, and pkg what is built there.
	name, module, pkg string
}

// tools lists all of them, the quick ones of each module first.
func tools() []tool {
	return []tool{
		{"trillmem", "servers", "github.com/releaseassay/assay/e2e/tools/servers/trillmem"},
		{"crane", "servers", "github.com/google/go-containerregistry/cmd/crane"},
		{"rekor2", "servers", "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix"},
		{"timestamp-server", "servers", "github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server"},
		{"ct_server", "servers", "github.com/google/certificate-transparency-go/trillian/ctfe/ct_server"},
		{"fulcio", "servers", "github.com/sigstore/fulcio"},
		{"rekor1", "servers", "github.com/sigstore/rekor/cmd/rekor-server"},
		{"cosign3", "cosign3", "github.com/sigstore/cosign/v3/cmd/cosign"},
		{"cosign2", "cosign2", "github.com/sigstore/cosign/v2/cmd/cosign"},
		{oracle, "slsa-verifier", "github.com/slsa-framework/slsa-verifier/v2/cli/slsa-verifier"},
	}
}

// oracle is a tool that no scenario needs: it is built when it is asked for by name.
const oracle = "slsa-verifier"

// toolNamed finds one.
func toolNamed(name string) (tool, error) {
	var names []string
	for _, t := range tools() {
		if t.name == name {
			return t, nil
		}
		names = append(names, t.name)
	}
	return tool{}, fmt.Errorf("found no tool %q; wanted one of %s", name, strings.Join(names, ", "))
}

// version reads from the text of a go.mod which version of a package is built: that of the required module with the
// longest path that holds it, "" for what belongs to the module itself.
func version(gomod []byte, pkg string) (string, error) {
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
