package gate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// Outcome is what came of a case.
type Outcome string

// The outcomes, from good to bad.
const (
	Held    Outcome = "held"         // an attack was refused, a good release admitted
	Other   Outcome = "wrong reason" // of assay alone: refused, but not as wanted
	Unasked Outcome = "not asked"    // an attack whose first act, a good release, was refused
	Stopped Outcome = "stopped"      // a good release was refused
	Through Outcome = "through"      // an attack was admitted
)

// rank orders outcomes.
var rank = map[Outcome]int{Held: 0, Other: 1, Unasked: 2, Stopped: 3, Through: 4}

// Result is what came of one case.
type Result struct {
	ID         string     `json:"id"`
	Class      int        `json:"class"`
	Advisories []string   `json:"advisories,omitempty"`
	Shows      string     `json:"shows"`
	Image      string     `json:"image"`
	Wanted     cases.Want `json:"wanted"`
	Outcome    Outcome    `json:"outcome"`
	// Exit is the gate's exit code at the worst act; TimedOut says that it was stopped.
	Exit     int  `json:"exit"`
	TimedOut bool `json:"timed_out,omitempty"`
	// Says is why the outcome is not Held, or what assay's verdict was.
	Says string `json:"says,omitempty"`
	// DurationMS is how long the gate took for all acts; of several answers at once the slowest counts.
	DurationMS int64 `json:"duration_ms"`
}

func resultOf(c cases.Listed) Result {
	return Result{ID: c.ID, Class: c.Class, Advisories: c.Advisories, Shows: c.Shows, Image: c.Image, Wanted: c.Wanted, Outcome: Held}
}

// Good reports whether the case is a release that has to be admitted.
func (r Result) Good() bool { return r.Wanted.Verdict == cases.Pass }

// judge adds one answer. The worst stays.
func (r *Result) judge(g Command, n, of int, act cases.ListedAct, a answer) {
	outcome, says := compare(act.Wanted, a, g.Assay)
	if outcome == Stopped && !r.Good() {
		outcome = Unasked
	}
	if of > 1 && says != "" {
		says = fmt.Sprintf("act %d of %d: %s", n+1, of, says)
	}
	if rank[outcome] < rank[r.Outcome] {
		return
	}
	if rank[outcome] > rank[r.Outcome] || n == of-1 {
		r.Exit, r.TimedOut, r.Says = a.exit, a.timedOut, says
	}
	r.Outcome = outcome
}

// compare says what an answer is worth.
func compare(want cases.Want, a answer, assay bool) (Outcome, string) {
	switch {
	case want.Verdict == cases.Pass && !a.admitted():
		return Stopped, firstLine(a)
	case want.Verdict != cases.Pass && a.admitted():
		return Through, "admitted"
	case !assay:
		return Held, ""
	}
	got, err := readVerdict(a)
	if err != nil {
		return Other, err.Error()
	}
	if c := control(a.stdout); c != "" {
		return Other, "a control character on stdout: " + c
	}
	if c := control(a.stderr); c != "" {
		return Other, "a control character on stderr: " + c
	}
	if complaint := got.differs(want, a); complaint != "" {
		return Other, complaint
	}
	return Held, got.String()
}

// firstLine is what a gate that refuses says of it: the first line of stderr that may be about the image.
func firstLine(a answer) string {
	if a.timedOut {
		return fmt.Sprintf("no answer within %s", a.took.Round(time.Second))
	}
	first := ""
	for line := range strings.Lines(string(a.stderr)) {
		line = strings.TrimSpace(line)
		if line != "" && !aside(line) {
			return clean(line)
		}
		first = cmp.Or(first, line)
	}
	if first != "" {
		return clean(first)
	}
	return fmt.Sprintf("exit %d without a word", a.exit)
}

// aside reports whether a line is not about the image: a flag that goes away, a newer version that is out.
func aside(line string) bool {
	return strings.HasPrefix(line, "Flag --") || strings.HasPrefix(strings.ToUpper(strings.TrimLeft(line, "*")), "WARNING")
}

// clean makes foreign text harmless and short.
func clean(s string) string {
	const most = 300
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// control finds a character with which text from elsewhere could drive a terminal.
func control(out []byte) string {
	for len(out) > 0 {
		r, n := utf8.DecodeRune(out)
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return fmt.Sprintf("%U", r)
		}
		out = out[n:]
	}
	return ""
}

// verdict is what of assay's answer is compared.
type verdict struct {
	Verdict    string `json:"verdict"`
	Conclusive bool   `json:"conclusive"`
	Image      struct {
		Digest string `json:"digest"`
	} `json:"image"`
	Checks []struct {
		ID       string `json:"id"`
		Required bool   `json:"required"`
		Result   string `json:"result"`
		Code     string `json:"code"`
	} `json:"checks"`
	exit int
}

// readVerdict reads assay's answer; exit 2 comes without one.
func readVerdict(a answer) (verdict, error) {
	v := verdict{exit: a.exit}
	if a.timedOut {
		return v, fmt.Errorf("no answer within %s", a.took.Round(time.Second))
	}
	if a.exit == 2 && len(bytes.TrimSpace(a.stdout)) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(a.stdout, &v); err != nil {
		return v, fmt.Errorf("exit %d without a verdict: %s", a.exit, firstLine(a))
	}
	if want := map[string]int{"pass true": 0, "fail true": 1, "fail false": 3}[fmt.Sprintf("%s %t", v.Verdict, v.Conclusive)]; want != a.exit {
		return v, fmt.Errorf("exit %d with the verdict %s", a.exit, v)
	}
	return v, nil
}

// differs says in what a verdict is not the wanted one; empty if it is.
func (v verdict) differs(want cases.Want, a answer) string {
	exit := want.Exit
	if exit == 0 {
		exit = map[string]int{cases.Pass: 0, cases.Refuse: 1, cases.Undecided: 3}[want.Verdict]
	}
	if v.exit != exit {
		if v.exit == 2 {
			return fmt.Sprintf("exit 2, wanted %d: %s", exit, firstLine(a))
		}
		return fmt.Sprintf("exit %d, wanted %d: %s", v.exit, exit, v)
	}
	if want.Digest != "" && v.Image.Digest != want.Digest {
		return fmt.Sprintf("wanted a verdict about %s, found one about %q", want.Digest, clean(v.Image.Digest))
	}
	if want.Code == "" {
		return ""
	}
	for _, c := range v.Checks {
		if c.ID == want.Check && c.Code == want.Code && c.Required && (c.Result == "fail" || c.Result == "error") {
			return ""
		}
	}
	return fmt.Sprintf("wanted %s by %s, found %s", want.Code, want.Check, v)
}

// String lists what refused: "signature signature.missing, release release.not_listed".
func (v verdict) String() string {
	if v.exit == 2 {
		return "exit 2"
	}
	var out []string
	for _, c := range v.Checks {
		if c.Required && c.Result != "pass" {
			out = append(out, strings.TrimSpace(c.ID+" "+c.Code))
		}
	}
	if len(out) == 0 {
		return v.Verdict
	}
	return strings.Join(out, ", ")
}
