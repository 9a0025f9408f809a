package lab

import "time"

// DefaultScanner is the scanner of a good release's scans.
const DefaultScanner = "pkg:github/aquasecurity/trivy@0.58.1"

// Scan returns the result of a vulnerability scan in the in-toto form, version 0.2: one vulnerability of low severity.
// The scan ended at the time, the scanner's database was made six hours earlier.
func Scan(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, VulnsPredicateType, Subjects(name, digest), vulns(at, []object{inTotoVulnerability()}), edits...)
}

// ScanV01 returns the same in version 0.1, in the form that its text describes.
func ScanV01(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, VulnsV01PredicateType, Subjects(name, digest),
		vulns(at, []object{{"vulnerability": inTotoVulnerability()}}), edits...)
}

func inTotoVulnerability() object {
	return object{"id": "CVE-2025-1000", "severity": []object{{"method": "nvd", "score": "low"}, {"method": "cvss_score", "score": "3.1"}}}
}

// ScanTrivy returns a scan in cosign's form with Trivy's report.
func ScanTrivy(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	return Statement(StatementV01, CosignVulnPredicateType, Subjects(name, digest), vulns(at, object{
		"SchemaVersion": 2,
		"ArtifactName":  name,
		"ArtifactType":  "container_image",
		"Results": []object{
			{"Target": "widget (alpine 3.21.0)", "Class": "os-pkgs", "Type": "alpine"},
			{"Target": "usr/bin/widget", "Class": "lang-pkgs", "Type": "gobinary", "Vulnerabilities": []object{{
				"VulnerabilityID": "CVE-2025-1000", "PkgName": "golang.org/x/text", "InstalledVersion": "v0.41.0", "Severity": "LOW",
			}}},
		},
	}), edits...)
}

// ScanGrype returns a scan in cosign's form with Grype's report, which says itself when its database was built.
func ScanGrype(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	predicate := vulns(at, object{
		"matches": []object{{
			"vulnerability": object{"id": "GHSA-aaaa-bbbb-cccc", "severity": "Low", "namespace": "github:language:go"},
			"artifact":      object{"name": "golang.org/x/text", "version": "v0.41.0"},
		}},
		"source": object{"type": "image", "target": object{"userInput": name}},
		"descriptor": object{
			"name": "grype", "version": "0.87.0",
			"db": object{"status": object{"schemaVersion": "v6.0.2", "built": at.Add(-6 * time.Hour).UTC().Format(time.RFC3339)}},
		},
	})
	scanner := predicate["scanner"].(object)
	scanner["uri"], scanner["db"] = "pkg:github/anchore/grype@0.87.0", object{"uri": "", "version": ""}
	return Statement(StatementV01, CosignVulnPredicateType, Subjects(name, digest), predicate, edits...)
}

// vulns is the frame that all forms of scans share.
func vulns(at time.Time, result any) object {
	return object{
		"scanner": object{
			"uri":     DefaultScanner,
			"version": "0.58.1",
			"db":      object{"uri": "pkg:github/aquasecurity/trivy-db", "version": "2", "lastUpdate": at.Add(-6 * time.Hour).UTC().Format(time.RFC3339)},
			"result":  result,
		},
		"metadata": object{
			"scanStartedOn":  at.Add(-time.Minute).UTC().Format(time.RFC3339),
			"scanFinishedOn": at.UTC().Format(time.RFC3339),
		},
	}
}
