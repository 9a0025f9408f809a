package metadata

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// hashes are the known ones of a file, in lower-case hexadecimal, by algorithm. With none
// that is known, no bytes match.
type hashes map[string]string

// readHashes reads HASHES (4.4): at least one, of which those of an unknown algorithm
// are passed over.
func readHashes(r reader) hashes {
	h := hashes{}
	if len(r.of.names) == 0 {
		r.fail("", "at least one hash", "none")
	}
	for i, algorithm := range r.of.names {
		s := r.check(algorithm, r.of.items[i], text).text
		size := map[string]int{"sha256": sha256.Size, "sha512": sha512.Size}[algorithm]
		if size == 0 {
			continue
		}
		sum, err := hex.DecodeString(s)
		if err != nil || len(sum) != size {
			r.fail(algorithm, fmt.Sprintf("%d hexadecimal digits", 2*size), quote(s))
		}
		h[algorithm] = hex.EncodeToString(sum)
	}
	return h
}

// check compares b with every hash.
func (h hashes) check(b []byte, role, step string) error {
	if len(h) == 0 {
		return &Error{
			Kind: HashMismatch, Role: role, Step: step,
			Wanted: "a hash of an algorithm that is known (sha256, sha512)", Found: "none",
		}
	}
	for _, algorithm := range slices.Sorted(maps.Keys(h)) {
		var found string
		switch algorithm {
		case "sha256":
			sum := sha256.Sum256(b)
			found = hex.EncodeToString(sum[:])
		case "sha512":
			sum := sha512.Sum512(b)
			found = hex.EncodeToString(sum[:])
		}
		if found != h[algorithm] {
			return &Error{
				Kind: HashMismatch, Role: role, Step: step,
				Wanted: algorithm + ":" + h[algorithm], Found: algorithm + ":" + found,
			}
		}
	}
	return nil
}

func checkLength(b []byte, length int64, role, step string) error {
	if int64(len(b)) == length {
		return nil
	}
	return &Error{
		Kind: LengthMismatch, Role: role, Step: step,
		Wanted: fmt.Sprintf("%d bytes", length), Found: fmt.Sprintf("%d bytes", len(b)),
	}
}

// Verify checks a target's bytes against length and every known hash (5.7.3); one of
// them must be known.
func (t Target) Verify(b []byte) error {
	role := Targets
	if n := len(t.Roles); n > 0 {
		role = t.Roles[n-1].Name
	}
	if err := checkLength(b, t.Length, role, "5.7.3"); err != nil {
		return t.about(err)
	}
	known := hashes{}
	for _, algorithm := range []string{"sha256", "sha512"} {
		if h, ok := t.Hashes[algorithm]; ok {
			known[algorithm] = h
		}
	}
	return t.about(known.check(b, role, "5.7.3"))
}

// about adds the target's path to an error.
func (t Target) about(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Found += fmt.Sprintf(" in the target %s", quote(t.Path))
	}
	return err
}
