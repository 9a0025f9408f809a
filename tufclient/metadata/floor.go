package metadata

import (
	"fmt"
	"maps"
	"slices"
)

// Floor returns the newest of what was known and what has been verified and may be
// relied on: metadata that has expired does not raise it, a root excepted.
func (t *Trusted) Floor() Floor {
	f := t.floor
	f.Root = max(f.Root, t.root.version)
	if t.rootFinal {
		f.TimestampKeys = t.root.roles[Timestamp].names()
		f.SnapshotKeys = t.root.roles[Snapshot].names()
	}
	if t.timestamp != nil && !t.expired(t.timestamp.expires) {
		f.Timestamp = max(f.Timestamp, t.timestamp.version)
		f.Snapshot = max(f.Snapshot, t.timestamp.snapshot.version)
	}
	if t.snapshot != nil {
		f.Roles = map[string]int64{}
		for role, m := range t.snapshot.meta {
			f.Roles[role] = m.version
		}
	}
	return f.clone()
}

func (f Floor) clone() Floor {
	f.Roles = maps.Clone(f.Roles)
	f.TimestampKeys, f.SnapshotKeys = slices.Clone(f.TimestampKeys), slices.Clone(f.SnapshotKeys)
	return f
}

// Forgets reports whether the newest root no longer has a holder of the timestamp's
// or snapshot's keys that the floor knows (5.3.11): every version below the root's is then
// forgotten. Cached timestamps must be deleted and not be given to UpdateTimestamp; a
// cached snapshot may be given, and is used only if the timestamp lists it.
func (t *Trusted) Forgets() bool {
	if t.root.version < t.floor.Root {
		return false
	}
	for role, known := range map[string][]string{Timestamp: t.o.Floor.TimestampKeys, Snapshot: t.o.Floor.SnapshotKeys} {
		now := t.root.roles[role].names()
		for _, holder := range known {
			if !slices.Contains(now, holder) {
				return true
			}
		}
	}
	return false
}

// finishRoot judges the root once it is the last one (5.3.10, 5.3.11).
func (t *Trusted) finishRoot() error {
	if t.root.version < t.floor.Root {
		return versionError(Rollback, Root, "5.3.5", fmt.Sprintf("version %d, which was seen before, or newer", t.floor.Root), t.root.version)
	}
	if err := t.checkMin(Root, "5.3.5", t.root.version); err != nil {
		return err
	}
	if err := t.checkExpiry(Root, "5.3.10", t.root.expires); err != nil {
		return err
	}
	if !t.rootFinal && t.Forgets() {
		t.forgot = true
		t.floor = Floor{Root: t.floor.Root}
	}
	t.rootFinal = true
	return nil
}
