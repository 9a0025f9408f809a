package registry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/releaseassay/assay/verify"
)

// NewTransport returns the transport that New uses by default. Whoever runs many
// verifications gives the same one to each, so that connections are used again.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dial,
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

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dialer(address).DialContext(ctx, network, address)
}

// dialer returns what connects to address. A name that counts as loopback must also
// resolve to it.
func dialer(address string) *net.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	d.Control = notMetadata
	if host, _, err := net.SplitHostPort(address); err == nil && loopback(host) {
		d.Control = onlyLoopback
	}
	return d
}

// notMetadata refuses, after DNS, the addresses at which machines and clouds keep
// their metadata and nobody keeps a registry.
func notMetadata(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || nowhere(to.Addr()) {
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("a connection to %s is refused: no registry is at such an address", address)}
	}
	return nil
}

func onlyLoopback(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("dial %s: it is not a loopback address, although its name says so", address)
	}
	return nil
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
