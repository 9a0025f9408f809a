// Package front is what stands before the doors: listeners, TLS, who may ask and how
// much, probes, and the way the server stops. It judges nothing. What it turns away it
// answers with an HTTP error, which no caller takes for an admission.
//
// Start at [New].
package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// Options are what a front is made of.
type Options struct {
	Settings settings.Settings
	Doors    http.Handler
	// Ready says why the doors cannot be used now; nil is a server that always can.
	Ready   func() error
	Metrics *observe.Metrics
	// Log gets what happens; nil is nobody.
	Log *slog.Logger
	Now func() time.Time
	// Poll is the time between looks at the files; 0 is 5 seconds.
	Poll time.Duration

	slow time.Duration // in place of the times that a client may take, for tests
}

// Front serves the doors. Make one with [New].
type Front struct {
	o        Options
	cert     *certificate // nil without TLS
	clients  *clientCA    // nil unless auth is mtls
	tokens   *tokens      // nil unless auth is bearer
	limit    *limiter
	draining atomic.Bool
	probed   probe
	main     listening
	apart    *listening // the probes' own listener, nil where they share the doors'
	reload   sync.Mutex
}

// New reads certificate, tokens and client CA, and refuses settings that contradict
// each other. It does not listen yet.
func New(o Options) (*Front, error) {
	if err := o.Settings.CheckFront(); err != nil {
		return nil, err
	}
	if o.Doors == nil || o.Now == nil {
		return nil, errors.New("make the front: wanted doors and a clock")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	f := &Front{o: o, limit: newLimiter(o.Settings.ClientRate, o.Settings.ClientBurst, o.Now)}
	var err error
	if o.Settings.Certificate != "" {
		if f.cert, err = loadCertificate(o.Settings.Certificate, o.Settings.Key, o.Now); err != nil {
			return nil, err
		}
	}
	if o.Settings.Auth == "mtls" {
		if f.clients, err = loadClientCA(o.Settings.ClientCA, o.Settings.ClientNames, o.Now); err != nil {
			return nil, err
		}
	}
	if o.Settings.Auth == "bearer" {
		if f.tokens, err = loadTokens(o.Settings.Tokens); err != nil {
			return nil, err
		}
	}
	f.loaded()
	f.build()
	return f, nil
}

// build makes the servers.
func (f *Front) build() {
	s := f.o.Settings
	doors := http.NewServeMux()
	doors.Handle("/", f.guarded(f.o.Doors))
	if s.Probes == "" {
		f.probes(doors)
	} else {
		mux := http.NewServeMux()
		f.probes(mux)
		f.apart = &listening{name: "probes", address: s.Probes, server: f.server(mux, s.ProbesTLS, false)}
	}
	f.main = listening{name: "doors", address: s.Listen, server: f.server(doors, s.Certificate != "", s.Auth == "mtls")}
}

// Listen opens the listeners, which [Front.Serve] does otherwise. An error is one of the
// address.
func (f *Front) Listen() error {
	for _, l := range f.all() {
		if err := l.open(f.o.Settings.Connections); err != nil {
			f.closeListeners()
			return err
		}
		f.warn(l)
		f.o.Log.Info("listening", "for", l.name, "address", l.listener.Addr().String(), "tls", l.server.TLSConfig != nil, "auth", f.o.Settings.Auth)
	}
	return nil
}

// warn says what an administrator chose and should know.
func (f *Front) warn(l *listening) {
	s := f.o.Settings
	switch {
	case l != &f.main || settings.Loopback(l.address):
	case s.Auth == "none":
		f.o.Log.Warn("auth is none: everybody who reaches the doors may ask", "address", l.address)
	case len(s.Open) > 0:
		f.o.Log.Warn("some doors are open: everybody who reaches them may ask there", "doors", s.Open, "address", l.address)
	}
}

// Address is where the doors listen, and ProbesAddress where the probes do; nil before [Front.Listen].
func (f *Front) Address() net.Addr { return f.main.addr() }

// ProbesAddress: see [Front.Address].
func (f *Front) ProbesAddress() net.Addr {
	if f.apart == nil {
		return f.main.addr()
	}
	return f.apart.addr()
}

func (f *Front) all() []*listening {
	if f.apart == nil {
		return []*listening{&f.main}
	}
	return []*listening{&f.main, f.apart}
}

func (f *Front) closeListeners() {
	for _, l := range f.all() {
		if l.listener != nil {
			_ = l.listener.Close()
		}
	}
}

// Serve answers until ctx ends, then drains: /readyz says no, requests in flight get
// what is left of the drain time, and whatever is left then is cut. It returns nil after
// a shutdown that ctx asked for.
func (f *Front) Serve(ctx context.Context) error {
	if f.main.listener == nil {
		if err := f.Listen(); err != nil {
			return err
		}
	}
	var wait sync.WaitGroup
	failed := make(chan error, 2)
	for _, l := range f.all() {
		wait.Go(func() {
			if err := l.serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve the %s at %s: %w", l.name, l.address, err)
			}
		})
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	wait.Go(func() { f.watch(watching) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	f.drain(context.WithoutCancel(ctx), err != nil)
	stop()
	wait.Wait()
	return err
}

// lingering is how long a server that is to stop goes on accepting at most: until load
// balancers have seen that it is not ready.
const lingering = 5 * time.Second

// drain stops the servers, the probes' own last.
func (f *Front) drain(ctx context.Context, broken bool) {
	f.draining.Store(true)
	left := f.o.Settings.Drain
	f.o.Log.Info("draining", "for", left.String())
	linger := min(lingering, left/4)
	if !broken && !settings.Loopback(f.main.address) && linger > 0 {
		f.main.server.SetKeepAlivesEnabled(false)
		sleep(ctx, linger)
		left -= linger
	}
	bounded, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	for _, l := range f.all() {
		if err := l.server.Shutdown(bounded); err != nil {
			f.o.Log.Warn("requests were cut off", "at", l.name, "error", err.Error())
			_ = l.server.Close()
		}
	}
	f.closeListeners()
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
