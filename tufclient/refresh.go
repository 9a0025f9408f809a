package tufclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Refresh brings the top-level metadata up to date (5.2 to 5.6). Its errors are *FetchError,
// *StateError or *metadata.Error. It may be called again.
func (c *Client) Refresh(ctx context.Context) error {
	c.store.reopen()
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.recall(); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.roots, c.timestamp, c.snapshot, c.targets} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return c.raise()
}

// lock is store.lock with a typed error.
func (c *Client) lock(ctx context.Context) (unlock func(), err error) {
	unlock, err = c.store.lock(ctx)
	if err != nil {
		return nil, &FetchError{Kind: Timeout, URL: c.options.MetadataURL, Err: fmt.Errorf("wait for the lock of %s: %w", c.options.Dir, err)}
	}
	return unlock, nil
}

// url is where a file of metadata is.
func (c *Client) url(name string) string { return c.options.MetadataURL + "/" + name }

// keep puts verified metadata on disk, after the floor.
func (c *Client) keep(name string, b []byte) error {
	if err := c.raise(); err != nil {
		return err
	}
	c.store.write(name, b)
	return nil
}

// version is that of the newest root.
func (c *Client) version() int64 {
	roots := c.trusted.Roots()
	if len(roots) == 0 {
		return 0
	}
	return roots[len(roots)-1].Version
}

func rootFile(version int64) string { return "roots/" + strconv.FormatInt(version, 10) + ".json" }

// keptRoots follows the chain that is kept. A link that is damaged ends it, and is
// fetched again.
func (c *Client) keptRoots() {
	for len(c.raw.Roots) < c.options.Limits.Roots {
		b := c.store.read(rootFile(c.version()+1), c.options.Limits.RootBytes)
		if b == nil || c.trusted.UpdateRoot(b) != nil {
			return
		}
		c.raw.Roots = append(c.raw.Roots, b)
	}
}

// newest is the newest root's file.
func (c *Client) newest() []byte {
	if n := len(c.raw.Roots); n > 0 {
		return c.raw.Roots[n-1]
	}
	return c.options.Root
}

// roots follows the chain of roots (5.3).
func (c *Client) roots(ctx context.Context) error {
	c.keptRoots()
	if !bytes.Equal(c.store.read("root.json", c.options.Limits.RootBytes), c.newest()) {
		if err := c.keep("root.json", c.newest()); err != nil {
			return err
		}
	}
	for {
		next := c.version() + 1
		b, err := fetch(ctx, c.options.Fetcher, c.url(remoteName(metadata.Root, next)), c.options.Limits.RootBytes)
		if absent(err) {
			return nil
		}
		if err != nil {
			return err
		}
		c.raw.Roots = append(c.raw.Roots, b)
		if len(c.raw.Roots) > c.options.Limits.Roots {
			return &metadata.Error{
				Kind: metadata.TooLarge, Role: metadata.Root, Step: "5.3.3",
				Wanted: fmt.Sprintf("at most %d newer roots", c.options.Limits.Roots), Found: "one more",
			}
		}
		if err := c.trusted.UpdateRoot(b); err != nil {
			return err
		}
		if err := c.keep(rootFile(next), b); err != nil {
			return err
		}
		c.store.write("root.json", b)
	}
}

// timestamp fetches the timestamp (5.4), on condition where one is kept.
func (c *Client) timestamp(ctx context.Context) error {
	limit := c.options.Limits.TimestampBytes
	if c.trusted.Forgets() {
		c.store.drop("timestamp.json") // before the floor forgets it, which is what guards until then
	}
	kept := c.store.read("timestamp.json", limit)
	var stale error // why the kept one guards against rollback and is no good otherwise
	if kept != nil {
		err := c.trusted.UpdateTimestamp(kept)
		switch {
		case isKind(err, metadata.Expired, metadata.Timestamp):
			stale = err
		case err != nil:
			kept = nil
		}
	}
	var condition Validator
	if stale == nil {
		condition = c.validator(kept)
	}
	a, err := fetchIf(ctx, c.options.Fetcher, c.url(remoteName(metadata.Timestamp, 0)), limit, condition)
	if err != nil {
		return err
	}
	if !a.Unchanged {
		err = c.trusted.UpdateTimestamp(a.Bytes)
	}
	switch {
	case a.Unchanged, kept != nil && isKind(err, metadata.Same, metadata.Timestamp):
		c.raw.Timestamp = kept
		if bytes.Equal(a.Bytes, kept) {
			c.noteValidator(a)
		}
		return stale
	case err != nil:
		c.raw.Timestamp = a.Bytes
		return err
	}
	c.raw.Timestamp = a.Bytes
	c.noteValidator(a)
	return c.keep("timestamp.json", a.Bytes)
}

// isKind reports whether err says that of this role.
func isKind(err error, kind metadata.Kind, role string) bool {
	var e *metadata.Error
	return errors.As(err, &e) && e.Kind == kind && e.Role == role
}

// snapshot takes the kept snapshot if it is the one that the timestamp lists, or
// fetches that one (5.5).
func (c *Client) snapshot(ctx context.Context) error {
	limit := c.options.Limits.SnapshotBytes
	version, length, ok := c.trusted.Meta(metadata.Snapshot)
	if !ok {
		return unlisted(metadata.Snapshot, "5.5.1")
	}
	if kept := c.store.read("snapshot.json", limit); kept != nil && c.trusted.UpdateSnapshot(kept, true) == nil {
		if role, ok := c.trusted.Role(metadata.Snapshot); ok && role.Version == version {
			c.raw.Snapshot = kept
			return nil
		}
	}
	b, err := c.fetchRole(ctx, metadata.Snapshot, version, length, limit)
	if err != nil {
		return err
	}
	c.raw.Snapshot = b
	if err := c.trusted.UpdateSnapshot(b, false); err != nil {
		return err
	}
	return c.keep("snapshot.json", b)
}

// targets does the same for the top-level targets (5.6).
func (c *Client) targets(ctx context.Context) error {
	limit := c.options.Limits.TargetsBytes
	if kept := c.store.read("targets.json", limit); kept != nil && c.trusted.UpdateTargets(kept) == nil {
		c.raw.Targets = kept
		return nil
	}
	version, length, ok := c.trusted.Meta(metadata.Targets)
	if !ok {
		return unlisted(metadata.Targets, "5.6.1")
	}
	b, err := c.fetchRole(ctx, metadata.Targets, version, length, limit)
	if err != nil {
		return err
	}
	c.raw.Targets = b
	if err := c.trusted.UpdateTargets(b); err != nil {
		return err
	}
	return c.keep("targets.json", b)
}

func unlisted(role, step string) error {
	return &metadata.Error{Kind: metadata.Malformed, Role: role, Step: step, Wanted: "its entry in the role above", Found: "none"}
}

// fetchRole fetches a file whose version, and perhaps length, another role lists. A
// length beyond the limit is refused unasked: whoever lists it holds an online key.
func (c *Client) fetchRole(ctx context.Context, role string, version, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, &metadata.Error{
			Kind: metadata.TooLarge, Role: role,
			Wanted: fmt.Sprintf("at most %d bytes", limit), Found: fmt.Sprintf("%d listed", length),
		}
	}
	if length > 0 {
		limit = length
	}
	if !c.trusted.ConsistentSnapshot() {
		version = 0
	}
	return fetch(ctx, c.options.Fetcher, c.url(remoteName(role, version)), limit)
}
