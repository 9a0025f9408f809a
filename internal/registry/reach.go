package registry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/releaseassay/assay/verify"
)

// Reach is which addresses a host may have that [Network] is told of. Link-local
// addresses and those of clouds' metadata are never among them.
type Reach uint8

// The reaches. Whatever is not public is connected to directly, never through a proxy.
const (
	// ReachPublic is the reach of hosts that nothing is said of: any address, or, where
	// the Network is strict, any that is globally reachable.
	ReachPublic Reach = iota
	// ReachPrivate allows those of private networks too, but not this machine.
	ReachPrivate
	// ReachLoopback allows this machine alone.
	ReachLoopback
)

// direct connects to hosts of one reach, and looks at each address that DNS gives.
type direct struct {
	strict   bool
	reach    Reach
	resolver *net.Resolver
}

// DialContext connects to address, HOST:PORT.
func (d direct) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: d.resolver}
	dialer.Control = func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return notThere(resolved)
		}
		return d.allows(host, to.Addr())
	}
	return dialer.DialContext(ctx, network, address)
}

// allows says why no connection is made to an address of a host, nil if one is.
func (d direct) allows(host string, addr netip.Addr) error {
	at := siteOf(addr)
	open := !d.strict && d.reach == ReachPublic
	switch {
	case at == never:
		return notThere(addr.String())
	case d.reach == ReachLoopback && !addr.Unmap().IsLoopback():
		return refuse("a connection to %s is refused: it is %s, which is not this machine, and config.yaml has it with network: loopback", host, addr)
	case d.reach == ReachLoopback:
		return nil
	case open && loopback(host) && !addr.Unmap().IsLoopback():
		return refuse("a connection to %s is refused: it is %s, which is not a loopback address, although its name says so", host, addr)
	case open:
		return nil
	case at == local:
		return refuse("a connection to %s is refused: it is %s, which leads to this machine; wanted a public address, or network: loopback for it in config.yaml", host, addr)
	case at == private && d.reach != ReachPrivate:
		return refuse("a connection to %s is refused: it is %s, an address of a private network; wanted a public one, or network: private for it in config.yaml", host, addr)
	}
	return nil
}

// throughProxy says why no proxy is asked for a host, nil if one is. Its name, if it has
// one, is resolved by the proxy, which no dial of ours sees.
func (d direct) throughProxy(host string) error {
	addr, err := netip.ParseAddr(host)
	if err != nil || !d.strict {
		return nil
	}
	return d.allows(host, addr)
}

func refuse(format string, args ...any) error {
	return &refusal{verify.RegistryInsecure, printable(fmt.Sprintf(format, args...))}
}

func notThere(address string) error {
	return refuse("a connection to %s is refused: no registry is at such an address", address)
}

// route is how requests to some hosts travel: directly, or through a proxy, whose own
// address is the administrator's choice.
type route struct {
	choose           func(*http.Request) (*url.URL, error)
	dial             direct
	straight, behind *http.Transport
}

// newRoute takes over shared, which nothing else uses then.
func newRoute(shared *http.Transport, choose func(*http.Request) (*url.URL, error), dial direct) *route {
	r := &route{choose: choose, dial: dial, straight: shared, behind: shared.Clone()}
	r.straight.Proxy, r.straight.DialContext = nil, dial.DialContext
	r.behind.DialContext = direct{resolver: dial.resolver}.DialContext
	r.behind.Proxy = func(req *http.Request) (*url.URL, error) {
		through, err := choose(req)
		if err == nil && through == nil {
			return nil, fmt.Errorf("find the proxy for %s: there is none any more", req.URL.Host)
		}
		return through, err
	}
	return r
}

// RoundTrip implements http.RoundTripper.
func (r *route) RoundTrip(req *http.Request) (*http.Response, error) {
	through, err := r.choose(req)
	if err == nil && through != nil {
		err = r.dial.throughProxy(req.URL.Hostname())
	}
	switch {
	case err != nil:
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	case through != nil:
		return r.behind.RoundTrip(req)
	}
	return r.straight.RoundTrip(req)
}

func (r *route) closeIdle() {
	r.straight.CloseIdleConnections()
	r.behind.CloseIdleConnections()
}

// noProxy is the choice for hosts that are near.
func noProxy(*http.Request) (*url.URL, error) { return nil, nil }
