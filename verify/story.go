package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// story is what every source says of every claim. Sources are what the question itself
// names (reference, tag), the statements that met a required check, the accepted release
// manifest and, as hints, the image's labels.
type story struct {
	said map[string][]saying
}

// saying is what one source says of one claim.
type saying struct {
	VerdictValue
	// form is the value in the form in which two are compared; see [question.plain].
	form string
	// piece tells sources apart: the check that accepted it, for one.
	piece string
}

// teller is one source.
type teller struct {
	source, evidence, piece string
	hint                    bool
	// about is the digest that it is about, "" the image's.
	about string
}

// says notes what a teller says of a claim, and with an empty value that it says nothing.
func (t *story) says(q *question, who teller, claim, value string) {
	form := q.plain(claim, value, who.about)
	hint := who.hint || (value != "" && form == "")
	if who.hint && value == "" {
		return // a label that nobody wrote
	}
	s := saying{VerdictValue{Source: who.source, Evidence: who.evidence, Value: brief(value), Hint: hint}, form, who.piece}
	if !slices.Contains(t.said[claim], s) {
		t.said[claim] = append(t.said[claim], s)
	}
}

// counted lists what takes part in the comparison of a claim.
func (t *story) counted(claim string) []saying {
	var all []saying
	for _, s := range t.said[claim] {
		if !s.Hint && s.form != "" {
			all = append(all, s)
		}
	}
	return all
}

// agree reports whether no two sources differ on a claim.
func (t *story) agree(claim string) bool {
	all := t.counted(claim)
	return len(all) == 0 || !slices.ContainsFunc(all, func(s saying) bool { return s.form != all[0].form })
}

// pieces counts the sources that say something of a claim. All that one check accepted is
// one source, and so is one statement that two checks accepted.
func (t *story) pieces(claim string) int { return independent(t.counted(claim)) }

// evidence counts the sources that say anything of one of the claims: what the question
// itself names is none.
func (t *story) evidence(claims []string) int {
	var all []saying
	for _, claim := range claims {
		for _, s := range t.counted(claim) {
			if s.piece != questionPiece {
				all = append(all, s)
			}
		}
	}
	return independent(all)
}

func independent(all []saying) int {
	checks, evidence := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		if checks[s.piece] || (s.Evidence != "" && evidence[s.Evidence]) {
			continue
		}
		checks[s.piece] = true
		evidence[s.Evidence] = true
	}
	return len(checks)
}

// table writes the story for the verdict, a line for each claim that any source could
// make. compared are the claims on which the sources have to agree, refused those that
// are the reason of a refusal.
func (t *story) table(compared, refused []string) []VerdictClaim {
	var lines []VerdictClaim
	for _, claim := range policy.ConsistencyClaims() {
		if len(t.said[claim]) == 0 && !slices.Contains(compared, claim) {
			continue
		}
		line := VerdictClaim{
			Claim: claim, Compared: slices.Contains(compared, claim),
			Agree: t.agree(claim) && !slices.Contains(refused, claim), Sources: []VerdictValue{},
		}
		for _, s := range t.said[claim] {
			line.Sources = append(line.Sources, s.VerdictValue)
		}
		slices.SortStableFunc(line.Sources, func(a, b VerdictValue) int {
			return cmp.Or(cmp.Compare(sourceRank(a.Source), sourceRank(b.Source)), cmp.Compare(a.Source, b.Source),
				cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.Value, b.Value))
		})
		lines = append(lines, line)
	}
	return lines
}

// sourceRank orders sources as the verdict orders checks.
func sourceRank(source string) int {
	first, _, _ := strings.Cut(source, " ")
	order := []string{sourceReference, sourceTag, sourceFlag, "signature", "provenance", "sbom"}
	if i := slices.Index(order, first); i >= 0 {
		return i
	}
	for i, prefix := range []string{attestationPrefix, "release", sourceAnnotation, sourceLabel} {
		if strings.HasPrefix(source, prefix) {
			return len(order) + i
		}
	}
	return len(order) + 9
}

// disagreement says in words which values stand where.
func (t *story) disagreement(claim string) string {
	var forms []string
	said := map[string][]string{}
	shown := map[string]string{}
	all := t.counted(claim)
	slices.SortStableFunc(all, func(a, b saying) int { return cmp.Compare(sourceRank(a.Source), sourceRank(b.Source)) })
	for _, s := range all {
		if _, ok := said[s.form]; !ok {
			forms, shown[s.form] = append(forms, s.form), s.Value
		}
		if !slices.Contains(said[s.form], s.Source) {
			said[s.form] = append(said[s.form], s.Source)
		}
	}
	var texts []string
	for i, form := range forms {
		if i == maxTold {
			texts = append(texts, fmt.Sprintf("%d more values", len(forms)-i))
			break
		}
		texts = append(texts, fmt.Sprintf("%q by %s", shown[form], enumerate(said[form])))
	}
	return "the " + claim + " is " + strings.Join(texts, ", and ")
}

// maxTold is how many values or sources a message lists at most.
const maxTold = 5

func enumerate(words []string) string {
	if len(words) > maxTold {
		words = append(slices.Clone(words[:maxTold]), fmt.Sprintf("%d more", len(words)-maxTold))
	}
	return strings.Join(words, ", ")
}
