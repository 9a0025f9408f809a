package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// scenario is one thing that has to come out as it should.
type scenario struct {
	name string
	// alone says that nothing else may run beside it.
	alone bool
	run   func(context.Context) error
}

// selected keeps the scenarios whose names have a text in them.
func selected(all []scenario, text string) []scenario {
	var out []scenario
	for _, s := range all {
		if strings.Contains(s.name, text) {
			out = append(out, s)
		}
	}
	return out
}

// tally counts how scenarios came out.
type tally struct{ passed, failed int }

func (t tally) String() string { return fmt.Sprintf("%d passed, %d failed", t.passed, t.failed) }

// report prints and counts.
type report struct {
	mu sync.Mutex
	to io.Writer
	tally
}

// run makes one scenario. One that the context's end keeps from running has failed.
func (r *report) run(ctx context.Context, s scenario) {
	began := time.Now()
	err := ctx.Err()
	if err == nil {
		err = s.run(ctx)
	}
	took := time.Since(began).Seconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.passed++
		fmt.Fprintf(r.to, "ok   %-66s %5.1f s\n", s.name, took)
		return
	}
	r.failed++
	fmt.Fprintf(r.to, "FAIL %-66s %5.1f s\n%s\n", s.name, took, indent(err.Error()))
}

// runAll makes the scenarios, some at a time, and then those that want to be alone, one after the other.
func runAll(ctx context.Context, all []scenario, workers int, to io.Writer) tally {
	r := &report{to: to}
	queue := make(chan scenario)
	var group sync.WaitGroup
	for range max(1, workers) {
		group.Go(func() {
			for s := range queue {
				r.run(ctx, s)
			}
		})
	}
	for _, s := range all {
		if !s.alone {
			queue <- s
		}
	}
	close(queue)
	group.Wait()
	for _, s := range all {
		if s.alone {
			r.run(ctx, s)
		}
	}
	return r.tally
}

func indent(text string) string {
	return "     " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n     ")
}
