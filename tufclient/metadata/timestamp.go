package metadata

import "fmt"

// UpdateTimestamp takes a timestamp (5.4). An older one that was trusted before may be
// given first, as the cached one is: it then guards against rollback even if expired. The
// first call ends the chain of roots.
func (t *Trusted) UpdateTimestamp(b []byte) error {
	if t.snapshot != nil || t.baseline != nil {
		return outOfTurn(Timestamp, "5.4", "the timestamp before any snapshot")
	}
	if err := t.finishRoot(); err != nil {
		return err
	}
	e, err := t.open(b, Timestamp, Timestamp, "4.6", t.o.Limits.TimestampBytes)
	if err != nil {
		return err
	}
	f, err := read(e, Timestamp, "4.6", readTimestamp)
	if err != nil {
		return err
	}
	by, err := t.byRoot(e, Timestamp, "5.4.2")
	if err != nil {
		return err
	}
	if err := t.checkTimestamp(f); err != nil {
		return err
	}
	t.timestamp = &f
	t.roles[edge{Root, Timestamp}] = newRole(Timestamp, f.header, e, by)
	return t.checkExpiry(Timestamp, "5.4.4", f.expires)
}

// checkTimestamp looks for a rollback (5.4.3). Once the floor was forgotten, a timestamp
// that was given earlier is a cached one that should have been deleted, and guards nothing.
func (t *Trusted) checkTimestamp(f timestampFile) error {
	version, snapshot := t.floor.Timestamp, t.floor.Snapshot
	if last := t.timestamp; last != nil && !t.forgot {
		if f.version == last.version {
			return versionError(Same, Timestamp, "5.4.3.1", fmt.Sprintf("a version after %d", last.version), f.version)
		}
		version, snapshot = max(version, last.version), max(snapshot, last.snapshot.version)
	}
	if f.version < version {
		return versionError(Rollback, Timestamp, "5.4.3.1", fmt.Sprintf("version %d, which was seen before, or newer", version), f.version)
	}
	if f.snapshot.version < snapshot {
		return &Error{
			Kind: Rollback, Role: Timestamp, Step: "5.4.3.2",
			Wanted: fmt.Sprintf("it to list snapshot version %d, which was seen before, or newer", snapshot),
			Found:  fmt.Sprintf("version %d", f.snapshot.version),
		}
	}
	return t.checkMin(Timestamp, "5.4.3.1", f.version)
}
