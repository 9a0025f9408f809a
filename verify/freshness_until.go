package verify

import (
	"time"

	"github.com/releaseassay/assay/policy"
)

// noting is the question for one statement: what [question.until] is told goes to until,
// since it bounds that statement and not yet the verdict.
func (q *question) noting(until *time.Time) *question {
	own := *q
	own.validUntil = until
	return &own
}

// lifetime is when a check that outcomes met would find something else, zero if never. A
// statement older than max_age does not count any more; one whose content became too old
// does, and is refused. So with any, the check lasts as long as the statement that lasts
// longest; else until the last is too old to count, or the content of one that still
// counts is too old.
func lifetime(d policy.Demand, outcomes []outcome) time.Time {
	var counting end
	var good time.Time
	for _, o := range outcomes {
		if !o.met {
			continue
		}
		old, content := time.Time{}, o.until
		if d.MaxAge > 0 {
			old = o.statement.Time().Add(d.MaxAge)
		}
		if !old.IsZero() && !content.Before(old) {
			content = time.Time{} // it does not count then
		}
		counting.or(old)
		good = earlierEnd(good, content)
	}
	if d.Select == policy.SelectAll || d.Select == policy.SelectNewest {
		return earlierEnd(counting.at, good)
	}
	return longest(d, outcomes)
}

// longest is how long the statement lasts that lasts longest. Of what BuildKit keeps, it
// takes one about each platform.
func longest(d policy.Demand, outcomes []outcome) time.Time {
	groups := map[string]*end{}
	for _, o := range outcomes {
		if !o.met {
			continue
		}
		at, about := o.until, ""
		if d.MaxAge > 0 {
			at = earlierEnd(at, o.statement.Time().Add(d.MaxAge))
		}
		if o.statement.layout == BuildKit {
			about = o.statement.about
		}
		if groups[about] == nil {
			groups[about] = &end{}
		}
		groups[about].or(at)
	}
	var all end
	var kept time.Time
	parts := false
	for about, g := range groups {
		if about == "" {
			all.or(g.at)
			continue
		}
		kept, parts = earlierEnd(kept, g.at), true
	}
	if parts {
		all.or(kept)
	}
	return all.at
}

// ends is when each statement that met a check no longer does, where that ever is.
func ends(d policy.Demand, outcomes []outcome) map[*Statement]time.Time {
	all := map[*Statement]time.Time{}
	for _, o := range outcomes {
		at := o.until
		if d.MaxAge > 0 && o.met {
			at = earlierEnd(at, o.statement.Time().Add(d.MaxAge))
		}
		if o.met && !at.IsZero() {
			all[o.statement] = at
		}
	}
	return all
}

// end is the latest of several ends.
type end struct {
	at  time.Time
	any bool
}

func (e *end) or(at time.Time) {
	if !e.any || laterEnd(at, e.at) {
		e.at, e.any = at, true
	}
}

// earlierEnd returns the earlier of two ends, of which zero is never.
func earlierEnd(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// laterEnd reports whether a is later than b, where zero is never.
func laterEnd(a, b time.Time) bool {
	return !b.IsZero() && (a.IsZero() || a.After(b))
}
