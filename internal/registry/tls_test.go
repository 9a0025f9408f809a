package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// authority is a CA of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// issue signs a certificate, with its own key if there is no CA yet.
func (a *authority) issue(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// start starts a registry on loopback with a certificate of a, and returns its host.
func (a *authority) start(h http.HandlerFunc) string {
	cert, key := a.issue(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quiet()
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	a.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// TestRoots shows that a CA vouches for its own host, on its own port, and nobody else
// does so for that host.
func TestRoots(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	own, neighbour, other := ours.start(serves(image)), ours.start(serves(image)), theirs.start(serves(image))
	network := Network{Roots: map[string]*x509.CertPool{own: ours.pool(), other: ours.pool()}}
	transport := network.Transport()
	t.Cleanup(func() { (&http.Client{Transport: transport}).CloseIdleConnections() })
	for host, code := range map[string]verify.Code{own: "", neighbour: verify.RegistryUnreachable, other: verify.RegistryUnreachable} {
		r := New(Options{Keychain: anonymous{}, Transport: transport, Budget: budget.New(budget.Default(), noWaiting())})
		_, err := r.Resolve(t.Context(), reference(t, host+"/o/n:v1"))
		var failure *verify.Failure
		if errors.As(err, &failure) != (code != "") || failure != nil && (failure.Code != code || failure.Class != verify.Definitive) {
			t.Errorf("got %v, want %q", err, code)
		}
	}
}

// TestRootsAndRedirects shows that the CA of a registry vouches for no host to which it redirects.
func TestRootsAndRedirects(t *testing.T) {
	ours := newAuthority(t)
	store := ours.start(serves(image))
	own := ours.start(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			redirect("https://"+store+"/blob")(w, r)
		}
	})
	transport := Network{Roots: map[string]*x509.CertPool{own: ours.pool()}}.Transport()
	r := New(Options{Keychain: anonymous{}, Transport: transport, Budget: budget.New(budget.Default(), noWaiting())})
	_, err := r.Resolve(t.Context(), reference(t, own+"/o/n:v1"))
	var failure *verify.Failure
	if !errors.As(err, &failure) || failure.Code != verify.RegistryUnreachable {
		t.Errorf("got %v", err)
	}
}

// TestProxy shows which requests go through which proxy.
func TestProxy(t *testing.T) {
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(v, "")
	}
	t.Setenv("HTTPS_PROXY", "http://environment.example:1")
	t.Setenv("NO_PROXY", "internal.example,.corp.example")
	own := &url.URL{Scheme: "http", Host: "proxy.example:3128"}
	choose := Network{Proxy: own}.proxy()
	for address, want := range map[string]string{
		"https://registry.example/v2/": own.String(), "http://registry.example/v2/": own.String(),
		"https://internal.example/v2/": "", "https://a.corp.example/v2/": "", "https://internal.example:5000/v2/": "",
		"https://localhost/v2/": "", "http://127.0.0.1:5000/v2/": "", "https://[::1]:5000/": "", "http://kind.localhost:5000/": "", "http://127.9.9.9/": "",
	} {
		req := httptest.NewRequest(http.MethodGet, address, nil)
		got := ""
		if through, err := choose(req); err != nil {
			t.Fatal(err)
		} else if through != nil {
			got = through.String()
		}
		if got != want {
			t.Errorf("%s goes through %q, want %q", address, got, want)
		}
	}
}

// TestProxyTunnels sends a registry with a CA of its own through a proxy, which sees
// its name and nothing else.
func TestProxyTunnels(t *testing.T) {
	for _, v := range []string{"NO_PROXY", "no_proxy"} {
		t.Setenv(v, "")
	}
	ours := newAuthority(t)
	cert, key := ours.issue(&x509.Certificate{DNSNames: []string{"registry.example"}})
	registry := httptest.NewUnstartedServer(serves(image))
	registry.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	registry.StartTLS()
	t.Cleanup(registry.Close)
	seen := make(chan string, 16)
	proxy := httptest.NewServer(tunnel(registry.Listener.Addr().String(), seen))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := Network{Proxy: through, Roots: map[string]*x509.CertPool{"registry.example": ours.pool()}}.Transport()
	t.Cleanup(func() { (&http.Client{Transport: transport}).CloseIdleConnections() })
	r := New(Options{Keychain: keys{}, Transport: transport, Budget: budget.New(budget.Default(), noWaiting())})
	if _, err := r.Resolve(t.Context(), reference(t, "registry.example/o/n:v1")); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "CONNECT registry.example:443" {
		t.Errorf("the proxy saw %q", got)
	}

	through.Scheme = "https"
	transport = Network{Proxy: through, Roots: map[string]*x509.CertPool{"registry.example": ours.pool()}}.Transport()
	r = New(Options{Keychain: keys{}, Transport: transport, Budget: budget.New(budget.Default(), noWaiting())})
	_, err = r.Resolve(t.Context(), reference(t, "registry.example/o/n:v1"))
	if err == nil || !strings.Contains(err.Error(), "a proxy that speaks TLS") {
		t.Errorf("got %v", err)
	}
}

// tunnel is a proxy that connects everything with one address.
func tunnel(to string, seen chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		seen <- strings.Join(slices.Concat([]string{r.Method, r.Host}, r.Header["Authorization"], r.Header["Proxy-Authorization"]), " ")
		there, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = there.Close()
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(there, buffered)
			_ = there.Close()
		}()
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}
}
