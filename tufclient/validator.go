package tufclient

import (
	"github.com/releaseassay/assay/tufclient/metadata"
)

// validation is what the server said of one timestamp. It is kept in the floor file:
// whoever could write it could let a server that answers truly, "not changed", keep a client at an
// old timestamp.
type validation struct {
	URL string `json:"url"`
	// SHA256 is of the timestamp's bytes.
	SHA256    string    `json:"sha256"`
	Validator Validator `json:"validator"`
}

// maxValidator bounds what is kept of a server's words, in bytes.
const maxValidator = 4 << 10

// validator is what the server said of these very bytes, which were verified, if they
// are the newest that was ever seen.
func (c *Client) validator(kept []byte) Validator {
	v := c.memory.Validator
	role, ok := c.trusted.Role(metadata.Timestamp)
	switch {
	case c.options.Unconditional, kept == nil, v == nil, !ok,
		role.Version != c.memory.Floor.Timestamp,
		v.URL != c.url(remoteName(metadata.Timestamp, 0)), v.SHA256 != sumOf(kept), !v.Validator.sendable():
		return Validator{}
	}
	return v.Validator
}

// noteValidator notes what the server said of a timestamp that was verified, so that it
// is written with the floor.
func (c *Client) noteValidator(a Answer) {
	var v *validation
	if a.Validator != (Validator{}) && a.Validator.sendable() {
		v = &validation{c.url(remoteName(metadata.Timestamp, 0)), sumOf(a.Bytes), a.Validator}
	}
	was := c.memory.Validator
	if v == was || v != nil && was != nil && *v == *was {
		return
	}
	c.memory.Validator, c.ahead = v, true
}

// sendable reports whether it can stand in a header.
func (v Validator) sendable() bool {
	for _, s := range []string{v.ETag, v.LastModified} {
		for i := range len(s) {
			if s[i] < ' ' || s[i] > '~' {
				return false
			}
		}
	}
	return len(v.ETag)+len(v.LastModified) <= maxValidator
}
