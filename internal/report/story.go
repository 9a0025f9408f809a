package report

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// story writes what every source says of every claim: a line for each value, with the
// sources that give it, so that a disagreement is two lines under one claim.
func (p *page) story(claims []verify.VerdictClaim) {
	if len(claims) == 0 {
		return
	}
	rows := [][]cell{{{mark: " ", text: "claim"}, {text: "value"}, {text: "said by"}}}
	more := 0
	for i, c := range claims {
		if i == maxClaims {
			more = len(claims) - i
			break
		}
		rows = append(rows, claimRows(c)...)
	}
	p.table(2, rows)
	if more > 0 {
		p.item("", "and "+counted(more, "more claim")+" (see story in the JSON verdict)")
	}
}

// maxClaims bounds the claims of a table, maxSaid the values of one and the sources of
// one value.
const (
	maxClaims = 40
	maxSaid   = 10
)

// saying is one value of a claim and who gives it, escaped; the empty value is that of
// those who could give one and do not. It is a hint if nobody gives it who is compared.
type saying struct {
	value   string
	hint    bool
	sources []string
}

// sayings groups the sources of a claim by what they say: those that are compared
// first, those that say nothing last.
func sayings(c verify.VerdictClaim) []saying {
	var all []saying
	for _, s := range c.Sources {
		at := slices.IndexFunc(all, func(x saying) bool { return x.value == s.Value })
		if at < 0 {
			at, all = len(all), append(all, saying{value: s.Value, hint: true})
		}
		name := brief(s.Source)
		if s.Hint && s.Value != "" {
			name += " (a hint)"
		}
		all[at].hint = all[at].hint && s.Hint
		if !slices.Contains(all[at].sources, name) {
			all[at].sources = append(all[at].sources, name)
		}
	}
	rank := func(s saying) int {
		switch {
		case s.value == "":
			return 2
		case s.hint:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b saying) int { return rank(a) - rank(b) })
	return all
}

func claimRows(c verify.VerdictClaim) [][]cell {
	first := cell{mark: " ", text: value(c.Claim)}
	switch {
	case !c.Compared:
	case c.Agree:
		first.mark, first.ink = "✓", green
	default:
		first.mark, first.ink = "✗", red
	}
	all := sayings(c)
	if len(all) == 0 {
		return [][]cell{{first, {mark: missing}, {text: "nobody"}}}
	}
	var rows [][]cell
	for i, s := range all {
		if i == maxSaid {
			rows = append(rows, []cell{{}, {text: counted(len(all)-i, "more value")}, {}})
			break
		}
		row := []cell{{}, shown(c, s), {text: saidBy(c, s)}}
		if i == 0 {
			row[0] = first
		}
		rows = append(rows, row)
	}
	return rows
}

// shown is a value as the table has it. A digest on which all agree is short.
func shown(c verify.VerdictClaim, s saying) cell {
	if s.value == "" {
		return cell{mark: missing}
	}
	if c.Compared && c.Agree && len(spoken(c)) == 1 && !s.hint {
		return cell{text: short(s.value)}
	}
	return cell{text: value(s.value)}
}

func saidBy(c verify.VerdictClaim, s saying) string {
	var names []string
	for i, source := range s.sources {
		if i == maxSaid {
			names = append(names, counted(len(s.sources)-i, "more source"))
			break
		}
		names = append(names, source)
	}
	text := strings.Join(names, ", ")
	if c.Compared && !c.Agree && s.value != "" && !s.hint && alone(c) {
		text += " alone: nothing to compare it with"
	}
	return text
}

// alone reports whether a claim that is compared has one value, so that too few
// sources are what is wrong with it.
func alone(c verify.VerdictClaim) bool { return len(spoken(c)) < 2 }

// spoken are the different values of a claim that are compared.
func spoken(c verify.VerdictClaim) []saying {
	return slices.DeleteFunc(sayings(c), func(s saying) bool { return s.value == "" || s.hint })
}

// claimCount counts the claims that are compared, and those of them that agree.
func claimCount(claims []verify.VerdictClaim) (agree, all int) {
	for _, c := range claims {
		if c.Compared {
			all++
			if c.Agree {
				agree++
			}
		}
	}
	return agree, all
}

// disagreeing names the claims on which sources that are compared do not agree.
func disagreeing(claims []verify.VerdictClaim) []string {
	var names []string
	for _, c := range claims {
		if c.Compared && !c.Agree {
			names = append(names, value(c.Claim))
		}
	}
	return names
}
