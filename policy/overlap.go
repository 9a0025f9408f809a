package policy

import "strings"

// meets reports whether there is a text that both patterns match. Neither has variables.
func meets(a, b Pattern) bool {
	if a.IsZero() || b.IsZero() || !agree(a.begins(), b.begins()) {
		return false
	}
	switch {
	case a.IsExact():
		return b.Match(a.String(), Vars{})
	case b.IsExact():
		return a.Match(b.String(), Vars{})
	}
	x, y := a.places(), b.places()
	// next[j] says whether x[i+1:] and y[j:] have a text in common, now[j] the same of x[i:].
	next, now := make([]bool, len(y)+1), make([]bool, len(y)+1)
	for i := len(x); i >= 0; i-- {
		for j := len(y); j >= 0; j-- {
			switch {
			case i == len(x) && j == len(y):
				now[j] = true
			case i < len(x) && x[i].kind != literal:
				now[j] = next[j] || j < len(y) && y[j].kind == literal && x[i].takes(y[j].char) && now[j+1] ||
					j < len(y) && y[j].kind != literal && now[j+1]
			case j < len(y) && y[j].kind != literal:
				now[j] = now[j+1] || i < len(x) && y[j].takes(x[i].char) && next[j]
			default:
				now[j] = i < len(x) && j < len(y) && x[i].char == y[j].char && next[j+1]
			}
		}
		next, now = now, next
	}
	return next[0]
}

// agree reports whether one text is the beginning of the other.
func agree(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// begins is what every match of p begins with, as far as that is written out.
func (p Pattern) begins() string {
	if len(p.segments) > 0 && p.segments[0].kind == literal {
		return p.segments[0].text
	}
	return ""
}

// place is one character of a pattern, or one wildcard.
type place struct {
	kind segmentKind
	char rune
}

// takes reports whether the wildcard can stand for a character of an image's name.
func (s place) takes(c rune) bool {
	return c != '@' && c != '?' && (s.kind == doubleStar || c != '/')
}

func (p Pattern) places() []place {
	var all []place
	for _, seg := range p.segments {
		if seg.kind != literal {
			all = append(all, place{kind: seg.kind})
			continue
		}
		for _, c := range seg.text {
			all = append(all, place{kind: literal, char: c})
		}
	}
	return all
}
