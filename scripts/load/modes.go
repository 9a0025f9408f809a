package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// bench is one mode's server and what it is asked about.
type bench struct {
	o      options
	corpus *corpus
	server *server
}

// Targets, on two cores that the server shares with this program.
const (
	wantPerSecond = 3000
	wantP99       = 15  // ms
	wantMemory    = 200 // MB
	wantGrowth    = 10  // MB, between the middle and the end of a soak
)

// fill asks about every image once, so that each is known. Where a busy machine made some
// answers late, it asks again: what was late is judged meanwhile.
func (b bench) fill(ctx context.Context, a *asker) error {
	var t tally
	for range 3 {
		t = a.each(ctx, min(b.o.connections, 16), func(n int64) (image, time.Time, bool) {
			if n >= int64(len(b.corpus.images)) {
				return image{}, time.Time{}, false
			}
			return b.corpus.images[n], time.Time{}, true
		})
		if t.denied+t.failed == 0 {
			return ctx.Err()
		}
		fmt.Fprintf(os.Stderr, "filling: %d of %d good images were not admitted, the slowest answer took %.1f s: %s\n",
			t.denied+t.failed, len(t.times), t.quantile(1)/1000, t.first)
	}
	return fmt.Errorf("%d of %d good images were not admitted: %s", t.denied+t.failed, len(t.times), t.first)
}

// warm asks about known images for a while.
func (b bench) warm(ctx context.Context, r *result) error {
	a := newAsker(b.server, b.o.as, b.o.connections)
	defer a.close()
	if err := b.fill(ctx, a); err != nil {
		return err
	}
	b.corpus.requests.Store(0)
	cpu := b.server.spent()
	end := time.Now().Add(b.o.duration)
	began := time.Now()
	t := a.each(ctx, b.o.connections, func(n int64) (image, time.Time, bool) {
		due := time.Time{}
		if b.o.rate > 0 {
			due = began.Add(time.Duration(float64(n) / b.o.rate * float64(time.Second)))
		}
		if time.Now().After(end) {
			return image{}, due, false
		}
		return b.corpus.images[rand.IntN(len(b.corpus.images))], due, true
	})
	r.take(t, b.server.spent().since(cpu))
	r.RegistryRequests = b.corpus.requests.Load()
	r.memory(b.server)
	r.want(t.denied+t.failed == 0, "%d reviews were not admitted: %s", t.denied+t.failed, t.first)
	r.want(b.o.rate > 0 || r.PerSecond >= wantPerSecond, "%.0f reviews a second, wanted %d", r.PerSecond, wantPerSecond)
	r.want(r.P99 < wantP99, "p99 is %.1f ms, wanted less than %d", r.P99, wantP99)
	return nil
}

// cold asks once about each image, at a slow registry.
func (b bench) cold(ctx context.Context, r *result) error {
	b.corpus.latency.Store(int64(b.o.latency))
	a := newAsker(b.server, b.o.as, b.o.connections)
	defer a.close()
	cpu := b.server.spent()
	t := a.each(ctx, b.o.connections, func(n int64) (image, time.Time, bool) {
		if n >= int64(len(b.corpus.images)) {
			return image{}, time.Time{}, false
		}
		return b.corpus.images[n], time.Time{}, true
	})
	r.take(t, b.server.spent().since(cpu))
	r.RegistryRequests = b.corpus.requests.Load()
	r.Verifications = b.server.verifications(ctx)
	r.memory(b.server)
	r.want(t.denied+t.failed == 0, "%d good images were not admitted: %s", t.denied+t.failed, t.first)
	r.want(r.Verifications == int64(len(b.corpus.images)), "%d verifications of %d images", r.Verifications, len(b.corpus.images))
	return nil
}

// stampede asks about one new image many times at once. What one verification asks of the registry is measured with
// another image first, which also opens every connection.
func (b bench) stampede(ctx context.Context, r *result) error {
	a := newAsker(b.server, b.o.as, b.o.crowd)
	defer a.close()
	r.Connections = b.o.crowd
	ask := func(i image, crowd int) tally {
		return a.each(ctx, crowd, func(n int64) (image, time.Time, bool) { return i, time.Time{}, n < int64(crowd) })
	}
	one := ask(b.corpus.images[0], 1)
	if one.denied+one.failed > 0 {
		return errors.New("a good image was not admitted: " + one.first)
	}
	single := total(b.corpus.asked())
	_ = ask(b.corpus.images[0], b.o.crowd)
	before := b.server.verifications(ctx)
	b.corpus.asked()
	b.corpus.latency.Store(int64(b.o.latency))
	cpu := b.server.spent()
	t := ask(b.corpus.images[1], b.o.crowd)
	r.take(t, b.server.spent().since(cpu))
	asked := b.corpus.asked()
	r.RegistryRequests, r.Verifications = int64(total(asked)), b.server.verifications(ctx)-before
	r.memory(b.server)
	r.want(t.denied+t.failed == 0, "%d reviews were not admitted: %s", t.denied+t.failed, t.first)
	r.want(r.Verifications == 1, "%d verifications, wanted 1", r.Verifications)
	r.want(total(asked) == single, "%d requests at the registry, where one verification makes %d", total(asked), single)
	for path, n := range asked {
		r.want(n == 1, "%s was asked for %d times", path, n)
	}
	return nil
}

func total(asked map[string]int) int {
	n := 0
	for _, times := range asked {
		n += times
	}
	return n
}

// soak asks about many images for long. Popular ones are asked about more often, as in a cluster.
func (b bench) soak(ctx context.Context, r *result) error {
	a := newAsker(b.server, b.o.as, b.o.connections)
	defer a.close()
	watch := b.server.watch()
	defer watch.stop()
	cpu := b.server.spent()
	if err := b.fill(ctx, a); err != nil {
		return err
	}
	filled := b.server.spent().since(cpu)
	watch.mark()
	rest := int64(max(b.o.reviews-len(b.corpus.images), 0))
	cpu = b.server.spent()
	t := a.each(ctx, b.o.connections, func(n int64) (image, time.Time, bool) {
		if n%1000 == 0 {
			b.corpus.asked()
		}
		// The square favours the first: half of all reviews are about a quarter of the images.
		f := rand.Float64()
		return b.corpus.images[int(f*f*float64(len(b.corpus.images)))], time.Time{}, n < rest
	})
	r.take(t, b.server.spent().since(cpu))
	r.FillCPU = filled.server.Seconds()
	r.RegistryRequests, r.Verifications = b.corpus.requests.Load(), b.server.verifications(ctx)
	r.memory(b.server)
	r.Middle, r.End = watch.halves()
	r.want(t.denied+t.failed == 0, "%d reviews were not admitted: %s", t.denied+t.failed, t.first)
	r.want(r.Peak < wantMemory, "%.0f MB were resident, wanted less than %d", r.Peak, wantMemory)
	r.want(r.End-r.Middle < wantGrowth, "memory grew from %.0f to %.0f MB in the second half", r.Middle, r.End)
	return nil
}
