package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the one that is measured.
type server struct {
	url string
	tls *tls.Config // nil for plain HTTP
	pid int
	// end stops it and says how that went.
	end func() error
}

// flags are the settings of the server: the defaults, but for the rates and crowds that this program is made of.
func flags(o options, c *corpus, listen string) []string {
	all := []string{
		"--listen", listen, "--auth", "none", "--policies", c.file("policy.yaml"), "--registries", c.file("registries.yaml"),
		"--trusted-root", c.file("trusted_root.json"), "--audit-log", c.file("audit.log"), "--log-level", "warn",
		"--client-rate", "1000000", "--client-burst", "1000000", "--registry-rate", "100000", "--registry-burst", "100000",
		"--connections", strconv.Itoa(4 * max(o.crowd, o.connections, 256)), "--concurrency", strconv.Itoa(max(2*o.crowd, 256)),
	}
	if !o.plain {
		all = append(all, "--certificate", c.file("server.pem"), "--key", c.file("server.key"))
	}
	return all
}

// start starts the server and waits until it is ready.
func start(ctx context.Context, o options, c *corpus) (*server, error) {
	s := &server{}
	scheme := "http"
	if !o.plain {
		pool, err := writeCertificate(c)
		if err != nil {
			return nil, err
		}
		s.tls, scheme = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, "https"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	s.url = scheme + "://" + listen
	run := s.runProcess
	if o.inProcess {
		run = s.runInside
	}
	if err := run(ctx, o, flags(o, c, listen)); err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// runProcess starts the binary.
func (s *server) runProcess(_ context.Context, o options, args []string) error {
	cmd := exec.Command(o.bin, append([]string{"serve"}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(os.Environ(), "HTTP_PROXY=", "HTTPS_PROXY=")
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	s.pid = cmd.Process.Pid
	s.end = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		var err error
		select {
		case err = <-exited:
		case <-time.After(40 * time.Second):
			_ = cmd.Process.Kill()
			err = errors.Join(errors.New("the server did not stop when it was told to"), <-exited)
		}
		if err != nil {
			return fmt.Errorf("assay serve: %w\n%.4000s", err, said.Bytes())
		}
		return nil
	}
	return nil
}

func (s *server) stop() error { return s.end() }

func (s *server) client() *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: s.tls, DisableKeepAlives: true}}
}

func (s *server) waitReady(ctx context.Context) error {
	client := s.client()
	var last error
	for range 200 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			return err
		}
		w, err := client.Do(r)
		if err == nil {
			said, _ := io.ReadAll(io.LimitReader(w.Body, 1000))
			_ = w.Body.Close()
			if w.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("got status %d: %s", w.StatusCode, said)
		}
		last = err
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("the server is not ready: %w", last)
}

// verifications reads how many there were from the server's metrics; -1 if it does not say.
func (s *server) verifications(ctx context.Context) int64 {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		return -1
	}
	w, err := s.client().Do(r)
	if err != nil {
		return -1
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(w.Body, 8<<20))
	if err != nil || w.StatusCode != http.StatusOK {
		return -1
	}
	sum := int64(0)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "assay_verifications_total{") {
			_, value, _ := strings.Cut(line, "} ")
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return -1
			}
			sum += int64(n)
		}
	}
	return sum
}

// writeCertificate writes a certificate for the server, and returns who vouches for it.
func writeCertificate(c *corpus) (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool, errors.Join(os.WriteFile(c.file("server.pem"), cert, 0o600),
		os.WriteFile(c.file("server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
