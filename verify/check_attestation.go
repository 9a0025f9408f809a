package verify

import (
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// attestationPrefix begins the ids of the checks of named attestations.
const attestationPrefix = "attestations."

// attestationCheck demands a statement of a predicate type that the policy names. Who
// signed it is compared as for a signature; what it says, by the typed shape that the
// policy gives it and then by the policy's rules.
type attestationCheck struct{ want policy.Attestation }

func (c attestationCheck) id() string { return attestationPrefix + c.want.Name }

func (attestationCheck) subject() string { return "attestation" }

func (attestationCheck) required(policy.Rule) bool { return true }

func (c attestationCheck) demand(policy.Rule) policy.Demand { return c.want.Demand }

func (attestationCheck) layouts() []Layout { return []Layout{LegacyAttestation, Bundle} }

func (c attestationCheck) demands(policy.Rule) []demand {
	return demands(c.want.Signers, c.want.Sources)
}

// concerns reports whether a candidate of this layout and predicate type is, or could
// have been, what is demanded. Types are compared as a whole.
func (c attestationCheck) concerns(layout Layout, predicateType string) bool {
	if layout != LegacyAttestation && layout != Bundle {
		return false
	}
	return predicateType == c.want.Type || predicateType == ""
}

func (c attestationCheck) describe(_ policy.Rule, d demand, vars policy.Vars) map[string]string {
	w := d.describe(vars)
	w["type"] = c.want.Type
	for _, s := range c.shapes() {
		s.describe(func(name, value string) {
			if value != "" {
				w[name] = value
			}
		})
	}
	for _, r := range c.want.Rules {
		w["rule "+r.Name] = r.Source
	}
	return w
}

func (c attestationCheck) meets(q *question, s *Statement, d demand, vars policy.Vars) (accepted, *Difference) {
	if c.want.Type == "" || s.predicateType != c.want.Type { // which no parser and no caller makes
		return accepted{}, differ(problemUnsupported, "predicate type", c.want.Type, s.predicateType)
	}
	return signatureCheck{}.meets(q, s, d, vars)
}

func (c attestationCheck) content(q *question, s *Statement, a *accepted) *Difference {
	if len(c.shapes()) == 0 && len(c.want.Rules) == 0 {
		a.unconstrained = append(slices.Clip(a.unconstrained), "content")
	}
	for _, shape := range c.shapes() {
		if diff := shape.judge(q, s); diff != nil {
			return diff
		}
	}
	return matchRules(q, s, c.want.Rules)
}

// shape is a typed demand over a well-known predicate.
type shape interface {
	// describe writes the demand as names and wanted values.
	describe(set func(name, value string))
	// judge compares a statement that met who has to sign it; nil where it is good.
	judge(*question, *Statement) *Difference
}

// shapes lists what the policy demands of the predicate: one shape at most, as no
// parser makes more, and what is set must hold.
func (c attestationCheck) shapes() []shape {
	var all []shape
	if m := c.want.Metadata; m != nil {
		all = append(all, metadataShape{*m, c.want.Demand})
	}
	if s := c.want.Scan; s != nil {
		all = append(all, scanShape{*s})
	}
	if v := c.want.VEX; v != nil {
		all = append(all, vexShape{*v})
	}
	if v := c.want.VSA; v != nil {
		all = append(all, vsaShape{*v})
	}
	if t := c.want.Tests; t != nil {
		all = append(all, testsShape{*t})
	}
	return all
}

// either writes alternatives for people.
func either(words []string) string { return strings.Join(words, " or ") }

// atMost writes a bound on an age; 0 is none.
func atMost(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return "at most " + d.String()
}
