package verify_test

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
	"github.com/releaseassay/assay/verify"
)

// cabinet is a source of several images, each with its evidence, its bytes and its
// configuration by digest.
type cabinet struct {
	images map[string]verify.Image
	pieces map[string][]verify.Piece
	config map[string][]byte
}

// Resolve implements verify.Source.
func (c *cabinet) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	image, ok := c.images[ref.Digest()]
	if !ok {
		return verify.Image{}, &verify.Failure{Code: verify.RegistryNotFound, Class: verify.Definitive, Place: ref.String(), Detail: "it is not there"}
	}
	image.Reference = ref
	return image, nil
}

// Collect implements verify.Source.
func (c *cabinet) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	e := memory{repository: imageName, pieces: c.pieces[image.Digest]}.Collect(ctx, image, want)
	if want.Config {
		e.Config = c.config[image.Digest]
	}
	return e
}

// add keeps the image of a manifest with evidence, and returns a reference to it.
func (c *cabinet) add(mediaType string, manifest []byte, pieces ...verify.Piece) (ref string) {
	digest := digestOf(manifest)
	c.images[digest] = verify.Image{Digest: digest, MediaType: mediaType, Manifest: manifest}
	c.pieces[digest] = pieces
	return imageName + ":1.2.3@" + digest
}

func newCabinet() *cabinet {
	return &cabinet{images: map[string]verify.Image{}, pieces: map[string][]verify.Piece{}, config: map[string][]byte{}}
}

// contentDemands are policies that demand content, platforms, consistency and freshness,
// and that deny.
func contentDemands(s *stage) []demand {
	return []demand{allContent(s), halfRead(s), allAround(s), olderListed(s), ofPlatforms(s), ofBuildKit(s), ofLabels(s)}
}

func contentText(lines ...string) string {
	return policyText(append([]string{`tags: {version: "{version}"}`, "source: " + sourceYAML}, lines...)...)
}

// bounded are keys of a demand that all can have.
const bounded = "trust: public-good, on: either, max_age: 30d, source: " + sourceYAML + ", signer: " + signerYAML

// allContent demands every content of a single image.
func allContent(s *stage) demand {
	signer := s.issue(workflow())
	document := bom(inPredicate("1.2.3", "metadata", "component", "version"), drop("predicate", "metadata", "component", "purl"), func(st map[string]any) {
		other := map[string]any{"type": "library", "name": "other", "scope": "sometimes", "licenses": []any{map[string]any{"license": map[string]any{"id": "MIT"}}}}
		document := st["predicate"].(map[string]any)
		document["components"] = append(document["components"].([]any), other)
	})
	scan := must(lab.Scan(imageName, imageDigest, then, func(st map[string]any) {
		scanner := st["predicate"].(map[string]any)["scanner"].(map[string]any)
		scanner["result"] = append(scanner["result"].([]any), map[string]any{"id": "CVE-2025-2000", "severity": []any{map[string]any{"method": "nvd", "score": "medium"}}})
	}))
	pieces := []verify.Piece{s.signature(), s.provenance()}
	for _, statement := range [][]byte{
		document, scan, must(lab.ReleaseMetadata(imageName, imageDigest, then)), must(lab.OpenVEX(imageName, imageDigest, then)),
		must(lab.VSA(imageName, imageDigest, then)), must(lab.TestResult(imageName, imageDigest)),
	} {
		pieces = append(pieces, bundleBy(signer, statement))
	}
	return demand{name: "content", ref: imageRef, source: memory{repository: imageName, pieces: pieces}, text: contentText(
		signatureYAML, provenanceYAML,
		`sbom: {`+bounded+`, select: any, format: cyclonedx, schema: warn, max_size: 1MiB,
           deny_licenses: ["GPL-*"], require_licenses: [BSD-3-Clause, MIT], min_components: 2, purl_coverage: 0.4, unknown_versions: 0.6, max_document_age: 30d,
           deny_components: [{purl: "pkg:golang/golang.org/x/text", versions: "<0.1.0"}, {purl: "pkg:npm/event-stream", versions: ">=0"}],
           rules: [{name: some, expr: "components.size() > 0"}]}`,
		`attestations:
      metadata: {type: "`+lab.MetadataPredicateType+`", `+bounded+`, select: any,
                 metadata: {image: image, digest: digest, version: version, tag: tag, repository: source.repository, ref: source.ref,
                            commit: source.commit, workflow: build.workflow, run: build.run, time: build.timestamp},
                 rules: [{name: tagged, expr: "predicate.tag == 'v' + version"}]}
      scan: {type: "`+lab.VulnsPredicateType+`", `+bounded+`,
             scan: {scanners: ["`+lab.DefaultScanner+`"], max_age: 7d, database_age: 3d, deny: [critical, high, low], allow: [CVE-2025-1000]}}
      vex: {type: "`+lab.OpenVEXPredicateType+`", `+bounded+`, vex: {statuses: [not_affected, fixed], authors: ["`+lab.DefaultVEXAuthor+`"]}}
      vsa: {type: "`+lab.VSAPredicateType+`", `+bounded+`,
            vsa: {verifier: "`+lab.DefaultVerifier+`", policy: "`+lab.DefaultVSAPolicy+`", levels: [SLSA_BUILD_LEVEL_2]}}
      tests: {type: "`+lab.TestResultPredicateType+`", `+bounded+`, tests: {passed: [unit]}}`,
	)}
}

