package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// Blob is an artifact that is not an image. Exactly one field is set.
type Blob struct {
	// Content is read once, to its end. It is not bounded: whoever opens it knows
	// its size. A message signature by an Ed25519 key needs it, whole in memory.
	Content io.Reader
	// Digest is "sha256:", "sha384:" or "sha512:" and the digest in lower-case hex.
	Digest string
}

// BlobSigner is the one who must have signed: an exact identity with its issuer,
// or a key. An empty field is never a wildcard.
type BlobSigner struct {
	// Identity is the certificate's only subject alternative name, Issuer its OIDC issuer.
	Identity, Issuer string
	Key              *Key
}

// VerifiedBlob is what a verified bundle says. Only VerifyBlob makes one that is
// verified; the zero value is not.
type VerifiedBlob struct {
	claims    *Claims
	keySHA256 string
	times     []VerifiedTime
	log       LogEvidence
}

// Verified reports whether the bundle was verified.
func (v VerifiedBlob) Verified() bool { return v.claims != nil || v.keySHA256 != "" }

// Claims returns what the signing certificate says, and false for a plain key.
func (v VerifiedBlob) Claims() (Claims, bool) {
	if v.claims == nil {
		return Claims{}, false
	}
	return *v.claims, true
}

// KeySHA256 returns the digest of the key's file, empty for a certificate.
func (v VerifiedBlob) KeySHA256() string { return v.keySHA256 }

// Times returns the verified times of signing. For a key, which has no validity
// of its own, there may be none.
func (v VerifiedBlob) Times() []VerifiedTime { return slices.Clone(v.times) }

// Log returns how the log entry was shown.
func (v VerifiedBlob) Log() LogEvidence { return v.log }

// VerifyBlob verifies a Sigstore bundle over an artifact that is not an image: a
// message signature, or a DSSE envelope whose in-toto statement names the
// artifact's digest. The root's thresholds hold, with two differences for a key:
// it needs no SCT, and no time unless the bundle brings one. A time that the
// bundle brings and the root could verify must verify.
//
// It is the one door by which a key verifies evidence that no policy names the key
// for. Checks of images never come here: their keys are the policy's.
//
// A bundle that makes a library panic is refused like any other.
func VerifyBlob(bundleJSON []byte, blob Blob, signer BlobSigner, root *TrustedRoot, limits Limits) (VerifiedBlob, error) {
	return verifyBlob(bundleJSON, blob, signer, root, limits, false)
}

// verifyBlob is VerifyBlob; with message it refuses DSSE envelopes.
func verifyBlob(bundleJSON []byte, blob Blob, signer BlobSigner, root *TrustedRoot, limits Limits, message bool) (verified VerifiedBlob, err error) {
	defer func() {
		if r := recover(); r != nil {
			verified, err = VerifiedBlob{}, reject(problemPanic, "verify the bundle: it ended in a panic: %v", r)
		}
	}()
	if root == nil {
		return VerifiedBlob{}, errors.New("verify the bundle: there is no trusted root")
	}
	if err := signer.check(); err != nil {
		return VerifiedBlob{}, err
	}
	artifact, err := blob.open()
	if err != nil {
		return VerifiedBlob{}, err
	}
	if int64(len(bundleJSON)) > limits.PieceBytes {
		return VerifiedBlob{}, fmt.Errorf("the bundle has %d bytes; at most %d are read", len(bundleJSON), limits.PieceBytes)
	}
	b, err := parseBundle(bundleJSON, limits)
	if err != nil {
		return VerifiedBlob{}, err
	}
	if message && b.GetMessageSignature() == nil {
		return VerifiedBlob{}, errors.New("the bundle carries no message signature; wanted one, and no DSSE envelope")
	}
	v := &blobVerifier{authenticator: authenticator{root: root, limits: limits}, bundle: b, artifact: artifact}
	if verified, err = v.verify(signer); err != nil {
		return VerifiedBlob{}, err
	}
	return verified, nil
}

