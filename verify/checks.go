package verify

import (
	"time"

	"github.com/releaseassay/assay/policy"
)

// check is one thing that a policy can demand. Checks do not know of each other,
// and each writes exactly one finding.
type check interface {
	id() string
	required(policy.Rule) bool
	// judge is asked only where the check is required.
	judge(*question) Finding
	// versions lists, sorted, the versions with which certificates meet the check;
	// needed is false where it does not depend on the version.
	versions(*question, policy.Tags) (versions []string, needed bool)
}

// checks lists every check of a rule, in the order of the verdict.
func checks(r policy.Rule) []check {
	list := []check{statements{signatureCheck{}}, statements{provenanceCheck{}}, statements{sbomCheck{}}}
	for _, a := range r.Attestations {
		list = append(list, statements{attestationCheck{a}})
	}
	return append(list, releaseCheck{}, platformsCheck{}, consistencyCheck{}, freshnessCheck{})
}

// judge runs one check over the facts. A panic over what was authenticated leaves this
// check undecided, and the others speak for themselves.
func (q *question) judge(c check) (f Finding) {
	defer func() {
		if p := recover(); p != nil {
			f = Finding{ID: c.id(), Required: true}
			f.refuse(undecided(InternalPanic, Definitive, "judging it ended in a panic: %v", p))
		}
	}()
	required := c.required(q.rule)
	if p, ok := c.(platformsCheck); ok { // which depends on what the image is
		required = p.requiredOf(q)
	}
	if !required {
		return Finding{ID: c.id(), Result: NotRequired}
	}
	return c.judge(q)
}

// question is everything that judging depends on.
type question struct {
	facts  Facts
	policy *policy.Policy
	rule   policy.Rule
	at     time.Time
	limits Limits
	// vars hold the version, if one is known; noVersion says why none is.
	vars      policy.Vars
	noVersion string
	// versionFrom says what gave the version, as the verdict does. misnamed is true
	// where the caller or the tag name one that is none.
	versionFrom  string
	misnamed     bool
	hypothetical bool
	// catalogue is what was found of the versions that a TUF repository lists.
	catalogue *catalogue
	// validUntil is the earliest time at which a check would find something else.
	validUntil *time.Time
	// around are the facts from which a judgement of others came here; see [question.holder].
	around []*Facts
	// told and heard are the story, once it was told; see [question.tell].
	told, heard *story
	// memo keeps what checks over statements made of each image; see [question.statements].
	memo map[memoKey]judged
	// trees are what the image's index and the named one list; indexNamed is true where the
	// caller named one.
	trees      *trees
	indexNamed bool
}

// until notes that a check would find something else from t on; the zero time is never.
func (q *question) until(t time.Time) {
	if !t.IsZero() && (q.validUntil.IsZero() || t.Before(*q.validUntil)) {
		*q.validUntil = t
	}
}
