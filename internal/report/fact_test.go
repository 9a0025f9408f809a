package report

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// TestWorkflow wants a signer's name to be short only where nobody else has that one.
func TestWorkflow(t *testing.T) {
	const id = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1"
	for _, c := range []struct{ identity, issuer, want string }{
		{id, actionsIssuer, "acme/app release.yml@refs/tags/v1"},
		{id, "https://evil.example", id + " of https://evil.example"},
		{"https://github.com/acme/app/x/.github/workflows/r.yml@v1", actionsIssuer, "https://github.com/acme/app/x/.github/workflows/r.yml@v1 of " + actionsIssuer},
		{"https://github.com/acme/app r.yml@v1/.github/workflows/r.yml@v1", actionsIssuer, "https://github.com/acme/app r.yml@v1/.github/workflows/r.yml@v1 of " + actionsIssuer},
		{"alice@acme.example", "https://accounts.google.com", "alice@acme.example of https://accounts.google.com"},
	} {
		got := workflow(verify.Candidate{Claims: &verify.Claims{Identity: c.identity, Issuer: c.issuer}})
		if got != c.want {
			t.Errorf("%s of %s is shown as %q; wanted %q", c.identity, c.issuer, got, c.want)
		}
	}
}

// TestTableEscapes wants a table to escape what a caller forgot to.
func TestTableEscapes(t *testing.T) {
	p := newPage(TextOptions{})
	p.table(2, [][]cell{{{mark: "✓", text: "a\x1b[2J"}, {text: "b\nPASS –"}}})
	if got := p.b.String(); got != `  ✓ a\x1b[2J  b\nPASS \u2013`+"\n" || strings.Count(got, missing) != 0 {
		t.Errorf("the table is %q", got)
	}
}
