package gate

import (
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
)

func TestParseCommand(t *testing.T) {
	for line, want := range map[string][]string{
		`sh {image}`:                            {"sh", "{image}"},
		`  sh   -c  'exit 0'   {image} `:        {"sh", "-c", "exit 0", "{image}"},
		`sh "a b"c\ d '' "" {image}`:            {"sh", "a bc d", "", "", "{image}"},
		`sh -c 'x "$1"' sh "{image}"`:           {"sh", "-c", `x "$1"`, "sh", "{image}"},
		`sh 'back\slash' "back\"slash" {image}`: {"sh", `back\slash`, `back"slash`, "{image}"},
		"sh --flag=$(whoami) `id` ; rm {image}": {"sh", "--flag=$(whoami)", "`id`", ";", "rm", "{image}"},
	} {
		c, err := ParseCommand(line)
		if err != nil || !slices.Equal(c.Args, want) {
			t.Errorf("%s: found %q, %v; wanted %q", line, c.Args, err, want)
		}
	}
	for line, want := range map[string]string{
		"":                        "empty command",
		"   ":                     "empty command",
		"sh 'open {image}":        "quote",
		`sh {image} \`:            "quote",
		"sh -c true":              "no {image}",
		"no-such-program {image}": "find the gate",
	} {
		if _, err := ParseCommand(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: found the error %v; wanted %q", line, err, want)
		}
	}
}

// Every answer of a gate has one outcome, and silence admits nothing.
func TestCompare(t *testing.T) {
	pass := `{"verdict":"pass","conclusive":true,"checks":[{"id":"signature","required":true,"result":"pass"}]}`
	fail := `{"verdict":"fail","conclusive":true,"checks":[{"id":"signature","required":true,"result":"fail","code":"signature.missing"},{"id":"sbom","required":false,"result":"not_required","code":"sbom.missing"}]}`
	open := strings.Replace(fail, `"conclusive":true`, `"conclusive":false`, 1)
	attack, good := cases.Fails("signature", "signature.missing"), cases.Admits()
	for _, c := range []struct {
		name  string
		want  cases.Want
		a     answer
		assay bool
		is    Outcome
	}{
		{"a gate refuses an attack", attack, answer{exit: 1}, false, Held},
		{"a gate dies of an attack", attack, answer{exit: -1}, false, Held},
		{"a gate says nothing", attack, answer{exit: 0, timedOut: true}, false, Held},
		{"a gate admits an attack", attack, answer{exit: 0}, false, Through},
		{"a gate admits a release", good, answer{exit: 0}, false, Held},
		{"a gate refuses a release", good, answer{exit: 1}, false, Stopped},
		{"a gate is late for a release", good, answer{exit: 0, timedOut: true}, false, Stopped},
		{"assay refuses an attack", attack, answer{exit: 1, stdout: []byte(fail)}, true, Held},
		{"assay admits an attack", attack, answer{exit: 0, stdout: []byte(pass)}, true, Through},
		{"assay admits an attack and says otherwise", attack, answer{exit: 0, stdout: []byte(fail)}, true, Through},
		{"assay admits a release", good, answer{exit: 0, stdout: []byte(pass)}, true, Held},
		{"assay refuses a release", good, answer{exit: 1, stdout: []byte(fail)}, true, Stopped},
		{"assay admits without a verdict", good, answer{exit: 0}, true, Other},
		{"assay refuses without a verdict", attack, answer{exit: 1}, true, Other},
		{"assay cannot tell", attack, answer{exit: 3, stdout: []byte(open)}, true, Other},
		{"assay cannot tell, as wanted", cases.CannotTell("signature", "signature.missing"), answer{exit: 3, stdout: []byte(open)}, true, Held},
		{"assay is sure where it cannot be", cases.CannotTell("signature", "signature.missing"), answer{exit: 1, stdout: []byte(fail)}, true, Other},
		{"exit code and verdict differ", attack, answer{exit: 3, stdout: []byte(fail)}, true, Other},
		{"another code", cases.Fails("signature", "signature.invalid"), answer{exit: 1, stdout: []byte(fail)}, true, Other},
		{"a check that was not demanded", cases.Fails("sbom", "sbom.missing"), answer{exit: 1, stdout: []byte(fail)}, true, Other},
		{"the code at another check", cases.Fails("provenance", "signature.missing"), answer{exit: 1, stdout: []byte(fail)}, true, Other},
		{"a policy is refused, as wanted", cases.Rejected(), answer{exit: 2, stderr: []byte("assay: no")}, true, Held},
		{"a policy is refused", attack, answer{exit: 2, stderr: []byte("assay: no")}, true, Other},
		{"an escape on stdout", attack, answer{exit: 1, stdout: []byte(strings.Replace(fail, "signature.missing\"}", "signature.missing\",\"x\":\"\x1b[2J\"}", 1))}, true, Other},
		{"an escape on stderr", attack, answer{exit: 1, stdout: []byte(fail), stderr: []byte("\x1b]0;title\a")}, true, Other},
		{"a C1 control on stderr", attack, answer{exit: 1, stdout: []byte(fail), stderr: []byte("\u009b2J")}, true, Other},
	} {
		if got, says := compare(c.want, c.a, c.assay); got != c.is {
			t.Errorf("%s: %s (%s); wanted %s", c.name, got, says, c.is)
		}
	}
}

// What a gate says is what it says of the image, if it says anything of it.
func TestFirstLine(t *testing.T) {
	for stderr, want := range map[string]string{
		"Flag --old has been deprecated\nWARNING: a newer version\n**Warning** no target\n\nError: no signatures\nerror: again\n": "Error: no signatures",
		"\nFlag --old has been deprecated\n": "Flag --old has been deprecated",
		"\n":                                 "exit 1 without a word",
	} {
		if got := firstLine(answer{exit: 1, stderr: []byte(stderr)}); got != want {
			t.Errorf("%q: found %q, wanted %q", stderr, got, want)
		}
	}
}

// The gate of this test admits what its own file says, and remembers the order.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "gate.sh")
	write(t, script, `#!/bin/sh
echo "$1 $2" >> "$3/asked"
case $1 in
*/admit*) exit 0 ;;
*/once*) [ -e "$2/seen" ] && exit 1; : > "$2/seen"; exit 0 ;;
*/sleep*) sleep 30 ;;
esac
echo "refused: $1" >&2
exit 1
`)
	good, bad := cases.Admits(), cases.Fails("signature", "signature.missing")
	list := cases.Listing{Cases: []cases.Listed{
		one("00-good", "r/admit", good), one("00-refused", "r/refuse", good), one("01-attack", "r/refuse", bad),
		one("01-through", "r/admit", bad), one("01-sleep", "r/sleep", bad),
		{ID: "36-twice", Class: 36, Wanted: bad, Acts: []cases.ListedAct{{Image: "r/once", Wanted: good}, {Image: "r/once", Wanted: bad, Turns: true}}},
		{ID: "36-never", Class: 36, Wanted: bad, Acts: []cases.ListedAct{{Image: "r/refuse", Wanted: good}, {Image: "r/refuse", Wanted: bad, Turns: true}}},
		{ID: "40-crowd", Class: 40, Wanted: bad, Acts: []cases.ListedAct{{Image: "r/once", Wanted: bad, AtOnce: 3}}},
	}}
	gate, err := ParseCommand("sh " + script + " {image} {state} {dir}")
	if err != nil {
		t.Fatal(err)
	}
	gate.Timeout = 2 * time.Second
	var mu sync.Mutex
	var turned []string
	r, err := Run(t.Context(), list, Options{Gate: gate, Dir: dir, Parallel: 3, Turn: func(_ context.Context, id string, act int) error {
		mu.Lock()
		defer mu.Unlock()
		turned = append(turned, id)
		if act != 1 {
			t.Errorf("turned to act %d", act)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Outcome{
		"00-good": Held, "00-refused": Stopped, "01-attack": Held, "01-through": Through, "01-sleep": Held,
		"36-twice": Held, "36-never": Unasked, "40-crowd": Through,
	}
	for i, c := range r.Cases {
		if c.ID != list.Cases[i].ID || c.Outcome != want[c.ID] {
			t.Errorf("%s: %s (%s); wanted %s", c.ID, c.Outcome, c.Says, want[c.ID])
		}
	}
	if r.Attacks != 6 || r.Releases != 2 || r.Through != 2 || r.Stopped != 1 || r.Unasked != 1 || r.Sound() {
		t.Errorf("found %d attacks, %d releases, %d through, %d stopped, %d not asked, sound %t", r.Attacks, r.Releases, r.Through, r.Stopped, r.Unasked, r.Sound())
	}
	if slices.Sort(turned); !slices.Equal(turned, []string{"36-twice"}) {
		t.Errorf("turned %v", turned)
	}
	renders(t, r)
}

// renders wants each form to tell the same.
func renders(t *testing.T, r *Report) {
	t.Helper()
	var text, junit strings.Builder
	if err := r.Text(&text, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"THROUGH", "01-through", "2 through of 6 attacks, 1 stopped of 2 good releases, 1 attacks not asked", "refused: r/refuse"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "01-attack") {
		t.Error("the short text lists what held")
	}
	if err := r.JUnit(&junit); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal([]byte(junit.String()), &suites); err != nil {
		t.Fatal(err)
	}
	if s := suites.Suite; s.Tests != 8 || s.Failures != 4 || len(s.Cases) != 8 {
		t.Errorf("JUnit counts %d tests, %d failures", s.Tests, s.Failures)
	}
}

// A gate that admits nothing has shown nothing; one that cannot be run is no gate.
func TestSound(t *testing.T) {
	dir := t.TempDir()
	list := cases.Listing{Cases: []cases.Listed{one("00-good", "r/x", cases.Admits()), one("01-attack", "r/x", cases.Fails("a", "a.b"))}}
	closed, err := ParseCommand("false {image}")
	if err != nil {
		t.Fatal(err)
	}
	closed.Timeout = time.Minute
	r, err := Run(t.Context(), list, Options{Gate: closed, Dir: dir})
	if err != nil || r.Sound() {
		t.Errorf("found %+v, %v; a closed gate is not sound", r, err)
	}
	policyOnly := one("09-demand", "r/x", cases.Fails("a", "a.b"))
	policyOnly.PolicyOnly = true
	open := closed
	open.Path = "/bin/true"
	r, err = Run(t.Context(), cases.Listing{Cases: []cases.Listed{list.Cases[0], policyOnly}}, Options{Gate: open, Dir: dir})
	if err != nil || !r.Sound() || len(r.Cases) != 1 {
		t.Errorf("found %+v, %v; another gate cannot judge what only a policy of assay says", r, err)
	}
	r, err = Run(t.Context(), cases.Listing{Cases: list.Cases[1:]}, Options{Gate: closed, Dir: dir})
	if err != nil || r.Sound() {
		t.Errorf("found %+v, %v; a gate that was asked about no good release is not sound", r, err)
	}
	if _, err := Run(t.Context(), cases.Listing{Cases: []cases.Listed{policyOnly}}, Options{Gate: open, Dir: dir}); err == nil {
		t.Error("a gate was found sound that could be asked nothing")
	}
	closed.Path = filepath.Join(dir, "gone")
	if _, err := Run(t.Context(), list, Options{Gate: closed, Dir: dir}); err == nil {
		t.Error("a gate that is not there was run")
	}
}

func one(id, image string, want cases.Want) cases.Listed {
	return cases.Listed{ID: id, Wanted: want, Image: image, Acts: []cases.ListedAct{{Image: image, Wanted: want}}}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
