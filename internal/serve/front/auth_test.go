package front

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/settings"
)

func secured(auth string) settings.Settings {
	s := plain()
	s.Certificate, s.Auth = "tls", auth
	if auth == "mtls" {
		s.Probes = "127.0.0.1:0"
	}
	return s
}

// TestNone: on loopback nothing is demanded, and the client is its address.
func TestNone(t *testing.T) {
	s := start(t, plain(), nil)
	if code, body := get(http.DefaultClient, s.url("/x")); code != 200 || body != "hello 127.0.0.1" {
		t.Errorf("got %d %q", code, body)
	}
}

// TestBearer: one header with one token that is held, and nothing else.
func TestBearer(t *testing.T) {
	s := start(t, secured("bearer"), nil)
	c := s.client(t, nil)
	for name, header := range map[string][]string{
		"none":             nil,
		"empty":            {"Authorization", ""},
		"no token":         {"Authorization", "Bearer"},
		"an empty token":   {"Authorization", "Bearer "},
		"another token":    {"Authorization", "Bearer " + strings.ToUpper(oldToken)},
		"a beginning":      {"Authorization", "Bearer " + oldToken[:20]},
		"one more":         {"Authorization", "Bearer " + oldToken + "x"},
		"name and token":   {"Authorization", "Bearer ci:" + newToken},
		"two spaces":       {"Authorization", "Bearer  " + oldToken},
		"basic":            {"Authorization", "Basic " + oldToken},
		"two headers":      {"Authorization", "Bearer " + oldToken, "Authorization", "Bearer " + oldToken},
		"in another":       {"X-Authorization", "Bearer " + oldToken},
		"both":             {"Authorization", "Bearer " + oldToken + ", Bearer " + newToken},
		"the comment":      {"Authorization", "Bearer # of CI"},
		"without a scheme": {"Authorization", oldToken},
	} {
		if code, body := get(c, s.url("/x"), header...); code != 401 || strings.Contains(body, "hello") {
			t.Errorf("%s: got %d %q", name, code, body)
		}
	}
	if code, _ := get(c, s.url("/x?access_token="+oldToken)); code != 401 {
		t.Errorf("a token in the address: got %d", code)
	}
	for header, want := range map[string]string{"Bearer " + oldToken: "hello old", "bearer " + newToken: "hello ci"} {
		if code, body := get(c, s.url("/x"), "Authorization", header); code != 200 || body != want {
			t.Errorf("got %d %q, want %q", code, body, want)
		}
	}
	if said := s.said.String(); strings.Contains(said, oldToken) || strings.Contains(said, newToken) {
		t.Errorf("a token is in the log: %s", said)
	}
}

