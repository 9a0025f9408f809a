package cache

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRedisShared(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a, b := s.store(c, nil), s.store(c, nil)
	key := keyOf("a")
	if v := got(t, b, key); v != "" {
		t.Errorf("got %q", v)
	}
	a.Set(t.Context(), key, []byte("verdict"), start.Add(time.Minute))
	if v := got(t, b, key); v != "verdict" {
		t.Errorf("got %q", v)
	}
	b.Set(t.Context(), key, []byte("another"), start.Add(time.Minute))
	if v := got(t, a, key); v != "another" {
		t.Errorf("got %q", v)
	}
	if v := got(t, a, keyOf("b")); v != "" {
		t.Errorf("got %q under another key", v)
	}
	a.Set(t.Context(), keyOf("empty"), nil, start.Add(time.Minute))
	if v, ok := b.Get(t.Context(), keyOf("empty")); !ok || len(v) != 0 {
		t.Errorf("got %q, %t for an empty value", v, ok)
	}
}

// TestRedisSealed: what lies in the store tells nothing.
func TestRedisSealed(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a := s.store(c, nil)
	a.Set(t.Context(), keyOf("a"), []byte("registry.example/private/image"), start.Add(time.Minute))
	raw := s.raw()
	names := raw.Keys(t.Context(), "*").Val()
	if len(names) != 1 {
		t.Fatalf("got %q", names)
	}
	b := raw.Get(t.Context(), names[0]).Val()
	for _, text := range []string{"registry", "private", string(testKey(1)[:8])} {
		if strings.Contains(b, text) {
			t.Errorf("found %q in the store", text)
		}
	}
	if left := raw.PTTL(t.Context(), names[0]).Val(); left <= 0 || left > time.Minute {
		t.Errorf("it stays %v", left)
	}
}

