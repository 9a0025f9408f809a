// Package tufclient keeps a verified copy of a TUF repository: a thin updater around
// package metadata, which decides. It fetches in the order of the specification
// (1.0.34, section 5), one request for each file, and keeps what it verified in a
// folder, behind a lock, with a floor below which nothing is ever accepted again.
//
// Start with [New] and [Client.Refresh].
package tufclient

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Options are what a client is made with.
type Options struct {
	// MetadataURL and TargetsURL are without a slash at the end. For [Directory] they
	// are paths.
	MetadataURL, TargetsURL string
	// Repository names the repository in what is kept, so that a mirror of it is known
	// for the same one. Default: MetadataURL.
	Repository string
	// Root are the bytes of the pinned root.
	Root []byte
	// Fetcher gets the files. Default: an [HTTP].
	Fetcher Fetcher
	// Dir keeps metadata and floor; "" keeps nothing.
	Dir string
	// StateFile keeps the floor instead of a file in Dir.
	StateFile string
	// Time judges expiry, unless that is left to the caller.
	Time              time.Time
	DeferExpiryUnsafe bool
	Sigstore          metadata.Sigstore
	Min               map[string]int64
	// Limits bound what is read. Those that are zero are of metadata.DefaultLimits.
	Limits metadata.Limits
	// Unconditional asks for the timestamp itself, and not whether it has changed.
	Unconditional bool
	// TargetBytes bounds a target that is fetched into memory. Default: 1 MiB.
	TargetBytes int64
}

// defaultTargetBytes is far more than a release manifest has.
const defaultTargetBytes = 1 << 20

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	o.MetadataURL, o.TargetsURL = strings.TrimRight(o.MetadataURL, "/"), strings.TrimRight(o.TargetsURL, "/")
	if o.Repository == "" {
		o.Repository = o.MetadataURL
	}
	o.Repository = plainText(o.Repository)
	if o.Fetcher == nil {
		o.Fetcher = &HTTP{}
	}
	d := metadata.DefaultLimits()
	o.Limits.RootBytes = cmp.Or(o.Limits.RootBytes, d.RootBytes)
	o.Limits.TimestampBytes = cmp.Or(o.Limits.TimestampBytes, d.TimestampBytes)
	o.Limits.SnapshotBytes = cmp.Or(o.Limits.SnapshotBytes, d.SnapshotBytes)
	o.Limits.TargetsBytes = cmp.Or(o.Limits.TargetsBytes, d.TargetsBytes)
	o.Limits.Roots = cmp.Or(o.Limits.Roots, d.Roots)
	if o.TargetBytes <= 0 {
		o.TargetBytes = defaultTargetBytes
	}
	return o
}

// Client is one repository. It is not safe for concurrent use, but for [Client.Fetch] and
// [Client.Download], which may run side by side.
type Client struct {
	options Options
	store   *store
	pinned  string // SHA-256 of the pinned root
	began   State
	// memory is the floor as it is on disk, or is to be where ahead is set.
	memory memory
	ahead  bool

	trusted *metadata.Trusted
	raw     Raw
	// offline is set by Load: what is not kept is not fetched.
	offline bool
	// read are the files of delegated roles that this run has read, by role: the same
	// file serves every delegator.
	read map[string][]byte
}

// New makes a client and reads what is kept. State that is there and cannot be
// read is a *StateError; a pinned root that is none is a *metadata.Error.
func New(o Options) (*Client, error) { return newClient(o, osDisk{}) }

func newClient(o Options, d disk) (*Client, error) {
	o = o.withDefaults()
	c := &Client{options: o, store: newStore(d, o.Dir, o.StateFile), pinned: sumOf(o.Root)}
	kept, _, err := c.store.readMemory(c.pinned, o.Repository)
	if err != nil {
		return nil, err
	}
	c.memory = kept
	c.began = State{Known: kept.Repository != "", Floor: kept.Floor, Listed: maps.Clone(kept.Listed)}
	if err := c.start(); err != nil {
		return nil, err
	}
	return c, nil
}

// start begins again at the pinned root.
func (c *Client) start() error {
	trusted, err := metadata.New(c.options.Root, metadata.Options{
		Time: c.options.Time, DeferExpiryUnsafe: c.options.DeferExpiryUnsafe, Sigstore: c.options.Sigstore,
		Floor: c.memory.Floor, Min: c.options.Min, Limits: c.options.Limits,
	})
	if err != nil {
		return err
	}
	c.trusted, c.raw, c.read, c.offline = trusted, Raw{}, map[string][]byte{}, false
	return nil
}

// Close ends the use of the client. No lock is held between calls, so it may be left out.
func (c *Client) Close() error { return nil }

// Trusted returns the state machine. Only reading methods may be called on it.
func (c *Client) Trusted() *metadata.Trusted { return c.trusted }

// Raw is the metadata that was read since the last [Client.Refresh] or [Client.Load]
// began: what is trusted, and last the file that was refused, if one was.
type Raw struct {
	Roots                        [][]byte // after the pinned one
	Timestamp, Snapshot, Targets []byte
	Delegated                    []RawDelegated // each after its delegator
}

// RawDelegated is the metadata of one delegated role.
type RawDelegated struct {
	Role, Delegator string
	Bytes           []byte
}

// Raw returns the metadata as bytes, so that it can be verified again elsewhere.
func (c *Client) Raw() Raw { return c.raw }

// State is what is kept between runs beside the metadata.
type State struct {
	// Known is false on a first run.
	Known bool
	// Floor is that with which this run began.
	Floor metadata.Floor
	// Listed are targets that were seen in the repository, by path, each with the
	// image digest that whoever uses the client noted, or "". They are kept up to 1 MiB,
	// those with a digest before the others, then the highest paths first.
	Listed map[string]string
}

// State returns what was kept when the client was made.
func (c *Client) State() State { return c.began }

// Unkept is why something that was to be kept was not, nil if all was. What was
// verified is as good without, but the next run will not know of it: where the floor is
// among it, that run is held to the same floor as this one, and could be shown again what
// is older than what this one saw.
func (c *Client) Unkept() error {
	s := c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.floorErr == nil:
		return s.unkept
	case s.found:
		return fmt.Errorf("the floor %s stays as it was before this run: %w", s.floor, s.floorErr)
	}
	return fmt.Errorf("there is no floor %s, so the next run begins at the pinned root: %w", s.floor, s.floorErr)
}
