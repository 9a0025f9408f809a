package cache

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"
)

// fakeClock is a clock that a test sets.
type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newFakeClock() *fakeClock { return &fakeClock{at: start} }

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func keyOf(v ...any) Key { return sha256.Sum256([]byte(fmt.Sprint(v...))) }

// holds reports what a memory gives for a key, "" for nothing.
func holds(m *Memory[string], key Key) string {
	v, _ := m.Get(key)
	return v
}

func TestMemoryKeeps(t *testing.T) {
	c := newFakeClock()
	m := NewMemory[string](1<<20, c.now)
	a, b := keyOf("a"), keyOf("b")
	m.Set(a, "one", 10, start.Add(time.Minute))
	m.Set(a, "two", 20, start.Add(time.Minute))
	if got := holds(m, a); got != "two" {
		t.Errorf("got %q", got)
	}
	if v, ok := m.Get(b); ok || v != "" {
		t.Errorf("got %q, %t", v, ok)
	}
	if n, bytes := m.Len(); n != 1 || bytes != 20+Overhead {
		t.Errorf("got %d entries, %d bytes", n, bytes)
	}
}

// TestMemoryExpires: an entry is gone at its very moment, and the moment counts for the
// newest value alone.
func TestMemoryExpires(t *testing.T) {
	c := newFakeClock()
	m := NewMemory[string](1<<20, c.now)
	key := keyOf("a")
	m.Set(key, "v", 1, start.Add(time.Minute))
	c.add(time.Minute - 1)
	if holds(m, key) != "v" {
		t.Error("gone too early")
	}
	c.add(1)
	if holds(m, key) != "" {
		t.Error("outlived its time")
	}
	if n, bytes := m.Len(); n != 0 || bytes != 0 {
		t.Errorf("got %d entries, %d bytes", n, bytes)
	}
	m.Set(key, "v", 1, c.now().Add(time.Hour))
	m.Set(key, "w", 1, c.now()) // no life at all, and the value before it is not the answer any more
	if holds(m, key) != "" {
		t.Error("an entry without life, or the one that it replaced, is there")
	}
}

// TestMemoryClockSetBack: what was kept before a clock was set back is gone, seen to be
// expired or not, and what is set after it is kept.
func TestMemoryClockSetBack(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, 2 * time.Minute} {
		t.Run(jump.String(), func(t *testing.T) {
			c := newFakeClock()
			m := NewMemory[string](1<<30, c.now) // of sixteen parts, so that not all see the jump
			var keys []Key
			for i := range 64 {
				keys = append(keys, keyOf(i))
				m.Set(keys[i], "old", 1, start.Add(time.Minute))
			}
			c.add(jump)
			if holds(m, keys[0]) != "" {
				t.Fatal("outlived its time")
			}
			c.add(-jump)
			for i, key := range keys {
				if holds(m, key) != "" {
					t.Fatalf("entry %d came to life again", i)
				}
			}
			m.Set(keys[1], "new", 1, c.now().Add(time.Minute))
			if holds(m, keys[1]) != "new" {
				t.Error("nothing is kept after the clock was set back")
			}
		})
	}
}

// TestMemorySlightlyBack: a reading that is a little late is no clock that was set back,
// and brings nothing back either.
func TestMemorySlightlyBack(t *testing.T) {
	c := newFakeClock()
	m := NewMemory[string](1<<20, c.now)
	short, long := keyOf("short"), keyOf("long")
	m.Set(short, "v", 1, start.Add(time.Second))
	m.Set(long, "v", 1, start.Add(time.Minute))
	c.add(time.Second)
	m.Get(long)
	c.add(-time.Millisecond)
	if holds(m, short) != "" {
		t.Error("came to life again")
	}
	if holds(m, long) != "v" {
		t.Error("everything was forgotten for a millisecond")
	}
}

// TestMemoryEvicts: the entries used last stay, within the bound.
func TestMemoryEvicts(t *testing.T) {
	c := newFakeClock()
	m := NewMemory[string](3*(100+Overhead), c.now)
	a, b, d, e := keyOf("a"), keyOf("b"), keyOf("d"), keyOf("e")
	for _, key := range []Key{a, b, d} {
		m.Set(key, "v", 100, start.Add(time.Hour))
	}
	m.Get(a)
	m.Set(e, "v", 100, start.Add(time.Hour))
	for key, want := range map[Key]string{a: "v", b: "", d: "v", e: "v"} {
		if got := holds(m, key); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	m.Set(b, "large", 4*(100+Overhead), start.Add(time.Hour)) // for which nothing else is given up
	if n, _ := m.Len(); n != 3 || holds(m, b) != "" {
		t.Errorf("got %d entries", n)
	}
	m.Set(a, "large", 4*(100+Overhead), start.Add(time.Hour)) // but the old value is no answer any more
	if holds(m, a) != "" {
		t.Error("the value before one that is too large is there")
	}
}

// TestMemoryBound: whatever the weights, the bound holds, also with those that are none.
func TestMemoryBound(t *testing.T) {
	c := newFakeClock()
	const limit = 64 << 20
	m := NewMemory[int](limit, c.now)
	for i := range 20000 {
		m.Set(keyOf(i), i, int64(i%7)*5000-5000, start.Add(time.Hour))
	}
	if n, bytes := m.Len(); bytes > limit || n < 2000 {
		t.Errorf("got %d entries, %d bytes", n, bytes)
	}
	light := NewMemory[int](limit, c.now)
	light.Set(keyOf(1), 1, -1<<40, start.Add(time.Hour))
	if _, bytes := light.Len(); bytes != Overhead {
		t.Errorf("a weight below zero counts %d bytes", bytes)
	}
	tiny := NewMemory[int](0, c.now)
	tiny.Set(keyOf(1), 1, 0, start.Add(time.Hour))
	if n, _ := tiny.Len(); n != 0 {
		t.Errorf("got %d entries", n)
	}
}

// TestMemoryExpiredMakesRoom: an entry that is gone does not push out one that is not.
func TestMemoryExpiredMakesRoom(t *testing.T) {
	c := newFakeClock()
	m := NewMemory[string](1<<20, c.now)
	for i := range 100 {
		m.Set(keyOf(i), "v", 1, start.Add(time.Second))
	}
	c.add(time.Minute)
	m.Set(keyOf("new"), "v", 1, c.now().Add(time.Hour))
	if n, _ := m.Len(); n != 1 {
		t.Errorf("got %d entries", n)
	}
}

// TestMemoryTogether is for the race detector; the values must be those of their keys.
func TestMemoryTogether(t *testing.T) {
	c := newFakeClock()
	m := NewMemory[int](32<<20, c.now)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 2000 {
				n := (i*7 + g) % 500
				m.Set(keyOf(n), n, int64(n)*200, c.now().Add(time.Second))
				if v, ok := m.Get(keyOf(n)); ok && v != n {
					t.Errorf("got %d, want %d", v, n)
				}
				switch i % 500 {
				case 100:
					c.add(time.Second)
				case 300:
					c.add(-20 * time.Second)
				case 400:
					m.Len()
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkMemoryGet(b *testing.B) {
	m := NewMemory[int](256<<20, time.Now)
	keys := make([]Key, 5000)
	for i := range keys {
		keys[i] = keyOf(i)
		m.Set(keys[i], i, 2000, time.Now().Add(time.Hour))
	}
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if _, ok := m.Get(keys[i%len(keys)]); !ok {
				b.Error("gone")
			}
		}
	})
}
