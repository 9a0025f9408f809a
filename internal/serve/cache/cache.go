// Package cache remembers: in memory, bounded, and in a store that replicas share,
// where every entry is authenticated with a key that only they hold. What a store
// cannot give costs time and nothing else.
package cache

import (
	"context"
	"time"
)

// Key names an entry. It is a hash over everything that the entry depends on.
type Key [32]byte

// Store keeps bytes for replicas together. Its methods do not fail: what cannot be
// had is not there, what cannot be kept is not kept, and either is counted.
type Store interface {
	// Get returns an entry that this or another replica put there under this very key,
	// and that has not outlived its time.
	Get(ctx context.Context, key Key) (value []byte, ok bool)
	// Set keeps an entry until the given moment at most.
	Set(ctx context.Context, key Key, value []byte, until time.Time)
	// Ready reports why the store cannot be used now, nil if it can.
	Ready(ctx context.Context) error
}
