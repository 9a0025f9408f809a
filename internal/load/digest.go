package load

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
)

// digest is "sha256:<hex>" over files. Every part is preceded by its length, so that no
// two lists of files give one digest; where they lie on this machine is no part of it.
func digest(lists ...[]File) string {
	h := sha256.New()
	part := func(b []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		_, _ = h.Write(length[:]) // a hash takes everything
		_, _ = h.Write(b)
	}
	_, _ = io.WriteString(h, "assay: a policy and what it rests on\x00")
	for _, files := range lists {
		for _, f := range files {
			part([]byte(f.Kind))
			part([]byte(f.Name))
			part(f.Bytes)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
