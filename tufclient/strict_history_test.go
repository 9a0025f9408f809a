package tufclient_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	tuf "github.com/theupdateframework/go-tuf/v2/metadata"
)

// formDifference is metadata of a form that one client refuses and the other does not.
type formDifference struct {
	name  string
	steps []string
	// ours is the reason of ours, "accepted" where go-tuf refuses.
	ours string
}

// forms are the differences about forms.
func forms() []formDifference {
	return []formDifference{
		{"member named twice", []string{"duplicate-member"}, "malformed"},
		{"expiry with an offset", []string{"expires-offset"}, "malformed"},
		{"expiry with a fraction", []string{"expires-fraction"}, "accepted"},
		{"version below one", []string{"version-zero", "version-negative", "meta-version-zero"}, "malformed"},
		{"negative length", []string{"meta-length-negative", "target-length-negative"}, "malformed"},
		{"another major specification", []string{"spec-version"}, "malformed"},
		{"pattern that is none", []string{"bad-glob"}, "malformed"},
		{"delegation to a top-level name", []string{"top-level-name"}, "malformed"},
		{"deeply nested", []string{"nested"}, "too-large"},
		{"terminating left out", []string{"no-terminating"}, "accepted"},
		{"signature entry without form", []string{"signature-form", "bit-flip"}, ""},
	}
}

// is wants the step, the reason of ours, and the other decision by go-tuf.
func (f formDifference) is(c *comparison) bool {
	var digits hex.InvalidByteError
	if !slices.Contains(f.steps, c.st.name) || c.st.forked == nil && f.ours != "" {
		return false
	}
	switch f.ours {
	case "":
		return c.st.forked != nil && c.ourReason() == "malformed" || errors.As(c.theirError(), &digits)
	case "accepted":
		return errors.Is(c.theirError(), &tuf.ErrUnsignedMetadata{})
	}
	return c.ourReason() == f.ours && (c.find >= 0 || c.weRefuse())
}

// keyFault is a role of which go-tuf refuses every signature for one of its keys.
func keyFault(words string) func(*comparison) bool {
	return func(c *comparison) bool {
		theirs := c.theirError()
		return theirs != nil && strings.Contains(theirs.Error(), words)
	}
}

// tooManyDelegations is a lookup that ends at the limit: not listed for go-tuf, an error
// for ours.
func tooManyDelegations(c *comparison) bool {
	return c.st.name == "long-chain" && c.find >= 0 && c.ourReason() == "too-large"
}

// unknownHashBeside is a target with a known and an unknown hash, which go-tuf will not
// download.
func unknownHashBeside(c *comparison) bool {
	if c.st.name != "target-unknown-hash" || c.find < 0 {
		return false
	}
	a, b := c.theirs.finds[c.find], c.ours.finds[c.find]
	return a.answer == b.answer && a.bytes == "error" && b.err == nil
}

// unsafeTarget is a target whose name would lead elsewhere: found by both, and downloaded
// by go-tuf alone.
func unsafeTarget(c *comparison) bool {
	if c.st.name != "unsafe-path" || c.find < 0 {
		return false
	}
	a, b := c.theirs.finds[c.find], c.ours.finds[c.find]
	return a.answer == b.answer && a.err == nil && b.bytes == "error"
}
