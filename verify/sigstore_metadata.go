package verify

import (
	"bytes"
	"errors"
	"fmt"
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
	return metadataSigstore{root, limits}
}

type metadataSigstore struct {
	root   *TrustedRoot
	limits Limits
}

// Verify implements metadata.Sigstore. A bundle that carries a DSSE envelope, or that
// is signed by a plain key, is refused.
func (m metadataSigstore) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
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

// witness notes whether a signature was by an authority that the trusted root does not
// know.
type witness struct {
	metadata.Sigstore
	unknown bool
}

// Verify implements metadata.Sigstore.
func (w *witness) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	at, err := w.Sigstore.Verify(bundle, message, identity, issuer)
	var why *rejection
	if errors.As(err, &why) && why.problem == problemUnknownAuthority {
		w.unknown = true
	}
	return at, err
}
