package tufclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Note adds to what is kept of targets that were seen. That nothing can be kept is no
// error: see [Client.Unkept].
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
	if all, changed := merge(c.memory.Listed, listed); changed {
		c.memory.Listed = all
		c.remember()
	}
	return nil
}

// merge adds what is new, and never replaces a digest by none.
func merge(to, from map[string]string) (all map[string]string, changed bool) {
	all = maps.Clone(to)
	if all == nil {
		all = map[string]string{}
	}
	for path, digest := range from {
		path, digest = plainText(path), plainText(digest)
		if was, ok := all[path]; !ok || digest != "" && was != digest {
			all[path], changed = digest, true
		}
	}
	return all, changed
}

// recall reads the floor again: another process may have raised it. Whoever calls it
// holds the lock.
func (c *Client) recall() error {
	kept, found, err := c.store.readMemory(c.pinned, c.options.Repository)
	if err != nil || !found {
		return err // one that this client has known stays known
	}
	if c.ahead {
		kept.Listed, _ = merge(kept.Listed, c.memory.Listed)
		kept.Floor = c.memory.Floor
	}
	c.memory = kept
	return nil
}

// raise writes the floor if it has changed: before the metadata that raised it.
func (c *Client) raise() {
	floor := c.trusted.Floor()
	if !c.ahead && c.memory.Repository == c.options.Repository && sameFloor(c.memory.Floor, floor) {
		return
	}
	c.memory.Floor = floor
	c.remember()
}

// remember writes the floor.
func (c *Client) remember() {
	c.memory.Schema, c.memory.PinnedSHA256, c.memory.Repository = memorySchema, c.pinned, c.options.Repository
	c.ahead = !c.store.writeMemory(c.memory)
}

// sameFloor compares floors as they are written.
func sameFloor(a, b metadata.Floor) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
