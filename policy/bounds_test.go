package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

// Policies that are made to exhaust a parser are refused, soon.
func TestBombs(t *testing.T) {
	aliases := "a0: &a0 [x, x]\n"
	for i := range 60 {
		aliases += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	for name, text := range map[string]string{
		"lists":           head + "images: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"open lists":      head + "images: " + strings.Repeat("[", 100_000),
		"mappings":        head + "images: " + strings.Repeat("{a: ", 100_000) + strings.Repeat("}", 100_000),
		"dashes":          head + "images:\n" + strings.Repeat("- ", 100_000) + "a\n",
		"question marks":  head + strings.Repeat("? ", 100_000) + "a\n",
		"deep but legal":  head + "images: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		"aliases":         head + aliases,
		"a circle":        head + "images: &a [*a]\n",
		"a merge circle":  head + "trust: &a {<<: *a}\n",
		"unknown alias":   head + "images: *a\n",
		"too big":         strings.Repeat("# a comment\n", 100_000),
		"many keys":       head + strings.Repeat("a: b\n", 100_000),
		"many rules":      head + "images:\n" + strings.Repeat("  - {}\n", 100_000),
		"long value":      head + "mode: " + strings.Repeat("a", 900_000) + "\n",
		"long pattern":    head + "images: [{match: \"" + strings.Repeat("*a", 400_000) + "\"}]\n",
		"long expression": head + "images: [{match: ghcr.io/o/n, source: {repository: o/n, ref_regexp: \"" + strings.Repeat("(a|b)*", 100_000) + "\"}}]\n",
		"many repeats":    head + "images: [{match: ghcr.io/o/n, source: {repository: o/n, ref_regexp: \"((a{1,100}){1,100}){1,100}\"}}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			p, err := policy.Parse("p.yaml", []byte(text))
			if err == nil || p != nil {
				t.Error("the policy is accepted")
			} else if !strings.HasPrefix(err.Error(), "p.yaml:") || len(err.Error()) > 40_000 {
				t.Errorf("the error has %d bytes and begins %.80q", len(err.Error()), err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("refusing it took %s", took)
			}
		})
	}
}

func TestManyErrors(t *testing.T) {
	_, err := policy.Parse("p.yaml", []byte(head+tail+strings.Repeat("a: b\n", 150)))
	got := lines(err)
	equal(t, "lines", len(got), 101)
	equal(t, "the last", got[100], "p.yaml: 50 more faults are not listed")
}

func TestManyRules(t *testing.T) {
	var text strings.Builder
	text.WriteString(head + "images:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  - {match: \"ghcr.io/o%d/**\", source: {repository: o/n}, provenance: {builder: {level: 1}}}\n", i)
	}
	start := time.Now()
	equal(t, "rules", len(parse(t, text.String()).Rules), 1000)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("a thousand rules took %s", took)
	}
	_, err := policy.Parse("p.yaml", []byte(text.String()+"  - {}\n"))
	equal(t, "one more", fmt.Sprint(err), "p.yaml:5:3: images has 1001 rules; wanted at most 1000")
}

func TestTooBig(t *testing.T) {
	_, err := policy.Parse("p.yaml", make([]byte, 1<<20+1))
	equal(t, "the error", fmt.Sprint(err), "p.yaml: the file has 1048577 bytes; a policy has at most 1048576")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a: b", head + tail, fullPolicy, "\ufeff", "a: &a [*a]", "? a\n: b", "- - -", releasePolicy, "!!map {}", "%YAML 1.1\n---\n", "\xff\xfea\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := policy.Parse("p.yaml", b)
		switch {
		case (p == nil) == (err == nil):
			t.Fatalf("Parse gives %v and %v", p, err)
		case err != nil:
			if !strings.HasPrefix(err.Error(), "p.yaml:") {
				t.Errorf("the error does not begin with the file: %v", err)
			}
			return
		}
		checkPolicy(t, p)
	})
}

// checkPolicy wants of every accepted policy that each rule demands something of
// somebody.
func checkPolicy(t *testing.T, p *policy.Policy) {
	t.Helper()
	if len(p.Rules) == 0 || p.Name == "" {
		t.Error("a policy has no name or no rules")
	}
	for _, r := range p.Rules {
		if r.Match.IsZero() || len(r.Demands()) == 0 && r.Release == nil {
			t.Error("a rule demands nothing")
		}
		for _, d := range r.Demands() {
			checkSigners(t, d.Signers)
			checkSources(t, d.Sources)
			if d.On == "" || d.Select == "" || d.Select == policy.SelectNewest && d.MaxAge <= 0 {
				t.Errorf("a demand says too little: %v", d)
			}
		}
		for i, a := range r.Attestations {
			if a.Type == "" || a.Name == "" || i > 0 && r.Attestations[i-1].Name >= a.Name {
				t.Errorf("an attestation has no type or is out of order: %q, %q", a.Name, a.Type)
			}
		}
		if d := r.Provenance; d != nil {
			if len(d.Sources) == 0 || len(d.Builder.IDs) == 0 && d.Builder.Level == 0 {
				t.Error("provenance demands no source or no builder")
			}
		}
		if r.Release != nil {
			checkAuthority(t, r.Release)
		}
		for _, name := range r.Roots() {
			if _, ok := p.Trust[name]; !ok {
				t.Errorf("the root %q is not there", name)
			}
		}
	}
}

func checkSigners(t *testing.T, signers []policy.Signer) {
	t.Helper()
	if len(signers) == 0 {
		t.Error("a demand has no signer")
	}
	for _, s := range signers {
		if s.Key == nil && s.Issuer == "" || s.Key != nil && (s.Issuer != "" || len(s.Key.SHA256) != 64 || s.Key.File == "") {
			t.Error("a signer is nobody")
		}
	}
}

func checkSources(t *testing.T, sources []policy.Source) {
	t.Helper()
	for _, s := range sources {
		if s.Repository.IsZero() {
			t.Error("a source has no repository")
		}
	}
}
