package verify

import (
	"slices"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

// maxOfRule is how many violations of one rule a finding lists, so that the first rule
// does not hide the others.
const maxOfRule = 8

// ruling is what one rule of the policy found in a document.
type ruling struct {
	code Code
	// wanted is what the policy says, in its own words.
	wanted     string
	violations []Violation
}

// matchDocument judges a document by everything that the policy demands of it. The
// first rule that is violated gives the code; the violations are those of all.
func (q *question) matchDocument(doc *sbom.Document, s *Statement, want *policy.SBOM) *Difference {
	rulings := append(q.builtInRulings(doc, s, want), q.expressionRulings(doc, s, want)...)
	var violations []Violation
	for _, r := range rulings {
		violations = append(violations, r.violations...)
	}
	if len(rulings) == 0 {
		return nil
	}
	first := rulings[0]
	at := "document"
	if c := first.violations[0].Component; c != "" {
		at = "component " + brief(c)
	}
	diff := violated(problemRule, first.code, at, first.wanted, brief(first.violations[0].Problem), violations...)
	diff.text = diff.Found + "; wanted " + diff.Wanted
	if at != "document" {
		diff.text = at + ": " + diff.text
	}
	return diff
}

// builtInRulings holds a document against the rules that the policy has words for, in
// the order in which a person should read what is wrong.
func (q *question) builtInRulings(doc *sbom.Document, s *Statement, want *policy.SBOM) []ruling {
	w := describeSBOM(want)
	var out []ruling
	add := func(code Code, wanted string, found []sbom.Violation) {
		if len(found) > 0 {
			out = append(out, ruling{code, wanted, violationsOf(found, maxOfRule)})
		}
	}
	digests := q.describable(s, want.Describes)
	about := sbom.Describes(doc, want.Describes, digests...)
	if len(about) > 0 && len(sbom.Describes(doc, false, digests...)) == 0 {
		add(SBOMDescribesNothing, "a document that names "+digests[0], about)
	} else {
		add(SBOMDescribesOther, "a document about "+digests[0], about)
	}
	add(SBOMTooFewComponents, "min_components: "+w["min_components"], sbom.MinComponents(doc, want.MinComponents))
	if len(want.DenyComponents) > 0 {
		add(SBOMComponentDenied, "no component that deny_components names", sbom.DenyComponents(doc, want.DenyComponents...))
	}
	if len(want.DenyLicenses) > 0 {
		add(SBOMLicenseDenied, "no licence of "+w["deny_licenses"], sbom.DenyLicenses(doc, want.DenyLicenses...))
	}
	if len(want.RequireLicenses) > 0 {
		add(SBOMLicenseMissing, "licences of "+w["require_licenses"], sbom.RequireLicenses(doc, want.RequireLicenses...))
	}
	if want.NTIA {
		add(SBOMNTIAIncomplete, "the NTIA's minimum elements", sbom.NTIA(doc))
	}
	if want.PURLCoverage > 0 {
		add(SBOMPURLCoverage, "purl_coverage: "+w["purl_coverage"], sbom.PURLCoverage(doc, want.PURLCoverage))
	}
	if want.HashCoverage > 0 {
		add(SBOMHashCoverage, "hash_coverage: "+w["hash_coverage"], sbom.HashCoverage(doc, want.HashCoverage))
	}
	if want.UnknownVersions != nil {
		add(SBOMVersionsUnknown, "unknown_versions: "+w["unknown_versions"], sbom.UnknownVersions(doc, *want.UnknownVersions))
	}
	if want.MaxDocumentAge > 0 {
		add(SBOMDocumentTooOld, "max_document_age: "+w["max_document_age"], sbom.MaxAge(doc, want.MaxDocumentAge, q.at))
	}
	return out
}

// describable lists the digests by which a document may name what it is about: the
// image's first. Where the policy does not insist on that one, the parts of an index
// serve too, and for a part its index: tools resolve a tag to one platform and write
// that one's digest.
func (q *question) describable(s *Statement, exactly bool) []string {
	digests := []string{q.facts.image.Digest}
	if s.about != "" && s.about != digests[0] {
		digests = append([]string{s.about}, digests...)
	}
	if exactly {
		return digests
	}
	own := digests
	for _, digest := range q.facts.lists(q.limits).digests {
		if !slices.Contains(own, digest) {
			digests = append(digests, digest)
		}
	}
	if index := q.holder(); index != nil {
		digests = append(digests, index.image.Digest)
	}
	return digests
}

// expressionRulings evaluates the policy's own rules. One that does not hold and one
// that cannot be evaluated refuse alike, with codes of their own.
func (q *question) expressionRulings(doc *sbom.Document, s *Statement, want *policy.SBOM) []ruling {
	if len(want.Rules) == 0 {
		return nil
	}
	vars := q.variables(s)
	vars.Document = doc
	vars = vars.Bind()
	var out []ruling
	for _, r := range want.Rules {
		q.untilLooked(r)
		holds, err := r.Holds(vars)
		switch {
		case err != nil:
			out = append(out, ruling{SBOMRuleFailed, r.Source, []Violation{{Rule: r.Name, Problem: "it could not be evaluated: " + err.Error()}}})
		case !holds:
			out = append(out, ruling{SBOMRuleViolated, r.Source, []Violation{{Rule: r.Name, Problem: "it does not hold: " + r.Source}}})
		}
	}
	return out
}
