package verify

import "time"

// VerdictRelease is what a TUF repository says of an image: the part of the finding
// of the check "release" that no other check has.
type VerdictRelease struct {
	// Repository is the metadata's URL, as the policy names it.
	Repository string `json:"repository"`
	// Root is "sha256:<hex>" of the pinned root.
	Root string `json:"root"`
	// State says what was known of the repository before this run.
	State StateKind `json:"state"`
	// Refreshed is false where a kept copy served.
	Refreshed bool `json:"refreshed"`
	// Grace is how long expired metadata is accepted, where it is.
	Grace *time.Time `json:"grace,omitempty"`
	// People is how many distinct persons had to sign each role on the way; 0 where the
	// policy does not say who may sign.
	People int `json:"people,omitempty"`
	// Target is the path of the accepted manifest, Manifest "sha256:<hex>" of its bytes,
	// Version the one that it is for. All are empty where none was accepted.
	Target   string `json:"target,omitempty"`
	Manifest string `json:"manifest,omitempty"`
	Version  string `json:"version,omitempty"`
	// Commit is what the manifest says, where the policy names a field for it.
	Commit string `json:"commit,omitempty"`
	// Versions are all those under which the image is listed, the newest first, where
	// there is more than one.
	Versions []string `json:"versions,omitempty"`
	// Lagging is there where a newer release was listed a moment ago.
	Lagging *VerdictLag `json:"lagging,omitempty"`
	// Newest are the newest authorised versions, pinned, where an older or withdrawn
	// release is refused.
	Newest []VerdictVersion `json:"newest,omitempty"`
	// Roles are root in every version from the pinned one, timestamp, snapshot, targets
	// and the delegations on the way, once for each who authorised them. For a moving tag
	// they are all delegations that could list a newer version.
	Roles []VerdictRole `json:"roles"`
}

// VerdictLag is a moving tag that points to the release before the newest.
type VerdictLag struct {
	// Newest is the newest version for the tag, Until when the tag must point to it.
	Newest string    `json:"newest"`
	Until  time.Time `json:"until"`
}

// VerdictVersion is one authorised version.
type VerdictVersion struct {
	Version string `json:"version"`
	Digest  string `json:"digest"`
	// Pinned is the reference to pull: "ghcr.io/o/n@sha256:…".
	Pinned string `json:"pinned"`
}

// VerdictRole is one version of a role as one delegator authorised it.
type VerdictRole struct {
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
	Expired bool      `json:"expired,omitempty"`
	// By is the delegator and its version: "root 1".
	By        string          `json:"by"`
	Threshold int             `json:"threshold"`
	Holders   []VerdictHolder `json:"holders"`
}

// VerdictHolder is who holds one key of a role.
type VerdictHolder struct {
	// Identity and Issuer are of a Sigstore key, Key is the SHA-256 of another's
	// SubjectPublicKeyInfo in hexadecimal; both are empty for a type of key that is not
	// known.
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	Key      string `json:"key,omitempty"`
	// Type is the key's type.
	Type string `json:"type"`
	// Human says whether the policy takes the holder for a person, where it asks.
	Human  *bool `json:"human,omitempty"`
	Signed bool  `json:"signed"`
	// Time is the verified time of a Sigstore signature.
	Time *time.Time `json:"time,omitempty"`
}
