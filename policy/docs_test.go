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

// The examples of the page on content are policies too, and its rules hold over what it
// shows.
func TestContentDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/content.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("found %d examples", len(blocks))
	}
	for i, block := range blocks {
		example, _, _ := strings.Cut(block, "```")
		p, err := policy.Parse("example", []byte(example))
		if err != nil {
			t.Errorf("%s\n%v", example, err)
			continue
		}
		checkPolicy(t, p)
		if i > 0 {
			continue
		}
		_, shown, _ := strings.Cut(string(text), `"predicate": `)
		shown, _, _ = strings.Cut(shown, "\n}\n```")
		v := known()
		v.Tag, v.Version, v.Source.Commit, v.Predicate = "v1.4.0", "1.4.0", "3f1c1f6f5a0c7b0e8d4a3c2b1a09f8e7d6c5b4a3", []byte(shown)
		rules := p.Rules[0].Attestations[0].Rules
		for _, r := range rules {
			if held, err := r.Holds(v); !held || err != nil {
				t.Errorf("%s: %v, %v", r.Name, held, err)
			}
		}
		v.Source.Commit = strings.Repeat("0", 40)
		if held, err := rules[0].Holds(v); held || err != nil {
			t.Errorf("%s of another commit: %v, %v", rules[0].Name, held, err)
		}
	}
}
