package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
)

const (
	minKey = 32
	maxKey = 1024
	// minDistinct is the number of different bytes in a key at least. Of 32 random bytes
	// fewer are the same byte twice than once in 10^14 keys.
	minDistinct = 16
	keyIDBytes  = 8
)

// ReadKeys reads the files of store keys, one key each: the first one writes, all read.
// A file holds at least 32 random bytes in hexadecimal or base64, as
// `openssl rand -base64 32` prints them. No error repeats what a file holds.
func ReadKeys(files []string) ([][]byte, error) {
	var keys [][]byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read store key: %w", err)
		}
		key, err := parseKey(b)
		if err != nil {
			return nil, fmt.Errorf("read store key %s: %w", file, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// parseKey decodes the content of a key file.
func parseKey(b []byte) ([]byte, error) {
	text := string(bytes.TrimSpace(b))
	key, err := hex.DecodeString(text)
	if err != nil {
		key, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, errors.New("wanted hexadecimal or base64; make one with `openssl rand -base64 32`")
	}
	return key, checkKey(key)
}

// checkKey refuses a key that nobody drew at random.
func checkKey(key []byte) error {
	if len(key) < minKey || len(key) > maxKey {
		return fmt.Errorf("wanted %d to %d random bytes, found %d; make a key with `openssl rand -base64 32`", minKey, maxKey, len(key))
	}
	seen := map[byte]bool{}
	for _, b := range key {
		seen[b] = true
	}
	if len(seen) < minDistinct {
		return fmt.Errorf("wanted random bytes, found only %d different ones among %d; make a key with `openssl rand -base64 32`", len(seen), len(key))
	}
	return nil
}

// storeKey is one key: from it come the keys of all entries, and the name by which an
// entry says which key it is under.
type storeKey struct {
	secret []byte
	id     [keyIDBytes]byte
}

func newStoreKey(key []byte) (storeKey, error) {
	if err := checkKey(key); err != nil {
		return storeKey{}, err
	}
	secret, err := hkdf.Key(sha256.New, key, nil, "assay store v1: entries", sha256.Size)
	if err != nil {
		return storeKey{}, err
	}
	id, err := hkdf.Key(sha256.New, key, nil, "assay store v1: name", keyIDBytes)
	if err != nil {
		return storeKey{}, err
	}
	return storeKey{secret: secret, id: [keyIDBytes]byte(id)}, nil
}

// cipher is that of one entry: its salt is drawn for it alone, so that the nonce can be
// the same for all.
func (k storeKey) cipher(salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.secret, "assay store v1: entry "+string(salt), sha256.Size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
