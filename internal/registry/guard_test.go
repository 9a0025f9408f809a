package registry

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// keys is a keychain with one password for every registry.
type keys struct{}

func (keys) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: "u", Password: "p"}), nil
}

const (
	basic     = "Basic dTpw" // u:p
	image     = `{"schemaVersion":2,"mediaType":"` + typeOCIManifest + `","layers":[]}`
	challenge = `Bearer realm="https://auth.example/token",service="registry.example"`
)

// wantsToken is a registry that asks for a token and serves one image by next.
func wantsToken(challenge, token string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func serves(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", typeOCIManifest)
		_, _ = w.Write([]byte(body))
	}
}

// resolveOn resolves registry.example/o/n:v1 on a network without sockets, and
// returns the failure's code or "".
func resolveOn(t *testing.T, net *hosts, options Options) verify.Code {
	t.Helper()
	options.Transport = net
	if options.Keychain == nil {
		options.Keychain = keys{}
	}
	options.Budget = budget.New(budget.Default(), noWaiting())
	r := New(options)
	_, err := r.Resolve(t.Context(), reference(t, "registry.example/o/n:v1"))
	var failure *verify.Failure
	switch {
	case err == nil:
		return ""
	case errors.As(err, &failure):
		t.Log(failure)
		return failure.Code
	}
	t.Fatalf("got %v, which is no failure", err)
	return ""
}

// TestCredentialsStayHome follows redirects and token realms, and shows which host
// is told which credentials.
func TestCredentialsStayHome(t *testing.T) {
	manifest := "https://registry.example/v2/o/n/manifests/v1"
	for name, test := range map[string]struct {
		serve map[string]http.HandlerFunc
		code  verify.Code
		log   []string
	}{
		"a token for the registry, none for its blob store": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", redirect("https://store.example/blob?signature=s")),
				"https://auth.example":     serves(`{"token":"t1"}`),
				"https://store.example":    serves(image),
			}, "",
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic, manifest + " Bearer t1", "https://store.example/blob"},
		},
		"a password for the registry, none for its blob store": {
			map[string]http.HandlerFunc{
				"https://registry.example": func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Header.Get("Authorization") != basic:
						w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
						w.WriteHeader(http.StatusUnauthorized)
					default:
						redirect("https://store.example/blob")(w, r)
					}
				},
				"https://store.example": serves(image),
			}, "",
			[]string{"https://registry.example/v2/", manifest + " " + basic, "https://store.example/blob"},
		},
		"a blob store that asks for a token gets one of its own": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", redirect("https://store.example/blob")),
				"https://auth.example":     serves(`{"token":"t1"}`),
				"https://store.example":    wantsToken(`Bearer realm="https://evil.example/token"`, "t2", serves(image)),
				"https://evil.example":     serves(`{"token":"t2"}`),
			}, "",
			[]string{
				"https://registry.example/v2/", "https://auth.example/token " + basic, manifest + " Bearer t1",
				"https://store.example/blob", "https://evil.example/token", "https://store.example/blob Bearer t2",
			},
		},
		"a token server that redirects": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", serves(image)),
				"https://auth.example":     redirect("https://evil.example/token"),
				"https://evil.example":     serves(`{"token":"t1"}`),
			}, "",
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic, "https://evil.example/token", manifest + " Bearer t1"},
		},
		"a ping redirected to a host that names the token server": {
			map[string]http.HandlerFunc{
				"https://registry.example": redirect("https://evil.example/v2/"),
				"https://evil.example":     wantsToken(`Bearer realm="https://evil.example/token"`, "t1", serves(image)),
			}, verify.RegistryInsecure,
			[]string{"https://registry.example/v2/"},
		},
		"a token server over plain HTTP": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(`Bearer realm="http://auth.example/token"`, "t1", serves(image)),
				"http://auth.example":      serves(`{"token":"t1"}`),
			}, verify.RegistryInsecure,
			[]string{"https://registry.example/v2/"},
		},
		"a token server that redirects to plain HTTP": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", serves(image)),
				"https://auth.example":     redirect("http://auth.example/token"),
				"http://auth.example":      serves(`{"token":"t1"}`),
			}, verify.RegistryInsecure,
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic},
		},
		"a token server at a link-local address": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(`Bearer realm="https://169.254.169.254/token"`, "t1", serves(image)),
				"https://169.254.169.254":  serves(`{"token":"t1"}`),
			}, verify.RegistryInsecure,
			[]string{"https://registry.example/v2/"},
		},
		"plain HTTP at the registry's own host": {
			map[string]http.HandlerFunc{
				"https://registry.example":    wantsToken(challenge, "t1", redirect("http://registry.example:443/blob")),
				"https://auth.example":        serves(`{"token":"t1"}`),
				"http://registry.example:443": serves(image),
			}, verify.RegistryUnreachable, // go-containerregistry makes it https again, where nothing is
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic, manifest + " Bearer t1", "https://registry.example:443/blob Bearer t1"},
		},
		"plain HTTP at loopback": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", redirect("http://127.0.0.1/blob")),
				"https://auth.example":     serves(`{"token":"t1"}`),
				"http://127.0.0.1":         serves(image),
			}, verify.RegistryInsecure,
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic, manifest + " Bearer t1"},
		},
		"credentials in a redirect": {
			map[string]http.HandlerFunc{
				"https://registry.example": func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/v2/" {
						redirect("https://a:b@store.example/blob")(w, r)
					}
				},
				"https://store.example": serves(image),
			}, verify.RegistryInsecure,
			[]string{"https://registry.example/v2/", manifest + " " + basic},
		},
		"a token server without a token": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", serves(image)),
				"https://auth.example":     serves(`{}`),
			}, verify.RegistryMalformed,
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic},
		},
		"a token server that refuses": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t1", serves(image)),
				"https://auth.example":     status(http.StatusForbidden),
			}, verify.RegistryForbidden,
			[]string{"https://registry.example/v2/", "https://auth.example/token " + basic},
		},
		"a token that is not enough": {
			map[string]http.HandlerFunc{
				"https://registry.example": wantsToken(challenge, "t2", serves(image)),
				"https://auth.example":     serves(`{"token":"t1"}`),
			}, verify.RegistryUnauthorized,
			[]string{
				"https://registry.example/v2/", "https://auth.example/token " + basic, manifest + " Bearer t1",
				"https://auth.example/token " + basic, manifest + " Bearer t1",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			net := &hosts{serve: test.serve}
			if code := resolveOn(t, net, Options{}); code != test.code {
				t.Errorf("got %q, want %q", code, test.code)
			}
			same(t, "requests", net.log, test.log)
		})
	}
}

