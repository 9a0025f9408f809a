package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// MetadataSigstore verifies signatures of TUF metadata by identities (TAP 18) under
// one trusted root, whose thresholds hold. Without a root it is nil, and then no such
// signature verifies.
func MetadataSigstore(root *TrustedRoot, limits Limits) metadata.Sigstore {
	if root == nil {
		return nil
	}
	return &metadataSigstore{root: root, limits: limits, known: map[[sha256.Size]byte]verification{}}
}

// metadataSigstore verifies each signature once: what the client has verified while it
// fetched is not verified anew where it is replayed.
type metadataSigstore struct {
	root   *TrustedRoot
	limits Limits

	mu    sync.Mutex
	known map[[sha256.Size]byte]verification
}

// verification is how verifying a signature ended.
type verification struct {
	at  time.Time
	err error
}

// Verify implements metadata.Sigstore. A bundle that carries a DSSE envelope, or that
// is signed by a plain key, is refused.
func (m *metadataSigstore) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	question := sha256.New()
	for _, part := range [][]byte{bundle, message, []byte(identity), []byte(issuer)} {
		question.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		question.Write(part)
	}
	key := [sha256.Size]byte(question.Sum(nil))
	v, ok := m.known[key]
	if !ok {
		v.at, v.err = m.verify(bundle, message, identity, issuer)
		m.known[key] = v
	}
	return v.at, v.err
}

func (m *metadataSigstore) verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	blob := Blob{Content: bytes.NewReader(message)}
	verified, err := verifyBlob(bundle, blob, BlobSigner{Identity: identity, Issuer: issuer}, m.root, m.limits, true)
	if err != nil {
		return time.Time{}, fmt.Errorf("verify the signature of %s: %w", identity, err)
	}
	claims, ok := verified.Claims()
	if !ok || claims.Identity != identity || claims.Issuer != issuer || len(verified.times) == 0 {
		return time.Time{}, errors.New("nothing was verified")
	}
	earliest := verified.times[0].Time
	for _, t := range verified.times[1:] {
		if t.Time.Before(earliest) {
			earliest = t.Time
		}
	}
	return earliest, nil
}

// witness notes why signatures did not verify where that tells more than that they
// did not: by an authority that the trusted root does not know, or for a fault of ours.
type witness struct {
	metadata.Sigstore
	unknown, panicked bool
}

// Verify implements metadata.Sigstore.
func (w *witness) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	at, err := w.Sigstore.Verify(bundle, message, identity, issuer)
	var why *rejection
	if errors.As(err, &why) {
		w.unknown = w.unknown || why.problem == problemUnknownAuthority
		w.panicked = w.panicked || why.problem == problemPanic
	}
	return at, err
}