// halfRead is of a registry that gave some of the evidence and failed to give the rest,
// which matters where all of it has to be good.
func halfRead(s *stage) demand {
	signer := s.issue(workflow())
	return demand{name: "half a registry", focus: regexp.MustCompile(`(?i)\.select$`), ref: imageRef, source: memory{
		repository: imageName,
		pieces:     []verify.Piece{s.signature(), s.provenance(), bundleBy(signer, bom()), bundleBy(signer, must(lab.ReleaseMetadata(imageName, imageDigest, then)))},
		failures: []verify.Failure{{
			Code: verify.RegistryTimeout, Class: verify.Transient, Place: "memory", Layouts: []verify.Layout{verify.LegacySignature, verify.LegacyAttestation},
		}},
	}, text: contentText(signatureYAML, provenanceYAML, sbomYAML(), `attestations: {metadata: {type: "`+lab.MetadataPredicateType+`", signer: `+signerYAML+`}}`)}
}

// allAround says what a policy can say around its demands.
func allAround(s *stage) demand {
	return demand{name: "around", focus: regexp.MustCompile(`(?i)^(Rules\.)?(deny|expires|requires|audit|the policy|mode|identities|freshness)`), ref: imageRef, source: memory{repository: imageName, pieces: []verify.Piece{s.signature()}}, text: policyText(
		"mode: {audit: {until: 2026-12-31}}", "expires: 2027-06-30", `requires: ">= 0.0.1"`,
		"identities: {signers: {release: "+signerYAML+"}, sources: {widget: "+sourceYAML+"}}",
		`deny:
  digests: [{digest: "`+otherDigest+`", reason: withdrawn}]
  versions: [{match: `+imageName+`, version: 9.9.9, reason: broken}, {match: registry.example/acme/other, version: 1.2.3}]
  signed:
    - {issuer: "https://token.actions.githubusercontent.com", identity: "https://github.com/acme/**", from: 2026-01-01, reason: stolen}
    - {issuer: "https://impossible.example", identity: "**"}
    - {identity: impossible}
    - {identity: "**", until: 2024-01-01}`,
		"---", `tags: {version: "{version}"}`, "mode: {audit: {until: 2026-06-30}}", "freshness: {max_age: 30d, listed: true}",
		"signature: {signer: release, source: widget}",
	)}
}

// olderListed is a release that is older than the policy likes, and listed.
func olderListed(s *stage) demand {
	h := &hall{s, must(lab.NewReleaseTUF(s.Sigstore, then))}
	must(h.AddRelease("1.2.3", imageName, imageDigest))
	if err := h.Publish(); err != nil {
		panic(err)
	}
	return demand{
		name: "an old release", focus: regexp.MustCompile(`(?i)freshness\.`), ref: imageRef, release: h.evidence(), root: h.FirstRoot(), source: memory{repository: imageName, pieces: []verify.Piece{s.signature()}},
		text: contentText(signatureYAML, h.releaseYAML(human), "freshness: {max_age: 1h, listed: false}"),
	}
}

