package load

import (
	"net/http"
	"sync/atomic"
)

// retiring is a transport that keeps no connection any more once it is retired. The
// verifications that still run go on; what they leave is closed at once and not after
// the time that idle connections have, so that reloads do not heap up connections.
type retiring struct {
	next    http.RoundTripper
	retired atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (r *retiring) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.retired.Load() {
		req = req.Clone(req.Context())
		req.Close = true
	}
	response, err := r.next.RoundTrip(req)
	if r.retired.Load() {
		r.CloseIdleConnections() // a new request makes http.Transport forget that it was told to
	}
	return response, err
}

// CloseIdleConnections closes what no request uses.
func (r *retiring) CloseIdleConnections() { (&http.Client{Transport: r.next}).CloseIdleConnections() }

// retire is for the end.
func (r *retiring) retire() {
	r.retired.Store(true)
	r.CloseIdleConnections()
}
