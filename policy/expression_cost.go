package policy

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// MaxCost bounds what one evaluation may cost: one for each step (a variable with its
// fields, a call), and what a call does with its arguments, by their sizes (see price). A
// call is charged for before it is made. A rule with one exists() or all() over 10,000
// components costs some 100,000, over the 100,000 that a bill of materials may have a
// million; one that compares each of 10,000 components with each costs 500 million. What
// costs 5 million takes about a second, and holds some 100 MB.
//
// cel-go counts too, but after a call, and it keeps every value that a loop has passed
// and looks through all of them in every step.
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

// spend ends an evaluation that would cost too much, in the way of cel-go.
func spend(vars cel.Activation, cost uint64) {
	found, _ := vars.ResolveName(meterName)
	spent, ok := found.(*uint64)
	if !ok {
		return // constants are folded before there is an evaluation
	}
	if cost > MaxCost || *spent+cost > MaxCost {
		panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: "the cost limit is exceeded"})
	}
	*spent += cost
}

// Steps of an expression that charge for themselves.
type (
	// step is one for which its own steps charge.
	step struct{ interpreter.InterpretableV2 }
	// construction makes a list, a map or a structure.
	construction struct {
		interpreter.InterpretableV2
		cost uint64
	}
	// attribute is a variable with its fields and indexes.
	attribute struct {
		interpreter.InterpretableAttribute
	}
)

// Exec implements [interpreter.InterpretableV2].
func (s step) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	spend(frame, 1)
	return s.InterpretableV2.Exec(frame)
}

// Exec implements [interpreter.InterpretableV2].
func (c construction) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	spend(frame, c.cost)
	return c.InterpretableV2.Exec(frame)
}

// Exec implements [interpreter.InterpretableV2]. Text may become the key of a map, and
// whoever goes through a map copies its keys.
func (a attribute) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := a.InterpretableAttribute.Exec(frame)
	cost := 1 + textOf(v)/500
	if m, ok := v.(traits.Mapper); ok {
		cost += sizeOf(m) / 2
	}
	spend(frame, cost)
	return v
}

// Qualify implements [interpreter.InterpretableAttribute].
func (a attribute) Qualify(vars cel.Activation, obj any) (any, error) {
	a.spendAsIndex(vars)
	return a.InterpretableAttribute.Qualify(vars, obj)
}

// QualifyIfPresent implements [interpreter.InterpretableAttribute].
func (a attribute) QualifyIfPresent(vars cel.Activation, obj any, presenceOnly bool) (any, bool, error) {
	a.spendAsIndex(vars)
	return a.InterpretableAttribute.QualifyIfPresent(vars, obj, presenceOnly)
}

// spendAsIndex charges for an attribute that is the index of another one: its text is
// looked up, and quoted where nothing has that name.
func (a attribute) spendAsIndex(vars cel.Activation) {
	cost := uint64(1)
	if v, err := a.InterpretableAttribute.Resolve(vars); err == nil {
		cost += textOf(types.DefaultTypeAdapter.NativeToValue(v)) / 10
	}
	spend(vars, cost)
}

// meter makes the steps of a program charge for themselves. cel-go plans inner steps
// first, and folds what is constant after this.
func meter(known map[string]*functions.Overload) interpreter.InterpretableDecoratorV2 {
	return func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		switch x := i.(type) {
		case interpreter.InterpretableConst, step, construction, attribute, *call:
			return i, nil
		case interpreter.InterpretableConstructor:
			if constant(x.InitVals()) {
				return i, nil
			}
			return construction{x, constructionCost(x)}, nil
		case interpreter.InterpretableAttribute:
			return attribute{x}, nil
		case interpreter.InterpretableCall:
			return newCall(x, known)
		}
		return step{i}, nil
	}
}

// constructionCost grows with the memory that is needed.
func constructionCost(c interpreter.InterpretableConstructor) uint64 {
	n := uint64(len(c.InitVals()))
	if c.Type() == types.ListType {
		return 6 + n
	}
	return 30 + 5*n
}

func constant(args []interpreter.InterpretableV2) bool {
	for _, arg := range args {
		if _, ok := arg.(interpreter.InterpretableConst); !ok {
			return false
		}
	}
	return true
}

// programOptions are those of every rule.
func programOptions(env *cel.Env) ([]cel.ProgramOption, error) {
	known := map[string]*functions.Overload{}
	for _, f := range env.Functions() {
		bindings, err := f.Bindings()
		if err != nil {
			return nil, err
		}
		for _, b := range bindings {
			known[b.Operator] = b
		}
	}
	return []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(meter(known))}, nil
}
