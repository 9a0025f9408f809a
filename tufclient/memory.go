package tufclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Hold adds a floor that is known from elsewhere, as from another machine: nothing below
// it is accepted by a later Refresh or Load, and it is kept like this client's own. It is
// merged role by role, forgets what 5.3.11 says, and lowers nothing else. Whoever calls it
// answers for the floor: only one that a client of the same pinned root and the same repository
// returned may be given. What was verified before is not judged anew.
func (c *Client) Hold(floor metadata.Floor) error {
	if floor.IsZero() {
		return nil
	}
	if err := checkFloor(floor); err != nil {
		return err
	}
	merged := newest(c.memory.Floor, floor)
	c.memory.Floor = merged // recall finds that it is ahead of what is kept
	c.began.Known, c.began.Floor = true, merged
	return c.start()
}

// Floor returns the newest that is known by now: what was kept, what [Client.Hold] was
// given, and what was verified and may be relied on.
func (c *Client) Floor() metadata.Floor { return Newest(c.memory.Floor, metadata.Floor{}) }

// Note adds to what is kept of targets that were seen, within the bounds of
// State.Listed. That nothing can be kept is no error: see [Client.Unkept].
func (c *Client) Note(listed map[string]string) error {
	unlock, ok := c.store.lockBriefly()
	defer unlock()
	if !ok {
		c.store.lost(errors.New("another process holds the lock"))
		return nil
	}
	if err := c.recall(); err != nil {
		return err
	}
	if all := merge(c.memory.Listed, listed); !maps.Equal(all, c.memory.Listed) {
		c.memory.Listed = all
		_ = c.remember() // the floor is none the lower without it
	}
	return nil
}

// recall reads the floor again: another process may have raised it. What this client
// knows better stays known. Whoever calls it holds the lock.
func (c *Client) recall() error {
	kept, found, err := c.store.readMemory(c.pinned, c.options.Repository)
	if err != nil {
		return err
	}
	if !found {
		c.ahead = true
		return nil
	}
	kept.Listed = merge(kept.Listed, c.memory.Listed)
	if c.ahead {
		kept.Validator = c.memory.Validator
	}
	floor := newest(kept.Floor, c.memory.Floor)
	c.ahead = c.ahead || !sameFloor(floor, kept.Floor)
	kept.Floor = floor
	c.memory = kept
	return nil
}

// raise writes the floor if it has changed: before the metadata that raised it. It never
// lowers what recall has read. Whoever calls it holds the lock, and called recall under it.
func (c *Client) raise() error {
	floor := newest(c.memory.Floor, c.trusted.Floor())
	if !c.ahead && c.memory.Repository == c.options.Repository && sameFloor(c.memory.Floor, floor) {
		return nil
	}
	c.memory.Floor = floor
	return c.remember()
}

// remember writes the floor.
func (c *Client) remember() error {
	c.memory.Schema, c.memory.PinnedSHA256, c.memory.Repository = memorySchema, c.pinned, c.options.Repository
	kept, err := c.store.writeMemory(c.memory)
	c.ahead = !kept
	return err
}

// Newest merges two floors of one repository, as those that two machines keep: no version
// falls but those that the newer root forgets (5.3.11). Neither is changed.
func Newest(kept, seen metadata.Floor) metadata.Floor {
	merged := newest(kept, seen)
	merged.Roles = maps.Clone(merged.Roles)
	merged.TimestampKeys, merged.SnapshotKeys = slices.Clone(merged.TimestampKeys), slices.Clone(merged.SnapshotKeys)
	return merged
}

// newest takes the higher version of each role of two floors. Where the newer root no
// longer has a holder that the other floor knows, the other's versions are forgotten
// (5.3.11). Of one root, seen is the floor that knows its holders.
func newest(kept, seen metadata.Floor) metadata.Floor {
	newer, older := seen, kept
	if kept.Root > seen.Root {
		newer, older = kept, seen
	}
	if len(newer.TimestampKeys) == 0 && len(newer.SnapshotKeys) == 0 { // its root was not judged yet
		newer.TimestampKeys, newer.SnapshotKeys = older.TimestampKeys, older.SnapshotKeys
	}
	if !covers(newer.TimestampKeys, older.TimestampKeys) || !covers(newer.SnapshotKeys, older.SnapshotKeys) {
		return newer
	}
	newer.Timestamp = max(newer.Timestamp, older.Timestamp)
	newer.Snapshot = max(newer.Snapshot, older.Snapshot)
	newer.Roles = maps.Clone(newer.Roles)
	for role, version := range older.Roles {
		if newer.Roles == nil {
			newer.Roles = map[string]int64{}
		}
		newer.Roles[role] = max(newer.Roles[role], version)
	}
	return newer
}

// covers reports whether every one of some holders is among all.
func covers(all, some []string) bool {
	for _, holder := range some {
		if !slices.Contains(all, holder) {
			return false
		}
	}
	return true
}

// sameFloor compares floors as they are written.
func sameFloor(a, b metadata.Floor) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
