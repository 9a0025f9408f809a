package front

import (
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// maxBody is how large a request may be, in bytes: an API server takes objects of 3 MiB,
// and sends an old one beside a new one.
const maxBody = 8 << 20

// waiting is how long a request waits for its turn before it is refused.
const waiting = time.Second

// guarded is the way to the doors. What comes first costs least.
func (f *Front) guarded(doors http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection() // a web page must not ask in its reader's name
	return f.authenticated(f.rated(f.sized(f.gated(sameOrigin.Handler(doors)))))
}

// rated holds each client to its rate.
func (f *Front) rated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait := f.limit.take(Client(r.Context())); wait > 0 {
			f.o.Metrics.Denied("rate")
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			refuse(w, http.StatusTooManyRequests, "this client has asked more than client_rate allows; ask again later")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sized bounds the body: at once where its length is announced, and while it is read.
func (f *Front) sized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			f.o.Metrics.Denied("size")
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has %d bytes; wanted at most %d", r.ContentLength, maxBody))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// gated lets so many requests in at once, before anything of their bodies is read.
func (f *Front) gated(next http.Handler) http.Handler {
	g := newGate(f.o.Settings.Concurrency)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := Client(r.Context())
		if !g.enter(r.Context(), client, waiting) {
			f.o.Metrics.Denied("busy")
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "as many requests as concurrency allows are being answered; ask again")
			return
		}
		defer g.leave(client)
		next.ServeHTTP(w, r)
	})
}

// outermost is around everything: headers that every answer has, and what becomes of a
// panic, which is no answer that anybody takes for an admission.
func (f *Front) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		watched := &writer{ResponseWriter: w}
		defer f.recovered(watched, r)
		next.ServeHTTP(watched, r)
	})
}

func (f *Front) recovered(w *writer, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // a value of panic, not a wrapped error
		panic(p)
	}
	f.o.Metrics.Denied("panic")
	f.o.Log.Error("internal.panic", "at", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	refuse(w, http.StatusInternalServerError, "internal.panic: this is a fault of assay; nothing was decided")
}

// writer knows whether an answer has begun.
type writer struct {
	http.ResponseWriter
	begun bool
}

func (w *writer) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// refuse writes why a request is turned away.
func refuse(w http.ResponseWriter, status int, why string) {
	http.Error(w, "assay: "+why, status)
}
