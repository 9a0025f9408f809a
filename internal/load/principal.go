package load

import (
	"context"
	"maps"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/verify"
)

// Principal is as whom a registry was asked. Its zero value is nobody.
type Principal uint8

// The principals, the one that knows most last.
const (
	Nobody Principal = iota
	Server
	Tenant
)

// String returns the principal as logs write it.
func (p Principal) String() string {
	switch p {
	case Server:
		return "server"
	case Tenant:
		return "tenant"
	}
	return "nobody"
}

// used notes as whom repositories were asked.
type used struct {
	mu sync.Mutex
	by map[string]Principal
}

func (u *used) note(repository string, as Principal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by == nil {
		u.by = map[string]Principal{}
	}
	u.by[repository] = max(u.by[repository], as)
}

func (u *used) all() map[string]Principal {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.by)
}

// attestations are GitHub's, asked with the server's token if it has one.
type attestations struct {
	from  places.Attestations
	used  *used
	token bool
}

// Collect implements places.Attestations.
func (a *attestations) Collect(ctx context.Context, repository, digest string) verify.Evidence {
	as := Nobody
	if a.token {
		as = Server
	}
	a.used.note(repository, as)
	return a.from.Collect(ctx, repository, digest)
}

// keychain asks the tenant's keychain first and then the server's, and notes who had
// something.
type keychain struct {
	tenant authn.Keychain
	own    authn.ContextKeychain
	used   *used
}

var (
	_ authn.Keychain        = (*keychain)(nil)
	_ authn.ContextKeychain = (*keychain)(nil)
)

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain. A keychain that fails is noted too:
// its error may be in the verdict.
func (k *keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	auth, as, err := k.resolve(ctx, target)
	k.used.note(target.String(), as)
	return auth, err
}

// resolve says whose credentials a registry gets. Those of a tenant that are empty are
// none.
func (k *keychain) resolve(ctx context.Context, target authn.Resource) (authn.Authenticator, Principal, error) {
	if k.tenant != nil {
		auth, err := authn.Resolve(ctx, k.tenant, target)
		if err != nil {
			return nil, Tenant, err
		}
		if !empty(ctx, auth) {
			return auth, Tenant, nil
		}
	}
	auth, err := k.own.ResolveContext(ctx, target)
	if err != nil || auth != authn.Anonymous {
		return auth, Server, err
	}
	return auth, Nobody, nil
}

func empty(ctx context.Context, auth authn.Authenticator) bool {
	if auth == nil || auth == authn.Anonymous {
		return true
	}
	c, err := authn.Authorization(ctx, auth)
	return err == nil && c != nil && *c == (authn.AuthConfig{})
}
