package policy

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

var sizer = types.NewSizeCalculator(types.SizeCalculatorMaxDepth(64), types.SizeCalculatorMaxTraversal(MaxCost))

// price is what a call will cost by the sizes of its arguments: a tenth for each byte of
// text, and what the function does beyond going through them once.
func price(function string, args ...ref.Val) uint64 {
	var cost uint64
	for _, v := range args {
		cost += textOf(v)
	}
	cost /= 10
	switch function {
	case "_==_", "_!=_":
		return cost + deepSize(args[0]) + deepSize(args[1])
	case "@in":
		if list, ok := args[1].(traits.Lister); ok {
			return cost + deepSize(args[0])*sizeOf(list) + deepSize(list)
		}
	case "_+_":
		return cost + priceOfSum(args[0], args[1])
	case "indexOf", "lastIndexOf":
		return cost + (textOf(args[0])+1)*(textOf(args[1])+1)/10
	case "split":
		return cost + 2*uint64(strings.Count(string(asText(args[0])), string(asText(args[1])))+1)
	case "join":
		return cost + priceOfJoin(args)
	}
	return cost
}

// priceOfSum is that of two lists: each item is copied, but what a macro has gathered
// stays where it is.
func priceOfSum(a, b ref.Val) uint64 {
	first, ok := a.(traits.Lister)
	second, both := b.(traits.Lister)
	if !ok || !both {
		return 0
	}
	if _, gathers := a.(traits.MutableLister); gathers {
		return 6 * sizeOf(second)
	}
	return 6 + 2*(sizeOf(first)+sizeOf(second))
}

func priceOfJoin(args []ref.Val) uint64 {
	list, ok := args[0].(traits.Lister)
	if !ok {
		return 0
	}
	n := sizeOf(list)
	if n > MaxCost {
		return n
	}
	cost := deepSize(list)
	if len(args) > 1 {
		cost += n * textOf(args[1]) / 10
	}
	return cost
}

// deepSize counts what a value holds at every depth, text by tens of bytes.
func deepSize(v ref.Val) uint64 {
	switch v.(type) {
	case traits.Lister, traits.Mapper, traits.Indexer:
		return uint64(sizer.AggregateSize(v))
	}
	return 1
}

// sizeOf is how many items a list or map has.
func sizeOf(v traits.Sizer) uint64 {
	n, _ := v.Size().(types.Int)
	return uint64(max(n, 0))
}

// textOf is how many bytes of text a value is.
func textOf(v ref.Val) uint64 {
	switch x := v.(type) {
	case types.String:
		return uint64(len(x))
	case types.Bytes:
		return uint64(len(x))
	}
	return 0
}

func asText(v ref.Val) types.String {
	s, _ := v.(types.String)
	return s
}
