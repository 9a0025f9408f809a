package sbom

import (
	"errors"
	"fmt"
	"strings"
)

// Operators of a [term].
const (
	opAnd = "AND"
	opOr  = "OR"
)

// term is one node of a licence expression: a licence, or a list under an operator.
type term struct {
	op    string
	terms []*term

	id        string
	plus      bool
	exception string
	name      string // of a LicenseRef, from the document
}

// Bounds of an expression. Debian's packages have some with a hundred terms.
const (
	maxExpression = 16 << 10
	maxTerms      = 2048
	maxNesting    = 32
)

var errExpression = errors.New("not a licence expression")

// parseExpression reads an SPDX licence expression (SPDX 2.3, annex D). It takes time
// and space linear in the text, and never expands anything.
func parseExpression(text string) (*term, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("%w: longer than %d bytes", errExpression, maxExpression)
	}
	p := &expressionParser{tokens: tokens(text)}
	if len(p.tokens) > 2*maxTerms {
		return nil, fmt.Errorf("%w: more than %d terms", errExpression, maxTerms)
	}
	e, err := p.list(opOr, 0)
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("%w: %q follows its end", errExpression, p.tokens[0])
	}
	return e, nil
}

// tokens splits an expression at white space and around parentheses.
func tokens(text string) []string {
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	return strings.Fields(text)
}

// expressionParser is a parser by recursive descent: OR binds less than AND, AND less
// than WITH.
type expressionParser struct{ tokens []string }

// operator reports whether the next token is op, which SPDX 2 writes in capitals and
// SPDX 3 in small letters too.
func (p *expressionParser) operator(op string) bool {
	return len(p.tokens) > 0 && (p.tokens[0] == op || p.tokens[0] == strings.ToLower(op))
}

// list reads terms between operators op.
func (p *expressionParser) list(op string, depth int) (*term, error) {
	next := func() (*term, error) {
		if op == opOr {
			return p.list(opAnd, depth)
		}
		return p.one(depth)
	}
	first, err := next()
	if err != nil || !p.operator(op) {
		return first, err
	}
	out := &term{op: op, terms: []*term{first}}
	for p.operator(op) {
		p.tokens = p.tokens[1:]
		t, err := next()
		if err != nil {
			return nil, err
		}
		out.terms = append(out.terms, t)
	}
	return out, nil
}

// one reads a licence, or an expression in parentheses.
func (p *expressionParser) one(depth int) (*term, error) {
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("%w: it ends too early", errExpression)
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	if token == "(" {
		if depth >= maxNesting {
			return nil, fmt.Errorf("%w: nested more than %d levels", errExpression, maxNesting)
		}
		e, err := p.list(opOr, depth+1)
		if err != nil {
			return nil, err
		}
		if len(p.tokens) == 0 || p.tokens[0] != ")" {
			return nil, fmt.Errorf("%w: a parenthesis is not closed", errExpression)
		}
		p.tokens = p.tokens[1:]
		return e, nil
	}
	t := &term{id: token}
	if id, ok := strings.CutSuffix(token, "+"); ok {
		t.id, t.plus = id, true
	}
	if !isID(t.id) {
		return nil, fmt.Errorf("%w: %q is not a licence id", errExpression, token)
	}
	if p.operator("WITH") {
		if len(p.tokens) < 2 || !isID(p.tokens[1]) {
			return nil, fmt.Errorf("%w: no exception follows WITH", errExpression)
		}
		t.exception = p.tokens[1]
		p.tokens = p.tokens[2:]
	}
	return t, nil
}

// isID reports whether s may be an id: letters, digits, dots and dashes, and the colon
// between DocumentRef and LicenseRef. Operators are not ids.
func isID(s string) bool {
	switch strings.ToUpper(s) {
	case "", opAnd, opOr, "WITH":
		return false
	}
	for _, r := range s {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == ':' {
			continue
		}
		return false
	}
	return true
}

// String returns the expression with as few parentheses as it needs.
func (t *term) String() string {
	if t.op == "" {
		s := t.id
		if t.plus {
			s += "+"
		}
		if t.exception != "" {
			s += " WITH " + t.exception
		}
		return s
	}
	parts := make([]string, len(t.terms))
	for i, inner := range t.terms {
		parts[i] = inner.String()
		if t.op == opAnd && inner.op == opOr {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, " "+t.op+" ")
}

// satisfied reports whether somebody who may use what ok says can use what t licenses:
// one of an OR, all of an AND.
func (t *term) satisfied(ok func(*term) bool) bool {
	switch t.op {
	case opOr:
		for _, inner := range t.terms {
			if inner.satisfied(ok) {
				return true
			}
		}
		return false
	case opAnd:
		for _, inner := range t.terms {
			if !inner.satisfied(ok) {
				return false
			}
		}
		return true
	}
	return ok(t)
}
