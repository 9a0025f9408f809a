package policy

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// checks refuses what cel-go accepts; it implements [cel.ASTValidator].
type checks struct{}

// Name implements [cel.ASTValidator].
func (checks) Name() string { return "policy.checks" }

// Validate implements [cel.ASTValidator].
func (checks) Validate(env *cel.Env, _ cel.ValidatorConfig, a *ast.AST, problems *cel.Issues) {
	known := map[string]bool{}
	for _, v := range env.Variables() {
		known[v.Name()] = true
	}
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			if name := e.AsComprehension().IterVar(); known[name] {
				problems.ReportErrorAtID(e.ID(), "the items of a list are called %s, which hides the variable; wanted another name", name)
			}
		case ast.CallKind:
			checkPattern(e.AsCall(), problems)
		}
	}))
}

// checkPattern measures a pattern that is written out.
func checkPattern(c ast.CallExpr, problems *cel.Issues) {
	args := c.Args()
	if c.FunctionName() != overloads.Matches || len(args) == 0 {
		return
	}
	arg := args[len(args)-1]
	if arg.Kind() != ast.LiteralKind {
		return
	}
	if text, ok := arg.AsLiteral().(types.String); ok {
		if _, err := measurePattern(string(text)); err != nil {
			problems.ReportErrorAtID(arg.ID(), "invalid matches argument: %s", err)
		}
	}
}
