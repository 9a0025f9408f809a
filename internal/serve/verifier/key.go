package verifier

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/releaseassay/assay/internal/serve/cache"
)

// keyer writes keys: every part is preceded by its length, so that no two lists of
// parts are written alike.
type keyer struct{ buffer []byte }

func (k *keyer) text(parts ...string) {
	for _, s := range parts {
		k.buffer = binary.AppendUvarint(k.buffer, uint64(len(s)))
		k.buffer = append(k.buffer, s...)
	}
}

func (k *keyer) number(n int64) { k.buffer = binary.AppendVarint(k.buffer, n) }

func (k *keyer) sum() cache.Key { return sha256.Sum256(k.buffer) }

// keyOf hashes a list of texts; the first says what the key is for.
func keyOf(parts ...string) cache.Key {
	k := keyer{make([]byte, 0, 256)}
	k.text(parts...)
	return k.sum()
}

// question is everything that a verdict depends on, beside what lies in registries.
type question struct {
	// name is the repository's canonical name, requested the reference as it was written,
	// which the verdict repeats. tag is "" where none was given.
	name, requested, tag string
	// digest is of the image that is judged, "" until it is resolved. given says that the
	// reference names it, and not that the tag was resolved to it.
	digest string
	given  bool
	// version is the one that was asked about, "" where the reference gives it.
	version string
	// policy is the digest of the policy with all that it rests on, rule the pattern that
	// matched and its place, exceptions the digest of their file.
	policy, rule, exceptions string
	position                 int
	// release is what was last seen of the rule's TUF repository.
	release version
	// principal is as whom registries are asked, "" as the server.
	principal string
	// access is the digest of how registries are reached, program assay's own version.
	access, program string
}

// key is under which the verdict is remembered.
func (q *question) key() cache.Key {
	k := keyer{make([]byte, 0, 1024)}
	k.text("assay verdict 1", q.program, q.name, q.requested, q.tag, q.digest, q.version)
	k.number(flag(q.given))
	k.text(q.policy, q.rule, q.exceptions, q.principal, q.access)
	k.number(int64(q.position))
	k.number(q.release.root)
	k.number(q.release.snapshot)
	return k.sum()
}

// passKey is under which it is remembered that the question was answered with a pass.
// Neither exceptions nor what the TUF repository says now are part of it: it is asked
// where nothing can be read.
func (q *question) passKey() cache.Key {
	k := keyer{make([]byte, 0, 1024)}
	k.text("assay pass 1", q.program, q.name, q.tag, q.digest, q.version)
	k.number(flag(q.given))
	k.text(q.policy, q.rule, q.principal, q.access)
	k.number(int64(q.position))
	return k.sum()
}

// tagKey is under which the digest of the tag is remembered.
func (q *question) tagKey() cache.Key { return keyOf("tag", q.name, q.tag, q.principal, q.access) }

// shelfKey is under which evidence about an image is remembered.
func (q *question) shelfKey(name, digest string) cache.Key {
	return keyOf("evidence", name, digest, q.principal, q.access)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// framed writes a part with its length to a hash.
func framed(h hash.Hash, b []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(b)))
	_, _ = h.Write(length[:]) // a hash takes everything
	_, _ = h.Write(b)
}
