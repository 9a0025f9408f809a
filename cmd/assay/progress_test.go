package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/verify"
)

// screen is a terminal that shows the last line, as a person sees it.
type screen struct {
	mu      sync.Mutex
	written bytes.Buffer
	drawn   chan struct{}
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	s.written.Write(b)
	s.mu.Unlock()
	s.drawn <- struct{}{}
	return len(b), nil
}

func (s *screen) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.written.String()
	return all[strings.LastIndex(all, eraseLine)+len(eraseLine):]
}

// slow is a source whose answers wait until they are let go.
type slow struct{ step chan struct{} }

func (s slow) Resolve(context.Context, verify.Reference) (verify.Image, error) {
	<-s.step
	return verify.Image{}, nil
}

func (s slow) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	<-s.step
	return verify.Evidence{}
}

func (s slow) Release(context.Context, verify.ReleaseWant, func() (verify.Image, bool)) verify.ReleaseEvidence {
	<-s.step
	return verify.ReleaseEvidence{}
}

// watching is a world with a terminal of some width, whose clock ticks by hand.
func watching(width int, env map[string]string) (w world, s *screen, tick func(time.Duration), stopped *bool) {
	s, stopped = &screen{drawn: make(chan struct{}, 100)}, new(bool)
	began, clock := time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC), make(chan time.Time)
	w = world{
		stderr: s, now: func() time.Time { return began }, getenv: func(k string) string { return env[k] },
		terminal: func(io.Writer) (int, bool) { return width, true },
		ticks:    func(time.Duration) (<-chan time.Time, func()) { return clock, func() { *stopped = true } },
	}
	return w, s, func(d time.Duration) { clock <- began.Add(d) }, stopped
}

func TestProgress(t *testing.T) {
	w, s, tick, stopped := watching(80, nil)
	asked := 0
	p := startProgress(w, func() int { return asked })
	source := slow{make(chan struct{})}
	var seen verify.Source = p.watch(source)
	tick(900 * time.Millisecond)
	if s.written.Len() > 0 {
		t.Errorf("before a second there is %q", s.line())
	}
	shows := func(want string) {
		t.Helper()
		tick(time.Second)
		<-s.drawn
		if got := s.line(); got != want {
			t.Errorf("the line is %q; wanted %q", got, want)
		}
	}
	during := func(call func(), want string) {
		t.Helper()
		done, calling := make(chan struct{}), make(chan struct{})
		go func() { defer close(done); close(calling); call() }()
		<-calling
		for p.line() != want { // the call is on its way
			time.Sleep(time.Millisecond)
		}
		shows(want)
		source.step <- struct{}{}
		<-done
	}
	shows("resolving…")
	during(func() { _, _ = seen.Resolve(context.Background(), verify.Reference{}) }, "resolving…")
	shows("judging…")
	asked = 1
	during(func() { seen.Collect(context.Background(), verify.Image{}, verify.Want{}) }, "collecting evidence (1 request)…")
	asked = 12
	during(func() { seen.Collect(context.Background(), verify.Image{}, verify.Want{}) }, "collecting evidence (12 requests)…")
	during(func() {
		seen.(verify.Releases).Release(context.Background(), verify.ReleaseWant{}, nil)
	}, "reading the TUF repository (12 requests)…")
	shows("judging…")
	p.stop()
	p.stop()
	if got := s.line(); got != "" || !*stopped {
		t.Errorf("at the end the line is %q, and the clock stopped: %v", got, *stopped)
	}
	select {
	case <-p.ended:
	default:
		t.Error("something is left behind")
	}
}

// TestNoProgress wants nothing at all where nobody watches.
func TestNoProgress(t *testing.T) {
	for name, change := range map[string]func(*world){
		"a pipe":            func(w *world) { w.terminal = func(io.Writer) (int, bool) { return 0, false } },
		"CI":                func(w *world) { w.getenv = func(k string) string { return map[string]string{"CI": "true"}[k] } },
		"a dumb terminal":   func(w *world) { w.getenv = func(k string) string { return map[string]string{"TERM": "dumb"}[k] } },
		"it was over early": nil,
	} {
		w, s, _, stopped := watching(80, nil)
		if change != nil {
			change(&w)
			w.ticks = func(time.Duration) (<-chan time.Time, func()) {
				t.Errorf("%s: there is a clock", name)
				return nil, func() {}
			}
		}
		p := startProgress(w, func() int { return 3 })
		p.stop()
		if s.written.Len() > 0 || change == nil && !*stopped {
			t.Errorf("%s: found %q; the clock stopped: %v", name, s.written.String(), *stopped)
		}
	}
}

// TestNarrowProgress wants a line that a terminal does not wrap: a wrapped one could
// not be taken back.
func TestNarrowProgress(t *testing.T) {
	for _, width := range []int{1, 2, 8, 9, 10, 11} {
		p := &progress{width: width}
		p.says = p.waits
		if got := len([]rune(p.line())); got >= width {
			t.Errorf("at width %d the line has %d columns", width, got)
		}
	}
	if _, ok := (&progress{}).watch(struct{ verify.Source }{}).(verify.Releases); ok {
		t.Error("a source that reads no TUF repository is watched as if it did")
	}
}
