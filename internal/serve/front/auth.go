package front

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

type clientKey struct{}

// Client returns who asks, as the front found out: the name of the token, a name of the
// client certificate, or the address where nothing is demanded. "" is nobody: the
// request did not come through a front.
func Client(ctx context.Context) string {
	name, _ := ctx.Value(clientKey{}).(string)
	return name
}

type connKey struct{}

// connection is what was found out about the client certificate of a connection.
type connection struct {
	mu    sync.Mutex
	name  string
	until time.Time
	by    *authorities
	err   error
}

// remember gives every connection a place for that.
func remember(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, &connection{})
}

// who authenticates a request, and returns the client's name.
func (f *Front) who(r *http.Request) (name string, ok bool) {
	if name, ok = f.proven(r); !ok && f.open(r.URL.Path) {
		return addressOf(r.RemoteAddr).String(), true
	}
	return name, ok
}

// open reports whether a path is of a door that takes anybody; one that is not known
// is of none.
func (f *Front) open(path string) bool {
	door := ""
	switch {
	case path == "/admission/validate" || path == "/admission/mutate":
		door = "admission"
	case path == "/imagereview":
		door = "imagereview"
	case path == "/gatekeeper" || path == "/gatekeeper/mutate":
		door = "gatekeeper"
	case path == "/v1/verify" || path == "/v1/openapi.yaml" || strings.HasPrefix(path, "/v1/verdicts/"):
		door = "verify"
	}
	return door != "" && slices.Contains(f.o.Settings.Open, door)
}

// proven authenticates a request by what auth demands.
func (f *Front) proven(r *http.Request) (name string, ok bool) {
	switch f.o.Settings.Auth {
	case "bearer":
		return f.bearer(r)
	case "mtls":
		return f.mutual(r)
	case "none", "":
		return addressOf(r.RemoteAddr).String(), true
	}
	return "", false
}

// bearer reads RFC 6750's header; there has to be exactly one.
func (f *Front) bearer(r *http.Request) (string, bool) {
	all := r.Header.Values("Authorization")
	if len(all) != 1 {
		return "", false
	}
	scheme, secret, _ := strings.Cut(all[0], " ")
	if !strings.EqualFold(scheme, "bearer") || len(secret) > maxToken {
		return "", false
	}
	return f.tokens.admit(secret)
}

// mutual judges the connection's certificate again whenever the authorities changed or
// something expired since: connections live longer than that.
func (f *Front) mutual(r *http.Request) (string, bool) {
	if !verified(r.TLS) {
		return "", false
	}
	c, _ := r.Context().Value(connKey{}).(*connection)
	if c == nil {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, now := f.clients.current(); c.by != now || f.o.Now().After(c.until) {
		c.name, c.until, c.by, c.err = f.clients.admit(r.TLS.PeerCertificates)
	}
	if c.err != nil {
		f.o.Log.Debug("turned away", "why", c.err.Error())
		return "", false
	}
	return c.name, true
}

// verified reports whether the handshake itself verified a certificate.
func verified(s *tls.ConnectionState) bool { return s != nil && len(s.VerifiedChains) > 0 }

// authenticated lets in who shows what is demanded.
func (f *Front) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := f.who(r)
		if !ok {
			f.o.Metrics.Denied("auth")
			if f.o.Settings.Auth == "bearer" {
				w.Header().Set("WWW-Authenticate", `Bearer realm="assay"`)
			}
			refuse(w, http.StatusUnauthorized, "wanted "+f.demanded())
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, name)))
	})
}

func (f *Front) demanded() string {
	if f.o.Settings.Auth == "mtls" {
		return "a client certificate that is valid now and may ask"
	}
	return "the header Authorization: Bearer TOKEN with a token that may ask"
}
