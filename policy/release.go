package policy

import "time"

// Release demands that the project's own TUF repository lists the image: people
// who hold its keys authorised this release.
type Release struct {
	TUF TUF
	// Target is the path of the release manifest among the repository's targets, with
	// one {version} and no wildcard.
	Target Pattern
	Fields Fields
	// Signers says who may hold the keys of root, targets and every delegation on the
	// way; nil accepts whomever the pinned root authorises.
	Signers *ReleaseSigners
	Moving  Moving
	// OfflineMaxAge is how long after the timestamp was signed, by its verified log
	// time, expired metadata is still accepted; 0 is never.
	OfflineMaxAge time.Duration
	// Trust names the trusted root under which Sigstore signatures of metadata verify.
	Trust string
}

// TUF says where the repository is and what is pinned of it.
type TUF struct {
	// MetadataURL and TargetsURL are without a slash at the end.
	MetadataURL, TargetsURL string
	Root                    PinnedRoot
	// Min are the lowest versions that are accepted, by role.
	Min map[string]int64
	// StateRequired makes a run without saved state undecided instead of a bootstrap
	// from the pinned root.
	StateRequired bool
	Refresh       Refresh
}

// Refresh says whether the repository is asked for newer metadata.
type Refresh string

// The ways to refresh. With RefreshPreferred, the default, verified metadata that
// has not expired serves where the repository cannot be reached.
const (
	RefreshPreferred Refresh = "preferred"
	RefreshRequired  Refresh = "required"
	RefreshNever     Refresh = "never"
)

// PinnedRoot is the TUF root that everything starts from. Exactly one of File,
// relative to the policy file, and Inline is set.
type PinnedRoot struct {
	File, Inline string
	// SHA256 is the digest of the root's bytes in hexadecimal.
	SHA256 string
}

// Fields are the names of the manifest's members, each at its top level. Commit is
// "" where the manifest has none.
type Fields struct {
	Digest, Version, Image, Commit string
}

// ReleaseSigners is an allow-list of people: whoever is not on it counts as a machine.
type ReleaseSigners struct {
	// Human accepts every e-mail identity of one of Issuers.
	Human   bool
	Issuers []string
	// Identities and Keys are accepted beside that, or alone.
	Identities []ReleaseIdentity
	Keys       []ReleaseKey
	// People is how many distinct persons must have signed each role.
	People int
}

// ReleaseIdentity is one person, exactly.
type ReleaseIdentity struct{ Issuer, Identity string }

// ReleaseKey is a public key that a person holds.
type ReleaseKey struct {
	// SHA256 is the digest of the key's SubjectPublicKeyInfo (DER) in hexadecimal.
	SHA256 string
	// Person is the e-mail address of whoever holds it; "" is somebody by themselves.
	Person string
}

// Moving says how tags that move are judged.
type Moving struct {
	// Lag is how long after its listing the newest release may be missing behind a
	// moving tag.
	Lag time.Duration
	// Prereleases counts pre-releases among the newest.
	Prereleases bool
}
