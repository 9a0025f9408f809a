package verify

import (
	"maps"
	"slices"
	"time"

	"github.com/releaseassay/assay/policy"
)

// memoKey names what a check made of the evidence about one image; an empty digest is
// that wherever the evidence may be about, for the image that was asked about.
type memoKey struct{ check, digest string }

// here judges a check over statements about the image that facts are of, once.
func (q *question) here(c statements, facts *Facts) judged {
	key := memoKey{c.id(), facts.image.Digest}
	if j, ok := q.memo[key]; ok {
		return j
	}
	about := *q
	about.facts, about.around = *facts, append(slices.Clone(q.around), &q.facts)
	j := c.judgeHere(&about)
	q.memo[key] = j
	return j
}

// judge implements check: over the image, its index or its platforms, as the policy
// says where the evidence has to be.
func (c statements) judge(q *question) Finding {
	j := q.statements(c)
	if j.finding.Result == Passed {
		q.until(j.until)
	}
	return j.finding
}

// onPlatforms wants every image that the index lists to have the evidence. An index
// without any image never has it.
func (q *question) onPlatforms(c statements) judged {
	t := q.platforms()
	if t.err != nil {
		return q.refused(c, PlatformsMalformed, "the index cannot be read: "+t.err.Error())
	}
	var all judged
	var refused []judged
	failed, undecided, spoilt := -1, -1, false
	seen := map[string]bool{}
	for _, n := range t.nodes {
		if !n.runs() || seen[n.digest] {
			continue
		}
		seen[n.digest] = true
		j := q.onNode(c, n)
		switch r := j.finding.Result; {
		case r == Passed:
			all.add(j)
			continue
		case r == Errored && undecided < 0:
			undecided = len(refused)
		case r == Failed && failed < 0:
			failed = len(refused)
		}
		refused, spoilt = append(refused, j), spoilt || j.spoilt
	}
	if len(seen) == 0 {
		return q.refused(c, PlatformsEmpty, "the index lists no image, so that nothing has this evidence")
	}
	if len(refused) == 0 {
		return all
	}
	why := failed
	if why < 0 || undecided >= 0 && refused[undecided].settles(c.demand(q.rule)) && !spoilt && q.facts.index != nil {
		why = undecided // so that the index which was named is not taken instead
	}
	j := judged{finding: refused[why].finding, spoilt: spoilt}
	return j.denying(slices.Delete(slices.Clone(refused), why, why+1))
}

// add joins what met a check about one more image.
func (j *judged) add(other judged) {
	if len(j.finding.Found) == 0 {
		*j = other
		j.finding.Found, j.met, j.ends = slices.Clip(j.finding.Found), slices.Clip(j.met), maps.Clone(j.ends)
		return
	}
	j.finding.Found, j.met = append(j.finding.Found, other.finding.Found...), append(j.met, other.met...)
	j.until = earlierEnd(j.until, other.until)
	maps.Copy(j.ends, other.ends)
	for _, claim := range other.finding.Unconstrained {
		if !slices.Contains(j.finding.Unconstrained, claim) {
			j.finding.Unconstrained = append(slices.Clip(j.finding.Unconstrained), claim)
		}
	}
	if j.finding.Notice == "" {
		j.finding.Notice, j.finding.Message, j.finding.Violations = other.finding.Notice, other.finding.Message, other.finding.Violations
	}
}

// onNode judges the evidence about one entry of an index.
func (q *question) onNode(c statements, n node) judged {
	if n.facts == nil || n.role == roleIndex {
		bad := n.unread()
		j := q.refused(c, bad.Code, "nothing is decided about "+n.name()+": "+bad.Detail)
		j.finding.Result, j.finding.Class = Errored, bad.Class
		return j
	}
	j := q.here(c, n.facts)
	j.finding = j.finding.of(n.digest, n.platform.String())
	if j.finding.Result != Passed {
		j.finding.Message = n.name() + ": " + j.finding.Message
	}
	return j
}

// of returns a finding whose candidates say what they are about.
func (f Finding) of(digest, platform string) Finding {
	f.Found = slices.Clone(f.Found)
	for i := range f.Found {
		if c := &f.Found[i]; c.About == "" {
			c.About, c.Platform = digest, platform
		}
	}
	return f
}

