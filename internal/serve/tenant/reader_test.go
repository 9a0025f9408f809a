package tenant

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/internal/serve"
)

// hidden is what must be in no error and no log.
const hidden = "hunter2-XYZZY"

// cluster is an API server with a few objects.
type cluster struct {
	t       *testing.T
	server  *httptest.Server
	dir     string
	token   string
	log     strings.Builder
	options Options

	mu      sync.Mutex
	now     time.Time
	answers map[string]http.HandlerFunc // by path below /api/v1/namespaces/
	asked   []string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), token: "token-1", now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), answers: map[string]http.HandlerFunc{}}
	c.server = httptest.NewUnstartedServer(c)
	c.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.server.StartTLS()
	t.Cleanup(c.server.Close)
	c.write("token", c.token+"\n")
	c.write("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw})))
	host, port, err := net.SplitHostPort(c.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.options = Options{
		Dir: c.dir, Host: host, Port: port, Log: slog.New(slog.NewTextHandler(&c.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now },
	}
	return c
}

func (c *cluster) write(file, content string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/")
	c.asked = append(c.asked, path)
	answer := c.answers[path]
	allowed := r.Method == http.MethodGet && r.Header.Get("Authorization") == "Bearer "+c.token
	c.mu.Unlock()
	switch {
	case !allowed:
		w.WriteHeader(http.StatusUnauthorized)
	case answer == nil:
		w.WriteHeader(http.StatusNotFound)
	default:
		answer(w, r)
	}
}

func (c *cluster) answer(path string, h http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[path] = h
}

// requests are those since the last time.
func (c *cluster) requests() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := strings.Join(c.asked, " ")
	c.asked = nil
	return all
}

func (c *cluster) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, hidden, code) }
}

func document(v any) http.HandlerFunc {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text(string(b))
}

// secret is one of the namespace team, with the auths of a config.json.
func (c *cluster) secret(name, auths string) {
	c.object(name, "kubernetes.io/dockerconfigjson", map[string]string{".dockerconfigjson": `{"auths":` + auths + `}`})
}

func (c *cluster) object(name, kind string, data map[string]string) {
	encoded := map[string]string{}
	for k, v := range data {
		encoded[k] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	c.answer("team/secrets/"+name, document(map[string]any{
		"kind": "Secret", "type": kind, "data": encoded, "metadata": map[string]string{"name": name, "namespace": "team"},
	}))
}

func (c *cluster) account(name string, secrets ...string) {
	var all []map[string]string
	for _, s := range secrets {
		all = append(all, map[string]string{"name": s})
	}
	c.answer("team/serviceaccounts/"+name, document(map[string]any{
		"kind": "ServiceAccount", "imagePullSecrets": all, "metadata": map[string]string{"name": name, "namespace": "team"},
	}))
}

func (c *cluster) reader() Reader {
	c.t.Helper()
	r, err := InCluster(c.options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = r.(io.Closer).Close() })
	return r
}

// read is what a new reader says of secrets of the namespace team.
func (c *cluster) read(secrets ...string) (Keychain, error) {
	c.t.Helper()
	k, err := c.reader().Read(c.t.Context(), serve.Tenant{Namespace: "team", ServiceAccount: "default", Secrets: strings.Join(secrets, "\n")})
	c.quiet(err)
	return k, err
}

// quiet fails where a secret is told.
func (c *cluster) quiet(err error) {
	c.t.Helper()
	if err != nil && strings.Contains(err.Error(), hidden) || strings.Contains(c.log.String(), hidden) {
		c.t.Errorf("a secret is told: %v\n%s", err, c.log.String())
	}
}

// login is as whom a keychain logs in to a repository, "" for nobody.
func loginOf(t *testing.T, k authn.Keychain, repository string) string {
	t.Helper()
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := k.Resolve(repo)
	if err != nil {
		t.Fatal(err)
	}
	if auth == authn.Anonymous {
		return ""
	}
	a, err := auth.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(a.Username+":"+a.Password+":"+a.IdentityToken, ":")
}

