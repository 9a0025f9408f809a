package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// platformsCheck demands that no image of an index lacks what it needs, and that the
// index is for the platforms that the policy lists. It only refuses: evidence counts
// through the checks that demand it, and this one shows for which platform it does.
type platformsCheck struct{}

func (platformsCheck) id() string { return "platforms" }

// required reports whether the policy itself demands it; for the rest see requiredOf.
func (platformsCheck) required(r policy.Rule) bool { return r.Platforms != nil }

// requiredOf reports whether it is required of the image: always where the policy lists
// platforms, and for every index that evidence is demanded of.
func (p platformsCheck) requiredOf(q *question) bool {
	return p.required(q.rule) || len(q.statementChecks()) > 0 && (q.indexNamed || isIndex(q.facts.image))
}

func (platformsCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

func (p platformsCheck) judge(q *question) Finding {
	m := &matrix{q: q, checks: q.statementChecks()}
	f := Finding{ID: p.id(), Required: true, Wanted: wantedPlatforms(q.rule.Platforms)}
	m.read()
	if m.tree != nil {
		m.rows()
		m.platforms()
		f.Platforms = &VerdictPlatforms{Index: m.tree.index.Digest, Children: m.children}
	}
	m.decide(&f)
	f.Next = next(f.Code)
	return f
}

func wantedPlatforms(p *policy.Platforms) []map[string]string {
	if p == nil {
		return nil
	}
	wanted := map[string]string{}
	for name, list := range map[string][]string{"require": p.Require, "only": p.Only} {
		if len(list) > 0 {
			wanted[name] = strings.Join(list, ", ")
		}
	}
	return []map[string]string{wanted}
}

// matrix is evidence by platform, and what is wrong with it.
type matrix struct {
	q      *question
	checks []statements
	// tree is of the image's index, or of the named one; nil where there is none.
	tree     *tree
	children []VerdictChild
	refusals []misfit
	failures []Failure
}

func (m *matrix) refuse(code Code, format string, args ...any) {
	m.refusals = append(m.refusals, misfit{code, fmt.Sprintf(format, args...)})
}

// read finds the index that is shown, and whether the one that was named is the image's.
func (m *matrix) read() {
	q := m.q
	own := isIndex(q.facts.image)
	if own {
		m.tree = q.platforms()
		if m.tree.err != nil {
			m.refuse(PlatformsMalformed, "the index cannot be read: %v", m.tree.err)
			m.tree = nil
			return
		}
		if !slices.ContainsFunc(m.tree.nodes, node.runs) {
			m.refuse(PlatformsEmpty, "the index lists no image")
		}
	}
	if own && !q.indexNamed {
		return
	}
	switch bad, failure := q.holding(); {
	case failure != nil:
		m.failures = append(m.failures, *failure)
	case bad != nil:
		m.refusals = append(m.refusals, *bad)
	case !own:
		m.tree = q.namedTree()
	}
}

// rows writes a row for each entry of the index, and says which image lacks what.
func (m *matrix) rows() {
	own := m.tree.index.Digest == m.q.facts.image.Digest
	for _, n := range m.tree.nodes {
		row := VerdictChild{Digest: n.digest, Platform: n.platform.String(), Role: string(n.role)}
		if n.runs() && (own || n.digest == m.q.facts.image.Digest) {
			row.Evidence = map[string]string{}
			var lacking []string
			for _, c := range m.checks {
				where, f := m.cell(c, n)
				switch {
				case f == nil:
				case f.Result == Errored:
					m.failures = append(m.failures, Failure{Code: f.Code, Class: f.Class, Detail: n.name() + ": " + string(f.Code) + " for " + c.id()})
				default:
					lacking = append(lacking, c.id()+" ("+string(f.Code)+")")
				}
				row.Evidence[c.id()] = where
			}
			m.lacks(n, lacking)
		}
		m.children = append(m.children, row)
	}
}

func (m *matrix) lacks(n node, checks []string) {
	switch {
	case len(checks) == 0:
	case n.impostor != "":
		m.refuse(PlatformsNotAttestation, "%s lacks %s, and is no attestation manifest of BuildKit's: %s", n.name(), strings.Join(checks, ", "), n.impostor)
	default:
		m.refuse(PlatformsEvidenceMissing, "%s lacks %s", n.name(), strings.Join(checks, ", "))
	}
}

// cell says where what meets a check for one image is, or the code and finding of why
// nothing does.
func (m *matrix) cell(c statements, n node) (string, *Finding) {
	q := m.q
	on, own := c.demand(q.rule).On, isIndex(q.facts.image)
	for _, way := range []struct {
		where string
		asked bool
		judge func() judged
	}{
		{"index", own && on != policy.OnPlatforms, func() judged { return q.here(c, &q.facts) }},
		{"index", q.facts.index != nil && on != policy.OnPlatforms, func() judged { return q.onIndex(c) }},
		{"platform", own && on != policy.OnIndex && len(q.facts.children) > 0, func() judged { return q.onNode(c, n) }},
		{"platform", !own && on != policy.OnIndex, func() judged { return q.here(c, &q.facts) }},
	} {
		if !way.asked {
			continue
		}
		if way.judge().finding.Result == Passed {
			return way.where, nil
		}
	}
	f := q.statements(c).finding
	if own && len(q.facts.children) > 0 && on != policy.OnIndex && f.Result != Errored {
		f = q.onNode(c, n).finding
	}
	return string(f.Code), &f
}

// platforms compares what the index is for with what the policy lists.
func (m *matrix) platforms() {
	want := m.q.rule.Platforms
	if want == nil {
		return
	}
	unread, partly := m.tree.failure()
	there, digests := map[string]bool{}, map[platform]string{}
	only := map[string]bool{}
	for _, p := range want.Only {
		only[normalPlatform(p)] = true
	}
	for _, n := range m.tree.nodes {
		if !n.runs() || n.role == roleIndex {
			continue
		}
		if n.role == roleAttestation { // so it says; nobody looked
			m.failures = append(m.failures, n.unread())
			continue
		}
		named := normalPlatform(n.platform.String())
		there[named] = true
		switch first, again := digests[n.platform]; {
		case len(only) > 0 && !only[named]:
			m.refuse(PlatformsUnexpected, "%s is not among the platforms that the policy lists: %s", n.name(), strings.Join(want.Only, ", "))
		case again && first != n.digest && named != "":
			m.refuse(PlatformsAmbiguous, "two images are for %s: %s and %s", named, first, n.digest)
		}
		digests[n.platform] = n.digest
	}
	for _, p := range want.Require {
		switch {
		case there[normalPlatform(p)]:
		case partly:
			m.failures = append(m.failures, unread)
		default:
			m.refuse(PlatformsMissing, "the index has no image for %s", p)
		}
	}
	if partly && len(only) > 0 {
		m.failures = append(m.failures, unread)
	}
}

// maxRefusals is how much a message tells of what is wrong.
const maxRefusals = 8

// decide writes the finding: the gravest refusal gives the code, and all of them the
// message. What could not be read leaves it undecided only where nothing is refused.
func (m *matrix) decide(f *Finding) {
	order := make(map[Code]int)
	for i, r := range platformReasons() {
		order[r.Code] = i
	}
	slices.SortStableFunc(m.refusals, func(a, b misfit) int { return order[a.code] - order[b.code] })
	switch {
	case len(m.refusals) > 0:
		f.Result, f.Code = Failed, m.refusals[0].code
		var texts []string
		for i, r := range m.refusals {
			if i == maxRefusals {
				texts = append(texts, fmt.Sprintf("and %d more", len(m.refusals)-i))
				break
			}
			texts = append(texts, r.text)
		}
		f.Message = strings.Join(texts, "; ")
	case len(m.failures) > 0:
		f.Result, f.Code, f.Class, f.Message = Errored, m.failures[0].Code, m.failures[0].Class, m.failures[0].Detail
	case m.tree == nil: // which the cases above leave no room for
		f.Result, f.Code, f.Message = Failed, PlatformsIndexUnknown, "no index is known"
	default:
		f.Result = Passed
	}
}
