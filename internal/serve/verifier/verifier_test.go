package verifier

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
)

// TestGoodAndAttacked asks end to end.
func TestGoodAndAttacked(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	a := s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	if a.Remembered || a.Late || a.ID == "" || a.Digest != s.release.Image.Digest() || a.Pinned != s.image+":1.2.3@"+a.Digest || len(a.Problems) > 0 {
		t.Errorf("%+v", a)
	}
	if text, err := a.Verdict.JSON(); err != nil || !json.Valid(text) {
		t.Errorf("the verdict is %q, %v", text, err)
	}
	if s.requests() == 0 {
		t.Error("nothing was asked")
	}
	if _, ok := v.Remembered(s.question(t, ":1.2.3")); !ok || s.requests() > 0 {
		t.Error("a tag that was judged is not remembered")
	}
	fresh := s.question(t, ":1.2.3")
	fresh.Fresh = true
	if _, ok := v.Remembered(fresh); ok {
		t.Error("who wants a new judgement was given an old one")
	}
	again := s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	if n := s.requests(); !again.Remembered || n != 0 || again.ID != a.ID {
		t.Errorf("the second answer took %d requests: %+v", n, again)
	}
	attacks, err := lab.Attacks(s.sigstore, lab.ReleaseOptions{Repository: s.image})
	must(t, err)
	for _, attack := range attacks {
		must(t, s.push(attack.Release))
		a := v.Verify(t.Context(), s.question(t, ":"+attack.Tag))
		if a.Outcome != serve.Refused && a.Outcome != serve.Undecided || len(a.Problems) == 0 {
			t.Errorf("%s: %s", attack.Tag, a.Outcome)
		}
	}
	s.ask(t, v, s.question(t, ":none"), serve.Undecided, "registry.not_found")
}

// TestAThousandAtOnce asks one new question a thousand times at the same moment.
func TestAThousandAtOnce(t *testing.T) {
	one := newStage(t)
	one.ask(t, one.verifier(t), one.question(t, ":1.2.3"), serve.Passed)
	wanted := one.requests()
	s := newStage(t, lab.RegistryOptions{Latency: 5 * time.Millisecond})
	v := s.verifier(t)
	for _, ref := range []string{":1.2.3", ":1.2.3@" + s.release.Image.Digest()} {
		v.evidence = newShelves(1<<20, 0, s.Now)
		var all sync.WaitGroup
		start := make(chan struct{})
		answers := make([]serve.Answer, 1000)
		for i := range answers {
			q := s.question(t, ref)
			all.Go(func() {
				<-start
				answers[i] = v.Verify(context.Background(), q)
			})
		}
		close(start)
		all.Wait()
		alone := 0
		for _, a := range answers {
			if a.Outcome != serve.Passed {
				t.Fatalf("%+v", a)
			}
			if !a.Remembered {
				alone++
			}
		}
		if n := s.requests(); n != wanted || alone != 1 {
			t.Errorf("%s: a thousand questions took %d requests; wanted %d as for one; %d were answered as the only one", ref, n, wanted, alone)
		}
	}
}

// stuck holds requests until it is let go. It counts them.
type stuck struct {
	goOn chan struct{}
	held chan struct{}
}

func (s *stage) stick(path string) *stuck {
	k := &stuck{make(chan struct{}), make(chan struct{}, 1000)}
	s.registry.SetIntercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, path) {
			k.held <- struct{}{}
			select {
			case <-k.goOn:
			case <-r.Context().Done():
			}
		}
		return false
	})
	return k
}

// TestLate asks with less time than the registry takes. The work goes on.
func TestLate(t *testing.T) {
	for _, ref := range []string{":1.2.3", ":1.2.3@"} {
		s := newStage(t)
		if strings.HasSuffix(ref, "@") {
			ref += s.release.Image.Digest()
		}
		v := s.verifier(t)
		k := s.stick("/manifests/")
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		a := v.Verify(ctx, s.question(t, ref))
		if a.Outcome != serve.Undecided || !a.Late || len(a.Problems) == 0 || a.Problems[0].Code != "server.late" || ctx.Err() != nil {
			t.Fatalf("%s: %v, %+v", ref, ctx.Err(), a)
		}
		cancel()
		close(k.goOn)
		v.running.Wait()
		s.requests()
		if a := s.ask(t, v, s.question(t, ref), serve.Passed); !a.Remembered || s.requests() != 0 {
			t.Errorf("%s: the work that went on was not remembered: %+v", ref, a)
		}
	}
}

// TestLateBySettings needs no deadline of the caller's.
func TestLateBySettings(t *testing.T) {
	s := newStage(t)
	s.options.Settings.Deadline = 100 * time.Millisecond
	v := s.verifier(t)
	k := s.stick("/manifests/")
	defer close(k.goOn)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Undecided, "server.late")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if a := v.Verify(gone, s.question(t, ":1.2.4")); a.Outcome != serve.Undecided || !a.Late {
		t.Errorf("%+v", a)
	}
}

// TestBusy fills the line.
func TestBusy(t *testing.T) {
	s := newStage(t)
	s.options.Settings.Verifications = 1
	s.options.Settings.Deadline = 2 * time.Second
	v := s.verifier(t)
	v.line.most = 0
	k := s.stick("/manifests/")
	var one sync.WaitGroup
	one.Go(func() { v.Verify(context.Background(), s.question(t, ":1.2.3")) })
	<-k.held
	a := s.ask(t, v, s.question(t, ":1.2.4"), serve.Undecided, "server.busy")
	if a.Late {
		t.Errorf("%+v", a)
	}
	close(k.goOn)
	one.Wait()
	s.ask(t, v, s.question(t, ":1.2.4"), serve.Undecided, "registry.not_found")
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
}

// TestPanic wants an answer to everybody, and a server that goes on.
func TestPanic(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	conf := v.current.Load()
	broken := *conf
	broken.access = nil // which panics where anything is asked
	v.current.Store(&broken)
	var all sync.WaitGroup
	for _, ref := range []string{":1.2.3", ":1.2.3@" + s.release.Image.Digest()} {
		for range 8 {
			all.Go(func() {
				if a := v.Verify(context.Background(), s.question(t, ref)); a.Outcome != serve.Undecided || a.Problems[0].Code != "internal.panic" {
					t.Errorf("%+v", a)
				}
			})
		}
	}
	all.Wait()
	v.current.Store(conf)
	s.add(s.options.Settings.CacheError)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
}

// TestNoGoroutineStays closes while work is under way.
func TestNoGoroutineStays(t *testing.T) {
	s := newStage(t)
	before := runtime.NumGoroutine()
	v, err := New(t.Context(), s.options)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
	s.stick("/")
	short, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if a := v.Verify(short, s.question(t, ":1.2.4")); !a.Late {
		t.Errorf("%+v", a)
	}
	v.Close()
	running.Wait()
	cancel()
	if err := v.Ready(); err == nil {
		t.Error("a closed verifier is ready")
	}
	s.ask(t, v, s.question(t, ":1.2.5"), serve.Undecided)
	_ = s.registry.Close()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
}
