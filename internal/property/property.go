// Package property holds code against statements that are true of every input, over very
// many random ones.
//
// One iteration makes one input from dice of its own and checks it. The dice depend on the
// seed, the property's name and the number of the iteration alone, so that the same seed
// gives the same inputs on any number of cores, and one of them can be made again. It is
// for tests: start with [Run].
package property

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	iterations = flag.Int("iterations", 0, "iterations over all properties of a package; 0 takes a few")
	iteration  = flag.Int("iteration", -1, "make this iteration of each property alone, of those that -run names")
	seed       = flag.Uint64("seed", 0, "seed of the choices; 0 takes one at random and prints it")
	limit      = flag.Duration("limit", 0, "fail where the iterations take longer than this; 0 waits")
)

// Seed returns the seed of this process: the one that was given, or one at random.
var Seed = sync.OnceValue(func() uint64 {
	n := *seed
	for n == 0 {
		n = rand.Uint64()
	}
	return n
})

// Property is one statement about every input.
type Property struct {
	Name string
	// Weight is this property's share of the iterations.
	Weight int
	// Try makes one input from the dice and returns what is wrong with what came of it. It is
	// called by several goroutines at once.
	Try func(*rand.Rand) error
}

// Run tries all properties, each as a test of its own, and prints how often with which
// seed. few is how many iterations there are in all where no flag says so.
func Run(t *testing.T, few int, properties ...Property) {
	t.Helper()
	n, weights := *iterations, 0
	if n == 0 {
		n = few
	}
	for _, p := range properties {
		weights += p.Weight
	}
	deadline := time.Time{}
	if *limit > 0 {
		deadline = time.Now().Add(*limit) //nolint:forbidigo // how long tests take
	}
	for _, p := range properties {
		t.Run(p.Name, func(t *testing.T) {
			if *iteration >= 0 {
				p.once(t, *iteration)
				return
			}
			p.all(t, (n*p.Weight+weights-1)/weights, deadline)
		})
	}
}

// dice are the choices of one iteration.
func (p Property) dice(i int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", p.Name, i)
	return rand.New(rand.NewPCG(Seed(), h.Sum64()))
}

// once makes one iteration; a panic ends it with its trace.
func (p Property) once(t *testing.T, i int) {
	t.Helper()
	if err := p.Try(p.dice(i)); err != nil {
		t.Error(err)
	}
}

// try makes one iteration; a panic is an error of it.
func (p Property) try(i int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it ended in a panic: %v", r)
		}
	}()
	return p.Try(p.dice(i))
}

// worst is how many failures end a property.
const worst = 3

// all makes n iterations on all cores.
func (p Property) all(t *testing.T, n int, deadline time.Time) {
	t.Helper()
	var next, done, failed atomic.Int64
	var workers sync.WaitGroup
	start := time.Now() //nolint:forbidigo // as the limit
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for failed.Load() < worst && (deadline.IsZero() || time.Now().Before(deadline)) { //nolint:forbidigo // as the limit
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := p.try(i); err != nil {
					failed.Add(1)
					t.Errorf("%v\nmake it again with -run '^%s$' -seed=%d -iteration=%d", err, strings.ReplaceAll(t.Name(), "/", "$/^"), Seed(), i)
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	t.Logf("property %s: %d iterations, seed %d, %.1f s", p.Name, done.Load(), Seed(), time.Since(start).Seconds())
	if done.Load() < int64(n) && failed.Load() == 0 {
		t.Errorf("%d of %d iterations were made before the time was over", done.Load(), n)
	}
}
