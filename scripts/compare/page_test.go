package main

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
	"github.com/releaseassay/assay/internal/lab/gate"
)

// answers make a report of a good release and two attacks.
func answers(outcomes ...gate.Outcome) *gate.Report {
	r := &gate.Report{Attacks: 2, Releases: 1}
	for i, id := range []string{"00-good", "01-first", "02-second"} {
		c := gate.Result{ID: id, Class: i, Shows: "It is " + id + ".", Wanted: cases.Fails("a", "a.b"), Outcome: outcomes[i], Says: "no | `127.0.0.1:4711` sha256:" + strings.Repeat("a", 64)}
		if i == 0 {
			c.Wanted = cases.Admits()
		}
		r.Cases = append(r.Cases, c)
		switch outcomes[i] {
		case gate.Through:
			r.Through++
		case gate.Stopped:
			r.Stopped++
		case gate.Held, gate.Other, gate.Unasked:
		}
	}
	return r
}

func TestPage(t *testing.T) {
	named := func(name string) contender { return contender{name: name, line: name + " {image}"} }
	c := comparison{
		date:  time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
		assay: column{named("assay"), "", answers(gate.Held, gate.Held, gate.Held)},
		others: []column{
			{named("cosign 3 verify"), "v3", answers(gate.Held, gate.Through, gate.Through)},
			{named("cosign 3 verify-attestation"), "v3", answers(gate.Stopped, gate.Held, gate.Through)},
			{named("closed"), "v1", answers(gate.Stopped, gate.Held, gate.Held)},
		},
	}
	page := c.page()
	for _, want := range []string{
		"| **assay verify** | 0 of 2 | 0 of 1 |", "| cosign 3 verify (v3) | 2 of 2 | 0 of 1 |", "| cosign 3 verify and verify-attestation (v3) | 1 of 2 | 1 of 1 |",
		"**closed** could not judge anything here", "| `01-first` | It is 01-first. | `a.b` | cosign 3 verify |",
		"| `02-second` | It is 02-second. | `a.b` | cosign 3 verify, cosign 3 verify-attestation |",
		"| `00-good` | It is 00-good. | cosign 3 verify-attestation: `no / '127.0.0.1:PORT' sha256:…` |", "Made on 2026-06-01",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "| closed (v1)") || strings.Contains(page, "**assay: ") {
		t.Errorf("the page counts a gate that judged nothing, or finds fault with assay:\n%s", page)
	}
	c.assay.report = answers(gate.Held, gate.Other, gate.Through)
	if page := c.page(); !strings.Contains(page, "**assay: 02-second, through:") || !strings.Contains(page, "**assay: 01-first, wrong reason:") {
		t.Error("the page hides what assay did wrong")
	}
}

func TestReplaceTable(t *testing.T) {
	text := "a\n" + tableBegins + "\nold\n" + tableEnds + "\nb\n"
	got, err := replaceTable(text, "new\n")
	if want := strings.Replace(text, "old", "new", 1); err != nil || got != want {
		t.Errorf("found %q, %v; wanted %q", got, err, want)
	}
	for _, text := range []string{"", tableBegins, tableEnds + tableBegins} {
		if _, err := replaceTable(text, "new\n"); err == nil {
			t.Errorf("a table was put into %q", text)
		}
	}
}
