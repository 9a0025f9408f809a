// Package load reads a policy with everything that it rests on (fragments, trusted
// roots, keys, pinned TUF roots, exceptions), and the configuration of registries, and
// makes of the latter what verifications talk to the world through.
//
// It decides nothing. What cannot be read is an error of configuration, and what was
// read is what is judged by: no file is read a second time behind a digest.
//
// Start with [ReadPolicy] and [NewAccess].
package load

import (
	"path/filepath"
)

// File is one file that was read.
type File struct {
	// Kind is what it was read for: KindPolicy and so on.
	Kind string
	// Name is how the policy speaks of it: a fragment's path, a trusted root's name, a
	// key's or TUF root's SHA-256. The policy's own is ".".
	Name string
	// Path is where it was read, "" for what is built in or stands in the policy itself.
	Path string
	// Source says the same for people.
	Source string
	Bytes  []byte
}

// The kinds of files.
const (
	KindPolicy   = "policy"
	KindFragment = "fragment"
	KindRoot     = "trusted root"
	KindKey      = "key"
	KindTUFRoot  = "tuf root"
)

// Bounds of files, in bytes.
const (
	// MaxTUFRoot is the size of a pinned TUF root at most.
	MaxTUFRoot = 512 << 10
	maxKey     = 64 << 10
)

// Beside resolves a path from a policy in the folder dir.
func Beside(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Folder is where the paths in a policy file start from, "" for no file.
func Folder(file string) string {
	if file == "" {
		return ""
	}
	return filepath.Dir(file)
}
