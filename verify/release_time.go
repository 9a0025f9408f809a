package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// signedAt returns the verified time at which the last of the signatures that a role
// needs was made; false where some of them have no verified time, as those of ordinary
// keys.
func signedAt(role metadata.Role) (time.Time, bool) {
	var latest time.Time
	for _, a := range role.Authorizations {
		var times []time.Time
		for _, s := range a.Signed {
			if !s.Time.IsZero() {
				times = append(times, s.Time)
			}
		}
		need := max(a.Threshold, 1)
		if len(times) < need {
			return time.Time{}, false
		}
		slices.SortFunc(times, time.Time.Compare)
		if t := times[need-1]; t.After(latest) {
			latest = t
		}
	}
	return latest, !latest.IsZero()
}

// future finds a signature that was made after the time of judgement. Unless that is
// another time than now, it may be this machine's clock that is behind.
func (j *releaseJudge) future(roles []metadata.Role) *trouble {
	latest := j.q.at.Add(j.q.limits.ClockSkew)
	for _, role := range roles {
		for _, a := range role.Authorizations {
			for _, s := range a.Signed {
				if !s.Time.After(latest) {
					continue
				}
				message := fmt.Sprintf("the role %s, version %d, was signed at %s, after the time of judgement", role.Name, role.Version, stamp(s.Time))
				if j.q.hypothetical {
					return refused(ReleaseInFuture, "%s", message)
				}
				return undecided(ReleaseInFuture, Transient, "%s", message)
			}
		}
	}
	return nil
}

// expiry judges the roles on the way: expired at the time of judgement is undecided,
// unless the policy's grace, counted from when the timestamp was signed, still runs for
// them all.
func (j *releaseJudge) expiry(roles []metadata.Role) *trouble {
	var names []string
	signed, until, grace := j.grace()
	for _, role := range roles {
		if !j.expired(role) {
			j.ends(role.Expires)
			continue
		}
		names = append(names, role.Name+" on "+stamp(role.Expires))
		// A timestamp over what had expired already says nothing of how old that is: a
		// machine signs one every day.
		grace = grace && !signed.After(role.Expires)
	}
	if len(names) == 0 {
		return nil
	}
	if grace {
		j.shown.Grace = &until
		j.until = until // by which the roles that have not expired may have
		return nil
	}
	return undecided(ReleaseExpired, Transient, "the metadata has expired: %s", strings.Join(names, ", "))
}

// expired reports whether a role is past its expiry, as the specification compares it.
func (j *releaseJudge) expired(role metadata.Role) bool { return j.q.at.After(role.Expires) }

// grace returns when the timestamp was signed, and until when metadata is accepted that
// has expired since: never about another time than now, and never where no log saw when the
// timestamp was signed.
func (j *releaseJudge) grace() (signed, until time.Time, ok bool) {
	role, known := j.r.role(metadata.Timestamp)
	if j.demand.OfflineMaxAge <= 0 || j.q.hypothetical || !known {
		return time.Time{}, time.Time{}, false
	}
	signed, ok = signedAt(role)
	until = signed.Add(j.demand.OfflineMaxAge).UTC()
	return signed, until, ok && !j.q.at.After(until)
}

// ends notes a moment after which a pass would be another verdict.
func (j *releaseJudge) ends(t time.Time) {
	if j.until.IsZero() || t.Before(j.until) {
		j.until = t.UTC()
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
