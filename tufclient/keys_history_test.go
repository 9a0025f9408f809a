package tufclient_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"sync"
	"time"

	tuf "github.com/theupdateframework/go-tuf/v2/metadata"
)

// ringSize is how many keys there are. A history uses fewer, so no two of its keys are
// the same unless it wants them to be.
const ringSize = 240

// simKey is one key of a simulated repository. It is not changed once it is made.
type simKey struct {
	tuf *tuf.Key
	id  string
	// entry returns the members of a signature entry beside "keyid".
	entry func(payload []byte) map[string]any
}

// ring is a set of keys that histories share.
type ring struct {
	name     string
	sigstore bool
	keys     []*simKey
}

// key returns the key with a number, wherever the count of a history began.
func (r *ring) key(i int) *simKey { return r.keys[i%len(r.keys)] }

// signFunc signs a payload as the key's scheme wants it.
type signFunc func(payload []byte) []byte

// ordinaryRing holds mostly ed25519 keys, some ecdsa ones and very few rsa ones.
func ordinaryRing() *ring {
	r := &ring{name: "ordinary"}
	for i := range ringSize {
		var public crypto.PublicKey
		var sign signFunc
		switch {
		case i%60 == 31:
			public, sign = rsaKey(i / 60)
		case i%12 == 5:
			public, sign = ecdsaKey(i)
		default:
			public, sign = ed25519Key(i)
		}
		key, err := tuf.KeyFromPublicKey(public)
		must(err)
		r.keys = append(r.keys, &simKey{tuf: key, id: keyID(key), entry: func(p []byte) map[string]any {
			return map[string]any{"sig": hex.EncodeToString(sign(p))}
		}})
	}
	return r
}

func ed25519Key(i int) (ed25519.PublicKey, signFunc) {
	var seed [ed25519.SeedSize]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i)+1) //nolint:gosec // small numbers
	key := ed25519.NewKeyFromSeed(seed[:])
	return key.Public().(ed25519.PublicKey), func(p []byte) []byte { return ed25519.Sign(key, p) }
}

// ecdsaKey is made and signs without chance, so that lengths are the same in each run.
func ecdsaKey(i int) (crypto.PublicKey, signFunc) {
	scalar := sha256.Sum256([]byte{byte(i)})
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	must(err)
	return key.Public(), func(p []byte) []byte {
		sum := sha256.Sum256(p)
		sig, err := key.Sign(nil, sum[:], crypto.SHA256)
		must(err)
		return sig
	}
}

// primeSeeds are seeds from which [prime] makes primes: searching takes seconds.
var primeSeeds = [][2]uint64{{104, 412}, {547, 565}, {908, 2082}, {3051, 3626}}

// prime is an odd number of 1,024 bits.
func prime(seed uint64) *big.Int {
	r := mathrand.New(mathrand.NewPCG(seed, 6)) //nolint:gosec // a test's key
	n := new(big.Int)
	for range 16 {
		n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(r.Uint64()))
	}
	for _, bit := range []int{0, 1022, 1023} {
		n.SetBit(n, bit, 1)
	}
	return n
}

func rsaKey(i int) (crypto.PublicKey, signFunc) {
	seeds := primeSeeds[i%len(primeSeeds)]
	p, q, one := prime(seeds[0]), prime(seeds[1]), big.NewInt(1)
	order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(big.NewInt(65537), order), Primes: []*big.Int{p, q},
	}
	key.Precompute()
	must(key.Validate())
	return key.Public(), func(p []byte) []byte {
		sum := sha256.Sum256(p)
		sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: rsa.PSSSaltLengthEqualsHash})
		must(err)
		return sig
	}
}

// identityKey is a key by identity and issuer. Its public key is empty, and is left out
// of the metadata by [simulator.render].
func identityKey(identity, issuer string) *tuf.Key {
	key := &tuf.Key{Type: "sigstore-oidc", Scheme: "Fulcio"}
	key.Value.UnrecognizedFields = map[string]any{"identity": identity, "issuer": issuer}
	return key
}

// imitationRing holds identities whose "bundles" are signed by ed25519 keys: quick
// enough for thousands of histories. [imitation] verifies them.
func imitationRing() *ring {
	r := &ring{name: "imitation", sigstore: true}
	for i := range ringSize {
		key := identityKey(imitationName(i))
		_, sign := ed25519Key(i)
		r.keys = append(r.keys, &simKey{tuf: key, id: keyID(key), entry: func(p []byte) map[string]any {
			sig := base64.StdEncoding.EncodeToString(sign(p))
			return map[string]any{"sig": sig, "bundle": map[string]any{"messageSignature": map[string]any{"signature": sig}}}
		}})
	}
	return r
}

func imitationName(i int) (identity, issuer string) {
	return fmt.Sprintf("person-%d@people.example", i), "https://issuer.example/login"
}

// imitation stands in for a Sigstore verifier.
type imitation struct {
	keys map[[2]string]ed25519.PublicKey
}

func newImitation() *imitation {
	v := &imitation{keys: map[[2]string]ed25519.PublicKey{}}
	for i := range ringSize {
		identity, issuer := imitationName(i)
		v.keys[[2]string{identity, issuer}], _ = ed25519Key(i)
	}
	return v
}

// Verify implements metadata.Sigstore.
func (v *imitation) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	var b struct {
		MessageSignature struct {
			Signature []byte `json:"signature"`
		} `json:"messageSignature"`
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		return time.Time{}, err
	}
	key, ok := v.keys[[2]string{identity, issuer}]
	if !ok || !ed25519.Verify(key, message, b.MessageSignature.Signature) {
		return time.Time{}, errors.New("this identity did not sign this message")
	}
	return historyStart, nil
}

// rings makes the shared keys once.
var rings = sync.OnceValue(func() map[string]*ring {
	return map[string]*ring{"ordinary": ordinaryRing(), "imitation": imitationRing()}
})

func keyID(key *tuf.Key) string {
	id, err := key.ID()
	must(err)
	return id
}

// must stops a test whose simulator is broken: no client is at fault then.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("simulator: %v", err))
	}
}
