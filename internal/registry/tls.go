package registry

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
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
}

// Transport returns what makes the connections. Whoever runs many verifications
// gives the same one to each, so that connections are used again.
func (n Network) Transport() http.RoundTripper {
	shared := NewTransport()
	shared.Proxy = n.proxy()
	if len(n.Roots) == 0 {
		return shared
	}
	t := &perHost{others: shared, own: make(map[string]*http.Transport, len(n.Roots))}
	for host, roots := range n.Roots {
		own := shared.Clone()
		own.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		own.Proxy = withoutTLS(shared.Proxy)
		t.own[canonicalHost(host)] = own
	}
	return t
}

// proxy chooses the proxy of a request.
func (n Network) proxy() func(*http.Request) (*url.URL, error) {
	if n.Proxy == nil {
		return proxy
	}
	config := httpproxy.FromEnvironment()
	config.HTTPProxy, config.HTTPSProxy = n.Proxy.String(), n.Proxy.String()
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

// perHost gives hosts with a CA of their own a transport of their own, so that no
// connection is shared either.
type perHost struct {
	others *http.Transport
	own    map[string]*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (p *perHost) RoundTrip(req *http.Request) (*http.Response, error) {
	if own, ok := p.own[canonicalHost(req.URL.Host)]; ok {
		return own.RoundTrip(req)
	}
	return p.others.RoundTrip(req)
}

// CloseIdleConnections closes what no request uses.
func (p *perHost) CloseIdleConnections() {
	p.others.CloseIdleConnections()
	for _, own := range p.own {
		own.CloseIdleConnections()
	}
}
