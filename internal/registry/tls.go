package registry

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// Network is how connections are made. The zero value trusts the system's CAs and
// uses the environment's proxy.
type Network struct {
	// Roots are the CAs of single hosts, by host with the port if it is not 443.
	// They alone vouch for their host, and for no other.
	Roots map[string]*x509.CertPool
	// Proxy takes the place of HTTP_PROXY and HTTPS_PROXY. NO_PROXY holds all the
	// same, and nothing to loopback goes through a proxy.
	Proxy *url.URL
	// Strict is for a server, which is sent places by strangers: it refuses, after DNS,
	// addresses of this machine and of private networks. What a proxy is asked for is
	// known to it by name alone, and where that leads is the proxy's to check.
	Strict bool
	// Reach is said of single hosts, written as in Roots.
	Reach map[string]Reach
	// Resolver resolves names. Nil is the system's.
	Resolver *net.Resolver
}

// Transport returns what makes the connections. Whoever runs many verifications
// gives the same one to each, so that connections are used again.
func (n Network) Transport() http.RoundTripper {
	choose := n.proxy()
	t := &routes{others: newRoute(NewTransport(), choose, n.direct(ReachPublic)), own: map[string]*route{}}
	for host, roots := range n.Roots {
		own := NewTransport()
		own.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		t.own[canonicalHost(host)] = newRoute(own, withoutTLS(choose), n.direct(ReachPublic))
	}
	for host, reach := range n.Reach {
		host = canonicalHost(host)
		if reach == ReachPublic {
			continue
		}
		near := NewTransport()
		if known, ok := t.own[host]; ok {
			near = known.straight
		}
		t.own[host] = newRoute(near, noProxy, n.direct(reach))
	}
	return t
}

func (n Network) direct(reach Reach) direct {
	return direct{strict: n.Strict, reach: reach, resolver: n.Resolver}
}

// proxy chooses the proxy of a request. The environment is that of now, which
// http.ProxyFromEnvironment would read once for the whole process.
func (n Network) proxy() func(*http.Request) (*url.URL, error) {
	config := httpproxy.FromEnvironment()
	if n.Proxy != nil {
		config.HTTPProxy, config.HTTPSProxy = n.Proxy.String(), n.Proxy.String()
	}
	choose := config.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) {
		return choosing(req, func(req *http.Request) (*url.URL, error) { return choose(req.URL) })
	}
}

// withoutTLS refuses a proxy that speaks TLS itself, since net/http would let the CA
// of the registry vouch for the proxy too.
func withoutTLS(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		through, err := choose(req)
		if through != nil && through.Scheme == "https" {
			return nil, fmt.Errorf("%s has a CA of its own and cannot be reached through a proxy that speaks TLS; wanted a proxy with http://", req.URL.Host)
		}
		return through, err
	}
}

// routes gives hosts of which something is said a route of their own, so that no
// connection is shared either.
type routes struct {
	others *route
	own    map[string]*route
}

// RoundTrip implements http.RoundTripper.
func (r *routes) RoundTrip(req *http.Request) (*http.Response, error) {
	if own, ok := r.own[canonicalHost(req.URL.Host)]; ok {
		return own.RoundTrip(req)
	}
	return r.others.RoundTrip(req)
}

// CloseIdleConnections closes what no request uses.
func (r *routes) CloseIdleConnections() {
	r.others.closeIdle()
	for _, own := range r.own {
		own.closeIdle()
	}
}
