// Command kube puts `assay serve` before a real Kubernetes API server. It builds kube-apiserver from source, once, into a
// cache; starts it over etcd in a network namespace of its own, with the attack range of our laboratory beside it;
// registers the webhooks of our chart; and creates real objects through the API. docs/e2e-kube.md says what this proves.
//
//	go run ./e2e/kube [-run TEXT] [-timeout DURATION] [-v]
//	go run ./e2e/kube -build-only [-build-timeout DURATION]
//	go run ./e2e/kube -list
//
// The exit code is 0 if all is well, 1 if a scenario failed, 2 for a fault of this program or its setting, and 3 if it
// cannot be run here: no etcd, no network namespace, or a kube-apiserver that cannot be built in time.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
	"github.com/releaseassay/assay/e2e/internal/process"
	"github.com/releaseassay/assay/e2e/internal/tool"
)

// options are the command line.
type options struct {
	cache, match, assay, etcd, apiserver string
	buildTimeout, timeout                time.Duration
	buildOnly, list, keep, verbose       bool
	inside                               string // the folder of a run, for the process in the namespace
}

func main() {
	var o options
	flag.StringVar(&o.cache, "cache", "", "the folder of built tools (default $XDG_CACHE_HOME/assay/e2e)")
	flag.StringVar(&o.assay, "assay", "", "serve with this program in place of one that is built from the tree")
	flag.StringVar(&o.etcd, "etcd", "", "the program etcd (default: that on PATH)")
	flag.StringVar(&o.apiserver, "apiserver", "", "the program kube-apiserver in place of one that is built")
	flag.StringVar(&o.match, "run", "", "run only the scenarios that have `TEXT` in their names")
	flag.DurationVar(&o.buildTimeout, "build-timeout", 2*time.Hour, "how long building what is missing may take")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Minute, "how long servers and scenarios may take together")
	flag.BoolVar(&o.buildOnly, "build-only", false, "fill the cache, and stop")
	flag.BoolVar(&o.list, "list", false, "list the scenarios, and stop; those of the attack range are what `assay lab list` prints")
	flag.BoolVar(&o.keep, "keep", false, "keep keys, logs and policies of the run, and say where they are")
	flag.BoolVar(&o.verbose, "v", false, "say what is being done")
	flag.StringVar(&o.inside, "inside", "", "used by the program itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := exit.Coded(o.run(ctx))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e-kube:", err)
	}
	os.Exit(code)
}

// run does what the command line asks for.
func (o options) run(ctx context.Context) (int, error) {
	if flag.NArg() > 0 {
		return 0, fmt.Errorf("found the argument %q; wanted flags alone", flag.Arg(0))
	}
	switch {
	case o.list:
		for _, s := range (&world{}).scenarios() {
			fmt.Println(s.name)
		}
		return exit.Good, nil
	case o.inside != "":
		return o.rehearse(ctx)
	default:
		return o.outside(ctx)
	}
}

// apiserver is what is built.
func apiserver() tool.Tool {
	return tool.Tool{
		Name: "kube-apiserver", Module: "kube", Package: "k8s.io/kubernetes/cmd/kube-apiserver",
		Variables: []string{
			"k8s.io/component-base/version.gitVersion={version}",
			"k8s.io/component-base/version.gitMajor=1", "k8s.io/component-base/version.gitMinor=34",
		},
	}
}

// outside prepares the programs, and then enters the namespace.
func (o options) outside(ctx context.Context) (int, error) {
	source, err := tool.SourceFolder(ctx)
	if err != nil {
		return 0, err
	}
	if o.etcd, err = exec.LookPath(orElse(o.etcd, "etcd")); err != nil {
		return 0, exit.CannotRun{Reason: fmt.Errorf("find etcd: %w; install it (Debian: etcd-server), or name it with -etcd", err)}
	}
	if o.apiserver == "" {
		place := tool.Place{Cache: o.cache, Modules: filepath.Join(source, "e2e", "tools"), Limit: o.buildTimeout, Log: os.Stderr}
		bin, err := tool.Build(ctx, place, []tool.Tool{apiserver()})
		if err != nil {
			return 0, err
		}
		o.apiserver = bin["kube-apiserver"]
	}
	chart := tool.Place{Cache: o.cache, Modules: filepath.Join(source, "deploy", "helm"), Limit: o.buildTimeout, Log: os.Stderr}
	bin, err := tool.Build(ctx, chart, []tool.Tool{helm()})
	if err != nil {
		return 0, err
	}
	if o.buildOnly {
		return exit.Good, nil
	}
	dir, err := os.MkdirTemp("", "assay-e2e-kube-")
	if err != nil {
		return 0, fmt.Errorf("make folder of the run: %w", err)
	}
	if o.keep {
		fmt.Fprintf(os.Stderr, "e2e-kube: everything is kept in %s\n", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if o.assay, err = tool.Assay(ctx, o.assay, source, dir); err != nil {
		return 0, err
	}
	if err := render(ctx, bin["helm"], source, filepath.Join(dir, "chart.yaml")); err != nil {
		return 0, err
	}
	if err := keepGoldens(source, dir); err != nil {
		return 0, err
	}
	return process.Enter(ctx, []string{
		"-inside", dir, "-assay", o.assay, "-etcd", o.etcd, "-apiserver", o.apiserver, "-run", o.match,
		"-timeout", o.timeout.String(), fmt.Sprintf("-v=%t", o.verbose),
	})
}

// say prints what is being done, for those who asked for it.
func (o options) say(format string, args ...any) {
	if o.verbose {
		fmt.Fprintf(os.Stderr, "e2e-kube: "+format+"\n", args...)
	}
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
