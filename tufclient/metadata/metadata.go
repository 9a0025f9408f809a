// Package metadata is the client workflow of TUF (specification 1.0.34, section 5)
// as a pure state machine: bytes and a time go in, verified roles or a typed error
// come out. It knows Sigstore keys (TAP 18) beside the ordinary ones, fetches
// nothing, reads no clock and no file; package tufclient does that around it, and
// package verify replays saved metadata through it.
//
// Start with [New], then [Trusted.UpdateRoot] for each newer root,
// [Trusted.UpdateTimestamp], [Trusted.UpdateSnapshot], [Trusted.UpdateTargets] and
// [Trusted.Find].
package metadata

import (
	"cmp"
	"time"
)

// The top-level roles.
const (
	Root      = "root"
	Timestamp = "timestamp"
	Snapshot  = "snapshot"
	Targets   = "targets"
)

// Sigstore verifies signatures that were made with an identity instead of a key.
type Sigstore interface {
	// Verify verifies that bundle is a Sigstore bundle with a message signature over
	// message by exactly this identity of exactly this issuer, and returns the
	// earliest verified time at which it was made. It must verify log entry, SCT
	// and time under one trusted root.
	Verify(bundle, message []byte, identity, issuer string) (time.Time, error)
}

// Options are what a state machine is made with.
type Options struct {
	// Time judges expiry. It is fixed for the whole workflow (5.1). Required, unless
	// expiry is deferred.
	Time time.Time
	// DeferExpiryUnsafe leaves expiry to the caller, who must judge every
	// [Role.Expires] on the way to a target.
	DeferExpiryUnsafe bool
	// Sigstore verifies signatures of Sigstore keys; with nil they never verify.
	Sigstore Sigstore
	// Floor is what an earlier run has seen. Nothing below it is accepted.
	Floor Floor
	// Min are the lowest versions that the policy accepts, by role. No recovery
	// from a fast-forward attack lifts them.
	Min    map[string]int64
	Limits Limits
}

// Limits bound what is read.
type Limits struct {
	// RootBytes, TimestampBytes, SnapshotBytes and TargetsBytes bound one file of
	// metadata, whatever length is listed for it. A Sigstore signature takes 10 to 13 kB.
	RootBytes, TimestampBytes, SnapshotBytes, TargetsBytes int64
	// Roots is how many newer roots one workflow follows at most.
	Roots int
	// Delegations is how many roles one lookup visits at most, Listed how many an
	// enumeration does, each once for every delegator.
	Delegations, Listed int
	// Signatures is the number of signatures of one file at most.
	Signatures int
	// Depth is the nesting of JSON at most.
	Depth int
}

// DefaultLimits returns the bounds that are used unless told otherwise.
func DefaultLimits() Limits {
	return Limits{
		RootBytes: 512 << 10, TimestampBytes: 256 << 10, SnapshotBytes: 2 << 20, TargetsBytes: 5 << 20,
		Roots: 256, Delegations: 32, Listed: 64, Signatures: 64, Depth: 32,
	}
}

// orDefault returns the limits with the default for each that is zero.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		RootBytes: cmp.Or(l.RootBytes, d.RootBytes), TimestampBytes: cmp.Or(l.TimestampBytes, d.TimestampBytes),
		SnapshotBytes: cmp.Or(l.SnapshotBytes, d.SnapshotBytes), TargetsBytes: cmp.Or(l.TargetsBytes, d.TargetsBytes),
		Roots: cmp.Or(l.Roots, d.Roots), Delegations: cmp.Or(l.Delegations, d.Delegations), Listed: cmp.Or(l.Listed, d.Listed),
		Signatures: cmp.Or(l.Signatures, d.Signatures), Depth: cmp.Or(l.Depth, d.Depth),
	}
}

// Floor is the newest that has been seen of a repository. Its zero value is of one
// never seen.
type Floor struct {
	Root      int64 `json:"root,omitempty"`
	Timestamp int64 `json:"timestamp,omitempty"`
	Snapshot  int64 `json:"snapshot,omitempty"`
	// Roles are the versions that the newest snapshot lists, by role.
	Roles map[string]int64 `json:"roles,omitempty"`
	// TimestampKeys and SnapshotKeys are the holders ([Key.Holder]) of these roles'
	// keys at that time. Once one of them is gone from a newer root, every version
	// but the root's is forgotten (5.3.11).
	TimestampKeys []string `json:"timestamp_keys,omitempty"`
	SnapshotKeys  []string `json:"snapshot_keys,omitempty"`
}

// IsZero reports whether the floor is of a repository never seen.
func (f Floor) IsZero() bool {
	return f.Root == 0 && f.Timestamp == 0 && f.Snapshot == 0 && len(f.Roles) == 0
}

// Key is one key of a role.
type Key struct {
	// ID is the label that the metadata gives it; it proves nothing.
	ID string
	// Type and Scheme are keytype and scheme.
	Type, Scheme string
	// Identity and Issuer are of a Sigstore key.
	Identity, Issuer string
	// Fingerprint is the SHA-256, in hexadecimal, of an ordinary key's
	// SubjectPublicKeyInfo; "" where the key type is not known.
	Fingerprint string
}

// Signature is one that was verified.
type Signature struct {
	Key Key
	// Time is the verified time of a Sigstore signature, else zero.
	Time time.Time
}

// Authorization is how a delegator authorised one version of a role.
type Authorization struct {
	// By is the delegator: "root" or a targets role; ByVersion its version.
	By        string
	ByVersion int64
	Threshold int
	// Keys are those of the role, each holder once; Signed the signatures of them
	// that were verified, each holder once.
	Keys   []Key
	Signed []Signature
}

// Role is verified metadata of one role.
type Role struct {
	Name    string
	Version int64
	Expires time.Time
	// SHA256 is of the file's bytes, in hexadecimal.
	SHA256 string
	// Authorizations has one entry, but two for a root after the first: by the root
	// before it and by itself.
	Authorizations []Authorization
}

// Need is a delegated role that a lookup must see before it can go on.
type Need struct {
	Role, Delegator string
	// Version and Length are what the snapshot says; Length is 0 where it says nothing.
	Version, Length int64
}

// Target is one file that the repository lists.
type Target struct {
	Path   string
	Length int64
	// Hashes are in hexadecimal, by algorithm (sha256, sha512).
	Hashes map[string]string
	// Roles are those on the way: targets first, the one that lists the file last.
	Roles []Role
	// Visited are all that were asked, those on the way among them: had another content
	// been current in one of them, another role might list the file, or none.
	Visited []Role
}
