package property

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestInputs makes the same inputs twice, in whatever order they come.
func TestInputs(t *testing.T) {
	inputs := func(name string) []uint64 {
		var mu sync.Mutex
		var all []uint64
		Run(t, 500, Property{Name: name, Weight: 2, Try: func(r *rand.Rand) error {
			n := r.Uint64()
			mu.Lock()
			defer mu.Unlock()
			all = append(all, n)
			return nil
		}})
		slices.Sort(all)
		return all
	}
	first, again, other := inputs("one"), inputs("one"), inputs("other")
	if *iterations == 0 && *iteration < 0 && len(first) != 500 {
		t.Errorf("%d iterations", len(first))
	}
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Error("the inputs do not depend on seed, name and number alone")
	}
	if len(slices.Compact(first)) != len(again) {
		t.Error("an input was made twice")
	}
}

// TestTry takes a failure and a panic for what they are.
func TestTry(t *testing.T) {
	broken := errors.New("broken")
	p := Property{Name: "p", Try: func(r *rand.Rand) error {
		switch r.IntN(3) {
		case 0:
			return broken
		case 1:
			panic("out of range")
		}
		return nil
	}}
	good, bad, panics := 0, 0, 0
	for i := range 100 {
		switch err := p.try(i); {
		case err == nil:
			good++
		case errors.Is(err, broken):
			bad++
		default:
			panics++
		}
	}
	if good == 0 || bad == 0 || panics == 0 {
		t.Errorf("%d good, %d bad, %d panics", good, bad, panics)
	}
}