func TestRead(t *testing.T) {
	c := newCluster(t)
	c.secret("one", `{"ghcr.io":{"username":"u","password":"`+hidden+`"},"ghcr.io/team":{"auth":"`+base64.StdEncoding.EncodeToString([]byte("v:"+hidden))+`"}}`)
	c.secret("two", `{"ghcr.io":{"username":"late","password":"p"},"*.example:5000":{"username":"w","password":"p"},"token.example":{"username":"<token>","identitytoken":"t"}}`)
	c.object("old", "kubernetes.io/dockercfg", map[string]string{".dockercfg": `{"https://index.docker.io/v1/":{"auth":"` + base64.RawStdEncoding.EncodeToString([]byte("hub:a:b")) + `"}}`})
	c.object("opaque", "Opaque", map[string]string{".dockerconfigjson": `{"auths":{"quay.io":{"username":"x","password":"y"}}}`})
	c.object("swapped", "kubernetes.io/dockercfg", map[string]string{".dockerconfigjson": `{"auths":{"quay.io":{"username":"x","password":"y"}}}`, ".dockercfg": "{}"})
	k, err := c.read("one", "gone", "two", "old", "opaque", "swapped", "one")
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]string{
		"ghcr.io/acme/app":               "u:" + hidden,
		"ghcr.io/team/app":               "v:" + hidden,
		"registry.example:5000/app":      "w:p",
		"registry.example/app":           "",
		"token.example/app":              "<token>::t",
		"docker.io/library/busybox":      "hub:a:b",
		"quay.io/app":                    "",
		"ghcr.io.evil.example/team/app":  "",
		"169.254.169.254/latest/ghcr.io": "",
	} {
		if got := loginOf(t, k, repository); got != want {
			t.Errorf("%s: got %q, want %q", repository, got, want)
		}
	}
	if got := c.requests(); got != "team/secrets/one team/secrets/gone team/secrets/two team/secrets/old team/secrets/opaque team/secrets/swapped" {
		t.Errorf("asked %q", got)
	}
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%s", k.Keychain)} {
		if strings.Contains(s, hidden) {
			t.Errorf("a keychain tells %q", s)
		}
	}
}

// TestReadAccount: a pod that names no secrets has those of its service account.
func TestReadAccount(t *testing.T) {
	c := newCluster(t)
	c.secret("one", `{"ghcr.io":{"username":"u","password":"p"}}`)
	c.account("default", "one")
	c.account("builder", "gone", "one")
	c.account("bare")
	r := c.reader()
	for account, want := range map[string]string{"": "u:p", "default": "u:p", "builder": "u:p", "bare": "", "gone": ""} {
		k, err := r.Read(t.Context(), serve.Tenant{Namespace: "team", ServiceAccount: account})
		if err != nil {
			t.Fatal(err)
		}
		if got := loginOf(t, k, "ghcr.io/app"); got != want || (k.Principal == "") != (want == "") {
			t.Errorf("%q: got %q, principal %q", account, got, k.Principal)
		}
	}
	c.requests()
	if _, err := c.read("one"); err != nil {
		t.Fatal(err)
	}
	if got := c.requests(); got != "team/secrets/one" {
		t.Errorf("a pod with secrets of its own: asked %q", got)
	}
	k, err := r.Read(t.Context(), serve.Tenant{})
	if err != nil || k.Principal != "" || loginOf(t, k, "ghcr.io/app") != "" || c.requests() != "" {
		t.Errorf("nobody has %+v, %v", k, err)
	}
}

