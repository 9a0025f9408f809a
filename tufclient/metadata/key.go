package metadata

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	gotuf "github.com/theupdateframework/go-tuf/v2/metadata"
)

// The key type and scheme of TAP 18.
const (
	sigstoreType   = "sigstore-oidc"
	sigstoreScheme = "Fulcio"
)

// Holder names whoever holds a key, so that one holder under several ids counts once:
// identity and issuer of a Sigstore key, the fingerprint of an ordinary one.
func (k Key) Holder() string {
	switch {
	case k.Type == sigstoreType && k.Scheme == sigstoreScheme:
		return fmt.Sprintf("%s %s %q %q", k.Type, k.Scheme, k.Issuer, k.Identity)
	case k.Fingerprint != "":
		return "sha256:" + k.Fingerprint
	default:
		return fmt.Sprintf("unknown %q %q %q", k.Type, k.Scheme, k.ID)
	}
}

// key is a Key with what it takes to verify with it.
type key struct {
	Key
	public crypto.PublicKey // of an ordinary key
	// never is why the key never counts, if it does not.
	never error
	// unknown is true where its type or scheme is one that is not known here.
	unknown bool
}

// readKeys reads an object of keys by id (4.2.1). A key that is of an unknown type, or
// not what its type says, is kept but never counts. Ids are labels: the hash that they are
// is over members whose canonical form writers disagree about, so nothing rests on it.
func readKeys(r reader) map[string]key {
	keys := make(map[string]key, len(r.of.names))
	for i, id := range r.of.names {
		keys[id] = readKey(r.element(id, r.of.items[i]), id)
	}
	return keys
}

func readKey(r reader, id string) key {
	k := key{Key: Key{ID: id, Type: r.string("keytype"), Scheme: r.string("scheme")}}
	val := r.object("keyval")
	if *r.err != nil {
		return k
	}
	if k.Type == sigstoreType {
		k.readSigstore(val)
		return k
	}
	public, _ := val.of.member("public")
	k.readOrdinary(public)
	return k
}

func (k *key) readSigstore(val reader) {
	identity, _ := val.of.member("identity")
	issuer, _ := val.of.member("issuer")
	switch {
	case k.Scheme != sigstoreScheme:
		k.unknown, k.never = true, fmt.Errorf("its scheme %s is not known", quote(k.Scheme))
	case identity.form != text || identity.text == "" || issuer.form != text || issuer.text == "":
		k.never = errors.New("it does not name both an identity and an issuer")
	}
	if identity.form == text && issuer.form == text {
		k.Identity, k.Issuer = identity.text, issuer.text
	}
}

// readOrdinary reads the key with go-tuf, and holds it to what its scheme says.
func (k *key) readOrdinary(public value) {
	kind := k.Type
	switch kind {
	case "ecdsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384":
		kind = gotuf.KeyTypeECDSA_SHA2_P256
	case gotuf.KeyTypeEd25519, gotuf.KeyTypeRSASSA_PSS_SHA256:
	default:
		k.unknown, k.never = true, fmt.Errorf("its type %s is not known", quote(k.Type))
		return
	}
	if public.form != text {
		k.never = errors.New("it has no public key")
		return
	}
	if k.public, k.never = publicKey(kind, public.text); k.never != nil {
		return
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		k.never = err
		return
	}
	sum := sha256.Sum256(der)
	k.Fingerprint = hex.EncodeToString(sum[:])
	k.unknown, k.never = checkScheme(k.Scheme, k.public)
}

func publicKey(kind, public string) (k crypto.PublicKey, err error) {
	defer func() {
		if p := recover(); p != nil {
			k, err = nil, fmt.Errorf("reading it ended in a panic: %v", p)
		}
	}()
	k, err = (&gotuf.Key{Type: kind, Value: gotuf.KeyVal{PublicKey: public}}).ToPublicKey()
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	// ed25519 panics on a key of another length.
	if ed, ok := k.(ed25519.PublicKey); ok && len(ed) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("an ed25519 key has %d bytes, not %d", ed25519.PublicKeySize, len(ed))
	}
	return k, nil
}

