// Command bench measures what one verification costs: it builds assay, publishes a release to a registry on loopback in
// each layout of evidence, and runs the program against it, with and without latency. It prints a Markdown table, and
// exits 1 if more requests are sent, or in longer chains, than we promise. Times are shown and never judged: they
// belong to the machine.
//
//	go run ./scripts/bench [-n RUNS] [-latency DURATION]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// measureFlag makes this program the small process that starts assay and measures it; see measure.
const measureFlag = "-measure"

func main() {
	if len(os.Args) > 2 && os.Args[1] == measureFlag {
		os.Exit(measure(os.Args[2], os.Args[3:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	n := flag.Int("n", 15, "runs for each row")
	latency := flag.Duration("latency", 50*time.Millisecond, "what the slow rows add to each request")
	flag.Parse()
	kept, err := run(ctx, *n, *latency)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if !kept {
		os.Exit(1)
	}
}

// run measures every row and reports whether all bounds were kept.
func run(ctx context.Context, n int, latency time.Duration) (bool, error) {
	if n < 1 || latency <= 0 {
		return false, fmt.Errorf("found %d runs and a latency of %s; wanted at least one, and some", n, latency)
	}
	dir, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	assay := filepath.Join(dir, "assay")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", assay, "./cmd/assay")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return false, fmt.Errorf("build assay: %w\n%s", err, out)
	}
	f, err := newFactory(assay, dir)
	if err != nil {
		return false, err
	}
	kept := true
	fmt.Print(header)
	for _, r := range rows() {
		for _, added := range []time.Duration{0, latency} {
			line, err := f.measure(ctx, r, added, n)
			if err != nil {
				return false, fmt.Errorf("measure %s: %w", r.name, err)
			}
			fmt.Print(line.markdown())
			for _, broken := range line.broken() {
				fmt.Fprintf(os.Stderr, "bench: %s: %s\n", r.name, broken)
				kept = false
			}
		}
	}
	return kept, nil
}
