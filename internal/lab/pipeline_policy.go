package lab

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// PipelinePolicyOptions are what a policy pins of a [Pipeline] and cannot know before it is there.
type PipelinePolicyOptions struct {
	// Root is the SHA-256, in hexadecimal, of the first root of the TUF repository. Required.
	Root string
	// RepositoryID and OwnerID are the numeric ids of the source. Default: [DefaultRepositoryID] and [DefaultOwnerID].
	RepositoryID, OwnerID string
	// Everything demands a vulnerability scan, VEX, a verification summary and test results besides; see [OptionalParts].
	Everything bool
}

// RootSHA256 is the digest, in hexadecimal, of the TUF root that a policy pins; "" where there is none.
func (p *Pipeline) RootSHA256() string {
	if p.TUF == nil {
		return ""
	}
	sum := sha256.Sum256(p.TUF.FirstRoot())
	return hex.EncodeToString(sum[:])
}

// Policy is the policy that the pipeline's good release meets.
func (p *Pipeline) Policy() []byte {
	return PipelinePolicy(PipelinePolicyOptions{Root: p.RootSHA256()})
}

// PipelinePolicy writes the policy of a project that does everything: the example of the documentation.
func PipelinePolicy(o PipelinePolicyOptions) []byte {
	more := ""
	if o.Everything {
		more = pipelineOptional
	}
	return fmt.Appendf(nil, pipelinePolicy, cmp.Or(o.RepositoryID, DefaultRepositoryID), cmp.Or(o.OwnerID, DefaultOwnerID), more, o.Root)
}

const pipelinePolicy = `# Everything that one project does for its releases, demanded: a signature, provenance, a
# bill of materials and the release's metadata, all by its own workflow at the release's tag,
# and a listing in a TUF repository whose keys people hold.
apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: sd-proxy}
mode: enforce
expires: 2030-06-30

identities:
  signers:
    release:
      issuer: https://token.actions.githubusercontent.com
      workflow: .github/workflows/docker-build-push.yml
      trigger: [push]
      runner: github-hosted
  sources:
    sd-proxy:
      repository: amaanx86/oci-prometheus-sd-proxy
      repository_id: "%s"      # "assay inspect" shows both ids
      owner_id: "%s"
      ref: "refs/tags/v{version}"

images:
  - match: ghcr.io/amaanx86/oci-prometheus-sd-proxy
    tags: {version: "{version}", moving: [latest, "{major}.{minor}"]}
    source: sd-proxy

    signature: {signer: release}

    provenance:
      builder:
        id: https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml
        level: 3

    sbom:
      signer: release
      format: cyclonedx
      schema: strict
      describes: image
      deny_licenses: ["GPL-*", "AGPL-*"]
      deny_components: [{purl: "pkg:npm/event-stream", versions: "<4.0.0"}]
      rules: [{name: no-gpl, expr: "!components.exists(c, c.license.contains('GPL'))"}]

    attestations:
      release-metadata:
        type: https://github.com/amaanx86/oci-prometheus-sd-proxy/release-metadata
        signer: release
        metadata: {digest: digest, commit: commit, tag: tag, time: build.timestamp}
        rules:
          - {name: same-digest, expr: "predicate.digest == image.digest"}
          - {name: same-commit, expr: "predicate.commit == source.commit"}
%s
    release:
      tuf:
        metadata_url: https://amaanx86.github.io/oci-prometheus-sd-proxy-tuf-on-ci/metadata
        targets_url: https://amaanx86.github.io/oci-prometheus-sd-proxy-tuf-on-ci/targets
        root: {file: ./1.root.json, sha256: %s}
      target: oci-prometheus-sd-proxy/releases/v{version}.json
      fields: {digest: digest, version: version, image: image}
      signers: {class: human, people: 1}

    platforms: {require: [linux/amd64, linux/arm64], only: [linux/amd64, linux/arm64]}
    consistency: {required: [commit, repository, version]}
    freshness: {max_age: 365d, listed: true}   # also of what the repository still lists
`

const pipelineOptional = `      scan:
        type: https://in-toto.io/attestation/vulns/v0.2
        signer: release
        max_age: 7d
        scan: {max_age: 7d, database_age: 3d, deny: [critical, high]}
      tests:
        type: https://in-toto.io/attestation/test-result/v0.1
        signer: release
        tests: {passed: [unit, integration]}
      vex:
        type: https://openvex.dev/ns/v0.2.0
        signer: release
        max_age: 90d
        vex: {statuses: [not_affected, fixed], authors: [security@acme.example]}
      vsa:
        type: https://slsa.dev/verification_summary/v1
        signer: release
        vsa: {verifier: https://verifier.example/releases, policy: https://verifier.example/policies/widget, levels: [SLSA_BUILD_LEVEL_3]}
`
