package lab

import (
	"net/http"
	"slices"
	"time"
)

// Request is one line of the request log.
type Request struct {
	Method string
	// Host is what the client called the registry or its token server.
	Host string
	// Path is the path with the query.
	Path   string
	Header http.Header
	Status int
	// Bytes is how much body was sent back.
	Bytes int64
	// Start is when the request came, End when all of the answer was written.
	Start, End time.Time
	// Depth is the length of the longest chain of requests that ends with this one and in which each came after the
	// one before was answered. See [Depth] for the depth of a part of the log.
	Depth int
}

// Handshake reports whether the request is a ping or asks for a token: what comes before any content.
func (r Request) Handshake() bool {
	return r.Path == "/v2/" || r.Path == tokenPath || len(r.Path) > len(tokenPath) && r.Path[:len(tokenPath)+1] == tokenPath+"?"
}

// Requests returns the log so far, in the order in which the requests ended. Requests that are not answered yet are
// not in it.
func (r *Registry) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := slices.Clone(r.requests)
	for i := range log {
		log[i].Depth = 1
		for _, before := range log[:i] {
			if !before.End.After(log[i].Start) {
				log[i].Depth = max(log[i].Depth, before.Depth+1)
			}
		}
	}
	return log
}

// Depth returns the length of the longest chain of requests each of which came after the one before was answered: the
// round trips by which latency is multiplied. Without latency, requests that were sent side by side may be answered
// one after the other, and count as a chain.
func Depth(requests []Request) int {
	ended := slices.Clone(requests)
	slices.SortFunc(ended, func(a, b Request) int { return a.End.Compare(b.End) })
	depth, last := 0, time.Time{}
	for _, r := range ended {
		if depth == 0 || !r.Start.Before(last) {
			depth, last = depth+1, r.End
		}
	}
	return depth
}

// ResetRequests empties the log.
func (r *Registry) ResetRequests() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// begin opens a line of the log; the returned function ends it.
func (r *Registry) begin(w http.ResponseWriter, req *http.Request) (http.ResponseWriter, func()) {
	line := Request{
		Method: req.Method, Host: req.Host, Path: req.URL.RequestURI(), Header: req.Header.Clone(), Start: r.opts.Clock(),
	}
	counted := &countingWriter{ResponseWriter: w, status: http.StatusOK}
	return counted, func() {
		line.Status, line.Bytes, line.End = counted.status, counted.bytes, r.opts.Clock()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests = append(r.requests, line)
	}
}

// countingWriter remembers the status and the length of the body.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *countingWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *countingWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }
