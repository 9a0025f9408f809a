package verify

import (
	"time"

	"github.com/releaseassay/assay/policy"
)

// childFacts are the facts about one manifest of an index.
type childFacts struct {
	child Child
	facts Facts
}

// memoKey names what a check made of the evidence about one image.
type memoKey struct{ check, digest string }

// here judges a check over statements about the image that facts are of, once.
func (q *question) here(c statements, facts *Facts) judged {
	key := memoKey{c.id(), facts.image.Digest}
	if j, ok := q.memo[key]; ok {
		return j
	}
	about := *q
	about.facts = *facts
	j := c.judgeHere(&about)
	q.memo[key] = j
	return j
}

// judge implements check: over the image, its index or its platforms, as the policy
// says where the evidence has to be.
func (c statements) judge(q *question) Finding { return q.statements(c).finding }

// statements judges a check over statements wherever its evidence may be, and returns
// the statements that met it.
func (q *question) statements(c statements) judged { return q.here(c, &q.facts) }

// everyStatement lists the statements about the image, its index and its platforms.
func (q *question) everyStatement() []*Statement { return q.facts.statements }

// matchAge wants a statement to be signed no longer ago than the policy allows.
func matchAge(s *Statement, most time.Duration, at time.Time) *Difference {
	if most <= 0 || at.Sub(s.Time()) <= most {
		return nil
	}
	return differ(problemAge, "age", "at most "+most.String(), at.Sub(s.Time()).String())
}

var _ = policy.OnEither
