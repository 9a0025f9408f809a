package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a writer that a test can stop, break and read.
type sink struct {
	mu   sync.Mutex
	held bytes.Buffer
	fail func(b []byte) (int, error)
	gate chan struct{} // nil: open; a write takes one
}

func (s *sink) Write(b []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		n, err := s.fail(b)
		s.held.Write(b[:n])
		return n, err
	}
	return s.held.Write(b)
}

func (s *sink) lines(t *testing.T) []map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []map[string]any
	for _, text := range strings.Split(strings.TrimSuffix(s.held.String(), "\n"), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			continue // half a line, which its test counts
		}
		all = append(all, line)
	}
	return all
}

func record(i int) Record {
	return Record{Time: time.Unix(int64(1_700_000_000+i), 0).UTC(), Door: "validate", Image: fmt.Sprintf("registry.example/acme/widget:%d", i), Outcome: "refused", Codes: []string{"signature.missing"}}
}

func TestAuditLine(t *testing.T) {
	var b bytes.Buffer
	NewAudit(&b).Write(Record{
		Time: time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC), Door: "validate", UID: "u1", Kind: "Pod", Namespace: "shop", Object: "web",
		Image: "registry.example/acme/widget:1.2.3", Digest: "sha256:aa", Outcome: "passed", Admitted: true, Took: 7,
	})
	want := `{"time":"2026-11-22T15:00:00Z","door":"validate","uid":"u1","kind":"Pod","namespace":"shop","object":"web",` +
		`"image":"registry.example/acme/widget:1.2.3","digest":"sha256:aa","outcome":"passed","admitted":true,"duration_ms":7}` + "\n"
	if b.String() != want {
		t.Errorf("got  %swant %s", b.String(), want)
	}
}

// TestAuditForeign writes what strangers choose: one line stays one line of printable
// ASCII, of bounded length, and gives the text back.
func TestAuditForeign(t *testing.T) {
	evil := "x\n{\"outcome\":\"passed\"}\r\x1b[2K\u202e\u2028\U0001f600é\x00\x7f\xff</script>"
	var b bytes.Buffer
	a := NewAudit(&b)
	a.Write(Record{Door: evil, Client: evil, UID: evil, User: evil, Object: evil, Image: evil, Codes: []string{evil}})
	if strings.Count(b.String(), "\n") != 1 {
		t.Fatalf("got more than one line: %q", b.String())
	}
	for _, c := range b.Bytes()[:b.Len()-1] {
		if c < ' ' || c > '~' {
			t.Fatalf("found byte %#x in %q", c, b.String())
		}
	}
	var back Record
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(evil, "\ufffd"); back.Image != want || back.Codes[0] != want || back.Cut {
		t.Errorf("got %q, want %q", back.Image, want)
	}

	b.Reset()
	long := strings.Repeat("\x00é", 1<<20)
	r := Record{Door: long, Client: long, UID: long, User: long, Operation: long, Kind: long, Namespace: long, Object: long,
		Container: long, Image: long, Digest: long, Policy: long, PolicySum: long, Rule: long, Verdict: long, Outcome: long}
	for range 1000 {
		r.Codes = append(r.Codes, long)
	}
	a.Write(r)
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || !back.Cut {
		t.Errorf("the line has to say that it was cut: %v", err)
	}
	if b.Len() > 96<<10 {
		t.Errorf("got a line of %d bytes", b.Len())
	}
	if r.Codes[0] != long {
		t.Error("the caller's record was changed")
	}
}

// TestAuditStuck stops the sink: one answer waits, the others do not, and the log says
// what it lacks.
func TestAuditStuck(t *testing.T) {
	s := &sink{gate: make(chan struct{})}
	m := NewMetrics("v1", "")
	a := QueueAudit(s, m)
	const lost = 50
	// The writer takes one batch at most before it stands still.
	sent := 0
	for ; sent < 2*queueLines; sent++ {
		a.mu.Lock()
		stuck := a.stuck
		a.mu.Unlock()
		if stuck {
			break
		}
		a.Write(record(sent))
	}
	if sent == 2*queueLines {
		t.Fatal("the queue has no end")
	}
	for i := range lost - 1 { // the one that waited was lost as well
		a.Write(record(sent + i))
	}
	close(s.gate)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, m)
	if want := fmt.Sprintf(`assay_audit_lines_total{result="lost"} %d`, lost); !strings.Contains(text, want) {
		t.Errorf("not found: %s", want)
	}
	if want := fmt.Sprintf(`assay_audit_lines_total{result="written"} %d`, sent-1); !strings.Contains(text, want) {
		t.Errorf("not found: %s", want)
	}
	var said float64
	images := 0
	for _, line := range s.lines(t) {
		if n, ok := line["lost"].(float64); ok {
			said += n
		} else if line["image"] != "" {
			images++
		}
	}
	if said != lost || images != sent-1 {
		t.Errorf("the log has %d lines and says that %v are lost; want %d and %d", images, said, sent-1, lost)
	}
	a.Write(record(0))
	if text := scrape(t, m); !strings.Contains(text, fmt.Sprintf(`assay_audit_lines_total{result="lost"} %d`, lost+1)) {
		t.Error("a line after Close has to be counted as lost")
	}
}

