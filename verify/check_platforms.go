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
// platforms or the caller named an index, which has to be true whatever is demanded, and
// for every index that evidence is demanded of.
func (p platformsCheck) requiredOf(q *question) bool {
	return p.required(q.rule) || q.indexNamed || len(q.statementChecks()) > 0 && isIndex(q.facts.image)
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
	columns := m.columns()
	for _, n := range m.tree.nodes {
		row := VerdictChild{Digest: n.digest, Platform: n.platform.String(), Role: string(n.role)}
		if n.runs() && (own || n.digest == m.q.facts.image.Digest) {
			row.Evidence = map[string]string{}
			var lacking []string
			for _, col := range columns {
				c := col.check
				where, f := m.cell(col, n)
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

// column is what a check found that is the same for each image of the index.
type column struct {
	check statements
	// where is the place of evidence that counts for each of them, "" where there is none.
	where string
	// each is true where evidence about each image counts too.
	each bool
	// finding is why the check as a whole is not met.
	finding Finding
}

// columns judges the checks once for all images.
func (m *matrix) columns() []column {
	q := m.q
	own := isIndex(q.facts.image)
	columns := make([]column, 0, len(m.checks))
	for _, c := range m.checks {
		d := c.demand(q.rule)
		on := d.On
		col := column{check: c, each: own && on != policy.OnIndex && len(q.facts.children) > 0}
		passed := func(j judged) bool { return j.finding.Result == Passed }
		switch {
		case own && on != policy.OnPlatforms && q.here(c, &q.facts).settles(d):
			col.finding, col.each = q.statements(c).finding, false
		case on != policy.OnPlatforms && (own && passed(q.here(c, &q.facts)) || q.facts.index != nil && passed(q.onIndex(c))):
			col.where = "index"
		case !own && on != policy.OnIndex && passed(q.here(c, &q.facts)):
			col.where = "platform"
		default:
			col.finding = q.statements(c).finding
		}
		columns = append(columns, col)
	}
	return columns
}

// cell says where what meets a check for one image is, or the code and finding of why
// nothing does.
func (m *matrix) cell(col column, n node) (string, *Finding) {
	if col.where != "" {
		return col.where, nil
	}
	f := col.finding
	if col.each {
		j := m.q.onNode(col.check, n)
		if j.finding.Result == Passed {
			return "platform", nil
		}
		if f.Result != Errored {
			f = j.finding
		}
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
		same := n.platform // but for how its architecture is written
		same.os, same.architecture, same.variant = named, "", ""
		switch first, again := digests[same]; {
		case len(only) > 0 && !only[named]:
			m.refuse(PlatformsUnexpected, "%s is not among the platforms that the policy lists: %s", n.name(), strings.Join(want.Only, ", "))
		case again && first != n.digest && named != "":
			m.refuse(PlatformsAmbiguous, "two images are for %s: %s and %s", named, first, n.digest)
		}
		digests[same] = n.digest
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
		f.Result, f.Code, f.partly = Failed, m.refusals[0].code, len(m.failures) > 0
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
