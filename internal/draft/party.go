package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// choose finds on whose behalf the evidence was signed. Whoever can push can add evidence
// of their own: of several parties the only one whose owner stands in the image's name is
// taken, else the one with most kinds of evidence, and two with as much are for a person
// to tell apart.
func (d *drafter) choose() (string, error) {
	kinds := map[string]map[string]bool{}
	for _, e := range d.signed {
		if d.options.Workflow != "" && !e.by.isWorkflow(d.options.Workflow) {
			continue
		}
		party := e.by.party()
		if kinds[party] == nil {
			kinds[party] = map[string]bool{}
		}
		kinds[party][e.kind] = true
	}
	if len(kinds) == 0 {
		return "", refuse("no workflow "+comment(d.options.Workflow)+" has signed the image; these have:", d.signers()...)
	}
	var parties []string
	for party := range kinds {
		parties = append(parties, party)
	}
	slices.SortFunc(parties, func(a, b string) int {
		return cmp.Or(truth(d.namesake(b))-truth(d.namesake(a)), len(kinds[b])-len(kinds[a]), strings.Compare(a, b))
	})
	if len(parties) > 1 && d.namesake(parties[0]) && !d.namesake(parties[1]) {
		return parties[0], nil
	}
	if len(parties) > 1 && len(kinds[parties[0]]) == len(kinds[parties[1]]) {
		return "", d.ambiguous("as much evidence is signed on behalf of one as of another")
	}
	return parties[0], nil
}

// ambiguous lists who signed, for a person to choose from.
func (d *drafter) ambiguous(why string) *Refusal {
	return refuse(why+", and nothing says which of them it should be; name one with --signer-workflow:", d.signers()...)
}

// signers lists who signed what, on whose behalf.
func (d *drafter) signers() []string {
	var lines []string
	for _, e := range d.signed {
		lines = append(lines, comment(fmt.Sprintf("%s, on behalf of %s, signed %s", e.by.identity, e.by.party(), e.kind)))
	}
	return unique(lines)
}

// pick chooses whose evidence of one kind is demanded, and returns that evidence,
// the last first. What others signed of the kind is ignored, and said to be.
func (d *drafter) pick(kind string) ([]exhibit, error) {
	groups := map[profile][]exhibit{}
	for _, e := range d.signed {
		if e.kind == kind && e.by.party() == d.party {
			groups[e.by] = append(groups[e.by], e)
		}
	}
	var order []profile
	for by, list := range groups {
		slices.SortStableFunc(list, func(a, b exhibit) int {
			return cmp.Or(b.Statement.Time().Compare(a.Statement.Time()), strings.Compare(a.Digest, b.Digest))
		})
		order = append(order, by)
	}
	if len(order) == 0 {
		return nil, nil
	}
	rank := func(a, b profile) int { return slices.Compare(d.weight(kind, groups[b]), d.weight(kind, groups[a])) }
	slices.SortFunc(order, func(a, b profile) int {
		return cmp.Or(rank(a, b), groups[b][0].Statement.Time().Compare(groups[a][0].Statement.Time()), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	for _, other := range order[1:] {
		if other.who() != order[0].who() && rank(order[0], other) == 0 {
			return nil, d.ambiguous("several workflows have signed " + comment(kind) + " alike")
		}
		for _, e := range groups[other] {
			d.ignore(e.Exhibit, "by another signer, or in other circumstances, than the one demanded")
		}
	}
	return groups[order[0]], nil
}

// weight says how much speaks for demanding the signer of some evidence, the most
// important first.
func (d *drafter) weight(kind string, list []exhibit) []int {
	by := list[0].by
	kinds := map[string]bool{}
	for _, e := range d.signed {
		if e.by.party() == d.party && e.by.who() == by.who() {
			kinds[e.kind] = true
		}
	}
	level := 0
	if built, ok := list[0].Statement.Built(); ok && kind == kindProvenance {
		level = built.Level
	}
	return []int{
		truth(kind != kindProvenance && d.options.Workflow != "" && by.isWorkflow(d.options.Workflow)), level,
		truth(by.own()), len(kinds), truth(d.tags.version != "" && strings.HasSuffix(by.source.ref, d.tags.version)),
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
