package lab

import (
	"strings"
	"time"
)

// Predicate types of attestations about a release.
const (
	MetadataPredicateType    = "https://github.com/acme/widget/release-metadata"
	VSAPredicateType         = "https://slsa.dev/verification_summary/v1"
	VSAv02PredicateType      = "https://slsa.dev/verification_summary/v0.2"
	TestResultPredicateType  = "https://in-toto.io/attestation/test-result/v0.1"
	VulnsPredicateType       = "https://in-toto.io/attestation/vulns/v0.2"
	VulnsV01PredicateType    = "https://in-toto.io/attestation/vulns/v0.1"
	CosignVulnPredicateType  = "https://cosign.sigstore.dev/attestation/vuln/v1"
	OpenVEXPredicateType     = "https://openvex.dev/ns/v0.2.0"
	OpenVEXv001PredicateType = "https://openvex.dev/ns/v0.0.1"
)

// DefaultVerifier and DefaultVSAPolicy are of the verification summary of a good release.
const (
	DefaultVerifier  = "https://verifier.example/releases"
	DefaultVSAPolicy = "https://verifier.example/policies/widget"
)

// ReleaseMetadata returns a statement of what a release workflow knows of its release: digest, commit, tag and build
// timestamp, as the first user of assay writes them, and everything else that a policy can ask for.
func ReleaseMetadata(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	repository := "https://github.com/" + DefaultRepo
	return Statement(StatementV1, MetadataPredicateType, Subjects(name, digest), object{
		"image":   name,
		"digest":  digest,
		"version": DefaultTag,
		"tag":     strings.TrimPrefix(DefaultRef, "refs/tags/"),
		"source":  object{"repository": repository, "ref": DefaultRef, "commit": DefaultCommit},
		"build": object{
			"workflow":  repository + "/" + DefaultWorkflow + "@" + DefaultRef,
			"run":       repository + "/actions/runs/" + DefaultRunID + "/attempts/1",
			"timestamp": at.UTC().Format(time.RFC3339),
		},
	}, edits...)
}

// VSA returns a SLSA verification summary, version 1, of an image that passed at build level 3.
func VSA(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, VSAPredicateType, Subjects(name, digest), object{
		"verifier":           object{"id": DefaultVerifier},
		"timeVerified":       at.UTC().Format(time.RFC3339),
		"resourceUri":        imagePURL(name, digest),
		"policy":             object{"uri": DefaultVSAPolicy, "digest": object{"sha256": hexDigest("policy")}},
		"inputAttestations":  []object{{"uri": name, "digest": object{"sha256": hexDigest("provenance")}}},
		"verificationResult": "PASSED",
		"verifiedLevels":     []string{"SLSA_BUILD_LEVEL_3"},
		"slsaVersion":        "1.0",
	}, edits...)
}

// VSAv02 returns a verification summary of version 0.2, which had one track of levels.
func VSAv02(name, digest string, at time.Time, edits ...Edit) ([]byte, error) {
	return Statement(StatementV01, VSAv02PredicateType, Subjects(name, digest), object{
		"verifier":            object{"id": DefaultVerifier},
		"time_verified":       at.UTC().Format(time.RFC3339),
		"resource_uri":        name + "@" + digest,
		"policy":              object{"uri": DefaultVSAPolicy, "digest": object{"sha256": hexDigest("policy")}},
		"verification_result": "PASSED",
		"policy_level":        "SLSA_LEVEL_3",
	}, edits...)
}

// TestResult returns an in-toto test result in which two suites passed.
func TestResult(name, digest string, edits ...Edit) ([]byte, error) {
	return Statement(StatementV1, TestResultPredicateType, Subjects(name, digest), object{
		"result": "PASSED",
		"configuration": []object{{
			"name":   DefaultWorkflow,
			"digest": object{"gitBlob": commitOf("workflow")},
		}},
		"url":         "https://github.com/" + DefaultRepo + "/actions/runs/" + DefaultRunID,
		"passedTests": []string{"unit", "integration"},
		"warnedTests": []string{},
		"failedTests": []string{},
	}, edits...)
}

// imagePURL is the package URL of an image, with its digest and where it lies.
func imagePURL(name, digest string) string {
	short := name[strings.LastIndex(name, "/")+1:]
	return "pkg:oci/" + short + "@sha256%3A" + hexOf(digest) + "?repository_url=" + strings.ReplaceAll(name, "/", "%2F")
}