// TestTokenRotation: what is added may ask, what is taken out may not, and a file that
// cannot be read keeps its tokens without keeping those of others.
func TestTokenRotation(t *testing.T) {
	s := start(t, secured("bearer"), nil)
	c := s.client(t, nil)
	may := func(token string) bool {
		code, _ := get(c, s.url("/"), "Authorization", "Bearer "+token)
		return code == 200
	}
	const third = "a-third-token-of-32-characters-or-so"
	write(t, s.file("old"), []byte(oldToken+"\nlater:"+third+"\n"))
	if err := s.Reload(); err != nil || !may(oldToken) || !may(third) || !may(newToken) {
		t.Errorf("after one was added: %v", err)
	}
	write(t, s.file("old"), []byte("later:"+third+"\n"))
	write(t, s.file("more"), []byte("short\n"))
	if err := s.Reload(); err == nil || may(oldToken) || !may(third) || !may(newToken) {
		t.Errorf("after one was taken out beside a broken file: %v", err)
	}
	for name, text := range map[string]string{
		"empty": "", "short": "x:short", "strange": "a token with spaces in it", "an odd name": "a b:" + third, "a comment": "# x\n", "unseen": third + "\x00",
	} {
		write(t, s.file("old"), []byte(text))
		if err := s.Reload(); err == nil || !may(third) || strings.Contains(err.Error(), third) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := os.Remove(s.file("old")); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil || !may(third) {
		t.Errorf("a file that is gone: %v", err)
	}
	write(t, s.file("old"), []byte("a:"+newToken))
	write(t, s.file("more"), []byte("b:"+newToken))
	if err := s.Reload(); err == nil || strings.Contains(err.Error(), newToken) {
		t.Errorf("one token with two names: %v", err)
	}
}

// TestPoll: a change is found without a signal, once it has settled.
func TestPoll(t *testing.T) {
	s := start(t, secured("bearer"), func(o *Options) { o.Poll = 5 * time.Millisecond })
	c := s.client(t, nil)
	write(t, s.file("old"), []byte(newToken[1:]+"\n"))
	cert, key := s.ca.issue(t, nil)
	write(t, s.file("tls.crt"), cert)
	write(t, s.file("tls.key"), key)
	within(t, "the new token", func() bool {
		code, _ := get(c, s.url("/"), "Authorization", "Bearer "+newToken[1:])
		return code == 200
	})
	within(t, "the new certificate", func() bool {
		c, err := tls.Dial("tcp", s.Address().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return false
		}
		defer c.Close()
		return sameLeaf(c.ConnectionState().PeerCertificates[0], cert)
	})
	write(t, s.file("old"), nil)
	within(t, "the complaint", func() bool { return strings.Contains(s.said.String(), "keeping the old tokens") })
	time.Sleep(50 * time.Millisecond)
	if n := strings.Count(s.said.String(), "keeping the old tokens"); n != 1 {
		t.Errorf("what is wrong is said %d times", n)
	}
}

// TestMutual is the matrix of client certificates.
func TestMutual(t *testing.T) {
	s := start(t, secured("mtls"), nil)
	stranger := newIssuer(t, "client CA") // the same name
	name := func(n string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: n} }
	}
	ask := func(cert, key []byte) (int, string) {
		return get(s.client(t, func(c *tls.Config) { c.Certificates = []tls.Certificate{must(tls.X509KeyPair(cert, key))} }), s.url("/"))
	}
	for what, c := range map[string]struct {
		from   *issuer
		change func(*x509.Certificate)
		want   string
	}{
		"right":      {s.clients, name("apiserver"), "hello apiserver"},
		"a DNS name": {s.clients, func(c *x509.Certificate) { c.Subject, c.DNSNames = pkix.Name{}, []string{"api.example"} }, "hello api.example"},
		"a URI": {s.clients, func(c *x509.Certificate) {
			c.Subject, c.URIs = pkix.Name{}, []*url.URL{{Scheme: "spiffe", Host: "x", Path: "/y"}}
		}, "hello spiffe://x/y"},
		"no name":      {s.clients, func(c *x509.Certificate) { c.Subject = pkix.Name{} }, ""},
		"another CA":   {stranger, name("apiserver"), ""},
		"expired":      {s.clients, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, ""},
		"not yet":      {s.clients, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, ""},
		"of a server":  {s.clients, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, ""},
		"the server's": {s.ca, nil, ""},
	} {
		code, body := ask(c.from.issue(t, c.change))
		if c.want == "" && code == 200 || c.want != "" && body != c.want {
			t.Errorf("%s: got %d %q, want %q", what, code, body, c.want)
		}
	}
	if code, _ := get(s.client(t, nil), s.url("/")); code != 0 {
		t.Errorf("without a certificate: got %d", code)
	}
	probes := "http://" + s.ProbesAddress().String()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if code, body := get(http.DefaultClient, probes+path); code != 200 {
			t.Errorf("%s on its own address: got %d %s", path, code, body)
		}
	}
	if code, _ := get(http.DefaultClient, probes+"/v1/verify"); code != 404 {
		t.Errorf("a door at the probes' address: got %d", code)
	}
}

// TestMutualNames: only the certificates that are named may ask.
func TestMutualNames(t *testing.T) {
	set := secured("mtls")
	set.ClientNames = []string{"apiserver", "spiffe://x/y"}
	s := start(t, set, nil)
	for want, change := range map[string]func(*x509.Certificate){
		"hello apiserver":    func(c *x509.Certificate) { c.Subject.CommonName = "apiserver" },
		"hello spiffe://x/y": func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "spiffe", Host: "x", Path: "/y"}} },
		"":                   func(c *x509.Certificate) { c.Subject.CommonName = "apiserver2" },
	} {
		cert, key := s.clients.issue(t, change)
		code, body := get(s.client(t, func(c *tls.Config) { c.Certificates = []tls.Certificate{must(tls.X509KeyPair(cert, key))} }), s.url("/"))
		if want == "" && code != 401 || want != "" && body != want {
			t.Errorf("got %d %q, want %q", code, body, want)
		}
	}
}

