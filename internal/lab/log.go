package lab

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"
)

// Numbers of the lab's Rekor v1 shard. An entry's global index is its index in the shard plus what earlier shards held.
const (
	rekorTreeID    = 1193050959916656506
	rekorShardBase = 1000
)

// merkleTree is an append-only tree of RFC 6962. It starts with leaves of its own so that no proof is empty.
type merkleTree struct {
	mu sync.Mutex
	// levels[k][i] is the root over the leaves from i·2^k on, 2^k of them.
	levels [][][]byte
}

// inclusion is what a tree can show about one leaf.
type inclusion struct {
	index, size int64
	root        []byte
	path        [][]byte
}

func newMerkleTree() *merkleTree {
	t := &merkleTree{levels: [][][]byte{nil}}
	for _, seed := range []string{"first", "second", "third"} {
		t.grow([]byte(seed))
	}
	return t
}

// add appends a leaf and proves it.
func (t *merkleTree) add(body []byte) inclusion {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grow(body)
	return t.prove(len(t.levels[0]) - 1)
}

// at proves a leaf in the tree as it is now; its index must be one that add gave out.
func (t *merkleTree) at(index int64) inclusion {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.prove(int(index))
}

// latest proves the last leaf.
func (t *merkleTree) latest() inclusion {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.prove(len(t.levels[0]) - 1)
}

func (t *merkleTree) prove(m int) inclusion {
	n := len(t.levels[0])
	return inclusion{index: int64(m), size: int64(n), root: t.root(0, n), path: t.path(m, 0, n)}
}

// grow appends a leaf and every root that it completes.
func (t *merkleTree) grow(body []byte) {
	hash := rfc6962.DefaultHasher.HashLeaf(body)
	for k := 0; ; k++ {
		if k == len(t.levels) {
			t.levels = append(t.levels, nil)
		}
		t.levels[k] = append(t.levels[k], hash)
		n := len(t.levels[k])
		if n%2 == 1 {
			return
		}
		hash = rfc6962.DefaultHasher.HashChildren(t.levels[k][n-2], t.levels[k][n-1])
	}
}

// root is MTH of RFC 6962, section 2.1, over n leaves from start on.
func (t *merkleTree) root(start, n int) []byte {
	if k := bits.TrailingZeros(uint(n)); n == 1<<k { //nolint:gosec // n is a length
		return t.levels[k][start>>k]
	}
	k := split(n)
	return rfc6962.DefaultHasher.HashChildren(t.root(start, k), t.root(start+k, n-k))
}

// path is PATH of RFC 6962, section 2.1.1, for leaf m of n leaves from start on.
func (t *merkleTree) path(m, start, n int) [][]byte {
	if n == 1 {
		return nil
	}
	k := split(n)
	if m < k {
		return append(t.path(m, start, k), t.root(start+k, n-k))
	}
	return append(t.path(m-k, start+k, n-k), t.root(start, k))
}

// split returns the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// checkpoint signs a tree head as a C2SP signed note; name is what the signature line states.
func checkpoint(signer signature.Signer, name, origin string, in inclusion) (string, error) {
	ns, err := rekornote.NewNoteSigner(context.Background(), name, signer)
	if err != nil {
		return "", fmt.Errorf("make note signer: %w", err)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, in.size, base64.StdEncoding.EncodeToString(in.root))
	signed, err := note.Sign(&note.Note{Text: text}, ns)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(signed), nil
}

func proofOf(in inclusion, checkpoint string) *protorekor.InclusionProof {
	return &protorekor.InclusionProof{
		LogIndex:   in.index,
		TreeSize:   in.size,
		RootHash:   in.root,
		Hashes:     in.path,
		Checkpoint: &protorekor.Checkpoint{Envelope: checkpoint},
	}
}

// rekorV1 is a log that promises inclusion with a signed entry timestamp and dates its entries.
type rekorV1 struct {
	host string
	key  *ecdsa.PrivateKey
	id   [sha256.Size]byte
	tree *merkleTree
	// kept gets each entry, when somebody wants to ask for them.
	kept atomic.Pointer[entryStore]
}