// checkScheme reports whether scheme is unknown, and why it does not fit the key.
func checkScheme(scheme string, public crypto.PublicKey) (unknown bool, never error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		if scheme == "ed25519" {
			return false, nil
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < 2048 || bits > 8192 {
			return false, fmt.Errorf("an RSA key has 2048 to 8192 bits, not %d", bits)
		}
		if scheme == "rsassa-pss-sha256" {
			return false, nil
		}
	case *ecdsa.PublicKey:
		curve, ok := map[string]elliptic.Curve{
			"ecdsa-sha2-nistp256": elliptic.P256(), "ecdsa-sha2-nistp384": elliptic.P384(),
		}[scheme]
		if ok && k.Curve != curve {
			return false, fmt.Errorf("the scheme %s has another curve than the key", scheme)
		}
		if ok {
			return false, nil
		}
	}
	return true, fmt.Errorf("its scheme %s is not known", quote(scheme))
}

// verify verifies one signature over message and returns its time, if it has one.
func (k key) verify(message []byte, s signature, sigstore Sigstore) (at time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			at, err = time.Time{}, fmt.Errorf("verifying ended in a panic: %v", p)
		}
	}()
	switch {
	case k.never != nil:
		return time.Time{}, k.never
	case k.Type == sigstoreType:
		return k.verifySigstore(message, s, sigstore)
	default:
		return time.Time{}, k.verifyOrdinary(message, s)
	}
}

func (k key) verifyOrdinary(message []byte, s signature) error {
	sig, err := hex.DecodeString(s.sig)
	if err != nil {
		return errors.New("the signature is not hexadecimal")
	}
	valid := false
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		valid = ed25519.Verify(public, message, sig)
	case *rsa.PublicKey:
		sum := sha256.Sum256(message)
		valid = rsa.VerifyPSS(public, crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		digest := sum[:]
		if strings.HasSuffix(k.Scheme, "384") {
			sum := sha512.Sum384(message)
			digest = sum[:]
		}
		valid = ecdsa.VerifyASN1(public, digest, sig)
	}
	if !valid {
		return errors.New("the signature is not over these bytes by this key")
	}
	return nil
}

// verifySigstore demands that sig is the bundle's signature, though the bundle alone
// would do: two tools must not see two signatures.
func (k key) verifySigstore(message []byte, s signature, sigstore Sigstore) (time.Time, error) {
	if sigstore == nil {
		return time.Time{}, errors.New("there is no trusted root to verify Sigstore signatures with")
	}
	if s.bundle.form != object {
		return time.Time{}, errors.New("the signature has no Sigstore bundle")
	}
	inner, _ := s.bundle.member("messageSignature")
	in, _ := inner.member("signature")
	outside, err := decodeBase64(s.sig)
	if err != nil {
		return time.Time{}, fmt.Errorf("decode sig: %w", err)
	}
	inside, err := decodeBase64(in.text)
	if in.form != text || err != nil {
		return time.Time{}, errors.New("the bundle has no message signature in base64")
	}
	if !bytes.Equal(outside, inside) || len(inside) == 0 {
		return time.Time{}, errors.New("sig is not the signature of the bundle")
	}
	at, err := sigstore.Verify([]byte(s.bundle.text), message, k.Identity, k.Issuer)
	if err != nil {
		return time.Time{}, err
	}
	if at.IsZero() {
		return time.Time{}, errors.New("the signature has no verified time")
	}
	return at, nil
}

// decodeBase64 decodes standard base64 that has exactly one way to be written.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err == nil && base64.StdEncoding.EncodeToString(b) != s {
		err = errors.New("there are line breaks in the base64")
	}
	return b, err
}
