package trial

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The example of the documentation does what the documentation shows.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy-commands.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## `assay policy test`")
	blocks := strings.Split(section, "```yaml\n")
	if !found || len(blocks) < 3 {
		t.Fatal("the page has no example")
	}
	text, _, _ := strings.Cut(blocks[1], "```")
	cases, rest, _ := strings.Cut(blocks[2], "```")
	s := stage(t, text)
	for _, r := range run(t, s, strings.TrimPrefix(cases, "cases:\n")) {
		if line := "ok    " + r.Case.Name + ": " + r.Got + "\n"; !r.Right || !strings.Contains(rest, line) {
			t.Errorf("the page does not show %q", line)
		}
	}
	c, err := s.Mutate(t.Context(), []byte(text), run(t, s, strings.TrimPrefix(cases, "cases:\n")))
	if err != nil || len(c.Idle) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, line := range []string{c.Idle[0].Path + " turns nothing: " + c.Idle[0].Why, fmt.Sprint(c.Demands, " demands tried, 1 listed")} {
		if !strings.Contains(rest, line) {
			t.Errorf("the page does not show %q", line)
		}
	}
}
