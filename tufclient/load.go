package tufclient

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Load takes the top-level metadata from what is kept, without a request, and keeps
// later lookups from making one. What is not there or does not verify is a *FetchError
// with [ErrNotKept]; what verifies but has expired, or is older than what was seen, is a
// *metadata.Error.
func (c *Client) Load() error {
	if c.store.exists() {
		unlock, _ := c.store.lockBriefly() // without it two files may not fit, and are refused
		defer unlock()
	}
	if err := c.recall(); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	c.offline = true
	c.keptRoots()
	limits := c.options.Limits
	for _, step := range []struct {
		role   string
		limit  int64
		raw    *[]byte
		update func([]byte) error
	}{
		{metadata.Timestamp, limits.TimestampBytes, &c.raw.Timestamp, c.trusted.UpdateTimestamp},
		{metadata.Snapshot, limits.SnapshotBytes, &c.raw.Snapshot, func(b []byte) error { return c.trusted.UpdateSnapshot(b, false) }},
		{metadata.Targets, limits.TargetsBytes, &c.raw.Targets, c.trusted.UpdateTargets},
	} {
		b := c.store.read(step.role+".json", step.limit)
		if b == nil || step.role == metadata.Timestamp && c.trusted.Forgets() {
			return c.notKept(step.role+".json", nil)
		}
		err := step.update(b)
		if err != nil && !telling(err) {
			return c.notKept(step.role+".json", err)
		}
		*step.raw = b
		if err != nil {
			return err
		}
	}
	return nil
}

// telling reports whether an error about kept metadata says something of the
// repository, and not only that the copy is damaged or not complete.
func telling(err error) bool {
	var e *metadata.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case metadata.Expired, metadata.Rollback, metadata.BelowMinimum:
		return true
	default:
		return false
	}
}

// notKept is a file that cannot be taken from what is kept.
func (c *Client) notKept(name string, cause error) error {
	err := ErrNotKept
	if cause != nil {
		err = fmt.Errorf("%w that can be used: %w", ErrNotKept, cause)
	}
	where := name
	if c.store.dir != "" {
		where = filepath.Join(c.store.dir, filepath.FromSlash(name))
	}
	return &FetchError{Kind: Unreachable, URL: where, Err: err}
}
