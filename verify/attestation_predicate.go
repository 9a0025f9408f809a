package verify

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// maxShape bounds, in bytes, the predicates that are read into objects; maxScan those
// of scans, which hold a scanner's whole report.
const (
	maxShape = 4 << 20
	maxScan  = 16 << 20
)

// readPredicate reads a predicate of at most most bytes, in whose members names are
// told from others of the same letters in another case.
func readPredicate(s *Statement, most int, names ...string) (object, error) {
	if len(s.predicate) > most {
		return nil, fmt.Errorf("it has %d bytes; at most %d are read", len(s.predicate), most)
	}
	o, err := parseObject(s.predicate, "the predicate")
	if err != nil {
		return nil, err
	}
	return o, o.exact(names...)
}

// misshapen is a predicate that is not what its type says.
func misshapen(wanted string, err error) *Difference {
	return violated(problemSchema, AttestationMalformed, "predicate", wanted, brief(err.Error()))
}

// member returns the object at key, in which names are told from others of the same letters.
func (o object) member(key string, names ...string) (object, error) {
	m, err := o.object(key)
	if err != nil {
		return nil, err
	}
	return m, m.exact(names...)
}

// textOr returns the string at key, which may be empty, and "" where there is none.
func (o object) textOr(key string) (string, error) {
	raw, ok := o[key]
	if !ok {
		return "", nil
	}
	return textOf(raw, fmt.Sprintf("%q", key))
}

// textOf returns a string, which may be empty.
func textOf(raw json.RawMessage, what string) (string, error) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("%s is not a string", what)
	}
	return s, nil
}

// words returns the strings at key, none where there is none.
func (o object) words(key string) ([]string, error) {
	if _, ok := o[key]; !ok {
		return nil, nil
	}
	list, err := o.array(key, maxKeys)
	if err != nil {
		return nil, err
	}
	words := make([]string, 0, len(list))
	for _, raw := range list {
		word, err := textOf(raw, fmt.Sprintf("an element of %q", key))
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

// time returns the RFC 3339 time at key, and the zero time where there is none. So it
// does for the first second of year 1, which cosign writes where it knows no time.
func (o object) time(key string) (time.Time, error) {
	s, err := o.textOr(key)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	return parseTime(s, fmt.Sprintf("%q", key))
}

func parseTime(s, what string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is %q; wanted an RFC 3339 time", what, brief(s))
	}
	return inCalendar(t)
}

// momentOf reads a time as RFC 3339 or as seconds since 1970, a number or its digits.
func momentOf(text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] != '+' {
		return inCalendar(time.Unix(seconds, 0))
	}
	return parseTime(text, "it")
}

// afterSigning refuses a time in a predicate that lies after its signature.
func afterSigning(q *question, s *Statement, field string, t time.Time) *Difference {
	if !t.After(s.Time().Add(q.limits.ClockSkew)) {
		return nil
	}
	return violated(problemContent, AttestationInFuture, field, "not after the signature at "+s.Time().Format(time.RFC3339), t.Format(time.RFC3339))
}

// matchRecent wants a time that the predicate holds to lie no longer ago than most, and
// notes when it will. found is how the time is called.
func matchRecent(q *question, code Code, field string, most time.Duration, t time.Time) *Difference {
	switch age := q.at.Sub(t); {
	case most <= 0:
	case t.IsZero():
		return violated(problemContent, code, field, atMost(most)+" ago", "")
	case age > most:
		return violated(problemContent, code, field, atMost(most)+" ago", age.String()+" ago")
	default:
		q.until(t.Add(most))
	}
	return nil
}