// check wants exactly one kind of signer, wholly named.
func (s BlobSigner) check() error {
	named := s.Identity != "" || s.Issuer != ""
	switch {
	case named && s.Key != nil:
		return errors.New("the signer is both an identity and a key; wanted one of them")
	case s.Key != nil && (s.Key.verifier == nil || s.Key.sha256 == ""):
		return errors.New("the signer's key is empty")
	case s.Key == nil && (s.Identity == "" || s.Issuer == ""):
		return errors.New("the signer is neither an identity with its issuer nor a key")
	}
	return nil
}

// blobVerifier verifies one bundle under one root.
type blobVerifier struct {
	authenticator
	bundle   *bundle.Bundle
	artifact *blobArtifact
}

func (v *blobVerifier) verify(signer BlobSigner) (VerifiedBlob, error) {
	content, err := v.bundle.VerificationContent()
	if err != nil {
		return VerifiedBlob{}, fmt.Errorf("read the bundle's verification material: %w", err)
	}
	statement, err := v.statement()
	if err != nil {
		return VerifiedBlob{}, err
	}
	var done VerifiedBlob
	if leaf := content.Certificate(); leaf == nil {
		err = v.byKey(signer, &done)
	} else {
		err = v.byCertificate(leaf.Raw, signer, &done)
	}
	if err != nil {
		return VerifiedBlob{}, err
	}
	if err := v.wantTimes(done.times); err != nil {
		return VerifiedBlob{}, err
	}
	if statement != nil && !v.artifact.namedBy(*statement) {
		return VerifiedBlob{}, fmt.Errorf("none of the statement's %d subjects is the artifact", len(statement.subjects))
	}
	done.log = LogNone
	if v.root.thresholds.LogEntries > 0 {
		done.log = logEvidence(v.bundle)
	}
	return done, nil
}

// statement returns the in-toto statement that is signed, nil for a message
// signature, whose digest must be of the artifact's kind.
func (v *blobVerifier) statement() (*payload, error) {
	if dsse := v.bundle.GetDsseEnvelope(); dsse != nil {
		if dsse.GetPayloadType() != payloadTypeInToto || len(dsse.GetSignatures()) != 1 {
			return nil, fmt.Errorf("the bundle's envelope has payloadType %q and %d signatures; wanted %q and exactly one",
				dsse.GetPayloadType(), len(dsse.GetSignatures()), payloadTypeInToto)
		}
		p, err := parsePayload(dsse.GetPayload(), v.limits)
		if err != nil {
			return nil, err
		}
		return &p, nil
	}
	message := v.bundle.GetMessageSignature()
	if message == nil {
		return nil, errors.New("the bundle has neither a message signature nor a DSSE envelope")
	}
	algorithm, known := messageAlgorithms[message.GetMessageDigest().GetAlgorithm()]
	if !known || (v.artifact.algorithm != "" && v.artifact.algorithm != algorithm) {
		return nil, fmt.Errorf("the bundle's message digest is %s, the artifact's %q", message.GetMessageDigest().GetAlgorithm(), v.artifact.algorithm)
	}
	return nil, nil
}

var messageAlgorithms = map[protocommon.HashAlgorithm]string{
	protocommon.HashAlgorithm_SHA2_256: "sha256",
	protocommon.HashAlgorithm_SHA2_384: "sha384",
	protocommon.HashAlgorithm_SHA2_512: "sha512",
}

func (v *blobVerifier) byCertificate(der []byte, signer BlobSigner, done *VerifiedBlob) error {
	if signer.Key != nil {
		return errors.New("the bundle is signed with a certificate; wanted a plain key")
	}
	leaf, err := v.leaf(der)
	if err != nil {
		return err
	}
	if v.claims.Identity != signer.Identity || v.claims.Issuer != signer.Issuer {
		return fmt.Errorf("the certificate is of %q by the issuer %q; wanted %q by %q",
			v.claims.Identity, v.claims.Issuer, signer.Identity, signer.Issuer)
	}
	times, err := v.certificateBundle(v.bundle, leaf, v.artifact.option())
	if err != nil {
		return err
	}
	if len(times) == 0 {
		return errors.New("no time of signing was verified")
	}
	done.claims, done.times = v.claims, times
	return nil
}

