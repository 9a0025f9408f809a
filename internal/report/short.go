package report

import "github.com/releaseassay/assay/verify"

// Short is one required check that did not pass, in a few texts that are escaped and
// cut: what [Refusal] writes of it, for doors that write it another way.
type Short struct {
	Check string
	Code  verify.Code
	// Message is the check's own sentence, Next what a person can do.
	Message, Wanted, Found, Next string
	// Undecided is a check that could not be decided.
	Undecided bool
}

// Shorts are the required checks that did not pass: those that failed first, then those
// that could not be decided, each in the verdict's order. Of a verdict that is no pass
// although no check refused it has one entry, which says so. Of a pass it has none.
func Shorts(v verify.Verdict) []Short {
	var all []Short
	for _, f := range refused(v) {
		s := summarise(v, f)
		all = append(all, Short{
			Check: value(f.ID), Code: f.Code, Message: message(f.Message), Wanted: s.wanted, Found: s.found, Next: s.next,
			Undecided: f.Result == verify.Errored,
		})
	}
	if s := shortfallOf(v); s.code != "" {
		all = append(all, Short{
			Check: "verdict", Code: verify.Code(s.code), Message: s.message, Wanted: "a pass of now that counts authenticated evidence", Found: s.message, Next: s.next,
		})
	}
	return all
}
