package budget_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
)

// fakeClock stands still until something sleeps.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *fakeClock) clock() budget.Clock {
	return budget.Clock{
		Now: func() time.Time {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.now
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.now = c.now.Add(d)
			c.slept = append(c.slept, d)
			return nil
		},
		Jitter: func() float64 { return 0 },
	}
}

// answers is a RoundTripper that gives one answer after the other, the last for ever.
type answers struct {
	mu   sync.Mutex
	sent int
	list []func(*http.Request) (*http.Response, error)
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	answer := a.list[min(a.sent, len(a.list)-1)]
	a.sent++
	a.mu.Unlock()
	return answer(req)
}

func status(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.WriteString("body")
		resp := w.Result()
		resp.Request = req
		return resp, nil
	}
}

func broken(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func get(t *testing.T, rt http.RoundTripper, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rt.RoundTrip(req)
}

func TestRequestsAreCounted(t *testing.T) {
	clock := &fakeClock{now: time.Now()}
	limits := budget.Default()
	limits.Requests = 2
	b := budget.New(limits, clock.clock())
	inner := &answers{list: []func(*http.Request) (*http.Response, error){status(200), status(404)}}
	rt := b.Transport(inner)
	for range 2 {
		resp, err := get(t, rt, "https://registry.example/v2/o/n/manifests/v1?secret=1")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	_, err := get(t, rt, "https://registry.example/v2/")
	var over *budget.Exceeded
	if !errors.As(err, &over) || over.Resource != budget.Requests || over.Limit != 2 {
		t.Fatalf("third request: got %v, want requests exceeded", err)
	}
	if inner.sent != 2 || b.Requests() != 2 || b.Bytes() != 8 {
		t.Errorf("got %d sent, %d counted, %d bytes; want 2, 2, 8", inner.sent, b.Requests(), b.Bytes())
	}
	records := b.Records()
	want := budget.Record{
		Start: clock.now, End: clock.now, Method: "GET", Host: "registry.example",
		Path: "/v2/o/n/manifests/v1", Status: 404, Bytes: 4,
	}
	if records[1] != want {
		t.Errorf("got record %+v\nwant %+v", records[1], want)
	}
}

func TestBytesAreCapped(t *testing.T) {
	limits := budget.Default()
	limits.Bytes = 100
	b := budget.New(limits, budget.Clock{})
	rt := b.Transport(&answers{list: []func(*http.Request) (*http.Response, error){
		func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<20)))}, nil
		},
	}})
	resp, err := get(t, rt, "https://registry.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.Copy(io.Discard, resp.Body)
	var over *budget.Exceeded
	if !errors.As(err, &over) || over.Resource != budget.Bytes {
		t.Fatalf("got %v after %d bytes, want bytes exceeded", err, read)
	}
	if read > 64<<10 {
		t.Errorf("%d bytes were read beyond a cap of 100", read)
	}
}

func TestTimeEndsRequests(t *testing.T) {
	limits := budget.Default()
	limits.Time = 20 * time.Millisecond
	b := budget.New(limits, budget.Clock{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}))
	defer server.Close()
	rt := b.Transport(http.DefaultTransport)
	check := func(what string, err error) {
		t.Helper()
		var over *budget.Exceeded
		if !errors.As(err, &over) || over.Resource != budget.Time || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want time exceeded", what, err)
		}
	}
	if resp, err := get(t, rt, server.URL+"/body"); err != nil {
		check("body", err) // the machine was slow
	} else {
		_, err := io.ReadAll(resp.Body)
		check("body", err)
		_ = resp.Body.Close()
	}
	_, err := get(t, rt, server.URL+"/header")
	check("header", err)
}

func TestRetries(t *testing.T) {
	type list = []func(*http.Request) (*http.Response, error)
	start := time.Date(2126, 11, 22, 12, 0, 0, 0, time.UTC) // the context's deadline is real, and must not have passed
	for name, test := range map[string]struct {
		answers list
		method  string
		sent    int
		status  int
		slept   []time.Duration
	}{
		"an answer":               {list{status(200)}, "GET", 1, 200, nil},
		"404 is an answer":        {list{status(404)}, "GET", 1, 404, nil},
		"401 is an answer":        {list{status(401)}, "GET", 1, 401, nil},
		"500 once":                {list{status(500), status(200)}, "GET", 2, 200, []time.Duration{100 * time.Millisecond}},
		"502 for ever":            {list{status(502)}, "GET", 3, 502, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}},
		"501 will not change":     {list{status(501)}, "GET", 1, 501, nil},
		"connection lost":         {list{broken(syscall.ECONNRESET), broken(io.EOF), status(200)}, "GET", 3, 200, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}},
		"no such host":            {list{broken(errors.New("no such host"))}, "GET", 1, 0, nil},
		"POST is not repeated":    {list{status(500)}, "POST", 1, 500, nil},
		"Retry-After in seconds":  {list{status(429, "Retry-After", "7"), status(200)}, "GET", 2, 200, []time.Duration{7 * time.Second}},
		"Retry-After as a date":   {list{status(503, "Retry-After", start.Add(9*time.Second).Format(http.TimeFormat)), status(200)}, "GET", 2, 200, []time.Duration{9 * time.Second}},
		"Retry-After in the past": {list{status(503, "Retry-After", start.Add(-time.Hour).Format(http.TimeFormat)), status(200)}, "GET", 2, 200, []time.Duration{0}},
		"Retry-After for ever":    {list{status(429, "Retry-After", "20")}, "GET", 3, 429, []time.Duration{20 * time.Second, 20 * time.Second}},
		"Retry-After too late":    {list{status(429, "Retry-After", "60")}, "GET", 1, 429, nil},
		"Retry-After overflows":   {list{status(429, "Retry-After", "99999999999999999999"), status(200)}, "GET", 2, 200, []time.Duration{100 * time.Millisecond}},
		"Retry-After is rubbish":  {list{status(429, "Retry-After", "soon"), status(200)}, "GET", 2, 200, []time.Duration{100 * time.Millisecond}},
		"429 without Retry-After": {list{status(429), status(200)}, "GET", 2, 200, []time.Duration{100 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			// The context's deadline is real, the budget's is the fake clock's.
			clock := &fakeClock{now: start}
			limits := budget.Default()
			b := budget.New(limits, clock.clock())
			inner := &answers{list: test.answers}
			req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), test.method, "https://registry.example/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := b.Transport(ignoreDeadline{inner}).RoundTrip(req)
			got := 0
			if err == nil {
				got = resp.StatusCode
				_ = resp.Body.Close()
			}
			if got != test.status || inner.sent != test.sent || b.Requests() != test.sent {
				t.Errorf("got status %d (%v) after %d requests, want %d after %d", got, err, inner.sent, test.status, test.sent)
			}
			if len(clock.slept) != len(test.slept) {
				t.Fatalf("slept %v, want %v", clock.slept, test.slept)
			}
			for i := range test.slept {
				if clock.slept[i] != test.slept[i] {
					t.Errorf("slept %v, want %v", clock.slept, test.slept)
				}
			}
		})
	}
}

