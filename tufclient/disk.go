package tufclient

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// disk is every step that changes what is kept. It has one method for each kind of step
// so that a test can end the process before and after every one of them.
type disk interface {
	// mkdir makes one folder, for its owner alone.
	mkdir(path string) error
	// create writes a new file, for its owner alone, over what a crash left there.
	create(path string, b []byte) error
	// sync makes what was done to a file, or to the names in a folder, survive a loss of power.
	sync(path string) error
	rename(from, to string) error
	// remove takes away a file or an empty folder.
	remove(path string) error
}

// osDisk is the real one.
type osDisk struct{}

func (osDisk) mkdir(path string) error { return os.Mkdir(path, 0o700) }

func (osDisk) create(path string, b []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

func (osDisk) sync(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		if runtime.GOOS == "windows" {
			return nil // names there need no sync, and a folder cannot be opened
		}
		if f, err = os.Open(path); err != nil {
			return err
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) remove(path string) error { return os.Remove(path) }

// mkdirs makes a folder and those above it, each safe from a loss of power.
func mkdirs(d disk, path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: errors.New("a file is there")}
	}
	parent := filepath.Dir(path)
	if !errors.Is(err, fs.ErrNotExist) || parent == path {
		return err
	}
	if err := mkdirs(d, parent); err != nil {
		return err
	}
	if err := d.mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.sync(parent)
}

// replace writes a file so that at any moment either the old or the new one is there,
// whole. The temporary file has a fixed name: whoever calls it holds the lock.
func replace(d disk, path string, b []byte) error {
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	temp := filepath.Join(dir, "."+name+".tmp")
	err := d.create(temp, b)
	if err == nil {
		err = d.sync(temp)
	}
	if err == nil {
		err = rename(d, temp, path)
	}
	if err != nil {
		_ = d.remove(temp)
		return err
	}
	return d.sync(dir)
}

// rename also takes the place of an empty folder that has the name.
func rename(d disk, from, to string) error {
	err := d.rename(from, to)
	if err == nil {
		return nil
	}
	if info, statErr := os.Lstat(to); statErr != nil || !info.IsDir() || d.remove(to) != nil {
		return err
	}
	return d.rename(from, to)
}