// onIndex judges the evidence about the index that the caller named, which has to hold
// the image.
func (q *question) onIndex(c statements) judged {
	bad, failure := q.holding()
	switch {
	case failure != nil:
		j := q.refused(c, failure.Code, "the index that was named could not be read: "+failure.Detail)
		j.finding.Result, j.finding.Class = Errored, failure.Class
		return j
	case bad != nil:
		return q.refused(c, bad.code, bad.text)
	}
	j := q.here(c, q.facts.index)
	j.finding = j.finding.of(q.facts.index.image.Digest, "")
	if j.finding.Result != Passed {
		j.finding.Message = "the index " + q.facts.index.image.Digest + ": " + j.finding.Message
	}
	return j
}

// misfit is why an index does not speak for an image.
type misfit struct {
	code Code
	text string
}

// holding says why the index that the caller named does not hold the image, or what kept
// that from being known; neither if it does.
func (q *question) holding() (*misfit, *Failure) {
	index := q.facts.index
	switch {
	case index == nil:
		return &misfit{PlatformsIndexUnknown, "the image is no index, and nobody named the index that holds it"}, nil
	case index.image.Manifest == nil && len(index.failures) > 0:
		return nil, &index.failures[0]
	case !isIndex(index.image):
		return &misfit{PlatformsNotInIndex, index.image.Digest + ", which was named as the index that holds the image, is no index"}, nil
	}
	t := q.namedTree()
	if t.err != nil {
		return &misfit{PlatformsMalformed, "the index that was named cannot be read: " + t.err.Error()}, nil
	}
	held, sure := t.holds(q.facts.image.Digest)
	switch {
	case held:
		return nil, nil
	case sure:
		return &misfit{PlatformsNotInIndex, "the index " + index.image.Digest + " does not list " + q.facts.image.Digest}, nil
	}
	failure, _ := t.failure()
	return nil, &failure
}

// refused is a check that failed before any evidence was looked at.
func (q *question) refused(c statements, code Code, message string) judged {
	f := Finding{ID: c.id(), Required: true, Result: Failed, Code: code, Message: message, Next: next(code)}
	for _, d := range c.demands(q.rule) {
		f.Wanted = append(f.Wanted, c.describe(q.rule, d, q.vars))
	}
	return judged{finding: f}
}

// trees are what the image's index and the named one list, read once for each question.
type trees struct{ own, named *tree }

// platforms is what the image lists, which is an index.
func (q *question) platforms() *tree {
	if q.trees.own == nil {
		q.trees.own = treeOf(&q.facts, q.limits)
	}
	return q.trees.own
}

// namedTree is what the index lists that the caller named.
func (q *question) namedTree() *tree {
	if q.trees.named == nil {
		q.trees.named = treeOf(q.facts.index, q.limits)
	}
	return q.trees.named
}

// newQuestion asks what a rule says of an image.
func newQuestion(facts Facts, p *policy.Policy, rule policy.Rule, o Options) *question {
	return &question{
		facts: facts, policy: p, rule: rule, at: o.At, limits: o.Limits, hypothetical: o.Hypothetical,
		indexNamed: o.Index != Reference{}, validUntil: &time.Time{}, memo: map[memoKey]judged{}, trees: &trees{},
	}
}

// reach lists the statements that could meet a check, wherever the policy says that
// its evidence has to be.
func (q *question) reach(c statements) []*Statement {
	on, index := c.demand(q.rule).On, isIndex(q.facts.image)
	var list []*Statement
	if index == (on == policy.OnIndex) || on == policy.OnEither || on == "" {
		list = append(list, q.facts.statements...)
	}
	if on == policy.OnPlatforms || on == policy.OnEither {
		for _, child := range q.facts.children {
			list = append(list, child.facts.statements...)
		}
	}
	if q.facts.index != nil && on != policy.OnPlatforms {
		list = append(list, q.facts.index.statements...)
	}
	return list
}

// matchAge wants a statement to be signed no longer ago than the policy allows.
func matchAge(s *Statement, most time.Duration, at time.Time) *Difference {
	if most <= 0 || at.Sub(s.Time()) <= most {
		return nil
	}
	return differ(problemAge, "age", "at most "+most.String(), at.Sub(s.Time()).String())
}
