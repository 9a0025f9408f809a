package gate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// A list that asks nothing, or names no answer, is no list.
func TestRunRefusesList(t *testing.T) {
	asked := false
	open, err := ParseCommand("true {image}")
	if err != nil {
		t.Fatal(err)
	}
	open.Timeout, open.Assay = time.Minute, true
	good := one("00-good", "r/x", cases.Admits())
	for name, change := range map[string]func(*cases.Listed){
		"no question":           func(c *cases.Listed) { c.Acts = nil },
		"no image":              func(c *cases.Listed) { c.Acts[0].Image = "" },
		"no answer":             func(c *cases.Listed) { c.Wanted, c.Acts[0].Wanted = cases.Want{}, cases.Want{} },
		"a foreign answer":      func(c *cases.Listed) { c.Wanted.Verdict, c.Acts[0].Wanted.Verdict = "PASS", "PASS" },
		"two answers":           func(c *cases.Listed) { c.Wanted = cases.Rejected() },
		"no name":               func(c *cases.Listed) { c.ID = "" },
		"a name of the folder":  func(c *cases.Listed) { c.ID = "." },
		"a name that leads out": func(c *cases.Listed) { c.ID = "../out" },
		"too many at once":      func(c *cases.Listed) { c.Acts[0].AtOnce = 1 << 30 },
	} {
		bad := one("01-bad", "r/x", cases.Admits())
		change(&bad)
		if _, err := Run(t.Context(), cases.Listing{Cases: []cases.Listed{good, bad}}, Options{Gate: open, Dir: t.TempDir(), Done: func(Result) { asked = true }}); err == nil || asked {
			t.Errorf("%s: found the error %v, asked %t; wanted a refusal before the first question", name, err, asked)
		}
	}
	for _, assay := range []bool{true, false} {
		open.Assay = assay
		if r, err := Run(t.Context(), cases.Listing{}, Options{Gate: open, Dir: t.TempDir()}); err == nil {
			t.Errorf("found %+v of an empty list", r)
		}
	}
}

// Whoever interrupts a run learns nothing of the gates that were at work: they did not refuse.
func TestRunInterrupted(t *testing.T) {
	dir := t.TempDir()
	gate, err := ParseCommand(`sh -c 'case $1 in */x) exit 0 ;; esac; : > "$2/at-work"; sleep 60' sh {image} {dir}`)
	if err != nil {
		t.Fatal(err)
	}
	gate.Timeout = time.Minute
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "at-work")); err == nil {
				stop()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	list := cases.Listing{Cases: []cases.Listed{one("00-good", "r/x", cases.Admits()), one("01-attack", "r/y", cases.Fails("a", "a.b"))}}
	if r, err := Run(ctx, list, Options{Gate: gate, Dir: dir, Parallel: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("found %+v, %v; wanted no report of an interrupted run", r, err)
	}
}

// A gate that exits 0 has admitted, also where it leaves something running that holds its output.
func TestAskLeftover(t *testing.T) {
	dir := t.TempDir()
	gate, err := ParseCommand(`sh -c 'sleep 60 & echo $! > "$1/pid"; exit 0' sh {dir} {image}`)
	if err != nil {
		t.Fatal(err)
	}
	gate.Timeout = 20 * time.Second
	a, err := gate.ask(t.Context(), question{image: "r/x", dir: dir})
	if err != nil || !a.admitted() {
		t.Errorf("found %+v, %v; wanted an admission", a, err)
	}
	gone(t, filepath.Join(dir, "pid"))

	// What a shell started ends with it when the time is over.
	gate, err = ParseCommand(`sh -c 'sleep 60 & echo $! > "$1/late"; wait' sh {dir} {image}`)
	if err != nil {
		t.Fatal(err)
	}
	gate.Timeout = time.Second
	if a, err = gate.ask(t.Context(), question{image: "r/x", dir: dir}); err != nil || !a.timedOut || a.admitted() {
		t.Errorf("found %+v, %v; wanted a gate that was late", a, err)
	}
	gone(t, filepath.Join(dir, "late"))
}

// gone waits until the process whose number a file holds has ended.
func gone(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stat := filepath.Join("/proc", strings.TrimSpace(string(raw)), "stat")
	for range 500 {
		state, err := os.ReadFile(stat)
		if err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s: the gate left a process running", file)
}
