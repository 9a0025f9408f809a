package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

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
	dir, err := filepath.Abs(c.String("dir"))
	if err != nil || c.String("dir") == "" {
		return usagef("--dir is %q; wanted a folder to write into", c.String("dir"))
	}
	site, err := openSite(c, w)
	if err != nil {
		return err
	}
	defer func() { _ = site.Close() }()
	control, stop, err := serveControl(site)
	if err != nil {
		return err
	}
	defer stop()
	if err := site.Write(dir, control); err != nil {
		return usagef("%w", err)
	}
	fmt.Fprintf(w.stdout, "%d cases at %s, listed in %s\n", len(site.Questions), site.Registry.Host(), filepath.Join(dir, cases.CasesFile))
	services, err := serveSigstore(site, w, dir)
	if err != nil {
		return err
	}
	defer services()
	fmt.Fprintf(w.stdout, "\nPut them to assay, or to a gate of your own that exits 0 to admit:\n\n"+
		"  assay lab run --lab %[1]s\n  assay lab run --lab %[1]s --gate 'COMMAND {image}'\n\nInterrupt to stop.\n", c.String("dir"))
	<-c.Context.Done()
	return nil
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

// openSite publishes the cases that --case names.
func openSite(c *cli.Context, w world) (*cases.Site, error) {
	chosen, err := chosenCases(c)
	if err != nil {
		return nil, err
	}
	raiseMemoryLimit()
	site, err := cases.Open(c.Context, cases.SiteOptions{Now: w.now(), Clock: w.now, Cases: chosen, Address: c.String("listen")})
	if err != nil {
		return nil, &exit{code: exitUndecided, err: err}
	}
	return site, nil
}

// serveControl starts the server that turns cases to their acts.
func serveControl(site *cases.Site) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, &exit{code: exitUndecided, err: fmt.Errorf("start the lab's control: %w", err)}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cases/{id}/acts/{act}", func(rw http.ResponseWriter, req *http.Request) {
		n, err := strconv.Atoi(req.PathValue("act"))
		if err == nil {
			err = site.Turn(req.Context(), req.PathValue("id"), n)
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusNotFound)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

// turnAt asks a served lab to turn a case to an act.
func turnAt(control string) func(context.Context, string, int) error {
	return func(ctx context.Context, id string, act int) error {
		if control == "" {
			return errors.New("the list of cases names no control address")
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/cases/%s/acts/%d", control, id, act), http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			return fmt.Errorf("the lab answered %s", resp.Status)
		}
		return nil
	}
}

// serveSigstore opens the doors of the site's Sigstore, by which a client signs as a GitHub workflow would, and writes
// what the client has to be told.
func serveSigstore(site *cases.Site, w world, dir string) (stop func(), err error) {
	services := lab.NewServices(site.Sigstore, lab.ServicesOptions{Clock: w.now})
	if err := services.Start(); err != nil {
		return nil, &exit{code: exitUndecided, err: fmt.Errorf("open the doors of the lab's Sigstore: %w", err)}
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
		return nil, usagef("write the signing configuration: %w", err)
	}
	fmt.Fprintf(w.stdout, "Fulcio, Rekor and a timestamp authority at %s. To sign as the release workflow of %s:\n\n"+
		"  . %s\n  cosign sign --yes --signing-config %s --trusted-root %s IMAGE\n", services.URL(), lab.DefaultRepo,
		shell.Join(filepath.Join(dir, "sign.env")), shell.Join(filepath.Join(dir, "signing_config.json")), shell.Join(filepath.Join(dir, cases.TrustedRootFile)))
	return stop, nil
}
