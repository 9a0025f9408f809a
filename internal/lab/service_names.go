package lab

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// issuerTunnels is how many connections the proxy carries at once.
const issuerTunnels = 64

// issuerNames serve the issuers over TLS under their real names, with a certificate authority of their own, and a
// CONNECT proxy (RFC 9110, section 9.3.6) as the only way there.
type issuerNames struct {
	ca    *x509.Certificate
	hosts map[string]http.Handler
	tls   string // where the TLS server listens
	proxy string

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// IssuerCA returns the certificate authority of the issuers' TLS in PEM, for SSL_CERT_FILE. Only with IssuerProxy.
func (v *Services) IssuerCA() []byte {
	if v.named == nil {
		return nil
	}
	return certificatePEM(v.named.ca)
}

// IssuerProxyURL is the proxy that leads to the issuers, for HTTPS_PROXY. Only with IssuerProxy.
func (v *Services) IssuerProxyURL() string {
	if v.named == nil {
		return ""
	}
	return "http://" + v.named.proxy
}

// startIssuerNames listens on two more ports of 127.0.0.1.
func (v *Services) startIssuerNames() error {
	n := &issuerNames{hosts: map[string]http.Handler{}, conns: map[net.Conn]struct{}{}}
	for _, i := range v.fulcioIssuers() {
		n.hosts[strings.TrimPrefix(i.url, "https://")] = i.site()
	}
	cert, err := n.certify(v.opts.Clock())
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for tls: %w", err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = secure.Close()
		return fmt.Errorf("listen for proxy: %w", err)
	}
	n.tls, n.proxy = secure.Addr().String(), plain.Addr().String()
	v.named = n
	v.serve(secure, http.HandlerFunc(n.site), func(s *http.Server) {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	})
	v.serve(plain, http.HandlerFunc(n.connect), nil)
	return nil
}

// site serves what an issuer publishes at the root of its host.
func (i *issuer) site() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /"+discoveryPath, door(0, i.discovery))
	mux.Handle("GET "+i.keysPath, door(0, i.keys))
	return mux
}

func (n *issuerNames) site(w http.ResponseWriter, r *http.Request) {
	host, ok := n.hosts[strings.TrimSuffix(r.Host, ":443")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	host.ServeHTTP(w, r)
}

// certify makes a throw-away authority and a certificate for the issuers' names.
func (n *issuerNames) certify(now time.Time) (tls.Certificate, error) {
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		var err error
		if keys[i], err = newKey(); err != nil {
			return tls.Certificate{}, err
		}
	}
	w := Window{From: now.Add(-time.Hour), To: now.AddDate(0, 1, 0)}
	var err error
	if n.ca, err = caCertificate("issuers of the lab", w, nil, nil, keys[0], keys[0]); err != nil {
		return tls.Certificate{}, fmt.Errorf("make authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"assay lab"}}, NotBefore: w.From, NotAfter: w.To,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for host := range n.hosts {
		template.DNSNames = append(template.DNSNames, host)
	}
	leaf, err := createCertificate(template, n.ca, keys[1].Public(), keys[0])
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: keys[1]}, nil
}

// connect carries a connection to port 443 of an issuer to the TLS server, and nothing anywhere else.
func (n *issuerNames) connect(w http.ResponseWriter, r *http.Request) {
	host, ok := strings.CutSuffix(r.Host, ":443")
	if _, known := n.hosts[host]; r.Method != http.MethodConnect || !ok || !known {
		http.Error(w, "this proxy leads to port 443 of the lab's issuers only", http.StatusForbidden)
		return
	}
	up, err := net.DialTimeout("tcp", n.tls, serviceConnection)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if !n.hold(up) {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	defer n.release(up)
	down, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer down.Close() //nolint:errcheck // nothing more is said on it
	for _, c := range []net.Conn{up, down} {
		if err := c.SetDeadline(time.Now().Add(2 * serviceConnection)); err != nil { //nolint:forbidigo // deadlines are of the wall clock
			return
		}
	}
	if _, err := io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(up, buffered)
		_ = up.Close()
	}()
	_, _ = io.Copy(down, up)
}

// hold remembers a connection for cut. It closes and refuses one too many.
func (n *issuerNames) hold(c net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.conns) >= issuerTunnels {
		_ = c.Close()
		return false
	}
	n.conns[c] = struct{}{}
	return true
}

func (n *issuerNames) release(c net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	_ = c.Close()
}

// cut closes what is carried.
func (n *issuerNames) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
}
