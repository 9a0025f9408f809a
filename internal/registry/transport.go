package registry

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// NewTransport returns the transport that New uses by default. Whoever runs many
// verifications gives the same one to each, so that connections are used again.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            direct{}.DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  20 * time.Second,
		IdleConnTimeout:        60 * time.Second,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    2 * lane,
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}

// proxy is the environment's, except that what is plain HTTP because it is loopback
// must not leave the machine, and that no proxy is sent where we would not go.
func proxy(req *http.Request) (*url.URL, error) {
	return choosing(req, http.ProxyFromEnvironment)
}

func choosing(req *http.Request, choose func(*http.Request) (*url.URL, error)) (*url.URL, error) {
	host := req.URL.Hostname()
	switch {
	case loopback(host):
		return nil, nil
	case forbidden(host):
		return nil, &refusal{verify.RegistryInsecure, fmt.Sprintf("a request to %s is refused: no registry is at such an address", printable(req.URL.Host))}
	}
	return choose(req)
}

// loopback reports whether host, without port, is this machine by its name.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
