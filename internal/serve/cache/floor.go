package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
)

const (
	// maxFloor is the size of one floor in bytes: any snapshot of 2 MiB fits.
	maxFloor = 8 << 20
	// maxRaces is how often a floor is merged anew because another replica was faster.
	maxRaces = 16
	// maxFloors bounds the floors that are remembered: a policy names a few.
	maxFloors = 1024
)

// Floors are the floors of TUF repositories that replicas share: sealed as verdicts
// are, merged in one step, and without an end. What this process has seen does not fall
// whatever becomes of the store: it is put there again. Floors is safe for concurrent use.
type Floors struct {
	store *Redis

	mu   sync.Mutex
	seen map[Key]metadata.Floor // of each repository that was asked for, zero for none yet
}

// NewFloors keeps floors in a store, for release.Options. Those of the named
// repositories (release.Identity) are read by [Floors.Ready] from the beginning, others once they were asked for.
func NewFloors(store *Redis, repositories ...[sha256.Size]byte) *Floors {
	f := &Floors{store: store, seen: map[Key]metadata.Floor{}}
	for _, repository := range repositories {
		f.remember(repository, metadata.Floor{})
	}
	return f
}

// Raise merges a floor into the one that is kept of a repository, by [tufclient.Newest]
// and in one step, and returns what is kept then: a zero floor only reads. It waits a
// second at most.
//
// A floor that is there and not authentic is an error for a replica that knows none, as
// for one whose store keys are not those of the others; one that knows a floor puts it in
// its place.
func (f *Floors) Raise(ctx context.Context, repository [sha256.Size]byte, floor metadata.Floor) (metadata.Floor, error) {
	ctx, cancel := context.WithTimeout(ctx, floorPatience)
	defer cancel()
	floor = tufclient.Newest(f.remember(repository, metadata.Floor{}), floor)
	var err error
	for range maxRaces {
		var kept metadata.Floor
		err = f.store.client.Watch(ctx, func(tx *redis.Tx) (err error) {
			kept, err = f.merge(ctx, tx, repository, floor)
			return err
		}, f.store.name(kindFloor, repository))
		if err == nil {
			f.remember(repository, kept)
			return kept, nil
		}
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	return metadata.Floor{}, f.unread(repository, err)
}

// merge writes what a floor makes of the one that is kept, and returns it. It fails with
// redis.TxFailedErr where another replica wrote in between.
func (f *Floors) merge(ctx context.Context, tx *redis.Tx, repository Key, floor metadata.Floor) (metadata.Floor, error) {
	name := f.store.name(kindFloor, repository)
	kept, old, err := f.open(repository, tx.GetRange(ctx, name, 0, sealing+maxFloor))
	forged := errors.Is(err, errForged)
	if err != nil && (!forged || floor.IsZero()) {
		return metadata.Floor{}, err
	}
	merged := tufclient.Newest(kept, floor)
	if !forged && !old && same(merged, kept) {
		return kept, nil
	}
	value, err := json.Marshal(merged)
	if err != nil {
		return metadata.Floor{}, err
	}
	if len(value) > maxFloor {
		return metadata.Floor{}, fmt.Errorf("it has %d bytes, and at most %d are kept", len(value), maxFloor)
	}
	b, err := f.store.sealer.seal(kindFloor, repository, value, f.store.clock.read().wall, time.Time{})
	if err != nil {
		return metadata.Floor{}, err
	}
	_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, name, b, 0).Err() })
	return merged, err
}

// open reads the floor that a request found, zero for none. old says that it is under a
// key that is about to go.
func (f *Floors) open(repository Key, found *redis.StringCmd) (floor metadata.Floor, old bool, err error) {
	b, err := found.Bytes()
	switch {
	case isWrongType(err):
		err = errForged
	case err == nil && len(b) == 0:
		f.store.count("floor", "miss")
		return metadata.Floor{}, false, nil
	}
	if err == nil {
		var e sealed
		if e, err = f.store.sealer.open(kindFloor, repository, b); err == nil {
			old, err = e.old, json.Unmarshal(e.value, &floor)
		}
	}
	switch {
	case errors.Is(err, errForged):
		f.store.count("floor", "forged")
		f.store.log.Warn("a TUF floor in the store is not authentic", "key", f.store.name(kindFloor, repository))
		return metadata.Floor{}, false, err
	case err != nil:
		f.store.count("floor", "error")
		return metadata.Floor{}, false, err
	}
	if known := f.remember(repository, metadata.Floor{}); !same(tufclient.Newest(floor, known), floor) {
		// An older one was put back, or the store has lost the newest.
		f.store.count("floor", "stale")
		f.store.log.Warn("a TUF floor in the store is lower than it was", "key", f.store.name(kindFloor, repository))
		return floor, old, nil
	}
	f.store.count("floor", "hit")
	return floor, old, nil
}

// remember merges a floor into what this process has seen of a repository, and returns it.
func (f *Floors) remember(repository Key, floor metadata.Floor) metadata.Floor {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, there := f.seen[repository]
	if !there && len(f.seen) >= maxFloors {
		return tufclient.Newest(metadata.Floor{}, floor)
	}
	f.seen[repository] = tufclient.Newest(known, floor)
	return f.seen[repository]
}

// Ready reports why a floor cannot be read now, nil if each can.
func (f *Floors) Ready(ctx context.Context) error {
	if err := f.store.Ready(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, floorPatience)
	defer cancel()
	f.mu.Lock()
	known := map[Key]bool{}
	for repository, floor := range f.seen {
		known[repository] = !floor.IsZero()
	}
	f.mu.Unlock()
	for repository, known := range known {
		_, _, err := f.open(repository, f.store.client.GetRange(ctx, f.store.name(kindFloor, repository), 0, sealing+maxFloor))
		if err != nil && (!known || !errors.Is(err, errForged)) {
			return f.unread(repository, err)
		}
	}
	return nil
}

// unread says which floor cannot be used, and what to do.
func (f *Floors) unread(repository Key, err error) error {
	if errors.Is(err, errForged) {
		return fmt.Errorf("use the shared TUF floor %s: %w; give every replica the same store keys, or find out who writes there and take the entry away", f.store.name(kindFloor, repository), err)
	}
	return fmt.Errorf("use the shared TUF floor %s: %w", f.store.name(kindFloor, repository), plain(err))
}

// same compares floors as they are written.
func same(a, b metadata.Floor) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
