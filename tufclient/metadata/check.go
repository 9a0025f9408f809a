package metadata

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// open takes a file of role apart and looks that it is of this type. section is where the
// specification has its format.
func (t *Trusted) open(b []byte, role, kind, section string, most int64) (*envelope, error) {
	if int64(len(b)) > most {
		return nil, &Error{
			Kind: TooLarge, Role: role, Step: section,
			Wanted: fmt.Sprintf("at most %d bytes", most), Found: fmt.Sprintf("%d bytes", len(b)),
		}
	}
	e, err := readEnvelope(b, t.o.Limits)
	if err != nil {
		return nil, refuse(err, role, section, t.o.Limits)
	}
	r := reader{"signed", e.signed, &err}
	if found := r.string("_type"); err == nil && found != kind {
		return nil, &Error{Kind: WrongType, Role: role, Step: section, Wanted: "the type " + quote(kind), Found: quote(found)}
	}
	if err != nil {
		return nil, refuse(err, role, section, t.o.Limits)
	}
	return e, nil
}

// read reads what a file of role says.
func read[F any](e *envelope, role, section string, how func(reader) F) (F, error) {
	var err error
	f := how(reader{"signed", e.signed, &err})
	if err != nil {
		return f, refuse(err, role, section, Limits{})
	}
	return f, nil
}

// refuse says what is wrong with the form of a file.
func refuse(err error, role, section string, l Limits) *Error {
	e := &Error{Kind: Malformed, Role: role, Step: section}
	var form *formError
	switch {
	case errors.As(err, &form):
		e.Kind, e.Wanted, e.Found = cmp.Or(form.kind, Malformed), form.wanted, form.found
	case errors.Is(err, errSignatures):
		e.Kind, e.Wanted, e.Found = TooLarge, fmt.Sprintf("at most %s", plural(l.Signatures, "signature")), "more"
	case errors.Is(err, errDepth):
		e.Kind, e.Wanted, e.Found = TooLarge, fmt.Sprintf("JSON of at most %s", plural(l.Depth, "level")), "more"
	case errors.Is(err, errValues):
		e.Kind, e.Wanted, e.Found = TooLarge, fmt.Sprintf("JSON of at most %d values", maxValues), "more"
	default:
		e.Wanted, e.Found = "one JSON document that every parser reads alike", "that "+err.Error()
	}
	return e
}

// checkExpiry refuses what has expired before the time of the workflow.
func (t *Trusted) checkExpiry(role, step string, expires time.Time) error {
	if !t.expired(expires) {
		return nil
	}
	return &Error{
		Kind: Expired, Role: role, Step: step,
		Wanted: "metadata that is valid at " + format(t.o.Time), Found: "that it expired at " + format(expires),
	}
}

// expired is true once the time of the workflow is after expires.
func (t *Trusted) expired(expires time.Time) bool {
	return !t.o.DeferExpiryUnsafe && t.o.Time.After(expires)
}

func newRole(name string, h header, e *envelope, by ...Authorization) Role {
	return Role{Name: name, Version: h.version, Expires: h.expires, SHA256: e.sha256, Authorizations: by}
}

// outOfTurn is a fault of the caller.
func outOfTurn(role, step, wanted string) *Error {
	return &Error{Kind: Order, Role: role, Step: step, Wanted: wanted, Found: "a call out of turn"}
}

// checkMin holds a version to the policy's.
func (t *Trusted) checkMin(role, step string, version int64) error {
	if least := t.o.Min[role]; version < least {
		return versionError(BelowMinimum, role, step, fmt.Sprintf("version %d or newer, by the policy", least), version)
	}
	return nil
}

func versionError(kind Kind, role, step, wanted string, found int64) *Error {
	return &Error{Kind: kind, Role: role, Step: step, Wanted: wanted, Found: fmt.Sprintf("version %d", found)}
}
