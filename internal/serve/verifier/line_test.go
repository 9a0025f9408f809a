package verifier

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// TestLineIsFair is attack 40: one party that asks about thousands of images neither
// takes every turn, nor keeps others from theirs by filling the line.
func TestLineIsFair(t *testing.T) {
	const turns, most = 4, 10
	flood, honest, other := party{"api", "flood"}, party{"api", "honest"}, party{"ci", "flood"}
	l := newLine(turns, most)
	var leaves []func()
	for range turns - 1 {
		leave, err := l.enter(t.Context(), flood)
		must(t, err)
		leaves = append(leaves, leave)
	}
	type entered struct {
		who   party
		leave func()
		err   error
	}
	came := make(chan entered, most+10)
	enter := func(who party, queued int) {
		go func() {
			leave, err := l.enter(t.Context(), who)
			came <- entered{who, leave, err}
		}()
		for {
			l.mu.Lock()
			n := len(l.queue)
			l.mu.Unlock()
			if n == queued {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	for i := range most {
		enter(flood, i+1)
	}
	if _, err := l.enter(t.Context(), flood); !errors.Is(err, errBusy) {
		t.Errorf("the line takes more than it may: %v", err)
	}
	// One turn is left for others.
	leave, err := l.enter(t.Context(), honest)
	must(t, err)
	// A full line makes room for those who have less in it, at the cost of the one that fills it.
	for range 2 {
		enter(honest, most)
		if e := <-came; e.who != flood || !errors.Is(e.err, errBusy) {
			t.Fatalf("%+v was sent away with %v", e.who, e.err)
		}
	}
	enter(other, most)
	if e := <-came; e.who != flood || !errors.Is(e.err, errBusy) {
		t.Fatalf("%+v was sent away with %v", e.who, e.err)
	}
	leave()
	// Another client comes first, then the namespace with fewer turns, though flood came long before.
	for i, want := range []party{other, honest, flood} {
		e := <-came
		if must(t, e.err); e.who != want {
			t.Errorf("%+v had the turn of %+v", e.who, want)
		}
		defer e.leave()
		if i < 2 {
			leaves[i]()
		}
	}
	leaves[2]()
	for range most - 3 {
		e := <-came
		must(t, e.err)
		e.leave()
	}
	if l.inside != 3 || len(l.queue) != 0 {
		t.Errorf("something is left: %d %v %v %d", l.inside, l.clients, l.parties, len(l.queue))
	}
}

// TestLineOfManyNamespaces fills the line by one client under names that it makes up:
// another client still gets a place.
func TestLineOfManyNamespaces(t *testing.T) {
	const most = 8
	l := newLine(1, most)
	for i := range most {
		l.queue = append(l.queue, &turn{party{"ci", fmt.Sprint("made-up-", i)}, make(chan bool, 1)})
	}
	last := l.queue[most-1]
	if !l.displace(party{"api", "honest"}) || len(l.queue) != most-1 {
		t.Fatal("a client that nobody knows yet gets no place")
	}
	if granted := <-last.granted; granted {
		t.Error("whoever was sent away was granted a turn")
	}
	if l.displace(party{"ci", "one more"}) {
		t.Error("a client that fills the line displaces itself under another name")
	}
}

// TestLineGivenUp leaves nothing behind of who waits no more.
func TestLineGivenUp(t *testing.T) {
	l, who := newLine(1, 5), party{}
	leave, err := l.enter(t.Context(), who)
	must(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.enter(gone, who); !errors.Is(err, errBusy) || len(l.queue) != 0 {
		t.Errorf("%v, %d wait", err, len(l.queue))
	}
	leave()
	leave, err = l.enter(gone, who)
	must(t, err)
	leave()
	if l.inside != 0 || len(l.clients) != 0 || len(l.parties) != 0 {
		t.Errorf("something is left: %d %v %v", l.inside, l.clients, l.parties)
	}
}

// TestUnknownImages names thousands of images that no rule is for: a verdict that took
// work is still remembered after them.
func TestUnknownImages(t *testing.T) {
	s := newStage(t)
	s.options.Settings.CacheBytes = 1 << 20
	v := s.verifier(t)
	known := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, known, serve.Passed)
	for i := range 1000 {
		reference, err := verify.ParseReference(fmt.Sprintf("elsewhere.example/x%d:1", i))
		must(t, err)
		if a := v.Verify(t.Context(), serve.Question{Reference: reference}); a.Outcome != serve.Refused {
			t.Fatalf("%+v", a)
		}
	}
	if a := s.ask(t, v, known, serve.Passed); !a.Remembered {
		t.Error("images without a rule displaced a verdict")
	}
}
