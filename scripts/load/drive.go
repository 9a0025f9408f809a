package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// asker asks one door about images, over connections of its own.
type asker struct {
	client  *http.Client
	url     string
	review  review
	mutate  bool
	counter atomic.Int64
}

// newAsker keeps so many connections open.
func newAsker(s *server, door string, connections int) *asker {
	transport := &http.Transport{
		TLSClientConfig: s.tls, MaxConnsPerHost: connections, MaxIdleConns: connections, MaxIdleConnsPerHost: connections,
		DisableCompression: true,
	}
	return &asker{
		client: &http.Client{Transport: transport, Timeout: time.Minute},
		url:    s.url + "/admission/" + door + "?timeout=10s", review: newReview(), mutate: door == "mutate",
	}
}

func (a *asker) close() { a.client.CloseIdleConnections() }

// ask asks about one image and reports whether it was admitted. An answer that is none is an error.
func (a *asker) ask(ctx context.Context, i image, buffer *bytes.Buffer) (bool, error) {
	id := uid(a.counter.Add(1))
	reference := i.pinned
	if a.mutate {
		reference = i.tagged
	}
	body := a.review.write(make([]byte, 0, 9000), id, "web-7d9c5b8f6d-x7k2p", reference)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := a.client.Do(r)
	if err != nil {
		return false, err
	}
	defer func() { _ = w.Body.Close() }()
	buffer.Reset()
	if _, err := io.Copy(buffer, io.LimitReader(w.Body, 1<<20)); err != nil {
		return false, err
	}
	if w.StatusCode != http.StatusOK || !bytes.Contains(buffer.Bytes(), []byte(id)) {
		return false, fmt.Errorf("got status %d: %.200s", w.StatusCode, buffer.Bytes())
	}
	admitted := bytes.Contains(buffer.Bytes(), []byte(`"allowed":true`))
	if a.mutate && admitted && !bytes.Contains(buffer.Bytes(), []byte(`"patch":"`)) {
		return false, fmt.Errorf("the image was admitted and not pinned: %.300s", buffer.Bytes())
	}
	return admitted, nil
}

// tally is what came of many reviews.
type tally struct {
	times          []time.Duration
	denied, failed int
	first          string // of what was no admission
	took           time.Duration
}

// each has workers ask until next says that there is nothing more to ask. next also says when to ask: latency counts
// from then on, so that a server that stands still is not spared those who would have come meanwhile.
func (a *asker) each(ctx context.Context, workers int, next func(n int64) (image, time.Time, bool)) tally {
	var (
		mu   sync.Mutex
		all  tally
		n    atomic.Int64
		done sync.WaitGroup
	)
	began := time.Now()
	for range workers {
		done.Go(func() {
			var own tally
			var buffer bytes.Buffer
			for ctx.Err() == nil {
				i, due, more := next(n.Add(1) - 1)
				if !more {
					break
				}
				from := time.Now()
				if !due.IsZero() {
					time.Sleep(due.Sub(from))
					from = due
				}
				admitted, err := a.ask(ctx, i, &buffer)
				own.times = append(own.times, time.Since(from))
				own.note(admitted, err, &buffer)
			}
			mu.Lock()
			defer mu.Unlock()
			all.times = append(all.times, own.times...)
			all.denied += own.denied
			all.failed += own.failed
			if all.first == "" {
				all.first = own.first
			}
		})
	}
	done.Wait()
	all.took = time.Since(began)
	slices.Sort(all.times)
	return all
}

func (t *tally) note(admitted bool, err error, answer *bytes.Buffer) {
	text := ""
	switch {
	case err != nil:
		t.failed++
		text = err.Error()
	case !admitted:
		t.denied++
		text = answer.String()
	}
	if t.first == "" && text != "" {
		t.first = fmt.Sprintf("%.600s", text)
	}
}

// quantile is in milliseconds.
func (t tally) quantile(q float64) float64 {
	if len(t.times) == 0 {
		return 0
	}
	return ms(t.times[min(int(q*float64(len(t.times))), len(t.times)-1)])
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
