package policy_test

import (
	"errors"
	"fmt"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/policy"
)

// shapes, inventories and statements have what [fullPolicy] and [releasePolicy] do not.
const shapes = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: shapes}
mode: {audit: {until: 2026-12-31}}
grace: {undecided: 72h}
expires: 2027-06-30
requires: ">= 0.5.0"
include: [{file: f.yaml}]
identities:
  signers: {release: {issuer: "https://token.actions.githubusercontent.com", workflow: w}}
  sources: {widget: {repository: o/n, ref: "refs/tags/v{version}"}}
deny:
  digests: [{digest: "sha256:` + sha + `", reason: r}]
  versions: [{match: ghcr.io/o/n, version: 1.2.3, reason: r}]
  signed: [{issuer: "https://token.actions.githubusercontent.com", identity: "**", from: 2026-01-01, until: 2026-02-01, reason: r}]
images:
  - match: ghcr.io/o/n
    mode: enforce
    grace: off
    mirrors: [{prefix: m.corp, of: ghcr.io}]
    places: [registry, github]
    evidence: [same, ghcr.io/o/e]
    source: widget
    signature: {signer: [release], on: index, select: all, max_age: 90d, trust: public-good}
    provenance: {builder: {level: 1}, signer: release}
    platforms: {require: [linux/amd64], only: [linux/amd64]}
    consistency: {claims: [commit], required: [commit], labels: true}
    freshness: {max_age: 90d, listed: false}
`

const inventories = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: inventories}
identities: {signers: {release: {issuer: "https://token.actions.githubusercontent.com", identity: "https://github.com/o/n/w@refs/heads/main"}}}
images:
  - match: ghcr.io/o/n
    sbom:
      signer: release
      format: spdx
      schema: warn
      max_size: 16MiB
      deny_licenses: [MIT]
      require_licenses: [Apache-2.0]
      deny_components: [{purl: "pkg:npm/a", versions: "<4.0.0"}]
      min_components: 3
      ntia: true
      purl_coverage: 0.9
      hash_coverage: 0.5
      unknown_versions: 0.1
      max_document_age: 90d
      describes: image
      rules: [{name: a, expr: "size(components) > 1"}]
`

const statements = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: statements}
identities: {signers: {release: {issuer: "https://token.actions.githubusercontent.com", identity: "https://github.com/o/n/w@refs/heads/main"}}}
images:
  - match: ghcr.io/o/n
    attestations:
      metadata: {type: "https://a/b", signer: release, metadata: {digest: a, time: b.c}}
      vex: {type: "https://a/c", signer: release, max_age: 90d, vex: {statuses: [fixed], authors: [a]}}
      vsa: {type: "https://a/d", signer: release, vsa: {verifier: "https://a", policy: "https://b", levels: [SLSA_BUILD_LEVEL_3]}}
      tests: {type: "https://a/e", signer: release, tests: {passed: [a]}}
      rules: {type: "https://a/f", signer: release, rules: [{expr: "version != ''"}]}
`

// The schema accepts every value that the parser accepts: each value of a policy is put in
// every other form in turn, and left out, and where the parser takes that, so does the
// schema.
func TestSchemaHasTheParsersValues(t *testing.T) {
	s, _ := policySchema(t)
	tried := 0
	for _, text := range []string{shapes, inventories, statements, fullPolicy, releasePolicy} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		check := func(where string) {
			b, err := yaml.Marshal(&doc)
			if err != nil {
				t.Fatal(err)
			}
			read := func(path string) ([]byte, error) {
				switch path {
				case "p.yaml":
					return b, nil
				case "f.yaml":
					return []byte(fragment + "images: [{match: other.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}}}]\n"), nil
				}
				return nil, errors.New("no such file")
			}
			if _, err := policy.Load("p.yaml", read); err != nil {
				if where == "" {
					t.Fatal(err)
				}
				return
			}
			tried++
			var v any
			if err := yaml.Unmarshal(b, &v); err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(plain(v)); err != nil {
				t.Errorf("%s: the schema refuses what assay takes: %v", where, err)
			}
		}
		check("")
		vary(doc.Content[0], "", check)
	}
	if tried < 300 {
		t.Errorf("%d policies were taken; does this test still change them?", tried)
	}
}

// vary calls check with each value below n in each other form.
func vary(n *yaml.Node, where string, check func(where string)) {
	for i := range n.Content {
		at := fmt.Sprintf("%s[%d]", where, i)
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				whole := n.Content
				n.Content = append(append([]*yaml.Node{}, whole[:i]...), whole[i+2:]...)
				check(where + "." + whole[i].Value + " left out")
				n.Content = whole
				continue
			}
			at = where + "." + n.Content[i-1].Value
		}
		was := n.Content[i]
		for _, other := range forms(was) {
			n.Content[i] = other
			check(fmt.Sprintf("%s as %s %q", at, other.Tag, other.Value))
		}
		n.Content[i] = was
		vary(was, at, check)
	}
}

// forms are other values than n, some of which say the same.
func forms(n *yaml.Node) []*yaml.Node {
	all := []*yaml.Node{
		{Kind: yaml.SequenceNode, Tag: "!!seq"}, {Kind: yaml.MappingNode, Tag: "!!map"},
		{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{n}},
	}
	for _, word := range []string{"1", "0.5", "true", "off", "passed", "builtin", "90d", "2KiB", "*", "2026-12-31"} {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(word), &doc) != nil { // the stars
			doc.Content = []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: word, Style: yaml.DoubleQuotedStyle}}
		}
		all = append(all, doc.Content[0])
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
		all = append(all, n.Content[0])
	}
	return all
}
