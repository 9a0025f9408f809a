package registry

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

func TestSites(t *testing.T) {
	for address, want := range map[string]site{
		"8.8.8.8": public, "2606:4700::1111": public, "64:ff9b::808:808": public, "2002:808:808::1": public, "100.128.0.1": public, "172.32.0.1": public,
		"2606:4700::5efe:808:808": public, "2001:200::1": public, "168.63.129.17": public,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "100.64.0.1": private, "100.127.255.255": private,
		"fd12::1": private, "fc00::1": private, "fec0::1": private, "0.0.0.1": private, "198.18.0.1": private, "240.0.0.1": private, "255.255.255.255": private,
		"192.0.2.1": private, "2001:db8::1": private, "64:ff9b:1::808:808": private, "64:ff9b:1:808:8:800::": private,
		"::ffff:10.0.0.1": private, "64:ff9b::a00:1": private, "2002:a00:1::1": private, "::a00:1": private, "::ffff:0:a00:1": private,
		"2606:4700::5efe:a00:1": private, "2606:4700::200:5efe:a00:1": private, "2001::1": private,
		"127.0.0.1": local, "127.9.9.9": local, "::1": local, "::ffff:127.0.0.1": local, "64:ff9b::7f00:1": local, "2002:7f00:1::": local, "::7f00:1": local,
		"::ffff:0:7f00:1": local, "64:ff9b:1::7f00:1": local, "64:ff9b:1:7f00:0:100::": local, "2001::80ff:fffe": local,
		"169.254.169.254": never, "fe80::1%eth0": never, "224.0.0.1": never, "ff02::1": never, "0.0.0.0": never, "::": never,
		"fd00:ec2::254": never, "100.100.100.200": never, "168.63.129.16": never, "64:ff9b::a9fe:a9fe": never, "2002:a9fe:a9fe::": never,
		"::ffff:0:a9fe:a9fe": never, "64:ff9b:1::a9fe:a9fe": never, "64:ff9b:1:a9fe:a9:fe00::": never, "64:ff9b:1:1a9:fe:a9fe::": never,
		"64:ff9b:1:1:a9:fea9:fe00:0": never, "2606:4700::5efe:a9fe:a9fe": never, "2001::5601:5601": never,
	} {
		if got := siteOf(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is %d, want %d", address, got, want)
		}
	}
}

func TestReach(t *testing.T) {
	inside, here, away, metadata := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("169.254.169.254")
	disguised := netip.MustParseAddr("64:ff9b::7f00:1")
	for name, c := range map[string]struct {
		dial    direct
		allowed []netip.Addr
	}{
		"a command's":          {direct{}, []netip.Addr{inside, here, away, disguised}},
		"a server's":           {direct{strict: true}, []netip.Addr{away}},
		"private":              {direct{strict: true, reach: ReachPrivate}, []netip.Addr{inside, away}},
		"private, a command's": {direct{reach: ReachPrivate}, []netip.Addr{inside, away}},
		"loopback":             {direct{strict: true, reach: ReachLoopback}, []netip.Addr{here}},
	} {
		allowed := map[netip.Addr]bool{}
		for _, a := range c.allowed {
			allowed[a] = true
		}
		for _, addr := range []netip.Addr{inside, here, away, metadata, disguised} {
			err := c.dial.allows("registry.example", addr)
			if (err == nil) != allowed[addr] {
				t.Errorf("%s reach to %s: %v", name, addr, err)
			}
			if err != nil && addr != metadata && !strings.Contains(err.Error(), "registry.example") {
				t.Errorf("%v does not name the host", err)
			}
		}
	}
}

