package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// asker asks one door about images, over connections of its own. It writes HTTP/1.1 by itself, since net/http's client
// takes two goroutines and half of the time of an answer for each request, on the cores that the server needs.
type asker struct {
	server  *server
	path    string
	review  review
	mutate  bool
	counter atomic.Int64
	idle    chan *line
}

// line is one connection.
type line struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

// newAsker keeps so many connections open.
func newAsker(s *server, door string, connections int) *asker {
	return &asker{
		server: s, path: "/admission/" + door + "?timeout=10s", review: newReview(), mutate: door == "mutate",
		idle: make(chan *line, connections),
	}
}

func (a *asker) close() {
	for {
		select {
		case l := <-a.idle:
			_ = l.Close()
		default:
			return
		}
	}
}

// connection takes one that is idle, or opens one.
func (a *asker) connection(ctx context.Context) (*line, error) {
	select {
	case l := <-a.idle:
		return l, nil
	default:
	}
	address := a.server.url[strings.Index(a.server.url, "://")+3:]
	var d interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if a.server.tls != nil {
		d = &tls.Dialer{Config: a.server.tls}
	}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &line{Conn: c, in: bufio.NewReader(c)}, nil
}

// ask asks about one image and reports whether it was admitted. An answer that is none is an error.
func (a *asker) ask(ctx context.Context, i image, buffer *bytes.Buffer) (admitted bool, err error) {
	id := uid(a.counter.Add(1))
	reference := i.pinned
	if a.mutate {
		reference = i.tagged
	}
	l, err := a.connection(ctx)
	if err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			_ = l.Close()
			return
		}
		a.idle <- l
	}()
	const name = "web-7d9c5b8f6d-x7k2p"
	size := a.review.size() + len(id) + len(name) + len(reference)
	l.out = fmt.Appendf(l.out[:0], "POST %s HTTP/1.1\r\nHost: assay\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", a.path, size)
	l.out = a.review.write(l.out, id, name, reference)
	if err := l.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return false, err
	}
	if _, err := l.Write(l.out); err != nil {
		return false, err
	}
	status, err := l.read(buffer)
	if err != nil {
		return false, err
	}
	if status != http.StatusOK || !bytes.Contains(buffer.Bytes(), []byte(id)) {
		return false, fmt.Errorf("got status %d: %.200s", status, buffer.Bytes())
	}
	admitted = bytes.Contains(buffer.Bytes(), []byte(`"allowed":true`))
	if a.mutate && admitted && !bytes.Contains(buffer.Bytes(), []byte(`"patch":"`)) {
		return false, fmt.Errorf("the image was admitted and not pinned: %.300s", buffer.Bytes())
	}
	return admitted, nil
}

// read reads one answer into buffer, which takes part of a time that is the server's. It
// knows only what the server sends: a status and a length.
func (l *line) read(buffer *bytes.Buffer) (status int, err error) {
	length := -1
	for first := true; ; first = false {
		text, err := l.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(text) == 0 && !first {
			break
		}
		if first {
			if len(text) < len("HTTP/1.1 200") {
				return 0, fmt.Errorf("found the status line %q", text)
			}
			if status, err = strconv.Atoi(string(text[9:12])); err != nil {
				return 0, err
			}
		} else if value, ok := bytes.CutPrefix(text, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 || length > 1<<20 {
		return 0, fmt.Errorf("found an answer of %d bytes; wanted its length, at most 1 MiB", length)
	}
	buffer.Reset()
	_, err = io.CopyN(buffer, l.in, int64(length))
	return status, err
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