// TestMutualOutlived: a connection that stays open loses its right with its CA, and with
// its certificate.
func TestMutualOutlived(t *testing.T) {
	clock := newClock()
	s := start(t, secured("mtls"), func(o *Options) { o.Now = clock.now })
	cert, key := s.clients.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(10 * time.Minute) })
	c := s.client(t, func(c *tls.Config) { c.Certificates = []tls.Certificate{must(tls.X509KeyPair(cert, key))} })
	if code, body := get(c, s.url("/")); code != 200 {
		t.Fatalf("got %d %s", code, body)
	}
	other := newIssuer(t, "next")
	write(t, s.file("ca.crt"), append(other.pem(), s.clients.pem()...))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if code, _ := get(c, s.url("/")); code != 200 {
		t.Errorf("while both CAs are there: got %d", code)
	}
	clock.add(11 * time.Minute)
	if code, _ := get(c, s.url("/")); code != 401 {
		t.Errorf("after the certificate expired: got %d", code)
	}
	clock.add(-11 * time.Minute)
	write(t, s.file("ca.crt"), other.pem())
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if code, _ := get(c, s.url("/")); code != 401 {
		t.Errorf("after its CA was taken out: got %d", code)
	}
	for name, b := range map[string][]byte{"nothing": nil, "half": s.clients.pem()[:200], "no CA": cert, "a key": key} {
		write(t, s.file("ca.crt"), b)
		if err := s.Reload(); err == nil {
			t.Errorf("%s is a client CA", name)
		}
		if code, _ := get(c, s.url("/")); code == 200 {
			t.Errorf("with %s in the file the stranger is back", name)
		}
	}
}

// TestVersions: TLS 1.2 at least, and 1.3 for client certificates.
func TestVersions(t *testing.T) {
	for auth, oldest := range map[string]uint16{"none": tls.VersionTLS12, "bearer": tls.VersionTLS12, "mtls": tls.VersionTLS13} {
		s := start(t, secured(auth), nil)
		for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
			c, err := tls.Dial("tcp", s.Address().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v})
			if (err == nil) != (v >= oldest) {
				t.Errorf("%s, %s: got %v", auth, tls.VersionName(v), err)
			}
			if err == nil {
				_ = c.Close()
			}
		}
	}
}

// TestMetricsAuth: who reads the metrics shows what the doors demand.
func TestMetricsAuth(t *testing.T) {
	set := secured("bearer")
	set.MetricsAuth, set.Probes, set.ProbesTLS = true, "127.0.0.1:0", true
	s := start(t, set, nil)
	at := "https://" + s.ProbesAddress().String()
	for header, want := range map[string]int{"": 401, "Bearer x": 401, "Bearer " + oldToken: 200} {
		if code, _ := get(s.client(t, nil), at+"/metrics", "Authorization", header); code != want {
			t.Errorf("%q: got %d, want %d", header, code, want)
		}
	}
	if code, _ := get(s.client(t, nil), at+"/healthz"); code != 200 {
		t.Errorf("probes: got %d", code)
	}

	set = secured("mtls")
	set.MetricsAuth, set.ProbesTLS = true, true
	s = start(t, set, nil)
	at = "https://" + s.ProbesAddress().String()
	cert, key := s.clients.issue(t, nil)
	with := s.client(t, func(c *tls.Config) { c.Certificates = []tls.Certificate{must(tls.X509KeyPair(cert, key))} })
	for want, c := range map[int]*http.Client{401: s.client(t, nil), 200: with} {
		if code, _ := get(c, at+"/metrics"); code != want {
			t.Errorf("got %d, want %d", code, want)
		}
		if code, _ := get(c, at+"/readyz"); code != 200 {
			t.Errorf("probes: got %d", code)
		}
	}

	set = secured("bearer")
	s = start(t, set, nil)
	if code, _ := get(s.client(t, nil), s.url("/metrics")); code != 200 {
		t.Errorf("metrics without demand: got %d", code)
	}
}
