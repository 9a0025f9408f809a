package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/property"
	"github.com/releaseassay/assay/policy"
)

// TestProperties holds patterns and expressions against what is true of each of them.
// Whole policies are written at random, and judged by, in package verify.
func TestProperties(t *testing.T) {
	property.Run(t, 3_000,
		property.Property{Name: "pattern-is-anchored", Weight: 8, Try: anchored},
		property.Property{Name: "expression-never-holds-by-error", Weight: 1, Try: holds},
		property.Property{Name: "version-order", Weight: 5, Try: versions},
	)
}

// anchored: a pattern matches what it stands for as a whole, and what an expression that
// was written anew matches.
func anchored(r *rand.Rand) error {
	var pattern, text, expr strings.Builder
	for range 1 + r.IntN(6) {
		word := []string{"a", "b/", "refs/tags/", "v", ".", "-", "+", "(x)", "[y]", "$", "\\", "ü"}[r.IntN(12)]
		switch r.IntN(5) {
		case 0:
			if !strings.HasSuffix(pattern.String(), "*") {
				pattern.WriteString("*")
				expr.WriteString(`[^/@?\p{Z}\p{C}]*`)
				text.WriteString([]string{"", "x", "yy.z"}[r.IntN(3)])
			}
		case 1:
			if !strings.HasSuffix(pattern.String(), "*") {
				pattern.WriteString("**")
				expr.WriteString(`[^@?\p{Z}\p{C}]*`)
				text.WriteString([]string{"", "x/y", "//"}[r.IntN(3)])
			}
		case 2:
			pattern.WriteString("{version}")
			expr.WriteString(`1\.2\.3`)
			text.WriteString("1.2.3")
		default:
			pattern.WriteString(word)
			expr.WriteString(regexp.QuoteMeta(word))
			text.WriteString(word)
		}
	}
	p, err := policy.ParsePattern(pattern.String(), "version")
	if pattern.Len() == 0 {
		if err == nil {
			return errors.New("the empty pattern is accepted")
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("the pattern %q is refused: %w", pattern.String(), err)
	}
	s, vars := text.String(), policy.Vars{Version: "1.2.3"}
	if s != "" && !p.Match(s, vars) {
		return fmt.Errorf("%q does not match %q, for which it stands", p, s)
	}
	like := regexp.MustCompile(`\A` + expr.String() + `\z`)
	for _, s := range []string{s + "x", "x" + s, s + "@evil", s + "/evil", "evil/" + s, s + "\n", strings.ToUpper(s), strings.Replace(s, "1.2.3", "1x2x3", 1), change(r, s)} {
		if got, want := p.Match(s, vars), s != "" && like.MatchString(s); got != want {
			return fmt.Errorf("%q matches %q: %v; wanted %v", p, s, got, want)
		}
	}
	if p.UsesVersion() && p.Match(s, policy.Vars{}) {
		return fmt.Errorf("%q matches %q without a version", p, s)
	}
	return nil
}

func change(r *rand.Rand, s string) string {
	if s == "" {
		return "@"
	}
	b := []byte(s)
	b[r.IntN(len(b))] = "ax/@?*.1 \x00"[r.IntN(10)]
	return string(b)
}

// holds: an expression and its contrary never both hold, neither holds where it could not
// be evaluated, and each gives one answer.
func holds(r *rand.Rand) error {
	expr := logic(r, 3)
	if r.IntN(6) == 0 {
		expr = change(r, expr)
	}
	quoted := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	text := rule("match: ghcr.io/o/n, attestations: {a: {type: \"https://example.com/a\", " + anybody + ", rules: [{expr: " + quoted(expr) + "}, {expr: " + quoted("!("+expr+")") + "}]}}")
	p, err := policy.Parse("p.yaml", []byte(text))
	if err != nil {
		if !strings.HasPrefix(err.Error(), "p.yaml:") || strings.Contains(err.Error(), "internal error") {
			return fmt.Errorf("the error of %q says nothing: %w", expr, err)
		}
		return nil
	}
	v := known()
	switch r.IntN(4) {
	case 0:
		v.Predicate = json.RawMessage(`null`)
	case 1:
		v.Predicate = json.RawMessage(`{"digest": 7, "list": {"a": []}, "count": "3", "build": null}`)
	}
	rules := p.Rules[0].Attestations[0].Rules
	is, isErr := rules[0].Holds(v)
	not, notErr := rules[1].Holds(v)
	again, _ := rules[0].Holds(v)
	if is && isErr != nil || not && notErr != nil || is && not || is != again || isErr == nil && notErr == nil && is == not {
		return fmt.Errorf("%q holds: %v (%w); its contrary: %v (%w); again: %v", expr, is, isErr, not, notErr, again)
	}
	return nil
}

// logic writes an expression that is true or false, or cannot be evaluated.
func logic(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(3) > 0 {
		a, b := logic(r, depth-1), logic(r, depth-1)
		return []string{
			a + " && " + b, "(" + a + ") || " + b, "!(" + a + ")", "(" + a + ") ? " + a + " : (" + b + ")", "predicate.list.exists(x, " + a + ")", "[1, 2].all(x, x > 0 && " + b + ")", "(" + a + ") == (" + b + ")",
		}[r.IntN(7)]
	}
	return term(r) + []string{" == ", " != ", " < ", " >= ", " in "}[r.IntN(5)] + term(r)
}

func term(r *rand.Rand) string {
	return []string{
		"predicate.digest", "predicate.commit", "predicate.tag", "predicate.absent", "predicate.count", "predicate.big", "predicate.huge", "predicate.half", "predicate.none", "predicate.list", "predicate.list[0]", "predicate.list[9]",
		"predicate.build.timestamp", "timestamp(predicate.build.timestamp)", "image.digest", "image.name", "version", "source.commit", "source.ref", "signer.trigger", "signer.identity", "signed", "now",
		"1", "-1", "0.5", "''", "'v1.2.3'", "[]", "[1, 'a']", "{'a': 1}", "true", "null", "size(predicate.list)", "string(predicate.count)", "int('7')", "has(predicate.digest)", "1 / 0", "9223372036854775807 + predicate.count", "predicate.commit.matches('^c+$')",
	}[r.IntN(40)]
}

// versions: the order of versions is one of a line.
func versions(r *rand.Rand) error {
	var all []string
	for range 3 {
		v := fmt.Sprintf("%d.%d.%d", r.IntN(3), r.IntN(3), r.IntN(12))
		if r.IntN(2) == 0 {
			v += "-" + []string{"alpha", "beta", "rc.1", "rc.10", "rc.2", "1", "a.b", "0"}[r.IntN(8)]
		}
		if r.IntN(4) == 0 {
			v += "+build." + fmt.Sprint(r.IntN(3))
		}
		all = append(all, v)
	}
	order := func(a, b string) int {
		n, ok := policy.CompareVersions(a, b)
		if !ok {
			panic(a + " or " + b + " is no version")
		}
		return n
	}
	for _, p := range [][3]int{{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {0, 2, 1}} {
		a, b, c := all[p[0]], all[p[1]], all[p[2]]
		if order(a, b) != -order(b, a) || order(a, b) <= 0 && order(b, c) <= 0 && order(a, c) > 0 || order(a, a) != 0 {
			return fmt.Errorf("%s, %s and %s are in no order", a, b, c)
		}
	}
	if i := slices.IndexFunc(all, func(v string) bool { return !policy.IsVersion(v, "") || policy.IsVersion(v+"@", "") }); i >= 0 {
		return fmt.Errorf("%s is no version", all[i])
	}
	return nil
}
