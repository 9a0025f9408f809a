package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/releaseassay/assay/internal/lab"
)

// builder is a builder that a policy may demand, and how.
type builder struct {
	name, demand string
}

// builders are the two that attest every release: the container generator's provenance is v0.2, GitHub's own v1.
func builders() []builder {
	return []builder{
		{"generator", `
      signer:
        issuer: ` + lab.GitHubIssuer + `
        identity: https://github.com/` + lab.GeneratorRepository + "/" + lab.ContainerGenerator + `@refs/tags/v*
        trigger: push
        runner: github-hosted
      builder:
        id: https://github.com/` + lab.GeneratorRepository + "/" + lab.ContainerGenerator + `
        level: 3`},
		{"github", `
      signer: release
      builder: {id: "https://github.com/actions/runner/github-hosted", level: 2}`},
	}
}

// The checks that the policy leads to, as the verdict names them.
const (
	checkSignature   = "signature"
	checkProvenance  = "provenance"
	checkSBOM        = "sbom"
	checkAttestation = "attestations.release-metadata"
	checkConsistency = "consistency"
	checkPlatforms   = "platforms" // of an index alone
)

// policyText writes the policy that every release is judged by: a signature, provenance by a builder, a bill of
// materials and metadata of the project's own, all of acme/widget at the tag of the version, and all under one trusted
// root, of which name and content are given.
func policyText(b builder, rootName string, root []byte) []byte {
	return fmt.Appendf(nil, `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: e2e-%[1]s}
trust:
  e2e: {file: %[3]s, sha256: "%[4]x"}
identities:
  signers:
    release: {issuer: %[5]q, workflow: %[6]s, trigger: push, runner: github-hosted}
images:
  - match: 127.0.0.1:*/**
    tags: {version: "{version}"}
    source: {repository: %[7]s, repository_id: "%[8]s", owner_id: "%[9]s", ref: "refs/tags/v{version}"}
    signature: {trust: e2e, signer: release}
    provenance:
      trust: e2e%[2]s
    sbom: {trust: e2e, signer: release, format: cyclonedx, schema: strict, describes: image}
    attestations:
      release-metadata:
        type: %[10]s
        trust: e2e
        signer: release
        metadata: {image: image, digest: digest, version: version, tag: tag, commit: source.commit, run: build.run, time: build.timestamp}
        rules: [{name: same-commit, expr: "predicate.source.commit == source.commit"}]
    consistency: {required: [digest, repository, ref, commit]}
`, b.name, b.demand, rootName, sha256.Sum256(root), lab.GitHubIssuer, lab.DefaultWorkflow,
		lab.DefaultRepo, lab.DefaultRepositoryID, lab.DefaultOwnerID, lab.MetadataPredicateType)
}

// policyFile is where the policy of a builder under a trusted root lies: beside the root.
func policyFile(b builder, rootFile string) string { return rootFile + "." + b.name + ".yaml" }

// writePolicies writes those of all builders under a trusted root.
func writePolicies(rootFile string) error {
	root, err := os.ReadFile(rootFile)
	if err != nil {
		return fmt.Errorf("read trusted root: %w", err)
	}
	for _, b := range builders() {
		if err := os.WriteFile(policyFile(b, rootFile), policyText(b, filepath.Base(rootFile), root), 0o600); err != nil {
			return fmt.Errorf("write policy: %w", err)
		}
	}
	return nil
}