// TestIdentityTokenStaysHome shows that the refresh token in the body of a POST does
// not follow a redirect to another host.
func TestIdentityTokenStaysHome(t *testing.T) {
	net := &hosts{serve: map[string]http.HandlerFunc{
		"https://registry.example": wantsToken(challenge, "t1", serves(image)),
		"https://auth.example":     redirect("https://evil.example/token"),
		"https://evil.example":     serves(`{"token":"t1"}`),
	}}
	if code := resolveOn(t, net, Options{Keychain: identity{}}); code != verify.RegistryInsecure {
		t.Errorf("got %q", code)
	}
	same(t, "requests", net.log, []string{"https://registry.example/v2/", "https://auth.example/token"})
}

type identity struct{}

func (identity) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{IdentityToken: "secret"}), nil
}

// TestPlainHTTP shows to whom plain HTTP is spoken: to loopback, or to whom the
// option allows, and to no private address that go-containerregistry would try.
func TestPlainHTTP(t *testing.T) {
	for _, test := range []struct {
		host  string
		plain bool
		code  verify.Code
		log   []string
	}{
		{"registry.example", false, verify.RegistryUnreachable, []string{"https /v2/"}},
		{"registry.example", true, "", []string{"https /v2/", "http /v2/", "http /v2/o/n/manifests/v1"}},
		{"10.0.0.1:5000", false, verify.RegistryUnreachable, []string{"https /v2/"}},
		{"192.168.1.1", false, verify.RegistryUnreachable, []string{"https /v2/"}},
		{"169.254.169.254", false, verify.RegistryInsecure, nil},
		{"100.100.100.200", true, verify.RegistryInsecure, nil},
		{"2852039166:80", true, verify.RegistryInsecure, nil},
		{"localhost.evil.example", false, verify.RegistryUnreachable, []string{"https /v2/"}},
		{"10.0.0.1:5000", true, "", []string{"https /v2/", "http /v2/", "http /v2/o/n/manifests/v1"}},
		{"127.0.0.1:5000", false, "", []string{"http /v2/", "http /v2/o/n/manifests/v1"}},
		{"127.0.0.2", false, "", []string{"http /v2/", "http /v2/o/n/manifests/v1"}},
		{"localhost:5000", false, "", []string{"http /v2/", "http /v2/o/n/manifests/v1"}},
		{"[::1]:5000", false, "", []string{"http /v2/", "http /v2/o/n/manifests/v1"}},
		{"kind.localhost:5000", false, "", []string{"http /v2/", "http /v2/o/n/manifests/v1"}},
	} {
		t.Run(fmt.Sprint(test.host, " ", test.plain), func(t *testing.T) {
			net := &hosts{serve: map[string]http.HandlerFunc{"http://" + test.host: serves(image)}}
			r := New(Options{Keychain: anonymous{}, Transport: net, PlainHTTP: test.plain, Budget: budget.New(budget.Default(), noWaiting())})
			_, err := r.Resolve(t.Context(), reference(t, test.host+"/o/n:v1"))
			var failure *verify.Failure
			if errors.As(err, &failure) != (test.code != "") || failure != nil && failure.Code != test.code {
				t.Errorf("got %v, want %q", err, test.code)
			}
			var got []string
			for _, line := range net.log {
				got = append(got, strings.Replace(line, "://"+test.host, " ", 1))
			}
			same(t, "requests", got, test.log)
		})
	}
}

