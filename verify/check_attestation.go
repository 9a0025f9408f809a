package verify

import "github.com/releaseassay/assay/policy"

// attestationPrefix begins the ids of the checks of named attestations.
const attestationPrefix = "attestations."

// attestationCheck demands a statement of a predicate type that the policy names.
type attestationCheck struct{ want policy.Attestation }

func (c attestationCheck) id() string { return attestationPrefix + c.want.Name }

func (attestationCheck) subject() string { return "attestation" }

func (attestationCheck) required(policy.Rule) bool { return true }

func (c attestationCheck) demand(policy.Rule) policy.Demand { return c.want.Demand }

func (attestationCheck) layouts() []Layout { return []Layout{LegacyAttestation, Bundle} }

func (c attestationCheck) demands(policy.Rule) []demand {
	return demands(c.want.Signers, c.want.Sources)
}

func (attestationCheck) concerns(Layout, string) bool { return false }

func (attestationCheck) describe(_ policy.Rule, d demand, vars policy.Vars) map[string]string {
	return d.describe(vars)
}

func (attestationCheck) meets(*question, *Statement, demand, policy.Vars) (accepted, *Difference) {
	return accepted{}, differ(problemRule, "attestation", "", "")
}

func (attestationCheck) content(*question, *Statement, *accepted) *Difference {
	return differ(problemRule, "attestation", "", "")
}
