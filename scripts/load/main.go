// Command load measures `assay serve` under load: it starts a registry on loopback with many releases, and the server
// before it, and asks as an API server does, over connections that are kept. Every mode is bounded in time and count.
//
//	go run ./scripts/load [-mode warm,cold,stampede,soak] [-bin FILE | -inprocess] [-json FILE] [-check]
//
// warm asks again and again about a few images that are known; cold asks once about images that are not, at a
// registry that is slow; stampede asks about one new image many times at once; soak asks about many images for long and
// watches the server's memory. What comes out are figures of this machine under its load of the moment, which is
// printed with them; -check exits 1 where a target is missed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	modes                            []string
	bin                              string
	inProcess, check, plain          bool
	connections, images, known       int
	reviews, crowd                   int
	duration, latency                time.Duration
	rate                             float64
	json, cpuProfile, memProfile, as string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errMissed):
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	}
}

// errMissed is a target that was not reached.
var errMissed = errors.New("a target was missed")

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	modes := f.String("mode", "warm,cold,stampede,soak", "what to measure, with commas between")
	f.StringVar(&o.bin, "bin", "", "the assay to measure; built if none is named")
	f.BoolVar(&o.inProcess, "inprocess", false, "run the server within this process, for a profile")
	f.BoolVar(&o.plain, "plain", false, "plain HTTP in place of TLS")
	f.StringVar(&o.as, "door", "validate", "the admission door: validate or mutate")
	f.IntVar(&o.connections, "connections", 16, "connections at once")
	f.IntVar(&o.known, "known", 100, "images of the modes warm and cold")
	f.DurationVar(&o.duration, "duration", 15*time.Second, "time of the mode warm")
	f.Float64Var(&o.rate, "rate", 0, "reviews a second of the mode warm; 0 is as fast as it goes")
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "what the registry adds to each request in the modes cold and stampede")
	f.IntVar(&o.crowd, "crowd", 1000, "reviews at once in the mode stampede")
	f.IntVar(&o.images, "images", 5000, "images of the mode soak")
	f.IntVar(&o.reviews, "reviews", 200_000, "reviews of the mode soak")
	f.StringVar(&o.json, "json", "", "write the figures to this file too")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "with -inprocess: write a profile of the CPU, from after the releases are made")
	f.StringVar(&o.memProfile, "memprofile", "", "with -inprocess: write a profile of the memory at the end")
	f.BoolVar(&o.check, "check", false, "exit 1 if a target is missed")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.modes = strings.Split(*modes, ",")
	for _, m := range o.modes {
		if !slices.Contains([]string{"warm", "cold", "stampede", "soak"}, m) {
			return o, fmt.Errorf("found the mode %q; wanted warm, cold, stampede or soak", m)
		}
	}
	if o.connections < 1 || o.connections > 10_000 || o.known < 1 || o.known > 100_000 || o.images < 1 || o.images > 100_000 ||
		o.crowd < 1 || o.crowd > 10_000 || o.reviews < 1 || o.reviews > 100_000_000 || o.duration <= 0 || o.duration > time.Hour {
		return o, errors.New("a number is out of its bounds; wanted 1 to 10,000 connections, 1 to 100,000 images, an hour at most")
	}
	if o.as != "validate" && o.as != "mutate" {
		return o, fmt.Errorf("found the door %q; wanted validate or mutate", o.as)
	}
	if !o.inProcess && (o.cpuProfile != "" || o.memProfile != "") {
		return o, errors.New("a profile needs -inprocess")
	}
	return o, nil
}

// run measures every mode and prints what it found.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "assay-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.bin == "" && !o.inProcess {
		o.bin = filepath.Join(dir, "assay")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", o.bin, "./cmd/assay")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build assay: %w\n%s", err, out)
		}
	}
	var all []result
	for _, mode := range o.modes {
		r, err := measure(ctx, o, mode, filepath.Join(dir, mode))
		if err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		r.print(os.Stdout)
		all = append(all, r)
	}
	if o.json != "" {
		raw, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(raw, '\n'), 0o600); err != nil {
			return err
		}
	}
	if o.check && slices.ContainsFunc(all, func(r result) bool { return len(r.Missed) > 0 }) {
		return errMissed
	}
	return nil
}

// measure makes the releases of one mode, starts a server of its own before them and asks.
func measure(ctx context.Context, o options, mode, dir string) (_ result, err error) {
	n := map[string]int{"warm": o.known, "cold": o.known, "stampede": 2, "soak": o.images}[mode]
	began := time.Now()
	c, err := newCorpus(ctx, dir, n)
	if err != nil {
		return result{}, err
	}
	defer c.close()
	fmt.Fprintf(os.Stderr, "%s: %d releases in %s\n", mode, n, time.Since(began).Round(time.Millisecond))
	s, err := start(ctx, o, c)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if o.cpuProfile != "" {
		f, err := os.Create(strings.TrimSuffix(o.cpuProfile, ".prof") + "." + mode + ".prof")
		if err != nil {
			return result{}, err
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return result{}, err
		}
		defer pprof.StopCPUProfile()
	}
	b := bench{o: o, corpus: c, server: s}
	r := result{Mode: mode, Door: o.as, Connections: o.connections, LoadBefore: loadAverage()}
	err = map[string]func(context.Context, *result) error{
		"warm": b.warm, "cold": b.cold, "stampede": b.stampede, "soak": b.soak,
	}[mode](ctx, &r)
	if err == nil && o.memProfile != "" {
		err = writeHeap(strings.TrimSuffix(o.memProfile, ".prof") + "." + mode + ".prof")
	}
	return r, err
}
