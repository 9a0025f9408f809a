package policy

import (
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// call is a step that charges for a call before it makes it.
type call struct {
	interpreter.Interpretable
	function, overload string
	args               []interpreter.InterpretableV2
	known              *functions.Overload
	// pattern is that of matches, where it is written out.
	pattern *pattern
}

// newCall leaves alone what is not strict and conversions of constants, which cel-go
// makes once.
func newCall(x interpreter.InterpretableCall, known map[string]*functions.Overload) (interpreter.InterpretableV2, error) {
	c := &call{x, x.Function(), x.OverloadID(), x.Args(), known[x.OverloadID()], nil}
	if c.known == nil {
		c.known = known[c.function]
	}
	switch {
	case c.known != nil && c.known.NonStrict || len(c.args) == 0:
		return step{x}, nil
	case overloads.IsTypeConversionFunction(c.function) && constant(c.args):
		return x, nil
	case c.function == overloads.Matches:
		if text, ok := c.args[len(c.args)-1].(interpreter.InterpretableConst); ok {
			var err error
			c.pattern, err = compilePattern(string(asText(text.Value())))
			return c, err
		}
	}
	return c, nil
}

// Exec implements [interpreter.InterpretableV2].
func (c *call) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	values := make([]ref.Val, len(c.args))
	for i, arg := range c.args {
		values[i] = arg.Exec(frame)
		if types.IsUnknownOrError(values[i]) {
			return values[i]
		}
	}
	spend(frame, 1+price(c.function, values...))
	v := c.run(frame, values)
	spend(frame, textOf(v)/10)
	return types.LabelErrNode(c.ID(), v)
}

// run calls as cel-go would, but for what cannot be bounded there.
func (c *call) run(frame *interpreter.ExecutionFrame, values []ref.Val) ref.Val {
	switch c.function {
	case "_==_":
		return types.Equal(values[0], values[1])
	case "_!=_":
		return types.Bool(types.Equal(values[0], values[1]) != types.True)
	case "_+_":
		if sum := concatenate(values[0], values[1]); sum != nil {
			return sum
		}
	case overloads.Matches:
		return matches(frame, c.pattern, values[0], values[1])
	}
	if o := c.known; o != nil && (o.OperandTrait == 0 || values[0].Type().HasTrait(o.OperandTrait)) {
		switch {
		case len(values) == 1 && o.Unary != nil:
			return o.Unary(values[0])
		case len(values) == 2 && o.Binary != nil:
			return o.Binary(values[0], values[1])
		case o.Function != nil:
			return o.Function(values...)
		}
	}
	if r, ok := values[0].(traits.Receiver); ok {
		return r.Receive(c.function, c.overload, values[1:])
	}
	return types.NewErr("no such overload: %s", c.function)
}

// concatenate copies two lists into one, or returns nil for other values. cel-go looks
// each item up in every list that it was put together from. What a macro gathers is
// appended in place.
func concatenate(a, b ref.Val) ref.Val {
	first, ok := a.(traits.Lister)
	second, both := b.(traits.Lister)
	if _, gathers := a.(traits.MutableLister); gathers || !ok || !both {
		return nil
	}
	items := make([]ref.Val, 0, sizeOf(first)+sizeOf(second))
	for _, list := range []traits.Lister{first, second} {
		for i := range types.Int(sizeOf(list)) {
			items = append(items, list.Get(i))
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, items)
}
