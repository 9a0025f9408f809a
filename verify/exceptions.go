package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/releaseassay/assay/policy"
)

// longestException is how far ahead of the judgement an exception may end.
const longestException = 30 * 24 * time.Hour

// Except notes on a failed verdict the exception that excuses it, if one does: for the
// image's own digest, listing every check that failed, ending after at and within 30
// days of it. Nothing else of the verdict changes, least of all that it is a failure.
// What could not be decided, what the policy denies, an expired policy and an image
// without a rule are never excused. digest is that of the file of exceptions.
func Except(v *Verdict, exceptions []policy.Exception, digest string, at time.Time) {
	if v.Passed() || v.Image.Digest == "" {
		return
	}
	failed, never := v.excusable()
	for _, e := range exceptions {
		if e.Digest != v.Image.Digest {
			continue
		}
		why := never
		if why == "" {
			why = excuses(e, failed, at)
		}
		if why != "" {
			v.Notices = append(v.Notices, Notice{Code: ExceptionNotApplied, Message: fmt.Sprintf("the exception by %s does not apply: %s", e.Approver, why)})
			continue
		}
		v.Exception = &VerdictException{Checks: slices.Clone(e.Checks), Reason: e.Reason, Approver: e.Approver, Expires: e.Expires.UTC(), Digest: digest}
		v.notice(ExceptionExpiresSoon, e.Expires, at, "the exception ends soon")
		return
	}
}

// excusable lists the checks that failed; never says why no exception could excuse them.
func (v *Verdict) excusable() (failed []string, never string) {
	for _, f := range v.Checks {
		switch {
		case !f.Required:
		case f.ID == "policy" || f.denied() || f.ID == "freshness" && f.Code == PolicyNoVersion:
			return nil, fmt.Sprintf("nothing excuses %s", f.Code)
		case f.deniedVersion != "":
			return nil, "evidence that did not count is of version " + f.deniedVersion + ", which the policy denies"
		case f.Result == Errored:
			return nil, fmt.Sprintf("%s could not be decided (%s)", f.ID, f.Code)
		case f.partly:
			return nil, fmt.Sprintf("%s could not be decided for everything", f.ID)
		case f.Code == PlatformsEvidenceMissing, f.Code == ConsistencyNothingToCompare && slices.ContainsFunc(failed, overStatements):
			// It says nothing but that the checks over evidence failed, which are here too.
		case f.Result != Passed || authenticating(f.ID) && !f.authenticated():
			failed = append(failed, f.ID)
		}
	}
	if len(failed) == 0 {
		never = "no check failed by itself"
	}
	return failed, never
}

// overStatements reports whether a check of this id is over statements.
func overStatements(id string) bool { return id != (releaseCheck{}).id() && authenticating(id) }

// denied reports whether a finding rests on what the policy's deny lists, or on its end.
func (f Finding) denied() bool {
	return isDenial(f.Code) || slices.ContainsFunc(f.Found, func(c Candidate) bool { return isDenial(c.Code) })
}

func isDenial(c Code) bool {
	switch c {
	case PolicyExpired, FreshnessDeniedDigest, FreshnessDeniedVersion,
		SignatureSignerDenied, ProvenanceSignerDenied, SBOMSignerDenied, AttestationSignerDenied:
		return true
	}
	return false
}

// excuses says why an exception does not excuse what failed; "" is that it does.
func excuses(e policy.Exception, failed []string, at time.Time) string {
	for _, id := range failed {
		if !slices.Contains(e.Checks, id) {
			return id + " failed too, and it does not list that"
		}
	}
	switch {
	case !at.Before(e.Expires):
		return "it ended at " + e.Expires.UTC().Format(time.RFC3339)
	case e.Expires.Sub(at) > longestException:
		return fmt.Sprintf("it ends at %s, and no exception lasts for more than %d days", e.Expires.UTC().Format(time.RFC3339), longestException/(24*time.Hour))
	}
	return ""
}
