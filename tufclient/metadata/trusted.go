package metadata

import (
	"crypto/sha256"
	"fmt"
)

// Trusted is what has been verified so far of one repository. It is not safe for
// concurrent use.
type Trusted struct {
	o     Options
	floor Floor // of o, until it is forgotten

	roots []Role
	root  rootFile
	// rootFinal is set once the root was judged to be the last; forgot, if the floor
	// was forgotten then.
	rootFinal, forgot bool

	// timestamp may have expired; then it guards against rollback alone.
	timestamp *timestampFile
	// snapshot is the one that the timestamp lists; baseline are the versions of the
	// newest one that was verified.
	snapshot *snapshotFile
	baseline map[string]metaFile

	// roles are those verified, each as one delegator names it; files are the contents
	// of targets roles by name, which are the same by whichever delegator.
	roles  map[edge]Role
	files  map[string]*targetsFile
	signed map[string][sha256.Size]byte // of the canonical bytes of files
}

// edge is a role as one delegator names it. Another delegator may name the same role with
// other keys.
type edge struct{ delegator, role string }

// New starts from a pinned root (5.2): its own keys must have signed it. Every error
// of this package is an *Error. Limits that are zero are those of [DefaultLimits].
func New(root []byte, o Options) (*Trusted, error) {
	o.Limits = o.Limits.orDefault()
	if o.Time.IsZero() && !o.DeferExpiryUnsafe {
		return nil, outOfTurn(Root, "5.1", "a time by which expiry is judged")
	}
	t := &Trusted{
		o: o, floor: o.Floor.clone(),
		roles: map[edge]Role{}, files: map[string]*targetsFile{}, signed: map[string][sha256.Size]byte{},
	}
	e, f, err := t.openRoot(root)
	if err != nil {
		return nil, err
	}
	own, err := f.roles[Root].authorize(e, o.Sigstore, Root, "5.2", Root, f.version)
	if err != nil {
		return nil, err
	}
	t.addRoot(e, f, own)
	return t, nil
}

func (t *Trusted) openRoot(b []byte) (*envelope, rootFile, error) {
	e, err := t.open(b, Root, Root, "4.3", t.o.Limits.RootBytes)
	if err != nil {
		return nil, rootFile{}, err
	}
	f, err := read(e, Root, "4.3", readRoot)
	return e, f, err
}

func (t *Trusted) addRoot(e *envelope, f rootFile, by ...Authorization) {
	t.root = f
	role := newRole(Root, f.header, e, by...)
	t.roots = append(t.roots, role)
	t.roles[edge{Root, Root}] = role
}

// UpdateRoot takes the next root (5.3.4 to 5.3.6). Its expiry is judged once the
// last one is there, by [Trusted.UpdateTimestamp] (5.3.10).
func (t *Trusted) UpdateRoot(b []byte) error {
	if t.timestamp != nil || t.rootFinal {
		return outOfTurn(Root, "5.3", "roots before the timestamp")
	}
	if len(t.roots) > t.o.Limits.Roots {
		return &Error{
			Kind: TooLarge, Role: Root, Step: "5.3.3",
			Wanted: fmt.Sprintf("at most %s after the pinned one", plural(t.o.Limits.Roots, "root")), Found: "more",
		}
	}
	e, f, err := t.openRoot(b)
	if err != nil {
		return err
	}
	before, err := t.root.roles[Root].authorize(e, t.o.Sigstore, Root, "5.3.4", Root, t.root.version)
	if err != nil {
		return err
	}
	if f.version != t.root.version+1 {
		kind := SkippedRoot
		if f.version < t.root.version {
			kind = Rollback
		}
		return versionError(kind, Root, "5.3.5", fmt.Sprintf("version %d", t.root.version+1), f.version)
	}
	own, err := f.roles[Root].authorize(e, t.o.Sigstore, Root, "5.3.4", Root, f.version)
	if err != nil {
		return err
	}
	t.addRoot(e, f, before, own)
	return nil
}

// Roots returns every root from the pinned one on.
func (t *Trusted) Roots() []Role { return append([]Role(nil), t.roots...) }

// Role returns a top-level role, and false while it is not there. A timestamp that has
// expired is there.
func (t *Trusted) Role(name string) (Role, bool) {
	r, ok := t.roles[edge{Root, name}]
	return r, ok
}

// ConsistentSnapshot says how files are named (6.2).
func (t *Trusted) ConsistentSnapshot() bool { return t.root.consistent }

// Meta returns what timestamp or snapshot lists of a role's file: version, and length
// where it is listed, else 0.
func (t *Trusted) Meta(role string) (version, length int64, ok bool) {
	var m metaFile
	switch {
	case role == Snapshot && t.timestamp != nil:
		m, ok = t.timestamp.snapshot, true
	case role != Snapshot && t.snapshot != nil:
		m, ok = t.snapshot.meta[role]
	}
	return m.version, m.length, ok
}

// byRoot demands the signatures that the root wants for a role.
func (t *Trusted) byRoot(e *envelope, role, step string) (Authorization, error) {
	return t.root.roles[role].authorize(e, t.o.Sigstore, role, step, Root, t.root.version)
}
