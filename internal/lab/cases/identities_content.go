package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// bySigner demands the release workflow's signature on a document.
const bySigner = "signer: {issuer: " + lab.GitHubIssuer + ", workflow: " + lab.DefaultWorkflow + "}"

func sbomDemands() []demand {
	rule := Standard("sbom: {" + bySigner + ", %s}")
	// The document of this one lists a second component, of which nothing is known, breaks the schema by it, and does not
	// say what it describes.
	loose := func(_ *Bench, r *lab.Release) ([]byte, error) {
		return lab.CycloneDX(r.Repository, r.Image.Digest(), func(s map[string]any) {
			document := s["predicate"].(map[string]any)
			document["components"] = append(document["components"].([]any), map[string]any{"type": "library", "name": "other", "scope": "sometimes"})
			document["metadata"].(map[string]any)["component"] = map[string]any{"type": "container", "name": "widget"}
		})
	}
	return []demand{
		{
			under: "sbom", rule: rule, also: attested(ourWorkflow(), aboutSBOM),
			fields: []field{
				{words: "sbom format", holds: "format: cyclonedx", never: "format: spdx", code: "sbom.format_mismatch"},
				{words: "sbom max size", holds: "max_size: 1MiB", never: "max_size: 64", code: "sbom.too_large"},
				{words: "sbom denied licenses", holds: `deny_licenses: ["GPL-*"]`, never: `deny_licenses: ["BSD-*"]`, code: "sbom.license_denied"},
				{words: "sbom required licenses", holds: "require_licenses: [BSD-3-Clause]", never: "require_licenses: [MIT]", code: "sbom.license_missing"},
				{words: "sbom denied components", holds: `deny_components: [{purl: "pkg:npm/event-stream"}]`, never: `deny_components: [{purl: "pkg:golang/*"}]`, code: "sbom.component_denied"},
				{words: "sbom denied versions", holds: `deny_components: [{purl: "pkg:golang/golang.org/x/text", versions: "<0.41.0"}]`, never: `deny_components: [{purl: "pkg:golang/golang.org/x/text", versions: "<0.42.0"}]`, code: "sbom.component_denied"},
				{words: "sbom min components", holds: "min_components: 1", never: "min_components: 1000", code: "sbom.too_few_components"},
				{words: "sbom ntia", never: "ntia: true", code: "sbom.ntia_incomplete"},
				{words: "sbom hash coverage", never: "hash_coverage: 0.5", code: "sbom.hash_coverage"},
				{words: "sbom document age", holds: "max_document_age: 3650d", never: "max_document_age: 1d", code: "sbom.document_too_old"},
				{words: "sbom rules", holds: `rules: [{expr: "components.size() > 0"}]`, never: `rules: [{expr: "components.size() > 100"}]`, code: "sbom.rule_violated"},
				{words: "sbom max age", holds: "max_age: 90d", never: "max_age: 1s", code: "sbom.too_old"},
				{words: "sbom on", holds: "on: index", never: "on: platforms", code: "sbom.missing"},
			},
		},
		{
			under: "sbom", rule: rule, also: attested(ourWorkflow(), loose),
			fields: []field{
				{words: "sbom schema", holds: "schema: warn", never: "schema: strict", code: "sbom.schema_invalid"},
				{words: "sbom purl coverage", holds: "purl_coverage: 0.4", never: "purl_coverage: 0.9", code: "sbom.purl_coverage"},
				{words: "sbom unknown versions", holds: "unknown_versions: 0.6", never: "unknown_versions: 0.1", code: "sbom.versions_unknown"},
				{words: "sbom describes", never: "describes: image", code: "sbom.describes_nothing"},
			},
		},
	}
}

// documented is a rule that demands one named attestation, with a place in it.
func documented(predicateType, more string) []string {
	return Standard("attestations:", "  document: {type: "+predicateType+", "+bySigner+", "+more+"}")
}

