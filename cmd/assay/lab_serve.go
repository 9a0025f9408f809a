package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/lab/cases"
	"github.com/releaseassay/assay/internal/shell"
)

func labServeCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "publish the attack range on loopback until it is interrupted",
		Description: "Publishes good and attacked releases in registries on 127.0.0.1, and writes into DIR what a gate needs:\n" +
			"cases.json (image, attack, wanted answer), policy.yaml, trusted_root.json, the roots of TUF repositories,\n" +
			"signing_config.json, and docker/config.json with the password of the registries that want one.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "write into `DIR`", Value: "assay-lab"},
			&cli.StringFlag{Name: "listen", Usage: "serve most images at `ADDRESS`", Value: "127.0.0.1:0"},
			caseFlag(),
		},
		Action: func(c *cli.Context) error { return runLabServe(c, w) },
	}
}

func runLabServe(c *cli.Context, w world) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay lab serve` takes none", c.Args().First())
	}
	if err := onLoopback(c.String("listen")); err != nil {
		return err
	}
	chosen, err := chosenCases(c)
	if err != nil {
		return err
	}
	dir, err := labFolder(c.Context, c.String("dir"))
	if err != nil {
		return err
	}
	site, err := openSite(c, w, chosen)
	if err != nil {
		return err
	}
	defer func() { _ = site.Close() }()
	services, stop, err := serveSigstore(site, w, dir)
	if err != nil {
		return err
	}
	defer stop()
	k, err := newControl(site)
	if err != nil {
		return err
	}
	if err := site.Write(dir, k.url()); err != nil {
		return usagef("%w", err)
	}
	list, err := files.Read(filepath.Join(dir, cases.CasesFile), listLimit)
	if err != nil {
		return usagef("%w", err)
	}
	defer k.serve(list)()
	in := func(name string) string { return shell.Join(filepath.Join(dir, name)) }
	fmt.Fprintf(w.stdout, "%d cases at %s, listed in %s\n"+
		"Fulcio, Rekor and a timestamp authority at %s. To sign as the release workflow of %s:\n\n"+
		"  . %s\n  cosign sign --yes --signing-config %s --trusted-root %s IMAGE\n\n"+
		"Put the cases to assay, or to a gate of your own that exits 0 to admit:\n\n"+
		"  assay lab run --lab %[9]s\n  assay lab run --lab %[9]s --gate 'COMMAND {image}'\n\nInterrupt to stop.\n",
		len(site.Questions), site.Registry.Host(), filepath.Join(dir, cases.CasesFile), services.URL(), lab.DefaultRepo,
		in("sign.env"), in("signing_config.json"), in(cases.TrustedRootFile), shell.Join(dir))
	<-c.Context.Done()
	return nil
}

// labFolder is the folder to write into. What is not an earlier lab's is left alone: a policy.yaml may be somebody's own.
func labFolder(ctx context.Context, name string) (string, error) {
	dir, err := filepath.Abs(name)
	if err != nil || name == "" {
		return "", usagef("--dir is %q; wanted a folder to write into", name)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", usagef("--dir: %w", err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return "", usagef("--dir: %w", err)
	}
	if len(there) == 0 {
		return dir, nil
	}
	raw, list, err := readList(dir)
	if err != nil {
		return "", usagef("--dir %s holds files that no lab wrote; wanted a new or empty folder, or that of an earlier lab", name)
	}
	_, release, err := takeLab(ctx, list.Control, raw)
	if err == nil {
		release()
	}
	if err == nil || errors.Is(err, errLabTaken) {
		return "", usagef("--dir %s is the folder of a lab that is served now; wanted another", name)
	}
	return dir, nil
}

// onLoopback refuses an address that others could reach: what the lab serves is made to deceive.
func onLoopback(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return usagef("--listen is %q; wanted an address such as 127.0.0.1:5000", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return usagef("--listen is %q; wanted an address of loopback such as 127.0.0.1:5000, as what the lab serves is made to deceive", address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return usagef("--listen is %q; wanted a port from 0, which takes a free one, to 65535", address)
	}
	return nil
}

// labMemory is what the garbage collector may let the lab hold: the lab keeps every image and every piece of evidence,
// which is more than one verification does.
const labMemory = 1 << 30

func raiseMemoryLimit() {
	if debug.SetMemoryLimit(-1) == memoryLimit {
		debug.SetMemoryLimit(labMemory)
	}
}

// openSite publishes cases.
func openSite(c *cli.Context, w world, chosen []cases.Case) (*cases.Site, error) {
	raiseMemoryLimit()
	site, err := cases.Open(c.Context, cases.SiteOptions{Now: w.now(), Clock: w.now, Cases: chosen, Address: c.String("listen")})
	if err != nil {
		return nil, &exit{code: exitUndecided, err: err}
	}
	return site, nil
}

// serveSigstore opens the doors of the site's Sigstore, by which a client signs as a GitHub workflow would, and writes
// what the client has to be told.
func serveSigstore(site *cases.Site, w world, dir string) (services *lab.Services, stop func(), err error) {
	services = lab.NewServices(site.Sigstore, lab.ServicesOptions{Clock: w.now})
	if err := services.Start(); err != nil {
		return nil, nil, &exit{code: exitUndecided, err: fmt.Errorf("open the doors of the lab's Sigstore: %w", err)}
	}
	stop = func() { _ = services.Close() }
	config, err := services.SigningConfig()
	if err == nil {
		err = replaceFile(filepath.Join(dir, "signing_config.json"), config)
	}
	var env strings.Builder
	for _, e := range services.Environment() {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&env, "export %s=%s\n", name, shell.Join(value))
	}
	if err == nil {
		err = replaceFile(filepath.Join(dir, "sign.env"), []byte(env.String()))
	}
	if err != nil {
		stop()
		return nil, nil, usagef("write the signing configuration: %w", err)
	}
	return services, stop, nil
}
