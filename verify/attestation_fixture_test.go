package verify_test

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// shapeCase is an attestation of one shape that meets everything that its demand can say.
type shapeCase struct {
	name string
	make func(edits ...lab.Edit) []byte
	want policy.Attestation
}

func shapeCases() []shapeCase {
	at := func(f func(string, string, time.Time, ...lab.Edit) ([]byte, error)) func(...lab.Edit) []byte {
		return func(edits ...lab.Edit) []byte { return must(f(imageName, imageDigest, then, edits...)) }
	}
	metadata := &policy.Metadata{
		Image: "image", Digest: "digest", Version: "version", Tag: "tag", Repository: "source.repository", Ref: "source.ref",
		Commit: "source.commit", Workflow: "build.workflow", Run: "build.run", Time: "build.timestamp",
	}
	scan := func(scanner, id string) *policy.Scan {
		return &policy.Scan{
			Scanners: []string{scanner}, MaxAge: 7 * 24 * time.Hour, DatabaseAge: 3 * 24 * time.Hour,
			Deny: []string{"critical", "high", "low"}, Allow: []string{id},
		}
	}
	trivy, cve := lab.DefaultScanner, "CVE-2025-1000"
	vex := &policy.VEX{Statuses: []string{"not_affected", "fixed"}, Authors: []string{lab.DefaultVEXAuthor}}
	vsa := func(level string) *policy.VSA {
		return &policy.VSA{Verifier: lab.DefaultVerifier, Policy: lab.DefaultVSAPolicy, Levels: []string{level}}
	}
	return []shapeCase{
		{"metadata", at(lab.ReleaseMetadata), policy.Attestation{Type: lab.MetadataPredicateType, Metadata: metadata}},
		{"scan in-toto 0.2", at(lab.Scan), policy.Attestation{Type: lab.VulnsPredicateType, Scan: scan(trivy, cve)}},
		{"scan in-toto 0.1", at(lab.ScanV01), policy.Attestation{Type: lab.VulnsV01PredicateType, Scan: scan(trivy, cve)}},
		{"scan Trivy", at(lab.ScanTrivy), policy.Attestation{Type: lab.CosignVulnPredicateType, Scan: scan(trivy, cve)}},
		{"scan Grype", at(lab.ScanGrype), policy.Attestation{Type: lab.CosignVulnPredicateType, Scan: scan("pkg:github/anchore/grype", "GHSA-aaaa-bbbb-cccc")}},
		{"vex 0.2.0", at(lab.OpenVEX), policy.Attestation{Type: lab.OpenVEXPredicateType, VEX: vex}},
		{"vex 0.0.1", at(lab.OpenVEXv001), policy.Attestation{Type: lab.OpenVEXv001PredicateType, VEX: vex}},
		{"vsa 1", at(lab.VSA), policy.Attestation{Type: lab.VSAPredicateType, VSA: vsa("SLSA_BUILD_LEVEL_2")}},
		{"vsa 0.2", at(lab.VSAv02), policy.Attestation{Type: lab.VSAv02PredicateType, VSA: vsa("SLSA_LEVEL_3")}},
		{"tests", func(edits ...lab.Edit) []byte { return must(lab.TestResult(imageName, imageDigest, edits...)) },
			policy.Attestation{Type: lab.TestResultPredicateType, Tests: &policy.Tests{Passed: []string{"unit"}}}},
	}
}

// shapeOf returns one of the cases.
func shapeOf(t testing.TB, name string) shapeCase {
	t.Helper()
	for _, c := range shapeCases() {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no shape %q", name)
	return shapeCase{}
}

// attested is the id of the check that [attesting] demands.
const attested = "attestations.it"

// attesting is a policy that demands one attestation by the release workflow.
func attesting(t testing.TB, want policy.Attestation) *policy.Policy {
	t.Helper()
	p := policyOf(t, "source: "+sourceYAML, signatureYAML)
	rule := &p.Rules[0]
	selects := want.Select
	want.Name, want.Demand = "it", demandOf(*rule.Signature, want.Demand)
	if selects != "" {
		want.Select = selects
	}
	rule.Signature, rule.Attestations = nil, []policy.Attestation{want}
	return p
}

// demandOf is the demand of a signature with the bounds of another.
func demandOf(s policy.Signature, bounds policy.Demand) policy.Demand {
	d := s.Demand
	d.MaxAge = bounds.MaxAge
	return d
}

// attest judges attestations under a policy that demands one such.
func (s *stage) attest(t testing.TB, want policy.Attestation, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	return s.judge(t, attesting(t, want), imageRef, options(), pieces...)
}

// attestation is a statement by the release workflow as a bundle.
func (s *stage) attestation(statement []byte) verify.Piece {
	return bundleBy(s.issue(workflow()), statement)
}
