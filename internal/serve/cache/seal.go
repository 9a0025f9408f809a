package cache

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// A sealed entry is
//
//	format  8 bytes  "assay" and the version of the format, 0 0 1
//	kind    1 byte   what it holds
//	written 8 bytes  Unix milliseconds
//	until   8 bytes  the same, 0 for an entry that stays
//	key     8 bytes  which key it is under
//	salt   24 bytes  drawn for this entry
//	sealed           the value under AES-256-GCM, 16 bytes longer
//
// and what is sealed is bound to all that stands before it, to the store's namespace
// and to the entry's key.
const (
	format    = "assay\x00\x00\x01"
	saltBytes = 24
	header    = len(format) + 1 + 8 + 8 + keyIDBytes + saltBytes
	tagBytes  = 16
	// sealing is by how much an entry is longer than its value.
	sealing = int64(header + tagBytes)
)

// kind is what an entry holds.
type kind byte

const (
	kindValue kind = 'v'
	kindFloor kind = 'f'
)

// errForged is an entry that nobody who holds the keys put there like this.
var errForged = errors.New("it is not authentic: damaged, put there by a stranger, or under a key that is not given here")

// sealer makes and opens entries of one namespace.
type sealer struct {
	namespace string
	keys      []storeKey // the first one writes
}

// sealed is an entry that was opened.
type sealed struct {
	value          []byte
	written, until time.Time // until is zero for an entry that stays
	// old is true if the key is not the one that writes.
	old bool
}

func (s *sealer) seal(kind kind, key Key, value []byte, written, until time.Time) ([]byte, error) {
	by := s.keys[0]
	b := make([]byte, 0, sealing+int64(len(value)))
	b = append(b, format...)
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint64(b, uint64(written.UnixMilli()))
	var end int64
	if !until.IsZero() {
		end = until.UnixMilli()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(end))
	b = append(b, by.id[:]...)
	b = b[:header]
	salt := b[header-saltBytes:]
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	aead, err := by.cipher(salt)
	if err != nil {
		return nil, err
	}
	return aead.Seal(b, make([]byte, aead.NonceSize()), value, s.bound(b[:header], key)), nil
}

// open returns an authentic entry, whatever its age; else errForged.
func (s *sealer) open(kind kind, key Key, b []byte) (sealed, error) {
	if int64(len(b)) < sealing || string(b[:len(format)]) != format || b[len(format)] != byte(kind) {
		return sealed{}, errForged
	}
	head := b[:header]
	times := head[len(format)+1:]
	written, until := int64(binary.BigEndian.Uint64(times)), int64(binary.BigEndian.Uint64(times[8:]))
	id, salt := [keyIDBytes]byte(times[16:]), head[header-saltBytes:]
	for i, k := range s.keys {
		if k.id != id {
			continue
		}
		aead, err := k.cipher(salt)
		if err != nil {
			return sealed{}, err
		}
		value, err := aead.Open(nil, make([]byte, aead.NonceSize()), b[header:], s.bound(head, key))
		if err != nil {
			return sealed{}, errForged
		}
		e := sealed{value: value, written: time.UnixMilli(written), old: i > 0}
		if until != 0 {
			e.until = time.UnixMilli(until)
		}
		return e, nil
	}
	return sealed{}, errForged
}

// bound is what is authenticated beside the value. Each part has a known length.
func (s *sealer) bound(head []byte, key Key) []byte {
	b := make([]byte, 0, header+8+len(s.namespace)+len(key))
	b = append(b, head...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(s.namespace)))
	b = append(b, s.namespace...)
	return append(b, key[:]...)
}
