package verify

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// Releases is a [Source] that can also read a project's TUF repository.
type Releases interface {
	// Release gathers the repository's metadata and the manifests that judging needs.
	// It runs beside Resolve and Collect: resolved waits until the image is known, and is
	// false if it could not be resolved. What could not be fetched is a Failure.
	Release(ctx context.Context, want ReleaseWant, resolved func() (Image, bool)) ReleaseEvidence
}

// ReleaseWant is what a rule demands of a TUF repository.
type ReleaseWant struct {
	Demand policy.Release
	// Root are the bytes of the pinned root.
	Root []byte
	// Sigstore verifies what identities signed; nil where the trusted root is missing.
	Sigstore  metadata.Sigstore
	Reference Reference
	// Name is the image's canonical name, Tags how its tags give a version.
	Name string
	Tags policy.Tags
	// Version is the one that the caller or the tag names, "" if neither does.
	Version string
	// At is the time of judgement. A hypothetical question reads and writes no state.
	At           time.Time
	Hypothetical bool
}

// ReleaseEvidence is what was gathered of a TUF repository: nothing in it is believed
// until [Authenticate] has replayed it.
type ReleaseEvidence struct {
	// Roots are those after the pinned one, in order.
	Roots                        [][]byte
	Timestamp, Snapshot, Targets []byte
	// Delegated are in an order in which each comes after its delegator.
	Delegated []DelegatedMetadata
	Manifests []Manifest
	// Complete is true if every manifest that the target pattern fits was gathered. False
	// is no failure by itself: judging says whether it needs them all.
	Complete bool
	State    ReleaseState
	// Refreshed is true if the repository itself was asked, and answered.
	Refreshed bool
	Failures  []Failure
	Places    []string
	// Requests and Bytes are what the whole verification has cost when this was
	// gathered, as in [Evidence].
	Requests int
	Bytes    int64
}

// DelegatedMetadata is the metadata of one delegated role.
type DelegatedMetadata struct {
	Role, Delegator string
	Bytes           []byte
}

// Manifest is the file behind one target.
type Manifest struct {
	Path  string
	Bytes []byte
}

// StateKind says what was known of a repository before this run.
type StateKind string

// The kinds of state.
const (
	// StateNone is a run that keeps none, as a hypothetical one.
	StateNone StateKind = "none"
	// StateBootstrap is a first run: all rests on the pinned root.
	StateBootstrap StateKind = "bootstrap"
	// StateKnown is a run that goes on from what an earlier one saw.
	StateKnown StateKind = "known"
)

// ReleaseState is what earlier runs have seen of a repository.
type ReleaseState struct {
	Kind  StateKind
	Floor metadata.Floor
	// Listed are the targets of the pattern that were ever listed, by path, each with
	// the image digest that its manifest named where it was read, else "".
	Listed map[string]string
}

// ReleaseReach reports, for [metadata.Trusted.List], which delegations could lead to a
// target that a demand fits: their path patterns agree with it up to the first
// wildcard and after the last one. It never passes over one that could.
func ReleaseReach(demand policy.Release) func(patterns []string) bool {
	before, after, _ := strings.Cut(demand.Target.String(), versionVariable)
	return func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			first := strings.IndexAny(pattern, wildcards)
			if first < 0 {
				return len(pattern) > len(before)+len(after) && strings.HasPrefix(pattern, before) && strings.HasSuffix(pattern, after)
			}
			head, tail := pattern[:first], pattern[strings.LastIndexAny(pattern, wildcards)+1:]
			return (strings.HasPrefix(head, before) || strings.HasPrefix(before, head)) &&
				(strings.HasSuffix(tail, after) || strings.HasSuffix(after, tail))
		})
	}
}

const (
	versionVariable = "{version}"
	// wildcards are the special characters of a delegation's path pattern.
	wildcards = `*?[]\`
)
