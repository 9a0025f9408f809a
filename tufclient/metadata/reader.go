package metadata

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// formError is a value that is not as section 4 of the specification has it.
type formError struct {
	wanted, found string
	kind          Kind // Malformed where it is ""
}

func (e *formError) Error() string { return "wanted " + e.wanted + ", found " + e.found }

// reader reads the members of one object. The first that is not as it should be stays
// in err, and everything read after it is worthless.
type reader struct {
	at  string // its name, "signed.roles"
	of  value
	err *error
}

func (r reader) fail(name, wanted, found string) {
	if *r.err == nil {
		*r.err = &formError{wanted: shorten(r.path(name)) + " to be " + wanted, found: found}
	}
}

// atMost demands that there are no more of something than are read, items or bytes.
func (r reader) atMost(name string, have, most int) bool {
	if have > most && *r.err == nil {
		*r.err = &formError{shorten(r.path(name)) + " to be at most " + strconv.Itoa(most), "more", TooLarge}
	}
	return have <= most
}

func (r reader) path(name string) string {
	if name == "" {
		return r.at
	}
	return r.at + "." + name
}

// need returns a member, which must be there and of this form.
func (r reader) need(name string, f form) value {
	v, ok := r.of.member(name)
	if !ok {
		r.fail(name, f.String(), "nothing")
		return value{}
	}
	return r.check(name, v, f)
}

func (r reader) check(name string, v value, f form) value {
	if v.form != f {
		r.fail(name, f.String(), v.describe())
		return value{}
	}
	return v
}

// may returns a member that need not be there: null is as good as nothing.
func (r reader) may(name string, f form) (value, bool) {
	v, ok := r.of.member(name)
	if !ok || v.form == null {
		return value{}, false
	}
	v = r.check(name, v, f)
	return v, v.form == f
}

func (r reader) string(name string) string { return r.need(name, text).text }

// integer reads an integer of at least lowest.
func (r reader) integer(name string, lowest int64) int64 {
	return r.number(name, r.need(name, number), lowest)
}

// mayInteger reads an integer that need not be there; then it is 0.
func (r reader) mayInteger(name string, lowest int64) int64 {
	v, ok := r.may(name, number)
	if !ok {
		return 0
	}
	return r.number(name, v, lowest)
}

func (r reader) number(name string, v value, lowest int64) int64 {
	if *r.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || n < lowest {
		wanted := "an integer"
		if lowest > math.MinInt64 {
			wanted = fmt.Sprintf("an integer of at least %d", lowest)
		}
		r.fail(name, wanted, shorten(v.text))
	}
	return n
}

// mayBool reads a boolean, which is false if it is not there.
func (r reader) mayBool(name string) bool {
	v, ok := r.may(name, boolean)
	return ok && v.text == "true"
}

// object returns a reader of a member that must be there.
func (r reader) object(name string) reader {
	return reader{r.path(name), r.need(name, object), r.err}
}

// mayObject returns a reader of a member that need not be there.
func (r reader) mayObject(name string) (reader, bool) {
	v, ok := r.may(name, object)
	return reader{r.path(name), v, r.err}, ok
}

// element returns a reader of an object that stands in an array or under a free name.
func (r reader) element(name string, v value) reader {
	return reader{r.path(name), r.check(name, v, object), r.err}
}

// strings reads an array of strings that is there.
func (r reader) strings(name string, v value) []string {
	all := make([]string, 0, len(v.items))
	for i, item := range v.items {
		all = append(all, r.check(name+"["+strconv.Itoa(i)+"]", item, text).text)
	}
	return all
}

// String names the form with its article.
func (f form) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[f]
}

// describe says what a value is, and its content where that is short.
func (v value) describe() string {
	switch v.form {
	case text:
		return quote(v.text)
	case array, object:
		return v.form.String()
	default:
		return shorten(v.text)
	}
}

// shorten cuts what somebody else wrote to a length that fits a message.
func shorten(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func quote(s string) string { return strconv.Quote(shorten(s)) }
