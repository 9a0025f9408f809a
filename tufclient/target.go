package tufclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Fetch returns a target's verified bytes, from what is kept if it is there, else from
// the repository, also after [Client.Load] (5.7). One that is longer than
// Options.TargetBytes is a *FetchError. It is safe for concurrent use.
func (c *Client) Fetch(ctx context.Context, t metadata.Target) ([]byte, error) {
	url, err := c.targetURL(t)
	if err != nil {
		return nil, err
	}
	if t.Length > c.options.TargetBytes {
		return nil, tooMuch(url, c.options.TargetBytes)
	}
	name := contentName(t)
	if name != "" {
		c.store.use(name)
		if kept := c.store.read(name, t.Length); kept != nil && t.Verify(kept) == nil {
			return kept, nil
		}
	}
	b, err := fetch(ctx, c.options.Fetcher, url, t.Length)
	if err != nil {
		return nil, err
	}
	if err := t.Verify(b); err != nil {
		return nil, err
	}
	if name != "" && len(b) > 0 {
		c.keepContent(ctx, name, b)
	}
	return b, nil
}

// keepContent keeps a target; that it cannot be kept is no reason to fail.
func (c *Client) keepContent(ctx context.Context, name string, b []byte) {
	unlock, err := c.store.lock(ctx)
	if err != nil {
		return
	}
	defer unlock()
	c.store.keepTarget(name, b)
}

// contentName is where a target is kept, by what is in it; "" is nowhere.
func contentName(t metadata.Target) string {
	algorithm, sum := firstHash(t)
	if _, err := hex.DecodeString(sum); err != nil || sum == "" {
		return ""
	}
	return filesDir + "/" + algorithm + "-" + strings.ToLower(sum)
}

// targetURL is where a target is.
func (c *Client) targetURL(t metadata.Target) (string, error) {
	name, err := targetName(t, c.trusted.ConsistentSnapshot())
	if err != nil {
		return "", err
	}
	return c.options.TargetsURL + "/" + name, nil
}

// Download stores a verified target in dir under its URL-encoded name, unless it is
// there already, and returns its path. It is never held in memory whole, and never
// seen in dir before it is verified. It is safe for concurrent use.
func (c *Client) Download(ctx context.Context, t metadata.Target, dir string) (string, error) {
	url, err := c.targetURL(t)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, diskName(t.Path))
	if stored(t, path) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is downloaded is for others to read
		return "", fmt.Errorf("store target %s: %w", t.Path, err)
	}
	temp, err := os.CreateTemp(dir, ".target-*.tmp")
	if err != nil {
		return "", fmt.Errorf("store target %s: %w", t.Path, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	check := newChecker(t)
	err = stream(ctx, c.options.Fetcher, url, t.Length, io.MultiWriter(temp, check))
	if err == nil {
		err = check.verify()
	}
	if err != nil {
		_ = temp.Close()
		return "", err
	}
	if err := errors.Join(temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil { // for others to read
		return "", fmt.Errorf("store target %s: %w", t.Path, err)
	}
	d := osDisk{}
	if err := errors.Join(rename(d, temp.Name(), path), d.sync(dir)); err != nil {
		return "", fmt.Errorf("store target %s: %w", t.Path, err)
	}
	return path, nil
}

// stored reports whether the right file is there already.
func stored(t metadata.Target, path string) bool {
	f, err := openPlain(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	check := newChecker(t)
	more, err := copyLimited(check, f, t.Length)
	return err == nil && !more && check.verify() == nil
}

// checker verifies a target as it streams by, as metadata.Target.Verify does at once.
type checker struct {
	target metadata.Target
	sums   map[string]hash.Hash
	length int64
}

func newChecker(t metadata.Target) *checker {
	c := &checker{target: t, sums: map[string]hash.Hash{}}
	for algorithm := range t.Hashes {
		switch algorithm {
		case "sha256":
			c.sums[algorithm] = sha256.New()
		case "sha512":
			c.sums[algorithm] = sha512.New()
		}
	}
	return c
}

// Write implements io.Writer.
func (c *checker) Write(p []byte) (int, error) {
	for _, sum := range c.sums {
		sum.Write(p)
	}
	c.length += int64(len(p))
	return len(p), nil
}

// verify compares length and every known hash (5.7.2).
func (c *checker) verify() error {
	t := c.target
	if c.length != t.Length {
		return &metadata.Error{
			Kind: metadata.LengthMismatch, Role: lister(t), Step: "5.7.2",
			Wanted: fmt.Sprintf("%s of %d bytes", t.Path, t.Length), Found: fmt.Sprint(c.length),
		}
	}
	if len(c.sums) == 0 {
		return &metadata.Error{Kind: metadata.Malformed, Role: lister(t), Step: "5.7.2", Wanted: "a hash by sha256 or sha512", Found: "none"}
	}
	for algorithm, sum := range c.sums {
		want, err := hex.DecodeString(t.Hashes[algorithm])
		if found := sum.Sum(nil); err != nil || !bytes.Equal(want, found) {
			return &metadata.Error{
				Kind: metadata.HashMismatch, Role: lister(t), Step: "5.7.2",
				Wanted: fmt.Sprintf("%s with %s %s", t.Path, algorithm, t.Hashes[algorithm]), Found: hex.EncodeToString(found),
			}
		}
	}
	return nil
}
