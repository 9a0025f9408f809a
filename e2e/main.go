// Command e2e verifies, with assay, what real programs have signed, and has real programs verify what our laboratory has
// made. It builds the servers of a Sigstore (Fulcio, a CT log, Rekor v1 and v2, a timestamp authority) and two versions of
// cosign from source, once, into a cache; starts the servers in a network namespace of their own; signs releases there
// with the claims of GitHub's tokens; and judges them. docs/e2e.md says what this proves.
//
//	go run ./e2e [-run TEXT] [-timeout DURATION] [-v]
//	go run ./e2e -build-only [-build-timeout DURATION]
//	go run ./e2e -bin NAME
//	go run ./e2e -list
//
// The exit code is 0 if all is well, 1 if a scenario failed, 2 for a fault of this program or its setting, and 3 if it
// cannot be run here: no network namespace can be made, or what is missing in the cache cannot be built in time.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
	"github.com/releaseassay/assay/e2e/internal/process"
	"github.com/releaseassay/assay/e2e/internal/tool"
)

// options are the command line.
type options struct {
	cache, bin, match, assay string
	buildTimeout, timeout    time.Duration
	workers                  int
	buildOnly, list          bool
	keep, verbose            bool
	inside                   string // the folder of a run, for the process in the namespace
}

func main() {
	var o options
	flag.StringVar(&o.cache, "cache", "", "the folder of built tools (default $XDG_CACHE_HOME/assay/e2e)")
	flag.StringVar(&o.bin, "bin", "", "build the tool `NAME` if it is missing, print where it lies, and stop")
	flag.StringVar(&o.assay, "assay", "", "judge with this program in place of one that is built from the tree")
	flag.StringVar(&o.match, "run", "", "run only the scenarios that have `TEXT` in their names")
	flag.DurationVar(&o.buildTimeout, "build-timeout", 2*time.Hour, "how long building what is missing may take")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Minute, "how long servers and scenarios may take together")
	flag.IntVar(&o.workers, "j", runtime.NumCPU(), "how many scenarios run at a time")
	flag.BoolVar(&o.buildOnly, "build-only", false, "fill the cache, and stop")
	flag.BoolVar(&o.list, "list", false, "list tools with their versions, and scenarios, and stop")
	flag.BoolVar(&o.keep, "keep", false, "keep keys, logs and policies of the run, and say where they are")
	flag.BoolVar(&o.verbose, "v", false, "say what is being done")
	flag.StringVar(&o.inside, "inside", "", "used by the program itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	os.Exit(code)
}

// run does what the command line asks for, and decides the exit code.
func (o options) run(ctx context.Context) (int, error) {
	if flag.NArg() > 0 {
		return exit.Fault, fmt.Errorf("found the argument %q; wanted flags alone", flag.Arg(0))
	}
	if o.inside != "" {
		return exit.Coded(o.rehearse(ctx))
	}
	code, err := o.outside(ctx)
	if err != nil {
		return exit.Coded(0, err)
	}
	return code, nil
}

// outside prepares the tools, and then enters the namespace.
func (o options) outside(ctx context.Context) (int, error) {
	source, err := tool.SourceFolder(ctx)
	if err != nil {
		return 0, err
	}
	modules := filepath.Join(source, "e2e", "tools")
	if o.list {
		return exit.Good, list(os.Stdout, modules)
	}
	wanted := tools()
	if o.bin != "" {
		one, err := toolNamed(o.bin)
		if err != nil {
			return 0, err
		}
		wanted = []tool.Tool{one}
	} else {
		wanted = slices.DeleteFunc(wanted, func(t tool.Tool) bool { return t.Name == oracle })
	}
	bin, err := o.build(ctx, modules, wanted)
	if err != nil {
		return 0, err
	}
	if o.bin != "" {
		fmt.Println(bin[o.bin])
		return exit.Good, nil
	}
	if o.buildOnly {
		return exit.Good, nil
	}
	return o.perform(ctx, source, bin)
}

// build fills the cache with the wanted tools within the limit.
func (o options) build(ctx context.Context, modules string, wanted []tool.Tool) (map[string]string, error) {
	return tool.Build(ctx, tool.Place{Cache: o.cache, Modules: modules, Limit: o.buildTimeout, Log: os.Stderr}, wanted)
}

// perform builds assay from the tree and runs the scenarios in a namespace.
func (o options) perform(ctx context.Context, source string, bin map[string]string) (int, error) {
	dir, err := os.MkdirTemp("", "assay-e2e-")
	if err != nil {
		return 0, fmt.Errorf("make folder of the run: %w", err)
	}
	if o.keep {
		fmt.Fprintf(os.Stderr, "e2e: everything is kept in %s\n", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	assay, err := tool.Assay(ctx, o.assay, source, dir)
	if err != nil {
		return 0, err
	}
	if err := writePlan(dir, plan{Bin: bin, Assay: assay}); err != nil {
		return 0, err
	}
	return process.Enter(ctx, []string{
		"-inside", dir, "-run", o.match, "-timeout", o.timeout.String(), fmt.Sprintf("-j=%d", o.workers), fmt.Sprintf("-v=%t", o.verbose),
	})
}

// list prints the tools with their versions, and the scenarios.
func list(w io.Writer, modules string) error {
	for _, t := range tools() {
		raw, err := os.ReadFile(filepath.Join(modules, t.Module, "go.mod"))
		if err != nil {
			return fmt.Errorf("read go.mod: %w", err)
		}
		v, err := tool.Version(raw, t.Package)
		if err != nil {
			return err
		}
		if v == "" {
			v = "ours"
		}
		fmt.Fprintf(w, "tool     %-17s %-8s %s\n", t.Name, v, t.Package)
	}
	for _, s := range scenarios() {
		fmt.Fprintf(w, "scenario %s\n", s.name)
	}
	return nil
}
