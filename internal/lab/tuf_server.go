package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Validator says how a web server lets its clients ask for changes alone.
type Validator int

// The ways to validate what a client has.
const (
	ETags        Validator = iota // ETag and If-None-Match
	ModifiedDate                  // Last-Modified and If-Modified-Since
	NoValidator
)

// Handler serves the repository at the root of a host.
func (t *TUF) Handler() http.Handler { return http.HandlerFunc(t.serveHTTP) }

// SetValidator replaces ETags.
func (t *TUF) SetValidator(v Validator) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cache = v
}

// SetFault answers for a path in the file's stead; a path that ends with "*" is a prefix. Nil takes the fault away.
func (t *TUF) SetFault(path string, answer http.HandlerFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.faults, path)
	if answer != nil {
		t.faults[path] = answer
	}
}

// Requests returns the log so far. Its times are not set.
func (t *TUF) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// ResetRequests empties the log.
func (t *TUF) ResetRequests() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = nil
}

func (t *TUF) serveHTTP(w http.ResponseWriter, r *http.Request) {
	line := Request{Method: r.Method, Host: r.Host, Path: r.URL.RequestURI(), Header: r.Header.Clone()}
	counted := &countingWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		line.Status, line.Bytes = counted.status, counted.bytes
		t.mu.Lock()
		defer t.mu.Unlock()
		t.requests = append(t.requests, line)
	}()
	fault, file, ok, cache := t.lookUp(strings.TrimPrefix(r.URL.EscapedPath(), "/"), strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case fault != nil:
		fault(counted, r)
	case !ok:
		http.NotFound(counted, r)
	default:
		serveFile(counted, r, file, cache)
	}
}

// lookUp finds what answers for a path, as it was sent or else without its escapes.
func (t *TUF) lookUp(paths ...string) (fault http.HandlerFunc, file tufFile, ok bool, cache Validator) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, path := range paths {
		for pattern, answer := range t.faults {
			if prefix, wild := strings.CutSuffix(pattern, "*"); pattern == path || wild && strings.HasPrefix(path, prefix) {
				return answer, tufFile{}, true, t.cache
			}
		}
	}
	for _, path := range paths {
		if file, ok := t.files[path]; ok {
			return nil, file, true, t.cache
		}
	}
	return nil, tufFile{}, false, t.cache
}

func serveFile(w http.ResponseWriter, r *http.Request, file tufFile, cache Validator) {
	modified := time.Time{}
	switch cache {
	case ETags:
		sum := sha256.Sum256(file.content)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	case ModifiedDate:
		modified = file.modified
	case NoValidator:
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", modified, bytes.NewReader(file.content))
}

// AnswerStatus answers with a status.
func AnswerStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(status), status) }
}

// AnswerSlowly sends content a byte at a time with a pause after each, for as long as the client listens.
func AnswerSlowly(content []byte, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := range content {
			if _, err := w.Write(content[i : i+1]); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

// AnswerEndlessly sends content and then spaces, for as long as the client listens.
func AnswerEndlessly(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := w.Write(content)
		for spaces := bytes.Repeat([]byte(" "), 32<<10); err == nil && r.Context().Err() == nil; {
			_, err = w.Write(spaces)
		}
	}
}

// AnswerTruncated promises all of content and sends half of it.
func AnswerTruncated(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:len(content)/2])
	}
}

// Start serves until Close.
func (t *TUF) Start() error {
	if t.server != nil {
		return errors.New("start tuf repository: already started")
	}
	l, err := net.Listen("tcp", t.address)
	if err != nil {
		return fmt.Errorf("start tuf repository: %w", err)
	}
	t.host = l.Addr().String()
	t.server = &http.Server{Handler: t.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = t.server.Serve(l) }() // ends with ErrServerClosed at Close
	return nil
}

// Close stops serving.
func (t *TUF) Close() error {
	if t.server == nil {
		return nil
	}
	return t.server.Close()
}

// MetadataURL and TargetsURL are what a policy names; only for a started repository.
func (t *TUF) MetadataURL() string { return "http://" + t.host + "/metadata" }

// TargetsURL is where the targets' files lie.
func (t *TUF) TargetsURL() string { return "http://" + t.host + "/targets" }
