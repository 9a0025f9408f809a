package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files and docs/reasons.md")

var samples = map[string]func() verify.Verdict{
	"pass": passing, "wrong-identity": impostor, "several-candidates": crowded, "pass-two": twoPieces,
	"undecided": undecided, "no-rule": ruleless, "hostile": hostile,
	"released": released, "rolled-back": rolledBack, "frozen": frozen, "hostile-release": hostileRelease,
}

func text(t testing.TB, v verify.Verdict, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, v, o); err != nil {
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
			got := text(t, v, TextOptions{})
			golden(t, filepath.Join("testdata", name+".txt"), got)
			golden(t, filepath.Join("testdata", name+".refusal.txt"), refusal(t, v))
			for i, line := range strings.Split(got, "\n") {
				if i > 0 && (strings.HasPrefix(line, "PASS") || strings.HasSuffix(line, " ")) {
					t.Errorf("line %d is %q", i+1, line)
				}
			}
		})
	}
}

func TestColorChangesNothingElse(t *testing.T) {
	for name, make := range samples {
		plain, colored := text(t, make(), TextOptions{}), text(t, make(), TextOptions{Color: true})
		if plain == colored {
			t.Errorf("%s: no colour", name)
		}
		strip := strings.NewReplacer(string(green), "", string(red), "", string(yellow), "", reset, "")
		if got := strip.Replace(colored); got != plain {
			t.Errorf("%s: colour changes the text:\n%s", name, got)
		}
	}
}

func TestWidth(t *testing.T) {
	for _, width := range []int{-1, 1, 40, 80, 200} {
		for _, line := range strings.Split(text(t, ruleless(), TextOptions{Width: width})[len("FAIL alpine\n"):], "\n") {
			wrapped := strings.Contains(strings.TrimLeft(line, " "), " ") && !strings.Contains(line, "judged as of")
			if len(line) > max(width, minWidth) && wrapped {
				t.Errorf("at width %d a line has %d columns: %s", width, len(line), line)
			}
		}
	}
	wide, narrow := text(t, impostor(), TextOptions{Width: 300}), text(t, impostor(), TextOptions{Width: 60})
	if strings.Join(strings.Fields(wide), " ") != strings.Join(strings.Fields(narrow), " ") {
		t.Error("the width changes more than the breaks")
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
	got := text(t, v, TextOptions{})
	if n := strings.Count(got, "\n"); n > 300 {
		t.Errorf("the report has %d lines", n)
	}
	if !strings.Contains(got, "and 981 more") {
		t.Error("the report does not say what it leaves out")
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