// TestRedisStranger: whatever somebody without the key writes, no replica takes it.
func TestRedisStranger(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a, raw := s.store(c, nil), s.raw()
	key, other := keyOf("a"), keyOf("other")
	a.Set(t.Context(), key, []byte("denied"), start.Add(time.Minute))
	name, otherName := a.name(kindValue, key), a.name(kindValue, other)
	authentic := raw.Get(t.Context(), name).Val()

	stranger := s.store(c, func(o *RedisOptions) { o.Keys = [][]byte{testKey(2)} })
	strange := s.store(c, func(o *RedisOptions) { o.Namespace = "tesu" })
	strange.Set(t.Context(), key, []byte("admitted"), start.Add(time.Minute))
	ofNamespace := raw.Get(t.Context(), strange.name(kindValue, key)).Val()
	floor, err := a.sealer.seal(kindFloor, key, []byte("denied"), start, start.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	forged := map[string]string{
		"plain text":           "admitted",
		"one byte":             "a",
		"of another namespace": ofNamespace,
		"of another kind":      string(floor),
		"longer":               authentic + "x",
		"of the largest size":  strings.Repeat("x", maxValue+int(sealing)+100),
	}
	for i := range authentic {
		flipped := []byte(authentic)
		flipped[i] ^= 1
		forged[fmt.Sprintf("byte %d flipped", i)] = string(flipped)
		forged[fmt.Sprintf("cut at %d", i)] = authentic[:i]
	}
	count := counted(a)
	for what, b := range forged {
		if err := raw.Set(t.Context(), name, b, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if v, ok := a.Get(t.Context(), key); ok {
			t.Errorf("%s: got %q", what, v)
		}
		if n := count("shared forged"); n != 1 && b != "" {
			t.Errorf("%s: counted %d times", what, n)
		}
	}
	if err := raw.Set(t.Context(), otherName, authentic, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if v := got(t, a, other); v != "" {
		t.Errorf("moved to another key: got %q", v)
	}
	stranger.Set(t.Context(), key, []byte("admitted"), start.Add(time.Minute))
	if v := got(t, a, key); v != "" {
		t.Errorf("under another key of the store: got %q", v)
	}
	raw.Del(t.Context(), name)
	raw.LPush(t.Context(), name, "admitted")
	if v := got(t, a, key); v != "" || count("shared forged") == 0 {
		t.Errorf("a list: got %q, or it is not counted", v)
	}
	raw.Del(t.Context(), name)
	raw.Set(t.Context(), name, authentic, 0)
	if v := got(t, a, key); v != "denied" {
		t.Errorf("the authentic entry: got %q", v) // or none of the above shows anything
	}
}

// TestRedisReplayed: an entry that is put there again lives no longer than it did, by any
// setting of the clock.
func TestRedisReplayed(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a, raw := s.store(c, nil), s.raw()
	key := keyOf("a")
	c.add(time.Hour) // so that setting it back comes to no time before the test's
	a.Set(t.Context(), key, []byte("admitted"), c.now().Add(5*time.Minute))
	b := raw.Get(t.Context(), a.name(kindValue, key)).Val()
	replayed := func(r *Redis) string {
		raw.Set(t.Context(), r.name(kindValue, key), b, 0)
		return got(t, r, key)
	}
	c.add(5*time.Minute - time.Millisecond)
	if v := replayed(a); v != "admitted" {
		t.Errorf("got %q within its life", v)
	}
	c.add(time.Millisecond)
	count := counted(a)
	if v := replayed(a); v != "" || count("shared stale") == 0 {
		t.Errorf("got %q after its life, or it is not counted", v)
	}
	c.add(-2 * time.Minute)
	if v := replayed(a); v != "" {
		t.Errorf("got %q after the clock was set back", v)
	}
	a.Set(t.Context(), key, []byte("anew"), c.now().Add(time.Minute))
	if v := got(t, a, key); v != "anew" {
		t.Errorf("got %q: nothing is shared after the clock was set back", v)
	}
	c.add(-30 * time.Minute)
	if v := replayed(s.store(c, nil)); v != "" {
		t.Errorf("got %q, which was written in the future", v)
	}
}

// TestRedisLife: no entry lives longer than a day, whatever is asked for.
func TestRedisLife(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	a, raw := s.store(c, nil), s.raw()
	key := keyOf("a")
	a.Set(t.Context(), key, []byte("v"), start.Add(1000*time.Hour))
	if v := got(t, a, key); v != "v" {
		t.Errorf("got %q", v)
	}
	if left := raw.PTTL(t.Context(), a.name(kindValue, key)).Val(); left <= 0 || left > maxLife {
		t.Errorf("it stays %v", left)
	}
	c.add(maxLife)
	if v := got(t, a, key); v != "" {
		t.Errorf("got %q", v)
	}
	a.Set(t.Context(), keyOf("gone"), []byte("v"), c.now())
	a.Set(t.Context(), keyOf("large"), make([]byte, maxValue+1), c.now().Add(time.Hour))
	if names := raw.Keys(t.Context(), "*").Val(); len(names) != 1 {
		t.Errorf("got %q", names)
	}
}

// TestRedisRotated: a key is replaced while replicas run, without a moment at which one
// does not read what another one writes.
func TestRedisRotated(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	with := func(keys ...byte) *Redis {
		return s.store(c, func(o *RedisOptions) {
			o.Keys = nil
			for _, n := range keys {
				o.Keys = append(o.Keys, testKey(n))
			}
		})
	}
	steps := []*Redis{with(1), with(1, 2), with(2, 1), with(2)}
	for i, writes := range steps {
		for j, reads := range steps {
			key := keyOf(i, j)
			writes.Set(t.Context(), key, []byte("v"), start.Add(time.Minute))
			neighbours := i-j <= 1 && j-i <= 1
			if v := got(t, reads, key); neighbours && v != "v" {
				t.Errorf("step %d does not read what step %d writes", j, i)
			}
		}
	}
	steps[0].Set(t.Context(), keyOf("old"), []byte("v"), start.Add(time.Minute))
	if v := got(t, steps[3], keyOf("old")); v != "" {
		t.Errorf("got %q under a key that is not trusted any more", v)
	}
}

// TestRedisKilled: a store that dies under load and comes back is noticed by nobody but
// by the time that a hit saves, and leaves nothing behind.
func TestRedisKilled(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	before := runtime.NumGoroutine()
	r := s.store(c, nil)
	key := keyOf("a")
	stop := make(chan struct{})
	var all sync.WaitGroup
	var hits atomic.Int64
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r.Set(context.Background(), key, []byte("v"), c.now().Add(time.Hour))
				if v, ok := r.Get(context.Background(), key); ok {
					hits.Add(1)
					if string(v) != "v" {
						t.Errorf("got %q", v)
					}
				}
				time.Sleep(time.Millisecond)
				c.add(time.Millisecond)
			}
		})
	}
	moved := func() {
		t.Helper()
		had := hits.Load()
		eventually(t, func() error {
			if hits.Load() > had+20 {
				return nil
			}
			return fmt.Errorf("%d hits, no more", hits.Load())
		})
	}
	moved()
	s.kill()
	eventually(t, func() error {
		if r.Ready(context.Background()) == nil {
			return fmt.Errorf("ready without a store")
		}
		return nil
	})
	s.start()
	moved() // by itself: nothing but questions has asked
	close(stop)
	all.Wait()
	_ = r.Close()
	eventually(t, func() error {
		if n := runtime.NumGoroutine(); n > before+1 {
			return fmt.Errorf("%d goroutines are left of %d", n, before)
		}
		return nil
	})
}

