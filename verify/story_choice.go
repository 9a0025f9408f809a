package verify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/releaseassay/assay/policy"
)

// maxAnchors bounds how many statements a story is tried to be told from.
const maxAnchors = 128

// part is what one statement that met a check says.
type part struct {
	story story
	// until is when the statement no longer counts, zero if it always does.
	until time.Time
}

// repeats reports whether a part says what another does and lasts as long: a statement
// that was encoded again has nothing to add.
func (p part) repeats(other part) bool {
	return p.until.Equal(other.until) && maps.EqualFunc(p.story.said, other.story.said, func(a, b []saying) bool {
		return slices.EqualFunc(a, b, func(a, b saying) bool {
			a.Evidence, b.Evidence = "", ""
			return a == b
		})
	})
}

// choice are statements of which one has to be in the story, about one image and for one
// check. Where a policy wants all of them, or the newest, each is a choice by itself.
type choice []part

// choices lists what met each required check, in the order of the verdict.
func (q *question) choices() []choice {
	var all []choice
	for _, c := range checks(q.rule) {
		check, ok := c.(statements)
		if !ok || !c.required(q.rule) {
			continue
		}
		j := q.statements(check)
		byAbout, order := map[string]choice{}, []string{}
		for i, s := range j.met {
			p := part{story: story{said: map[string][]saying{}}, until: j.ends[s]}
			q.tellStatement(&p.story, check, s, c.id())
			key := q.about(s)
			if check.demand(q.rule).Select != policy.SelectAny {
				key += fmt.Sprintf(" %d", i)
			}
			if _, ok := byAbout[key]; !ok {
				order = append(order, key)
			}
			if !slices.ContainsFunc(byAbout[key], func(known part) bool { return known.repeats(p) }) {
				byAbout[key] = append(byAbout[key], p)
			}
		}
		for _, key := range order {
			all = append(all, byAbout[key])
		}
	}
	return all
}

// whole adds all statements to a story or, where those contradict each other and the
// policy wants any of several, the first set of them that tells one: an image that is built
// again the same, or signed again, has evidence of two releases, of which either will do.
// Each check and each platform has one statement in such a set, and the set is compared as
// if there were no other. until is when it ends, zero where nothing was left out and, as
// counted says, no claim has to be made twice.
func (t *story) whole(claims []string, counted bool, all []choice) (told story, until time.Time) {
	told = t.with(all)
	if told.agrees(claims) {
		if counted { // and each may be one of two that have to say something
			for _, c := range all {
				for _, p := range c {
					until = earlierEnd(until, p.until)
				}
			}
		}
		return told, until
	}
	tries := 0
	for i, from := range all {
		for _, anchor := range from {
			if tries++; tries > maxAnchors {
				return told, time.Time{}
			}
			if chosen, ok := t.follow(claims, all, i, anchor); ok {
				for _, p := range chosen {
					until = earlierEnd(until, p.until)
				}
				return t.with([]choice{chosen}), until
			}
		}
	}
	return told, time.Time{}
}

// follow chooses from each choice the first part that contradicts nothing chosen before,
// beginning with one part of the choice at index from.
func (t *story) follow(claims []string, all []choice, from int, anchor part) ([]part, bool) {
	forms := map[string]string{}
	if !t.join(claims, forms) || !anchor.story.join(claims, forms) {
		return nil, false
	}
	chosen := []part{anchor}
	for i, c := range all {
		if i == from {
			continue
		}
		fits := slices.IndexFunc(c, func(p part) bool { return p.story.join(claims, forms) })
		if fits < 0 {
			return nil, false
		}
		chosen = append(chosen, c[fits])
	}
	return chosen, true
}

// join adds what a story says of the claims to forms, unless it contradicts them or itself.
func (t *story) join(claims []string, forms map[string]string) bool {
	own := map[string]string{}
	for _, claim := range claims {
		for _, s := range t.counted(claim) {
			known, ok := forms[claim]
			if !ok {
				known, ok = own[claim]
			}
			if ok && known != s.form {
				return false
			}
			own[claim] = s.form
		}
	}
	maps.Copy(forms, own)
	return true
}

// with returns a story with everything that the parts of some choices say.
func (t *story) with(all []choice) story {
	told := story{said: map[string][]saying{}}
	for claim, said := range t.said {
		told.said[claim] = slices.Clone(said)
	}
	for _, c := range all {
		for _, p := range c {
			for claim, said := range p.story.said {
				for _, s := range said {
					if !slices.Contains(told.said[claim], s) {
						told.said[claim] = append(told.said[claim], s)
					}
				}
			}
		}
	}
	return told
}

// agrees reports whether no claim that is compared is contradicted.
func (t *story) agrees(claims []string) bool {
	return !slices.ContainsFunc(claims, func(claim string) bool { return !t.agree(claim) })
}
