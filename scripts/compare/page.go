package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
	"github.com/releaseassay/assay/internal/lab/gate"
)

// Marks around the table in the README.
const (
	tableBegins = "<!-- compared: begin; made by `make compare` -->"
	tableEnds   = "<!-- compared: end -->"
)

// What changes with every run.
var (
	ports   = regexp.MustCompile(`(127\.0\.0\.[0-9]+|localhost):[0-9]+`)
	digests = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
)

// column is what one gate answered.
type column struct {
	contender
	version string
	report  *gate.Report
}

// of is what the gate answered to a case; not every case is a question to every gate.
func (k column) of(id string) (gate.Result, bool) {
	for _, r := range k.report.Cases {
		if r.ID == id {
			return r, true
		}
	}
	return gate.Result{}, false
}

// comparison is what all answered.
type comparison struct {
	date   time.Time
	assay  column
	others []column
}

// admitted reports whether a gate let a case in.
func admitted(r gate.Result) bool {
	return r.Outcome == gate.Through || r.Good() && r.Outcome != gate.Stopped
}

// both is the gate that admits what two gates admit.
type both struct {
	name string
	a, b column
}

// joined are pairs of commands that people write one after the other.
func (c comparison) joined() []both {
	var out []both
	for _, pair := range [][3]string{
		{"cosign 3 verify", "cosign 3 verify-attestation", "cosign 3 verify and verify-attestation"},
		{"cosign 2 verify", "cosign 2 verify-attestation", "cosign 2 verify and verify-attestation"},
		{"cosign 3 verify", "slsa-verifier verify-image", "cosign 3 verify and slsa-verifier verify-image"},
	} {
		a, okA := c.column(pair[0])
		b, okB := c.column(pair[1])
		if okA && okB {
			out = append(out, both{pair[2], a, b})
		}
	}
	return out
}

func (c comparison) column(name string) (column, bool) {
	for _, k := range c.others {
		if k.name == name {
			return k, true
		}
	}
	return column{}, false
}

// counts are the attacks that a pair lets through and the releases that it stops.
func (p both) counts() (through, stopped int) {
	for _, r := range p.a.report.Cases {
		other, _ := p.b.of(r.ID)
		in := admitted(r) && admitted(other)
		if r.Good() && !in {
			stopped++
		}
		if !r.Good() && in {
			through++
		}
	}
	return through, stopped
}

// summary is the table of the README.
func (c comparison) summary() string {
	var b strings.Builder
	b.WriteString("| gate | attacks let through | good releases stopped |\n|---|---|---|\n")
	row := func(name, version string, through, stopped int, of *gate.Report) {
		if version != "" {
			name += " (" + version + ")"
		}
		fmt.Fprintf(&b, "| %s | %d of %d | %d of %d |\n", name, through, of.Attacks, stopped, of.Releases)
	}
	row("**assay verify**", "", c.assay.report.Through, c.assay.report.Stopped, c.assay.report)
	for _, k := range c.others {
		if k.idle() {
			continue
		}
		row(k.name, k.version, k.report.Through, k.report.Stopped, k.report)
	}
	for _, p := range c.joined() {
		through, stopped := p.counts()
		row(p.name, p.a.version, through, stopped, p.a.report)
	}
	fmt.Fprintf(&b, "\nMade on %s by `make compare`; [every case](docs/compared.md).\n", c.date.Format(time.DateOnly))
	return b.String()
}

// idle reports whether a gate admitted nothing at all, so that what it refused shows nothing.
func (k column) idle() bool { return k.report.Through == 0 && k.report.Stopped == k.report.Releases }

