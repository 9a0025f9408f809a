package verify

import (
	"fmt"
	"strings"

	"github.com/slsa-framework/slsa-verifier/v2/verifiers/utils"

	"github.com/releaseassay/assay/policy"
)

// buildKind is a family of provenance: who writes it, and so how it is read.
type buildKind int

const (
	_ buildKind = iota
	// kindGenerator is a reusable workflow of slsa-github-generator that writes v0.2.
	kindGenerator
	// kindContainerBased is slsa-github-generator's container-based builder (v1).
	kindContainerBased
	// kindDelegator is a delegator of slsa-github-generator: the builder is the
	// workflow that called it, "bring your own builder" (v0.2 and v1).
	kindDelegator
	// kindGitHub is GitHub's own actions/attest-build-provenance (v1).
	kindGitHub
)

// Build types, each the contract of one family.
const (
	buildTypeContainer      = "https://github.com/slsa-framework/slsa-github-generator/container@v1"
	buildTypeGeneric        = "https://github.com/slsa-framework/slsa-github-generator/generic@v1"
	buildTypeGo             = "https://github.com/slsa-framework/slsa-github-generator/go@v1"
	buildTypeLegacyGo       = "https://github.com/slsa-framework/slsa-github-generator-go@v1"
	buildTypeLegacy         = "https://github.com/slsa-framework/slsa-github-generator@v1"
	buildTypeContainerBased = "https://slsa.dev/container-based-build/v0.1?draft"
	buildTypeDelegator      = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"
	buildTypeGitHub         = "https://actions.github.io/buildtypes/workflow/v1"
)

const (
	generatorRepository = "https://github.com/slsa-framework/slsa-github-generator"
	generatorWorkflows  = generatorRepository + "/.github/workflows/"
	// runnerBuilder is how GitHub's own runner is named, by this program's policies
	// and by the first releases of actions/attest-build-provenance.
	runnerBuilder = "https://github.com/actions/runner/github-hosted"
	// jreleaserPrefix begins the builders whose tags end in a language (slsa-github-generator#2035).
	jreleaserPrefix = "https://github.com/jreleaser/release-action"
)

// knownBuilder is one row of the table of builders.
type knownBuilder struct {
	path  string
	level int
	kind  buildKind
	// types are the build types that the builder writes, by predicate type.
	types map[string][]string
}

// knownBuilders is the table of builders with their SLSA build levels. Source of
// the levels: https://github.com/slsa-framework/slsa-github-generator#readme
// (Build L3 for generators, builders and delegators) and
// https://docs.github.com/actions/concepts/security/artifact-attestations (Build
// L2 for attestations made by a repository's own workflow). The build types that
// belong to each are those of slsa-verifier v2.7.1.
func knownBuilders() []knownBuilder {
	v02 := func(types ...string) map[string][]string { return map[string][]string{PredicateProvenanceV02: types} }
	delegator := map[string][]string{PredicateProvenanceV02: {buildTypeDelegator}, PredicateProvenanceV1: {buildTypeDelegator}}
	return []knownBuilder{
		{generatorWorkflows + "generator_container_slsa3.yml", 3, kindGenerator, v02(buildTypeContainer)},
		{generatorWorkflows + "generator_generic_slsa3.yml", 3, kindGenerator, v02(buildTypeGeneric)},
		{generatorWorkflows + "builder_go_slsa3.yml", 3, kindGenerator, v02(buildTypeGo, buildTypeLegacyGo, buildTypeLegacy)},
		{generatorWorkflows + "builder_container-based_slsa3.yml", 3, kindContainerBased, map[string][]string{PredicateProvenanceV1: {buildTypeContainerBased}}},
		{generatorWorkflows + "delegator_generic_slsa3.yml", 3, kindDelegator, delegator},
		{generatorWorkflows + "delegator_lowperms-generic_slsa3.yml", 3, kindDelegator, delegator},
		{runnerBuilder, 2, kindGitHub, map[string][]string{PredicateProvenanceV1: {buildTypeGitHub}}},
	}
}

