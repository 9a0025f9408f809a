package tufclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/releaseassay/assay/tufclient/metadata"
)

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
