package verifier

import (
	"sync"
	"sync/atomic"

	"github.com/releaseassay/assay/internal/serve/cache"
)

// flights are pieces of work in the background, one for each key however many want what
// comes of it.
type flights[T any] struct {
	mu  sync.Mutex
	all map[cache.Key]*flight[T]
}

// flight is one piece of work. value may be read once done is closed.
type flight[T any] struct {
	done  chan struct{}
	value T
	// panicked is what the work ended in, nil where it ended well. Then value is nothing.
	panicked any

	mu sync.Mutex
	// waiting count those who wait: those who joined by themselves, and those behind
	// another flight that joined.
	waiting atomic.Int32
	behind  []*atomic.Int32
}

// begin starts work in the background; false is that it cannot any more.
type begin func(f func()) bool

// join waits with those who want what comes of key, and starts the work if nobody did:
// first says so. run may return what is left to be done once everybody has the value.
// behind counts those who wait behind the caller, nil where the caller is one by itself,
// and then it must call leave. The flight is nil where no work can be started any more.
func (f *flights[T]) join(key cache.Key, start begin, behind *atomic.Int32, run func(*flight[T]) (T, func())) (one *flight[T], first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one = f.all[key]; one == nil {
		one, first = &flight[T]{done: make(chan struct{})}, true
		ended := func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.all, key)
		}
		if !one.start(start, run, ended) {
			return nil, false
		}
		if f.all == nil {
			f.all = map[cache.Key]*flight[T]{}
		}
		f.all[key] = one
	}
	one.count(behind)
	return one, first
}

// work is what comes of key for a caller who waits for others: together with all who
// want it, or alone where it has to be fresh. It is nil where no work can be started.
func (f *flights[T]) work(fresh bool, key cache.Key, start begin, behind *atomic.Int32, run func(*flight[T]) (T, func())) *flight[T] {
	if fresh {
		return alone(start, behind, run)
	}
	one, _ := f.join(key, start, behind, run)
	return one
}

// alone is join for work that is shared with nobody.
func alone[T any](start begin, behind *atomic.Int32, run func(*flight[T]) (T, func())) *flight[T] {
	one := &flight[T]{done: make(chan struct{})}
	one.count(behind)
	if !one.start(start, run, func() {}) {
		return nil
	}
	return one
}

// start runs the work. ended is called before anybody is told of its end.
func (f *flight[T]) start(start begin, run func(*flight[T]) (T, func()), ended func()) bool {
	return start(func() {
		if after := f.run(run, ended); after != nil {
			defer func() { _ = recover() }() // nobody waits for it, and it decides nothing
			after()
		}
	})
}

func (f *flight[T]) run(run func(*flight[T]) (T, func()), ended func()) (after func()) {
	defer close(f.done)
	defer ended()
	defer func() {
		if p := recover(); p != nil {
			f.panicked, after = p, nil
		}
	}()
	f.value, after = run(f)
	return after
}

func (f *flight[T]) count(behind *atomic.Int32) {
	if behind == nil {
		f.waiting.Add(1)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind = append(f.behind, behind)
}

// leave says that somebody who joined waits no more.
func (f *flight[T]) leave() { f.waiting.Add(-1) }

// awaited reports whether anybody still waits.
func (f *flight[T]) awaited() bool {
	if f.waiting.Load() > 0 {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.behind {
		if n.Load() > 0 {
			return true
		}
	}
	return false
}
