package tufclient_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	tuf "github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
)

const (
	metadataURL = "https://repository.example/m"
	targetsURL  = "https://repository.example/t"
)

// outcome is what one client decided in one step.
type outcome struct {
	// err is why it refused the repository, panicked what it ended with.
	err      error
	panicked any
	// versions and digests are those that it trusts after a refresh that it accepted.
	versions map[string]int64
	digests  map[string]string
	finds    []find
	// requests are the names of what it asked for, served those it was given.
	requests, served []string
	// root, rootSHA256 and timestamp are what it trusts even where it refuses the rest;
	// versions are zero for what is not there.
	root, timestamp int64
	rootSHA256      string
	// trusted is what go-tuf loaded.
	trusted *trustedmetadata.TrustedMetadata
}

// find is the answer for one target.
type find struct {
	path string
	// answer is "found" with the digest, "not listed" or "error"; bytes is the content
	// with its length, or "error".
	answer, bytes string
	err           error
}

// refused reports whether the client did not accept the repository.
func (o outcome) refused() bool { return o.err != nil || o.panicked != nil }

// fetchView is a fetcher of either client over a view.
type fetchView struct {
	view             *view
	requests, served []string
}

// name is the name of a file in the simulator.
func (f *fetchView) name(address string) string {
	name, err := url.PathUnescape(strings.TrimPrefix(address, "https://repository.example/"))
	must(err)
	f.requests = append(f.requests, name)
	return name
}

// DownloadFile implements go-tuf's fetcher.
func (f *fetchView) DownloadFile(address string, limit int64, _ time.Duration) ([]byte, error) {
	name := f.name(address)
	b, status := f.view.get(name)
	if status != http.StatusOK {
		return nil, &tuf.ErrDownloadHTTP{StatusCode: status, URL: address}
	}
	if int64(len(b)) > limit || f.view.endless[name] {
		return nil, &tuf.ErrDownloadLengthMismatch{Msg: "too long"}
	}
	return bytes.Clone(b), nil
}

// Fetch implements tufclient.Fetcher.
func (f *fetchView) Fetch(_ context.Context, address string, limit int64) ([]byte, error) {
	name := f.name(address)
	b, status := f.view.get(name)
	kinds := map[int]tufclient.FetchKind{
		http.StatusNotFound: tufclient.NotFound, http.StatusForbidden: tufclient.Forbidden,
		http.StatusInternalServerError: tufclient.ServerError,
	}
	if status != http.StatusOK {
		return nil, &tufclient.FetchError{Kind: kinds[status], URL: address, Err: fmt.Errorf("status %d", status)}
	}
	if int64(len(b)) > limit || f.view.endless[name] {
		return nil, &tufclient.FetchError{Kind: tufclient.TooMuch, URL: address, Err: fmt.Errorf("more than %d bytes", limit)}
	}
	f.served = append(f.served, name)
	return bytes.Clone(b), nil
}

// askGo lets go-tuf's client refresh and look targets up.
func (h *history) askGo(dir string, st *step) (o outcome) {
	fetch := &fetchView{view: st.view}
	defer func() {
		o.panicked, o.requests = recover(), fetch.requests
	}()
	u, err := h.newUpdater(dir, fetch)
	if err != nil {
		return outcome{err: err}
	}
	u.UnsafeSetRefTime(h.sim.now)
	err = u.Refresh()
	set := u.GetTrustedMetadataSet()
	o.trusted = &set
	o.root, o.rootSHA256 = set.Root.Signed.Version, fileSHA256(filepath.Join(dir, "m", "root.json"))
	if set.Timestamp != nil {
		o.timestamp = set.Timestamp.Signed.Version
	}
	if err != nil {
		o.err = err
		return o
	}
	o.versions = map[string]int64{
		"root": set.Root.Signed.Version, "timestamp": set.Timestamp.Signed.Version,
		"snapshot": set.Snapshot.Signed.Version, "targets": set.Targets["targets"].Signed.Version,
	}
	o.digests = map[string]string{}
	for _, role := range []string{"snapshot", "targets"} {
		o.digests[role] = fileSHA256(filepath.Join(dir, "m", role+".json"))
	}
	for _, p := range st.paths {
		o.finds = append(o.finds, askGoFor(u, p))
	}
	return o
}

func (h *history) newUpdater(dir string, fetch *fetchView) (*updater.Updater, error) {
	root := h.pinned
	if kept, err := os.ReadFile(filepath.Join(dir, "m", "root.json")); err == nil && h.keepRoot {
		root = kept
	}
	cfg, err := config.New(metadataURL, root)
	must(err)
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = filepath.Join(dir, "m"), filepath.Join(dir, "t")
	cfg.RemoteTargetsURL, cfg.Fetcher = targetsURL, fetch
	return updater.New(cfg)
}

func fileSHA256(name string) string {
	b, err := os.ReadFile(name)
	must(err)
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

func askGoFor(u *updater.Updater, p string) find {
	t, err := u.GetTargetInfo(p)
	switch {
	case err != nil && err.Error() == "target "+p+" not found":
		return find{path: p, answer: "not listed"}
	case err != nil:
		return find{path: p, answer: "error", err: err}
	}
	f := find{path: p, answer: "found " + t.Hashes["sha256"].String()}
	_, b, err := u.FindCachedTarget(t, "")
	if err == nil && b == nil {
		_, b, err = u.DownloadTarget(t, "", "")
	}
	if f.bytes = fmt.Sprintf("%d %s", len(b), b); err != nil {
		f.bytes, f.err = "error", err
	}
	return f
}

// ask lets our client refresh and look targets up.
func (h *history) ask(dir string, st *step, sigstore metadata.Sigstore) (o outcome) {
	fetch := &fetchView{view: st.view}
	defer func() {
		o.panicked, o.requests, o.served = recover(), fetch.requests, fetch.served
	}()
	c, err := tufclient.New(tufclient.Options{
		MetadataURL: metadataURL, TargetsURL: targetsURL, Root: h.pinned, Fetcher: fetch, Dir: dir,
		Time: h.sim.now, Sigstore: sigstore, Limits: metadata.DefaultLimits(), TargetBytes: 1 << 20,
	})
	if err != nil {
		return outcome{err: err}
	}
	defer func() { must(c.Close()) }()
	err = c.Refresh(context.Background())
	if t := c.Trusted(); t != nil {
		root, _ := t.Role("root")
		timestamp, _ := t.Role("timestamp")
		o.root, o.rootSHA256, o.timestamp = root.Version, root.SHA256, timestamp.Version
	}
	if err != nil {
		o.err = err
		return o
	}
	o.versions, o.digests = map[string]int64{}, map[string]string{}
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		r, _ := c.Trusted().Role(role)
		o.versions[role] = r.Version
		if role == "snapshot" || role == "targets" {
			o.digests[role] = r.SHA256
		}
	}
	for _, p := range st.paths {
		o.finds = append(o.finds, askFor(c, p))
	}
	return o
}

func askFor(c *tufclient.Client, p string) find {
	t, err := c.Find(context.Background(), p)
	var refused *metadata.Error
	switch {
	case errors.As(err, &refused) && refused.Kind == metadata.NotListed:
		return find{path: p, answer: "not listed"}
	case err != nil:
		return find{path: p, answer: "error", err: err}
	}
	f := find{path: p, answer: "found " + t.Hashes["sha256"]}
	b, err := c.Fetch(context.Background(), t)
	if f.bytes = fmt.Sprintf("%d %s", len(b), b); err != nil {
		f.bytes, f.err = "error", err
	}
	return f
}
