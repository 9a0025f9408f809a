package tufclient

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// filesDir keeps targets.
	filesDir = "files"
	// maxFiles and maxFileBytes bound it. A verification reads 256 manifests of some 2 kB.
	maxFiles     = 1024
	maxFileBytes = 64 << 20
	// pruneEvery is how many targets are kept between two looks at the folder.
	pruneEvery = 64
)

// use notes that this run needs a target.
func (s *store) use(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[name] = true
}

// keepTarget is write for a target, and now and then takes away those too many. Whoever
// calls it holds the lock.
func (s *store) keepTarget(name string, b []byte) {
	s.write(name, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written++
	if s.written%pruneEvery == 1 {
		s.prune(maxFiles, maxFileBytes)
	}
}

// keptFile is one file in filesDir.
type keptFile struct {
	name string
	size int64
	at   time.Time
	used bool
}

// prune takes away targets until no more than so many files and bytes are left: those
// that this run has not read first, and of those the oldest.
func (s *store) prune(most int, bytes int64) {
	if s.dir == "" || s.shut {
		return
	}
	dir := filepath.Join(s.dir, filesDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var all []keptFile
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		all = append(all, keptFile{e.Name(), info.Size(), info.ModTime(), s.used[filesDir+"/"+e.Name()]})
		bytes -= info.Size()
	}
	slices.SortFunc(all, func(a, b keptFile) int {
		if a.used != b.used {
			if b.used {
				return -1
			}
			return 1
		}
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name))
	})
	for len(all) > most || bytes < 0 {
		if err := s.disk.remove(filepath.Join(dir, all[0].name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.fail(err)
			return
		}
		bytes += all[0].size
		all = all[1:]
	}
}

// Forget takes away what is kept in a folder and in a state file, "" for none, so that
// the next client is on a first run. It waits for whoever uses them now; what they wait
// with, the lock files, stays.
func Forget(dir, stateFile string) error {
	if err := forget(osDisk{}, dir, stateFile); err != nil {
		return fmt.Errorf("forget the repository: %w", err)
	}
	return nil
}

func forget(d disk, dir, stateFile string) error {
	if !newStore(d, dir, "").exists() {
		dir = ""
	}
	s := newStore(d, dir, stateFile)
	if _, err := os.Lstat(s.floor); dir == "" && err != nil { // nothing is there
		if s.floor == "" || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	unlock, ok := s.lockBriefly()
	defer unlock()
	if !ok {
		return errors.New("another process holds the lock")
	}
	if s.unkept != nil {
		return s.unkept
	}
	if dir != "" {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries { // the floor last: metadata without it is lost state
			path := filepath.Join(dir, e.Name())
			if e.Name() == "lock" || path == s.floor {
				continue
			}
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
		if err := d.sync(dir); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(s.floor); err != nil {
		return err
	}
	return d.sync(filepath.Dir(s.floor))
}
