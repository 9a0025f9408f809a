// Package policy reads what a team demands of its release images.
//
// A policy is data: [Parse] turns YAML into a [Policy] or into errors that name
// line and column, and judging is done elsewhere (package verify). Nothing is
// ever optional by being absent: what a policy does not demand is shown as "not
// required" in the verdict, and a key that this version does not judge is refused.
//
// Start with [Parse], or with [BuiltIn] for the policy behind `--repo`.
package policy

import (
	"slices"
	"strings"
	"time"
)

// Policy is one parsed policy file.
type Policy struct {
	// Name is metadata.name.
	Name string
	// BuiltIn is true for what [BuiltIn] made, and never for a file.
	BuiltIn bool
	// Digest is "sha256:<hex>" of the YAML that was parsed.
	Digest string
	// Trust maps names to trusted roots; "public-good" is always there.
	Trust map[string]Trust
	// Builders extends the table of known builders.
	Builders []Builder
	// Rules are tried in order; the first whose Match fits the image's name wins.
	Rules []Rule
	// Audit says that a refusal is only reported, by a door that admits, until
	// AuditUntil; no verdict depends on it.
	Audit      bool
	AuditUntil time.Time
	// Grace is for how long after an image passed a door that admits may let it in again
	// where the verdict is undecided; 0 is never. No verdict depends on it.
	Grace time.Duration
	// Expires is when the policy itself ends: from then on nothing passes under it.
	// The zero time is never.
	Expires time.Time
	Deny    Deny
	// Requires is the lowest version of assay that may judge by this policy, "" any.
	Requires string
}

// PublicGood is the name of the trusted root that a demand means when it names none.
const PublicGood = "public-good"

// Words of places: and evidence:.
const (
	PlaceRegistry  = "registry"
	PlaceGitHub    = "github"
	EvidenceSame   = "same"
	EvidenceOrigin = "origin"
)

// GitHubIssuer is the OIDC issuer of GitHub Actions on github.com.
const GitHubIssuer = "https://token.actions.githubusercontent.com"

// Trust says where one named trusted root comes from, and how much of it is needed.
type Trust struct {
	// Builtin takes the public-good root that the program carries.
	Builtin bool
	// File is a trusted_root.json, relative to the policy file; SHA256 is its
	// digest in hexadecimal.
	File   string
	SHA256 string
	Thresholds
}

// Thresholds are how many independent witnesses each signature needs under one
// trusted root. The defaults are one each; less than one is only possible for
// another root than public-good.
type Thresholds struct {
	// LogEntries counts transparency logs, SCTs certificate transparency logs,
	// Timestamps verified times (of a log or of a timestamp authority).
	LogEntries, SCTs, Timestamps int
}

// DefaultThresholds returns one log entry, one SCT and one verified timestamp.
func DefaultThresholds() Thresholds { return Thresholds{LogEntries: 1, SCTs: 1, Timestamps: 1} }

// Builder adds one builder to the table of known builders.
type Builder struct {
	// ID is the builder's path without a version, as its certificate names it:
	// "https://github.com/org/repo/.github/workflows/build.yml".
	ID string
	// Level is the SLSA build level, 0 to 3, that the policy's author grants it.
	Level int
}

// Rule demands evidence of the images that it matches.
type Rule struct {
	// Match is a pattern over the image's canonical name, "ghcr.io/owner/name".
	Match Pattern
	// Canonical is the name under which the image is judged; [Policy.Rule] sets it.
	Canonical string
	// Mirrors are other names of what Match names.
	Mirrors []Mirror
	// Places are the services that are asked for evidence: "registry", "github".
	Places []string
	// Evidence are the repositories that are looked into: "same" as the image's,
	// "origin", which is the canonical name's, or a repository's name.
	Evidence   []string
	Tags       Tags
	Signature  *Signature
	Provenance *Provenance
	SBOM       *SBOM
	// Attestations are sorted by name.
	Attestations []Attestation
	Release      *Release
	Platforms    *Platforms
	// Consistency is set by default where two authenticating checks are required.
	Consistency *Consistency
	Freshness   *Freshness
	// Deny is what of the policy's can concern the image; [Policy.Rule] sets it.
	Deny Deny
	// Audit and AuditUntil are as the policy's; a rule may only be stricter.
	Audit      bool
	AuditUntil time.Time
	// Grace is as the policy's: the shorter of the two.
	Grace time.Duration
}

// Mirror says that images whose names begin with Prefix are those of Of: an image
// "registry.corp/ghcr/o/n" is judged as "ghcr.io/o/n". Prefix may be a whole name.
type Mirror struct {
	// Prefix and Of are whole path elements, without a slash at the end.
	Prefix, Of string
}

// Tags says how a tag gives a version.
type Tags struct {
	// Moving patterns are tried first: tags that do not name one version.
	Moving []Pattern
	// Version patterns name the version within a tag.
	Version []Pattern
	// Grammar is the regular expression of a version; "" is SemVer 2.0.
	Grammar string
}

