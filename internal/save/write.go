package save

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrExists is a folder that is there and is not empty: nothing is ever added to one.
var ErrExists = errors.New("it is there already and is not empty; name another folder, or move that one away")

// Blob is a configuration or layer of an image.
type Blob struct {
	MediaType string
	Digest    string // "sha256:<hex>"
	Size      int64  // bytes
}

// Fetch writes the bytes of a blob to w. Whoever calls it counts and hashes them.
type Fetch func(ctx context.Context, b Blob, w io.Writer) error

// Free says why nothing can be saved to dir, or nil.
func Free(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if parent, err := os.Stat(filepath.Dir(filepath.Clean(dir))); err != nil || !parent.IsDir() {
			return fmt.Errorf("save to %s: there is no folder %s to make it in", dir, filepath.Dir(filepath.Clean(dir)))
		}
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("save to %s: %w", dir, ErrExists)
	}
	return nil
}

// Write writes a layout to dir, which must not exist or be empty. It is written beside it
// under another name first, whole, shown to check, and then renamed: dir is never half of
// it. It returns the Document.
func Write(ctx context.Context, dir string, c Contents, check func(dir string) error) (Document, []byte, error) {
	if err := Free(dir); err != nil {
		return Document{}, nil, err
	}
	dir = filepath.Clean(dir)
	temporary, err := os.MkdirTemp(filepath.Dir(dir), ".assay-save-*")
	if err != nil {
		return Document{}, nil, fmt.Errorf("make a folder beside %s: %w", dir, err)
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	document, text, err := fill(ctx, temporary, c)
	if err == nil {
		err = check(temporary)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Document{}, nil, err
	}
	if err := settle(temporary, dir); err != nil {
		return Document{}, nil, fmt.Errorf("put the layout at %s: %w", dir, err)
	}
	return document, text, nil
}

// fill writes all of a layout into a folder.
func fill(ctx context.Context, dir string, c Contents) (Document, []byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Document{}, nil, err
	}
	defer func() { _ = root.Close() }()
	w := &writer{root: root, document: c.Document, written: map[string]bool{}}
	if err := w.layout(ctx, c); err != nil {
		return Document{}, nil, err
	}
	named, err := encode(w.named)
	if err != nil {
		return Document{}, nil, fmt.Errorf("encode index.json: %w", err)
	}
	w.document.Schema, w.document.Named = Schema, hexOf(named)
	text, err := json.MarshalIndent(w.document, "", "  ")
	if err != nil {
		return Document{}, nil, fmt.Errorf("encode %s: %w", DocumentFile, err)
	}
	text = append(text, '\n')
	if len(text) > maxDocument {
		return Document{}, nil, fmt.Errorf("%s would have %d bytes; wanted at most %d", DocumentFile, len(text), maxDocument)
	}
	if err := w.put(DocumentFile, text); err != nil {
		return Document{}, nil, err
	}
	if err := w.index(named, hexOf(text)); err != nil {
		return Document{}, nil, err
	}
	return w.document, text, nil
}

// settle makes sure that everything is on disk, and renames the folder.
func settle(temporary, dir string) error {
	err := filepath.WalkDir(temporary, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if err := os.Chmod(name, 0o755); err != nil { //nolint:gosec // it holds nothing secret
			return err
		}
		return syncFolder(name)
	})
	if err != nil {
		return err
	}
	// An empty folder gives way; one that is no longer empty does not.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temporary, dir); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

func syncFolder(name string) error {
	f, err := os.Open(name) //nolint:gosec // the folder that is being written
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return f.Sync()
}

// writer writes the files of one layout and lists them.
type writer struct {
	root     *os.Root
	document Document
	named    []descriptor
	written  map[string]bool
}

// put writes one file.
func (w *writer) put(name string, b []byte) error {
	return w.stream(name, func(out io.Writer) error {
		_, err := out.Write(b)
		return err
	})
}

// list writes one file that the document lists. A file that is there already is the same.
func (w *writer) list(name, from string, b []byte) error {
	if w.written[name] {
		return nil
	}
	w.written[name] = true
	w.document.Files = append(w.document.Files, SavedFile{Path: name, Size: int64(len(b)), SHA256: hexOf(b), From: from})
	return w.put(name, b)
}

// stream writes one new file and waits until it is on disk.
func (w *writer) stream(name string, fill func(io.Writer) error) error {
	if err := w.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// blob writes bytes under their digest.
func (w *writer) blob(mediaType string, b []byte) (descriptor, error) {
	d := descriptor{MediaType: mediaType, Digest: "sha256:" + hexOf(b), Size: int64(len(b))}
	return d, w.list(blobPath(d.Digest), "", b)
}

// fetch writes a blob as it comes, which must be what its descriptor says.
func (w *writer) fetch(ctx context.Context, b Blob, fetch Fetch) error {
	name := blobPath(b.Digest)
	if w.written[name] {
		return nil
	}
	w.written[name] = true
	sum := sha256.New()
	err := w.stream(name, func(out io.Writer) error {
		counted := &limited{w: io.MultiWriter(out, sum), left: b.Size}
		if err := fetch(ctx, b, counted); err != nil {
			return err
		}
		if counted.left != 0 {
			return fmt.Errorf("it ends %d bytes before the %d that its descriptor says", counted.left, b.Size)
		}
		if found := "sha256:" + hex.EncodeToString(sum.Sum(nil)); found != b.Digest {
			return fmt.Errorf("the bytes hash to %s", found)
		}
		return nil
	})
	w.document.Files = append(w.document.Files, SavedFile{Path: name, Size: b.Size, SHA256: strings.TrimPrefix(b.Digest, "sha256:"), Layer: true})
	return err
}

// limited refuses more bytes than were announced.
type limited struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		return 0, errors.New("it is longer than its descriptor says")
	}
	l.left -= int64(len(p))
	return l.w.Write(p)
}

func blobPath(digest string) string { return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// encode writes JSON without escaping what only HTML minds.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