// TestReadFails: what cannot be read is an error and never "no secrets"; nothing that
// an answer holds is told.
func TestReadFails(t *testing.T) {
	long := strings.Repeat("x", maxObject)
	for what, h := range map[string]http.HandlerFunc{
		"unauthorized":      status(401),
		"too many requests": status(429),
		"broken":            status(500),
		"moved": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/"+hidden, http.StatusFound)
		},
		"no content":        status(204),
		"empty":             text(""),
		"not JSON":          text(hidden),
		"an array":          text(`[]`),
		"null":              text(`null`),
		"another kind":      text(`{"kind":"ConfigMap","metadata":{"name":"one","namespace":"team"}}`),
		"another secret":    text(`{"kind":"Secret","metadata":{"name":"two","namespace":"team"}}`),
		"another namespace": text(`{"kind":"Secret","metadata":{"name":"one","namespace":"other"}}`),
		"data of no base64": text(`{"kind":"Secret","metadata":{"name":"one","namespace":"team"},"type":"kubernetes.io/dockercfg","data":{".dockercfg":"` + hidden + `!"}}`),
		"no end":            text(`{"kind":"Secret","metadata":{"name":"one","namespace":"team"},"x":"` + long),
		"too long":          text(`{"kind":"Secret","metadata":{"name":"one","namespace":"team"},"type":"kubernetes.io/dockercfg","data":{".dockercfg":"e30="}}` + strings.Repeat(" ", maxObject)),
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"kind":"Secret",`)
		},
		"hanging up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(what, func(t *testing.T) {
			c := newCluster(t)
			c.answer("team/secrets/one", h)
			k, err := c.read("one")
			if err == nil || k.Keychain != nil {
				t.Errorf("got %v, %v", k, err)
			}
			c.answer("team/serviceaccounts/default", h)
			if _, err := c.read(); err == nil {
				t.Error("a service account like this is one without secrets")
			}
		})
	}
	for what, config := range map[string]string{
		"no JSON":                 hidden,
		"an array":                `[]`,
		"auths of another kind":   `{"auths":["` + hidden + `"]}`,
		"auth of no base64":       `{"auths":{"ghcr.io":{"auth":"` + hidden + `!!"}}}`,
		"auth without a password": `{"auths":{"ghcr.io":{"auth":"` + base64.StdEncoding.EncodeToString([]byte(hidden)) + `"}}}`,
		"a number":                `{"auths":{"ghcr.io":{"password":1}}}`,
	} {
		t.Run(what, func(t *testing.T) {
			c := newCluster(t)
			c.object("one", "kubernetes.io/dockerconfigjson", map[string]string{".dockerconfigjson": config})
			if k, err := c.read("one"); err == nil {
				t.Errorf("got %v", k)
			}
		})
	}
}

// TestReadNames: only names of DNS are ever asked for.
func TestReadNames(t *testing.T) {
	c := newCluster(t)
	r := c.reader()
	long := strings.Repeat("a", 254)
	for _, tenant := range []serve.Tenant{
		{Namespace: "team/../kube-system", ServiceAccount: "default"},
		{Namespace: "..", ServiceAccount: "default"},
		{Namespace: "", ServiceAccount: "default", Secrets: "one"},
		{Namespace: "Team", ServiceAccount: "default"},
		{Namespace: "team.a", ServiceAccount: "default"},
		{Namespace: strings.Repeat("a", 64), ServiceAccount: "default"},
		{Namespace: "team", ServiceAccount: "../secrets/one"},
		{Namespace: "team", ServiceAccount: "de%66ault"},
		{Namespace: "team", Secrets: "../../kube-system/secrets/one"},
		{Namespace: "team", Secrets: "one?x=1"},
		{Namespace: "team", Secrets: "one#"},
		{Namespace: "team", Secrets: "."},
		{Namespace: "team", Secrets: "-one"},
		{Namespace: "team", Secrets: "one\r"},
		{Namespace: "team", Secrets: long},
	} {
		if k, err := r.Read(t.Context(), tenant); err == nil {
			t.Errorf("%+v: got %v", tenant, k)
		}
	}
	var many []string
	for i := range maxSecrets + 1 {
		many = append(many, fmt.Sprint("s", i))
	}
	if _, err := c.read(many...); err == nil {
		t.Error("too many secrets are read")
	}
	if got := c.requests(); got != "" {
		t.Errorf("asked %q", got)
	}
}

// TestPrincipal: another namespace, a rotated secret, another order and another key of
// the server are other principals; what is not a login is not.
func TestPrincipal(t *testing.T) {
	c := newCluster(t)
	seen := map[string]string{}
	read := func(what string, secrets ...string) string {
		t.Helper()
		k, err := c.read(secrets...)
		if err != nil {
			t.Fatal(err)
		}
		if before, there := seen[k.Principal]; there {
			t.Errorf("%s has the principal of %s", what, before)
		}
		seen[k.Principal] = what
		return k.Principal
	}
	c.secret("one", `{"ghcr.io":{"username":"u","password":"p"},"quay.io":{"username":"u","password":"p"}}`)
	c.secret("two", `{"ghcr.io":{"username":"v","password":"p"}}`)
	c.secret("none", `{"ghcr.io":{}}`)
	if p := read("a secret without a login", "none"); p != "" {
		t.Errorf("got %q", p)
	}
	first := read("one secret", "one")
	read("two secrets", "one", "two")
	read("two secrets in the other order", "two", "one")
	c.secret("one", `{"quay.io":{"username":"u","password":"p"}, "ghcr.io":{"username":"u","password":"p","email":"e"}}`)
	if k, err := c.read("none", "one", "gone"); err != nil || k.Principal != first {
		t.Errorf("the same logins have the principal %q, %v", k.Principal, err)
	}
	c.options.Secret = []byte("key of the server")
	read("one secret, under another key", "one")
	c.options.Secret = nil
	c.secret("one", `{"ghcr.io":{"username":"u","password":"q"},"quay.io":{"username":"u","password":"p"}}`)
	read("a rotated secret", "one")
	c.secret("one", `{"ghcr.io":{"username":"up","password":""},"quay.io":{"username":"u","password":"p"}}`)
	read("letters that moved", "one")
	if other := newKeychain([]login{{text: "ghcr.io", username: "u"}}); other.principal(nil, "a") == other.principal(nil, "b") {
		t.Error("two namespaces are one principal")
	}
}

// TestReadRemembers: for half a minute, for each tenant alone, and no error.
func TestReadRemembers(t *testing.T) {
	c := newCluster(t)
	c.secret("one", `{"ghcr.io":{"username":"u","password":"p"}}`)
	r := c.reader()
	read := func(namespace string) error {
		_, err := r.Read(t.Context(), serve.Tenant{Namespace: namespace, Secrets: "one"})
		return err
	}
	for _, step := range []struct{ namespace, want string }{
		{"team", "team/secrets/one"}, {"team", ""}, {"other", "other/secrets/one"}, {"other", ""},
	} {
		if err := read(step.namespace); err != nil {
			t.Fatal(err)
		}
		if got := c.requests(); got != step.want {
			t.Errorf("%s: asked %q, want %q", step.namespace, got, step.want)
		}
	}
	c.later(life)
	c.answer("team/secrets/one", status(500))
	for range 2 {
		if err := read("team"); err == nil || !strings.Contains(err.Error(), "500") {
			t.Errorf("got %v", err)
		}
		if got := c.requests(); got != "team/secrets/one" {
			t.Errorf("asked %q", got)
		}
	}
}

// TestNotGranted: what nobody granted is passed over, and what was granted is used. It
// opens nothing: an image that needs it is refused by its registry.
func TestNotGranted(t *testing.T) {
	c := newCluster(t)
	c.secret("one", `{"ghcr.io":{"username":"u","password":"p"}}`)
	c.answer("team/secrets/two", status(403))
	c.answer("team/serviceaccounts/locked", status(403))
	r := c.reader()
	k, err := r.Read(t.Context(), serve.Tenant{Namespace: "team", Secrets: "two\none"})
	if err != nil || k.Principal == "" || loginOf(t, k, "ghcr.io/app") == "" {
		t.Errorf("beside one that is not granted: %+v, %v", k, err)
	}
	for _, who := range []serve.Tenant{{Namespace: "team", Secrets: "two"}, {Namespace: "team", ServiceAccount: "locked"}} {
		k, err := r.Read(t.Context(), who)
		if err != nil || k.Principal != "" || loginOf(t, k, "ghcr.io/app") != "" {
			t.Errorf("%+v: %+v, %v", who, k, err)
		}
	}
}

// TestReadTogether: one tenant is asked for once at a time, and whoever leaves takes
// nobody with him.
func TestReadTogether(t *testing.T) {
	c := newCluster(t)
	begun, go_ := make(chan struct{}, 100), make(chan struct{})
	c.secret("one", `{"ghcr.io":{"username":"u","password":"p"}}`)
	honest := c.answers["team/secrets/one"]
	c.answer("team/secrets/one", func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-go_
		honest(w, r)
	})
	r := c.reader()
	tenant := serve.Tenant{Namespace: "team", Secrets: "one"}
	leaving, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := r.Read(leaving, tenant)
		gone <- err
	}()
	<-begun
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			k, err := r.Read(t.Context(), tenant)
			if err != nil || k.Principal == "" {
				t.Errorf("got %v, %v", k, err)
			}
		})
	}
	leave()
	if err := <-gone; err == nil {
		t.Error("an ended question was answered")
	}
	close(go_)
	all.Wait()
	if got := c.requests(); got != "team/secrets/one" {
		t.Errorf("asked %q", got)
	}
}

// TestReadAsWhom: the token is read anew, and goes to the API server alone.
func TestReadAsWhom(t *testing.T) {
	c := newCluster(t)
	c.secret("one", `{"ghcr.io":{"username":"u","password":"p"}}`)
	r := c.reader()
	tenant := serve.Tenant{Namespace: "team", Secrets: "one"}
	read := func() error {
		_, err := r.Read(t.Context(), tenant)
		c.later(time.Hour)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.token = "token-2"
	c.mu.Unlock()
	if err := read(); err == nil {
		t.Error("an old token is good")
	}
	c.write("token", "token-2")
	if err := read(); err != nil {
		t.Error(err)
	}
	c.write("token", "two\nlines")
	if err := read(); err == nil {
		t.Error("a token of two lines is sent")
	}
	c.write("token", "token-2")
	c.write("ca.crt", "none")
	_ = r.(io.Closer).Close()
	if err := read(); err == nil {
		t.Error("the API server is believed without a CA")
	}
}

// TestReadImpostor: a server whose certificate is of no CA that the cluster has learns no
// token.
func TestReadImpostor(t *testing.T) {
	c := newCluster(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	impostor := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("an impostor got %q", r.Header.Get("Authorization"))
	}))
	impostor.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	impostor.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	impostor.StartTLS()
	defer impostor.Close()
	_, c.options.Port, _ = net.SplitHostPort(impostor.Listener.Addr().String())
	if _, err := c.read("one"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	c.write("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})))
	impostor.Config.Handler = c
	if k, err := c.read("one"); err != nil { // a CA that the cluster has: the test can fail
		t.Errorf("got %v, %v", k, err)
	}
}

func TestInClusterWants(t *testing.T) {
	good := newCluster(t)
	for what, change := range map[string]func(o *Options){
		"no host":   func(o *Options) { o.Host = "" },
		"no port":   func(o *Options) { o.Port = "" },
		"no clock":  func(o *Options) { o.Now = nil },
		"no folder": func(o *Options) { o.Dir = filepath.Join(o.Dir, "none") },
	} {
		o := good.options
		change(&o)
		if _, err := InCluster(o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
