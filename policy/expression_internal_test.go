package policy

import (
	"regexp/syntax"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
)

// broken stands for a library that panics.
type broken struct{ cel.Program }

func (broken) Name() string { return "broken" }

func (broken) Validate(*cel.Env, cel.ValidatorConfig, *ast.AST, *cel.Issues) { panic("unhandled case") }

func (broken) Eval(any) (ref.Val, *cel.EvalDetails, error) { panic("unhandled case") }

func TestExpressionPanics(t *testing.T) {
	env, err := cel.NewEnv(cel.ASTValidators(broken{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := build(env, "true"); err == nil || !strings.Contains(err.Error(), "unhandled case") {
		t.Errorf("build: %v", err)
	}
	held, err := Expression{program: &program{Program: broken{}}}.Holds(Variables{})
	if held || err == nil || !strings.Contains(err.Error(), "unhandled case") {
		t.Errorf("Holds: %v, %v", held, err)
	}
}

// The steps of a pattern are never fewer than those of its program.
func TestPatternSteps(t *testing.T) {
	for _, text := range []string{
		"", "a", "^[0-9a-f]{40}$", "(a?){300}b", "(a|b|cd*){3,}x", "(?i)abc", "((a{10}){10}){10}", "(a{0,5}|b??){20}", "()|()", `\b(x*)*$`, "a{0,7}", "a{0}", "(?:){5}",
		"(?:a*){7}", "(?:a+)*", "(?:a*)+", "(?:(?:a*)?)*", "(|a)*", "(|a)+", `\pL{3}`, "(?i)[k]{4}", "[^a]", "(?s).", "a|b|c", "abc|abd", "(a{2,}){2,}", "(?:a|)*{3}",
	} {
		tree, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			continue
		}
		compiled, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		n, err := measurePattern(text)
		if real := uint64(len(compiled.Inst)); err != nil || n < real || n > 3*real+10 {
			t.Errorf("%s: %d steps, %v; the program has %d", text, n, err, real)
		}
	}
}
