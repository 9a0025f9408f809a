package kube

import (
	"strconv"
	"strings"

	"github.com/releaseassay/assay/internal/report"
)

// place is where in an object something stands: as a JSON pointer (RFC 6901), which
// patches use, and as people write it. The zero value is the object itself.
type place struct{ pointer, path string }

// escapes are those of RFC 6901, section 3.
var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// key is the place of a key's value in the object at p.
func (p place) key(k string) place {
	shown := k
	switch {
	case k == "" || strings.Trim(k, plainKey) != "":
		shown = "[" + strconv.QuoteToASCII(k) + "]"
	case p.path != "":
		shown = "." + k
	}
	return place{p.pointer + "/" + escapes.Replace(k), p.path + shown}
}

// plainKey are the characters of a key that is shown without quotes.
const plainKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// index is the place of the element i of the list at p.
func (p place) index(i int) place {
	n := strconv.Itoa(i)
	return place{p.pointer + "/" + n, p.path + "[" + n + "]"}
}

// String is the place for people: spec.containers[0].image.
func (p place) String() string {
	if p.path == "" {
		return "the object"
	}
	return report.Escape(p.path, 300) // keys may be anybody's
}
