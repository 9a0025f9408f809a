package front

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// The times and sizes that a client may take: who is slower or larger holds a
// connection that others want.
const (
	headerTime  = 5 * time.Second  // for the TLS handshake, and then for the header
	readTime    = 15 * time.Second // for header and body
	writeTime   = 30 * time.Second // beyond the deadline of an answer
	idleTime    = 2 * time.Minute  // longer than Go's clients keep a connection
	headerBytes = 32 << 10
	streams     = 250 // HTTP/2 streams of a connection at least
	frameBytes  = 1 << 20
)

// listening is a server with its listener.
type listening struct {
	name, address string
	server        *http.Server
	listener      net.Listener
}

func (l *listening) addr() net.Addr {
	if l.listener == nil {
		return nil
	}
	return l.listener.Addr()
}

// open listens. An address that is taken for one of loopback must be one.
func (l *listening) open(connections int) error {
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		return fmt.Errorf("listen for the %s: %w; the setting %s names another address", l.name, err, l.setting())
	}
	ip := addressOf(listener.Addr().String())
	if host, _, _ := net.SplitHostPort(l.address); host == "localhost" && !ip.IsLoopback() {
		_ = listener.Close()
		return fmt.Errorf("listen for the %s: localhost is %s here, which is no address of loopback; wanted 127.0.0.1 or [::1]", l.name, ip)
	}
	l.listener = bounded(listener, connections)
	return nil
}

// setting is the one that says the address.
func (l *listening) setting() string {
	if l.name == "doors" {
		return "listen"
	}
	return l.name
}

func (l *listening) serve() error {
	if l.server.TLSConfig != nil {
		return l.server.ServeTLS(l.listener, "", "")
	}
	return l.server.Serve(l.listener)
}

// server makes a server. mutual demands client certificates of every connection.
func (f *Front) server(h http.Handler, encrypted, mutual bool) *http.Server {
	s := &http.Server{
		Handler:           f.outermost(h),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      f.o.Settings.Deadline + writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(complaints{f}, "", 0),
		ConnContext:       remember,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          max(streams, f.o.Settings.Concurrency),
			MaxReceiveBufferPerConnection: frameBytes,
			MaxReceiveBufferPerStream:     frameBytes,
			SendPingTimeout:               30 * time.Second,
			PingTimeout:                   10 * time.Second,
		},
	}
	if f.o.slow > 0 {
		s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = f.o.slow, f.o.slow, f.o.slow
	}
	if encrypted {
		s.TLSConfig = f.tls(mutual)
	}
	return s
}

// tls is the configuration of TLS: it asks for the newest certificates at every
// handshake. There are no session tickets, so that each connection is judged by what is
// demanded now.
func (f *Front) tls(mutual bool) *tls.Config {
	base := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{"h2", "http/1.1"},
		SessionTicketsDisabled: true,
		Time:                   f.o.Now,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.cert.current(), nil },
	}
	if f.clients == nil {
		return base
	}
	base.ClientAuth = tls.VerifyClientCertIfGiven
	if mutual {
		base.MinVersion = tls.VersionTLS13
		if len(f.o.Settings.Open) == 0 { // otherwise each door demands it for itself
			base.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	// Without this line a failed GetConfigForClient would leave no CA, which is the system's.
	base.ClientCAs, _ = f.clients.current()
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := base.Clone()
		c.GetConfigForClient = nil
		c.ClientCAs, _ = f.clients.current()
		return c, nil
	}
	return base
}

// complaints takes the lines of net/http's own log: failed handshakes above all, which
// anybody can cause, and so they are counted and stay below what is usually logged.
type complaints struct{ f *Front }

func (c complaints) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if strings.Contains(text, "TLS handshake error") {
		c.f.o.Metrics.Denied("tls")
	}
	c.f.o.Log.Debug("http", "says", text)
	return len(line), nil
}

// boundedListener holds at most so many connections, and at most half of them for one
// address, so that no single machine takes them all.
type boundedListener struct {
	net.Listener
	free   chan struct{}
	closed chan struct{}
	once   sync.Once
	each   int
	mu     sync.Mutex
	held   map[netip.Addr]int
}

func bounded(l net.Listener, most int) net.Listener {
	return &boundedListener{
		Listener: l, free: make(chan struct{}, max(most, 1)), closed: make(chan struct{}),
		each: max(most/2, 1), held: map[netip.Addr]int{},
	}
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		select {
		case l.free <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
		c, err := l.Listener.Accept()
		if err != nil {
			<-l.free
			return nil, err
		}
		from := addressOf(c.RemoteAddr().String())
		if l.take(from) {
			return &boundedConn{Conn: c, release: sync.OnceFunc(func() { l.give(from); <-l.free })}, nil
		}
		_ = c.Close()
		<-l.free
	}
}

func (l *boundedListener) take(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[from] >= l.each {
		return false
	}
	l.held[from]++
	return true
}

func (l *boundedListener) give(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[from]--; l.held[from] <= 0 {
		delete(l.held, from)
	}
}

func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type boundedConn struct {
	net.Conn
	release func()
}

func (c *boundedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// addressOf is the IP address of HOST:PORT, for IPv6 that of its network of 64 bits,
// which is what one machine may have.
func addressOf(hostPort string) netip.Addr {
	a, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}
	}
	ip := a.Addr().Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