// page is the whole comparison.
func (c comparison) page() string {
	var b strings.Builder
	b.WriteString("# Compared\n\nWritten by `make compare`; do not edit. Every case of the attack range (`assay lab list`) was put to assay and to the\n" +
		"commands of other tools that people write today, each on a range of its own, on loopback, without any other network. A\n" +
		"gate lets an attack *through* if it exits 0, and *stops* a good release if it does not, whatever it demands: these\n" +
		"commands ask for a signature or for provenance alone, and some attacks are on what they never look at. That is what the\n" +
		"table is about: what still gets in behind such a gate.\n\n")
	b.WriteString(strings.Replace(c.summary(), "; [every case](docs/compared.md)", "", 1))
	b.WriteString("\n## The commands\n\n")
	for _, k := range c.others {
		fmt.Fprintf(&b, "- %s (%s): `%s`\n", k.name, k.version, k.line)
	}
	b.WriteString("\nEach trusts the lab's Sigstore as people have it trust the public one: `TUF_ROOT` names the folder that\n`cosign initialize --mirror URL --root FILE` made from a TUF repository with the trusted root of the case. No tool is\n" +
		"patched. slsa-verifier reads that folder in the form of cosign 2.4, which has keys and certificates one by one: no\nvalidity, no timestamp authority, no key of Rekor v2. Nobody can ask a log online.\n")
	for _, k := range c.others {
		if k.idle() {
			fmt.Fprintf(&b, "\n**%s** could not judge anything here, and is left out of the tables. It said: %s\n", k.name, code(k.firstRefusal()))
		}
	}
	c.through(&b)
	c.stopped(&b)
	c.wrong(&b)
	return b.String()
}

func (k column) firstRefusal() string {
	for _, r := range k.report.Cases {
		if r.Outcome == gate.Stopped {
			return r.Says
		}
	}
	return "nothing"
}

// through lists the attacks that somebody let through, with why assay refuses.
func (c comparison) through(b *strings.Builder) {
	fmt.Fprintf(b, "\n## What got through elsewhere, and why assay refuses it\n\n| attack | what it is | assay refuses by | let through by |\n|---|---|---|---|\n")
	class := -1
	for _, r := range c.assay.report.Cases {
		var by []string
		for _, k := range c.others {
			if o, ok := k.of(r.ID); ok && o.Outcome == gate.Through {
				by = append(by, k.name)
			}
		}
		if len(by) == 0 || r.Good() {
			continue
		}
		if r.Class != class {
			class = r.Class
			fmt.Fprintf(b, "| | **%d: %s** | | |\n", class, cases.ClassName(class))
		}
		why := r.Wanted.Code
		if why == "" {
			why = "exit " + fmt.Sprint(r.Exit)
		}
		shows := r.Shows
		if len(r.Advisories) > 0 {
			shows += " (" + strings.Join(r.Advisories, ", ") + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | `%s` | %s |\n", r.ID, cell(shows), why, strings.Join(by, ", "))
	}
}

// stopped lists what assay admits and another refuses.
func (c comparison) stopped(b *strings.Builder) {
	fmt.Fprintf(b, "\n## What assay admits and another refuses\n\nEach is a good release, or an attack that a verifier has to see through. A refusal here is of the command as written: most\nlook in one layout, or for one signer, where the release keeps to another.\n\n| release | what it is | refused by |\n|---|---|---|\n")
	for _, r := range c.assay.report.Cases {
		if !admitted(r) {
			continue
		}
		var by []string
		for _, k := range c.others {
			if o, ok := k.of(r.ID); ok && !k.idle() && !admitted(o) {
				by = append(by, k.name+": "+code(o.Says))
			}
		}
		if len(by) > 0 {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", r.ID, cell(r.Shows), cell(strings.Join(by, "<br>")))
		}
	}
}

// wrong lists where assay itself is not as wanted. It is empty in what is committed.
func (c comparison) wrong(b *strings.Builder) {
	for _, r := range c.assay.report.Cases {
		if r.Outcome != gate.Held {
			fmt.Fprintf(b, "\n**assay: %s, %s: %s**\n", r.ID, r.Outcome, cell(r.Says))
		}
	}
}

// code is foreign text on one line; names and ports that differ from run to run are left out.
func code(s string) string {
	s = strings.NewReplacer("`", "'", "|", "/", "\n", " ").Replace(steady(s))
	const most = 160
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return "`" + s + "`"
}

func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }

// steady replaces what changes with every run: ports and digests.
func steady(s string) string {
	return digests.ReplaceAllString(ports.ReplaceAllString(s, "127.0.0.1:PORT"), "sha256:…")
}

// replaceTable puts a table between the marks.
func replaceTable(text, table string) (string, error) {
	before, rest, ok := strings.Cut(text, tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		return "", fmt.Errorf("found no %q followed by %q", tableBegins, tableEnds)
	}
	return before + tableBegins + "\n" + table + tableEnds + after, nil
}
