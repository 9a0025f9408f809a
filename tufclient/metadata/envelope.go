package metadata

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// envelope is a file of metadata before anything in it is believed (specification 4.2.1).
type envelope struct {
	signed     value
	canonical  []byte // of signed
	signatures map[string]signature
	sha256     string
}

// signature is one entry of signatures.
type signature struct {
	sig string
	// bundle is its Sigstore bundle; of the form null where there is none.
	bundle value
}

var errSignatures = errors.New("there are too many signatures")

// readEnvelope takes a file apart. Members that it does not know are left as they are.
func readEnvelope(b []byte, l Limits) (*envelope, error) {
	tree, err := parse(b, l.Depth)
	if err != nil {
		return nil, err
	}
	r := reader{"the file", value{form: object}, &err}
	tree = r.check("", tree, object)
	r.of = tree
	e := &envelope{signed: r.need("signed", object), signatures: map[string]signature{}}
	list := r.need("signatures", array)
	if len(list.items) > l.Signatures {
		return nil, errSignatures
	}
	for i, item := range list.items {
		s := r.element("signatures["+strconv.Itoa(i)+"]", item)
		id, sig := s.string("keyid"), s.string("sig")
		if _, ok := e.signatures[id]; ok && err == nil {
			return nil, &formError{wanted: "one signature for each key id", found: "two of " + quote(id)}
		}
		bundle, _ := item.member("bundle")
		e.signatures[id] = signature{sig, bundle}
	}
	if err != nil {
		return nil, err
	}
	if e.canonical, err = canonical(e.signed); err != nil {
		return nil, &formError{wanted: "integers alone in what is signed", found: err.Error()}
	}
	sum := sha256.Sum256(b)
	e.sha256 = hex.EncodeToString(sum[:])
	return e, nil
}

// header is what all roles have in common (4.3).
type header struct {
	version int64
	expires time.Time
}

func readHeader(r reader) header {
	if spec := r.string("spec_version"); *r.err == nil {
		// A minor version adds nothing that this one must know; a major one may.
		if major, rest, ok := strings.Cut(spec, "."); !ok || major != "1" || rest == "" {
			r.fail("spec_version", "of major version 1", quote(spec))
		}
	}
	return header{r.integer("version", 1), readTime(r, "expires")}
}

// readTime reads a date-time (4.2.1): UTC with a Z. A fraction of a second, which some
// writers add, reads the same everywhere and is let through.
func readTime(r reader, name string) time.Time {
	s := r.string(name)
	if *r.err != nil {
		return time.Time{}
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if err != nil || len(s) > len("2006-01-02T15:04:05.999999999Z") || strings.Contains(s, ",") {
		r.fail(name, "a time as 2006-01-02T15:04:05Z", quote(s))
	}
	return t
}

// format writes a time for a message.
func format(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// plural writes a count of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