// ofPlatforms demands evidence about each platform of an index.
func ofPlatforms(s *stage) demand {
	c := newCabinet()
	signer := s.issue(workflow())
	entries := must(lab.Platforms("reflection", "linux/amd64", "linux/arm64"))
	for _, e := range entries {
		c.add(string(e.Descriptor().MediaType), must(e.Raw()), bundleBy(signer, must(lab.SignStatement(imageName, e.Digest()))), bundleBy(signer, must(lab.CycloneDX(imageName, e.Digest()))))
	}
	index := must(lab.NewIndexOf(entries...))
	ref := c.add(string(index.Descriptor().MediaType), must(index.Raw()))
	return demand{name: "platforms", focus: regexp.MustCompile(`(?i)platforms\.|\.on$`), ref: ref, images: c, text: contentText(
		"signature: {signer: "+signerYAML+", on: platforms}", sbomYAML("on: platforms"),
		"platforms: {require: [linux/amd64], only: [linux/amd64, linux/arm64, linux/s390x]}",
	)}
}

// ofBuildKit accepts what BuildKit keeps inside an index.
func ofBuildKit(s *stage) demand {
	c := newCabinet()
	built := must(lab.NewBuildKitIndex("reflection", spdxAbout))
	pieces := []verify.Piece{bundleBy(s.issue(workflow()), must(lab.SignStatement(imageName, built.Digest())))}
	for _, a := range built.Attestations {
		c.add("application/vnd.oci.image.manifest.v1+json", a.Manifest)
		pieces = append(pieces, verify.Piece{
			Layout: verify.BuildKit, Place: "memory", Digest: digestOf(a.Statement), MediaType: lab.InTotoMediaType, Bytes: a.Statement, Manifest: a.Manifest,
		})
	}
	ref := c.add(string(built.Descriptor().MediaType), built.Manifest, pieces...)
	return demand{name: "BuildKit", focus: regexp.MustCompile(`(?i)sbom\.`), ref: ref, images: c, text: contentText(signatureYAML, sbomYAML("buildkit: true"))}
}

// ofLabels is an image whose labels tell another story than its evidence, which agrees
// in everything but the run.
func ofLabels(s *stage) demand {
	c := newCabinet()
	config := []byte(`{"config":{"Labels":{"org.opencontainers.image.revision":"` + strings.Repeat("00", 20) + `"}}}`)
	manifest := []byte(`{"schemaVersion":2,"config":{"digest":"` + digestOf(config) + `"}}`)
	digest := digestOf(manifest)
	again := the(func(c *chapter) { c.run = "1" })
	ref := c.add("application/vnd.oci.image.manifest.v1+json", manifest,
		bundleBy(s.issue(workflow()), must(lab.SignStatement(imageName, digest))), bundleBy(s.issue(again.signer()), must(lab.CycloneDX(imageName, digest))))
	c.config[digest] = config
	return demand{name: "labels", focus: regexp.MustCompile(`(?i)consistency\.`), ref: ref, images: c, text: contentText(
		signatureYAML, sbomYAML(), "consistency: {claims: [image, digest, version, repository, ref, commit, built], required: [commit], labels: false}",
	)}
}

// impossibleContent has a value that nothing can meet for every field of a rule that
// demands content, platforms, consistency or freshness.
var impossibleContent = map[string]any{
	"SBOM.Format": "impossible", "SBOM.Schema": policy.SchemaStrict, "SBOM.BuildKit": false, "SBOM.MaxBytes": 1,
	"SBOM.DenyLicenses": []string{"BSD-*"}, "SBOM.RequireLicenses": []string{"impossible"},
	"SBOM.DenyComponents": []sbom.Pattern{must(sbom.ParsePattern("pkg:golang/*", ""))}, "SBOM.MinComponents": 1000, "SBOM.NTIA": true,
	"SBOM.PURLCoverage": 2.0, "SBOM.HashCoverage": 2.0, "SBOM.UnknownVersions": -1.0, "SBOM.MaxDocumentAge": time.Nanosecond, "SBOM.Describes": true,
	"SBOM.Rules": []policy.Expression{{Name: "impossible"}},

	"Attestations.Type": "impossible", "Attestations.Rules": []policy.Expression{{Name: "impossible"}},
	"Attestations.Metadata.Image": "impossible", "Attestations.Metadata.Digest": "impossible", "Attestations.Metadata.Version": "impossible",
	"Attestations.Metadata.Tag": "impossible", "Attestations.Metadata.Repository": "impossible", "Attestations.Metadata.Ref": "impossible",
	"Attestations.Metadata.Commit": "impossible", "Attestations.Metadata.Workflow": "impossible", "Attestations.Metadata.Run": "impossible", "Attestations.Metadata.Time": "impossible",
	"Attestations.Scan.Scanners": []string{"impossible"}, "Attestations.Scan.MaxAge": time.Nanosecond, "Attestations.Scan.DatabaseAge": time.Nanosecond,
	"Attestations.Scan.Deny": []string{"medium"}, "Attestations.Scan.Allow": []string{"impossible"},
	"Attestations.VEX.Statuses": []string{"impossible"}, "Attestations.VEX.Authors": []string{"impossible"},
	"Attestations.VSA.Verifier": "impossible", "Attestations.VSA.Policy": "impossible", "Attestations.VSA.Levels": []string{"impossible"},
	"Attestations.Tests.Passed": []string{"impossible"},

	"Platforms.Require": []string{"impossible/impossible"}, "Platforms.Only": []string{"impossible/impossible"},
	"Consistency.Claims": []string{"impossible"}, "Consistency.Required": []string{"impossible"}, "Consistency.Labels": true,
	"Freshness.MaxAge": time.Nanosecond, "Freshness.Listed": true,
}

