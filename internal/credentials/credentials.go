// Package credentials finds what to log in to a registry with. [Keychain] asks, in
// this order: the entries of assay's own configuration, docker's (or podman's)
// config file with its credential helpers, GITHUB_TOKEN for ghcr.io, and for the
// registries of Google, AWS and Azure what their own tools are logged in with. The
// first that has something wins; if none has, access is anonymous.
//
// A keychain is asked for no host but its own, and what fails is an error, never
// anonymous access: a private image must not look absent because a helper broke.
// No error carries a secret, nor what a helper printed.
package credentials

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Login is what assay's configuration says of one registry.
type Login struct {
	// Anonymous is to send nothing, whatever other keychains have.
	Anonymous bool
	Username  string
	// Password reads the password. It is called when the registry is talked to.
	Password func() (string, error)
}

// Options says where credentials come from. The zero value leaves out the
// configuration and is otherwise complete.
type Options struct {
	// Logins are by host, with the port if it is not 443: "index.docker.io".
	Logins map[string]Login
	// Getenv reads the environment. Nil is os.Getenv. (Docker's and the clouds'
	// own code reads the process's environment in any case.)
	Getenv func(string) string
	// Transport is how Google's token servers are reached. Nil is net/http's default.
	Transport http.RoundTripper
}

// Error is a keychain that has something for a host, or should have, but failed.
type Error struct {
	// Origin is the keychain, for people, and Host the registry.
	Origin, Host string
	Err          error
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%s has no answer for %s: %v", e.Origin, e.Host, e.Err)
}

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Chain is a keychain made of keychains. It is safe for concurrent use and
// remembers nothing: a token that was renewed outside is used the next time.
type Chain struct {
	sources []source
}

var (
	_ authn.Keychain        = (*Chain)(nil)
	_ authn.ContextKeychain = (*Chain)(nil)
)

// source is one keychain and the hosts for which it is asked. It returns
// authn.Anonymous if it has nothing.
type source struct {
	origin string
	serves func(host string) bool
	ask    func(ctx context.Context, target authn.Resource) (authn.Authenticator, error)
}

// Keychain returns all keychains in their order.
func Keychain(o Options) *Chain {
	if o.Getenv == nil {
		o.Getenv = os.Getenv //nolint:forbidigo // the default of an injected one
	}
	own := make(static, len(o.Logins))
	for host, login := range o.Logins {
		own[canonical(host)] = login
	}
	return &Chain{sources: []source{
		{"assay's configuration", own.has, own.ask},
		{"docker's config", anyHost, newDocker().ask},
		{"the GITHUB_TOKEN or GH_TOKEN of the environment", isGitHub, github{o.Getenv}.ask},
		{"Google's default login", isGoogle, google{o.Getenv, o.Transport}.ask},
		{helperECR, isECR, helper(helperECR).ask},
		{helperACR, isACR, helper(helperACR).ask},
	}}
}

// Resolve implements authn.Keychain.
func (c *Chain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return c.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain. Its error is an *Error.
func (c *Chain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	auth, _, err := c.resolve(ctx, target)
	return auth, err
}

// Origin says which keychain has the credential for a registry, in words for
// people, or "" if access is anonymous. It asks as ResolveContext does.
func (c *Chain) Origin(ctx context.Context, host string) (string, error) {
	registry, err := name.NewRegistry(host)
	if err != nil {
		return "", err
	}
	_, origin, err := c.resolve(ctx, registry)
	return origin, err
}

func (c *Chain) resolve(ctx context.Context, target authn.Resource) (authn.Authenticator, string, error) {
	host := target.RegistryStr()
	for _, s := range c.sources {
		if !s.serves(canonical(host)) {
			continue
		}
		auth, err := s.ask(ctx, target)
		if err != nil {
			return nil, "", &Error{Origin: s.origin, Host: host, Err: err}
		}
		if auth == nobody {
			return authn.Anonymous, "", nil
		}
		if auth != authn.Anonymous {
			return auth, s.origin, nil
		}
	}
	return authn.Anonymous, "", nil
}

// nobody is the answer of a login that is anonymous on purpose.
var nobody authn.Authenticator = &authn.Basic{}

// static are the logins of the configuration.
type static map[string]Login

func (s static) has(host string) bool {
	_, ok := s[host]
	return ok
}

func (s static) ask(_ context.Context, target authn.Resource) (authn.Authenticator, error) {
	login := s[canonical(target.RegistryStr())]
	switch {
	case login.Anonymous:
		return nobody, nil
	case login.Username == "" || login.Password == nil:
		return authn.Anonymous, nil
	}
	password, err := login.Password()
	if err != nil {
		return nil, err
	}
	return &authn.Basic{Username: login.Username, Password: password}, nil
}
