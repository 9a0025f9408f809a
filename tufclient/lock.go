package tufclient

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// lockFile waits until no other process, and nobody else in this one, holds the lock, or
// until the context ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	type result struct {
		file *lockedfile.File
		err  error
	}
	locked := make(chan result, 1)
	go func() {
		f, err := lockedfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		locked <- result{f, err}
	}()
	select {
	case r := <-locked:
		if r.err != nil {
			return nil, r.err
		}
		return func() { _ = r.file.Close() }, nil
	case <-ctx.Done():
		go func() { // whoever holds it lets go of it some day, and then it must not stay ours
			if r := <-locked; r.err == nil {
				_ = r.file.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

// lock keeps other processes out, as long as anything can be kept. Its error is of the
// context alone.
func (s *store) lock(ctx context.Context) (unlock func(), err error) {
	var held []func()
	release := func() {
		for i := len(held) - 1; i >= 0; i-- {
			held[i]()
		}
	}
	for _, path := range s.locks() {
		err := mkdirs(s.disk, filepath.Dir(path))
		if err == nil {
			var unlock func()
			if unlock, err = lockFile(ctx, path); err == nil {
				held = append(held, unlock)
				continue
			}
		}
		if ctx.Err() != nil {
			release()
			return nil, context.Cause(ctx)
		}
		s.mu.Lock()
		if !s.carried() || path == s.floor+".lock" {
			s.shutFloor(err)
		}
		s.fail(err)
		s.shut = true
		s.mu.Unlock()
	}
	return release, nil
}

// locks are the files to lock, always in this order.
func (s *store) locks() []string {
	var all []string
	if s.dir != "" {
		all = append(all, filepath.Join(s.dir, "lock"))
	}
	if s.carried() {
		all = append(all, s.floor+".lock")
	}
	return all
}

// carried reports whether the floor lies elsewhere than the metadata.
func (s *store) carried() bool {
	return s.floor != "" && (s.dir == "" || s.floor != filepath.Join(s.dir, "floor"))
}

// brief is how long something that has no context waits for the lock.
const brief = 10 * time.Second

// lockBriefly is lock where there is no context; false is a lock that was not had.
func (s *store) lockBriefly() (unlock func(), ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	unlock, err := s.lock(ctx)
	if err != nil {
		return func() {}, false
	}
	return unlock, true
}
