package budget

import (
	"context"
	"sync"
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

// turn is whether a Budget has one of its Room's turns.
type turn struct {
	mu   sync.Mutex
	held bool
}

// wait waits for a turn if one is needed to read on, within the Budget's time.
func (b *Budget) wait(ctx context.Context) error {
	room := b.limits.Room
	if room == nil || b.bytes.Load() < room.free {
		return nil
	}
	b.turn.mu.Lock()
	defer b.turn.mu.Unlock()
	if b.turn.held {
		return nil
	}
	select {
	case room.turns <- struct{}{}:
		b.turn.held = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release gives back the turn that reading much took. Whoever has given a Budget a Room
// calls it once what was read is not needed any more; it may read on, in another turn.
func (b *Budget) Release() {
	b.turn.mu.Lock()
	defer b.turn.mu.Unlock()
	if b.turn.held {
		b.turn.held = false
		<-b.limits.Room.turns
	}
}
