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
	run  func(context.Context, *world) error
}

// scenarios lists all of them.
func scenarios() []scenario {
	var out []scenario
	for _, l := range lanes() {
		out = append(out, l.scenarios()...)
	}
	out = append(out, scenario{retired().name + "/entry-type-that-newer-verifiers-cannot-read", unread})
	return append(out, reverseScenarios()...)
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

// runAll runs scenarios, some at a time, and prints a line for each as it ends. A scenario that the context's end keeps
// from running has failed.
func runAll(ctx context.Context, w *world, all []scenario, workers int, report io.Writer) tally {
	var (
		mu      sync.Mutex
		counted tally
		group   sync.WaitGroup
	)
	queue := make(chan scenario)
	for range max(1, workers) {
		group.Go(func() {
			for s := range queue {
				began := time.Now()
				err := ctx.Err()
				if err == nil {
					err = s.run(ctx, w)
				}
				mu.Lock()
				if err == nil {
					counted.passed++
					fmt.Fprintf(report, "ok   %-58s %5.1f s\n", s.name, time.Since(began).Seconds())
				} else {
					counted.failed++
					fmt.Fprintf(report, "FAIL %-58s %5.1f s\n%s\n", s.name, time.Since(began).Seconds(), indent(err.Error()))
				}
				mu.Unlock()
			}
		})
	}
	for _, s := range all {
		queue <- s
	}
	close(queue)
	group.Wait()
	return counted
}

func indent(text string) string {
	return "     " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n     ")
}
