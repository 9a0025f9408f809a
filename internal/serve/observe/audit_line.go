package observe

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of one line, in bytes before escaping, which makes at most six of one: an
// image reference may be long, other texts are names.
const (
	maxImage = 1024
	maxText  = 256
	maxCodes = 32
)

// lineBytes is what most lines have room in.
const lineBytes = 1 << 10

// encode renders a record as one line in ASCII: what a terminal or a log viewer would
// act upon is escaped, as JSON escapes. It reports whether a text was cut.
func encode(r Record) (text []byte, cut bool) {
	short := func(most int, fields ...*string) {
		for _, f := range fields {
			if len(*f) > most {
				*f, cut = clip(*f, most), true
			}
		}
	}
	short(maxImage, &r.Image)
	short(maxText, &r.Door, &r.Client, &r.UID, &r.User, &r.Operation, &r.Kind, &r.Namespace, &r.Object, &r.Container,
		&r.Digest, &r.Policy, &r.PolicySum, &r.Rule, &r.Verdict, &r.Outcome)
	if len(r.Codes) > maxCodes {
		r.Codes, cut = r.Codes[:maxCodes], true
	}
	if slices.ContainsFunc(r.Codes, func(c string) bool { return len(c) > maxText }) {
		r.Codes = slices.Clone(r.Codes)
		for i := range r.Codes {
			short(maxText, &r.Codes[i])
		}
	}
	r.Cut = r.Cut || cut
	return append(r.appendTo(make([]byte, 0, lineBytes)), '\n'), cut
}

// ascii escapes what is not printable ASCII, which in JSON stands within strings alone.
func ascii(raw []byte) []byte {
	plain := func(b byte) bool { return b >= ' ' && b < 0x7f }
	if !slices.ContainsFunc(raw, func(b byte) bool { return !plain(b) }) {
		return raw
	}
	out := make([]byte, 0, len(raw)+len(raw)/2)
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		switch raw = raw[n:]; {
		case n == 1 && plain(byte(r)):
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// batchBytes is how much is written at once.
const batchBytes = 64 << 10

// drain writes what waits in the queue, many lines at once where many come.
func (a *Audit) drain() {
	defer close(a.done)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case l := <-a.queue:
			pause.Reset(a.gather)
			select {
			case <-pause.C:
			case <-a.quit:
			}
			a.put(a.batch(l))
		case <-a.quit:
			for {
				select {
				case l := <-a.queue:
					a.put(a.batch(l))
				default:
					a.put(nil) // what is missing
					return
				}
			}
		}
	}
}

// batch adds to a line those that wait behind it.
func (a *Audit) batch(l line) []line {
	lines, size := []line{l}, len(l.text)
	for size < batchBytes {
		select {
		case l := <-a.queue:
			lines, size = append(lines, l), size+len(l.text)
		default:
			return lines
		}
	}
	return lines
}

// put writes lines, before them how many are missing. One goroutine at a time does so:
// the one that drains the queue, or whoever holds the lock where there is none.
func (a *Audit) put(lines []line) {
	a.mu.Lock()
	defer a.mu.Unlock()
	missing, head := a.gap, a.head()
	if len(lines) == 0 && len(head) == 0 {
		return
	}
	text := bytes.Clone(head)
	for _, l := range lines {
		text = append(text, l.text...)
	}
	if a.queue != nil {
		a.mu.Unlock()
	}
	n, err := a.sink.Write(text)
	if a.queue != nil {
		a.mu.Lock()
	}
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	a.stuck = false
	a.wrote(lines, missing, len(head), n, err)
}

// head ends what an earlier write left of a line, and says what is missing.
func (a *Audit) head() []byte {
	var b []byte
	if a.torn {
		b = append(b, '\n')
	}
	if a.gap.lines > 0 {
		b = fmt.Appendf(b, `{"time":%q,"lost":%d,"since":%q}`+"\n",
			a.gap.last.UTC().Format(time.RFC3339Nano), a.gap.lines, a.gap.first.UTC().Format(time.RFC3339Nano))
	}
	return b
}

// wrote notes what became of lines when n bytes of them and their head were written.
func (a *Audit) wrote(lines []line, missing gap, head, n int, err error) {
	if n > 0 || err == nil {
		a.torn = false
	}
	if n >= head {
		if a.gap.lines -= missing.lines; a.gap.lines > 0 {
			a.gap.first = missing.last
		}
		n -= head
	} else {
		a.torn = a.torn || n > 0
		n = 0
	}
	whole := 0
	for whole < len(lines) && n >= len(lines[whole].text) {
		n -= len(lines[whole].text)
		whole++
	}
	a.torn = a.torn || n > 0
	a.metrics.audited("written", whole)
	if err != nil && whole < len(lines) {
		a.miss(lines[whole:])
	}
}
