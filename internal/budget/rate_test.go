package budget_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/releaseassay/assay/internal/budget"
)

// paced sends one request and returns how long that took.
func paced(t *testing.T, ctx context.Context, rt http.RoundTripper, url string) (time.Duration, error) {
	t.Helper()
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	return time.Since(began), err
}

func ok() *answers {
	return &answers{list: []func(*http.Request) (*http.Response, error){status(200)}}
}

// TestRateIsPerHost lets a burst through to each host and then one request at a time.
func TestRateIsPerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := ok()
		rt := budget.NewRate(sent, 10, 3, budget.Clock{})
		for i, want := range []time.Duration{0, 0, 0, 100 * time.Millisecond, 100 * time.Millisecond} {
			if took, err := paced(t, t.Context(), rt, "https://A.example/"); err != nil || took != want {
				t.Errorf("request %d took %s, %v; wanted %s", i, took, err, want)
			}
		}
		for _, host := range []string{"b.example", "a.example:5000"} {
			if took, err := paced(t, t.Context(), rt, "https://"+host+"/"); err != nil || took != 0 {
				t.Errorf("%s waited %s, %v", host, took, err)
			}
		}
		if took, err := paced(t, t.Context(), rt, "https://a.example/"); err != nil || took != 100*time.Millisecond {
			t.Errorf("another spelling waited %s, %v", took, err)
		}
		time.Sleep(time.Second)
		for range 3 {
			if took, err := paced(t, t.Context(), rt, "https://a.example/"); err != nil || took != 0 {
				t.Errorf("after a rest it took %s, %v", took, err)
			}
		}
		if sent.sent != 11 {
			t.Errorf("%d requests were sent", sent.sent)
		}
	})
}

// TestRateEndsInTime: what would wait beyond its time is not sent, says so at once and
// takes nobody's turn; what is cancelled while it waits gives its turn back.
func TestRateEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := ok()
		rt := budget.NewRate(sent, 1, 1, budget.Clock{})
		if _, err := paced(t, t.Context(), rt, "https://a.example/"); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			if took, err := paced(t, ctx, rt, "https://a.example/"); !errors.Is(err, context.DeadlineExceeded) || took != 0 {
				t.Errorf("took %s, %v", took, err)
			}
			cancel()
		}
		stopped := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(250*time.Millisecond, func() { cancel(stopped) })
		if took, err := paced(t, ctx, rt, "https://a.example/"); !errors.Is(err, stopped) || took != 250*time.Millisecond {
			t.Errorf("took %s, %v", took, err)
		}
		if took, err := paced(t, t.Context(), rt, "https://a.example/"); err != nil || took != 750*time.Millisecond {
			t.Errorf("took %s, %v", took, err)
		}
		if sent.sent != 2 {
			t.Errorf("%d requests were sent", sent.sent)
		}
	})
}

// TestRateIsFair: requests that wait together are sent one by one, each once.
func TestRateIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := ok()
		rt := budget.NewRate(sent, 100, 1, budget.Clock{})
		began := time.Now()
		var all sync.WaitGroup
		for range 51 {
			all.Go(func() {
				if _, err := paced(t, t.Context(), rt, "https://a.example/"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != 500*time.Millisecond || sent.sent != 51 {
			t.Errorf("%d requests took %s", sent.sent, took)
		}
	})
}

// TestRateIsBounded: a flood of hosts is remembered in part, and frees no host that has
// used up its burst.
func TestRateIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := budget.NewRate(ok(), 0.001, 1, budget.Clock{})
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := paced(t, soon, rt, "https://busy.example/"); err != nil {
			t.Fatal(err)
		}
		refused := 0
		for i := range 5000 {
			if _, err := paced(t, soon, rt, fmt.Sprintf("https://h%d.example/", i)); err != nil {
				refused++
			}
		}
		// Those beyond the bound have one burst together.
		if refused != 5000-1023-1 || rt.Hosts() != 1024 {
			t.Errorf("%d of 5000 hosts had to wait, %d are remembered", refused, rt.Hosts())
		}
		if _, err := paced(t, soon, rt, "https://busy.example/"); err == nil {
			t.Error("a host that has to wait was forgotten")
		}
		time.Sleep(2000 * time.Second)
		later, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := paced(t, later, rt, "https://new.example/"); err != nil || rt.Hosts() > 1024 {
			t.Errorf("after a rest: %v, %d are remembered", err, rt.Hosts())
		}
		if rt.Hosts() != 1 {
			t.Errorf("%d hosts are remembered that need not be", rt.Hosts())
		}
	})
}

// TestRateClosesBodies: a request that is not sent has its body closed, as it would be
// otherwise.
func TestRateClosesBodies(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	rt := budget.NewRate(ok(), 0.001, 1, budget.Clock{})
	for _, want := range []bool{false, true} {
		body := &closing{}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://a.example/", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err != nil) != want || body.closed != want {
			t.Errorf("got %v, closed %v", err, body.closed)
		}
	}
}

type closing struct{ closed bool }

func (*closing) Read([]byte) (int, error) { return 0, io.EOF }

func (c *closing) Close() error { c.closed = true; return nil }
