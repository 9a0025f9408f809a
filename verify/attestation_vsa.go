package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// The predicate types of verification summaries.
const (
	predicateVSAV1  = "https://slsa.dev/verification_summary/v1"
	predicateVSAV02 = "https://slsa.dev/verification_summary/v0.2"
)

// vsaShape judges a SLSA verification summary:
// https://slsa.dev/spec/v1.0/verification_summary.
type vsaShape struct{ want policy.VSA }

// summary is what a verification summary of either version says.
type summary struct {
	verifier, policy, resource, result string
	levels                             []string
	// at is when it was verified, zero where it does not say.
	at time.Time
}

func (v vsaShape) describe(set func(name, value string)) {
	set("vsa.verifier", v.want.Verifier)
	set("vsa.policy", v.want.Policy)
	set("vsa.levels", strings.Join(v.want.Levels, " and "))
	set("vsa.result", "PASSED")
}

func (v vsaShape) judge(q *question, s *Statement) *Difference {
	r, err := parseSummary(s)
	if err != nil {
		return misshapen("a SLSA verification summary", err)
	}
	switch {
	case v.want.Verifier == "" || r.verifier != v.want.Verifier:
		return violated(problemContent, AttestationVerifierMismatch, "verifier.id", v.want.Verifier, brief(r.verifier))
	case v.want.Policy != "" && r.policy != v.want.Policy:
		return violated(problemContent, AttestationPolicyMismatch, "policy.uri", v.want.Policy, brief(r.policy))
	case !q.isResource(r.resource):
		return violated(problemContent, AttestationResourceMismatch, "resourceUri", q.rule.Canonical+"@"+q.facts.image.Digest, brief(r.resource))
	case r.result != "PASSED":
		return violated(problemContent, AttestationNotPassed, "verificationResult", "PASSED", brief(r.result))
	case slices.Contains(r.levels, "FAILED"):
		return violated(problemContent, AttestationNotPassed, "verifiedLevels", "no FAILED", "FAILED")
	}
	for _, level := range v.want.Levels {
		if !slices.ContainsFunc(r.levels, func(found string) bool { return serves(found, level) }) {
			found := strings.Join(r.levels, ", ")
			return violated(problemContent, AttestationLevelMissing, "verifiedLevels", level, brief(found),
				Violation{Rule: "vsa.levels", Component: level, Problem: "it is not among the verified levels"})
		}
	}
	return afterSigning(q, s, "timeVerified", r.at)
}

// slsaLevel is a level of one of SLSA's tracks; version 0.2 had one track without a name.
var slsaLevel = regexp.MustCompile(`\A(SLSA_(?:[A-Z]+_)*LEVEL_)([0-9])\z`)

// serves reports whether a verified level is the wanted one, or a higher one of the
// same SLSA track, which implies it.
func serves(found, wanted string) bool {
	if found == wanted {
		return wanted != ""
	}
	f, w := slsaLevel.FindStringSubmatch(found), slsaLevel.FindStringSubmatch(wanted)
	if f == nil || w == nil || f[1] != w[1] {
		return false
	}
	has, _ := strconv.Atoi(f[2])
	needs, _ := strconv.Atoi(w[2])
	return has >= needs
}

// parseSummary reads the two versions, which spell the same members differently.
func parseSummary(s *Statement) (summary, error) {
	resource, result, at := "resourceUri", "verificationResult", "timeVerified"
	switch s.predicateType {
	case predicateVSAV1:
	case predicateVSAV02:
		resource, result, at = "resource_uri", "verification_result", "time_verified"
	default:
		return summary{}, fmt.Errorf("its type is %q; wanted %q or %q", s.predicateType, predicateVSAV1, predicateVSAV02)
	}
	o, err := readPredicate(s, maxShape, "verifier", "policy", resource, result, at, "verifiedLevels", "policy_level")
	if err != nil {
		return summary{}, err
	}
	var r summary
	verifier, err := o.member("verifier", "id")
	if err != nil {
		return summary{}, err
	}
	if r.verifier, err = verifier.text("id"); err != nil {
		return summary{}, err
	}
	by, err := o.member("policy", "uri")
	if err != nil {
		return summary{}, err
	}
	if r.policy, err = by.text("uri"); err != nil {
		return summary{}, err
	}
	if r.resource, err = o.text(resource); err != nil {
		return summary{}, err
	}
	if r.result, err = o.text(result); err != nil {
		return summary{}, err
	}
	if r.at, err = o.time(at); err != nil {
		return summary{}, err
	}
	if s.predicateType == predicateVSAV1 {
		r.levels, err = o.words("verifiedLevels")
		return r, err
	}
	level, err := o.textOr("policy_level")
	if level != "" {
		r.levels = []string{level}
	}
	return r, err
}
