package metadata

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// delegations are to roles one by one, in order of precedence, or to bins (TAP 15).
type delegations struct {
	roles []delegation
	bins  *bins
}

// delegation trusts one role with some paths.
type delegation struct {
	name string
	signers
	terminating bool
	// paths and patterns are the same, as written and as they are matched; prefixes are of
	// the hexadecimal SHA-256 of a path.
	paths    []string
	patterns []pattern
	prefixes []string
	byHash   bool
}

// bins share all paths evenly, by the first bits of their SHA-256, and terminate.
type bins struct {
	signers
	bits   int64
	prefix string
}

// What one file may delegate by: each lookup that comes by compares its path with all
// of it. A repository delegates by a handful of patterns, or by up to 65,536 prefixes of
// four digits.
const (
	maxPatterns = 4096
	maxPrefixes = 65536
	// maxDelegations is how many roles one file delegates to.
	maxDelegations = 16384
	// maxPath is the length in bytes of a pattern, and of a path that is looked up.
	maxPath = 4096
)

// readDelegations reads DELEGATIONS (4.5). Role names are unique, and none is that of
// a top-level role, whose file it would then have.
func readDelegations(r reader) delegations {
	keys := map[string]key{}
	if k, ok := r.mayObject("keys"); ok {
		keys = readKeys(k)
	}
	var d delegations
	list, listed := r.may("roles", array)
	r.atMost("roles", len(list.items), maxDelegations)
	patterns, prefixes := 0, 0
	seen := map[string]bool{Root: true, Timestamp: true, Snapshot: true, Targets: true, "": true}
	for i, item := range list.items {
		role := readDelegation(r.element("roles["+strconv.Itoa(i)+"]", item), keys)
		patterns, prefixes = patterns+len(role.paths), prefixes+len(role.prefixes)
		if !r.atMost("paths", patterns, maxPatterns) || !r.atMost("path_hash_prefixes", prefixes, maxPrefixes) {
			return d
		}
		if seen[role.name] {
			r.fail("roles", "of names that are there once and are not those of top-level roles", quote(role.name))
		}
		seen[role.name] = true
		d.roles = append(d.roles, role)
	}
	succinct, ok := r.mayObject("succinct_roles")
	if !ok {
		return d
	}
	if listed {
		r.fail("", "roles or succinct_roles", "both")
	}
	d.bins = &bins{readSigners(succinct, keys), succinct.integer("bit_length", 1), succinct.string("name_prefix")}
	if d.bins.bits > 32 {
		succinct.fail("bit_length", "at most 32", strconv.FormatInt(d.bins.bits, 10))
	}
	return d
}

func readDelegation(r reader, keys map[string]key) delegation {
	d := delegation{name: r.string("name"), signers: readSigners(r, keys), terminating: r.mayBool("terminating")}
	if list, ok := r.may("paths", array); ok {
		d.paths = r.strings("paths", list)
		if !r.atMost("paths", len(d.paths), maxPatterns) {
			return d
		}
		for _, p := range d.paths {
			if !r.atMost("paths", len(p), maxPath) {
				return d
			}
			if !unambiguous(p) {
				r.fail("paths", "patterns that every client reads alike", quote(p))
			}
			d.patterns = append(d.patterns, newPattern(p))
		}
	}
	list, ok := r.may("path_hash_prefixes", array)
	if !ok {
		return d
	}
	if d.byHash = true; d.paths != nil {
		r.fail("", "by paths or by path_hash_prefixes", "both")
	}
	d.prefixes = r.strings("path_hash_prefixes", list)
	for _, p := range d.prefixes {
		if strings.Trim(p, "0123456789abcdef") != "" || len(p) > 2*sha256.Size {
			r.fail("path_hash_prefixes", "digits of a SHA-256 in lower case", quote(p))
		}
	}
	return d
}

// trusts reports whether the role may speak about a target path.
func (d *delegation) trusts(target *subject) bool {
	if d.byHash {
		return slices.ContainsFunc(d.prefixes, func(p string) bool { return strings.HasPrefix(target.hash, p) })
	}
	for i := range d.patterns {
		if d.patterns[i].fits(target.parts) {
			return true
		}
	}
	return false
}

// child is a delegated role on the way to a target.
type child struct {
	name        string
	terminating bool
}

// children are the roles that may speak about a target path, in order.
func (d *delegations) children(target *subject) []child {
	if d.bins != nil {
		return []child{{d.bins.name(d.bins.index(target.path)), true}}
	}
	var all []child
	for i := range d.roles {
		if role := &d.roles[i]; role.trusts(target) {
			all = append(all, child{role.name, role.terminating})
		}
	}
	return all
}

// signers returns the keys that are trusted to sign a role, and false if it is none
// of these.
func (d *delegations) signers(role string) (signers, bool) {
	if d.bins != nil {
		return d.bins.signers, d.bins.has(role)
	}
	for _, r := range d.roles {
		if r.name == role {
			return r.signers, true
		}
	}
	return signers{}, false
}

// count is how many bins there are.
func (b bins) count() uint64 { return 1 << b.bits }

// index is the bin of a target path: the first bits of its SHA-256.
func (b bins) index(target string) uint64 {
	sum := sha256.Sum256([]byte(target))
	first := uint64(sum[0])<<24 | uint64(sum[1])<<16 | uint64(sum[2])<<8 | uint64(sum[3])
	return first >> (32 - b.bits)
}

// name is that of a bin: the prefix and its number, in as many digits as the last has.
func (b bins) name(index uint64) string {
	digits := len(strconv.FormatUint(b.count()-1, 16))
	return fmt.Sprintf("%s-%0*x", b.prefix, digits, index)
}

// has reports whether role is the name of a bin.
func (b bins) has(role string) bool {
	number, ok := strings.CutPrefix(role, b.prefix+"-")
	if !ok {
		return false
	}
	i, err := strconv.ParseUint(number, 16, 64)
	return err == nil && i < b.count() && b.name(i) == role
}
