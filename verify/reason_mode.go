package verify

// Codes of the policy itself: when it ends, and what stands beside it.
const (
	// PolicyExpired is a policy whose own date is past: nothing passes under it.
	PolicyExpired Code = "policy.expired"
	// PolicyExpiresSoon is the notice that it ends within two weeks.
	PolicyExpiresSoon Code = "policy.expires_soon"
	// PolicyAuditEnds is the notice that audit mode ends within two weeks.
	PolicyAuditEnds Code = "policy.audit_ends"
	// ExceptionExpiresSoon is the notice that what excuses the failure ends within two weeks.
	ExceptionExpiresSoon Code = "exception.expires_soon"
	// ExceptionNotApplied is the notice of an exception for this image that does not
	// excuse the failure; the message says why.
	ExceptionNotApplied Code = "exception.not_applied"
)

// modeReasons explain codes.
func modeReasons() []Reason {
	return []Reason{
		{PolicyExpired, "The policy has ended: its expires is past, and nothing passes under it.", "review the policy, and give it a new expires"},
		{PolicyExpiresSoon, "A notice, not a failure: the policy ends within two weeks, and nothing passes from then on.", "review the policy, and give it a new expires before that day"},
		{PolicyAuditEnds, "A notice, not a failure: audit mode ends within two weeks, and refusals are enforced from then on.", "see that the images pass before that day"},
		{ExceptionExpiresSoon, "A notice, not a failure: the exception that excuses this failure ends within two weeks.", "mend what fails before that day"},
		{ExceptionNotApplied, "A notice: an exception names this image and does not excuse this failure, as the message says.", "mend what fails; an exception lists every check that fails, ends within 30 days, and excuses neither what could not be decided nor what the policy denies"},
	}
}
