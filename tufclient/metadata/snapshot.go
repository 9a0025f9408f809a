package metadata

import (
	"fmt"
	"maps"
	"slices"
)

// UpdateSnapshot takes a snapshot (5.5). cached is one that was trusted before, which
// need not be the one that the timestamp lists: it guards against rollback, and the error
// says why it is not enough.
func (t *Trusted) UpdateSnapshot(b []byte, cached bool) error {
	switch {
	case t.timestamp == nil:
		return outOfTurn(Snapshot, "5.5", "the timestamp before the snapshot")
	case t.files[Targets] != nil:
		return outOfTurn(Snapshot, "5.5", "the snapshot before the targets")
	}
	if err := t.checkExpiry(Timestamp, "5.4.4", t.timestamp.expires); err != nil {
		return err
	}
	listed := t.timestamp.snapshot
	if !cached {
		if err := listed.check(b, Snapshot, "5.5.2"); err != nil {
			return err
		}
	}
	e, err := t.open(b, Snapshot, Snapshot, "4.4", t.o.Limits.SnapshotBytes)
	if err != nil {
		return err
	}
	f, err := read(e, Snapshot, "4.4", readSnapshot)
	if err != nil {
		return err
	}
	by, err := t.byRoot(e, Snapshot, "5.5.3")
	if err != nil {
		return err
	}
	final := t.isListed(b, f, cached)
	if final != nil && (!cached || t.forgot) {
		return final
	}
	if err := t.checkRoles(f); err != nil {
		return err
	}
	if cached {
		t.baseline = f.meta
	}
	if final == nil {
		final = t.finishSnapshot(f)
	}
	if final != nil {
		return final
	}
	t.snapshot, t.baseline = &f, f.meta
	t.roles[edge{Root, Snapshot}] = newRole(Snapshot, f.header, e, by)
	return nil
}

// isListed compares a verified snapshot with what the timestamp lists (5.5.2, 5.5.4).
func (t *Trusted) isListed(b []byte, f snapshotFile, cached bool) error {
	listed := t.timestamp.snapshot
	if f.version != listed.version {
		return versionError(MixAndMatch, Snapshot, "5.5.4", fmt.Sprintf("version %d, which the timestamp lists", listed.version), f.version)
	}
	if cached {
		return listed.check(b, Snapshot, "5.5.2")
	}
	return nil
}

// finishSnapshot judges a snapshot that the timestamp lists (5.5.6).
func (t *Trusted) finishSnapshot(f snapshotFile) error {
	if err := t.checkMin(Snapshot, "5.5.5", f.version); err != nil {
		return err
	}
	return t.checkExpiry(Snapshot, "5.5.6", f.expires)
}

// checkRoles looks for a role that was rolled back or dropped (5.5.5).
func (t *Trusted) checkRoles(f snapshotFile) error {
	known := map[string]int64{}
	for role, m := range t.baseline {
		known[role] = m.version
	}
	for role, version := range t.floor.Roles {
		known[role] = max(known[role], version)
	}
	for _, role := range slices.Sorted(maps.Keys(known)) {
		version := known[role]
		m, ok := f.meta[role]
		if ok && m.version >= version {
			continue
		}
		found := "none"
		if ok {
			found = fmt.Sprintf("version %d", m.version)
		}
		return &Error{
			Kind: Rollback, Role: Snapshot, Step: "5.5.5",
			Wanted: fmt.Sprintf("it to list %s version %d, which was seen before, or newer", quote(role), version), Found: found,
		}
	}
	return nil
}
