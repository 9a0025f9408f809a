package policy

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// MaxCost bounds what one evaluation may cost: one for each step (a variable with its
// fields, a call), a tenth of what it yields in bytes of text (times a quarter of the
// pattern's length under matches), and what a list or map holds at every depth where it
// is compared. A rule with one exists() or all() over 10,000 components costs some
// 100,000, over the 100,000 that a bill of materials may have a million; one that
// compares each of 10,000 components with each costs 500 million.
//
// cel-go counts too, but keeps every value that a loop has passed and looks through all
// of them in every step: 3,000 components compared with each other took it 20 seconds to
// reach the same limit.
const MaxCost = 5_000_000

// meterName is the variable under which an evaluation finds its meter: no expression can
// name it.
const meterName = "@meter"

// running is an activation with a meter of its own, for one evaluation.
type running struct {
	*activation
	spent *uint64
}

// ResolveName implements [cel.Activation].
func (r running) ResolveName(name string) (any, bool) {
	if name == meterName {
		return r.spent, true
	}
	return r.activation.ResolveName(name)
}

// rate says what a step costs.
type rate struct {
	// text is how much a byte of text that the step yields costs, in tenths.
	text uint64
	// deep is true where a list or map that the step yields is gone through.
	deep bool
}

var sizer = types.NewSizeCalculator(types.SizeCalculatorMaxDepth(64), types.SizeCalculatorMaxTraversal(MaxCost))

// charge ends an evaluation that has cost too much, in the way of cel-go.
func (r rate) charge(frame *interpreter.ExecutionFrame, v ref.Val) {
	found, _ := frame.ResolveName(meterName)
	spent, ok := found.(*uint64)
	if !ok {
		return // constants are folded before there is an evaluation
	}
	*spent++
	switch x := v.(type) {
	case types.String:
		*spent += uint64(len(x)) * r.text / 10
	case types.Bytes:
		*spent += uint64(len(x)) * r.text / 10
	case traits.Lister, traits.Mapper, traits.Indexer:
		if r.deep {
			*spent += uint64(sizer.AggregateSize(v))
		}
	}
	if *spent > MaxCost {
		panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: "the cost limit is exceeded"})
	}
}

// Steps of an expression that charge for what they yield.
type (
	step struct {
		interpreter.InterpretableV2
		*rate
	}
	callStep struct {
		interpreter.InterpretableCall
		*rate
	}
	attributeStep struct {
		interpreter.InterpretableAttribute
		*rate
	}
)

// Exec implements [interpreter.InterpretableV2].
func (s step) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := s.InterpretableV2.Exec(frame)
	s.charge(frame, v)
	return v
}

// Exec implements [interpreter.InterpretableV2].
func (s callStep) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := s.InterpretableCall.Exec(frame)
	s.charge(frame, v)
	return v
}

// Exec implements [interpreter.InterpretableV2].
func (s attributeStep) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := s.InterpretableAttribute.Exec(frame)
	s.charge(frame, v)
	return v
}

// meter makes a step of a program charge for itself. cel-go plans inner steps first.
func meter(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch x := i.(type) {
	case interpreter.InterpretableConst, interpreter.InterpretableConstructor, step, callStep, attributeStep:
		return i, nil
	case interpreter.InterpretableAttribute:
		return attributeStep{x, &rate{text: 1}}, nil
	case interpreter.InterpretableCall:
		reprice(x)
		return callStep{x, &rate{text: 1}}, nil
	}
	return step{i, &rate{text: 1}}, nil
}

// reprice raises the rates of a call's arguments where the call goes through them.
func reprice(call interpreter.InterpretableCall) {
	text, deep := uint64(1), false
	switch call.OverloadID() {
	case overloads.Equals, overloads.NotEquals, overloads.InList, overloads.InMap:
		deep = true
	case overloads.Matches, overloads.MatchesString:
		text = maxExpression / 4
		if pattern, ok := call.Args()[len(call.Args())-1].(interpreter.InterpretableConst); ok {
			if s, ok := pattern.Value().(types.String); ok {
				text = 1 + uint64(len(s))/4
			}
		}
	}
	switch call.Function() {
	case "_==_", "_!=_", "@in":
		deep = true
	}
	for _, arg := range call.Args() {
		var r *rate
		switch x := arg.(type) {
		case step:
			r = x.rate
		case callStep:
			r = x.rate
		case attributeStep:
			r = x.rate
		default:
			continue
		}
		r.text, r.deep = max(r.text, text), r.deep || deep
	}
}

// programOptions are those of every rule.
func programOptions() []cel.ProgramOption {
	return []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(meter)}
}
