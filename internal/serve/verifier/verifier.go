// Package verifier judges images for all doors of the server: it is the one
// serve.Verifier.
//
// A question is answered from what is remembered, or by one verification however many
// ask it at the same time. The verification has a budget of its own and goes on when
// those who asked have had to be told that it is late. What is remembered is keyed by
// everything that the verdict rests on (key.go), lives no longer than the evidence lets
// it (life.go), and is never an answer by itself: what cannot be judged is a refusal.
//
// Start with [New], then [Verifier.Verify] and [Verifier.Run].
package verifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/internal/serve/tenant"
)

// Options are what a Verifier is made with.
type Options struct {
	Settings settings.Settings
	// Version is assay's own.
	Version string
	Getenv  func(string) string
	Now     func() time.Time
	// Metrics may be nil.
	Metrics *observe.Metrics
	// Store is shared with other replicas, nil for none.
	Store cache.Store
	// Floors are shared with other replicas, nil for none.
	Floors Floors
	// Tenants reads pull secrets, nil where they are not read.
	Tenants tenant.Reader
	// Log may be nil.
	Log *slog.Logger
	// Client names who asks, so that none takes all turns; nil if nobody knows.
	Client func(context.Context) string
}

// Floors keep what was seen of TUF repositories for replicas together.
type Floors interface {
	release.Floors
	// Ready reports why one cannot be read or kept now, nil if all can.
	Ready(ctx context.Context) error
}

// Verifier is a serve.Verifier and a serve.Policies. It is safe for concurrent use.
type Verifier struct {
	Options
	limits settings.Settings

	current   atomic.Pointer[snapshot]
	reloading sync.Mutex
	loading   loading

	verdicts *cache.Memory[*kept]
	unruled  *cache.Memory[*kept] // what no rule is for
	tags     *cache.Memory[tagged]
	passes   *cache.Memory[standing]
	standing sync.Mutex // held by who changes what is in passes
	evidence *shelves
	shared   *release.Shared
	versions versions
	past     *past
	audits   audits
	trust    trusted
	differed differences

	judging   flights[*kept]
	asking    flights[*kept]
	resolving flights[*resolution]
	line      *line
	shadows   *line
	room      *budget.Room

	// state is where TUF repositories are kept; temporary is to be removed at the end.
	state     string
	temporary bool

	background context.Context
	cancel     context.CancelFunc
	gate       sync.Mutex
	closed     bool
	running    sync.WaitGroup
}

var (
	_ serve.Verifier = (*Verifier)(nil)
	_ serve.Policies = (*Verifier)(nil)
)

// maxWaiting is how many verifications may wait for their turn. Each holds a goroutine
// and a question, some kilobytes.
const maxWaiting = 1024

// unruledBytes bounds what is remembered of images without a rule.
const unruledBytes = 2 << 20

// freeBytes is how much of evidence each verification may read while others read more.
// What reads most takes some 150 MiB of memory, and with eight at once more than a container has.
const freeBytes = 4 << 20

// New reads policies, trust and the configuration of registries, and opens no
// connection. Its error is one of configuration. The verifier lives until Close, whatever
// becomes of ctx.
func New(ctx context.Context, o Options) (*Verifier, error) {
	if o.Now == nil {
		return nil, errors.New("make a verifier: wanted a clock")
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := o.Settings
	v := &Verifier{
		Options: o, limits: s,
		verdicts: cache.NewMemory[*kept](s.CacheBytes, o.Now),
		unruled:  cache.NewMemory[*kept](unruledBytes, o.Now),
		tags:     cache.NewMemory[tagged](tagBytes, o.Now),
		passes:   cache.NewMemory[standing](passBytes, o.Now),
		evidence: newShelves(s.EvidenceBytes, max(s.CachePass, s.CacheFail), o.Now),
		shared:   release.NewShared(o.Now),
		past:     newPast(s.CacheBytes / 4),
		line:     newLine(max(s.Verifications, 1), maxWaiting),
		room:     budget.NewRoom(freeBytes, 1),
		shadows:  newLine(max(s.Verifications/4, 1), 64),
	}
	if err := v.openState(); err != nil {
		return nil, err
	}
	v.background, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	first, err := v.read()
	if err != nil {
		v.cancel()
		v.dropState()
		return nil, err
	}
	v.use(first)
	o.Metrics.Ages(v.ages)
	o.Metrics.Before(v.count)
	return v, nil
}

// openState makes the folder for what is seen of TUF repositories, and one that lasts as
// long as the verifier where none is set. What could not be kept would be no floor for
// the next run, so that a folder that cannot be written to is refused.
func (v *Verifier) openState() error {
	if v.state = v.limits.State; v.state != "" {
		if err := writable(v.state); err != nil {
			return fmt.Errorf("state: wanted a folder that can be written to, for what is seen of TUF repositories: %w", err)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "assay-serve-")
	if err != nil {
		return fmt.Errorf("make a folder for what is seen of TUF repositories (set one with state): %w", err)
	}
	v.state, v.temporary = dir, true
	return nil
}

// writable makes a folder where there is none, and tries to write to it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".try-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (v *Verifier) dropState() {
	if v.temporary {
		_ = os.RemoveAll(v.state)
	}
}

// tufDir is where TUF repositories are kept.
func (v *Verifier) tufDir() string { return filepath.Join(v.state, "tuf") }

// closing is how long Close waits for work that was told to end.
const closing = 5 * time.Second

// Close ends background work and waits for it, five seconds at most. Questions that are
// asked from then on are answered with what is remembered, or undecided.
func (v *Verifier) Close() {
	v.gate.Lock()
	v.closed = true
	v.gate.Unlock()
	v.cancel()
	ended := make(chan struct{})
	go func() {
		v.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(closing)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		v.Log.Warn("work in the background did not end in time")
	}
	v.current.Load().access.Close()
	v.dropState()
}

// spawn runs f in the background, unless the verifier is closed.
func (v *Verifier) spawn(f func()) bool {
	v.gate.Lock()
	defer v.gate.Unlock()
	if v.closed {
		return false
	}
	v.running.Go(f)
	return true
}

// named is a policy's name for people and metrics.
func named(p string) string { return cmp.Or(p, "(none)") }