// onlyUnder names the policies under which alone a field or key has a say: elsewhere
// the evidence meets it all the same, or there is nothing for it to change.
var onlyUnder = map[string][]string{
	"Rules.Tags.Moving": {"a moving tag", "a release behind latest"}, "tags.moving": {"a moving tag", "a release behind latest"},
	"Builders.ID": vouching, "the policy.builders": vouching, "images.mirrors": {"a mirror"}, "the policy.identities": {"around"},

	"Rules.Signature.Select": {"half a registry"}, "Rules.Provenance.Select": {"half a registry"}, "Rules.SBOM.Select": {"half a registry"}, "Rules.Attestations.Select": {"half a registry"},
	"signature.select": {"half a registry"}, "provenance.select": {"half a registry"}, "sbom.select": {"half a registry"}, "attestations.*.select": {"half a registry"},

	"Rules.SBOM.BuildKit": {"BuildKit"}, "sbom.buildkit": {"BuildKit"},
	"Rules.SBOM.Schema": {"content", "BuildKit"}, "sbom.schema": {"content", "BuildKit"},
	"Rules.SBOM.Describes": {"content"}, "sbom.describes": {"content"},
	"sbom.purl_coverage": {"content"}, "sbom.unknown_versions": {"content"},

	"Rules.Consistency.Labels": {"labels"}, "consistency.labels": {"labels"},
	"Rules.Freshness.Listed": {"an old release"}, "freshness.listed": {"an old release"},
}

// vouching are the policies that vouch for the builder that built.
var vouching = []string{"workflows", "a moving tag", "an identity", "a regular expression", "a mirror", "kept by GitHub"}

var (
	impossibleSigners = map[string]any{"release": map[string]any{"issuer": policy.GitHubIssuer, "workflow": ".github/workflows/impossible.yml"}}
	impossibleSources = map[string]any{"widget": map[string]any{"repository": "impossible/widget", "ref": "refs/tags/v{version}"}}
	impossibleRules   = []any{map[string]any{"expr": neverTrue}}
	// impossibleDemandKeys are of what all demands for signed evidence have.
	impossibleDemandKeys = map[string]any{"trust": refused{"impossible"}, "on": "index", "select": "all", "max_age": "1s"}
)

// neverTrue is an expression that compiles.
const neverTrue = "version == 'impossible'"

// contentMappings are the mappings that some policy here has to have, by kind.
var contentMappings = []string{
	"deny", "deny.digests", "deny.versions", "deny.signed", "identities", "mode", "mode.audit", "sbom", "sbom.deny_components", "sbom.rules",
	"attestations.*", "attestations.*.metadata", "attestations.*.scan", "attestations.*.vex", "attestations.*.vsa", "attestations.*.tests", "attestations.*.rules",
	"platforms", "consistency", "freshness",
}

