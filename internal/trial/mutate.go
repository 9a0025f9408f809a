package trial

import (
	"context"
	"fmt"
	"slices"

	"github.com/releaseassay/assay/policy"
)

// maxMutations bounds how many demands of one rule are tried.
const maxMutations = 2000

// Idle is a demand that no case depends on.
type Idle struct {
	// Path is the demand's, as the YAML names it; Position is where it stands in the
	// policy's own file, zero where it does not.
	Path     string
	Position policy.Position
	// Why says what was seen.
	Why string
}

// Coverage says which demands of a policy its cases depend on.
type Coverage struct {
	// Demands counts those that were tried, Unseen are those that saved evidence cannot
	// show.
	Demands int
	Unseen  []string
	// Idle turned nothing, and Untried is how many could not be tried in time.
	Idle    []Idle
	Untried int
}

// Mutate sets every demand of every rule to an impossible value, and judges the cases
// that passed, as they were wanted to, again: one of them has to turn. text is the policy's file, to say where
// its demands stand. When ctx ends, the rest is not tried.
func (s *Stage) Mutate(ctx context.Context, text []byte, results []Result) (Coverage, error) {
	m := &mutating{stage: s, positions: policy.PositionsOf(text), known: map[string]*demand{}}
	for i := range s.Policy.Rules {
		var passed []Result
		for _, r := range results {
			if r.Passed && r.Right && r.Rule == i {
				passed = append(passed, r)
			}
		}
		if err := m.rule(ctx, i, passed); err != nil {
			return Coverage{}, err
		}
	}
	return m.coverage(), nil
}

// demand is one that is set to an impossible value.
type demand struct {
	path   string
	turned bool
	// cases counts those that passed all the same.
	cases int
	// unwritten is of a demand that has its default and is not in the file.
	unwritten bool
	untried   bool
}

type mutating struct {
	stage     *Stage
	positions policy.Positions
	// known are all demands by path: rules share some. order is how they were met.
	known  map[string]*demand
	order  []*demand
	unseen []string
	idle   []Idle
}

// rule tries the demands of one rule on the cases that passed under it.
func (m *mutating) rule(ctx context.Context, i int, passed []Result) error {
	if len(passed) == 0 {
		path := fmt.Sprintf("images[%d]", i)
		at, _ := m.positions.Find(path)
		m.idle = append(m.idle, Idle{Path: path, Position: at, Why: "no case passes under this rule, so that no demand of it is shown to be met"})
		return nil
	}
	var left []policy.Mutation
	for _, mutation := range policy.Mutations(m.stage.Policy, i) {
		if m.note(mutation) {
			left = append(left, mutation)
		}
	}
	if len(left) > maxMutations {
		for _, mutation := range left[maxMutations:] {
			m.known[mutation.Path].untried = true
		}
		left = left[:maxMutations]
	}
	for _, r := range passed {
		var err error
		if left, err = m.try(ctx, r, left); err != nil {
			return fmt.Errorf("the case %q: %w", r.Case.Name, err)
		}
	}
	return nil
}

// note takes note of a demand, and reports whether it is to be tried.
func (m *mutating) note(mutation policy.Mutation) bool {
	_, written := m.positions.Find(mutation.Path)
	switch known := m.known[mutation.Path]; {
	case mutation.Place:
		if !mutation.Default && !slices.Contains(m.unseen, mutation.Path) {
			m.unseen = append(m.unseen, mutation.Path)
		}
		return false
	case known == nil:
		known = &demand{path: mutation.Path, unwritten: mutation.Default && !written}
		m.known[mutation.Path] = known
		m.order = append(m.order, known)
		return true
	default:
		return !known.turned
	}
}

// try judges one case under each changed policy, and returns those under which it still
// passes. Its evidence is read once.
func (m *mutating) try(ctx context.Context, r Result, mutations []policy.Mutation) ([]policy.Mutation, error) {
	if len(mutations) == 0 {
		return nil, nil
	}
	scene, err := m.stage.scene(r.Case)
	if err != nil {
		return nil, err
	}
	v, facts, err := scene.examine(ctx, policy.Mutation{Policy: m.stage.Policy})
	if err != nil {
		return nil, err
	}
	if !v.Passed() && ctx.Err() == nil {
		return nil, fmt.Errorf("it passed, and no longer does; the evidence has changed meanwhile")
	}
	var left []policy.Mutation
	for _, mutation := range mutations {
		d := m.known[mutation.Path]
		if ctx.Err() != nil {
			d.untried = true
			continue
		}
		v, err := scene.judge(ctx, facts, mutation)
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil: // which may be all that turned it
			d.untried = true
		case v.Passed():
			d.cases++
			left = append(left, mutation)
		default:
			d.turned = true
		}
	}
	return left, nil
}

// coverage counts what came of it.
func (m *mutating) coverage() Coverage {
	c := Coverage{Unseen: m.unseen, Idle: m.idle}
	for _, d := range m.order {
		switch {
		case d.turned:
			c.Demands++
		case d.untried:
			c.Untried++
		case d.unwritten: // nobody made the demand
		default:
			c.Demands++
			at, _ := m.positions.Find(d.path)
			why := "with a value that nothing can meet, the one case that passes still does"
			if d.cases > 1 {
				why = fmt.Sprintf("with a value that nothing can meet, all %d cases that pass still do", d.cases)
			}
			c.Idle = append(c.Idle, Idle{Path: d.path, Position: at, Why: why})
		}
	}
	slices.SortStableFunc(c.Idle, func(a, b Idle) int {
		if a.Position.Line != b.Position.Line {
			return a.Position.Line - b.Position.Line
		}
		return a.Position.Column - b.Position.Column
	})
	return c
}
