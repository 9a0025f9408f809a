package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/releaseassay/assay/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files and docs/reasons.md")

var samples = map[string]func() verify.Verdict{
	"pass": passing, "wrong-identity": impostor, "several-candidates": crowded, "pass-two": twoPieces,
	"undecided": undecided, "no-rule": ruleless, "hostile": hostile,
	"released": released, "rolled-back": rolledBack, "frozen": frozen, "hostile-release": hostileRelease,
	"complete": complete, "disagreement": disagreement, "platform-lacks": platformLacks, "sbom-rules": sbomRules,
	"undecided-content": undecidedContent, "excepted": excepted, "long-values": longValues, "hostile-content": hostileContent,
	"warned": warned,
}

func text(t testing.TB, v verify.Verdict, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, v, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func details(t testing.TB, v verify.Verdict, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Details(&b, v, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func md(t testing.TB, v verify.Verdict) string {
	t.Helper()
	var b bytes.Buffer
	if err := Markdown(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func refusal(t testing.TB, v verify.Verdict) string {
	t.Helper()
	var b bytes.Buffer
	if err := Refusal(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("%s is not what is written now (-update rewrites it); line %d is now:\n%s", file, i+1, line)
			return
		}
	}
	t.Errorf("%s has more lines than are written now (-update rewrites it)", file)
}

func TestGolden(t *testing.T) {
	for name, make := range samples {
		t.Run(name, func(t *testing.T) {
			v := make()
			short, long := text(t, v, TextOptions{}), details(t, v, TextOptions{})
			golden(t, filepath.Join("testdata", name+".txt"), short)
			golden(t, filepath.Join("testdata", name+".details.txt"), long)
			golden(t, filepath.Join("testdata", name+".md"), md(t, v))
			golden(t, filepath.Join("testdata", name+".refusal.txt"), refusal(t, v))
			for i, line := range append(strings.Split(short, "\n"), strings.Split(long, "\n")[1:]...) {
				if i > 0 && (strings.HasPrefix(line, "PASS") || strings.HasSuffix(line, " ")) {
					t.Errorf("line %d is %q", i+1, line)
				}
			}
		})
	}
}

// pages are the reports for a terminal.
var pages = map[string]func(testing.TB, verify.Verdict, TextOptions) string{"text": text, "details": details}

func TestColorChangesNothingElse(t *testing.T) {
	for name, make := range samples {
		for format, page := range pages {
			plain, colored := page(t, make(), TextOptions{}), page(t, make(), TextOptions{Color: true})
			if plain == colored {
				t.Errorf("%s: no colour in %s", name, format)
			}
			strip := strings.NewReplacer(string(green), "", string(red), "", string(yellow), "", reset, "")
			if got := strip.Replace(colored); got != plain {
				t.Errorf("%s: colour changes the %s:\n%s", name, format, got)
			}
		}
	}
}

func TestWidth(t *testing.T) {
	for _, width := range []int{-1, 1, 40, 80, 200} {
		for format, page := range pages {
			for _, line := range strings.Split(page(t, ruleless(), TextOptions{Width: width})[len("FAIL alpine\n"):], "\n") {
				wrapped := strings.Contains(strings.TrimLeft(line, " "), " ") && !strings.Contains(line, "judged as of")
				if utf8.RuneCountInString(line) > max(width, minWidth) && wrapped {
					t.Errorf("at width %d a line of %s has %d columns: %s", width, format, utf8.RuneCountInString(line), line)
				}
			}
			wide, narrow := page(t, impostor(), TextOptions{Width: 300}), page(t, impostor(), TextOptions{Width: 80})
			if strings.Join(strings.Fields(wide), "") != strings.Join(strings.Fields(narrow), "") {
				t.Errorf("the width changes more than the breaks of %s", format)
			}
		}
	}
}

// TestTableWidth wants no line of a table to be wider than the page, and nothing of
// its text to be lost by that.
func TestTableWidth(t *testing.T) {
	letters := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for _, make := range []func() verify.Verdict{complete, disagreement, platformLacks, longValues, hostileContent} {
		want := 0
		for _, width := range []int{300, 120, 100, 80, 60, minWidth} {
			p, v := newPage(TextOptions{Width: width}), make()
			p.checks(v)
			p.tables(v)
			got := p.b.String()
			for _, line := range strings.Split(got, "\n") {
				if n := utf8.RuneCountInString(line); n > width && !strings.HasPrefix(line, "- not required") {
					t.Errorf("at width %d a line has %d columns: %s", width, n, line)
				}
			}
			text := letters(strings.ReplaceAll(got, "platform", "")) // each part of a matrix has a head
			if want == 0 {
				want = len(text)
			}
			if len(text) < want {
				t.Errorf("at width %d the tables have %d letters, at 300 %d:\n%s", width, len(text), want, got)
			}
		}
	}
}

func TestZeroVerdict(t *testing.T) {
	if got := text(t, verify.Verdict{}, TextOptions{}); !strings.HasPrefix(got, "UNDECIDED ") {
		t.Errorf("the zero verdict reads:\n%s", got)
	}
	if got := refusal(t, verify.Verdict{Conclusive: true}); !strings.HasPrefix(got, "FAIL ") || !strings.Contains(got, nothingCounted) {
		t.Errorf("the refusal of a verdict without checks reads:\n%s", got)
	}
}

// TestManyCandidates wants the closest of a thousand to stay in sight.
func TestManyCandidates(t *testing.T) {
	v := impostor()
	for range 1000 {
		v.Checks[0].Found = append(v.Checks[0].Found, v.Checks[0].Found[0])
	}
	for format, left := range map[string]string{"details": "and 981 more", "text": "and 998 more"} {
		got := pages[format](t, v, TextOptions{})
		if n := strings.Count(got, "\n"); n > 300 {
			t.Errorf("the %s has %d lines", format, n)
		}
		if !strings.Contains(got, left) {
			t.Errorf("the %s does not say what it leaves out", format)
		}
	}
}

func TestNotStopped(t *testing.T) {
	named, pinned, odd, failed := passing(), passing(), passing(), impostor()
	named.Policy.BuiltIn = false // a file may take the name
	for i := range pinned.Checks {
		pinned.Checks[i].Unconstrained = nil
	}
	odd.Checks[0].Found[0].Claims.RepositoryID = "1; reboot"
	odd.Checks[1].Found[0].Claims.RepositoryID = "1; reboot"
	odd.Checks[1].Found[0].Claims.OwnerID = "999"
	for _, c := range []struct {
		name        string
		v           verify.Verdict
		warns, pins string
	}{
		{"open", passing(), "does not stop", "--repo-id 81723 --owner-id 4411"},
		{"pinned", pinned, "does not stop", ""},
		{"ids that are no numbers or differ", odd, "does not stop", ""},
		{"another policy", named, "", ""},
		{"no pass", failed, "", ""},
	} {
		got := text(t, c.v, TextOptions{})
		if strings.Contains(got, "does not stop") != (c.warns != "") {
			t.Errorf("%s: wrong about what is not stopped:\n%s", c.name, got)
		}
		if strings.Contains(got, "--repo-id") != (c.pins != "") || !strings.Contains(got, c.pins) {
			t.Errorf("%s: wrong about pins:\n%s", c.name, got)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("the pipe is closed")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	v := impostor()
	for name, err := range map[string]error{
		"json": Write(brokenWriter{}, v, FormatJSON, TextOptions{}), "text": Write(brokenWriter{}, v, FormatText, TextOptions{}),
		"refusal": Refusal(brokenWriter{}, v),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: found the error %v; wanted the writer's", name, err)
		}
	}
	if err := Write(&bytes.Buffer{}, v, "yaml", TextOptions{}); err == nil {
		t.Error("found no error for a format that does not exist")
	}
}
