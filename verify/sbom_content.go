package verify

import (
	"errors"
	"fmt"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
	"github.com/releaseassay/assay/sbom/schema"
)

// content reads the document strictly, holds it against its schema where the policy
// says so, and then judges it by every rule.
func (sbomCheck) content(q *question, s *Statement, a *accepted) *Difference {
	want := q.rule.SBOM
	limits := sbom.Limits{Bytes: want.MaxBytes}
	doc, err := sbom.ParsePredicate(s.predicateType, s.predicate, limits)
	if err != nil {
		return unreadable(err)
	}
	a.document = &VerdictDocument{Format: formatNames[doc.Format], Version: doc.SpecVersion, Components: len(doc.Components)}
	if want.Schema != policy.SchemaOff {
		if diff := matchSchema(s, want.Schema, limits, a); diff != nil {
			return diff
		}
	}
	if diff := q.matchDocument(doc, s, want); diff != nil {
		return diff
	}
	if want.MaxDocumentAge > 0 {
		q.until(doc.Time.Add(want.MaxDocumentAge))
	}
	return nil
}

// formatNames are the formats as people write them.
var formatNames = map[sbom.Format]string{sbom.CycloneDX: "CycloneDX", sbom.SPDX: "SPDX"}

// unreadable tells why a document was refused before anything in it was judged.
func unreadable(err error) *Difference {
	code, wanted := SBOMMalformed, "a document that can be read in one way alone"
	var refusal *sbom.Error
	if !errors.As(err, &refusal) {
		return violated(problemSchema, code, "document", wanted, brief(err.Error()))
	}
	switch refusal.Kind {
	case sbom.KindSize:
		code, wanted = SBOMTooLarge, "a document within max_size"
	case sbom.KindType:
		code, wanted = SBOMFormatMismatch, "the format and version that the predicate type names"
	}
	// Whoever met the demand wrote it, so this is nearer than a stranger's.
	diff := violated(problemSchema, code, "document", wanted, brief(refusal.Problem),
		Violation{Rule: string(refusal.Kind), Path: refusal.Path, Problem: refusal.Error()})
	diff.text = brief(refusal.Error()) + "; wanted " + wanted
	return diff
}

// matchSchema holds the document against the schema of its specification. Where the
// policy only wants to be warned, what is wrong becomes the notice of a pass.
func matchSchema(s *Statement, mode policy.SchemaMode, limits sbom.Limits, a *accepted) *Difference {
	b, err := sbom.PredicateDocument(s.predicate, limits)
	if err != nil {
		return unreadable(err)
	}
	invalid, err := schema.NewValidator(limits).Validate(b)
	if err == nil && len(invalid) == 0 {
		return nil
	}
	diff := violated(problemSchema, SBOMSchemaInvalid, "document", "valid by its specification's schema", "invalid", violationsOf(invalid, len(invalid))...)
	if err != nil {
		diff = violated(problemSchema, SBOMSchemaUnavailable, "document", "one of a kind that has a schema", brief(err.Error()))
		diff.text = "the document was not held against a schema: " + diff.Found
	} else {
		diff.text = brief("the document is invalid by its specification's schema, at " + invalid[0].Path + ": " + invalid[0].Problem)
	}
	if mode != policy.SchemaWarn {
		return diff
	}
	a.notice, a.violations, a.message = diff.code, diff.violations, diff.text
	return nil
}

// violationsOf writes violations of the package sbom for a verdict, at most most of them
// and one that counts the rest.
func violationsOf(all []sbom.Violation, most int) []Violation {
	var out []Violation
	for i, v := range all {
		if i == most {
			return append(out, Violation{Rule: v.Rule, Problem: fmt.Sprintf("and %d more", len(all)-i)})
		}
		out = append(out, Violation{Rule: v.Rule, Component: v.Component, Path: v.Path, Problem: v.Problem})
	}
	return out
}
