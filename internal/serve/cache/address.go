package cache

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// address is where the store is, as its URL says.
type address struct {
	network, addr, user string
	db                  int
	tls                 bool
	caFile              string
	// limit is of one string in a reply, in bytes.
	limit int64
}

// clearText is the parameter of a URL that allows a password to be sent in clear text.
const clearText = "cleartext"

// parseAddress reads redis://[user@]host[:port][/db], the same with rediss:// for TLS,
// or unix:///path[?db=n]. A password in a URL is refused: URLs are logged. password
// says that there is one, which is not sent in clear text to another machine unless
// ?cleartext=allowed says so.
func parseAddress(raw string, password bool, caFile string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, errors.New("wanted a URL such as rediss://redis.example:6379; what is there is none") // it may hold a password
	}
	if _, there := u.User.Password(); there {
		return address{}, errors.New("wanted a URL without a password: put the password into a file and name that")
	}
	a := address{user: u.User.Username(), caFile: caFile, tls: u.Scheme == "rediss"}
	query := u.Query()
	db, allowed := strings.Trim(u.Path, "/"), query.Get(clearText) == "allowed"
	switch u.Scheme {
	case "redis", "rediss":
		if u.Hostname() == "" {
			return address{}, fmt.Errorf("wanted a URL with a host, found none in %q", u.Redacted())
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		}
		a.network, a.addr = "tcp", net.JoinHostPort(u.Hostname(), port)
		if password && !a.tls && !allowed && !loopback(u.Hostname()) {
			return address{}, fmt.Errorf("the password would be sent to %s in clear text: use rediss://, or say ?%s=allowed where the network is trusted with it", a.addr, clearText)
		}
	case "unix":
		if u.Host != "" || u.Path == "" {
			return address{}, fmt.Errorf("wanted a URL such as unix:///run/redis.sock, found %q", u.Redacted())
		}
		a.network, a.addr, db = "unix", u.Path, query.Get("db")
		query.Del("db")
	default:
		return address{}, fmt.Errorf("wanted a URL with the scheme redis, rediss or unix, found %q", u.Scheme)
	}
	if allowed {
		query.Del(clearText)
	}
	if len(query) != 0 || u.Fragment != "" {
		return address{}, fmt.Errorf("wanted a URL without other parameters, found %q", u.Redacted())
	}
	if db != "" {
		if a.db, err = strconv.Atoi(db); err != nil || a.db < 0 {
			return address{}, fmt.Errorf("wanted the number of a database, found %q", db)
		}
	}
	if caFile != "" && !a.tls {
		return address{}, errors.New("a CA is given for a store that is not reached by TLS: use rediss://")
	}
	_, err = a.roots()
	return a, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// roots reads the CAs anew, nil for those of the system.
func (a address) roots() (*x509.CertPool, error) {
	if a.caFile == "" {
		return nil, nil
	}
	b, err := os.ReadFile(a.caFile)
	if err != nil {
		return nil, fmt.Errorf("read the store's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("read the store's CA %s: wanted certificates in PEM, found none", a.caFile)
	}
	return pool, nil
}

// dial makes a connection, through TLS where the URL says so.
func (a address) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, a.network, a.addr)
	if err != nil {
		return nil, err
	}
	if !a.tls {
		bounded := &boundedConn{Conn: conn, limit: a.limit}
		if raw, ok := conn.(syscall.Conn); ok {
			return rawConn{bounded, raw}, nil
		}
		return bounded, nil
	}
	roots, err := a.roots()
	if err == nil {
		host, _, _ := net.SplitHostPort(a.addr)
		secure := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12})
		if err = secure.HandshakeContext(ctx); err == nil {
			return &boundedConn{Conn: secure, limit: a.limit}, nil
		}
	}
	_ = conn.Close()
	return nil, err
}

// rawConn is a boundedConn that can be looked at without being read, so that one that
// the server closed is noticed before it is used.
type rawConn struct {
	*boundedConn
	raw syscall.Conn
}

// SyscallConn implements syscall.Conn.
func (c rawConn) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }
