package metadata

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// signers are the keys of one role and how many of their holders must sign.
type signers struct {
	keys      []key
	missing   int // key ids for which there is no key
	threshold int
}

// readSigners reads keyids and threshold of a role (4.3). An id without a key is passed
// over: it can never count. An id that is listed twice counts once. A threshold below
// one is refused where it is used, not here: a role that nobody looks at must not keep
// the root from being followed.
func readSigners(r reader, keys map[string]key) signers {
	s := signers{threshold: int(max(-1, min(r.integer("threshold", math.MinInt64), math.MaxInt32)))}
	seen := map[string]bool{}
	for _, id := range r.strings("keyids", r.need("keyids", array)) {
		if seen[id] {
			continue
		}
		seen[id] = true
		if k, ok := keys[id]; ok {
			s.keys = append(s.keys, k)
		} else {
			s.missing++
		}
	}
	return s
}

// holders returns the keys, each holder once.
func (s signers) holders() []Key {
	var keys []Key
	seen := map[string]bool{}
	for _, k := range s.keys {
		if h := k.Holder(); !seen[h] {
			seen[h] = true
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// names returns the holders of keys that can count.
func (s signers) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, k := range s.keys {
		if h := k.Holder(); k.never == nil && !seen[h] {
			seen[h] = true
			names = append(names, h)
		}
	}
	return names
}

// verify verifies every signature of the role's keys and returns one for each holder,
// the earliest, and why others are none.
func (s signers) verify(e *envelope, sigstore Sigstore) (signed []Signature, faults []error) {
	index := map[string]int{}
	for _, k := range s.keys {
		sig, ok := e.signatures[k.ID]
		if !ok {
			continue
		}
		at, err := k.verify(e.canonical, sig, sigstore)
		if err != nil {
			faults = append(faults, fmt.Errorf("the key %s: %s", k.label(), shortenError(err)))
			continue
		}
		i, ok := index[k.Holder()]
		if !ok {
			index[k.Holder()] = len(signed)
			signed = append(signed, Signature{k.Key, at})
		} else if at.Before(signed[i].Time) {
			signed[i] = Signature{k.Key, at}
		}
	}
	return signed, faults
}

// label names a key for people.
func (k key) label() string {
	if k.Identity != "" {
		return shorten(k.Identity) + " of " + shorten(k.Issuer)
	}
	return shorten(k.ID)
}

// authorize demands that the threshold of the role's holders signed e.
func (s signers) authorize(e *envelope, sigstore Sigstore, role, step, by string, version int64) (Authorization, error) {
	if s.threshold < 1 {
		return Authorization{}, &Error{
			Kind: Threshold, Role: role, Step: step,
			Wanted: "a threshold of at least 1", Found: fmt.Sprintf("%d, which %s sets", s.threshold, by),
		}
	}
	signed, faults := s.verify(e, sigstore)
	holders := s.holders()
	if len(signed) >= s.threshold {
		return Authorization{By: by, ByVersion: version, Threshold: s.threshold, Keys: holders, Signed: signed}, nil
	}
	kind := Threshold
	for _, k := range s.keys {
		if k.unknown {
			kind = UnknownKey
			if _, ok := e.signatures[k.ID]; !ok {
				faults = append(faults, fmt.Errorf("the key %s: %w", k.label(), k.never))
			}
		}
	}
	if s.missing > 0 {
		faults = append(faults, fmt.Errorf("%s without a key", plural(s.missing, "key id")))
	}
	return Authorization{}, &Error{
		Kind: kind, Role: role, Step: step,
		Wanted: fmt.Sprintf("valid signatures by %d of the %s that %s version %d names",
			s.threshold, plural(len(holders), "key holder"), shorten(by), version),
		Found: fmt.Sprintf("%d among %s", len(signed), plural(len(e.signatures), "signature")),
		Err:   joined(faults),
	}
}

// joined makes one error of the first few.
func joined(faults []error) error {
	const most = 8
	if len(faults) > most {
		faults = append(faults[:most:most], fmt.Errorf("and %d more", len(faults)-most))
	}
	var all []string
	for _, f := range faults {
		all = append(all, f.Error())
	}
	if len(all) == 0 {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}

// shortenError keeps the message of somebody else's error to a length that can be shown.
func shortenError(err error) string {
	s := err.Error()
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return s
}