// TestLoopbackWithTLS shows that a registry on loopback that wants TLS gets it.
func TestLoopbackWithTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(serves(image))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	r := New(Options{Keychain: anonymous{}, Transport: server.Client().Transport, Budget: budget.New(budget.Default(), noWaiting())})
	if _, err := r.Resolve(t.Context(), reference(t, server.Listener.Addr().String()+"/o/n:v1")); err != nil {
		t.Error(err)
	}
}

// TestLoopbackNames shows that a name which counts as loopback must be it, and what
// does not go through a proxy.
func TestLoopbackNames(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "localhost.": true, "a.localhost": true, "127.0.0.1": true, "127.9.9.9": true,
		"::1": true, "::ffff:127.0.0.1": true, "localhost.example": false, "notlocalhost": false, "10.0.0.1": false,
		"0.0.0.0": false, "": false, "127.0.0.1.example": false, "169.254.169.254": false,
	} {
		if loopback(host) != want {
			t.Errorf("loopback(%q) is %v", host, !want)
		}
	}
	for name, addresses := range map[string]map[string]bool{
		"kind.localhost":   {"10.0.0.1": false, "fe80::1": false, "64:ff9b::7f00:1": false, "127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true},
		"registry.example": {"169.254.169.254": false, "10.0.0.1": true, "127.0.0.1": true},
	} {
		for address, want := range addresses {
			if err := (direct{}).allows(name, netip.MustParseAddr(address)); (err == nil) != want {
				t.Errorf("%s at %s: %v", name, address, err)
			}
		}
	}
}

// TestHeaders shows what every hop carries, and what none does.
func TestHeaders(t *testing.T) {
	var seen []http.Header
	note := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Clone())
			w.Header().Set("Set-Cookie", "a=b")
			next(w, r)
		}
	}
	net := &hosts{serve: map[string]http.HandlerFunc{
		"https://registry.example": note(wantsToken(challenge, "t1", redirect("https://store.example/blob"))),
		"https://auth.example":     note(serves(`{"token":"t1"}`)),
		"https://store.example":    note(serves(image)),
	}}
	if code := resolveOn(t, net, Options{UserAgent: "assay/test"}); code != "" {
		t.Fatalf("got %q", code)
	}
	if len(seen) != 4 {
		t.Fatalf("got %d requests", len(seen))
	}
	for i, h := range seen {
		if h.Get("Accept-Encoding") != "identity" || h.Get("Cookie") != "" || h.Get("Referer") != "" || !strings.HasPrefix(h.Get("User-Agent"), "assay/test ") {
			t.Errorf("request %d carries %v", i, h)
		}
	}
	accepts := strings.Split(seen[2].Get("Accept"), ", ")
	if !slices.Equal(accepts, imageTypes) {
		t.Errorf("got Accept %q", accepts)
	}
}

// TestEndlessHandshake shows that neither a ping nor a token is read without end.
func TestEndlessHandshake(t *testing.T) {
	s := newStage(t)
	s.serve("/v2/", endless)
	limits := budget.Default()
	limits.Bytes = 1 << 20
	s.run(Options{Budget: budget.New(limits, noWaiting())})
}

// TestOneHandshake shows that one ping serves every request to a repository.
func TestOneHandshake(t *testing.T) {
	net := &hosts{serve: map[string]http.HandlerFunc{
		"https://registry.example": wantsToken(challenge, "t1", serves(image)),
		"https://auth.example":     serves(`{"token":"t1"}`),
	}}
	r := New(Options{Keychain: keys{}, Transport: net})
	ref := reference(t, "registry.example/o/n:v1")
	image, err := r.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	r.Collect(t.Context(), image, everything)
	for _, once := range []string{"https://registry.example/v2/", "https://auth.example/token " + basic} {
		n := 0
		for _, line := range net.log {
			if line == once {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was asked %d times", once, n)
		}
	}
}
