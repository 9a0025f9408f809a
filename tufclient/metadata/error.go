package metadata

import "fmt"

// Kind is what was wrong.
type Kind string

// The kinds of failure.
const (
	// Malformed is metadata that is not what the specification says (4), or that two
	// parsers could read differently.
	Malformed Kind = "malformed"
	// WrongType is metadata of another role.
	WrongType Kind = "wrong-type"
	// Threshold is too few valid signatures, or a threshold below one.
	Threshold Kind = "threshold"
	// UnknownKey is a threshold that was missed because of key types or schemes
	// that nobody here can verify.
	UnknownKey Kind = "unknown-key"
	// Rollback is a version below one that was seen, or a role that a snapshot has
	// dropped.
	Rollback Kind = "rollback"
	// SkippedRoot is a root that does not follow its predecessor by one.
	SkippedRoot Kind = "skipped-root"
	// BelowMinimum is a version below the policy's.
	BelowMinimum Kind = "below-minimum"
	// Same is a timestamp of the version that is trusted already: no failure of the
	// repository, and nothing was changed.
	Same Kind = "same"
	// Expired is metadata past its expiry: a freeze attack looks so.
	Expired Kind = "expired"
	// MixAndMatch is a version that is not the one the role above lists.
	MixAndMatch Kind = "mix-and-match"
	// HashMismatch and LengthMismatch are bytes that are not those listed.
	HashMismatch   Kind = "hash-mismatch"
	LengthMismatch Kind = "length-mismatch"
	// NotDelegated is a role, or its snapshot entry, that no delegator names.
	NotDelegated Kind = "not-delegated"
	// NotListed is a target that no role on its way lists.
	NotListed Kind = "not-listed"
	// TooLarge is more bytes, signatures, roots or delegations than are read.
	TooLarge Kind = "too-large"
	// Order is a call out of turn: a fault of the caller.
	Order Kind = "order"
)

// Error is why metadata was refused.
type Error struct {
	Kind Kind
	// Role is whose metadata it was.
	Role string
	// Step is the step of the specification's client workflow, "5.4.3.1".
	Step string
	// Wanted and Found are in words, or versions, times and digests.
	Wanted, Found string
	// Err is the cause, if there is one.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s metadata: %s", e.Role, e.Kind)
	if e.Wanted != "" || e.Found != "" {
		s += fmt.Sprintf(": wanted %s, found %s", e.Wanted, e.Found)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Step != "" {
		s += " (TUF " + e.Step + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
