package budget

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Room is for many Budgets at once: what each reads beyond Free it reads only in its turn,
// so that the memory that all of them take together is bounded.
type Room struct {
	free  int64
	turns chan struct{}
}

// NewRoom lets each Budget read free bytes, and so many at once more.
func NewRoom(free int64, turns int) *Room {
	return &Room{free: free, turns: make(chan struct{}, max(turns, 1))}
}

// turn is what a Budget holds of its Room, if anything.
type turn struct {
	mu   sync.Mutex
	held *holding
}

// holding is one turn. It ends by itself with the request that took it, or with the
// Budget's time: who reads on after everybody else has gone must not keep it for ever.
type holding struct {
	room *Room
	over atomic.Bool
	stop context.CancelFunc
}

func (h *holding) end() {
	if h.over.CompareAndSwap(false, true) {
		<-h.room.turns
		h.stop()
	}
}

// longest is how long a turn may be held while others wait: a registry that sends much,
// and then a byte now and then, must not keep them all. Who reads on takes another turn.
const longest = 10 * time.Second

// wait waits for a turn if one is needed to read on, within the Budget's time. The turn
// ends with life at the latest.
func (b *Budget) wait(ctx, life context.Context) error {
	room := b.limits.Room
	if room == nil || b.bytes.Load() < room.free {
		return nil
	}
	b.turn.mu.Lock()
	defer b.turn.mu.Unlock()
	if b.turn.held != nil && !b.turn.held.over.Load() {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case room.turns <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	h := &holding{room: room}
	life, stop := context.WithDeadline(life, b.deadline)
	short, cancel := context.WithTimeout(life, longest)
	h.stop = func() { cancel(); stop() }
	context.AfterFunc(short, h.end)
	b.turn.held = h
	return nil
}

// Release gives back the turn that reading much took. Whoever has given a Budget a Room
// calls it once what was read is not needed any more; it may read on, in another turn.
func (b *Budget) Release() {
	b.turn.mu.Lock()
	defer b.turn.mu.Unlock()
	if b.turn.held != nil {
		b.turn.held.end()
	}
}