// ignoreDeadline is a network that does not look at the time, which the fake clock
// has set in the past or future.
type ignoreDeadline struct{ next http.RoundTripper }

func (i ignoreDeadline) RoundTrip(req *http.Request) (*http.Response, error) {
	return i.next.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
}

func TestRetriesInAllAreBounded(t *testing.T) {
	clock := &fakeClock{now: time.Now()}
	limits := budget.Default()
	limits.AllRetries = 3
	b := budget.New(limits, clock.clock())
	inner := &answers{list: []func(*http.Request) (*http.Response, error){status(500)}}
	rt := b.Transport(inner)
	for range 5 {
		resp, err := get(t, rt, "https://registry.example/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if inner.sent != 8 {
		t.Errorf("got %d requests, want 5 and 3 retries", inner.sent)
	}
}

func TestDepth(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	records := []budget.Record{
		{Start: at(0), End: at(1)},
		{Start: at(1), End: at(3)}, {Start: at(1), End: at(2)}, {Start: at(1), End: at(4)},
		{Start: at(4), End: at(5)}, {Start: at(4), End: at(6)},
		{Start: at(4)}, // still open
	}
	if got := budget.Depth(records); got != 3 {
		t.Errorf("got depth %d, want 3", got)
	}
	if got := budget.Depth(nil); got != 0 {
		t.Errorf("got depth %d of nothing", got)
	}
}

// TestRoom is attack 40: of those that read much, one reads on at a time.
func TestRoom(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
	}))
	defer server.Close()
	limits := budget.Default()
	limits.Room = budget.NewRoom(100, 1)
	limits.Time = time.Minute
	read := func(b *budget.Budget, ctx context.Context) (int64, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.Transport(http.DefaultTransport).RoundTrip(req)
		if err != nil {
			return 0, err
		}
		defer func() { _ = resp.Body.Close() }()
		return io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, make([]byte, 100))
	}
	first, second := budget.New(limits, budget.Clock{}), budget.New(limits, budget.Clock{})
	for range 2 { // it keeps its turn
		if n, err := read(first, t.Context()); n != 1<<20 || err != nil {
			t.Fatalf("read %d bytes: %v", n, err)
		}
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if n, err := read(second, ctx); n > 200 || !errors.Is(err, why) {
			t.Errorf("read %d bytes beside another: %v", n, err)
		}
	}()
	for second.Bytes() < 100 {
		time.Sleep(time.Millisecond)
	}
	cancel(why)
	<-ended
	second.Release() // has none
	first.Release()
	first.Release()
	if n, err := read(second, t.Context()); n != 1<<20 || err != nil {
		t.Errorf("read %d bytes: %v", n, err)
	}
	second.Release()
}

// TestRoomIsGivenBack wants a turn back from who reads on after everybody has gone: once
// its request has ended nobody releases it.
func TestRoomIsGivenBack(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 1<<20))
	}))
	defer server.Close()
	limits := budget.Default()
	limits.Room = budget.NewRoom(100, 1)
	for range 20 { // either end of the choice between a turn and the end of the request
		b := budget.New(limits, budget.Clock{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.Transport(http.DefaultTransport).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 200)); err != nil {
			t.Fatal(err)
		}
		b.Release()
		_, _ = io.ReadFull(resp.Body, make([]byte, 200)) // who is late takes a turn
		cancel()
		_, _ = io.Copy(io.Discard, resp.Body) // and would take another
		_ = resp.Body.Close()
	}
	if got := budget.InRoom(limits.Room); got != 0 {
		deadline := time.Now().Add(5 * time.Second)
		for got != 0 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
			got = budget.InRoom(limits.Room)
		}
		if got != 0 {
			t.Errorf("%d turns are held by nobody", got)
		}
	}
}
