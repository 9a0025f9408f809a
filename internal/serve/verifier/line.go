package verifier

import (
	"context"
	"errors"
	"sync/atomic"
)

// errBusy is why there is no turn: the line is full, or it was too long.
var errBusy = errors.New("the server has as many verifications at once as it takes, and no more may wait")

// line lets in so many at once, and makes a bounded number of others wait.
type line struct {
	turns   chan struct{}
	waiting atomic.Int64
	most    int64
}

func newLine(turns, waiting int) *line {
	return &line{turns: make(chan struct{}, turns), most: int64(waiting)}
}

// enter waits for a turn, which ends with leave.
func (l *line) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-l.turns }
	select {
	case l.turns <- struct{}{}:
		return leave, nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.most {
		return nil, errBusy
	}
	select {
	case l.turns <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}
