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
	"path/filepath"
	"slices"

	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/verify"
)

// maxDocument is the size of a Document in bytes at most, and of index.json.
const maxDocument = 4 << 20

// maxFiles is how many bytes of evidence and metadata a layout holds: more than any budget
// lets a run collect.
const maxFiles = 1 << 30

// Saved is a verify.Source over what Write wrote. It reads as *registry.Layout does, and
// tells what was not there from what was not saved.
type Saved struct {
	*registry.Layout
	// Document is what the layout says of itself.
	Document Document
	dir      string
}

var _ verify.Source = (*Saved)(nil)

// Open reads what a layout in dir says of having been saved: nil if it does not, since
// cosign wrote it, or another tool. The error is a *verify.Failure.
func Open(dir string, layout *registry.Layout) (*Saved, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unreadable("%s: %v", dir, err)
	}
	defer func() { _ = root.Close() }()
	index, err := readFile(root, "index.json")
	if err != nil {
		return nil, unreadable("index.json: %v", err)
	}
	var says struct {
		Manifests   json.RawMessage   `json:"manifests"`
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(index, &says); err != nil {
		return nil, unreadable("index.json: %v", err)
	}
	wanted, claimed := says.Annotations[annotationSaved]
	text, err := readFile(root, DocumentFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !claimed:
		return nil, nil
	case err != nil:
		return nil, unreadable("%s: %v", DocumentFile, err)
	case !claimed || hexOf(text) != wanted:
		return nil, unreadable("%s has the SHA-256 %s; index.json wants %q", DocumentFile, hexOf(text), wanted)
	}
	s := &Saved{Layout: layout, dir: dir}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&s.Document); err != nil || s.Document.Schema != Schema {
		return nil, unreadable("%s is not of the schema %s, but %q", DocumentFile, Schema, s.Document.Schema)
	}
	if found := hexOf(says.Manifests); found != s.Document.Named {
		return nil, unreadable("the list in index.json has the SHA-256 %s; %s wants %q", found, DocumentFile, s.Document.Named)
	}
	return s, s.whole(root)
}

// whole wants every file to be there as it was saved, but for layers: of a layout that is
// damaged nothing is judged, although each piece would be verified by itself.
func (s *Saved) whole(root *os.Root) error {
	left := int64(maxFiles)
	for _, f := range s.Document.Files {
		if f.Layer {
			continue
		}
		if f.Size < 0 || f.Size > left {
			return unreadable("%s would have %d bytes, and all files together more than %d", f.Path, f.Size, int64(maxFiles))
		}
		left -= f.Size
		sum := sha256.New()
		if err := copyFile(sum, root, f.Path, f.Size); err != nil {
			return unreadable("%s: %v", f.Path, err)
		}
		if found := hex.EncodeToString(sum.Sum(nil)); found != f.SHA256 {
			return unreadable("%s has the SHA-256 %s; %s wants %q", f.Path, found, DocumentFile, f.SHA256)
		}
	}
	return nil
}

// TUF is the folder with the copy of the TUF repository, "" where none was saved.
func (s *Saved) TUF() string {
	if s.Document.TUF == nil {
		return ""
	}
	return filepath.Join(s.dir, filepath.FromSlash(TUFFolder))
}

// Collect implements verify.Source, for all places: what was saved of them lies here.
func (s *Saved) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	here := want
	here.Bundles = want.Bundles || len(want.GitHub) > 0 // what GitHub keeps are bundles
	e := s.Layout.Collect(ctx, image, here)
	if bad := s.unsaved(image.Digest, want); bad != nil {
		e.Failures = append(e.Failures, *bad)
	}
	return e
}

// unsaved says what is wanted and was not asked for when the layout was saved, nil if it
// was all asked for.
func (s *Saved) unsaved(digest string, want verify.Want) *verify.Failure {
	layouts := []verify.Layout{}
	for layout, wanted := range map[verify.Layout]bool{
		verify.LegacySignature: want.Signatures, verify.LegacyAttestation: want.Attestations, verify.Bundle: want.Bundles || len(want.GitHub) > 0,
		verify.BuildKit: want.BuildKit, verify.Config: want.Config,
	} {
		if wanted && !slices.ContainsFunc(s.Document.Collected, func(c Collected) bool { return c.covers(digest, layout, want) }) {
			layouts = append(layouts, layout)
		}
	}
	if len(layouts) == 0 {
		return nil
	}
	slices.Sort(layouts)
	return &verify.Failure{
		Code: verify.PlaceUnavailable, Class: verify.Definitive, Place: DocumentFile, Layouts: layouts,
		Detail: fmt.Sprintf("when this was saved, nobody asked for %v about %s in %v %v; save it again, under the policy that is to judge it",
			layouts, digest, want.Repositories, want.GitHub),
	}
}

// covers reports whether evidence of a layout was asked for in all the places that are
// wanted, and in no others: evidence from elsewhere must not count.
func (c Collected) covers(digest string, layout verify.Layout, want verify.Want) bool {
	if c.About != digest {
		return false
	}
	places := same(c.Repositories, want.Repositories)
	switch layout {
	case verify.LegacySignature:
		return c.Signatures && places
	case verify.LegacyAttestation:
		return c.Attestations && places
	case verify.Bundle:
		return (c.Bundles || !want.Bundles) && places && same(c.GitHub, want.GitHub)
	case verify.BuildKit:
		return c.BuildKit
	case verify.Config:
		return c.Config
	case verify.TUFTarget:
	}
	return false
}

// same reports whether two lists hold the same, in any order.
func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Attestations stands in for GitHub, whose attestations [Saved.Collect] returns.
type Attestations struct{}

// Collect implements places.Attestations.
func (Attestations) Collect(_ context.Context, repository, _ string) verify.Evidence {
	return verify.Evidence{Places: []string{repository + " attestations, as saved"}}
}

func unreadable(format string, args ...any) error {
	return &verify.Failure{Code: verify.LayoutUnreadable, Class: verify.Definitive, Place: DocumentFile, Detail: fmt.Sprintf(format, args...)}
}

// readFile reads a regular file of the layout.
func readFile(root *os.Root, name string) ([]byte, error) {
	var b bytes.Buffer
	err := copyFile(&b, root, name, maxDocument)
	return b.Bytes(), err
}

// copyFile copies a regular file of the layout, of at most so many bytes.
func copyFile(w io.Writer, root *os.Root, name string, most int64) error {
	info, err := root.Stat(name) // before it is opened, which would wait for a pipe's writer
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case info.Size() > most:
		return fmt.Errorf("it has %d bytes; wanted at most %d", info.Size(), most)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(w, io.LimitReader(f, most))
	return err
}
