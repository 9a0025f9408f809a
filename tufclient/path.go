package tufclient

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// maxName is how long a name on disk may be, in bytes; file systems take 255, and a
// temporary name is longer.
const maxName = 200

// quote percent-encodes every byte of a name but letters, digits and "_.-~", so that it
// is one element of a path or URL.
func quote(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("_.-~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// diskName is the name of a file on disk that stands for a role or a target.
func diskName(name string) string {
	q := quote(name)
	if len(q) <= maxName && strings.Trim(q, ".") != "" {
		return q
	}
	sum := sha256.Sum256([]byte(name))
	return "sha256-" + hex.EncodeToString(sum[:])
}

// roleFile is where the metadata of a delegated role is kept. One that has the name of
// a top-level role, on whatever file system, goes elsewhere. Roles of one name by
// several delegators share a file, as they do in the repository (one name, one entry in
// the snapshot): it is verified again for each.
func roleFile(role string) string {
	switch strings.ToLower(role) {
	case metadata.Root, metadata.Timestamp, metadata.Snapshot, metadata.Targets:
		return "roles/" + diskName(role) + ".json"
	}
	return diskName(role) + ".json"
}

// remoteName is the name of a role's file in the repository (6.2). Version 0 is none.
func remoteName(role string, version int64) string {
	if version == 0 {
		return quote(role) + ".json"
	}
	return strconv.FormatInt(version, 10) + "." + quote(role) + ".json"
}

// targetName is the name of a target's file in the repository, as a path of a URL
// (5.7.3). A path that could lead out of the repository, or that two programs could
// read differently, is refused.
func targetName(t metadata.Target, consistent bool) (string, error) {
	if err := checkTarget(t.Path); err != nil {
		return "", &metadata.Error{Kind: metadata.Malformed, Role: lister(t), Step: "5.7.3", Wanted: "a relative path", Found: strconv.Quote(t.Path), Err: err}
	}
	dir, base := "", t.Path
	if i := strings.LastIndexByte(t.Path, '/'); i >= 0 {
		dir, base = t.Path[:i+1], t.Path[i+1:]
	}
	if consistent {
		_, hash := firstHash(t)
		if hash == "" {
			return "", &metadata.Error{Kind: metadata.Malformed, Role: lister(t), Step: "5.7.3", Wanted: "a hash by sha256 or sha512", Found: "none"}
		}
		base = quote(hash) + "." + base
	}
	return (&url.URL{Path: "/" + dir + base}).EscapedPath()[1:], nil
}

// lister is the role that lists a target.
func lister(t metadata.Target) string {
	if len(t.Roles) == 0 {
		return metadata.Targets
	}
	return t.Roles[len(t.Roles)-1].Name
}

// firstHash is the hash by which a target is named.
func firstHash(t metadata.Target) (algorithm, hash string) {
	for _, algorithm := range []string{"sha256", "sha512"} {
		if h := t.Hashes[algorithm]; h != "" {
			return algorithm, h
		}
	}
	return "", ""
}

// checkTarget refuses a target path that is not a plain relative one.
func checkTarget(path string) error {
	if !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl) {
		return errors.New("it has control characters or is not UTF-8")
	}
	if strings.Contains(path, `\`) {
		return errors.New("it has a backslash")
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element == "." || element == ".." {
			return fmt.Errorf("it has the element %q", element)
		}
	}
	return nil
}
