package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// Release is what authentication made of a TUF repository: roles that were verified
// from a pinned root, and through them the manifests they list. Whether roles have
// expired, and whose keys signed them, is for [Judge]. Only this package makes one.
type Release struct {
	// pinned and trust name what it was verified under; unready says why it was not.
	pinned, trust string
	unready       string
	panicked      string

	trusted *metadata.Trusted
	// refused is the metadata at which the workflow stopped, absent the role that
	// was not gathered.
	refused *metadata.Error
	absent  string
	// seen says more of why the signatures of what was refused did not verify.
	seen witness
	// delegated has those delegated roles that were refused.
	delegated map[delegation]*metadata.Error
	manifests map[string][][]byte

	complete, refreshed bool
	state               ReleaseState
	failures            []Failure
	places              []string
}

// delegation is a role as one delegator names it.
type delegation struct{ role, delegator string }

// authenticateRelease replays the client workflow of TUF over what was gathered. A
// library that panics over it leaves nothing decided. client is what verified signatures
// while it was gathered, nil if that is not known.
func authenticateRelease(e ReleaseEvidence, demand policy.Release, trust Trust, limits Limits, client metadata.Sigstore) (r *Release) {
	r = &Release{
		pinned: demand.TUF.Root.SHA256, trust: demand.Trust, complete: e.Complete, refreshed: e.Refreshed,
		state: e.State, failures: e.Failures, places: e.Places,
	}
	defer func() {
		if p := recover(); p != nil {
			r.trusted, r.panicked = nil, fmt.Sprint(p)
		}
	}()
	root, pinned := trust.pinned(demand.TUF.Root.SHA256)
	material, known := trust.root(demand.Trust)
	switch {
	case !pinned:
		r.unready = "the pinned root with the SHA-256 " + demand.TUF.Root.SHA256 + " was not brought"
		return r
	case !known:
		r.unready = "the trusted root " + demand.Trust + " was not brought"
		return r
	}
	sigstore := MetadataSigstore(material, limits)
	if known, ok := client.(*metadataSigstore); ok && known.root == material && known.limits == limits {
		sigstore = known
	}
	r.replay(e, root.bytes, metadata.Options{
		DeferExpiryUnsafe: true, Floor: e.State.Floor, Min: demand.TUF.Min, Limits: metadata.DefaultLimits(),
	}, sigstore, limits)
	r.gather(e.Manifests, limits)
	return r
}

// replay goes through the workflow (TUF 1.0.34, section 5) up to what is refused or absent.
func (r *Release) replay(e ReleaseEvidence, root []byte, o metadata.Options, sigstore metadata.Sigstore, limits Limits) {
	seen := &witness{}
	o.Sigstore = seen
	accepted := func(role string, update func() error) bool {
		*seen = witness{Sigstore: sigstore}
		if err := update(); err != nil {
			r.refused, r.seen = refusal(role, err), *seen
		}
		return r.refused == nil
	}
	if !accepted(metadata.Root, func() (err error) { r.trusted, err = metadata.New(root, o); return err }) {
		r.trusted = nil
		return
	}
	trusted := r.trusted
	for _, b := range e.Roots {
		if !accepted(metadata.Root, func() error { return trusted.UpdateRoot(b) }) {
			return
		}
	}
	for _, step := range []struct {
		role   string
		bytes  []byte
		update func([]byte) error
	}{
		{metadata.Timestamp, e.Timestamp, trusted.UpdateTimestamp},
		{metadata.Snapshot, e.Snapshot, func(b []byte) error { return trusted.UpdateSnapshot(b, false) }},
		{metadata.Targets, e.Targets, trusted.UpdateTargets},
	} {
		if len(step.bytes) == 0 {
			r.absent = step.role
			return
		}
		if !accepted(step.role, func() error { return step.update(step.bytes) }) {
			return
		}
	}
	r.delegated = map[delegation]*metadata.Error{}
	for i, d := range e.Delegated {
		if i == limits.Pieces {
			return
		}
		if err := trusted.UpdateDelegated(d.Bytes, d.Role, d.Delegator); err != nil {
			r.delegated[delegation{d.Role, d.Delegator}] = refusal(d.Role, err)
		}
	}
}

func refusal(role string, err error) *metadata.Error {
	var known *metadata.Error
	if errors.As(err, &known) {
		return known
	}
	return &metadata.Error{Kind: metadata.Malformed, Role: role, Err: err}
}

