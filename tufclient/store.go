package tufclient

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// store is what is kept: a folder with metadata, and the floor file. At the top of the
// folder lie root.json, timestamp.json, snapshot.json, targets.json and NAME.json for
// each delegated role, all verified; beside them floor and lock, and the folders roots
// (the chain from the pinned root), roles and files.
type store struct {
	disk disk
	// dir keeps metadata, floor the floor; "" keeps none on disk.
	dir, floor string

	mu sync.Mutex
	// spare holds what could not be kept on disk.
	spare map[string][]byte
	// unkept is the first error of keeping something.
	unkept error
	// shut is set once nothing more may be written to dir, floorErr once the floor could
	// not be: no metadata may go beyond it, so both are set then.
	shut     bool
	floorErr error
	// found is set where an earlier run has left a floor.
	found bool
	// used are the targets that this run has read, by their names in dir; written counts
	// those that it has kept.
	used    map[string]bool
	written int
}

func newStore(d disk, dir, stateFile string) *store {
	s := &store{disk: d, dir: dir, floor: stateFile, spare: map[string][]byte{}, used: map[string]bool{}}
	if s.floor == "" && dir != "" {
		s.floor = filepath.Join(dir, "floor")
	}
	return s
}

// read returns a file that is kept, nil if there is none that can be used. It may be
// anybody's bytes: whoever reads it verifies it.
func (s *store) read(name string, limit int64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.spare[name]; ok {
		if int64(len(b)) > limit {
			return nil
		}
		return b
	}
	if s.dir == "" {
		return nil
	}
	b, err := readPlain(filepath.Join(s.dir, filepath.FromSlash(name)), limit)
	if err != nil || len(b) == 0 {
		return nil
	}
	return b
}

// errTooLarge is a file of which no end was reached.
var errTooLarge = errors.New("it is too large")

// readPlain reads a regular file that has at most limit bytes.
func readPlain(path string, limit int64) ([]byte, error) {
	f, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var b bytes.Buffer
	more, err := copyLimited(&b, f, limit)
	if err == nil && more {
		err = errTooLarge
	}
	return b.Bytes(), err
}

// write keeps a file, on disk if possible. Whoever calls it holds the lock.
func (s *store) write(name string, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" && !s.shut {
		err := s.replace(filepath.Join(s.dir, filepath.FromSlash(name)), b)
		if err == nil {
			delete(s.spare, name)
			return
		}
		s.fail(err)
	}
	s.spare[name] = bytes.Clone(b)
}

func (s *store) replace(path string, b []byte) error {
	if err := mkdirs(s.disk, filepath.Dir(path)); err != nil {
		return err
	}
	return replace(s.disk, path, b)
}

// drop takes a file away. Whoever calls it holds the lock.
func (s *store) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare[name] = nil // even if it stays on disk it is not read in this client's life
	if s.dir == "" || s.shut {
		return
	}
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	err := s.disk.remove(path)
	if err == nil {
		err = s.disk.sync(filepath.Dir(path))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(err)
	}
}

// lost is fail for whoever does not hold mu.
func (s *store) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(err)
}

// fail notes why something is not kept.
func (s *store) fail(err error) {
	if s.unkept == nil {
		s.unkept = err
	}
}

// writeMemory keeps the floor, and reports whether it is on disk. If that fails nothing
// else is written after it.
//
// A floor that does not fit is a *StateError: a repository must not be able to keep its
// own rollback from being noticed. So is one that could not be written although there was one before,
// unless the disk takes nothing: a copy on a read-only or full disk serves as it is. This
// run was held to the floor that is there, the next one will be held to no more, and
// [Client.Unkept] says so.
func (s *store) writeMemory(m memory) (kept bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.floor == "" {
		return false, nil
	}
	b, err := m.fit()
	if err != nil {
		s.shutFloor(err)
		return false, s.unraised(err)
	}
	if s.floorErr == nil {
		if err = s.replace(s.floor, b); err == nil {
			s.found = true
			return true, nil
		}
		s.shutFloor(err)
	}
	if s.found && !refusedByDisk(s.floorErr) {
		return false, s.unraised(s.floorErr)
	}
	return false, nil
}

// shutFloor notes that the floor cannot be written, and metadata no more. Whoever calls
// it holds mu.
func (s *store) shutFloor(err error) {
	s.fail(err)
	s.shut = true
	if s.floorErr == nil {
		s.floorErr = err
	}
}

func (s *store) unraised(err error) error {
	return &StateError{Path: s.floor, Err: fmt.Errorf("what was seen cannot be written there: %w", err)}
}

// refusedByDisk reports whether a disk takes nothing, which no repository can bring about.
func refusedByDisk(err error) bool {
	for _, cause := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// readMemory reads the floor; false is a first run. A floor that is there and cannot be
// read is a *StateError, and so is metadata whose floor is gone.
func (s *store) readMemory(pinned, repository string) (memory, bool, error) {
	if s.floor == "" {
		return memory{}, false, nil
	}
	b, err := readPlain(s.floor, maxMemory)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if name := s.orphan(); name != "" {
			return memory{}, false, &StateError{Path: s.floor, Err: errors.New("it is gone, although " + name + " is there")}
		}
		return memory{}, false, nil
	}
	var m memory
	if err == nil {
		m, err = parseMemory(b)
	}
	if err == nil {
		err = m.belongs(pinned, repository)
	}
	if err != nil {
		return memory{}, false, &StateError{Path: s.floor, Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = true
	return m, true, nil
}

// orphan names a file that is only there after a refresh, which leaves a floor. A root
// alone may have been put there by hand. A floor that is carried elsewhere may be new
// while the folder is not.
func (s *store) orphan() string {
	if s.dir == "" || s.carried() {
		return ""
	}
	for _, dir := range []string{"", "roots"} {
		entries, _ := os.ReadDir(filepath.Join(s.dir, dir))
		for _, e := range entries {
			name := e.Name()
			if strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, ".") && name != "root.json" && name != pinnedName && !e.IsDir() {
				return filepath.Join(dir, name)
			}
		}
	}
	return ""
}

// exists reports whether there is a folder to lock.
func (s *store) exists() bool {
	info, err := os.Stat(s.dir)
	return s.dir != "" && err == nil && info.IsDir()
}

// reopen forgets that something could not be kept: it is tried again.
func (s *store) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unkept, s.shut, s.floorErr = nil, false, nil
}