// TestAuditNeverMoves shows that Close ends before the sink does.
func TestAuditNeverMoves(t *testing.T) {
	s := &sink{gate: make(chan struct{})}
	a := QueueAudit(s, nil)
	a.flush = time.Millisecond
	for i := range 10 {
		a.Write(record(i))
	}
	if err := a.Close(); err == nil {
		t.Error("lines are missing and Close has nothing to say")
	}
	close(s.gate)
	<-a.done
}

// TestAuditFull lets a disk be full in the middle of a line, and then not any more.
func TestAuditFull(t *testing.T) {
	for _, written := range []int{0, 1, 10, -1} {
		m := NewMetrics("v1", "")
		s := &sink{}
		a := NewAudit(s)
		a.metrics = m
		a.Write(record(1))
		s.fail = func(b []byte) (int, error) {
			if written < 0 {
				return len(b) - 1, errors.New("no space left on device") // all but the newline
			}
			return min(written, len(b)), errors.New("no space left on device")
		}
		a.Write(record(2))
		a.Write(record(3))
		s.fail = nil
		a.Write(record(4))
		a.Write(record(5))
		var got []string
		for _, line := range s.lines(t) {
			if line["lost"] != nil {
				got = append(got, fmt.Sprint("lost ", line["lost"], " ", line["since"], " ", line["time"]))
			} else {
				got = append(got, fmt.Sprint(line["image"]))
			}
		}
		image := "registry.example/acme/widget:"
		joined := strings.Join(got, "; ")
		if !strings.HasPrefix(joined, image+"1;") || !strings.HasSuffix(joined, image+"4; "+image+"5") {
			t.Errorf("%d bytes written of each line: got %s", written, joined)
		}
		if written >= 0 && !strings.Contains(joined, "lost 2 2023-11-14T22:13:22Z 2023-11-14T22:13:23Z") {
			t.Errorf("%d bytes written of each line: the loss is not told: %s", written, joined)
		}
		if text := scrape(t, m); !strings.Contains(text, `assay_audit_lines_total{result="lost"} 2`) || !strings.Contains(text, `assay_audit_lines_total{result="written"} 3`) {
			t.Errorf("%d bytes written of each line: wrong counts", written)
		}
	}
}

func TestAuditNone(t *testing.T) {
	var a *Audit
	a.Write(record(1))
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	var l *LogFile
	if err := errors.Join(l.Reopen(), l.Close()); err != nil {
		t.Error(err)
	}
}

// TestAuditRotated moves the file away under many writers and loses nothing.
func TestAuditRotated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	file, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	a := QueueAudit(file, nil)
	const writers, each, turns = 4, 500, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				a.Write(record(w*each + i))
			}
		})
	}
	for turn := range turns {
		if err := errors.Join(os.Rename(path, fmt.Sprint(path, ".", turn)), file.Reopen()); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	if err := errors.Join(a.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(path + "*")
	if err != nil || len(names) != turns+1 {
		t.Fatalf("got %d files, %v", len(names), err)
	}
	lines := 0
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 0 && raw[len(raw)-1] != '\n' {
			t.Errorf("%s ends within a line", name)
		}
		lines += bytes.Count(raw, []byte{'\n'})
	}
	if lines != writers*each {
		t.Errorf("got %d lines, want %d", lines, writers*each)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
}

// TestLogFileKept shows that a path that cannot be opened leaves the old file in use.
func TestLogFileKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := OpenLog(filepath.Join(dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if file.Reopen() == nil {
		t.Error("want an error")
	}
	if _, err := file.Write([]byte("still here\n")); err != nil {
		t.Error(err)
	}
	if raw, err := os.ReadFile(filepath.Join(dir+".away", "audit.log")); err != nil || string(raw) != "still here\n" {
		t.Errorf("got %q, %v", raw, err)
	}
	if _, err := OpenLog(dir + "/none/audit.log"); err == nil {
		t.Error("want an error")
	}
}
