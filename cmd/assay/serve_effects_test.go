//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// shop is a good release in a registry on loopback, for servers that are to judge it.
type shop struct{ image, registries, root, otherRoot string }

func newShop(t *testing.T) shop {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, b, 0o600))
		return path
	}
	var roots []string
	var good *lab.Sigstore
	for _, name := range []string{"lab", "other"} {
		s, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: name})
		must(t, err)
		root, err := s.TrustedRoot()
		must(t, err)
		roots = append(roots, write(name+".json", root))
		if good == nil {
			good = s
		}
	}
	reg := lab.NewRegistry(lab.RegistryOptions{Clock: time.Now})
	must(t, reg.Start())
	t.Cleanup(func() { _ = reg.Close() })
	release, err := lab.GoodRelease(good, lab.ReleaseOptions{Repository: reg.Host() + "/acme/widget"})
	must(t, err)
	must(t, release.Push(context.Background()))
	return shop{
		image:      release.Repository + ":1.2.3",
		registries: write("registries.yaml", fmt.Appendf(nil, "registries: [{host: '%s', plain_http: true, network: loopback}]\n", reg.Host())),
		root:       roots[0], otherRoot: roots[1],
	}
}

// answered asks about an image and returns the answer.
func (s *served) answered(t *testing.T, image string) string {
	t.Helper()
	resp, err := http.Post(s.url+"/v1/verify", "application/json", strings.NewReader(`{"image":"`+image+`"}`))
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(b)
}

// TestServeReaches: what the server may reach, by which root it judges, and how often it
// asks a registry, are as its settings say.
func TestServeReaches(t *testing.T) {
	shop := newShop(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"as it should be":      {[]string{"--registries", shop.registries, "--trusted-root", shop.root}, `"verdict": "pass"`},
		"without registries":   {[]string{"--trusted-root", shop.root}, `"code": "registry.insecure"`},
		"by another root":      {[]string{"--registries", shop.registries, "--trusted-root", shop.otherRoot}, `"code": "trust.unknown_authority"`},
		"a rate that ends it":  {[]string{"--registries", shop.registries, "--trusted-root", shop.root, "--registry-rate", "0.01", "--registry-burst", "1", "--verification", "2s"}, `"conclusive": false`},
		"a burst that does it": {[]string{"--registries", shop.registries, "--trusted-root", shop.root, "--registry-rate", "0.01", "--registry-burst", "100"}, `"verdict": "pass"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServe(t, c.args...)
			s.write(t, "p.yaml", strings.Replace(strings.ReplaceAll(servedPolicy, "NAME", "second"), "workflow: w", "workflow: .github/workflows/release.yml", 1))
			must(t, s.hangup(t))
			if got := s.answered(t, shop.image); !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestServeVerification: a verification ends by its own setting, long before the answer
// is due.
func TestServeVerification(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	registries := filepath.Join(t.TempDir(), "r.yaml")
	must(t, os.WriteFile(registries, fmt.Appendf(nil, "registries: [{host: '%s', plain_http: true, network: loopback}]\n", silent.Addr()), 0o600))
	s := startServe(t, "--registries", registries, "--verification", "1s", "--deadline", "1m")
	if got := s.answered(t, silent.Addr().String()+"/acme/widget:1.2.3"); !strings.Contains(got, `"conclusive": false`) || strings.Contains(got, "server.late") {
		t.Errorf("got %s", got)
	}
}

// TestServeRefresh: a policy that changes is noticed without a signal.
func TestServeRefresh(t *testing.T) {
	s := startServe(t, "--refresh", "1s")
	s.write(t, "p.yaml", strings.ReplaceAll(servedPolicy, "NAME", "second"))
	s.errors.waitFor(t, `"loaded","policies":"second"`)
}

// TestServeTraces: spans go to the collector.
func TestServeTraces(t *testing.T) {
	asked := make(chan string, 16)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case asked <- r.URL.Path:
		default:
		}
	}))
	defer collector.Close()
	s := startServe(t, "--traces", collector.URL)
	s.ask(t, "")
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	within(t, asked, "/v1/traces")
}

// TestServeStore: the store is reached over TLS by redis_ca, and with the password of the
// file; share_floor makes a store that does not answer a server that is not ready.
func TestServeStore(t *testing.T) {
	tlsServer := httptest.NewUnstartedServer(nil)
	tlsServer.StartTLS()
	defer tlsServer.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: tlsServer.TLS.Certificates})
	must(t, err)
	defer listener.Close()
	heard := make(chan string, 64)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					select {
					case heard <- lines.Text():
					default:
					}
				}
			}()
		}
	}()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	key := make([]byte, 32)
	_, err = rand.Read(key)
	must(t, err)
	ca := write("ca.pem", string(pemOf(tlsServer.Certificate())))
	args := []string{
		"--redis", "rediss://" + listener.Addr().String(), "--redis-password", write("pw", "the-password\n"), "--redis-ca", ca,
		"--store-keys", write("key", hex.EncodeToString(key)+"\n"),
	}
	s := startServe(t, args...)
	if status, _ := ready(t, s.url); status != 200 {
		t.Errorf("without share_floor: /readyz is %d", status)
	}
	s.stop()
	s = startServe(t, append(args, "--share-floor")...)
	if status, _ := ready(t, s.url); status != 503 {
		t.Errorf("with share_floor: /readyz is %d", status)
	}
	within(t, heard, "the-password")
}

// within waits for a line that holds a text.
func within(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	for late := time.After(10 * time.Second); ; {
		select {
		case line := <-lines:
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			t.Fatalf("nobody sent %s", text)
		}
	}
}

func ready(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url + "/readyz")
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(b)
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
