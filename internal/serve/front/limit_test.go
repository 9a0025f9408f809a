package front

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestClientRate: one client over its rate is told when to come back, others are served.
func TestClientRate(t *testing.T) {
	set, c := secured("bearer"), newClock()
	set.ClientRate, set.ClientBurst = 0.5, 3
	base := time.Now()
	s := start(t, set, func(o *Options) { o.Now = func() time.Time { return base.Add(time.Duration(c.offset.Load())) } })
	client := s.client(t, nil)
	ask := func(token string) (int, string) {
		r := must(http.NewRequest(http.MethodGet, s.url("/"), http.NoBody))
		r.Header.Set("Authorization", "Bearer "+token)
		resp := must(client.Do(r))
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for i := range 3 {
		if code, _ := ask(oldToken); code != 200 {
			t.Errorf("request %d of the burst: got %d", i, code)
		}
	}
	if code, after := ask(oldToken); code != 429 || after != "2" {
		t.Errorf("beyond: got %d, Retry-After %q", code, after)
	}
	if code, _ := ask(newToken); code != 200 {
		t.Errorf("another client: got %d", code)
	}
	c.add(2 * time.Second)
	if code, _ := ask(oldToken); code != 200 {
		t.Errorf("after two seconds: got %d", code)
	}
	if code, _ := ask(oldToken); code != 429 {
		t.Errorf("and once more: got %d", code)
	}
	if code, _ := get(client, s.url("/healthz")); code != 200 {
		t.Errorf("probes: got %d", code)
	}
}

// TestRememberedClients: their number is bounded, and who asks stays remembered.
func TestRememberedClients(t *testing.T) {
	now := time.Now()
	l := newLimiter(1, 1, func() time.Time { return now })
	if l.take("busy") != 0 || l.take("busy") == 0 {
		t.Fatal("a burst of one is not one")
	}
	for i := range 3 * maxClients {
		l.take(fmt.Sprint("other", i))
		if i%1000 == 0 && l.take("busy") == 0 {
			t.Fatal("forgotten while it asks")
		}
	}
	if len(l.byName) != maxClients || l.recent.Len() != maxClients {
		t.Errorf("%d and %d are remembered", len(l.byName), l.recent.Len())
	}
	unlimited := newLimiter(0, 1, time.Now)
	for range 2 {
		if unlimited.take("x") != 0 {
			t.Error("0 is a limit")
		}
	}
}

// TestConcurrency: beyond it a request waits shortly and is refused, with nothing of
// its body read; a place that comes free is taken.
func TestConcurrency(t *testing.T) {
	set := plain()
	set.Concurrency = 4 // two for this one client
	entered, leave := make(chan struct{}, 8), make(chan struct{})
	s := start(t, set, func(o *Options) {
		o.Doors = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-leave })
	})
	codes := make(chan int, 8)
	ask := func() { code, _ := get(http.DefaultClient, s.url("/")); codes <- code }
	go ask()
	go ask()
	<-entered
	<-entered
	body := &counted{Reader: strings.NewReader(strings.Repeat("x", 1<<20))}
	r := must(http.NewRequest(http.MethodPost, s.url("/"), body))
	r.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}}
	defer client.CloseIdleConnections()
	if code, text := do(client, r); code != 503 || body.read != 0 {
		t.Errorf("got %d %s, and %d bytes were read", code, text, body.read)
	}
	go ask() // waits
	time.Sleep(50 * time.Millisecond)
	leave <- struct{}{}
	<-entered
	close(leave)
	for range 3 {
		if code := <-codes; code != 200 {
			t.Errorf("got %d", code)
		}
	}
}

// TestGate: half of the places for one client, all for several; what comes free goes to
// the first that may have it.
func TestGate(t *testing.T) {
	g, ctx := newGate(4), t.Context()
	enter := func(client string) bool { return g.enter(ctx, client, time.Millisecond) }
	for i, c := range []struct {
		client string
		want   bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"a", false}, {"c", true}, {"d", false}} {
		if enter(c.client) != c.want {
			t.Errorf("%d: %s: wanted %v", i, c.client, c.want)
		}
	}
	granted := make(chan string)
	for i, client := range []string{"a", "d"} {
		go func() { g.enter(ctx, client, time.Minute); granted <- client }()
		within(t, "the queue", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.queue) == i+1 })
	}
	g.leave("b")
	if got := <-granted; got != "d" {
		t.Errorf("a third place went to %s", got)
	}
	g.leave("a")
	if got := <-granted; got != "a" {
		t.Errorf("got %s", got)
	}
	for _, client := range []string{"a", "a", "c", "d"} {
		g.leave(client)
	}
	if g.inside != 0 || len(g.of) != 0 || len(g.queue) != 0 {
		t.Errorf("left: %d, %v, %d", g.inside, g.of, len(g.queue))
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	for range 2 {
		enter("a")
	}
	if g.enter(over, "a", time.Minute) || len(g.queue) != 0 {
		t.Error("who has gone still waits")
	}
}

