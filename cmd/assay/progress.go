package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/releaseassay/assay/verify"
)

// A progress line appears after a moment, so that a quick run shows nothing, and is
// drawn again a few times a second.
const (
	progressDelay = time.Second
	progressEvery = 250 * time.Millisecond
)

// progress says on one line of a terminal what a slow run is waiting for, and takes the
// line away again. Off a terminal it does nothing.
type progress struct {
	stderr io.Writer
	width  int
	// requests counts what has been asked so far.
	requests func() int
	// says is the line to show; by default what a verification waits for.
	says func() string

	mu                               sync.Mutex
	resolving, collecting, releasing int
	began                            bool

	done, ended chan struct{}
	once        sync.Once
}

// startProgress begins to show progress where somebody watches: stderr is a terminal
// that can take back a line, and no CI's. Its one goroutine ends in stop.
func startProgress(w world, requests func() int) *progress {
	p := &progress{requests: requests}
	return p.start(w, p.waits)
}

// startLine shows a line of the caller's under the same conditions.
func startLine(w world, says func() string) *progress {
	p := &progress{}
	return p.start(w, says)
}

func (p *progress) start(w world, says func() string) *progress {
	p.stderr, p.says, p.done, p.ended = w.stderr, says, make(chan struct{}), make(chan struct{})
	width, terminal := w.terminal(w.stderr)
	p.width = width
	if !terminal || w.getenv("TERM") == "dumb" || w.getenv("CI") != "" {
		close(p.ended)
		return p
	}
	ticks, stop := w.ticks(progressEvery)
	began := w.now()
	go func() {
		defer close(p.ended)
		defer stop()
		p.run(ticks, began)
	}()
	return p
}

// run draws the line at every tick, until it is told to stop.
func (p *progress) run(ticks <-chan time.Time, began time.Time) {
	shown := false
	for {
		select {
		case <-p.done:
			if shown {
				_, _ = io.WriteString(p.stderr, eraseLine)
			}
			return
		case t := <-ticks:
			if t.Sub(began) >= progressDelay {
				shown = true
				_, _ = io.WriteString(p.stderr, eraseLine+p.line())
			}
		}
	}
}

// eraseLine goes to the first column and erases what follows (ECMA-48).
const eraseLine = "\r\x1b[K"

// stop takes the line away, and returns when nothing is written any more. It may be
// called twice.
func (p *progress) stop() {
	p.once.Do(func() { close(p.done) })
	<-p.ended
}

// line is what is shown now, short enough not to wrap.
func (p *progress) line() string {
	line := p.says()
	if p.width > 0 && utf8.RuneCountInString(line) >= p.width {
		line = string([]rune(line)[:p.width-1])
	}
	return line
}

// waits is what a verification waits for.
func (p *progress) waits() string {
	p.mu.Lock()
	resolving, collecting, releasing, began := p.resolving > 0, p.collecting > 0, p.releasing > 0, p.began
	p.mu.Unlock()
	line := "judging…"
	switch {
	case resolving || !began:
		line = "resolving…"
	case collecting:
		line = "collecting evidence" + p.spent() + "…"
	case releasing:
		line = "reading the TUF repository" + p.spent() + "…"
	}
	return line
}

func (p *progress) spent() string {
	switch n := p.requests(); n {
	case 0:
		return ""
	case 1:
		return " (1 request)"
	default:
		return fmt.Sprintf(" (%d requests)", n)
	}
}

// during counts one call that the run waits for.
func (p *progress) during(calls *int) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	*calls++
	p.began = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		*calls--
	}
}

// watch notes what a source is asked. It changes no answer.
func (p *progress) watch(source verify.Source) verify.Source {
	w := watched{source, p}
	if releases, ok := source.(verify.Releases); ok {
		return watchedReleases{w, releases}
	}
	return w
}

type watched struct {
	verify.Source
	progress *progress
}

func (w watched) Resolve(ctx context.Context, ref verify.Reference) (verify.Image, error) {
	defer w.progress.during(&w.progress.resolving)()
	return w.Source.Resolve(ctx, ref)
}

func (w watched) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	defer w.progress.during(&w.progress.collecting)()
	return w.Source.Collect(ctx, image, want)
}

type watchedReleases struct {
	watched
	releases verify.Releases
}

func (w watchedReleases) Release(ctx context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	defer w.progress.during(&w.progress.releasing)()
	return w.releases.Release(ctx, want, resolved)
}

// ticks is the world's ticker.
func ticks(every time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}
