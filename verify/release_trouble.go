package verify

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// trouble is one reason why a release does not pass.
type trouble struct {
	code    Code
	result  Result // Failed or Errored
	class   Class
	message string
	// stands says that nothing which could not be decided can mend it: it then beats
	// every trouble that leaves the check undecided.
	stands bool
}

func refused(code Code, format string, args ...any) *trouble {
	return &trouble{code: code, result: Failed, message: fmt.Sprintf(format, args...)}
}

func undecided(code Code, class Class, format string, args ...any) *trouble {
	return &trouble{code: code, result: Errored, class: class, message: fmt.Sprintf(format, args...)}
}

// whatever makes a trouble stand, whatever the repository says.
func (t *trouble) whatever() *trouble {
	t.stands = true
	return t
}

// trouble is that of a failure to fetch.
func (f Failure) trouble() *trouble {
	return undecided(f.Code, f.Class, "%s could not be read: %s", f.Place, f.Detail)
}

// gravest picks the trouble that is told: one that stands whatever is undecided, else
// the first that leaves it undecided, else the first.
func gravest(all []*trouble) *trouble {
	for _, fits := range []func(*trouble) bool{
		func(t *trouble) bool { return t.result == Failed && t.stands },
		func(t *trouble) bool { return t.result == Errored },
		func(*trouble) bool { return true },
	} {
		for _, t := range all {
			if fits(t) {
				return t
			}
		}
	}
	return nil
}

// metadataTrouble says what metadata that was refused means. Older metadata than was
// seen before may come from a mirror that lags, and too much of it may not be the
// repository's own. Where files are replaced in place, two that do not belong together may
// be of before and after a publication. All else is evidence that does not verify.
func (r *Release) metadataTrouble(e *metadata.Error) *trouble {
	message := e.Error()
	apart := func(code Code) *trouble {
		if r.trusted != nil && !r.trusted.ConsistentSnapshot() {
			return undecided(code, Transient, "%s", message)
		}
		return refused(code, "%s", message)
	}
	switch e.Kind {
	case metadata.Rollback:
		return undecided(ReleaseRollback, Transient, "%s", message)
	case metadata.Expired:
		return undecided(ReleaseExpired, Transient, "%s", message)
	case metadata.BelowMinimum:
		return undecided(ReleaseBelowMinimum, Definitive, "%s", message)
	case metadata.TooLarge:
		return undecided(LimitExceeded, Definitive, "%s", message)
	case metadata.Threshold:
		return refused(ReleaseThreshold, "%s", message)
	case metadata.UnknownKey:
		return refused(ReleaseUnknownKey, "%s", message)
	case metadata.MixAndMatch:
		return apart(ReleaseMixAndMatch)
	case metadata.HashMismatch, metadata.LengthMismatch:
		return apart(ReleaseHashMismatch)
	case metadata.NotDelegated:
		return refused(ReleaseNotDelegated, "%s", message)
	case metadata.NotListed:
		return refused(ReleaseNotListed, "%s", message)
	case metadata.Malformed, metadata.WrongType, metadata.SkippedRoot, metadata.Same, metadata.Order:
	}
	return refused(ReleaseMetadataMalformed, "%s", message)
}

// refusal is the trouble of the metadata at which the workflow stopped.
func (r *Release) refusal() *trouble {
	t := r.metadataTrouble(r.refused)
	if t.code == ReleaseThreshold && r.seen.panicked {
		return undecided(InternalPanic, Definitive, "%s", t.message)
	}
	if t.code == ReleaseThreshold && r.seen.unknown {
		t.code = UnknownAuthority
	}
	t.stands = t.result == Failed
	return t
}

// lookupTrouble says why a lookup or an enumeration did not come to an end.
func (r *Release) lookupTrouble(err error) *trouble {
	var known *metadata.Error
	if errors.As(err, &known) && known.Kind != metadata.TooLarge {
		return r.metadataTrouble(known)
	}
	if f, ok := r.failure(); ok {
		return f.trouble()
	}
	return undecided(ReleaseNotEnumerable, Definitive, "%s", err)
}

// subject is the part of a code before the full stop.
func (c Code) subject() string {
	subject, _, _ := strings.Cut(string(c), ".")
	return subject
}

// sortFailures puts those first that asking again may mend, each kind by its code.
func sortFailures(failures []Failure) {
	sort.SliceStable(failures, func(i, j int) bool {
		if failures[i].Class != failures[j].Class {
			return failures[i].Class == Transient
		}
		return failures[i].Code < failures[j].Code
	})
}
