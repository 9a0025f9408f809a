package kube

import (
	"encoding/json"
	"fmt"
)

// Object is a JSON object that two parsers read alike: valid UTF-8, no key twice, within
// the bounds. Its zero value is none. Only this package makes one, so that nothing else
// is walked.
type Object struct{ v value }

// ParseObject checks an object that did not come in a review; it keeps b.
func ParseObject(b []byte) (Object, error) {
	v, err := check(b)
	if err != nil {
		return Object{}, fmt.Errorf("read the object: %w", err)
	}
	if kindOf(v) != "an object" {
		return Object{}, wrongType(place{}, "an object", v)
	}
	return Object{v}, nil
}

// Present reports whether there is an object.
func (o Object) Present() bool { return o.v.d != nil }

// JSON returns the object as it was sent.
func (o Object) JSON() json.RawMessage { return o.v.raw() }
