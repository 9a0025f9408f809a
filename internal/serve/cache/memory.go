package cache

import (
	"sync"
	"time"
)

// Overhead is what each entry of a [Memory] counts for beside its weight, in bytes, so
// that many small ones are bounded too.
const Overhead = 192

const (
	// maxShards is the number of parts at most, each with a lock of its own.
	maxShards = 16
	// minShard is the size of a part in bytes at least, so that one large value fits.
	minShard = 4 << 20
)

// Memory is a bounded map of the entries used last; it is safe for concurrent use.
// Each value has a weight in bytes and a moment from which it is gone.
//
// A clock that is set back does not bring an entry to life again: every entry is gone
// then, as nobody knows how long it has really been kept.
type Memory[V any] struct {
	clock  clock
	shards []shard[V]
}

// NewMemory holds at most limit bytes, by the weights given to Set and [Overhead] for
// each entry. It has up to 16 parts, and a value that is heavier than its part,
// limit/16 or 4 MiB, is not kept.
func NewMemory[V any](limit int64, now func() time.Time) *Memory[V] {
	n := min(max(limit/minShard, 1), maxShards)
	m := &Memory[V]{shards: make([]shard[V], n)}
	m.clock.now = now
	for i := range m.shards {
		m.shards[i].entries = map[Key]*entry[V]{}
		m.shards[i].limit = limit / n
	}
	return m
}

// Get returns an entry.
func (m *Memory[V]) Get(key Key) (V, bool) { return m.shard(key).get(key, m.clock.read()) }

// Set keeps an entry until the given moment at most, in place of what was kept under
// the key.
func (m *Memory[V]) Set(key Key, value V, weight int64, until time.Time) {
	now := m.clock.read()
	e := &entry[V]{key: key, value: value, weight: max(weight, 0) + Overhead, epoch: now.epoch, until: until.Round(0)}
	// The same moment on the monotonic clock, which nobody can set.
	e.life = now.read.Add(until.Sub(now.read))
	m.shard(key).set(e, now)
}

// Len returns the number of entries and their weight. Those that are gone by the clock
// count until they are asked for or make room for others.
func (m *Memory[V]) Len() (entries int, bytes int64) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		entries, bytes = entries+len(s.entries), bytes+s.weight
		s.mu.Unlock()
	}
	return entries, bytes
}

// shard chooses by the end of the key, which is a hash.
func (m *Memory[V]) shard(key Key) *shard[V] {
	return &m.shards[int(key[len(key)-1])%len(m.shards)]
}

// entry is one value in the list of its shard.
type entry[V any] struct {
	key         Key
	value       V
	weight      int64
	epoch       *epoch
	until, life time.Time
	newer, next *entry[V]
}

// gone reports whether the entry has outlived its time on either clock, or the clock
// was set back since.
func (e *entry[V]) gone(now moment) bool {
	return e.epoch != now.epoch || !now.wall.Before(e.until) || !now.read.Before(e.life)
}

// shard is one part: a map, and a list from the entry used last to the one used first.
type shard[V any] struct {
	mu             sync.Mutex
	entries        map[Key]*entry[V]
	newest, oldest *entry[V]
	weight, limit  int64
}

func (s *shard[V]) get(key Key, now moment) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	var none V
	if e == nil {
		return none, false
	}
	if e.gone(now) {
		s.remove(e)
		return none, false
	}
	if s.newest != e {
		s.unlink(e)
		s.link(e)
	}
	return e.value, true
}

func (s *shard[V]) set(e *entry[V], now moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.entries[e.key]; old != nil {
		s.remove(old)
	}
	if e.gone(now) || e.weight > s.limit {
		return
	}
	for s.oldest != nil && (s.weight > s.limit-e.weight || s.oldest.gone(now)) {
		s.remove(s.oldest)
	}
	s.entries[e.key] = e
	s.weight += e.weight
	s.link(e)
}

func (s *shard[V]) remove(e *entry[V]) {
	delete(s.entries, e.key)
	s.weight -= e.weight
	s.unlink(e)
}

// link puts an entry that is not in the list at its head.
func (s *shard[V]) link(e *entry[V]) {
	e.next, e.newer = s.newest, nil
	if s.newest != nil {
		s.newest.newer = e
	} else {
		s.oldest = e
	}
	s.newest = e
}

func (s *shard[V]) unlink(e *entry[V]) {
	if e.newer != nil {
		e.newer.next = e.next
	} else {
		s.newest = e.next
	}
	if e.next != nil {
		e.next.newer = e.newer
	} else {
		s.oldest = e.newer
	}
	e.newer, e.next = nil, nil
}
