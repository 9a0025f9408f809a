package policy_test

import (
	"fmt"

	"github.com/releaseassay/assay/policy"
)

func ExampleParse() {
	p, err := policy.Parse("policy.yaml", []byte(`
apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: shop}
images:
  - match: ghcr.io/example/*
    source: {repository: example/shop, ref: "refs/tags/v{version}"}
    provenance: {builder: {level: 3}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	rule, ok := p.Rule("ghcr.io/example/shop")
	fmt.Println(ok, rule.Provenance.Sources[0].Repository, rule.Provenance.Builder.Level)
	// Output: true https://github.com/example/shop 3
}

func ExampleParse_refused() {
	_, err := policy.Parse("policy.yaml", []byte(`
apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: shop}
images:
  - match: ghcr.io/example/*
    sauce: {repository: example/shop}
    signature: {}
`))
	fmt.Println(err)
	// Output:
	// policy.yaml:7:5: found unknown key "sauce" in images; wanted one of attestations, consistency, evidence, freshness, grace, match, mirrors, mode, places, platforms, provenance, release, sbom, signature, source, tags
	// policy.yaml:8:16: signature is an empty mapping; wanted a mapping with max_age, on, select, signer, source, trust
}
