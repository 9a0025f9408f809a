package sbom

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// key refuses a key that the object has had, or that the shape knows in another case.
func (w *walker) key(keys *keySet, key string, s *shape) error {
	if keys.count++; keys.count > w.limits.Keys {
		return refuse(KindValues, w.pointer(), "an object has more than %d keys", w.limits.Keys)
	}
	folded := fold(key)
	if had, ok := keys.add(folded, key); ok {
		if had == key {
			return refuse(KindDuplicate, w.pointer(), "the key is there twice")
		}
		return refuse(KindCase, w.pointer(), "the key differs from %q by case alone", had)
	}
	return s.checkCase(folded, key, w.pointer)
}

// checkCase refuses a name that s knows, but in another case.
func (s *shape) checkCase(folded, name string, where func() string) error {
	if s == nil || s.fields[name] != nil {
		return nil
	}
	for known := range s.fields {
		if len(known) == len(folded) && fold(known) == folded {
			return refuse(KindCase, where(), "the name differs from %q by case alone", known)
		}
	}
	return nil
}

// keySet holds the keys of one object by their folded form.
type keySet struct {
	count int
	few   [][2]string
	many  map[string]string
}

// add adds key and returns the one that was there with the same folded form.
func (k *keySet) add(folded, key string) (string, bool) {
	for _, had := range k.few {
		if had[0] == folded {
			return had[1], true
		}
	}
	if len(k.few) < 16 {
		k.few = append(k.few, [2]string{folded, key})
		return "", false
	}
	if had, ok := k.many[folded]; ok {
		return had, true
	}
	if k.many == nil {
		k.many = map[string]string{}
	}
	k.many[folded] = key
	return "", false
}

// unquote returns what a JSON string reads.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw) // cannot be: the document is valid JSON
	}
	return s
}

// fold returns one form for all keys that encoding/json takes for the same, which
// holds the Kelvin sign for a k and the long s for an s.
func fold(s string) string {
	lower := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			lower = false
			break
		}
	}
	if lower {
		return s
	}
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		return least
	}, s)
}
