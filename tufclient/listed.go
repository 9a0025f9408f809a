package tufclient

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

const (
	// maxListed bounds the targets in the floor file, in bytes as they are written:
	// some 7,000 with digests. The floor has the rest of the file for itself.
	maxListed = 1 << 20
	// maxListedPath and maxListedDigest bound one of them, in bytes.
	maxListedPath   = 512
	maxListedDigest = 256
)

// merge adds what is new, and never replaces a digest by none. A path that is too long is
// left out; a digest that is too long is none.
func merge(to, from map[string]string) map[string]string {
	all := maps.Clone(to)
	if all == nil {
		all = map[string]string{}
	}
	for path, digest := range from {
		path, digest = plainText(path), plainText(digest)
		if len(digest) > maxListedDigest {
			digest = ""
		}
		if was, ok := all[path]; !ok || digest != "" && was != digest {
			all[path] = digest
		}
	}
	maps.DeleteFunc(all, func(path, digest string) bool {
		return len(path) > maxListedPath || len(digest) > maxListedDigest
	})
	return cut(all, maxListed)
}

// cut leaves out what does not fit: first what has no digest, then the lowest paths,
// so that the same is left whatever was there first.
func cut(listed map[string]string, limit int) map[string]string {
	size := 0
	for path, digest := range listed {
		size += entrySize(path, digest)
	}
	if size <= limit {
		return listed
	}
	paths := slices.SortedFunc(maps.Keys(listed), func(a, b string) int {
		if x, y := listed[a] == "", listed[b] == ""; x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, path := range paths {
		if size <= limit {
			break
		}
		size -= entrySize(path, listed[path])
		delete(listed, path)
	}
	return listed
}

// entrySize is at least what one entry takes in the floor file, in bytes.
func entrySize(path, digest string) int {
	const indent, colon, end = 4, 2, 2
	size := indent + colon + end
	for _, s := range []string{path, digest} {
		b, err := json.Marshal(s)
		if err != nil {
			return maxListed // no string does this
		}
		size += len(b)
	}
	return size
}