func newRekorV1(host string) (*rekorV1, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	id, err := keyID(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &rekorV1{host: host, key: key, id: id, tree: newMerkleTree()}, nil
}

// setPayload is what a signed entry timestamp signs. Its fields stand in the order of RFC 8785, and their values need
// no escapes, so encoding/json writes the canonical form.
type setPayload struct {
	Body           string `json:"body"`
	IntegratedTime int64  `json:"integratedTime"`
	LogID          string `json:"logID"`
	LogIndex       int64  `json:"logIndex"`
}

// add logs an entry at a time. An origin other than "" takes the host's place in the checkpoint.
func (l *rekorV1) add(entry logEntry, at time.Time, origin string) (*protorekor.TransparencyLogEntry, error) {
	in := l.tree.add(entry.body)
	cp, err := l.checkpoint(in, origin)
	if err != nil {
		return nil, err
	}
	signer, err := signature.LoadECDSASigner(l.key, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("load log key: %w", err)
	}
	payload := setPayload{
		Body:           base64.StdEncoding.EncodeToString(entry.body),
		IntegratedTime: at.Unix(),
		LogID:          hex.EncodeToString(l.id[:]),
		LogIndex:       in.index + rekorShardBase,
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode entry timestamp: %w", err)
	}
	set, err := signer.SignMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("sign entry timestamp: %w", err)
	}
	tle := &protorekor.TransparencyLogEntry{
		LogIndex:          payload.LogIndex,
		LogId:             &protocommon.LogId{KeyId: l.id[:]},
		KindVersion:       &protorekor.KindVersion{Kind: entry.kind, Version: entry.version},
		IntegratedTime:    payload.IntegratedTime,
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: set},
		InclusionProof:    proofOf(in, cp),
		CanonicalizedBody: entry.body,
	}
	if kept := l.kept.Load(); kept != nil {
		kept.put(proto.Clone(tle).(*protorekor.TransparencyLogEntry)) // the lab may spoil what it has made
	}
	return tle, nil
}

// checkpoint signs a tree head. An origin other than "" takes the log's own place.
func (l *rekorV1) checkpoint(in inclusion, origin string) (string, error) {
	if origin == "" {
		origin = fmt.Sprintf("%s - %d", l.host, rekorTreeID)
	}
	signer, err := signature.LoadECDSASigner(l.key, crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("load log key: %w", err)
	}
	return checkpoint(signer, l.host, origin, in)
}

// rekorV2 is a log that only proves inclusion: its entries carry no time and no promise.
type rekorV2 struct {
	host string
	key  ed25519.PrivateKey
	id   []byte
	tree *merkleTree
}

func newRekorV2(host string) (*rekorV2, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	_, id, err := rekornote.KeyHash(host, pub)
	if err != nil {
		return nil, fmt.Errorf("derive log id: %w", err)
	}
	return &rekorV2{host: host, key: key, id: id, tree: newMerkleTree()}, nil
}

// add logs an entry. An origin other than "" takes the host's place in the checkpoint.
func (l *rekorV2) add(entry logEntry, origin string) (*protorekor.TransparencyLogEntry, error) {
	in := l.tree.add(entry.body)
	cp, err := l.checkpoint(in, origin)
	if err != nil {
		return nil, err
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex:          in.index,
		LogId:             &protocommon.LogId{KeyId: l.id},
		KindVersion:       &protorekor.KindVersion{Kind: entry.kind, Version: entry.version},
		InclusionProof:    proofOf(in, cp),
		CanonicalizedBody: entry.body,
	}, nil
}

// checkpoint signs a tree head. An origin other than "" takes the log's own place.
func (l *rekorV2) checkpoint(in inclusion, origin string) (string, error) {
	if origin == "" {
		origin = l.host
	}
	signer, err := signature.LoadED25519Signer(l.key)
	if err != nil {
		return "", fmt.Errorf("load log key: %w", err)
	}
	return checkpoint(signer, origin, origin, in)
}
