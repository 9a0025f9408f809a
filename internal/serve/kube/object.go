package kube

import (
	"encoding/json"
	"fmt"
)

// Object is a JSON object that two parsers read alike: valid UTF-8, no key twice, within
// the bounds. Its zero value is none. Only this package makes one, so that nothing else
// is walked.
type Object struct{ raw json.RawMessage }

// ParseObject checks an object that did not come in a review; it keeps b.
func ParseObject(b []byte) (Object, error) {
	if err := check(b); err != nil {
		return Object{}, fmt.Errorf("read the object: %w", err)
	}
	c := cursor{b: b}
	raw := c.value()
	if kindOf(raw) != "an object" {
		return Object{}, wrongType(place{}, "an object", raw)
	}
	return Object{raw}, nil
}

// Present reports whether there is an object.
func (o Object) Present() bool { return o.raw != nil }

// JSON returns the object as it was sent.
func (o Object) JSON() json.RawMessage { return o.raw }
