package budget

import (
	"slices"
	"time"
)

// Record is one request that was sent. Query strings are left out, since signed
// URLs carry credentials in them.
type Record struct {
	Start time.Time
	// End is when the body was closed, or zero while it is still open.
	End    time.Time
	Method string
	Host   string
	Path   string
	// Status is the HTTP status, or 0 if no answer came.
	Status int
	// Bytes is how much of the body was read.
	Bytes int64
}

// Records returns all requests so far, in the order in which they were sent.
func (b *Budget) Records() []Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.records)
}

// Depth returns the length of the longest chain of requests each of which started
// after the one before had ended: the round trips that latency multiplies.
func Depth(records []Record) int {
	ended := slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.End.IsZero() })
	slices.SortFunc(ended, func(a, b Record) int { return a.End.Compare(b.End) })
	depth, last := 0, time.Time{}
	for _, r := range ended {
		if depth == 0 || !r.Start.Before(last) {
			depth++
			last = r.End
		}
	}
	return depth
}

// begin records a request about to be sent, and returns its number.
func (b *Budget) begin(method, host, path string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.records) >= b.limits.Requests {
		return 0, &Exceeded{Resource: Requests, Limit: int64(b.limits.Requests)}
	}
	b.records = append(b.records, Record{Start: b.clock.Now(), Method: method, Host: host, Path: path})
	return len(b.records) - 1, nil
}

func (b *Budget) answered(number, status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records[number].Status = status
}

func (b *Budget) end(number int, read int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records[number].End = b.clock.Now()
	b.records[number].Bytes = read
}
