package observe

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Record is one decision, as the audit log has it.
type Record struct {
	Time      time.Time `json:"time"`
	Door      string    `json:"door"`
	Client    string    `json:"client,omitempty"`    // who asked the server: a token's name, a certificate's subject
	UID       string    `json:"uid,omitempty"`       // of the review
	User      string    `json:"user,omitempty"`      // who asked the API server
	Operation string    `json:"operation,omitempty"` // CREATE, UPDATE
	Kind      string    `json:"kind,omitempty"`
	Namespace string    `json:"namespace,omitempty"`
	Object    string    `json:"object,omitempty"`
	DryRun    bool      `json:"dry_run,omitempty"`
	Container string    `json:"container,omitempty"`
	Image     string    `json:"image"`
	Digest    string    `json:"digest,omitempty"`
	Policy    string    `json:"policy,omitempty"`
	PolicySum string    `json:"policy_digest,omitempty"`
	Rule      string    `json:"rule,omitempty"`
	Verdict   string    `json:"verdict,omitempty"` // the verdict's id
	Outcome   string    `json:"outcome"`
	Admitted  bool      `json:"admitted"`
	Codes     []string  `json:"codes,omitempty"`
	Cached    bool      `json:"remembered,omitempty"`
	Late      bool      `json:"late,omitempty"`
	Took      int64     `json:"duration_ms"`
	Cut       bool      `json:"cut,omitempty"` // a text was longer than a line has room for
}

// Bounds of the audit log. A sink that stands still delays one answer by patience and
// the next ones not at all, until it moves again.
const (
	queueLines = 4096
	patience   = 100 * time.Millisecond
	flushing   = 5 * time.Second
	gathering  = 5 * time.Millisecond
)

// Audit writes records, one line of JSON each. It is safe for concurrent use.
//
// A log that may lose lines in silence is worth little, and one that can stop
// admission stops the cluster when a disk is full. So lines wait in a bounded queue;
// when it is full one answer waits a tenth of a second for room, and the next ones not
// at all until the sink moves again. A line without room is lost, is counted in
// assay_audit_lines_total{result="lost"}, and the log itself says how many lines are
// missing, and from when to when, once it can be written again.
type Audit struct {
	metrics *Metrics
	sink    io.Writer
	queue   chan line     // nil: each line is written before Write returns
	quit    chan struct{} // closed by Close
	done    chan struct{} // closed after the last line
	stop    sync.Once
	flush   time.Duration // longest wait of Close
	gather  time.Duration // how long a line waits for others, to be written with them

	mu    sync.Mutex // guards what follows
	stuck bool       // the queue was full for as long as an answer waits
	gap   gap
	torn  bool // a line was written in part
}

// line is one line of the log, with its newline.
type line struct {
	text []byte
	at   time.Time
}

// gap is how many lines are missing since the last that was written, and from when to when.
type gap struct {
	lines       int
	first, last time.Time
}

// NewAudit writes to w before [Audit.Write] returns: for a writer that never stands
// still. What cannot be written changes no answer.
func NewAudit(w io.Writer) *Audit { return &Audit{sink: w} }

// QueueAudit writes to w in the background until Close, and counts lines in metrics.
func QueueAudit(w io.Writer, metrics *Metrics) *Audit {
	a := &Audit{
		sink: w, metrics: metrics, flush: flushing, gather: gathering,
		queue: make(chan line, queueLines), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go a.drain()
	return a
}

// Write writes one record. After Close it is counted as lost.
func (a *Audit) Write(r Record) {
	if a == nil {
		return
	}
	text, cut := encode(r)
	if cut {
		a.metrics.audited("cut", 1)
	}
	l := line{text, r.Time}
	switch {
	case a.queue == nil:
		a.put([]line{l})
	case !a.enqueue(l):
		a.lose(l)
	}
}

// enqueue hands a line to the writer, and waits for room unless another waited in vain.
func (a *Audit) enqueue(l line) bool {
	select {
	case <-a.quit:
		return false
	default:
	}
	select {
	case a.queue <- l:
		return true
	default:
	}
	a.mu.Lock()
	stuck := a.stuck
	a.mu.Unlock()
	if stuck {
		return false
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case a.queue <- l:
		return true
	case <-t.C:
	case <-a.quit:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stuck = true
	return false
}

// lose notes lines that are not in the log.
func (a *Audit) lose(lines ...line) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.miss(lines)
}

func (a *Audit) miss(lines []line) {
	for _, l := range lines {
		if a.gap.lines == 0 {
			a.gap.first = l.at
		}
		a.gap.lines++
		a.gap.last = l.at
	}
	a.metrics.audited("lost", len(lines))
}

// Close writes what waits, for five seconds at most, and reports what is missing.
func (a *Audit) Close() error {
	if a == nil || a.queue == nil {
		return nil
	}
	a.stop.Do(func() { close(a.quit) })
	t := time.NewTimer(a.flush)
	defer t.Stop()
	select {
	case <-a.done:
	case <-t.C:
		return fmt.Errorf("write the audit log: it took no line for %s, and %d were waiting", a.flush, len(a.queue))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gap.lines > 0 {
		return fmt.Errorf("write the audit log: %d lines are missing at its end", a.gap.lines)
	}
	return nil
}