type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read += n
	return n, err
}

// TestLargeBodies: 100 MB are refused, announced or not, and are not held.
func TestLargeBodies(t *testing.T) {
	var most int64
	var failure error
	s := start(t, plain(), func(o *Options) {
		o.Doors = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			most, failure = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		})
	})
	const size = 100 << 20
	body := func() io.Reader { return io.LimitReader(zeros{}, size) }
	announced := must(http.NewRequest(http.MethodPost, s.url("/"), body()))
	announced.ContentLength = size
	if code, _ := do(http.DefaultClient, announced); code != 413 && code != 0 || most != 0 {
		t.Errorf("announced: got %d, and %d bytes were read", code, most)
	}
	code, _ := do(http.DefaultClient, must(http.NewRequest(http.MethodPost, s.url("/"), body())))
	var large *http.MaxBytesError
	if code != 413 && code != 0 || most != maxBody || !errors.As(failure, &large) {
		t.Errorf("in pieces: got %d, %d bytes, %v", code, most, failure)
	}
	if code, _ := get(http.DefaultClient, s.url("/healthz")); code != 200 {
		t.Errorf("after that: got %d", code)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestSlowLoris: who never ends a header or a body loses the connection, and others are
// answered meanwhile.
func TestSlowLoris(t *testing.T) {
	s := start(t, plain(), func(o *Options) {
		o.slow = 300 * time.Millisecond
		o.Doors = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		})
	})
	var conns []net.Conn
	for _, text := range []string{
		"", "G", "GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	} {
		for range 20 {
			c := must(net.Dial("tcp", s.Address().String()))
			defer c.Close()
			_, _ = io.WriteString(c, text)
			conns = append(conns, c)
		}
	}
	if code, body := get(http.DefaultClient, s.url("/healthz")); code != 200 {
		t.Errorf("meanwhile: got %d %s", code, body)
	}
	for i, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(8 * time.Second))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d is still there", i)
		}
	}
}

// TestHeaderBytes: a header without end is refused.
func TestHeaderBytes(t *testing.T) {
	s := start(t, plain(), nil)
	if code, _ := get(http.DefaultClient, s.url("/"), "X-Long", strings.Repeat("x", 1<<20)); code != 431 && code != 0 {
		t.Errorf("got %d", code)
	}
}

// TestConnections: no more than so many are open, one address has half of them at most,
// and those that end make room.
func TestConnections(t *testing.T) {
	set := plain()
	set.Connections = 20
	s := start(t, set, nil)
	open := func() (net.Conn, bool) {
		c := must(net.Dial("tcp", s.Address().String()))
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		line, _ := bufio.NewReader(c).ReadString('\n')
		return c, strings.Contains(line, "200")
	}
	var held []net.Conn
	for i := range 30 {
		c, ok := open()
		defer c.Close()
		if ok != (i < 10) {
			t.Errorf("connection %d: got %v", i, ok)
		}
		if ok {
			held = append(held, c)
		}
	}
	_ = held[0].Close()
	within(t, "room for another", func() bool {
		c, ok := open()
		defer c.Close()
		return ok
	})
}

// TestBoundedListener: beyond all connections new ones wait.
func TestBoundedListener(t *testing.T) {
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l := bounded(inner, 1)
	first := must(net.Dial("tcp", inner.Addr().String()))
	defer first.Close()
	second := must(net.Dial("tcp", inner.Addr().String()))
	defer second.Close()
	one := must(l.Accept())
	accepted := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.Close()
		}
		accepted <- err
	}()
	select {
	case <-accepted:
		t.Error("two are open")
	case <-time.After(50 * time.Millisecond):
	}
	_ = one.Close()
	_ = one.Close() // twice is once
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	go func() { _, err := l.Accept(); accepted <- err }()
	_ = l.Close()
	if err := <-accepted; err == nil {
		t.Error("a closed listener accepts")
	}
}

// TestPanic: a panic is an error of the server, and half an answer none.
func TestPanic(t *testing.T) {
	s := start(t, plain(), func(o *Options) {
		o.Doors = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/half" {
				_, _ = io.WriteString(w, `{"allowed":true}`)
			}
			panic("secret-free")
		})
	})
	if code, body := get(http.DefaultClient, s.url("/")); code != 500 || !strings.Contains(body, "internal.panic") || strings.Contains(body, "secret-free") {
		t.Errorf("got %d %s", code, body)
	}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // nothing is asked twice
	if code, body := get(fresh, s.url("/half")); code != 0 {
		t.Errorf("half an answer: got %d %s", code, body)
	}
	if said := s.said.String(); strings.Count(said, `"msg":"internal.panic"`) != 2 {
		t.Errorf("got the log %s", said)
	}
}