// resolves answers questions about names of IPv4 over UDP, on loopback.
func resolves(t *testing.T, addresses map[string]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer := answerOf(packet[:n], addresses); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() { _ = conn.Close(); served.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answerOf(packet []byte, addresses map[string]string) []byte {
	var m dnsmessage.Message
	if m.Unpack(packet) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: m.Questions}
	for _, text := range strings.Fields(addresses[strings.TrimSuffix(q.Name.String(), ".")]) {
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch addr := netip.MustParseAddr(text); {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	b, err := answer.Pack()
	if err != nil {
		return nil
	}
	return b
}

// TestNamesThatLeadInside shows that an address is looked at after DNS: what a name
// leads to counts, not what it is called.
func TestNamesThatLeadInside(t *testing.T) {
	noProxies(t)
	server := httptest.NewServer(serves(image))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	resolver := resolves(t, map[string]string{
		"here.example": "127.0.0.1", "inside.example": "10.255.255.1", "shared.example": "100.64.0.1", "ula.example": "fd12::1",
		"metadata.example": "169.254.169.254", "linklocal.example": "fe80::1", "disguise.example": "64:ff9b::a9fe:a9fe", "mapped.example": "::ffff:169.254.169.254",
		"kind.localhost": "10.255.255.1",
	})
	entries := map[string]Reach{"here.example:" + port: ReachLoopback, "metadata.example:" + port: ReachPrivate, "inside.example:" + port: ReachLoopback, "linklocal.example:" + port: ReachPrivate}
	for name, c := range map[string]struct {
		network Network
		host    string
		refused bool
	}{
		"a command may ask this machine":    {Network{}, "here.example", false},
		"a command may not ask for secrets": {Network{}, "metadata.example", true},
		"nor link-local":                    {Network{}, "linklocal.example", true},
		"nor in disguise":                   {Network{}, "disguise.example", true},
		"nor mapped":                        {Network{}, "mapped.example", true},
		"a name that lies":                  {Network{}, "kind.localhost", true},
		"a server may not ask here":         {Network{Strict: true}, "here.example", true},
		"nor inside":                        {Network{Strict: true}, "inside.example", true},
		"nor carriers' inside":              {Network{Strict: true}, "shared.example", true},
		"nor inside by IPv6":                {Network{Strict: true}, "ula.example", true},
		"unless it is told":                 {Network{Strict: true, Reach: entries}, "here.example", false},
		"what is told to be here is here":   {Network{Strict: true, Reach: entries}, "inside.example", true},
		"secrets are never near":            {Network{Strict: true, Reach: entries}, "metadata.example", true},
		"link-local is never near":          {Network{Strict: true, Reach: entries}, "linklocal.example", true},
	} {
		t.Run(name, func(t *testing.T) {
			c.network.Resolver = resolver
			r := New(Options{Keychain: anonymous{}, PlainHTTP: true, Transport: closing(t, c.network), Budget: budget.New(budget.Default(), noWaiting())})
			_, err := r.Resolve(t.Context(), reference(t, c.host+":"+port+"/o/n:v1"))
			var failure *verify.Failure
			if errors.As(err, &failure) != c.refused {
				t.Fatalf("got %v", err)
			}
			if c.refused && (failure.Code != verify.RegistryInsecure || failure.Class != verify.Definitive) {
				t.Errorf("got %v", failure)
			}
		})
	}
}

// TestHopsThatLeadInside shows that redirects and token servers are looked at by their
// own host's entry, not by that of who names them.
func TestHopsThatLeadInside(t *testing.T) {
	noProxies(t)
	asked := make(chan string, 16)
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		serves(`{"token":"t1"}`)(w, r)
	}))
	t.Cleanup(secret.Close)
	_, port, _ := net.SplitHostPort(secret.Listener.Addr().String())
	resolver := resolves(t, map[string]string{"registry.example": "127.0.0.1", "store.example": "127.0.0.1", "inside.example": "10.255.255.1"})
	for name, c := range map[string]struct {
		serve func(at string) http.HandlerFunc
		host  string
		ask   bool
	}{
		"a redirect here":          {func(at string) http.HandlerFunc { return pinged(redirect(at + "/blob")) }, "store.example", false},
		"a redirect inside":        {func(at string) http.HandlerFunc { return pinged(redirect(at + "/blob")) }, "inside.example", false},
		"a redirect to an address": {func(at string) http.HandlerFunc { return pinged(redirect(at + "/blob")) }, "10.255.255.1", false},
		"a realm here": {func(at string) http.HandlerFunc {
			return wantsToken(`Bearer realm="`+at+`/token",service="s"`, "t1", serves(image))
		}, "store.example", false},
		"a realm inside": {func(at string) http.HandlerFunc {
			return wantsToken(`Bearer realm="`+at+`/token",service="s"`, "t1", serves(image))
		}, "inside.example", false},
		"a realm that is known": {func(at string) http.HandlerFunc {
			return wantsToken(`Bearer realm="`+at+`/token",service="s"`, "t1", serves(image))
		}, "known.example", true},
	} {
		t.Run(name, func(t *testing.T) {
			host := c.host
			reach := map[string]Reach{}
			if c.ask {
				host, reach["store.example:"+port] = "store.example", ReachLoopback
			}
			registry := httptest.NewServer(c.serve("http://" + host + ":" + port))
			t.Cleanup(registry.Close)
			_, own, _ := net.SplitHostPort(registry.Listener.Addr().String())
			reach["registry.example:"+own] = ReachLoopback
			transport := closing(t, Network{Strict: true, Reach: reach, Resolver: resolver})
			r := New(Options{Keychain: anonymous{}, PlainHTTP: true, Transport: transport, Budget: budget.New(budget.Default(), noWaiting())})
			_, err := r.Resolve(t.Context(), reference(t, "registry.example:"+own+"/o/n:v1"))
			var failure *verify.Failure
			switch {
			case c.ask && (err != nil || len(asked) == 0):
				t.Errorf("got %v after %d requests", err, len(asked))
			case !c.ask && (!errors.As(err, &failure) || failure.Code != verify.RegistryInsecure):
				t.Errorf("got %v", err)
			case !c.ask && len(asked) > 0:
				t.Errorf("%s was asked for", <-asked)
			}
			for len(asked) > 0 {
				<-asked
			}
		})
	}
}

