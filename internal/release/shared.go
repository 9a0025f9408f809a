package release

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/releaseassay/assay/tufclient"
)

const (
	// sharedLife is how long the answer of a repository serves other verifications: those
	// of one pod's images, and of one batch.
	sharedLife = 5 * time.Second
	// sharedBytes is the size of one answer at most, sharedAnswers how many there are.
	sharedBytes   = 1 << 20
	sharedAnswers = 128
)

// Shared lets verifications that follow each other closely share what they ask TUF
// repositories for: the same file is asked for once in five seconds. Every verification
// verifies it by itself, and a policy that demands that the repository is asked has it
// asked. It is safe for concurrent use.
type Shared struct {
	now func() time.Time

	mu      sync.Mutex
	answers map[sharedQuestion]sharedAnswer
}

// NewShared makes one with a clock.
func NewShared(now func() time.Time) *Shared {
	return &Shared{now: now, answers: map[sharedQuestion]sharedAnswer{}}
}

// sharedQuestion is a file, and what is had of it already.
type sharedQuestion struct {
	url       string
	validator tufclient.Validator
}

// sharedAnswer is a file, that it has not changed, or that it is not there.
type sharedAnswer struct {
	answer tufclient.Answer
	err    error
	at     time.Time
}

// get returns an answer that was just given.
func (s *Shared) get(q sharedQuestion, limit int64) (sharedAnswer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.answers[q]
	now := s.now()
	return a, ok && !now.Before(a.at) && now.Before(a.at.Add(sharedLife)) && int64(len(a.answer.Bytes)) <= limit
}

// put notes an answer. Of errors, only that a file is not there is one.
func (s *Shared) put(q sharedQuestion, a tufclient.Answer, err error) {
	var fetch *tufclient.FetchError
	if err != nil && (!errors.As(err, &fetch) || fetch.Kind != tufclient.NotFound) || len(a.Bytes) > sharedBytes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for known, old := range s.answers {
		if now.Before(old.at) || !now.Before(old.at.Add(sharedLife)) {
			delete(s.answers, known)
		}
	}
	if len(s.answers) < sharedAnswers {
		s.answers[q] = sharedAnswer{a, err, now}
	}
}

// sharing is a Fetcher that shares what it gets. Those who keep one copy of a repository
// wait for each other at its lock, so that the second finds what the first has got.
type sharing struct {
	shared *Shared
	inner  tufclient.Conditional
}

var _ tufclient.Conditional = sharing{}

// Fetch implements tufclient.Fetcher.
func (s sharing) Fetch(ctx context.Context, url string, limit int64) ([]byte, error) {
	a, err := s.FetchIf(ctx, url, limit, tufclient.Validator{})
	return a.Bytes, err
}

// FetchIf implements tufclient.Conditional.
func (s sharing) FetchIf(ctx context.Context, url string, limit int64, v tufclient.Validator) (tufclient.Answer, error) {
	q := sharedQuestion{url, v}
	if a, ok := s.shared.get(q, limit); ok {
		return a.answer, a.err
	}
	a, err := s.inner.FetchIf(ctx, url, limit, v)
	s.shared.put(q, a, err)
	if v == (tufclient.Validator{}) && err == nil && a.Validator != v {
		// Whoever has just got it asks next whether it has changed.
		s.shared.put(sharedQuestion{url, a.Validator}, tufclient.Answer{Validator: a.Validator, Unchanged: true}, nil)
	}
	return a, err
}
