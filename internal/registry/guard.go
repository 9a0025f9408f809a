package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/releaseassay/assay/verify"
)

const (
	// maxRedirects is how often one request may be redirected: registries send a
	// client to a blob store once, seldom twice.
	maxRedirects = 5
	// maxHandshake is how much of a ping's or a token server's answer is read.
	maxHandshake = 64 << 10
)

// refusal is a hop that is not taken, whoever asks for it.
type refusal struct {
	code   verify.Code
	reason string
}

// Error implements error.
func (r *refusal) Error() string { return r.reason }

// Refused returns why a hop was not taken, if that is what an error says: a connection
// that a Network's transport refused, whoever asked for it. Asking again is no use.
func Refused(err error) (reason string, ok bool) {
	var r *refusal
	if !errors.As(err, &r) {
		return "", false
	}
	return r.reason, true
}

// errNotTried is what go-containerregistry gets for the scheme that it would have
// tried beside the only one that we allow to a registry.
var errNotTried = errors.New("not tried")

// guard is the one door through which each hop passes: pings, token requests,
// redirects and our own GETs, above the budget and below the credentials.
type guard struct {
	next http.RoundTripper
	// host is the registry's, and scheme the only one that its ping may try ("" for any).
	host, scheme string
	// plainHTTP tells to which hosts plain HTTP was allowed.
	plainHTTP func(host string) bool

	mu   sync.Mutex
	ping error
}

// pingError returns why no ping was answered, or nil.
func (g *guard) pingError() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ping
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.pass(req)
	if err != nil && isPing(req) && !errors.Is(err, errNotTried) {
		g.mu.Lock()
		g.ping = &url.Error{Op: req.Method, URL: req.URL.Redacted(), Err: err}
		g.mu.Unlock()
	}
	return resp, err
}

func (g *guard) pass(req *http.Request) (*http.Response, error) {
	if g.scheme != "" && isPing(req) && req.URL.Host == g.host && req.URL.Scheme != g.scheme {
		return nil, errNotTried
	}
	if err := g.refuse(req); err != nil {
		return nil, err
	}
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	out.Header.Set("Accept-Encoding", "identity")
	out.Header.Del("Referer")
	resp, err := g.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		_ = resp.Body.Close()
		return nil, &refusal{verify.RegistryMalformed, fmt.Sprintf("the answer is encoded as %q although only identity was accepted", printable(encoding))}
	}
	if !isOurs(req.Context()) {
		resp.Body = readCloser{io.LimitReader(resp.Body, maxHandshake), resp.Body}
	}
	return resp, nil
}

// refuse says why a hop must not be taken, or nil.
func (g *guard) refuse(req *http.Request) error {
	switch {
	case req.URL.Scheme == "http" && (g.plainHTTP(req.URL.Host) || loopback(req.URL.Hostname())):
	case req.URL.Scheme != "https":
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("plain HTTP to %s is refused", printable(req.URL.Host))}
	}
	if req.URL.User != nil {
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("credentials in a URL to %s are refused", printable(req.URL.Host))}
	}
	// Behind a proxy no dial of ours sees the address.
	if forbidden(req.URL.Hostname()) {
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("a request to %s is refused: no registry is at such an address", printable(req.URL.Host))}
	}
	first, hops := req, 0
	for ; first.Response != nil && first.Response.Request != nil; hops++ {
		first = first.Response.Request
	}
	if hops == 0 {
		return nil
	}
	from := req.Response.Request.URL
	switch {
	case hops > maxRedirects:
		return &refusal{verify.RegistryRedirectLoop, fmt.Sprintf("redirected more than %d times", maxRedirects)}
	case from.Scheme == "https" && req.URL.Scheme != "https":
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("the redirect from https to plain HTTP at %s is refused", printable(req.URL.Host))}
	case loopback(req.URL.Hostname()) && !loopback(first.URL.Hostname()):
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("the redirect to this machine, %s, is refused", printable(req.URL.Host))}
	case first.URL.Host == req.URL.Host:
		return nil
	case isPing(first), req.Method != http.MethodGet:
		// The host that answers a ping names the token server that gets the
		// credentials, and a POST to a token server carries them in its body.
		return &refusal{verify.RegistryInsecure, fmt.Sprintf("the handshake was redirected to another host, %s", printable(req.URL.Host))}
	}
	return nil
}

func isPing(req *http.Request) bool { return req.URL.Path == "/v2/" }

type readCloser struct {
	io.Reader
	io.Closer
}

type ours struct{}

// asOurs marks the requests whose bodies we read ourselves, with a cap of their own.
func asOurs(ctx context.Context) context.Context { return context.WithValue(ctx, ours{}, true) }

func isOurs(ctx context.Context) bool { return ctx.Value(ours{}) != nil }
