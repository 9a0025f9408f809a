// Command image makes the container image of assay as an OCI layout, for every platform
// and without a Docker daemon: a static program, CA certificates and a user, nothing
// else. The same tree, compiler and certificates give the same digest, which it prints.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

type options struct {
	out, platforms, roots  string
	version, commit, date  string
	ldflags, programFolder string
}

func main() {
	var o options
	flag.StringVar(&o.out, "o", "dist/image", "write the layout into `FOLDER`, which is replaced")
	flag.StringVar(&o.platforms, "platforms", "linux/amd64,linux/arm64", "platforms, separated by commas")
	flag.StringVar(&o.roots, "ca", "/etc/ssl/certs/ca-certificates.crt", "CA certificates in PEM")
	flag.StringVar(&o.version, "version", "dev", "the version")
	flag.StringVar(&o.commit, "commit", "", "the commit")
	flag.StringVar(&o.date, "date", "", "the commit's time (RFC 3339), which all files get; none is 1970")
	flag.StringVar(&o.ldflags, "ldflags", "", "flags of the linker")
	flag.StringVar(&o.programFolder, "program", "./cmd/assay", "the package to build")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1) //nolint:forbidigo // a command
	}
}

func run(ctx context.Context, o options) error {
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	index, err := assemble(b)
	if err != nil {
		return err
	}
	if err := write(o.out, index, o.version); err != nil {
		return err
	}
	if err := try(ctx, o.out); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("digest the index: %w", err)
	}
	fmt.Println(digest) //nolint:forbidigo // a command
	return nil
}

// build compiles the programs and reads the rest.
func (o options) build(ctx context.Context) (build, error) {
	b := build{version: o.version, commit: o.commit, created: time.Unix(0, 0)}
	var err error
	if o.date != "" {
		if b.created, err = time.Parse(time.RFC3339, o.date); err != nil {
			return b, fmt.Errorf("read -date: %w", err)
		}
	}
	if b.roots, err = os.ReadFile(o.roots); err != nil {
		return b, fmt.Errorf("read the CA certificates: %w; wanted -ca FILE", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(b.roots) {
		return b, fmt.Errorf("found no certificate in %s; wanted PEM", o.roots)
	}
	dir, err := os.MkdirTemp("", "assay-image-")
	if err != nil {
		return b, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name := range strings.SplitSeq(o.platforms, ",") {
		p, err := v1.ParsePlatform(strings.TrimSpace(name))
		if err != nil || p.OS != "linux" || p.Architecture == "" {
			return b, fmt.Errorf("found the platform %q; wanted such as linux/amd64", name)
		}
		file := filepath.Join(dir, "assay")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", o.ldflags, "-o", file, o.programFolder)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Architecture)
		if out, err := cmd.CombinedOutput(); err != nil {
			return b, fmt.Errorf("build for %s: %w\n%s", name, err, out)
		}
		binary, err := os.ReadFile(file)
		if err != nil {
			return b, fmt.Errorf("read what was built: %w", err)
		}
		b.programs = append(b.programs, program{*p, binary})
	}
	return b, nil
}

// write puts the index into a new layout under the version's name.
func write(folder string, index v1.ImageIndex, version string) error {
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("replace the layout: %w", err)
	}
	l, err := layout.Write(folder, empty.Index)
	if err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	if err := l.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": version})); err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	return nil
}

// try takes the program of this machine's platform out of the layout and runs it.
func try(ctx context.Context, folder string) error {
	top, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return fmt.Errorf("read the layout: %w", err)
	}
	binary, found, err := programOf(top, runtime.GOARCH)
	if err != nil || !found || runtime.GOOS != "linux" {
		return err
	}
	dir, err := os.MkdirTemp("", "assay-image-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "assay")
	if err := os.WriteFile(file, binary, 0o700); err != nil { //nolint:gosec // to be run
		return fmt.Errorf("take the program out: %w", err)
	}
	cmd := exec.CommandContext(ctx, file, "version")
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) == 0 {
		return errors.Join(fmt.Errorf("run the image's program: found %q", out), err)
	}
	return nil
}
