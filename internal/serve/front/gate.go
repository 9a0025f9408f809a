package front

import (
	"context"
	"slices"
	"sync"
	"time"
)

// gate lets so many requests in at once, and half of them for one client at most: who
// sends bodies slowly takes no more than its share.
type gate struct {
	total, each int

	mu     sync.Mutex
	inside int
	of     map[string]int // by client
	queue  []*turn        // in the order of their coming
}

type turn struct {
	client string
	free   chan struct{} // closed when it is granted
}

func newGate(total int) *gate {
	total = max(total, 1)
	return &gate{total: total, each: max(total/2, 1), of: map[string]int{}}
}

// enter waits for a place, no longer than given. As many may wait as may be inside.
func (g *gate) enter(ctx context.Context, client string, wait time.Duration) bool {
	g.mu.Lock()
	if g.room(client) {
		g.take(client)
		g.mu.Unlock()
		return true
	}
	if len(g.queue) >= g.total {
		g.mu.Unlock()
		return false
	}
	t := &turn{client, make(chan struct{})}
	g.queue = append(g.queue, t)
	g.mu.Unlock()

	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-t.free:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return g.givenUp(t)
}

// givenUp takes a turn out of the queue. It reports whether it was granted meanwhile.
func (g *gate) givenUp(t *turn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, t)
	if i < 0 {
		return true
	}
	g.queue = slices.Delete(g.queue, i, i+1)
	return false
}

func (g *gate) room(client string) bool { return g.inside < g.total && g.of[client] < g.each }

func (g *gate) take(client string) {
	g.inside++
	g.of[client]++
}

// leave gives a place back, to the first in the queue that may have it.
func (g *gate) leave(client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.of[client]--; g.of[client] == 0 {
		delete(g.of, client)
	}
	i := slices.IndexFunc(g.queue, func(t *turn) bool { return g.room(t.client) })
	if i < 0 {
		return
	}
	t := g.queue[i]
	g.queue = slices.Delete(g.queue, i, i+1)
	g.take(t.client)
	close(t.free)
}