func (v *blobVerifier) byKey(signer BlobSigner, done *VerifiedBlob) error {
	if signer.Key == nil {
		return errors.New("the bundle is signed by a plain key; wanted a certificate")
	}
	public, err := signer.Key.verifier.PublicKey()
	if err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	if _, pure := public.(ed25519.PublicKey); pure && v.bundle.GetMessageSignature() != nil && v.artifact.content == nil {
		// It signs the content, not a digest: given a digest alone, sigstore-go would
		// verify the signature over nothing.
		return errors.New("the bundle is a message signature by an Ed25519 key: it is verified with the artifact's content, not its digest")
	}
	need := v.root.thresholds
	if logTime, stamp := v.bringsTimes(); !logTime && !stamp {
		need.Timestamps = 0
	}
	times, err := verifyKeyBundle(v.bundle, v.root.material, need, signer.Key.verifier, v.artifact.option())
	if err != nil {
		return err
	}
	done.keySHA256, done.times = signer.Key.sha256, times
	return nil
}

// bringsTimes reports which times the bundle brings that the root knows somebody
// to verify: of a log, of a timestamp authority.
func (v *blobVerifier) bringsTimes() (logTime, stamp bool) {
	stamps := v.bundle.GetVerificationMaterial().GetTimestampVerificationData().GetRfc3161Timestamps()
	logTime = v.bundle.HasInclusionPromise() && v.root.thresholds.LogEntries > 0 && len(v.root.material.RekorLogs()) > 0
	return logTime, len(stamps) > 0 && len(v.root.material.TimestampingAuthorities()) > 0
}

// wantTimes refuses a bundle one of whose kinds of time did not verify at all: with
// a threshold over both kinds, a good one would hide a forged other.
func (v *blobVerifier) wantTimes(times []VerifiedTime) error {
	logTime, stamp := v.bringsTimes()
	for _, t := range times {
		logTime = logTime && t.Source != "log"
		stamp = stamp && t.Source != "timestamp-authority"
	}
	if logTime || stamp {
		return fmt.Errorf("the bundle brings a time of signing that was not verified (of a log: %t, of a timestamp authority: %t)", logTime, stamp)
	}
	return nil
}

// blobArtifact is a blob as it is compared: by a digest that was given, or by
// those of the content that went by.
type blobArtifact struct {
	algorithm string
	digest    []byte

	content io.Reader
	hashes  map[string]hash.Hash
}

var blobHashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

func (b Blob) open() (*blobArtifact, error) {
	switch {
	case (b.Content == nil) == (b.Digest == ""):
		return nil, errors.New("the artifact is not one of content and digest")
	case b.Content == nil:
		algorithm, text, _ := strings.Cut(b.Digest, ":")
		newHash, known := blobHashes[algorithm]
		digest, err := hex.DecodeString(text)
		if !known || err != nil || len(digest) != newHash().Size() || strings.ToLower(text) != text {
			return nil, fmt.Errorf("the artifact's digest is %q; wanted sha256, sha384 or sha512, a colon and lower-case hex", b.Digest)
		}
		return &blobArtifact{algorithm: algorithm, digest: digest}, nil
	}
	a := &blobArtifact{hashes: map[string]hash.Hash{}}
	var all []io.Writer
	for algorithm, newHash := range blobHashes {
		a.hashes[algorithm] = newHash()
		all = append(all, a.hashes[algorithm])
	}
	a.content = io.TeeReader(b.Content, io.MultiWriter(all...))
	return a, nil
}

func (a *blobArtifact) option() sigstore.ArtifactPolicyOption {
	if a.content != nil {
		return sigstore.WithArtifact(a.content)
	}
	return sigstore.WithArtifactDigest(a.algorithm, a.digest)
}

// namedBy reports whether one subject of a statement has the artifact's digest.
// sigstore-go did the same, reading the statement's keys in any case.
func (a *blobArtifact) namedBy(p payload) bool {
	for _, s := range p.subjects {
		for algorithm, text := range s.Digest {
			digest := a.digest
			if h, ok := a.hashes[algorithm]; ok {
				digest = h.Sum(nil)
			} else if algorithm != a.algorithm {
				continue
			}
			if got, err := hex.DecodeString(text); err == nil && len(got) > 0 && bytes.Equal(got, digest) {
				return true
			}
		}
	}
	return false
}
