package verify

import (
	"slices"

	"github.com/releaseassay/assay/policy"
)

// statements judges a check over statements wherever its evidence may be, once, and
// returns the statements that met it. Of an index that is the index itself, or every image
// that it lists; of an image the image itself, or the index that the caller named for it.
func (q *question) statements(c statements) judged {
	if len(q.around) > 0 { // of one image among others, and the memo is not about that one
		return q.wherever(c)
	}
	key := memoKey{check: c.id()}
	j, ok := q.memo[key]
	if !ok {
		j = q.wherever(c)
		q.memo[key] = j
	}
	return j
}

// wherever takes the first place whose evidence meets the check or, where all statements
// or the newest have to be good, the first that settles it.
func (q *question) wherever(c statements) judged {
	d := c.demand(q.rule)
	ways := q.whereabouts(d.On)
	var tried []judged
	settled := -1
	for i, place := range ways {
		j := place(c)
		tried = append(tried, j)
		switch {
		case settled >= 0: // looked at for what is denied there
		case j.finding.Result == Passed:
			return q.lasting(c, j, ways[i+1:])
		case j.settles(d):
			settled = i
		}
	}
	if settled < 0 {
		settled = closest(tried)
	}
	return tried[settled].denying(slices.Delete(slices.Clone(tried), settled, settled+1))
}

// settles reports whether nothing is taken from other places: one statement that was
// selected is refused for what it says, or may lie where nothing could be read. Where any
// statement does, no place settles anything by failing.
func (j judged) settles(d policy.Demand) bool {
	return d.Select != policy.SelectAny && (j.spoilt || j.finding.Result == Errored)
}

// lasting is a pass that lasts as long as the place does that lasts longest, where any
// will do and nothing else rests on what was found in the first.
func (q *question) lasting(c statements, j judged, others []func(statements) judged) judged {
	if c.demand(q.rule).Select != policy.SelectAny || q.rule.Consistency != nil || q.rule.Freshness != nil {
		return j
	}
	for _, other := range others {
		if j.until.IsZero() {
			break
		}
		if k := other(c); k.finding.Result == Passed && laterEnd(k.until, j.until) {
			j.until = k.until
		}
	}
	return j
}

// denying adds to what did not meet a check what others found that the policy denies, so
// that neither audit mode nor an exception lets it in behind another reason, and notes
// where others could not be decided, which may hide such a thing.
func (j judged) denying(others []judged) judged {
	for _, other := range others {
		if other.finding.Result == Passed {
			continue
		}
		j.finding.partly = j.finding.partly || other.finding.partly || other.finding.Result == Errored
		for _, c := range other.finding.Found {
			if isDenial(c.Code) {
				j.finding.Found = append(slices.Clip(j.finding.Found), c)
			}
		}
	}
	return j
}

// whereabouts are the ways of finding evidence for a demand that says where it has to be.
func (q *question) whereabouts(on policy.On) []func(statements) judged {
	self := func(c statements) judged { return q.here(c, &q.facts) }
	index := isIndex(q.facts.image)
	var ways []func(statements) judged
	if index == (on == policy.OnIndex) || on == policy.OnEither {
		ways = append(ways, self)
	}
	if index && (on == policy.OnPlatforms || on == policy.OnEither && len(q.facts.children) > 0) {
		ways = append(ways, q.onPlatforms)
	}
	if on == policy.OnIndex && (!index || q.facts.index != nil) || on == policy.OnEither && q.facts.index != nil {
		ways = append(ways, q.onIndex)
	}
	if len(ways) == 0 { // a demand that no parser made: on the image itself
		return []func(statements) judged{self}
	}
	return ways
}

// closest is the index of the finding that explains best why nothing met a check: what
// could not be decided before what is refused, and the first that looked at any evidence.
func closest(tried []judged) int {
	best := 0
	for i, j := range tried {
		b := tried[best].finding
		if b.Result == Failed && (j.finding.Result == Errored || len(b.Found) == 0 && len(j.finding.Found) > 0) {
			best = i
		}
	}
	return best
}
