package observe

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// other is the value of a label that has too many, or that is no word of this program.
const other = "other"

// How many values a label may take, and how many bytes one has. Codes grow with the
// program, names with the configuration.
const (
	maxWords = 512
	maxNames = 256
	maxWord  = 64
	maxName  = 96
)

// labels bounds the values of labels. A decision is counted under a code that comes
// from this program, but an error there must not cost the memory of the server.
type labels struct {
	doors, results, checks, codes, statuses, caches, loads, policies known
}

// known are the values that a label has taken.
type known struct {
	mu   sync.RWMutex
	seen map[string]bool
}

// word returns a value of a label that is written by this program, or "other".
func (k *known) word(value string) string {
	if !isWord(value) || !k.take(value, maxWords) {
		return other
	}
	return value
}

// name returns a value of a label that is written by an administrator, cut and
// without what a terminal would act upon, or "other".
func (k *known) name(value string) string {
	value = tidy(value)
	if !k.take(value, maxNames) {
		return other
	}
	return value
}

// take reports whether a value is one of the first max.
func (k *known) take(value string, most int) bool {
	k.mu.RLock()
	seen := k.seen[value]
	k.mu.RUnlock()
	if seen {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen[value] {
		return true
	}
	if len(k.seen) >= most {
		return false
	}
	if k.seen == nil {
		k.seen = map[string]bool{}
	}
	k.seen[strings.Clone(value)] = true
	return true
}

// isWord reports whether s is empty or reads like a code of verify.
func isWord(s string) bool {
	if len(s) > maxWord {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// tidy makes text fit for a label.
func tidy(s string) string {
	s = clip(s, maxName)
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// clip cuts text to so many bytes at most, not within a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
