package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

// scheme is a kind of key that the specification names (4.2).
type scheme struct{ keytype, name string }

var (
	ecdsaKey   = scheme{"ecdsa", "ecdsa-sha2-nistp256"}
	ed25519Key = scheme{"ed25519", "ed25519"}
	rsaKey     = scheme{"rsa", "rsassa-pss-sha256"}
)

// signer is a private key and what metadata says of its public key.
type signer struct {
	id   string
	key  object
	sign func(message []byte) []byte
}

func newSigner(t *testing.T, s scheme) *signer {
	t.Helper()
	var private crypto.Signer
	var err error
	public := ""
	switch s {
	case ed25519Key:
		_, private, err = newEd25519()
	case rsaKey:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := private.Public().(ed25519.PublicKey); ok {
		public = hex.EncodeToString(key)
	} else {
		der, err := x509.MarshalPKIXPublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	out := &signer{
		key: object{"keytype": s.keytype, "scheme": s.name, "keyval": object{"public": public}},
		sign: func(message []byte) []byte {
			sig, err := signWith(private, message)
			if err != nil {
				t.Fatal(err)
			}
			return sig
		},
	}
	out.id = keyID(t, out.key)
	return out
}

func newEd25519() (ed25519.PublicKey, crypto.Signer, error) {
	return ed25519.GenerateKey(rand.Reader)
}

func signWith(private crypto.Signer, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	switch private.(type) {
	case ed25519.PrivateKey:
		return private.Sign(rand.Reader, message, crypto.Hash(0))
	case *rsa.PrivateKey:
		return private.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	return private.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// with is the same key with more members, under the id that this makes.
func (s *signer) with(t *testing.T, more object) *signer {
	t.Helper()
	key := maps.Clone(s.key)
	maps.Copy(key, more)
	return &signer{id: keyID(t, key), key: key, sign: s.sign}
}

func keyID(t *testing.T, key object) string {
	t.Helper()
	b, err := cjson.EncodeCanonical(key)
	if err != nil {
		t.Fatal(err)
	}
	return sum("sha256", b)
}
