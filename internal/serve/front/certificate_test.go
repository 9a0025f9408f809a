package front

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock can be set.
type clock struct{ offset atomic.Int64 }

func newClock() *clock               { return &clock{} }
func (c *clock) now() time.Time      { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) add(d time.Duration) { c.offset.Add(int64(d)) }

func sameLeaf(c *x509.Certificate, text []byte) bool {
	b, _ := pem.Decode(text)
	return bytes.Equal(c.Raw, b.Bytes)
}

// TestRotationUnderLoad: certificates change, also by halves, and no request fails, on
// connections that stay and on new ones.
func TestRotationUnderLoad(t *testing.T) {
	s := start(t, secured("none"), nil)
	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for i := range 4 {
		c := s.client(t, nil)
		if i%2 == 0 {
			c.Transport.(*http.Transport).DisableKeepAlives = true
		}
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if code, body := get(c, s.url("/")); code != 200 {
					failed.Add(1)
					t.Errorf("got %d %s", code, body)
				}
				asked.Add(1)
			}
		})
	}
	var last []byte
	for range 10 {
		cert, key := s.ca.issue(t, nil)
		write(t, s.file("tls.crt"), cert[:len(cert)/2])
		_ = s.Reload()
		write(t, s.file("tls.crt"), cert)
		_ = s.Reload()
		write(t, s.file("tls.key"), key)
		if err := s.Reload(); err != nil {
			t.Error(err)
		}
		last = cert
		before := asked.Load()
		within(t, "more requests", func() bool { return asked.Load() > before+8 || failed.Load() > 0 })
	}
	close(stop)
	wait.Wait()
	if leaf := s.cert.current().Leaf; !sameLeaf(leaf, last) {
		t.Error("the last certificate is not the one that is shown")
	}
	t.Logf("%d requests, %d failed", asked.Load(), failed.Load())
}

// TestUnusableCertificates leave the old one.
func TestUnusableCertificates(t *testing.T) {
	s := start(t, secured("none"), nil)
	old, err := os.ReadFile(s.file("tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	oldKey := must(os.ReadFile(s.file("tls.key")))
	cert, key := s.ca.issue(t, nil)
	chain := append(bytes.Clone(cert), s.ca.pem()...)
	expired, expiredKey := s.ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	early, earlyKey := s.ca.issue(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })
	for name, files := range map[string][2][]byte{
		"half of the leaf":       {cert[:len(cert)-30], key},
		"half of the chain":      {chain[:len(chain)-30], key},
		"half of the key":        {cert, key[:len(key)/2]},
		"the key alone changed":  {old, key},
		"the cert alone changed": {cert, oldKey},
		"empty":                  {nil, key},
		"the key in both":        {key, key},
		"expired":                {expired, expiredKey},
		"not yet valid":          {early, earlyKey},
		"endless":                {bytes.Repeat([]byte("x"), maxFile+1), key},
	} {
		write(t, s.file("tls.crt"), files[0])
		write(t, s.file("tls.key"), files[1])
		if err := s.Reload(); err == nil || !sameLeaf(s.cert.current().Leaf, old) {
			t.Errorf("%s: got %v", name, err)
		}
		if code, body := get(s.client(t, nil), s.url("/")); code != 200 {
			t.Errorf("%s: got %d %s", name, code, body)
		}
	}
	_, body := get(s.client(t, nil), s.url("/metrics"))
	if !strings.Contains(body, `certificate`) || !strings.Contains(s.said.String(), "keeping the old certificate") {
		t.Errorf("it is not counted or not logged: %s", s.said)
	}
	write(t, s.file("tls.crt"), chain)
	write(t, s.file("tls.key"), key)
	if err := s.Reload(); err != nil || !sameLeaf(s.cert.current().Leaf, cert) {
		t.Errorf("a good one after that: %v", err)
	}
}

// TestExpired: a server whose certificate expired is not ready, and any other takes its
// place.
func TestExpired(t *testing.T) {
	c := newClock()
	set := secured("none")
	set.Probes = "127.0.0.1:0"
	s := start(t, set, func(o *Options) { o.Now = c.now })
	at := "http://" + s.ProbesAddress().String() + "/readyz"
	if code, body := get(http.DefaultClient, at); code != 200 {
		t.Fatalf("got %d %s", code, body)
	}
	c.add(2 * time.Hour)
	if code, body := get(http.DefaultClient, at); code != 503 || body != "not ready: the certificate; the log says why" {
		t.Errorf("got %d %s", code, body)
	}
	cert, key := s.ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(3 * time.Hour) })
	write(t, s.file("tls.crt"), cert)
	write(t, s.file("tls.key"), key)
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
	c.add(2 * time.Second)
	if code, body := get(http.DefaultClient, at); code != 200 {
		t.Errorf("got %d %s", code, body)
	}
}

// TestRefusesToStart: what cannot be enforced does not start.
func TestRefusesToStart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*stage, *Options)
		want   string
	}{
		"mTLS without CA":          {func(_ *stage, o *Options) { o.Settings.Auth, o.Settings.Probes = "mtls", ":0" }, "there is no client_ca"},
		"mTLS without probes":      {func(_ *stage, o *Options) { o.Settings.Auth, o.Settings.ClientCA = "mtls", "x" }, "probes is not set"},
		"a CA without certificate": {func(s *stage, o *Options) { mutualWith(o, write(t, s.file("x"), []byte("# no"))) }, "something after certificate 0 that is no PEM"},
		"an empty CA":              {func(s *stage, o *Options) { mutualWith(o, write(t, s.file("x"), nil)) }, "has no certificate in PEM"},
		"a CA that is not there":   {func(s *stage, o *Options) { mutualWith(o, s.file("none")) }, "read client_ca: open"},
		"bearer without tokens":    {func(_ *stage, o *Options) { o.Settings.Auth = "bearer" }, "there are no tokens"},
		"bearer, plain, anywhere": {func(_ *stage, o *Options) {
			o.Settings.Auth, o.Settings.Tokens, o.Settings.Certificate, o.Settings.Key, o.Settings.Listen = "bearer", []string{"x"}, "", "", "0.0.0.0:0"
		}, "there is no certificate"},
		"no certificate there": {func(s *stage, o *Options) { o.Settings.Certificate = s.file("none") }, "read the certificate: open"},
		"an unknown auth":      {func(_ *stage, o *Options) { o.Settings.Auth = "mTLS" }, "auth is unknown"},
		"auth unsaid":          {func(_ *stage, o *Options) { o.Settings.Auth, o.Settings.Listen = "", ":0" }, "auth is not set"},
		"no doors":             {func(_ *stage, o *Options) { o.Doors = nil }, "wanted doors"},
	} {
		set := secured("none")
		s := prepare(t, &set)
		o := Options{Settings: set, Doors: hello, Now: time.Now}
		c.change(s, &o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	set := plain()
	s := start(t, set, nil)
	set.Listen = s.Address().String()
	f, err := New(Options{Settings: set, Doors: hello, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for the doors") {
		t.Errorf("an address that is taken: got %v", err)
	}
}

func mutualWith(o *Options, ca string) {
	o.Settings.Auth, o.Settings.Probes, o.Settings.ClientCA = "mtls", "127.0.0.1:0", ca
}

// TestNoPlainHTTP: a listener with TLS answers plain HTTP with an error, and redirects
// nobody who sent a token.
func TestNoPlainHTTP(t *testing.T) {
	s := start(t, secured("bearer"), nil)
	resp, err := http.Get("http://" + s.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("got %d %s", resp.StatusCode, b)
	}
	_ = tls.VersionTLS13
}
