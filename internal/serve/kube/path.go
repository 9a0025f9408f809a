package kube

import (
	"fmt"
	"strings"
)

// Path says where the objects of a kind name images. It is written as a small part of
// JSONPath:
//
//	$                  the object, at the beginning
//	.field             a key of letters, digits, '_' and '-'
//	['any key']        any other key, in single or double quotes; \ escapes the next character
//	[*]                every element of a list, or every value of an object
//
// as in $.spec.workers[*].image or $.metadata.annotations['example.com/image'].
// There are no indexes, filters, slices, unions or "..".
type Path struct {
	text  string
	steps []step
}

// step is a key, or every element.
type step struct {
	key string
	all bool
}

// Bounds on a path.
const (
	maxPath  = 1024 // bytes
	maxSteps = 64
)

// ParsePath reads a path; a path has at least one step.
func ParsePath(s string) (Path, error) {
	p := Path{text: s}
	rest, ok := strings.CutPrefix(s, "$")
	if !ok || rest == "" || len(s) > maxPath {
		return Path{}, fmt.Errorf("parse path %s: wanted $ and at least one field, at most %d bytes", quoted(s), maxPath)
	}
	for rest != "" {
		next, after, err := readStep(rest)
		if err != nil {
			return Path{}, fmt.Errorf("parse path %s: at byte %d: %w", quoted(s), len(s)-len(rest), err)
		}
		if p.steps = append(p.steps, next); len(p.steps) > maxSteps {
			return Path{}, fmt.Errorf("parse path %s: wanted at most %d steps", quoted(s), maxSteps)
		}
		rest = after
	}
	return p, nil
}

// readStep reads the step that s begins with, and returns what comes after it.
func readStep(s string) (step, string, error) {
	if after, ok := strings.CutPrefix(s, "[*]"); ok {
		return step{all: true}, after, nil
	}
	if after, ok := strings.CutPrefix(s, "."); ok {
		rest := strings.TrimLeft(after, plainKey)
		if len(rest) == len(after) {
			return step{}, "", fmt.Errorf("wanted a field of letters, digits, '_' and '-' after the dot; other keys are written ['like this']")
		}
		return step{key: after[:len(after)-len(rest)]}, rest, nil
	}
	if len(s) < 2 || s[0] != '[' || s[1] != '\'' && s[1] != '"' {
		return step{}, "", fmt.Errorf("wanted .field, ['key'] or [*]")
	}
	var key strings.Builder
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			key.WriteByte(s[i])
		case s[i] != s[1]:
			key.WriteByte(s[i])
		case strings.HasPrefix(s[i+1:], "]"):
			return step{key: key.String()}, s[i+2:], nil
		default:
			return step{}, "", fmt.Errorf("wanted ] after the closing quote")
		}
	}
	return step{}, "", fmt.Errorf("the quote has no end")
}

// String is the path as it was written.
func (p Path) String() string { return p.text }

// walk calls f for each value of the object v at the path. What is absent or null on
// the way is passed over; what is of another type is an error.
func (p Path) walk(v value, at place, f func(v value, at place) error) error {
	if kindOf(v) == "" {
		return nil
	}
	if len(p.steps) == 0 {
		return f(v, at)
	}
	next, rest := p.steps[0], Path{steps: p.steps[1:]}
	if !next.all {
		found, err := fields(v, at, next.key)
		if err != nil {
			return err
		}
		return rest.walk(found[0], at.key(next.key), f)
	}
	if kindOf(v) == "an object" {
		return members(v, at, func(key []byte, v value) error {
			return rest.walk(v, at.key(string(key)), f)
		})
	}
	return elements(v, at, func(at place, v value) error { return rest.walk(v, at, f) })
}
