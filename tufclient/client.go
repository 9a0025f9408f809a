// Package tufclient keeps a verified copy of a TUF repository: a thin updater around
// package metadata, which decides. It fetches in the order of the specification
// (1.0.34, section 5), one request for each file, and keeps what it verified in a
// folder, behind a lock, with a floor below which nothing is ever accepted again.
//
// Start with [New] and [Client.Refresh].
package tufclient

import (
	"context"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Options are what a client is made with.
type Options struct {
	// MetadataURL and TargetsURL are without a slash at the end. For a directory
	// fetcher they are paths.
	MetadataURL, TargetsURL string
	// Root are the bytes of the pinned root.
	Root    []byte
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
	Limits            metadata.Limits
	// TargetBytes bounds a target that is fetched into memory.
	TargetBytes int64
}

// Fetcher gets one file.
type Fetcher interface {
	// Fetch returns at most limit bytes of the file at url. Its errors are *FetchError.
	Fetch(ctx context.Context, url string, limit int64) ([]byte, error)
}

// Client is one repository. It is not safe for concurrent use.
type Client struct{}

// New makes a client and reads what is kept. State that is there and cannot be
// read is a *StateError.
func New(o Options) (*Client, error) { panic("to write") }

// Close lets go of the lock.
func (c *Client) Close() error { panic("to write") }

// Refresh brings the top-level metadata up to date (5.2 to 5.6). Its errors are *FetchError,
// *StateError or *metadata.Error. It may be called again.
func (c *Client) Refresh(ctx context.Context) error { panic("to write") }

// Load takes the top-level metadata from what is kept, without a request.
func (c *Client) Load() error { panic("to write") }

// Find looks a target up and fetches the delegated metadata on its way (offline after Load).
func (c *Client) Find(ctx context.Context, path string) (metadata.Target, error) { panic("to write") }

// List names targets as [metadata.Trusted.List] does, and fetches what it needs.
func (c *Client) List(ctx context.Context, wants func(string) bool, reach func([]string) bool) ([]string, error) {
	panic("to write")
}

// Fetch returns a target's verified bytes, from what is kept if it is there.
func (c *Client) Fetch(ctx context.Context, t metadata.Target) ([]byte, error) { panic("to write") }

// Download stores a verified target in dir under its URL-encoded name, unless it is
// there already, and returns its path.
func (c *Client) Download(ctx context.Context, t metadata.Target, dir string) (string, error) {
	panic("to write")
}

// Raw is the metadata that was read in this client's life: what is trusted, and last
// the file that was refused, if one was.
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
func (c *Client) Raw() Raw { panic("to write") }

// Trusted returns the state machine. Only reading methods may be called on it.
func (c *Client) Trusted() *metadata.Trusted { panic("to write") }

// State is what is kept between runs beside the metadata.
type State struct {
	// Known is false on a first run.
	Known bool
	// Floor is that with which this run began.
	Floor metadata.Floor
	// Listed are targets that were seen in the repository, by path, each with the
	// image digest that whoever uses the client noted, or "".
	Listed map[string]string
}

// State returns what was kept when the client was made.
func (c *Client) State() State { panic("to write") }

// Note adds to what is kept of targets that were seen.
func (c *Client) Note(listed map[string]string) error { panic("to write") }

// FetchKind is why a file could not be had.
type FetchKind string

// The kinds of fetch errors.
const (
	NotFound     FetchKind = "not-found"
	Forbidden    FetchKind = "forbidden"
	RateLimited  FetchKind = "rate-limited"
	ServerError  FetchKind = "server-error"
	Unreachable  FetchKind = "unreachable"
	Timeout      FetchKind = "timeout"
	Truncated    FetchKind = "truncated"
	Insecure     FetchKind = "insecure"
	RedirectLoop FetchKind = "redirect-loop"
	// TooMuch is more bytes than are read, or a budget that is spent.
	TooMuch FetchKind = "too-much"
)

// FetchError is a file that could not be had: it says nothing of the repository.
type FetchError struct {
	Kind FetchKind
	URL  string
	Err  error
}

// Error implements error.
func (e *FetchError) Error() string {
	return "fetch " + e.URL + ": " + string(e.Kind) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *FetchError) Unwrap() error { return e.Err }

// StateError is state that was kept and cannot be used.
type StateError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *StateError) Error() string { return "read the saved state " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }
