package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

const (
	// askTime is how long the server's own keychains may take; what has not answered by
	// then is asked anew.
	askTime = time.Minute
	// maxLogins is how many repositories a login is remembered for.
	maxLogins = 1024
)

// logins remembers for a moment what a keychain has for a repository, so that a server
// does not run a credential helper for every verification, and asks once however many
// want it. What failed, and that there is nothing, is not remembered. It is safe for
// concurrent use.
type logins struct {
	from authn.ContextKeychain
	life time.Duration
	now  func() time.Time

	mu  sync.Mutex
	all map[string]*asked
}

// asked is one question to the keychain. auth and err may be read once done is closed.
type asked struct {
	done  chan struct{}
	auth  authn.Authenticator
	err   error
	began time.Time
	ended time.Time
}

// Resolve implements authn.Keychain.
func (l *logins) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return l.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain.
func (l *logins) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	if l.life <= 0 {
		return l.from.ResolveContext(ctx, target)
	}
	one := l.ask(ctx, target)
	select {
	case <-one.done:
		return one.auth, one.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ask is a question that was asked, or is now. It outlives whoever asked first.
func (l *logins) ask(ctx context.Context, target authn.Resource) *asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if one := l.all[target.String()]; one != nil && one.serves(now, l.life) {
		return one
	}
	if l.all == nil || len(l.all) >= maxLogins {
		l.all = map[string]*asked{}
	}
	one := &asked{done: make(chan struct{}), began: now}
	l.all[target.String()] = one
	go func() {
		defer close(one.done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
		defer cancel()
		one.auth, one.err = resolved(ctx, l.from, target)
		one.ended = l.now()
	}()
	return one
}

// serves reports whether an answer is good for whoever asks now.
func (a *asked) serves(now time.Time, life time.Duration) bool {
	select {
	case <-a.done:
		return a.err == nil && a.auth != authn.Anonymous && !now.Before(a.ended) && now.Before(a.ended.Add(life))
	default:
		return !now.Before(a.began) && now.Before(a.began.Add(askTime))
	}
}

// resolved is what a keychain has, read out: some of it is otherwise asked for later, by
// a context that has ended.
func resolved(ctx context.Context, from authn.ContextKeychain, target authn.Resource) (auth authn.Authenticator, err error) {
	defer func() {
		if p := recover(); p != nil {
			auth, err = nil, errors.New("asking for the server's own login ended in a panic")
		}
	}()
	auth, err = from.ResolveContext(ctx, target)
	if err != nil || auth == authn.Anonymous {
		return auth, err
	}
	config, err := authn.Authorization(ctx, auth)
	if err != nil {
		return nil, fmt.Errorf("read the login for %s: %w", target.RegistryStr(), err)
	}
	return authn.FromConfig(*config), nil
}