// Signature demands a cosign signature.
type Signature struct{ Demand }

// Provenance demands SLSA provenance.
type Provenance struct {
	Demand
	Builder BuilderDemand
	// Inputs are workflow_dispatch inputs that the build must have been given, as
	// name=value; nothing is said about others.
	Inputs []Input
}

// Input is one workflow input.
type Input struct{ Name, Value string }

// BuilderDemand says who must have built the image.
type BuilderDemand struct {
	// IDs are builders' paths of which one must have built, with "@version" or
	// without (then any full semantic version tag is accepted). None accepts every
	// known builder of Level.
	IDs []string
	// Level is the lowest SLSA build level that is accepted.
	Level int
}

// Signer demands who signed: the identity in the certificate, or a key.
// Every field that is set must hold; the zero value of a field demands nothing.
type Signer struct {
	// Issuer is the OIDC issuer, exactly.
	Issuer string
	// Workflow is the path of the workflow file in Repository; Ref the git ref it
	// was read at. Where Repository or Ref is empty, the source's are demanded.
	Workflow   Pattern
	Repository Pattern
	Ref        []Pattern
	// Identity is the whole subject alternative name; IdentityRegexp the same as
	// an anchored regular expression.
	Identity       Pattern
	IdentityRegexp Regexp
	Trigger        []string
	Runner         string
	Visibility     string
	Key            *Key
	Signed         Window
}

// Key is a public key that signed by itself, without a certificate.
type Key struct {
	// File is a PEM file, relative to the policy file; SHA256 the digest of its
	// bytes in hexadecimal; PEM its content once it has been read.
	File   string
	SHA256 string
	PEM    []byte
}

// Source demands what was built. Repository is "owner/name" on github.com or a whole URL.
type Source struct {
	Repository   Pattern
	RepositoryID string
	OwnerID      string
	Ref          []Pattern
	RefRegexp    Regexp
	// Branch is the name of a branch: the one that was built, or, for a build of a
	// tag, the one that the provenance says the tag was pushed or released from.
	Branch string
	// VersionedTag demands a tag whose semantic version begins so: "v1", "v1.2".
	VersionedTag string
	// Commit is the whole hexadecimal commit.
	Commit string
	Signed Window
}

// Window bounds the verified time of a signature; a zero end is open.
type Window struct{ From, Until time.Time }

// Contains reports whether t lies in w. Until is exclusive.
func (w Window) Contains(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.Until.IsZero() || t.Before(w.Until))
}

// IsZero reports whether w bounds nothing.
func (w Window) IsZero() bool { return w.From.IsZero() && w.Until.IsZero() }

// Rule returns the first rule that matches an image by the name of which it is a
// mirror under that rule, or else by its own.
func (p *Policy) Rule(name string) (Rule, bool) {
	for _, r := range p.Rules {
		for _, canonical := range append(r.origins(name), name) {
			if r.Match.Match(canonical, Vars{}) {
				r.Canonical, r.Deny = canonical, p.Deny.about(canonical, name)
				return r, true
			}
		}
	}
	return Rule{}, false
}

// origins are the names of which a name is a mirror.
func (r Rule) origins(name string) []string {
	var names []string
	for _, m := range r.Mirrors {
		if rest, ok := strings.CutPrefix(name, m.Prefix); ok && (rest == "" || rest[0] == '/') {
			names = append(names, m.Of+rest)
		}
	}
	return names
}

// Repositories are the names of the repositories to look into for the evidence of
// an image of this name, each once.
func (r Rule) Repositories(name string) []string {
	if !slices.Contains(r.Places, PlaceRegistry) || !r.demandsEvidence() {
		return nil
	}
	var names []string
	for _, place := range r.Evidence {
		switch place {
		case EvidenceSame:
			place = name
		case EvidenceOrigin:
			place = r.Canonical
		}
		if !slices.Contains(names, place) {
			names = append(names, place)
		}
	}
	return names
}

// GitHub are the URLs of the repositories whose attestations GitHub is asked for.
func (r Rule) GitHub() []string {
	if !slices.Contains(r.Places, PlaceGitHub) {
		return nil
	}
	var urls []string
	for _, s := range r.sources() {
		if url, ok := s.Repository.Expand(Vars{}); ok && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls
}

// Demands lists what the rule demands of signed evidence.
func (r Rule) Demands() []Demand {
	var all []Demand
	if r.Signature != nil {
		all = append(all, r.Signature.Demand)
	}
	if r.Provenance != nil {
		all = append(all, r.Provenance.Demand)
	}
	if r.SBOM != nil {
		all = append(all, r.SBOM.Demand)
	}
	for _, a := range r.Attestations {
		all = append(all, a.Demand)
	}
	return all
}

// demandsEvidence reports whether r demands anything that lies in a registry.
func (r Rule) demandsEvidence() bool { return len(r.Demands()) > 0 }

// sources are the sources of all demands.
func (r Rule) sources() []Source {
	var all []Source
	for _, d := range r.Demands() {
		all = append(all, d.Sources...)
	}
	return all
}
