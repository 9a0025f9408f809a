package cache

import (
	"sync"
	"sync/atomic"
	"time"
)

// slack is how far a clock may be behind what was read before: several goroutines
// read it, and some are held up between reading and comparing.
const slack = 10 * time.Second

// clock reads a clock and notices when it is set back.
type clock struct {
	now    func() time.Time
	latest atomic.Int64 // Unix nanoseconds
	epoch  atomic.Pointer[epoch]
	mu     sync.Mutex
}

// epoch is the time since a clock was set back, or was first read.
type epoch struct{ since time.Time }

// moment is one reading.
type moment struct {
	read  time.Time // as the clock gave it, with the monotonic clock if it has one
	wall  time.Time // not before any earlier reading of the same epoch
	epoch *epoch    // another one since the clock was set back, nil before that
	since time.Time // what the clock was set back to, zero if it never was
}

func (c *clock) read() moment {
	read := c.now()
	at := read.UnixNano()
	for {
		latest := c.latest.Load()
		switch {
		case at > latest:
			if !c.latest.CompareAndSwap(latest, at) {
				continue
			}
		case latest-at > int64(slack):
			c.setBack(latest, at)
			continue
		default:
			at = latest
		}
		m := moment{read: read, wall: time.Unix(0, at), epoch: c.epoch.Load()}
		if m.epoch != nil {
			m.since = m.epoch.since
		}
		return m
	}
}

// setBack begins a new epoch, before anybody reads the earlier time.
func (c *clock) setBack(latest, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest.Load() != latest {
		return
	}
	c.epoch.Store(&epoch{since: time.Unix(0, at).Truncate(time.Millisecond)}) // as entries say it
	c.latest.Store(at)
}