// gather keeps the manifests by path; which of them count is for the metadata to say.
func (r *Release) gather(all []Manifest, limits Limits) {
	r.manifests = map[string][][]byte{}
	for i, m := range all {
		if i == limits.Pieces {
			return
		}
		r.manifests[m.Path] = append(r.manifests[m.Path], m.Bytes)
	}
}

// whole reports whether every top-level role was verified.
func (r *Release) whole() bool {
	return r.trusted != nil && r.refused == nil && r.absent == "" && r.panicked == "" && r.unready == ""
}

// absence is a delegated role that a lookup needs and that was not gathered.
type absence struct{ role, delegator string }

func (a *absence) Error() string {
	return fmt.Sprintf("the role %s, to which %s delegates, was not read", a.role, a.delegator)
}

// find looks a target up in what was verified (5.6.7). Of one that is not listed, it tells
// beside the error which roles were asked.
func (r *Release) find(path string) (metadata.Target, error) {
	target, need, err := r.trusted.Find(path)
	switch {
	case err != nil:
		return target, err
	case need != nil:
		return metadata.Target{}, r.missing(*need)
	case target.Path != path || len(target.Roles) == 0:
		return metadata.Target{}, &metadata.Error{Kind: metadata.NotListed, Role: metadata.Targets, Wanted: path}
	}
	return target, nil
}

// list names the targets that a lookup could find in the roles that are entered.
func (r *Release) list(wants func(string) bool, reach func([]string) bool, enter func(metadata.Role) bool) (metadata.Listing, error) {
	listing, need, err := r.trusted.List(wants, reach, enter)
	switch {
	case err != nil:
		return metadata.Listing{}, err
	case need != nil:
		return metadata.Listing{}, r.missing(*need)
	}
	return listing, nil
}

func (r *Release) missing(need metadata.Need) error {
	if refused, ok := r.delegated[delegation{need.Role, need.Delegator}]; ok {
		return refused
	}
	return &absence{need.Role, need.Delegator}
}

// manifest returns the bytes behind a target that [Release.find] found, nil if they
// were not gathered, and an error if others were.
func (r *Release) manifest(target metadata.Target) ([]byte, error) {
	var refused error
	for _, b := range r.manifests[target.Path] {
		err := target.Verify(b)
		if err == nil && len(target.Hashes) > 0 {
			return b, nil
		}
		if refused == nil {
			refused = err
		}
	}
	return nil, refused
}

// roots returns every version of the root from the pinned one on.
func (r *Release) roots() []metadata.Role {
	if r.trusted == nil {
		return nil
	}
	return r.trusted.Roots()
}

// top returns those of the other top-level roles that were verified.
func (r *Release) top() []metadata.Role {
	if r.trusted == nil {
		return nil
	}
	var all []metadata.Role
	for _, name := range []string{metadata.Timestamp, metadata.Snapshot, metadata.Targets} {
		if role, ok := r.trusted.Role(name); ok {
			all = append(all, role)
		}
	}
	return all
}

// role returns one top-level role.
func (r *Release) role(name string) (metadata.Role, bool) {
	if r.trusted == nil {
		return metadata.Role{}, false
	}
	return r.trusted.Role(name)
}

// failure returns what could not be fetched, the failures first that asking again
// may mend. What the repository's own bytes say is not among them.
func (r *Release) failure() (Failure, bool) {
	found := slices.DeleteFunc(slices.Clone(r.failures), func(f Failure) bool { return f.Code.subject() == "release" })
	if len(found) == 0 {
		return Failure{}, false
	}
	sortFailures(found)
	return found[0], true
}

// unhad is why a manifest was not gathered: a failure to fetch, or another file in its place, whose bytes are no
// evidence.
func (r *Release) unhad() (Failure, bool) {
	if f, ok := r.failure(); ok {
		return f, true
	}
	return r.withCode(ReleaseHashMismatch)
}

// withCode returns the first failure of some codes.
func (r *Release) withCode(codes ...Code) (Failure, bool) {
	for _, f := range r.failures {
		if slices.Contains(codes, f.Code) {
			return f, true
		}
	}
	return Failure{}, false
}

// before lists, sorted, the paths that earlier runs saw listed with this digest.
func (r *Release) before(digest string) []string {
	var paths []string
	for _, path := range slices.Sorted(maps.Keys(r.state.Listed)) {
		if r.state.Listed[path] == digest {
			paths = append(paths, path)
		}
	}
	return paths
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