// buildTypes lists the build types that some known builder writes with a
// predicate type.
func buildTypes(predicateType string) []string {
	var types []string
	for _, k := range knownBuilders() {
		for _, t := range k.types[predicateType] {
			if !contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return types
}

// builder is who built an image, once certificate and statement agree on it.
type builder struct {
	// path is the id without its version, version what follows "@" ("" for a runner).
	path, version string
	level         int
	kind          buildKind
	// known is false for a builder that neither the table nor the policy lists.
	known bool
}

// id returns the builder's whole id.
func (b builder) id() string {
	if b.version == "" {
		return b.path
	}
	return b.path + "@" + b.version
}

// identifyBuilder finds out who built, from the certificate's name, the build
// type, and, where a delegator signed, the builder that the statement names. It
// is slsa-verifier's VerifyBuilderIdentity and VerifyProvenance, without its
// defaults: which builder is trusted is the policy's to say.
func identifyBuilder(c *Claims, predicateType string, b *build, extra []policy.Builder) (builder, *Difference) {
	path, version, ok := strings.Cut(c.Identity, "@")
	if !ok || version == "" {
		return builder{}, differ(problemBuilder, "builder", "a workflow at a ref", c.Identity)
	}
	for _, k := range knownBuilders() {
		if k.path != path {
			continue
		}
		// Only GitHub's own issuer speaks for workflows on github.com.
		if c.Issuer != policy.GitHubIssuer {
			return builder{}, differ(problemBuilder, "builder", path+" by "+policy.GitHubIssuer, path+" by "+c.Issuer)
		}
		if !contains(k.types[predicateType], b.buildType) {
			return builder{}, differ(problemUnsupported, "build type", strings.Join(k.types[predicateType], " or "), b.buildType)
		}
		found := builder{path: path, version: version, level: k.level, kind: k.kind, known: true}
		if err := utils.IsValidBuilderTag(version, false); err != nil {
			return found, differ(problemBuilder, "builder ref", "refs/tags/vX.Y.Z", version)
		}
		if k.kind == kindDelegator {
			return delegatedBuilder(found, b, extra)
		}
		if b.builderID != c.Identity {
			return found, differ(problemCertificate, "builder.id", c.Identity, b.builderID)
		}
		return found, nil
	}
	if b.buildType != buildTypeGitHub || predicateType != PredicateProvenanceV1 {
		return builder{}, differ(problemUnsupported, "build type", "one that assay knows of "+path, b.buildType)
	}
	return githubBuilder(c, b, path, version, extra)
}

// delegatedBuilder is the builder that called the delegator: the delegator signs
// for it and vouches for its name.
func delegatedBuilder(delegator builder, b *build, extra []policy.Builder) (builder, *Difference) {
	path, version, err := utils.ParseBuilderID(b.builderID, true)
	if err != nil {
		return delegator, differ(problemBuilder, "builder.id", "URL@refs/tags/vX.Y.Z", b.builderID)
	}
	found := builder{path: path, version: version, kind: kindDelegator}
	// As in slsa-verifier, builders kept beside the delegators are known by default.
	if strings.HasPrefix(path, generatorWorkflows) {
		found.level, found.known = delegator.level, true
	}
	applyExtra(&found, extra)
	valid := utils.IsValidBuilderTag(version, false)
	if strings.HasPrefix(path, jreleaserPrefix+"/") {
		valid = utils.IsValidJreleaserBuilderTag(version)
	}
	if valid != nil {
		return found, differ(problemBuilder, "builder ref", "refs/tags/vX.Y.Z", version)
	}
	return found, nil
}

// githubBuilder tells GitHub's own runner, where the repository's own workflow
// attested its build, from a reusable workflow of another repository.
func githubBuilder(c *Claims, b *build, path, version string, extra []policy.Builder) (builder, *Difference) {
	if b.builderID != c.Identity && b.builderID != runnerBuilder {
		return builder{}, differ(problemCertificate, "builder.id", c.Identity, b.builderID)
	}
	found := builder{path: path, version: version, kind: kindGitHub}
	applyExtra(&found, extra)
	if found.known {
		return found, nil
	}
	id, ok := parseIdentity(c)
	if !ok {
		return found, differ(problemBuilder, "builder", "a workflow as "+c.Issuer+" names it", c.Identity)
	}
	if id.repository != c.Repository {
		return found, nil // a reusable workflow that nobody vouched for: level 0
	}
	switch c.Runner {
	case "github-hosted":
		return builder{path: runnerBuilder, level: 2, kind: kindGitHub, known: true}, nil
	case "":
		return found, missing("runner", "github-hosted")
	}
	return found, nil // a self-hosted runner: level 0
}

func applyExtra(b *builder, extra []policy.Builder) {
	for _, e := range extra {
		if e.ID == b.path {
			b.level, b.known = e.Level, true
		}
	}
}

// matchBuilder compares who built with who should have.
func matchBuilder(want policy.BuilderDemand, b builder) *Difference {
	if len(want.IDs) == 0 {
		if !b.known {
			return differ(problemBuilder, "builder", "one that the table of builders or the policy lists", b.id())
		}
		if diff := b.atRelease(); diff != nil {
			return diff
		}
	}
	var closest *Difference
	for _, id := range want.IDs {
		if closest = b.matches(id); closest == nil {
			break
		}
	}
	if closest != nil {
		return closest
	}
	if b.level < want.Level {
		return differ(problemLevel, "SLSA build level", fmt.Sprintf("at least %d", want.Level), fmt.Sprint(b.level))
	}
	return nil
}

// matches compares the builder with one id. A builder demanded without a version
// may be of any full semantic version tag.
func (b builder) matches(id string) *Difference {
	own, err := utils.TrustedBuilderIDNew(b.id(), false)
	if err == nil {
		err = own.MatchesLoose(id, true)
	}
	if err != nil {
		return differ(problemBuilder, "builder", id, b.id())
	}
	if !strings.Contains(id, "@") {
		return b.atRelease()
	}
	return nil
}

// atRelease wants a builder that is demanded without a version to be of a full
// semantic version tag. Those of slsa-github-generator were checked before.
func (b builder) atRelease() *Difference {
	if b.version == "" || b.kind != kindGitHub || utils.IsValidBuilderTag(b.version, false) == nil {
		return nil
	}
	return differ(problemBuilder, "builder ref", "refs/tags/vX.Y.Z, or a demand with @version", b.version)
}
