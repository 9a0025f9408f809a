package metadata_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// holder is the holder of an Ed25519 key.
func holder(s signer) string {
	public, _ := hex.DecodeString(s.key["keyval"].(object)["public"].(string))
	der, _ := x509.MarshalPKIXPublicKey(ed25519.PublicKey(public))
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func decode(t testing.TB, b []byte) object {
	t.Helper()
	var tree object
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	return tree
}
