package lab

import (
	"encoding/hex"
	"fmt"
	"sync"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/transparency-dev/merkle/rfc6962"
)

// entryStore keeps log entries so that clients can ask for them, up to a number of bytes.
type entryStore struct {
	limit int

	mu      sync.Mutex
	bytes   int
	byLeaf  map[string]*protorekor.TransparencyLogEntry // by the hex of the leaf's hash
	byIndex map[int64]string
	// adding holds off a second entry of the same content between the look and the addition.
	adding sync.Mutex
}

func newEntryStore(limit int) *entryStore {
	return &entryStore{limit: limit, byLeaf: map[string]*protorekor.TransparencyLogEntry{}, byIndex: map[int64]string{}}
}

// leafOf names a body by the hash of its leaf (RFC 6962, section 2.1).
func leafOf(body []byte) string {
	return hex.EncodeToString(rfc6962.DefaultHasher.HashLeaf(body))
}

// put keeps an entry; when the store is full, it forgets it. Of two with the same content the first stays.
func (s *entryStore) put(tle *protorekor.TransparencyLogEntry) {
	body := tle.GetCanonicalizedBody()
	leaf := leafOf(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.byLeaf[leaf]; known || s.bytes+len(body) > s.limit {
		return
	}
	s.bytes += len(body)
	s.byLeaf[leaf] = tle
	s.byIndex[tle.GetLogIndex()] = leaf
}

// leaf finds an entry by its leaf's hash in hex.
func (s *entryStore) leaf(leaf string) (*protorekor.TransparencyLogEntry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tle, ok := s.byLeaf[leaf]
	return tle, ok
}

// index finds an entry by its index in the whole log.
func (s *entryStore) index(index int64) (*protorekor.TransparencyLogEntry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tle, ok := s.byLeaf[s.byIndex[index]]
	return tle, ok
}

// room says whether a body would still be kept.
func (s *entryStore) room(body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+len(body) > s.limit {
		return fmt.Errorf("log entry: the lab's log has taken its %d bytes; start a new lab", s.limit)
	}
	return nil
}
