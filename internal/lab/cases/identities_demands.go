package cases

import (
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// demands are policies that a good release meets, with every key that could be ignored.
func demands() []demand {
	return slices.Concat(
		sourceDemands(), signerDemands(), provenanceDemands(), aroundDemands(), denyDemands(), thresholdDemands(), releaseDemands(), sbomDemands(),
		metadataDemands(), shapeDemands(),
	)
}

// open is a place at the end of a mapping in braces.
func open(leg string, depth int) string {
	return leg[:len(leg)-depth] + ", %s" + leg[len(leg)-depth:]
}

func sourceDemands() []demand {
	signature := "signature.source_mismatch"
	return []demand{
		{
			under: "source", rule: []string{open(SourceLeg, 1), SignatureLeg, ProvenanceLeg},
			fields: []field{
				{words: "source repository id", holds: `repository_id: "` + lab.DefaultRepositoryID + `"`, never: `repository_id: "9009"`, code: signature},
				{words: "source owner id", holds: `owner_id: "` + lab.DefaultOwnerID + `"`, never: `owner_id: "9009"`, code: signature},
				{words: "source commit", holds: `commit: "` + lab.DefaultCommit + `"`, never: `commit: "00112233445566778899aabbccddeeff00112233"`, code: signature},
				{words: "source signed from", holds: "signed: {from: 2020-01-01}", never: "signed: {from: 2095-01-01}", code: "signature.outside_window"},
				{words: "source signed until", holds: "signed: {until: 2095-01-01}", never: "signed: {until: 2020-01-01}", code: "signature.outside_window"},
			},
		},
		{
			under: "source", rule: []string{`source: {repository: acme/widget, %s}`, SignatureLeg[:len(SignatureLeg)-2] + `, ref: "refs/tags/v{version}"}}`, ProvenanceLeg},
			fields: []field{
				{words: "source ref", holds: `ref: "refs/tags/v{version}"`, never: "ref: refs/heads/main", code: signature},
				{words: "source ref regexp", holds: `ref_regexp: 'refs/tags/v1\.2\.3'`, never: `ref_regexp: 'refs/tags/v1\.2\.4'`, code: signature},
				{words: "source branch", never: "branch: main", code: signature},
				{words: "source versioned tag", holds: "versioned_tag: v1.2", never: "versioned_tag: v1.3", code: signature},
			},
		},
		{
			under: "source", rule: []string{`source: {ref: "refs/tags/v{version}", %s}`, SignatureLeg, ProvenanceLeg},
			fields: []field{
				{words: "source repository", holds: "repository: acme/widget", never: "repository: acme/gadget", code: "signature.identity_mismatch"},
			},
		},
	}
}

func signerDemands() []demand {
	identity, claim := "signature.identity_mismatch", "signature.claim_mismatch"
	ignoring := []string{"CVE-2025-29778"}
	return []demand{
		{
			under: "signature.signer", advisories: ignoring, rule: []string{SourceLeg, `signature: {signer: {issuer: ` + lab.GitHubIssuer + `, %s}}`, ProvenanceLeg},
			fields: []field{
				{words: "signer identity", holds: "identity: " + goodName, never: `identity: "https://github.com/acme/gadget/**@refs/tags/*"`, code: identity},
				{words: "signer identity regexp", holds: `identity_regexp: 'https://github\.com/acme/widget/.*'`, never: `identity_regexp: 'https://github\.com/acme/gadget/.*'`, code: identity},
				{words: "signer workflow", holds: "workflow: " + lab.DefaultWorkflow, never: "workflow: .github/workflows/other.yml", code: identity},
			},
		},
		{
			under: "signature.signer", advisories: ignoring, rule: []string{SourceLeg, `signature: {signer: {identity: ` + goodName + `, %s}}`, ProvenanceLeg},
			fields: []field{
				{words: "signer issuer", holds: "issuer: " + lab.GitHubIssuer, never: "issuer: https://gitlab.com", code: identity},
			},
		},
		{
			under: "signature.signer", rule: []string{SourceLeg, open(SignatureLeg, 2), ProvenanceLeg},
			fields: []field{
				{words: "signer repository", holds: "repository: acme/widget", never: "repository: acme/build", code: identity},
				{words: "signer ref", holds: "ref: " + lab.DefaultRef, never: "ref: refs/heads/main", code: identity},
				{words: "signer trigger", holds: "trigger: [push]", never: "trigger: [release]", code: claim},
				{words: "signer runner", holds: "runner: github-hosted", never: "runner: self-hosted", code: claim},
				{words: "signer visibility", holds: "visibility: public", never: "visibility: internal", code: claim},
				{words: "signer signed from", holds: "signed: {from: 2020-01-01}", never: "signed: {from: 2095-01-01}", code: "signature.outside_window"},
				{words: "signer signed until", holds: "signed: {until: 2095-01-01}", never: "signed: {until: 2020-01-01}", code: "signature.outside_window"},
			},
		},
		{
			under: "signature", rule: []string{SourceLeg, open(SignatureLeg, 1), ProvenanceLeg},
			fields: []field{
				{words: "signature max age", holds: "max_age: 90d", never: "max_age: 1s", code: "signature.too_old"},
				{words: "signature on", holds: "on: index", never: "on: platforms", code: "signature.missing"},
				{words: "signature source", holds: `source: {repository: acme/widget, ref: "refs/tags/v{version}"}`, never: `source: {repository: acme/gadget, ref: "refs/tags/v{version}"}`, code: identity},
			},
		},
		{
			under: "the signature of a rule that knows a company's root", rule: []string{SourceLeg, open(SignatureLeg, 1), ProvenanceLeg},
			before: func(b *Bench) error {
				corp, err := lab.NewSigstore(lab.Options{Now: b.Now(), Name: "corp"})
				if err != nil {
					return err
				}
				return b.trustBoth(corp)
			},
			fields: []field{
				{words: "signature trust", holds: "trust: public-good", never: "trust: corp", code: "trust.unknown_authority", check: "signature"},
			},
		},
	}
}

func provenanceDemands() []demand {
	const vouched = "https://github.com/acme/build/.github/workflows/build.yml"
	byOurs := func(_ *Bench, r *lab.Release) ([]byte, error) {
		o := r.Provenance()
		o.BuilderID = vouched + "@refs/tags/v1.0.0"
		return lab.ProvenanceGitHub(o)
	}
	return []demand{
		{
			under: "provenance.builder", rule: []string{SourceLeg, SignatureLeg, "provenance: {builder: {%s}}"},
			fields: []field{
				{words: "builder id", holds: "id: https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator, never: "id: https://github.com/" + lab.GeneratorRepository + "/.github/workflows/generator_generic_slsa3.yml", code: "provenance.builder_mismatch"},
				{words: "builder version", holds: "id: https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@v2.1.0", never: "id: https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@v2.0.0", code: "provenance.builder_mismatch"},
			},
		},
		{
			under: "builders", head: []string{"builders: [{id: " + vouched + ", %s}]"},
			rule: []string{SourceLeg, SignatureLeg, "provenance: {builder: {id: " + vouched + ", level: 3}}"},
			also: attested(builderFrom("acme/build", ".github/workflows/build.yml", "refs/tags/v1.0.0"), byOurs),
			fields: []field{
				{words: "builder level", holds: "level: 3", never: "level: 2", code: "provenance.level_too_low"},
			},
		},
		{
			under: "provenance", rule: []string{SourceLeg, SignatureLeg, open(ProvenanceLeg, 1)},
			fields: []field{
				{words: "provenance inputs", never: "inputs: {channel: stable}", code: "provenance.inputs_mismatch"},
				{words: "provenance max age", holds: "max_age: 90d", never: "max_age: 1s", code: "provenance.too_old"},
				{words: "provenance on", holds: "on: index", never: "on: platforms", code: "provenance.missing"},
				{words: "provenance source", holds: `source: {repository: acme/widget, ref: "refs/tags/v{version}"}`, never: `source: {repository: acme/gadget, ref: "refs/tags/v{version}"}`, code: "provenance.source_mismatch"},
			},
		},
		{
			under: "provenance.signer", rule: []string{SourceLeg, SignatureLeg, "provenance: {builder: {level: 3}, signer: {issuer: " + lab.GitHubIssuer + ", %s}}"},
			fields: []field{
				{words: "builder identity", holds: `identity: "https://github.com/slsa-framework/**@refs/tags/*"`, never: `identity: "https://github.com/acme/build/**@refs/tags/*"`, code: "provenance.identity_mismatch"},
				{words: "builder trigger", holds: "trigger: [push]", never: "trigger: [release]", code: "provenance.claim_mismatch"},
				{words: "builder runner", holds: "runner: github-hosted", never: "runner: self-hosted", code: "provenance.claim_mismatch"},
				{words: "builder visibility", holds: "visibility: public", never: "visibility: internal", code: "provenance.claim_mismatch"},
				{words: "builder signed until", holds: "signed: {until: 2095-01-01}", never: "signed: {until: 2020-01-01}", code: "provenance.outside_window"},
			},
		},
	}
}
