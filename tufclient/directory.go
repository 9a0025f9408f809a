package tufclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Directory fetches from a copy of a repository on disk: addresses are paths, with
// slashes. A file is found under its name as it stands in a URL and under its plain
// name.
type Directory struct{}

var _ Streamer = Directory{}

// Fetch implements [Fetcher].
func (d Directory) Fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	var b bytes.Buffer
	err := d.Stream(ctx, path, limit, &b)
	return b.Bytes(), err
}

// Stream implements [Streamer].
func (Directory) Stream(ctx context.Context, path string, limit int64, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return &FetchError{Kind: Timeout, URL: path, Err: context.Cause(ctx)}
	}
	f, err := openPlain(filepath.FromSlash(path))
	if plain, ok := unquote(path); ok && errors.Is(err, fs.ErrNotExist) {
		f, err = openPlain(filepath.FromSlash(plain))
	}
	if err != nil {
		kind := Unreachable
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			kind = NotFound
		}
		return &FetchError{Kind: kind, URL: path, Err: err}
	}
	defer func() { _ = f.Close() }()
	more, err := copyLimited(w, f, limit)
	if err != nil {
		return &FetchError{Kind: Truncated, URL: path, Err: err}
	}
	if more {
		return tooMuch(path, limit)
	}
	return nil
}

// errIrregular is a folder, a pipe or a device in place of a file.
var errIrregular = errors.New("it is not a regular file")

// openPlain opens a regular file: reading anything else might never end.
func openPlain(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	return os.Open(path)
}

// unquote decodes each element of a path, if it then is still one element.
func unquote(path string) (string, bool) {
	elements := strings.Split(path, "/")
	for i, e := range elements {
		plain, err := url.PathUnescape(e)
		if err != nil || strings.ContainsAny(plain, "/\\\x00") || plain != e && (plain == "." || plain == "..") {
			return "", false
		}
		elements[i] = plain
	}
	plain := strings.Join(elements, "/")
	return plain, plain != path
}
