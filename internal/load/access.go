package load

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/config"
	"github.com/releaseassay/assay/internal/credentials"
	"github.com/releaseassay/assay/internal/registry"
)

// AccessOptions says how registries, TUF repositories and GitHub are reached.
type AccessOptions struct {
	// Config is the path of config.yaml (docs/registries.md), "" for none.
	Config string
	// ConfigOptional lets that file be absent: nobody named it.
	ConfigOptional bool
	// Strict is for a server, which is sent places by strangers: addresses of this
	// machine and of private networks are refused, but for hosts that config.yaml has
	// with network: loopback or network: private.
	Strict bool
	// PlainHTTP allows plain HTTP to every registry.
	PlainHTTP bool
	// Getenv reads the environment: credentials, the token for GitHub.
	Getenv func(string) string
	// Version is assay's own, for the User-Agent; "" is "dev".
	Version string
	// Rate is how many requests a second each host is sent, Burst how many at once. A
	// Rate of 0 is no limit.
	Rate  float64
	Burst int
	// RememberLogins is for how long the server's own login for a repository is used again
	// without asking helpers anew, 0 for not at all.
	RememberLogins time.Duration
	// Resolver resolves names. Nil is the system's.
	Resolver *net.Resolver
	// GitHubAPI is asked in place of GitHub's own API, "" for none.
	GitHubAPI string
}

// Access is what many verifications reach the world through: one transport, with one
// rate for each host, and the server's own credentials. It is safe for concurrent use.
type Access struct {
	options   AccessOptions
	agent     string
	transport http.RoundTripper
	retiring  *retiring
	keychain  *credentials.Chain
	logins    *logins
	hosts     map[string]registry.Host
	files     []string
	token     string
	tokenHost string
}

// NewAccess reads the configuration. It opens no connection.
func NewAccess(o AccessOptions) (*Access, error) {
	settings, err := config.Load(o.Config, !o.ConfigOptional)
	if err != nil {
		return nil, err
	}
	network, err := networkOf(settings, o)
	if err != nil {
		return nil, err
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	a := &Access{options: o, agent: "assay/" + o.Version, hosts: hostsOf(settings), transport: network.Transport()}
	if o.Rate > 0 {
		a.transport = budget.NewRate(a.transport, o.Rate, o.Burst, budget.Clock{})
	}
	a.retiring = &retiring{next: a.transport}
	a.transport = a.retiring
	a.keychain = credentials.Keychain(credentials.Options{Logins: loginsOf(settings), Getenv: o.Getenv, Transport: a.transport})
	a.logins = &logins{from: a.keychain, life: o.RememberLogins, now: time.Now} //nolint:forbidigo // as budget.Clock{}
	a.token, a.tokenHost = gitHubToken(o.Getenv)
	for _, r := range settings.Registries {
		if r.CA != "" {
			a.files = append(a.files, r.CA)
		}
	}
	return a, nil
}

// Files are the paths of what was read once beside config.yaml: the CAs that it names. A
// password's file is read whenever it is needed.
func (a *Access) Files() []string { return a.files }

// Close closes the connections that no request uses, and each other one after its
// request. What runs goes on.
func (a *Access) Close() { a.retiring.retire() }

// Transport is what makes the connections, without a budget.
func (a *Access) Transport() http.RoundTripper { return a.transport }

// Registry says how to talk to registries within a budget, with the server's own
// credentials.
func (a *Access) Registry(b *budget.Budget) registry.Options {
	return registry.Options{
		Keychain: a.keychain, Transport: a.transport, PlainHTTP: a.options.PlainHTTP, Hosts: a.hosts, Budget: b, UserAgent: a.agent,
	}
}

// reaches are what network: means.
var reaches = map[string]registry.Reach{
	config.NetworkPrivate: registry.ReachPrivate, config.NetworkLoopback: registry.ReachLoopback,
}

// networkOf says how connections are made, and reads the CAs of all hosts.
func networkOf(settings config.Config, o AccessOptions) (registry.Network, error) {
	n := registry.Network{
		Roots: map[string]*x509.CertPool{}, Proxy: settings.Proxy, Strict: o.Strict, Reach: map[string]registry.Reach{}, Resolver: o.Resolver,
	}
	for _, r := range settings.Registries {
		n.Reach[r.Host] = reaches[r.Network]
		if r.CA == "" {
			continue
		}
		roots, err := r.Roots()
		if err != nil {
			return n, err
		}
		n.Roots[r.Host] = roots
	}
	return n, nil
}

func loginsOf(settings config.Config) map[string]credentials.Login {
	all := map[string]credentials.Login{}
	for _, r := range settings.Registries {
		if r.Anonymous || r.Username != "" {
			all[r.Host] = credentials.Login{Anonymous: r.Anonymous, Username: r.Username, Password: r.Password}
		}
	}
	return all
}

func hostsOf(settings config.Config) map[string]registry.Host {
	all := map[string]registry.Host{}
	for _, r := range settings.Registries {
		all[r.Host] = registry.Host{PlainHTTP: r.PlainHTTP, Mirrors: r.Mirrors}
	}
	return all
}

// gitHubToken returns the token for GitHub's API, if the environment has one, and
// the host that it is for: gh's own variables first, then those of Actions.
func gitHubToken(getenv func(string) string) (token, host string) {
	if u, err := url.Parse(getenv("GITHUB_SERVER_URL")); err == nil {
		host = u.Host
	}
	for _, name := range []string{"GH_TOKEN", "GITHUB_TOKEN"} {
		if token := getenv(name); token != "" {
			return token, host
		}
	}
	return getenv("GH_ENTERPRISE_TOKEN"), host
}
