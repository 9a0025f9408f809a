package settings

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table in docs/serve.md")

// TestSettingsPage: docs/serve.md has every setting, as the program has it.
func TestSettingsPage(t *testing.T) {
	const page = "../../../docs/serve.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), "-update -->\n")
	_, tail, closed := strings.Cut(rest, "<!-- /settings -->")
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	var table strings.Builder
	table.WriteString("| file | environment | flag | default | values | |\n|---|---|---|---|---|---|\n")
	for _, s := range Table() {
		fallback := "`" + s.Default + "`"
		if strings.HasPrefix(s.Default, "(") {
			fallback = strings.Trim(s.Default, "()")
		}
		if s.Common != "" {
			fallback = "`$" + s.Common + "`, else " + fallback
		}
		usage := s.Usage
		if s.Switch {
			usage = "`true`: " + usage
		}
		fmt.Fprintf(&table, "| `%s` | `%s` | `--%s` | %s | %s | %s |\n", s.Name, s.Variable(), s.Flag(), fallback, s.Wanted, usage)
	}
	want := head + "-update -->\n" + table.String() + "<!-- /settings -->" + tail
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(b) {
		t.Errorf("%s is not as the program; run go test ./internal/serve/settings -run TestSettingsPage -update", page)
	}
}

// TestUnitFile: the systemd unit leaves the drain time and what comes after it.
func TestUnitFile(t *testing.T) {
	b, err := os.ReadFile("../../../deploy/systemd/assay.service")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("TimeoutStopSec=%d\n", int(Defaults().Drain.Seconds())+15)
	for _, line := range []string{want, "ExecStart=/usr/local/bin/assay serve --config ", "RestartPreventExitStatus=2\n"} {
		if !strings.Contains(string(b), line) {
			t.Errorf("the unit has no %s", line)
		}
	}
}