// stalled is a server that takes connections and never says anything.
func stalled(t *testing.T) (addr string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int64{}
	var conns []net.Conn
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			conns = append(conns, conn)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		done.Wait()
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
	return l.Addr().String(), connections
}

// TestRedisStalled: a store that does not answer is asked a few times and then left
// alone until it may have recovered.
func TestRedisStalled(t *testing.T) {
	addr, connections := stalled(t)
	c := newFakeClock()
	r, err := NewRedis(RedisOptions{URL: "redis://" + addr, Keys: [][]byte{testKey(1)}, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for range 1000 { // at 40 ms each this would not end in time
		if _, ok := r.Get(t.Context(), keyOf("a")); ok {
			t.Error("something came of nothing")
		}
		r.Set(t.Context(), keyOf("a"), []byte("v"), start.Add(time.Hour))
	}
	if n := connections.Load(); n > breakAfter {
		t.Errorf("%d connections", n)
	}
	asked := connections.Load()
	c.add(minBreak)
	for range 100 {
		r.Get(t.Context(), keyOf("a"))
	}
	if n := connections.Load() - asked; n > 1 {
		t.Errorf("%d more connections to see whether it has recovered", n)
	}
}

// TestRedisQuestionEnds: a question that ends is no failure of the store.
func TestRedisQuestionEnds(t *testing.T) {
	s, c := newServer(t), newFakeClock()
	r := s.store(c, nil)
	r.Set(t.Context(), keyOf("a"), []byte("v"), start.Add(time.Hour))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 * breakAfter {
		if _, ok := r.Get(ended, keyOf("a")); ok {
			t.Error("an ended question was answered")
		}
	}
	if v, ok := r.Get(t.Context(), keyOf("a")); !ok {
		t.Errorf("got %q", v)
	}
	r.Set(ended, keyOf("late"), []byte("v"), start.Add(time.Hour)) // whoever asked is gone, others will come
	if v := got(t, r, keyOf("late")); v != "v" {
		t.Errorf("got %q", v)
	}
}

// TestRedisQuestionLeaves: one that does not wait as long as the store may take says
// nothing of it either.
func TestRedisQuestionLeaves(t *testing.T) {
	addr, _ := stalled(t)
	r, err := NewRedis(RedisOptions{URL: "redis://" + addr, Keys: [][]byte{testKey(1)}, Now: newFakeClock().now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for range breakAfter {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		r.Get(ctx, keyOf("a"))
		cancel()
	}
	if r.breaker.failures != 0 {
		t.Errorf("%d failures", r.breaker.failures)
	}
}

// TestRedisPassword: it is read anew for each connection, so that it can be changed.
func TestRedisPassword(t *testing.T) {
	s, c := newServer(t, "--requirepass", "first-secret"), newFakeClock()
	path := file(t, "first-secret\n")
	r := s.store(c, func(o *RedisOptions) { o.PasswordFile = path })
	r.Set(t.Context(), keyOf("a"), []byte("v"), start.Add(time.Hour))
	if v := got(t, r, keyOf("a")); v != "v" {
		t.Errorf("got %q", v)
	}
	s.kill()
	s.args = []string{"--requirepass", "second-secret"}
	s.start()
	err := r.Ready(t.Context())
	if err == nil {
		t.Fatal("an old password is good")
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in %q", err)
	}
	overwrite(t, path, "second-secret")
	eventually(t, func() error { return r.Ready(t.Context()) })
}
