package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// issuer is a CA of a test.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key))
	return &issuer{must(x509.ParseCertificate(der)), key}
}

func (i *issuer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw})
}

// issue makes a certificate and its key, both in PEM.
func (i *issuer) issue(t *testing.T, change func(*x509.Certificate)) (cert, key []byte) {
	t.Helper()
	k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, big.NewInt(1<<60))), Subject: pkix.Name{CommonName: "someone"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(c)
	}
	der := must(x509.CreateCertificate(rand.Reader, c, i.cert, &k.PublicKey, i.key))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(k))})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// stage is a front on loopback with the files that its settings name.
type stage struct {
	*Front
	dir     string
	ca      *issuer // of the server's certificate
	clients *issuer
	said    *lines
	metrics *observe.Metrics
	stop    func() error // ends it as SIGTERM does
}

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

const (
	oldToken = "an-old-token-of-32-characters-or-so"
	newToken = "the-new-token-of-32-characters-or-so"
)

// hello answers with who asks.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello "+Client(r.Context())) })

// plain are settings of a front on loopback without TLS.
func plain() settings.Settings {
	s := settings.Defaults()
	s.Listen, s.Auth, s.Drain = "127.0.0.1:0", "none", 5*time.Second
	return s
}

// start serves, with certificate, client CA and tokens where the settings name them.
func start(t *testing.T, s settings.Settings, change func(*Options)) *stage {
	t.Helper()
	st := prepare(t, &s)
	st.metrics = observe.NewMetrics("test", "")
	o := Options{
		Settings: s, Doors: hello, Metrics: st.metrics, Now: time.Now, Poll: time.Hour,
		Log: slog.New(slog.NewJSONHandler(st.said, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	st.Front = f
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Serve(ctx) }()
	st.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := st.stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return st
}

// prepare writes the files: "tls" in Certificate stands for a new one.
func prepare(t *testing.T, s *settings.Settings) *stage {
	t.Helper()
	st := &stage{dir: t.TempDir(), ca: newIssuer(t, "server CA"), clients: newIssuer(t, "client CA"), said: &lines{}}
	if s.Certificate != "" {
		cert, key := st.ca.issue(t, nil)
		s.Certificate, s.Key = write(t, st.file("tls.crt"), cert), write(t, st.file("tls.key"), key)
	}
	if s.Auth == "mtls" {
		s.ClientCA = write(t, st.file("ca.crt"), st.clients.pem())
	}
	if s.Auth == "bearer" {
		s.Tokens = []string{write(t, st.file("old"), []byte(oldToken+"\n")), write(t, st.file("more"), []byte("# of CI\nci:"+newToken+"\n"))}
	}
	return st
}

func (s *stage) file(name string) string { return filepath.Join(s.dir, name) }

// client speaks TLS with the server, with a client certificate if there is one.
func (s *stage) client(t *testing.T, change func(*tls.Config)) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.cert)
	c := &tls.Config{RootCAs: roots}
	if change != nil {
		change(c)
	}
	tr := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func (s *stage) url(path string) string {
	u := url.URL{Scheme: "http", Host: s.Address().String(), Path: path}
	if s.cert != nil {
		u.Scheme = "https"
	}
	return u.String()
}

// get returns the status and the body; a status of 0 is an error.
func get(c *http.Client, url string, header ...string) (int, string) {
	r, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return do(c, r)
}

func do(c *http.Client, r *http.Request) (int, string) {
	resp, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, strings.TrimSpace(string(b))
}

// within waits until something holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within five seconds", what)
}
