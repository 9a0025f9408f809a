package verify

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/releaseassay/assay/policy"
)

// TrustedRoot is one named set of authorities. Roots are never merged: a demand
// names one, and evidence must verify wholly under it.
type TrustedRoot struct {
	name       string
	source     string
	digest     string
	thresholds policy.Thresholds
	material   *root.TrustedRoot
}

// NewTrustedRoot reads a trusted_root.json (sigstore protobuf-specs,
// dev.sigstore.trustroot.v1.TrustedRoot). source says where it came from. A root
// without a certificate authority can verify evidence that is signed by a key, and
// no other.
func NewTrustedRoot(name, source string, trustedRoot []byte, thresholds policy.Thresholds) (*TrustedRoot, error) {
	material, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return nil, fmt.Errorf("read the trusted root %s (%s): %w", name, source, err)
	}
	if thresholds.Timestamps < 1 {
		return nil, errors.New("the threshold of verified timestamps is below one")
	}
	if name == policy.PublicGood && (thresholds.LogEntries < 1 || thresholds.SCTs < 1) {
		return nil, fmt.Errorf("the thresholds of %s are below one", name)
	}
	sum := sha256.Sum256(trustedRoot)
	return &TrustedRoot{
		name: name, source: source, digest: "sha256:" + hex.EncodeToString(sum[:]),
		thresholds: thresholds, material: material,
	}, nil
}

// Name returns the name by which demands refer to the root.
func (t *TrustedRoot) Name() string { return t.name }

// signed reports whether any authority of the root ever signed leaf, whatever the
// time: it tells an unknown authority from everything else that can be wrong.
func (t *TrustedRoot) signed(leaf *x509.Certificate) bool {
	for _, ca := range t.material.FulcioCertificateAuthorities() {
		fulcio, ok := ca.(*root.FulcioCertificateAuthority)
		if !ok {
			continue
		}
		for _, issuer := range append([]*x509.Certificate{fulcio.Root}, fulcio.Intermediates...) {
			if leaf.CheckSignatureFrom(issuer) == nil {
				return true
			}
		}
	}
	return false
}

// logValid reports whether the log's key was valid at every one of times.
// sigstore-go checks that for signed entry timestamps alone.
func logValid(log *root.TransparencyLog, times []VerifiedTime) error {
	for _, t := range times {
		if t.Time.Before(log.ValidityPeriodStart) || (!log.ValidityPeriodEnd.IsZero() && t.Time.After(log.ValidityPeriodEnd)) {
			return fmt.Errorf("the key of the log %s was not valid at %s", log.BaseURL, t.Time.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// Key is a public key that a policy names.
type Key struct {
	sha256   string
	verifier signature.Verifier
}

// NewKey reads a PEM public key; fileSHA256 is the digest by which the policy names it.
func NewKey(pem []byte, fileSHA256 string) (Key, error) {
	sum := sha256.Sum256(pem)
	if got := hex.EncodeToString(sum[:]); got != fileSHA256 {
		return Key{}, fmt.Errorf("read the public key: its sha256 is %s; the policy wants %s", got, fileSHA256)
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(pem)
	if err != nil {
		return Key{}, fmt.Errorf("read the public key: %w", err)
	}
	verifier, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		return Key{}, fmt.Errorf("read the public key: %w", err)
	}
	return Key{sha256: fileSHA256, verifier: verifier}, nil
}

// Trust is everything that authentication rests on: values, never fetched.
type Trust struct {
	Roots []*TrustedRoot
	Keys  []Key
	// Pinned are the roots of TUF repositories.
	Pinned []PinnedRoot
}

// PinnedRoot is the root of a TUF repository from which everything there is verified.
type PinnedRoot struct {
	sha256 string
	bytes  []byte
}

// NewPinnedRoot takes the bytes of a root; sha256Hex is the digest by which the policy
// names it. Whether they are a root at all is found where they are used.
func NewPinnedRoot(b []byte, sha256Hex string) (PinnedRoot, error) {
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != sha256Hex {
		return PinnedRoot{}, fmt.Errorf("read the pinned TUF root: its sha256 is %s; the policy wants %s", got, sha256Hex)
	}
	return PinnedRoot{sha256: sha256Hex, bytes: bytes.Clone(b)}, nil
}

// SHA256 is the digest by which the policy names the root, in hexadecimal.
func (r PinnedRoot) SHA256() string { return r.sha256 }

// Bytes are the root's own.
func (r PinnedRoot) Bytes() []byte { return bytes.Clone(r.bytes) }

// pinned returns the root of a digest.
func (t Trust) pinned(sha256Hex string) (PinnedRoot, bool) {
	for _, r := range t.Pinned {
		if r.sha256 == sha256Hex && len(r.bytes) > 0 {
			return r, true
		}
	}
	return PinnedRoot{}, false
}

// root returns the root of a name.
func (t Trust) root(name string) (*TrustedRoot, bool) {
	for _, r := range t.Roots {
		if r.name == name {
			return r, true
		}
	}
	return nil, false
}
