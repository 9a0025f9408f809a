package verify

import (
	"fmt"
	"strings"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

// sbomCheck demands a bill of materials about the image: CycloneDX or SPDX, signed as
// any attestation is, or kept by BuildKit inside an index whose own signature passed.
// Who signed it is compared first; what it says is read and judged by content.
type sbomCheck struct{}

func (sbomCheck) id() string { return "sbom" }

func (sbomCheck) subject() string { return "sbom" }

func (sbomCheck) required(r policy.Rule) bool { return r.SBOM != nil }

func (sbomCheck) demand(r policy.Rule) policy.Demand { return r.SBOM.Demand }

func (sbomCheck) layouts() []Layout { return []Layout{LegacyAttestation, Bundle, BuildKit} }

func (sbomCheck) demands(r policy.Rule) []demand { return demands(r.SBOM.Signers, r.SBOM.Sources) }

// concerns reports whether a candidate of this layout and predicate type is, or could
// have been, a bill of materials. Types are compared as a whole; which of the formats
// the policy accepts is for meets.
func (sbomCheck) concerns(layout Layout, predicateType string) bool {
	switch layout {
	case LegacyAttestation, Bundle, BuildKit:
		return predicateType == "" || isSBOM(predicateType)
	default:
		return false
	}
}

func isSBOM(predicateType string) bool {
	return contains(sbom.PredicateTypes(""), predicateType)
}

func (sbomCheck) describe(r policy.Rule, d demand, vars policy.Vars) map[string]string {
	w := d.describe(vars)
	for name, value := range describeSBOM(r.SBOM) {
		w[name] = value
	}
	return w
}

// describeSBOM writes what a policy demands of the content.
func describeSBOM(want *policy.SBOM) map[string]string {
	w := map[string]string{"min_components": fmt.Sprint(want.MinComponents)}
	set := func(name, value string, there bool) {
		if there {
			w[name] = value
		}
	}
	set("format", string(want.Format), want.Format != "")
	set("schema", string(want.Schema), want.Schema != policy.SchemaOff)
	set("buildkit", "true", want.BuildKit)
	set("max_size", fmt.Sprint(want.MaxBytes), want.MaxBytes > 0)
	set("deny_licenses", strings.Join(want.DenyLicenses, " or "), len(want.DenyLicenses) > 0)
	set("require_licenses", strings.Join(want.RequireLicenses, " or "), len(want.RequireLicenses) > 0)
	var denied []string
	for _, p := range want.DenyComponents {
		denied = append(denied, p.String())
	}
	set("deny_components", strings.Join(denied, " or "), len(denied) > 0)
	set("ntia", "true", want.NTIA)
	set("purl_coverage", fmt.Sprint(want.PURLCoverage), want.PURLCoverage > 0)
	set("hash_coverage", fmt.Sprint(want.HashCoverage), want.HashCoverage > 0)
	if want.UnknownVersions != nil {
		w["unknown_versions"] = fmt.Sprint(*want.UnknownVersions)
	}
	set("max_document_age", want.MaxDocumentAge.String(), want.MaxDocumentAge > 0)
	set("describes", "image", want.Describes)
	for _, r := range want.Rules {
		w["rule "+r.Name] = r.Source
	}
	return w
}

func (sbomCheck) meets(q *question, s *Statement, d demand, vars policy.Vars) (accepted, *Difference) {
	ok, diff := signatureCheck{}.meets(q, s, d, vars)
	if diff != nil {
		return ok, diff
	}
	if want := q.rule.SBOM.Format; want != "" && want != sbom.FormatOf(s.predicateType) {
		return ok, violated(problemSchema, SBOMFormatMismatch, "predicate type", "one of the format "+string(want), s.predicateType)
	}
	return ok, nil
}
