package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/releaseassay/assay/sbom"
)

// Expression is one rule in the Common Expression Language (https://cel.dev) over the
// content of a statement. The zero value never holds. It may be used by several
// goroutines at once.
type Expression struct {
	// Name is what the policy calls the rule, Source its text.
	Name, Source string

	program *program
}

// program is a compiled expression.
type program struct {
	cel.Program
	// predicate and now are true where the expression speaks of those.
	predicate, now bool
}

// Variables are what an expression may speak of. Text that is empty and a time that is
// zero are not known: an expression that speaks of them cannot be evaluated, so that
// nothing holds because two things are equally unknown.
type Variables struct {
	// Name is canonical; Version is "" where none is known.
	Name, Digest, Tag, Version string
	// Signer and Source are what the signing certificate says; empty for a plain key.
	Signer SignerVariables
	Source SourceVariables
	// Signed is the earliest verified time of the statement, Now the time of judgement.
	Signed, Now time.Time
	// Predicate is the statement's, as JSON without duplicate keys.
	Predicate json.RawMessage
	// Document is the bill of materials, nil for other statements.
	Document *sbom.Document

	bound *activation
}

// SignerVariables is who signed.
type SignerVariables struct{ Issuer, Identity, Trigger, Runner, Visibility, Workflow, Run string }

// SourceVariables is what was built.
type SourceVariables struct{ Repository, RepositoryID, OwnerID, Ref, Commit string }

// OfNow reports whether what the expression says can change as time goes by.
func (e Expression) OfNow() bool { return e.program != nil && e.program.now }

// Bind returns v in a form in which the predicate is decoded once, when the first of
// several expressions asks for it. A change of v after Bind is not seen.
func (v Variables) Bind() Variables {
	v.bound = v.activation()
	return v
}

// Holds evaluates the expression within [MaxCost]. An error says why it could not be
// evaluated (something that it speaks of is missing, or it costs too much); nothing
// holds then.
func (e Expression) Holds(v Variables) (bool, error) {
	if e.program == nil {
		return false, errors.New("the rule has not been compiled")
	}
	a := v.bound
	if a == nil {
		a = v.activation()
	}
	if e.program.predicate {
		if _, err := a.predicate(); err != nil {
			return false, fmt.Errorf("read the predicate: %w", err)
		}
	}
	out, err := e.program.evaluate(a)
	if err != nil {
		return false, explain(err)
	}
	held, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the rule gives %v; wanted true or false", out.Type())
	}
	return bool(held), nil
}

// evaluate returns what the program gives. Should a library panic, that is an error.
func (p *program) evaluate(a *activation) (out ref.Val, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the rule cannot be evaluated (%v)", r)
		}
	}()
	out, _, err = p.Eval(running{a, new(uint64)})
	return out, err
}

// explain says what to do about an error of an evaluation.
func explain(err error) error {
	var cancelled interpreter.EvalCancelledError
	text := shortened(err.Error())
	switch {
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		return fmt.Errorf("the rule costs more than %d to evaluate; wanted one pass over a list instead of several inside each other", MaxCost)
	case strings.HasPrefix(text, "no such key: "):
		key := strings.TrimPrefix(text, "no such key: ")
		return fmt.Errorf("there is no %q; ask has(….%s) first where it may be absent", key, key)
	case strings.HasPrefix(text, "no such attribute(s): "):
		return fmt.Errorf("%s is not known here", strings.TrimPrefix(text, "no such attribute(s): "))
	case strings.HasPrefix(text, "no such overload"):
		return fmt.Errorf("a value is not of the type that the rule takes it for (%s)", text)
	}
	return errors.New(text)
}

// shortened cuts a message that quotes the predicate at length.
func shortened(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
