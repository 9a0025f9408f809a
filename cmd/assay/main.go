// Command assay decides whether a release image may run: it checks the image's
// cosign signature and SLSA provenance against one policy and prints one verdict.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Set by the linker in releases.
var (
	version = "dev"
	commit  = ""
	date    = ""
)

// memoryLimit is how much memory the program may hold, in bytes, before the garbage
// collector works harder for it: far more than an honest verification needs, and
// what keeps one over a 30 MB attestation below 150 MB. GOMEMLIMIT overrides it.
const memoryLimit = 96 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, pluginArgs(os.Args), world{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, environ: os.Environ, now: time.Now, cacheDir: cacheDir, terminal: terminal, ticks: ticks,
	})
	stop()
	os.Exit(code)
}

// world is what a command touches of the world, so that tests can replace it.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string // NAME=value, as os.Environ
	now            func() time.Time
	// cacheDir returns where updated trusted roots are kept, "" if nowhere.
	cacheDir func() string
	// terminal reports whether a writer is one, and how wide it is.
	terminal func(io.Writer) (width int, ok bool)
	// ticks is a clock that ticks until it is stopped.
	ticks func(time.Duration) (c <-chan time.Time, stop func())
}

func cacheDir() string {
	if dir := os.Getenv("ASSAY_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return dir + "/assay"
}

func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, w world) (code int) {
	if len(args) > 0 && args[0] == pluginName {
		return runContainerd(ctx, args, w)
	}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(w.stderr, "assay: internal.panic: %v\nThis is a fault of assay; nothing was decided. Please report it with the command that you ran.\n", r)
			code = exitUndecided
		}
	}()
	app := newApp(w)
	permuted, err := permute(app, args)
	if err == nil {
		err = app.RunContext(ctx, append([]string{"assay"}, permuted...))
	}
	return exitCode(err, w.stderr)
}
