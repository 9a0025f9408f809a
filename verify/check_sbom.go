package verify

import "github.com/releaseassay/assay/policy"

// sbomCheck demands a bill of materials about the image.
type sbomCheck struct{}

func (sbomCheck) id() string { return "sbom" }

func (sbomCheck) subject() string { return "sbom" }

func (sbomCheck) required(r policy.Rule) bool { return r.SBOM != nil }

func (sbomCheck) demand(r policy.Rule) policy.Demand { return r.SBOM.Demand }

func (sbomCheck) layouts() []Layout { return []Layout{LegacyAttestation, Bundle} }

func (sbomCheck) demands(r policy.Rule) []demand { return demands(r.SBOM.Signers, r.SBOM.Sources) }

func (sbomCheck) concerns(Layout, string) bool { return false }

func (sbomCheck) describe(_ policy.Rule, d demand, vars policy.Vars) map[string]string {
	return d.describe(vars)
}

func (sbomCheck) meets(*question, *Statement, demand, policy.Vars) (accepted, *Difference) {
	return accepted{}, differ(problemRule, "sbom", "", "")
}

func (sbomCheck) content(*question, *Statement, *accepted) *Difference {
	return differ(problemRule, "sbom", "", "")
}
