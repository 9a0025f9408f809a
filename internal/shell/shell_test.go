package shell_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/shell"
)

func TestJoinIsReadBackByAShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell on this machine")
	}
	words := []string{"plain", "", "two words", "it's", `"$(id)"`, "`id`", "$HOME", "a;b|c&d>e<f", `back\slash`, "~", "*", "#x", "new\nline"}
	script := "for w in " + shell.Join(words...) + "; do printf '%s\\0' \"$w\"; done"
	out, err := exec.Command(sh, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(got) != len(words) {
		t.Fatalf("the shell read %d words; wanted %d: %q", len(got), len(words), got)
	}
	for i := range words {
		if got[i] != words[i] {
			t.Errorf("the shell read %q; wanted %q", got[i], words[i])
		}
	}
}