// TestStrictProxy shows what a strict network asks a proxy for: hosts by name, and no
// address inside, whatever its own address is.
func TestStrictProxy(t *testing.T) {
	noProxies(t)
	ours := newAuthority(t)
	seen := make(chan string, 16)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Host
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(proxy.Close)
	near := httptest.NewServer(serves(image))
	t.Cleanup(near.Close)
	_, port, _ := net.SplitHostPort(near.Listener.Addr().String())
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := closing(t, Network{
		Strict: true, Proxy: address, Resolver: resolves(t, map[string]string{"near.example": "127.0.0.1"}),
		Reach: map[string]Reach{"near.example:" + port: ReachLoopback}, Roots: map[string]*x509.CertPool{"ca.example:80": ours.pool()},
	})
	for target, want := range map[string]string{
		"http://registry.example/v2/": "proxy", "http://ca.example:80/v2/": "proxy", "http://near.example:" + port + "/v2/": "near", "http://8.8.8.8/v2/": "proxy",
		"http://10.0.0.1/v2/": "", "http://[fd12::1]/v2/": "", "http://[64:ff9b::a00:1]/v2/": "", "http://127.0.0.1:1/v2/": "", "http://localhost:1/v2/": "",
		"http://metadata.google.internal/v2/": "", "http://169.254.169.254/v2/": "",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		resp, err := transport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
			got = "near"
			if resp.StatusCode == http.StatusTeapot {
				got = "proxy"
				<-seen
			}
		} else if _, ok := Refused(err); !ok {
			t.Errorf("%s: %v", target, err)
		}
		if got != want {
			t.Errorf("%s: asked %q, want %q", target, got, want)
		}
	}
	if len(seen) > 0 {
		t.Errorf("the proxy was asked for %s", <-seen)
	}
}

// closing makes a transport that leaves no connection behind.
func closing(t *testing.T, n Network) http.RoundTripper {
	t.Helper()
	transport := n.Transport()
	t.Cleanup(func() { (&http.Client{Transport: transport}).CloseIdleConnections() })
	return transport
}

// pinged answers a ping itself.
func pinged(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			next(w, r)
		}
	}
}

func noProxies(t *testing.T) {
	t.Helper()
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(v, "")
	}
}
