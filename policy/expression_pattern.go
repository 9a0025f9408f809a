package policy

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Bounds on the pattern of matches(): the steps of its program once repeats are written
// out, and the bytes of one that is put together while a rule is evaluated.
const (
	maxPatternSteps = 2000
	maxPatternBytes = 512
)

// pattern is a compiled regular expression.
type pattern struct {
	*regexp.Regexp
	steps uint64
}

// measurePattern returns how many steps a pattern has, without writing them out. An
// error says that it is none or that it has too many.
func measurePattern(text string) (uint64, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	n := 2 + stepsOf(tree)
	if n > maxPatternSteps {
		return n, fmt.Errorf("the pattern has %d steps with its repeats written out; wanted at most %d", n, maxPatternSteps)
	}
	return n, nil
}

func compilePattern(text string) (*pattern, error) {
	n, err := measurePattern(text)
	if err != nil {
		return nil, err
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &pattern{compiled, n}, nil
}

// stepsOf is an upper bound on a compiled program. What regexp/syntax parses cannot
// nest deep, nor repeat more than 1,000 times in all.
func stepsOf(tree *syntax.Regexp) uint64 {
	n := uint64(1)
	switch tree.Op {
	case syntax.OpLiteral:
		n = uint64(len(tree.Rune))
	case syntax.OpConcat:
		n = 0
	case syntax.OpAlternate:
		n = uint64(len(tree.Sub))
	case syntax.OpCapture, syntax.OpStar:
		n = 2
	}
	for _, sub := range tree.Sub {
		n += stepsOf(sub)
	}
	if tree.Op != syntax.OpRepeat {
		return n
	}
	copies := max(tree.Max, tree.Min+1)
	return (n-1)*uint64(copies) + uint64(copies-tree.Min) + 1
}

// matches looks for a pattern in a text; p is nil where the pattern is only known now.
func matches(frame *interpreter.ExecutionFrame, p *pattern, text, wanted ref.Val) ref.Val {
	s, ok := text.(types.String)
	expr, both := wanted.(types.String)
	if !ok || !both {
		return types.NewErr("no such overload: matches")
	}
	if p == nil {
		if len(expr) > maxPatternBytes {
			return types.NewErr("the pattern has %d bytes; wanted at most %d where it is not written out", len(expr), maxPatternBytes)
		}
		spend(frame, 100+500*uint64(len(expr)))
		n, err := measurePattern(string(expr))
		if err != nil {
			return types.WrapErr(err)
		}
		spend(frame, 10*n)
		if p, err = compilePattern(string(expr)); err != nil {
			return types.WrapErr(err)
		}
	}
	spend(frame, uint64(len(s))*p.steps/20)
	return types.Bool(p.MatchString(string(s)))
}
