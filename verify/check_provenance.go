package verify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// provenanceCheck demands SLSA provenance, v0.2 or v1, about the image, signed by
// a trusted builder, in which certificate and statement agree. Its rules are those
// of slsa-verifier v2.7.1 for the builders of slsa-github-generator, and those that
// GitHub documents for `gh attestation verify` for its own provenance; on top, the
// statement's commit, workflow and run must be the certificate's.
type provenanceCheck struct{}

func (provenanceCheck) id() string { return "provenance" }

func (provenanceCheck) required(r policy.Rule) bool { return r.Provenance != nil }

func (provenanceCheck) layouts() []Layout { return []Layout{LegacyAttestation, Bundle} }

func (provenanceCheck) subject() string { return "provenance" }

func (provenanceCheck) demand(r policy.Rule) policy.Demand { return r.Provenance.Demand }

func (provenanceCheck) demands(r policy.Rule) []demand {
	if len(r.Provenance.Sources) == 0 { // which no parser makes: provenance of anything is no demand
		return nil
	}
	return demands(r.Provenance.Signers, r.Provenance.Sources)
}

// concerns reports whether a candidate of this layout and predicate type is, or
// could have been, provenance. Types are compared as a whole.
func (provenanceCheck) concerns(layout Layout, predicateType string) bool {
	if layout != LegacyAttestation && layout != Bundle {
		return false
	}
	return predicateType == PredicateProvenanceV02 || predicateType == PredicateProvenanceV1 || predicateType == ""
}

func (provenanceCheck) describe(r policy.Rule, d demand, vars policy.Vars) map[string]string {
	w := d.describe(vars)
	if ids := r.Provenance.Builder.IDs; len(ids) > 0 {
		w["builder"] = strings.Join(ids, " or ")
	}
	w["level"] = fmt.Sprint(r.Provenance.Builder.Level)
	for _, in := range r.Provenance.Inputs {
		w["input "+in.Name] = in.Value
	}
	return w
}

func (provenanceCheck) meets(q *question, s *Statement, d demand, vars policy.Vars) (accepted, *Difference) {
	if s.claims == nil {
		return accepted{}, differ(problemKeySigned, "signer", "a builder's certificate", "the key "+s.keySHA256)
	}
	if d.signer.Issuer == "" || s.claims.Issuer != d.signer.Issuer {
		return accepted{}, differ(problemIdentity, "issuer", d.signer.Issuer, s.claims.Issuer)
	}
	b, err := parseBuild(s.predicateType, s.predicate)
	if unsupported := (&rejection{}); errors.As(err, &unsupported) {
		return accepted{}, differ(unsupported.problem, "build type", strings.Join(buildTypes(s.predicateType), " or "), err.Error())
	}
	if err != nil {
		return accepted{}, differ(problemStatement, "predicate", "SLSA provenance", err.Error())
	}
	want := q.rule.Provenance
	built, diff := identifyBuilder(s.claims, s.predicateType, b, q.policy.Builders)
	if diff != nil {
		return accepted{}, diff
	}
	ok := accepted{builder: built.id(), level: &built.level}
	for _, step := range []func() *Difference{
		func() *Difference { return matchBuilder(want.Builder, built) },
		func() *Difference { return d.matchSigner(s, vars) },
		func() *Difference { return d.matchSource(s.claims, b.branch(), vars) },
		func() *Difference { return b.agrees(s.claims, built.kind) },
		func() *Difference { return d.matchSourceCommit(b) },
		func() *Difference { return matchInputs(want.Inputs, b) },
		func() *Difference { return d.matchTime(s, q.at, q.limits) },
	} {
		if diff := step(); diff != nil {
			return ok, diff
		}
	}
	ok.unconstrained = d.unconstrained(s.claims, built.path != runnerBuilder)
	if len(b.inputs) > 0 && len(want.Inputs) == 0 {
		ok.unconstrained = append(ok.unconstrained, "inputs")
	}
	return ok, nil
}

// matchInputs compares the workflow_dispatch inputs that the policy names.
func matchInputs(want []policy.Input, b *build) *Difference {
	for _, in := range want {
		if got := textAt(b.inputs, in.Name); got != in.Value {
			return differ(problemInputs, "input "+in.Name, in.Value, got)
		}
	}
	return nil
}

func (provenanceCheck) content(*question, *Statement, *accepted) *Difference { return nil }