// kindOfMapping is the mapping that has the same keys, read by the same code, as one that a
// policy's author names or that stands in several places.
func kindOfMapping(mapping string) string {
	parts := strings.Split(mapping, ".")
	content := parts[0] == "sbom" || parts[0] == "attestations"
	switch last := parts[len(parts)-1]; {
	case parts[0] == "identities" && len(parts) == 3:
		return map[string]string{"signers": "signature.signer", "sources": "source"}[parts[1]]
	case content && last == "signer":
		return "signature.signer"
	case content && last == "source":
		return "source"
	case parts[0] == "attestations" && len(parts) > 1:
		parts[1] = "*"
	}
	return strings.Join(parts, ".")
}

// impossibleContentKeys are as impossibleKeys, for the mappings of content and around it.
func impossibleContentKeys(mapping string) (map[string]any, bool) {
	name := kindOfMapping(mapping)
	if name != mapping && !strings.HasPrefix(name, "attestations.") {
		return impossibleKeysOf(name)
	}
	nobody := keyOf("0")
	elsewhere := map[string]any{"repository": "impossible/widget", "ref": "refs/tags/v{version}"}
	keys := map[string]map[string]any{
		"deny": {
			"digests": []any{imageDigest}, "versions": []any{map[string]any{"match": imageName, "version": "1.2.3"}}, "signed": []any{map[string]any{"identity": "**"}},
		},
		"deny.digests":  {"digest": imageDigest, "reason": refused{""}},
		"deny.versions": {"match": imageName, "version": "1.2.3", "reason": refused{""}},
		"deny.signed":   {"issuer": policy.GitHubIssuer, "identity": "**", "from": "2025-01-01", "until": "2027-01-01", "reason": refused{""}},
		"identities":    {"signers": impossibleSigners, "sources": impossibleSources},
		"mode":          {"audit": refused{"impossible"}},
		"mode.audit":    {"until": refused{"impossible"}},
		"sbom": {
			"signer": nobody, "source": elsewhere, "trust": refused{"impossible"}, "on": "index", "select": "all", "max_age": "1s",
			"format": "spdx", "schema": "strict", "buildkit": false, "max_size": 1, "deny_licenses": []any{"BSD-*"}, "require_licenses": []any{"impossible"},
			"deny_components": []any{map[string]any{"purl": "pkg:golang/golang.org/x/text"}}, "min_components": 1000, "ntia": true,
			"purl_coverage": 1, "hash_coverage": 1, "unknown_versions": 0, "max_document_age": "1s", "describes": "image", "rules": impossibleRules,
		},
		"sbom.deny_components": {"purl": "pkg:golang/golang.org/x/text", "versions": ">=0"},
		"sbom.rules":           {"name": refused{""}, "expr": neverTrue},
		"attestations.*": {
			"type": "https://impossible.example/type", "signer": nobody, "source": elsewhere, "trust": refused{"impossible"}, "on": "index", "select": "all", "max_age": "1s",
			"metadata": map[string]any{"digest": "impossible"}, "scan": map[string]any{"scanners": []any{"https://impossible.example"}},
			"vex": map[string]any{"statuses": []any{"affected"}}, "vsa": map[string]any{"verifier": "https://impossible.example"},
			"tests": map[string]any{"passed": []any{"impossible"}}, "rules": impossibleRules,
		},
		"attestations.*.rules": {"name": refused{""}, "expr": neverTrue},
		"attestations.*.metadata": {
			"image": "impossible", "digest": "impossible", "version": "impossible", "tag": "impossible", "repository": "impossible",
			"ref": "impossible", "commit": "impossible", "workflow": "impossible", "run": "impossible", "time": "impossible",
		},
		"attestations.*.scan":  {"scanners": []any{"https://impossible.example"}, "max_age": "1s", "database_age": "1s", "deny": []any{"medium"}, "allow": []any{"CVE-0"}},
		"attestations.*.vex":   {"statuses": []any{"affected"}, "authors": []any{"impossible"}},
		"attestations.*.vsa":   {"verifier": "https://impossible.example", "policy": "https://impossible.example", "levels": []any{"IMPOSSIBLE"}},
		"attestations.*.tests": {"passed": []any{"impossible"}},
		"platforms":            {"require": []any{"linux/s390x"}, "only": []any{"linux/amd64"}},
		"consistency":          {"claims": []any{"commit", "run"}, "required": []any{"built"}, "labels": true},
		"freshness":            {"max_age": "1s", "listed": true},
	}[name]
	return keys, keys != nil
}
