package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/tuf"
)

// DefaultMirror is the TUF repository of Sigstore's public instance.
const DefaultMirror = tuf.DefaultMirror

// DefaultTimeout bounds an Update whose context has no deadline.
const DefaultTimeout = 2 * time.Minute

var (
	// ErrMirror says that the mirror could not be read: asking again may help.
	ErrMirror = errors.New("mirror unreachable")
	// ErrRefused says that what the mirror served does not verify.
	ErrRefused = errors.New("update refused")
)

// UpdateOptions are the inputs of [Update]. CacheDir and Now are needed.
type UpdateOptions struct {
	// CacheDir is where the update is kept, and where Builtin looks for it.
	CacheDir string
	// Now is the time that the update is dated with. TUF's expiry is checked
	// against the machine's own clock all the same.
	Now time.Time
	// MirrorURL is the TUF repository (default DefaultMirror).
	MirrorURL string
	// Root is the TUF root to start from (default: the one that is built in).
	// An update from another TUF root is kept under another name, and Builtin
	// never returns it.
	Root []byte
	// Transport makes the requests (default http.DefaultTransport).
	Transport http.RoundTripper
}

// Result is what [Update] found.
type Result struct {
	// Root is the trusted root that the mirror authorises now.
	Root Root `json:"root"`
	// Changed says that Root is another than the one in use before.
	Changed bool `json:"changed"`
	// Path is the file that was written.
	Path string `json:"path"`
	// TUFRoot, TUFTimestamp and TUFTargets are versions of the metadata.
	TUFRoot      int64 `json:"tuf_root"`
	TUFTimestamp int64 `json:"tuf_timestamp"`
	TUFTargets   int64 `json:"tuf_targets"`
	// Expires is when the repository itself wants to be asked again.
	Expires time.Time `json:"expires"`
}

// Update asks the TUF repository for its current trusted root and keeps it in
// CacheDir. It writes one file, whole or not at all, and only after everything
// verified and no part was older than what an earlier update saved. Errors are
// ErrMirror, ErrRefused, or about the options and the disk.
func Update(ctx context.Context, o UpdateOptions) (Result, error) {
	return publicGood().update(ctx, o)
}

func (s seed) update(ctx context.Context, o UpdateOptions) (Result, error) {
	if o.CacheDir == "" || o.Now.IsZero() {
		return Result{}, errors.New("update trusted root: wanted a cache directory and the time")
	}
	if len(o.Root) > 0 && !bytes.Equal(o.Root, s.anchor) {
		s = seed{name: "tuf-" + digest(o.Root)[:16], anchor: o.Root}
	}
	mirror := o.MirrorURL
	if mirror == "" {
		mirror = DefaultMirror
	}
	u, err := url.Parse(mirror)
	if err == nil {
		err = checkURL(u)
	}
	if err != nil {
		return Result{}, fmt.Errorf("update trusted root: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	file, err := fetch(ctx, mirror, s.anchor, o.Transport)
	if err != nil {
		return Result{}, fmt.Errorf("update trusted root from %s: %w", mirror, err)
	}
	file.Fetched = o.Now.UTC().Truncate(time.Second)
	return s.keep(file, savedPath(o.CacheDir, s.name))
}

// fetch runs the TUF client over an empty cache: every role is downloaded and
// verified anew, and what was downloaded is what is saved.
func fetch(ctx context.Context, mirror string, anchor []byte, transport http.RoundTripper) (saved, error) {
	// The client reads its cache directory even when told to have no cache.
	empty, err := os.MkdirTemp("", "assay-tuf-")
	if err != nil {
		return saved{}, err
	}
	defer os.RemoveAll(empty)
	f := newFetcher(ctx, transport)
	opts := (&tuf.Options{CachePath: empty}).
		WithRoot(anchor).
		WithRepositoryBaseURL(mirror).
		WithFetcher(f).
		WithContext(ctx).
		WithDisableLocalCache()
	client, err := tuf.New(opts)
	if err != nil {
		return saved{}, f.explain(err)
	}
	trusted, err := client.GetTarget(target)
	if err != nil {
		return saved{}, f.explain(err)
	}
	return saved{
		Version:     1,
		Mirror:      strings.TrimSuffix(mirror, "/"),
		Roots:       append([][]byte{anchor}, f.roots...),
		Timestamp:   f.roles["timestamp"],
		Snapshot:    f.roles["snapshot"],
		Targets:     f.roles["targets"],
		TrustedRoot: trusted,
	}, nil
}

// explain tells a mirror that did not answer from one whose answer is bad.
func (f *fetcher) explain(err error) error {
	if f.err != nil {
		return fmt.Errorf("%w: %w", ErrMirror, f.err)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// keep verifies file once more, as every later reader will, and writes it.
func (s seed) keep(file saved, path string) (Result, error) {
	v, err := file.verify(s.anchor)
	if err != nil {
		return Result{}, fmt.Errorf("update trusted root from %s: %w: %w", file.Mirror, ErrRefused, err)
	}
	inUse := s.trusted
	// An unusable older file holds nothing that could be rolled back to.
	if old, oldV, err := readSaved(path, s.anchor); err == nil {
		if err := v.follows(oldV); err != nil {
			return Result{}, fmt.Errorf("update trusted root from %s: %w: %w", file.Mirror, ErrRefused, err)
		}
		if inUse == nil || old.newerThan(s.published, oldV) {
			inUse = old.TrustedRoot
		}
	}
	if err := file.write(path); err != nil {
		return Result{}, fmt.Errorf("write trusted root %s: %w", path, err)
	}
	return Result{
		Root:         s.updated(file, v),
		Changed:      !bytes.Equal(file.TrustedRoot, inUse),
		Path:         path,
		TUFRoot:      v.root.Signed.Version,
		TUFTimestamp: v.timestamp.Signed.Version,
		TUFTargets:   v.targets.Signed.Version,
		Expires:      v.timestamp.Signed.Expires,
	}, nil
}