// TestHeaders: those of every answer.
func TestHeaders(t *testing.T) {
	s := start(t, secured("bearer"), nil)
	for _, path := range []string{"/", "/healthz", "/metrics"} {
		resp := must(s.client(t, nil).Get(s.url(path)))
		_ = resp.Body.Close()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Strict-Transport-Security": "max-age=31536000", "Server": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	p := start(t, plain(), nil)
	r := must(http.NewRequest(http.MethodPost, p.url("/v1/verify"), http.NoBody))
	r.Header.Set("Origin", "https://evil.example")
	if code, body := do(http.DefaultClient, r); code != 403 {
		t.Errorf("a page of another site: got %d %s", code, body)
	}
}

// TestReady: the parts that are missing are named, their errors are not.
func TestReady(t *testing.T) {
	var mu sync.Mutex
	var missing error
	c := newClock()
	asked := 0
	s := start(t, plain(), func(o *Options) {
		o.Now = c.now
		o.Ready = func() error { mu.Lock(); defer mu.Unlock(); asked++; return missing }
	})
	set := func(err error) { mu.Lock(); missing = err; mu.Unlock(); c.add(2 * time.Second) }
	if code, body := get(http.DefaultClient, s.url("/readyz")); code != 200 || body != "ready" {
		t.Errorf("got %d %s", code, body)
	}
	set(errors.New("redis://internal-host is down"))
	for range 3 {
		if code, body := get(http.DefaultClient, s.url("/readyz")); code != 503 || strings.Contains(body, "internal-host") {
			t.Errorf("got %d %s", code, body)
		}
	}
	set(nil)
	if code, _ := get(http.DefaultClient, s.url("/readyz")); code != 200 {
		t.Errorf("got %d", code)
	}
	if asked > 3 {
		t.Errorf("Ready was asked %d times within three seconds", asked)
	}
	if said := s.said.String(); strings.Count(said, "internal-host is down") != 1 || !strings.Contains(said, "ready again") {
		t.Errorf("got the log %s", said)
	}
}

// TestDrain: requests in flight are answered, /readyz says no meanwhile, new ones are
// not taken, and nothing is left open.
func TestDrain(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	set := secured("mtls")
	set.Auth = "bearer"
	entered, leave := make(chan struct{}, 8), make(chan struct{})
	s := start(t, set, func(o *Options) {
		o.Poll = time.Millisecond
		o.Doors = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			entered <- struct{}{}
			<-leave
			hello(w, r)
		})
	})
	c := s.client(t, nil)
	answers := make(chan string, 8)
	for range 3 {
		go func() { _, body := get(c, s.url("/"), "Authorization", "Bearer "+oldToken); answers <- body }()
	}
	for range 3 {
		<-entered
	}
	idle := must(net.Dial("tcp", s.Address().String()))
	defer idle.Close()
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	probes := &http.Client{Transport: &http.Transport{}}
	within(t, "/readyz says no", func() bool {
		code, _ := get(probes, "http://"+s.ProbesAddress().String()+"/readyz")
		return code == 503
	})
	within(t, "no new connection", func() bool {
		c, err := net.DialTimeout("tcp", s.Address().String(), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	_ = idle.Close()
	close(leave)
	for range 3 {
		if body := <-answers; body != "hello old" {
			t.Errorf("got %q", body)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	c.CloseIdleConnections()
	probes.CloseIdleConnections()
	within(t, "everything closed", func() bool { return runtime.NumGoroutine() <= goroutines && descriptors(t) <= files })
}

// TestDrainIsBounded: who does not end is cut off, and the server stops.
func TestDrainIsBounded(t *testing.T) {
	set := plain()
	set.Drain = 50 * time.Millisecond
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, set, func(o *Options) {
		o.Doors = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			entered <- struct{}{}
			<-r.Context().Done()
			close(leave)
		})
	})
	code := make(chan int, 1)
	go func() { c, _ := get(http.DefaultClient, s.url("/")); code <- c }()
	<-entered
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if c := <-code; c != 0 {
		t.Errorf("got %d", c)
	}
	<-leave
	if !strings.Contains(s.said.String(), "requests were cut off") {
		t.Errorf("got the log %s", s.said)
	}
}

// descriptors counts the open files of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc/self/fd")
	}
	return len(all)
}

func TestAddressOf(t *testing.T) {
	for text, want := range map[string]string{
		"10.1.2.3:4": "10.1.2.3", "[::ffff:10.1.2.3]:4": "10.1.2.3", "[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::", "[::1]:1": "::1", "[fe80::1%eth0]:1": "fe80::", "x": "invalid IP",
	} {
		if got := addressOf(text).String(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
