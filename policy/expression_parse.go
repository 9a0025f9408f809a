package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"
)

// maxExpressions bounds the rules of one demand, maxProblems what is reported of one.
const (
	maxExpressions = 64
	maxProblems    = 3
)

var shortName = regexp.MustCompile(`\A[a-z0-9][a-z0-9-]{0,62}\z`)

// expressions reads rules over the content of a statement, to be compiled in env.
func (r *reader) expressions(n *yaml.Node, what string, env func() (*cel.Env, error)) []Expression {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxExpressions {
		r.fail(n, "%s has %d rules; wanted at most %d", what, len(n.Content), maxExpressions)
		return nil
	}
	var rules []Expression
	names := map[string]bool{}
	r.list(n, what, func(n *yaml.Node) {
		e := Expression{Name: fmt.Sprintf("rule-%d", len(rules)+1)}
		seen := r.mapping(n, what, map[string]func(*yaml.Node){
			"name": func(n *yaml.Node) { e.Name = r.shortName(n, what+".name") },
			"expr": func(n *yaml.Node) { e.Source, e.program = r.expression(n, what+".expr", env) },
		})
		switch {
		case seen == nil:
		case !seen["expr"]:
			r.fail(n, "%s has a rule without %q; wanted {name, expr}", what, "expr")
		case e.Name != "" && names[e.Name]:
			r.fail(n, "%s has two rules of the name %s", what, e.Name)
		}
		names[e.Name] = true
		rules = append(rules, e)
	})
	return rules
}

func (r *reader) shortName(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s != "" && !shortName.MatchString(s) {
		r.fail(n, "%s is %q; wanted lower-case letters, digits and '-', at most 63", what, s)
		return ""
	}
	return s
}

// expression reads and compiles one expression. It may stand on several lines.
func (r *reader) expression(n *yaml.Node, what string, env func() (*cel.Env, error)) (string, *program) {
	source := r.expressionText(n, what)
	if source == "" {
		return "", nil
	}
	e, err := env()
	if err != nil {
		r.fail(n, "%s: %s", what, err)
		return "", nil
	}
	ast, p, issues, err := build(e, source)
	if issues != nil && issues.Err() != nil {
		for i, problem := range issues.Errors() {
			if i < maxProblems {
				r.failIn(n, problem.Location, "%s: %s", what, firstLine(problem.Message))
			}
		}
		return "", nil
	}
	if err != nil {
		r.fail(n, "%s: %s", what, firstLine(err.Error()))
		return "", nil
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		r.fail(n, "%s gives %s; wanted true or false, as a comparison does", what, ast.OutputType())
		return "", nil
	}
	named := names(e, ast)
	if len(named) == 0 {
		r.fail(n, "%s speaks of nothing; wanted a demand on one of %s", what, strings.Join(variables(e), ", "))
		return "", nil
	}
	return source, &program{p, named["predicate"], named["now"]}
}

// build compiles an expression. Should cel-go panic over it, that is an error.
func build(e *cel.Env, source string) (ast *cel.Ast, p cel.Program, issues *cel.Issues, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the expression cannot be compiled (%v)", r)
		}
	}()
	ast, issues = e.Compile(source)
	if issues != nil && issues.Err() != nil {
		return nil, nil, issues, nil
	}
	options, err := programOptions(e)
	if err != nil {
		return nil, nil, nil, err
	}
	p, err = e.Program(ast, options...)
	return ast, p, nil, err
}

// expressionText reads the text of an expression, which may have several lines.
func (r *reader) expressionText(n *yaml.Node, what string) string {
	if !r.plain(n) {
		return ""
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		r.fail(n, "%s is %s, which demands nothing or everything; wanted an expression over the content", what, n.Value)
		return ""
	}
	line := *n
	line.Value = strings.ReplaceAll(strings.TrimRight(n.Value, "\n"), "\n", " ")
	switch text := r.text(&line, what); {
	case text == "":
		return ""
	case len(text) > maxExpression:
		r.fail(n, "%s has %d bytes; wanted at most %d", what, len(text), maxExpression)
		return ""
	case hasComment(text):
		r.fail(n, "%s has a comment (//), which may hide what stands behind it; wanted a comment of YAML (#) beside it", what)
		return ""
	}
	return strings.TrimRight(n.Value, "\n")
}

// hasComment reports whether // stands in an expression outside of its strings.
func hasComment(s string) bool {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'' || s[i] == '"':
			raw := i > 0 && (s[i-1] == 'r' || s[i-1] == 'R')
			i = endOfString(s, i, raw)
		case strings.HasPrefix(s[i:], "//"):
			return true
		}
	}
	return false
}

// endOfString returns where the string that begins at s[i] ends, with its last quote.
func endOfString(s string, i int, raw bool) int {
	quote := s[i : i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s[i:], triple) {
		quote = triple
	}
	for i += len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\' && !raw:
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote) - 1
		}
	}
	return len(s)
}

// names are the variables of the environment that an expression speaks of, not those
// that its macros give to the items of a list, which never have the same names.
func names(env *cel.Env, ast *cel.Ast) map[string]bool {
	known, found := variables(env), map[string]bool{}
	for _, reference := range ast.NativeRep().ReferenceMap() {
		if slices.Contains(known, reference.Name) && reference.Value == nil {
			found[reference.Name] = true
		}
	}
	return found
}

// variables are the names that are known in an environment, sorted.
func variables(env *cel.Env) []string {
	var known []string
	for _, v := range env.Variables() {
		if !strings.Contains(v.Name(), ".") && v.Type().Kind() != cel.TypeKind {
			known = append(known, v.Name())
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// firstLine is what people need of an error of cel-go.
func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ReplaceAll(line, " (in container '')", "")
}