func metadataDemands() []demand {
	const check, missing = "attestations.document", "attestation.field_missing"
	var members []field
	for _, m := range []struct{ name, path string }{
		{"image", "image"}, {"digest", "digest"}, {"version", "version"}, {"tag", "tag"}, {"repository", "source.repository"}, {"ref", "source.ref"},
		{"commit", "source.commit"}, {"workflow", "build.workflow"}, {"run", "build.run"}, {"time", "build.timestamp"},
	} {
		members = append(members, field{words: "metadata " + m.name, holds: m.name + ": " + m.path, never: m.name + ": nowhere", code: missing, check: check})
	}
	also := attested(ourWorkflow(), aboutMetadata)
	spoilt := parts(also, attested(ourWorkflow(), func(b *Bench, r *lab.Release) ([]byte, error) {
		return lab.ReleaseMetadata(r.Repository, r.Image.Digest(), b.Now(), lab.Set("predicate.tag", "v9.9.9"))
	}))
	return []demand{
		{under: "attestations.document.metadata", rule: documented(lab.MetadataPredicateType, "metadata: {%s}"), also: also, fields: members},
		{
			under: "attestations.document", rule: documented(lab.MetadataPredicateType, "%s"), also: also,
			fields: []field{
				{words: "attestation rules", holds: `rules: [{expr: "predicate.tag == 'v' + version"}]`, never: `rules: [{expr: "predicate.tag == 'v9.9.9'"}]`, code: "attestation.rule_violated", check: check},
				{words: "attestation max age", holds: "max_age: 90d", never: "max_age: 1s", code: "attestation.too_old", check: check},
				{words: "attestation on", holds: "on: index", never: "on: platforms", code: "attestation.missing", check: check},
			},
		},
		{
			under: "attestations.document", rule: Standard("attestations:", "  document: {%s, "+bySigner+"}"), also: also,
			fields: []field{{words: "attestation type", holds: "type: " + lab.MetadataPredicateType, never: "type: " + lab.MetadataPredicateType + "/v2", code: "attestation.missing", check: check}},
		},
		{
			under: "attestations.document, where one of two names another tag", also: spoilt,
			rule:   documented(lab.MetadataPredicateType, "metadata: {tag: tag}, %s"),
			fields: []field{{words: "attestation select", holds: "select: any", never: "select: all", code: "attestation.field_mismatch", check: check}},
		},
	}
}

func shapeDemands() []demand {
	const check = "attestations.document"
	shape := func(predicateType, name, more string, statement part, fields ...field) demand {
		for i := range fields {
			fields[i].check = check
		}
		return demand{under: check + "." + name, rule: documented(predicateType, name+": {%s}"+more), also: statement, fields: fields}
	}
	aboutScan := func(b *Bench, r *lab.Release) ([]byte, error) {
		return lab.Scan(r.Repository, r.Image.Digest(), b.Now())
	}
	aboutVEX := func(b *Bench, r *lab.Release) ([]byte, error) {
		return lab.OpenVEX(r.Repository, r.Image.Digest(), b.Now())
	}
	aboutTests := func(_ *Bench, r *lab.Release) ([]byte, error) {
		return lab.TestResult(r.Repository, r.Image.Digest())
	}
	const (
		verifier = "verifier: " + lab.DefaultVerifier
		newest   = ", max_age: 7d" // of these the newest counts, and it needs an age
	)
	scan := shape(lab.VulnsPredicateType, "scan", newest, attested(ourWorkflow(), aboutScan),
		field{words: "scanners", holds: `scanners: ["` + lab.DefaultScanner + `"]`, never: `scanners: ["pkg:github/anchore/grype"]`, code: "attestation.scanner_mismatch"},
		field{words: "scan max age", holds: "max_age: 7d", never: "max_age: 1s", code: "attestation.scan_too_old"},
		field{words: "scan database age", holds: "database_age: 3d", never: "database_age: 1h", code: "attestation.database_too_old"},
		field{words: "scan deny", holds: "deny: [critical, high]", never: "deny: [low]", code: "attestation.severity_denied"},
		field{words: "scan allow", holds: "deny: [low], allow: [CVE-2025-1000]", never: "deny: [low], allow: [CVE-2025-1001]", code: "attestation.severity_denied"},
	)
	vex := shape(lab.OpenVEXPredicateType, "vex", newest, attested(ourWorkflow(), aboutVEX),
		field{words: "vex statuses", holds: "statuses: [not_affected, fixed]", never: "statuses: [fixed]", code: "attestation.vex_status"},
		field{words: "vex authors", holds: "statuses: [not_affected, fixed], authors: [" + lab.DefaultVEXAuthor + "]", never: "statuses: [not_affected, fixed], authors: [evil@example.com]", code: "attestation.vex_author"},
	)
	return []demand{
		scan, vex,
		shape(lab.VSAPredicateType, "vsa", "", attested(ourWorkflow(), aboutVerification),
			field{words: "vsa verifier", holds: verifier, never: verifier + "/other", code: "attestation.verifier_mismatch"},
			field{words: "vsa policy", holds: verifier + ", policy: " + lab.DefaultVSAPolicy, never: verifier + ", policy: " + lab.DefaultVSAPolicy + "/other", code: "attestation.policy_mismatch"},
			field{words: "vsa levels", holds: verifier + ", levels: [SLSA_BUILD_LEVEL_3]", never: verifier + ", levels: [SLSA_SOURCE_LEVEL_3]", code: "attestation.level_missing"},
		),
		shape(lab.TestResultPredicateType, "tests", "", attested(ourWorkflow(), aboutTests),
			field{words: "tests passed", holds: "passed: [unit]", never: "passed: [end-to-end]", code: "attestation.tests_missing"},
		),
	}
}
