package policy

import (
	"slices"
	"time"

	"github.com/releaseassay/assay/sbom"
)

// Demand is what every demand for signed evidence says: who signed what was built
// from where, and which of several statements count.
type Demand struct {
	Signers []Signer
	Sources []Source
	// Trust names the trusted root under which the evidence verifies.
	Trust string
	// On says what the evidence is about, where the image is an index.
	On On
	// Select says which statements must meet the rules over their content, of those
	// that are authenticated, of the type, by the signer and no older than MaxAge.
	Select Select
	// MaxAge is how long after its earliest verified time a statement counts; 0 is always.
	MaxAge time.Duration
}

// On says what evidence is about, where the image is an index.
type On string

// OnIndex wants evidence about the index itself, OnPlatforms about each of its
// platforms, OnEither one or the other.
const (
	OnEither    On = "either"
	OnIndex     On = "index"
	OnPlatforms On = "platforms"
)

// Select says which of several statements must meet the rules.
type Select string

// SelectAny wants one of them to, SelectAll each, SelectNewest the one that was
// signed last, by its earliest verified time.
const (
	SelectAny    Select = "any"
	SelectAll    Select = "all"
	SelectNewest Select = "newest"
)

// SBOM demands a bill of materials.
type SBOM struct {
	Demand
	// Format is the format that is accepted, "" either.
	Format sbom.Format
	// Schema says whether the document is held against the specification's schema.
	Schema SchemaMode
	// BuildKit also accepts what BuildKit keeps inside an index, unsigned by itself, as
	// content of an index whose own signature passed.
	BuildKit bool
	// MaxBytes is the size of the document at most, in bytes; 0 takes the default.
	MaxBytes int
	// DenyLicenses and RequireLicenses are patterns over SPDX ids.
	DenyLicenses, RequireLicenses []string
	DenyComponents                []sbom.Pattern
	MinComponents                 int
	NTIA                          bool
	// PURLCoverage and HashCoverage are the least shares of components with a package
	// URL or a hash, 0 to 1; UnknownVersions is the largest share without a version,
	// nil any.
	PURLCoverage, HashCoverage float64
	UnknownVersions            *float64
	// MaxDocumentAge bounds the time since the document's own timestamp; 0 does not.
	MaxDocumentAge time.Duration
	// Describes wants the document to name the image's digest. A document that names
	// another image's is refused in any case.
	Describes bool
	Rules     []Expression
}

// SchemaMode says what a document that its schema refuses is worth.
type SchemaMode string

// SchemaStrict refuses the document, SchemaWarn says so beside a pass, SchemaOff does
// not look.
const (
	SchemaOff    SchemaMode = ""
	SchemaWarn   SchemaMode = "warn"
	SchemaStrict SchemaMode = "strict"
)

// Attestation demands a statement of one predicate type.
type Attestation struct {
	Demand
	// Name is what the policy calls it: the check is "attestations.<Name>".
	Name string
	// Type is the predicate type, exactly.
	Type string
	// At most one of the shapes is set: typed demands over well-known predicates.
	Metadata *Metadata
	Scan     *Scan
	VEX      *VEX
	VSA      *VSA
	Tests    *Tests
	Rules    []Expression
}

// Metadata says where a release's metadata holds what. Each is a path of member names
// with dots ("build.commit"), "" for what it does not hold. What it holds must be this
// release's, and takes part in consistency.
type Metadata struct {
	Image, Digest, Version, Tag, Repository, Ref, Commit, Workflow, Run, Time string
}

// Scan demands the result of a vulnerability scan:
// https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md, or cosign's older form.
type Scan struct {
	// Scanners are the URIs of which one must have scanned, none any.
	Scanners []string
	// MaxAge bounds the time since the scan finished, DatabaseAge since the scanner's
	// database was updated; 0 does not.
	MaxAge, DatabaseAge time.Duration
	// Deny are the severities that must not be found: critical, high, medium, low,
	// unknown. Allow are ids of vulnerabilities that are accepted all the same.
	Deny, Allow []string
}

// VEX demands an OpenVEX document: https://github.com/openvex/spec.
type VEX struct {
	// Statuses are those that a statement about this image may have, none any.
	Statuses []string
	// Authors are of which one must have written it, none any.
	Authors []string
}

// VSA demands a SLSA verification summary: https://slsa.dev/spec/v1.0/verification_summary.
type VSA struct {
	// Verifier is verifier.id, Policy is policy.uri, each exactly; Policy "" is any.
	Verifier, Policy string
	// Levels must all be among the verified levels (a higher build level serves).
	Levels []string
}

// Tests demands an in-toto test result:
// https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md.
type Tests struct {
	// Passed are names of tests that must have passed; none demands that nothing failed.
	Passed []string
}

// Platforms demands platforms of an index.
type Platforms struct {
	// Require must all be there, as "os/architecture" or "os/architecture/variant";
	// Only, if any, lists all that may be.
	Require, Only []string
}

// Consistency demands that all evidence tells one story.
type Consistency struct {
	// Claims are compared. See [ConsistencyClaims].
	Claims []string
	// Required are those of Claims for which fewer than two sources are a failure.
	Required []string
	// Labels fetches the image's labels, which are compared where Claims are.
	Labels bool
}

// Freshness bounds how long ago a release was signed.
type Freshness struct {
	// MaxAge bounds the time since the newest verified time of a statement that met a
	// required check; 0 does not. A version that the TUF repository still lists is
	// spared unless Listed is true.
	MaxAge time.Duration
	Listed bool
}

// Deny lists what never passes, whatever else is valid.
type Deny struct {
	// Digests are "sha256:<hex>" of images, indexes or platforms.
	Digests []string
	// Reasons say why a digest is denied, where the policy says it.
	Reasons  map[string]string
	Versions []DeniedVersion
	Signed   []DeniedSigner
}

// IsZero reports whether nothing is denied.
func (d Deny) IsZero() bool { return len(d.Digests) == 0 && len(d.Versions) == 0 && len(d.Signed) == 0 }

// about keeps what can concern an image by one of its names.
func (d Deny) about(names ...string) Deny {
	d.Versions = slices.DeleteFunc(slices.Clone(d.Versions), func(v DeniedVersion) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return v.Match.Match(name, Vars{}) })
	})
	return d
}

// DeniedVersion is one version of the images that Match covers.
type DeniedVersion struct {
	Match   Pattern
	Version string
	Reason  string
}

// DeniedSigner is somebody whose signatures of a certain time do not count: a
// compromised week.
type DeniedSigner struct {
	// Issuer may be ""; Identity is a pattern over the certificate's subject
	// alternative name.
	Issuer   string
	Identity Pattern
	Window   Window
	Reason   string
}

// ConsistencyClaims are the claims that can be compared.
func ConsistencyClaims() []string {
	return []string{"image", "digest", "version", "repository", "repository_id", "owner_id", "ref", "commit", "workflow", "run", "builder", "built"}
}

// StoryClaims are the claims that are compared where a policy does not say which.
func StoryClaims() []string {
	return []string{"image", "digest", "version", "repository", "ref", "commit"}
}
