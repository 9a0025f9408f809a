package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

// The examples of the documentation are policies, and the built-in policy that it
// shows is the one that is used.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("found %d examples", len(blocks))
	}
	builtIn := false
	for _, block := range blocks {
		example, _, closed := strings.Cut(block, "```")
		if !closed {
			t.Error("an example does not end")
		}
		p, err := policy.Parse("example", []byte(example))
		if err != nil {
			t.Errorf("%s\n%v", example, err)
			continue
		}
		checkPolicy(t, p)
		if p.Name == "built-in" {
			builtIn = true
			golden(t, "builtin-repo.yaml", []byte(example))
		}
	}
	if !builtIn {
		t.Error("the built-in policy is not shown")
	}
}
