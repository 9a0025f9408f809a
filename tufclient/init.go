package tufclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/releaseassay/assay/tufclient/metadata"
)

const (
	// pinnedName is the pinned root's file in the folder roots.
	pinnedName = "pinned.json"
	// maxPinned bounds it, in bytes.
	maxPinned = 1 << 20
)

// Init puts a pinned root into a folder, by hand, so that a later client finds state
// there: a first run of a job then differs from one whose state was lost. It verifies
// no signature; [New] does. Done twice with one root it changes nothing; a folder that
// was made from another root is a *StateError.
func Init(dir string, root []byte) error {
	version, err := rootVersion(root)
	if err != nil {
		return fmt.Errorf("read the root: %w", err)
	}
	s := newStore(osDisk{}, dir, "")
	unlock, ok := s.lockBriefly()
	defer unlock()
	if !ok {
		return fmt.Errorf("lock %s: another process holds the lock", dir)
	}
	_, found, err := s.readMemory(sumOf(root), "")
	if err != nil {
		return err
	}
	if !found {
		m := memory{Schema: memorySchema, PinnedSHA256: sumOf(root), Floor: metadata.Floor{Root: version}}
		if _, err := s.writeMemory(m); err != nil {
			return err
		}
	}
	s.write("roots/"+pinnedName, root)
	if s.read("root.json", maxPinned) == nil {
		s.write("root.json", root)
	}
	if s.unkept != nil {
		return fmt.Errorf("keep the root in %s: %w", dir, s.unkept)
	}
	return nil
}

// Pinned returns the root that [Init] put into a folder. Without one its error is
// fs.ErrNotExist.
func Pinned(dir string) ([]byte, error) {
	path := filepath.Join(dir, "roots", pinnedName)
	root, err := readPlain(path, maxPinned)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		var found bool
		if _, found, err = newStore(osDisk{}, dir, "").readMemory(sumOf(root), ""); err == nil && !found {
			err = errors.New("it has no floor beside it")
		}
	}
	if state := (*StateError)(nil); err != nil && !errors.As(err, &state) {
		err = &StateError{Path: path, Err: err}
	}
	return root, err
}

// rootVersion reads the version of a root of which nothing is verified yet.
func rootVersion(root []byte) (int64, error) {
	var envelope struct {
		Signed struct {
			Type    string `json:"_type"`
			Version int64  `json:"version"`
		} `json:"signed"`
	}
	if len(root) > maxPinned {
		return 0, fmt.Errorf("it has more than %d bytes", maxPinned)
	}
	if err := json.Unmarshal(root, &envelope); err != nil {
		return 0, err
	}
	if envelope.Signed.Type != metadata.Root || envelope.Signed.Version < 1 {
		return 0, errors.New("it is no root metadata with a version")
	}
	return envelope.Signed.Version, nil
}
