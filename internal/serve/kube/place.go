package kube

import (
	"strconv"
	"strings"

	"github.com/releaseassay/assay/internal/report"
)

// place is where in an object something stands. It is written out only where it is
// shown. The zero value is the object itself.
type place struct {
	above *place // nil for the object itself
	name  string // the key
	at    int    // the index, where element
	// element says that it is one of a list.
	element bool
}

// escapes are those of RFC 6901, section 3.
var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// key is the place of a key's value in the object at p.
func (p place) key(k string) place { return place{above: &p, name: k} }

// index is the place of the element i of the list at p.
func (p place) index(i int) place { return place{above: &p, at: i, element: true} }

// pointer is the place as a JSON pointer (RFC 6901), which patches use.
func (p place) pointer() string { return string(p.appendPointer(nil)) }

func (p place) appendPointer(b []byte) []byte {
	if p.above == nil {
		return b
	}
	b = append(p.above.appendPointer(b), '/')
	if p.element {
		return strconv.AppendInt(b, int64(p.at), 10)
	}
	return append(b, escapes.Replace(p.name)...)
}

// plainKey are the characters of a key that is shown without quotes.
const plainKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

func (p place) appendPath(b []byte) []byte {
	if p.above == nil {
		return b
	}
	b = p.above.appendPath(b)
	switch {
	case p.element:
		return append(strconv.AppendInt(append(b, '['), int64(p.at), 10), ']')
	case p.name == "" || strings.Trim(p.name, plainKey) != "":
		return append(strconv.AppendQuoteToASCII(append(b, '['), p.name), ']')
	case len(b) > 0:
		b = append(b, '.')
	}
	return append(b, p.name...)
}

// String is the place for people: spec.containers[0].image.
func (p place) String() string {
	if p.above == nil {
		return "the object"
	}
	return report.Escape(string(p.appendPath(nil)), 300) // keys may be anybody's
}
