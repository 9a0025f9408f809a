package load

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// helper is a keychain that counts how often it is asked.
type helper struct {
	mu    sync.Mutex
	asked int
	give  func(ctx context.Context, n int) (authn.Authenticator, error)
}

func (h *helper) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return h.ResolveContext(context.Background(), target)
}

func (h *helper) ResolveContext(ctx context.Context, _ authn.Resource) (authn.Authenticator, error) {
	h.mu.Lock()
	h.asked++
	n := h.asked
	h.mu.Unlock()
	return h.give(ctx, n)
}

func (h *helper) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// TestLogins asks a helper once for all who want its login at once and for a moment after,
// and again after an error, where there was nothing, and for another repository.
func TestLogins(t *testing.T) {
	repo, err := name.NewRepository("registry.example/a/b")
	if err != nil {
		t.Fatal(err)
	}
	other, err := name.NewRepository("registry.example/a/c")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	login := authn.FromConfig(authn.AuthConfig{Username: "u", Password: "p"})
	h := &helper{give: func(context.Context, int) (authn.Authenticator, error) { return login, nil }}
	l := &logins{from: h, life: 30 * time.Second, now: func() time.Time { return now }}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			auth, err := l.ResolveContext(t.Context(), repo)
			if err != nil {
				t.Error(err)
				return
			}
			if config, err := auth.Authorization(); err != nil || config.Password != "p" {
				t.Errorf("%+v, %v", config, err)
			}
		})
	}
	all.Wait()
	wants := func(asked int, target authn.Resource) {
		t.Helper()
		_, _ = l.ResolveContext(t.Context(), target)
		if h.count() != asked {
			t.Errorf("asked %d times, wanted %d", h.count(), asked)
		}
	}
	wants(1, repo)
	wants(2, other)
	now = now.Add(30 * time.Second)
	wants(3, repo)
	now = now.Add(-time.Second) // a clock that is set back
	wants(4, repo)
	for _, nothing := range []func(context.Context, int) (authn.Authenticator, error){
		func(context.Context, int) (authn.Authenticator, error) { return nil, errors.New("no") },
		func(context.Context, int) (authn.Authenticator, error) { return authn.Anonymous, nil },
		func(context.Context, int) (authn.Authenticator, error) { panic("no") },
	} {
		now = now.Add(time.Hour)
		h.give = nothing
		before := h.count()
		wants(before+1, repo)
		wants(before+2, repo)
	}
	if auth, err := l.ResolveContext(t.Context(), repo); auth != nil || err == nil {
		t.Errorf("a panic gave %v, %v", auth, err)
	}
}

// TestLoginsOfAHelperThatHangs are asked for once in a minute, and wait no longer than
// whoever asks.
func TestLoginsOfAHelperThatHangs(t *testing.T) {
	repo, err := name.NewRepository("registry.example/a/b")
	if err != nil {
		t.Fatal(err)
	}
	goOn := make(chan struct{})
	h := &helper{give: func(context.Context, int) (authn.Authenticator, error) { <-goOn; return authn.Anonymous, nil }}
	now := time.Unix(1_800_000_000, 0)
	l := &logins{from: h, life: time.Second, now: func() time.Time { return now }}
	left := errors.New("left")
	ask := func() {
		t.Helper()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(left)
		if _, err := l.ResolveContext(ctx, repo); !errors.Is(err, left) {
			t.Errorf("got %v", err)
		}
	}
	for range 10 {
		ask()
	}
	now = now.Add(askTime)
	ask()
	close(goOn)
	if _, err := l.ResolveContext(t.Context(), repo); err != nil || h.count() > 3 {
		t.Errorf("asked %d times; %v", h.count(), err)
	}
}
