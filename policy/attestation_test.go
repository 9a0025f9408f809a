package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

// attest puts the fields of one attestation on line 7, from column 11.
func attest(fields string) string {
	return head + "images:\n  - match: ghcr.io/o/n\n    attestations:\n      a: {" + fields + ", " + anybody + "}\n"
}

// typed is attest with a type before the fields, which begin in column 24.
func typed(fields string) string { return attest(`type: "urn:a",` + fields) }

func TestParseAttestations(t *testing.T) {
	p := parse(t, head+`images:
  - match: ghcr.io/o/n
    attestations:
      vsa: {type: https://slsa.dev/verification_summary/v1, vsa: {verifier: "https://example.com/v", policy: "https://example.com/p", levels: [SLSA_BUILD_LEVEL_3, OURS]}, `+anybody+`}
      scan:
        type: https://in-toto.io/attestation/vulns/v0.2
        `+anybody+`
        max_age: 7d
        scan: {scanners: ["https://example.com/s"], max_age: 7d, database_age: 3d, deny: [critical, high], allow: [CVE-2024-1]}
      vex: {type: https://openvex.dev/ns/v0.2.0, max_age: 90d, vex: {statuses: [not_affected, fixed], authors: [us]}, `+anybody+`}
      tests: {type: https://in-toto.io/attestation/test-result/v0.1, tests: {passed: [unit, end to end]}, `+anybody+`}
      all-tests: {type: https://in-toto.io/attestation/test-result/v0.1, tests: passed, `+anybody+`}
      release-metadata:
        type: https://github.com/o/n/release-metadata
        `+anybody+`
        metadata: {image: a, digest: digest, version: b, tag: tag, repository: c, ref: d, commit: build.commit, workflow: e, run: f, time: build.timestamp}
        rules: [{expr: "predicate.commit == source.commit"}]
      0-there: {type: "urn:example:there", `+anybody+`}
`)
	var names []string
	by := map[string]policy.Attestation{}
	for _, a := range p.Rules[0].Attestations {
		names = append(names, a.Name)
		by[a.Name] = a
	}
	equal(t, "names", names, []string{"0-there", "all-tests", "release-metadata", "scan", "tests", "vex", "vsa"})
	equal(t, "type", by["0-there"].Type, "urn:example:there")
	equal(t, "vsa", *by["vsa"].VSA, policy.VSA{Verifier: "https://example.com/v", Policy: "https://example.com/p", Levels: []string{"SLSA_BUILD_LEVEL_3", "OURS"}})
	equal(t, "scan", *by["scan"].Scan, policy.Scan{
		Scanners: []string{"https://example.com/s"}, MaxAge: 7 * 24 * time.Hour, DatabaseAge: 3 * 24 * time.Hour, Deny: []string{"critical", "high"}, Allow: []string{"CVE-2024-1"},
	})
	equal(t, "vex", *by["vex"].VEX, policy.VEX{Statuses: []string{"not_affected", "fixed"}, Authors: []string{"us"}})
	equal(t, "tests", *by["tests"].Tests, policy.Tests{Passed: []string{"unit", "end to end"}})
	equal(t, "all tests", *by["all-tests"].Tests, policy.Tests{})
	equal(t, "metadata", *by["release-metadata"].Metadata, policy.Metadata{
		Image: "a", Digest: "digest", Version: "b", Tag: "tag", Repository: "c", Ref: "d", Commit: "build.commit", Workflow: "e", Run: "f", Time: "build.timestamp",
	})
	for name, want := range map[string]policy.Select{"scan": policy.SelectNewest, "vex": policy.SelectNewest, "vsa": policy.SelectAny, "0-there": policy.SelectAny} {
		equal(t, name+" select", by[name].Select, want)
	}
	equal(t, "a scan of choice", parse(t, typed("select: any, scan: {deny: [critical]}")).Rules[0].Attestations[0].Select, policy.SelectAny)
}

