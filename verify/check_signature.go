package verify

import "github.com/releaseassay/assay/policy"

// signatureCheck demands a cosign signature over the image: the simple-signing
// payload of the legacy layout, or a bundle whose predicate is cosign's own. Any
// other attestation is not a signature, whoever signed it.
type signatureCheck struct{}

func (signatureCheck) id() string { return "signature" }

func (signatureCheck) required(r policy.Rule) bool { return r.Signature != nil }

func (signatureCheck) layouts() []Layout { return []Layout{LegacySignature, Bundle} }

func (signatureCheck) subject() string { return "signature" }

func (signatureCheck) demand(r policy.Rule) policy.Demand { return r.Signature.Demand }

func (signatureCheck) demands(r policy.Rule) []demand {
	return demands(r.Signature.Signers, r.Signature.Sources)
}

// concerns reports whether a candidate of this layout and predicate type is, or
// could have been, a signature.
func (signatureCheck) concerns(layout Layout, predicateType string) bool {
	switch layout {
	case LegacySignature:
		return true
	case Bundle:
		return predicateType == PredicateCosignSign || predicateType == ""
	default:
		return false
	}
}

func (signatureCheck) describe(_ policy.Rule, d demand, vars policy.Vars) map[string]string {
	return d.describe(vars)
}

func (signatureCheck) meets(q *question, s *Statement, d demand, vars policy.Vars) (accepted, *Difference) {
	if diff := d.matchSigner(s, vars); diff != nil {
		return accepted{}, diff
	}
	if s.claims != nil {
		if diff := d.matchSource(s.claims, "", vars); diff != nil {
			return accepted{}, diff
		}
	}
	if diff := d.matchTime(s, q.at, q.limits); diff != nil {
		return accepted{}, diff
	}
	return accepted{unconstrained: d.unconstrained(s.claims, false)}, nil
}

func (signatureCheck) content(*question, *Statement, *accepted) *Difference { return nil }
