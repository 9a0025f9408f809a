package metadata

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
)

// subject is a target path that is looked up.
type subject struct {
	path  string
	parts []string // between the slashes
	hash  string   // SHA-256, in hexadecimal
}

func newSubject(path string) subject {
	sum := sha256.Sum256([]byte(path))
	return subject{path, strings.Split(path, "/"), hex.EncodeToString(sum[:])}
}

// pattern is a delegation's path pattern, in parts between the slashes: neither * nor ?
// nor a class fits a slash (4.5).
type pattern []part

// part is one of these, as package path reads it, and what a name that it fits begins
// and ends with.
type part struct {
	glob       string
	head, tail string
	plain      bool // without wildcards
}

func newPattern(text string) pattern {
	var all pattern
	for g := range strings.SplitSeq(glob(text), "/") {
		first := strings.IndexAny(g, "*?[")
		if first < 0 {
			all = append(all, part{glob: g, head: g, plain: true})
			continue
		}
		all = append(all, part{glob: g, head: g[:first], tail: g[strings.LastIndexAny(g, "*?]")+1:]})
	}
	return all
}

// fits reports whether the pattern fits a path. What costs little comes first: most do not.
func (p pattern) fits(parts []string) bool {
	if len(p) != len(parts) {
		return false
	}
	for i := range p {
		if !strings.HasPrefix(parts[i], p[i].head) || !strings.HasSuffix(parts[i], p[i].tail) {
			return false
		}
	}
	for i := range p {
		if p[i].plain {
			if parts[i] != p[i].glob {
				return false
			}
		} else if ok, err := path.Match(p[i].glob, parts[i]); !ok || err != nil {
			return false
		}
	}
	return true
}

// glob writes a pattern of glob(7) as package path reads it.
func glob(pattern string) string { return strings.ReplaceAll(pattern, "[!", "[^") }

// unambiguous reports whether clients agree about what a pattern fits. The
// specification names * and ?, and glob(7), which has classes as well; about the backslash,
// [^…], [:…:] and brackets that do not close they differ.
func unambiguous(pattern string) bool {
	if strings.Contains(pattern, `\`) {
		return false
	}
	for part := range strings.SplitSeq(pattern, "/") {
		for {
			_, class, ok := strings.Cut(part, "[")
			if !ok {
				break
			}
			class, part, ok = strings.Cut(class, "]")
			if !ok || strings.ContainsAny(class, "[^") {
				return false
			}
			if _, err := path.Match(glob("["+class+"]"), "x"); err != nil {
				return false
			}
		}
	}
	return true
}
