package front

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// scrapes is how many readings of the metrics there are at once.
const scrapes = 4

// fresh is how long an answer of Ready is used: /readyz is open to anybody who reaches it.
const fresh = time.Second

// probe remembers what was said last.
type probe struct {
	mu   sync.Mutex
	at   time.Time
	err  error
	said string // what was logged last
}

// probes adds /healthz, /readyz and /metrics.
func (f *Front) probes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if part, err := f.ready(); err != nil {
			say(w, http.StatusServiceUnavailable, "not ready: "+part+"; the log says why")
			return
		}
		say(w, http.StatusOK, "ready")
	})
	metrics := f.few(f.o.Metrics.Handler())
	if f.o.Settings.MetricsAuth {
		metrics = f.authenticated(metrics)
	}
	mux.Handle("GET /metrics", metrics)
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}

// few lets so many in at once, and no more.
func (f *Front) few(next http.Handler) http.Handler {
	free := make(chan struct{}, scrapes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
			next.ServeHTTP(w, r)
		default:
			f.o.Metrics.Denied("scrape")
			refuse(w, http.StatusServiceUnavailable, "the metrics are being read by others; ask again")
		}
	})
}

// ready returns what is missing, by the name of the part. Who asks is told no more:
// anybody may ask.
func (f *Front) ready() (part string, err error) {
	if f.draining.Load() {
		return "the server is stopping", errors.New("the server is stopping")
	}
	p := &f.probed
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := f.o.Now(); p.at.IsZero() || now.Sub(p.at) >= fresh || now.Before(p.at) {
		p.at, p.err = now, f.readiness()
		said := ""
		if p.err != nil {
			said = p.err.Error()
		}
		if said != p.said && said != "" {
			f.o.Log.Warn("not ready", "why", said)
		} else if said != p.said {
			f.o.Log.Info("ready again")
		}
		p.said = said
	}
	var missing *missing
	if errors.As(p.err, &missing) {
		return missing.part, p.err
	}
	return "", p.err
}

// missing is why the server is not ready, and which part of it.
type missing struct {
	part string
	error
}

func (f *Front) readiness() error {
	if f.cert != nil {
		if err := f.cert.valid(); err != nil {
			return &missing{"the certificate", err}
		}
	}
	if f.clients != nil {
		if _, a := f.clients.current(); f.o.Now().After(a.until) {
			return &missing{"client_ca", errors.New("every certificate of client_ca has expired")}
		}
	}
	if f.o.Ready != nil {
		if err := f.o.Ready(); err != nil {
			return &missing{"policies, trust or store", err}
		}
	}
	return nil
}