func TestRefuseAttestation(t *testing.T) {
	const uri = "; wanted a whole URI, such as https://example.com/release/v1, without wildcards"
	const member = "; wanted the names of members with dots between, such as build.timestamp"
	at := "p.yaml:7:"
	cases := []refusal{
		{"nobody", rule("match: ghcr.io/o/n, attestations: {a: {type: urn:a}}"), []string{`p.yaml:5:44: attestations.a has no "signer"; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}`}},
		{"no type", attest("on: index"), []string{at + `10: attestations.a has no "type"; wanted the predicate type, such as https://in-toto.io/attestation/vulns/v0.2`}},
		{"none", rule("match: ghcr.io/o/n, attestations: {}"), []string{"p.yaml:5:40: attestations is an empty mapping; wanted a mapping"}},
		{"a name", rule("match: ghcr.io/o/n, attestations: {A: {}}"), []string{`p.yaml:5:44: the name of an attestation is "A"; wanted lower-case letters, digits and '-', at most 63`}},
		{"a name with a dot", rule("match: ghcr.io/o/n, attestations: {a.b: {}}"), []string{`p.yaml:5:46: the name of an attestation is "a.b"; wanted lower-case letters, digits and '-', at most 63`}},
		{"no level", typed(`vsa: {verifier: "urn:v", levels: [SLSA_BUILD_LEVEL_4]}`), []string{at + `59: attestations.a.vsa.levels is "SLSA_BUILD_LEVEL_4"; wanted a level such as SLSA_BUILD_LEVEL_3`}},
		{"failed", typed(`vsa: {verifier: "urn:v", levels: [FAILED]}`), []string{at + `59: attestations.a.vsa.levels is "FAILED"; wanted a level such as SLSA_BUILD_LEVEL_3`}},
		{"no verifier", typed(`vsa: {levels: [A]}`), []string{at + `30: attestations.a.vsa has no "verifier"; wanted the URI of who verified, as verifier.id says`}},
		{"a severity", typed(`max_age: 1d, scan: {deny: [Critical]}`), []string{at + `52: attestations.a.scan.deny is "Critical"; wanted one of critical, high, medium, low, unknown`}},
		{"a scanner", typed(`max_age: 1d, scan: {scanners: [trivy]}`), []string{at + `56: attestations.a.scan.scanners is "trivy"` + uri}},
		{"allowed of nothing", typed(`max_age: 1d, scan: {allow: [CVE-1]}`), []string{at + `44: attestations.a.scan allows vulnerabilities and denies none; wanted deny beside allow, such as deny: [critical, high]`}},
		{"a pattern of ids", typed(`max_age: 1d, scan: {deny: [high], allow: ["CVE-*"]}`), []string{at + `67: attestations.a.scan.allow is "CVE-*"; wanted one identity exactly, without wildcards and variables`}},
		{"a status", typed(`max_age: 1d, vex: {statuses: [ok]}`), []string{at + `55: attestations.a.vex.statuses is "ok"; wanted one of not_affected, affected, fixed, under_investigation`}},
		{"an empty shape", typed(`metadata: {}`), []string{at + `35: attestations.a.metadata is an empty mapping; wanted a mapping with commit, digest, image, ref, repository, run, tag, time, version, workflow`}},
		{"tests of another kind", typed(`tests: failed`), []string{at + `32: attestations.a.tests is "failed"; wanted one of passed`}},
		{"a test twice", typed(`tests: {passed: [a, a]}`), []string{at + `45: attestations.a.tests.passed has "a" twice`}},
		{"two shapes", typed(`metadata: {tag: tag}, tests: passed`), []string{at + `54: attestations.a has tests beside metadata; wanted one shape, and another attestation for the other`}},
		{"a scan of any age", typed(`scan: {deny: [high]}`), []string{at + `10: attestations.a selects the newest statement, and the registry can hold that back; wanted max_age beside it, such as max_age: 90d, or select: any`}},
		{"VEX of any age", typed(`vex: {authors: [us]}`), []string{at + `10: attestations.a selects the newest statement, and the registry can hold that back; wanted max_age beside it, such as max_age: 90d, or select: any`}},
	}
	for _, s := range []string{"release", "https://example.com/*", "https://", "//example.com/a", "https://example.com/{version}", "https://example.com/a b"} {
		cases = append(cases, refusal{"type " + s, attest("type: \"" + s + "\""), []string{at + fmt.Sprintf("17: attestations.a.type is %q", s) + uri}})
	}
	for _, s := range []string{".a", "a.", "a..b", "a[0]", "$.a b", "*", strings.Repeat("a.", 16) + "a"} {
		cases = append(cases, refusal{"path " + s, typed("metadata: {commit: \"" + s + "\"}"), []string{at + fmt.Sprintf("44: attestations.a.metadata.commit is %q", s) + member}})
	}
	refuse(t, cases)

	var many strings.Builder
	for i := range 33 {
		fmt.Fprintf(&many, "a%d: {}, ", i)
	}
	refuse(t, []refusal{{"too many", rule("match: ghcr.io/o/n, attestations: {" + many.String() + "}"), []string{"p.yaml:5:40: attestations has 33 names; wanted at most 32"}}})
}
