package registry

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// ring is a keychain with a password per host.
type ring map[string]string

func (r ring) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if password, ok := r[target.RegistryStr()]; ok {
		return authn.FromConfig(authn.AuthConfig{Username: "u", Password: password}), nil
	}
	return authn.Anonymous, nil
}

const (
	basicMirror = "Basic dTpt" // u:m
	basicOrigin = "Basic dTpv" // u:o
)

// wantsPassword is a registry that asks for a password.
func wantsPassword(basic string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != basic {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

// paths serves bodies by path, and 404 for everything else but the ping.
func paths(bodies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.RequestURI()]
		if !ok && r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		serves(body)(w, r)
	}
}

// mirrored is a Registry that knows mirrors of registry.example.
func mirrored(net *hosts, mirrors ...string) *Registry {
	return New(Options{
		Keychain: ring{"registry.example": "o", "mirror.example": "m"}, Transport: net,
		Hosts:  map[string]Host{"registry.example": {Mirrors: mirrors}},
		Budget: budget.New(budget.Default(), noWaiting()),
	})
}

// TestMirrors shows who is asked in which order, with which credentials, and what
// becomes of a mirror's errors.
func TestMirrors(t *testing.T) {
	const there, origin, digest = "/v2/hub/o/n/manifests/v1", "/v2/o/n/manifests/v1", "the digest"
	atOrigin := wantsPassword(basicOrigin, paths(map[string]string{origin: image}))
	for name, test := range map[string]struct {
		wanted string
		serve  map[string]http.HandlerFunc
		code   verify.Code
		log    []string
	}{
		"a mirror that has it": {
			":v1", map[string]http.HandlerFunc{
				"https://mirror.example":   wantsPassword(basicMirror, paths(map[string]string{there: image})),
				"https://registry.example": atOrigin,
			}, "",
			[]string{"https://mirror.example/v2/", "https://mirror.example" + there + " " + basicMirror},
		},
		"the second mirror": {
			":v1", map[string]http.HandlerFunc{
				"https://mirror.example":   wantsPassword(basicMirror, paths(nil)),
				"https://second.example":   paths(map[string]string{origin: image}),
				"https://registry.example": atOrigin,
			}, "",
			[]string{
				"https://mirror.example/v2/", "https://mirror.example" + there + " " + basicMirror,
				"https://second.example/v2/", "https://second.example" + origin,
			},
		},
		"mirrors without it": {
			":v1", map[string]http.HandlerFunc{
				"https://mirror.example":   wantsPassword(basicMirror, paths(nil)),
				"https://second.example":   paths(nil),
				"https://registry.example": atOrigin,
			}, "",
			[]string{
				"https://mirror.example/v2/", "https://mirror.example" + there + " " + basicMirror,
				"https://second.example/v2/", "https://second.example" + origin,
				"https://registry.example/v2/", "https://registry.example" + origin + " " + basicOrigin,
			},
		},
		"a mirror that is down": {
			":v1", map[string]http.HandlerFunc{"https://registry.example": atOrigin},
			verify.RegistryUnreachable, []string{"https://mirror.example/v2/"},
		},
		"a mirror that refuses": {
			":v1", map[string]http.HandlerFunc{"https://mirror.example": wantsPassword("", status(http.StatusForbidden)), "https://registry.example": atOrigin},
			verify.RegistryForbidden, []string{"https://mirror.example/v2/"},
		},
		"a mirror that is overloaded": {
			":v1", map[string]http.HandlerFunc{
				"https://mirror.example": func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/v2/" {
						w.WriteHeader(http.StatusTooManyRequests)
					}
				},
				"https://registry.example": atOrigin,
			}, verify.RegistryRateLimited,
			[]string{"https://mirror.example/v2/", "https://mirror.example" + there + " " + basicMirror},
		},
		"a mirror that is no registry": {
			":v1", map[string]http.HandlerFunc{"https://mirror.example": status(http.StatusNotFound), "https://registry.example": atOrigin},
			verify.RegistryServerError, []string{"https://mirror.example/v2/"},
		},
		"a mirror with other bytes": {
			digest, map[string]http.HandlerFunc{
				"https://mirror.example":   func(w http.ResponseWriter, r *http.Request) { serves(image+" ")(w, r) },
				"https://registry.example": atOrigin,
			}, verify.RegistryDigestMismatch, nil,
		},
		"a mirror that redirects to plain HTTP": {
			":v1", map[string]http.HandlerFunc{
				"https://mirror.example": func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/v2/" {
						redirect("http://registry.example"+origin)(w, r)
					}
				},
				"http://registry.example": serves(image),
			}, verify.RegistryInsecure, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			net := &hosts{serve: test.serve}
			ref := "registry.example/o/n" + strings.Replace(test.wanted, digest, "@"+digestOf([]byte(image)), 1)
			got, err := mirrored(net, "mirror.example/hub", "second.example").Resolve(t.Context(), reference(t, ref))
			var failure *verify.Failure
			switch errors.As(err, &failure) {
			case true:
				t.Log(failure)
				if failure.Code != test.code || !strings.Contains(failure.Detail, "mirror mirror.example/hub/o/n") {
					t.Errorf("got %v, want %q of the mirror", failure, test.code)
				}
			case false:
				if test.code != "" || got.Digest != digestOf([]byte(image)) {
					t.Errorf("got %s, %v; want %q", got.Digest, err, test.code)
				}
			}
			if test.log != nil {
				// Overload is retried, twice.
				same(t, "requests", slices.Compact(net.log), test.log)
			}
			for _, line := range net.log {
				if strings.Contains(line, basicOrigin) != strings.HasPrefix(line, "https://registry.example/v2/o/") ||
					strings.Contains(line, basicMirror) && !strings.HasPrefix(line, "https://mirror.example") {
					t.Errorf("credentials are where they do not belong: %s", line)
				}
			}
		})
	}
}

// TestMirroredEvidence collects from a mirror what it has, with further pages of its
// list, and the rest from the origin.
func TestMirroredEvidence(t *testing.T) {
	origin, mirror := newStage(t), newStage(t)
	first, second := mirror.bundle("at the mirror"), mirror.bundle("on its second page")
	page := at("referrers", mirror.image.Digest)
	mirror.lists(first)
	one := mirror.serves[page]
	mirror.lists(second)
	two := mirror.serves[page]
	mirror.serve(page, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			two(w, r)
			return
		}
		w.Header().Set("Link", "</v2/hub"+strings.TrimPrefix(page, "/v2")+"?n=2>; rel=next")
		one(w, r)
	})
	origin.legacy(".sig", typeSimpleSigning, "at the origin")
	net := &hosts{serve: map[string]http.HandlerFunc{
		"https://registry.example": origin.ServeHTTP,
		"https://mirror.example": func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/v2/hub/", "/v2/", 1)
			mirror.ServeHTTP(w, r)
		},
	}}
	r := mirrored(net, "mirror.example/hub")
	resolved, err := r.Resolve(t.Context(), reference(t, "registry.example/o/n:v1"))
	if err != nil {
		t.Fatal(err)
	}
	e := r.Collect(t.Context(), resolved, everything)
	same(t, "failures", troubles(e), nil)
	found := summary(e)
	slices.Sort(found)
	same(t, "evidence", found, []string{"bundle at the mirror", "bundle on its second page", "legacy-signature at the origin"})
	for _, want := range []string{
		"mirror.example/hub/o/n:v1 (mirror of registry.example/o/n)",
		"mirror.example/hub/o/n referrers of " + resolved.Digest + " (mirror of registry.example/o/n)",
	} {
		if !slices.Contains(e.Places, want) {
			t.Errorf("%q is not among the places %q", want, e.Places)
		}
	}
	for _, line := range origin.asked() {
		if strings.HasSuffix(line, "/manifests/v1") || strings.Contains(line, "?n=2") || line == page {
			t.Errorf("the origin was asked for %s", line)
		}
	}
}

// TestMirrorWithoutReferrers asks the origin where a mirror lists nothing, and says
// so where it cannot.
func TestMirrorWithoutReferrers(t *testing.T) {
	origin, mirror := newStage(t), newStage(t)
	origin.lists(origin.bundle("at the origin"))
	mirror.lists()
	net := &hosts{serve: map[string]http.HandlerFunc{"https://registry.example": origin.ServeHTTP, "https://mirror.example": mirror.ServeHTTP}}
	r := mirrored(net, "mirror.example")
	resolved, err := r.Resolve(t.Context(), reference(t, "registry.example/o/n:v1"))
	if err != nil {
		t.Fatal(err)
	}
	e := r.Collect(t.Context(), resolved, verify.Want{Bundles: true})
	same(t, "failures", troubles(e), nil)
	same(t, "evidence", summary(e), []string{"bundle at the origin"})

	delete(net.serve, "https://registry.example")
	e = mirrored(net, "mirror.example").Collect(t.Context(), resolved, verify.Want{Bundles: true})
	if len(e.Failures) == 0 || len(e.Pieces) != 0 {
		t.Errorf("got %v and %v without an origin, want an error", e.Pieces, e.Failures)
	}
	for _, f := range e.Failures {
		if f.Code != verify.RegistryUnreachable {
			t.Errorf("got %v", f)
		}
	}
}

// TestNoMirrorOfOthers shows that a mirror is asked for its registry alone.
func TestNoMirrorOfOthers(t *testing.T) {
	net := &hosts{serve: map[string]http.HandlerFunc{
		"https://registry.example:5000": serves(image), "https://a.registry.example": serves(image), "https://registry.example": status(http.StatusNotFound),
	}}
	for _, host := range []string{"registry.example:5000", "a.registry.example"} {
		if _, err := mirrored(net, "mirror.example").Resolve(t.Context(), reference(t, host+"/o/n:v1")); err != nil {
			t.Error(err)
		}
	}
	if joined := strings.Join(net.log, " "); strings.Contains(joined, "mirror.example") {
		t.Errorf("asked %s", joined)
	}
}

// TestPlainHTTPHost shows that leave for plain HTTP to one host is for that host: not
// for its port's neighbours, nor for its token server.
func TestPlainHTTPHost(t *testing.T) {
	net := &hosts{serve: map[string]http.HandlerFunc{
		"http://lab.example":      serves(image),
		"http://lab.example:5000": serves(image),
		"http://sub.lab.example":  serves(image),
		"http://tokens.example":   wantsToken(`Bearer realm="http://auth.example/token"`, "t", serves(image)),
		"http://auth.example":     serves(`{"token":"t"}`),
	}}
	for host, code := range map[string]verify.Code{
		"lab.example": "", "lab.example:5000": verify.RegistryUnreachable, "sub.lab.example": verify.RegistryUnreachable,
		"tokens.example": verify.RegistryInsecure,
	} {
		r := New(Options{
			Keychain: anonymous{}, Transport: net, Budget: budget.New(budget.Default(), noWaiting()),
			Hosts: map[string]Host{"lab.example": {PlainHTTP: true}, "tokens.example": {PlainHTTP: true}},
		})
		_, err := r.Resolve(t.Context(), reference(t, host+"/o/n:v1"))
		var failure *verify.Failure
		if errors.As(err, &failure) != (code != "") || failure != nil && failure.Code != code {
			t.Errorf("%s: got %v, want %q", host, err, code)
		}
	}
}

// stuck is a keychain that waits for the end.
type stuck struct{ cancel context.CancelFunc }

func (stuck) Resolve(authn.Resource) (authn.Authenticator, error) {
	return nil, errors.New("asked without a context")
}

func (s stuck) ResolveContext(ctx context.Context, _ authn.Resource) (authn.Authenticator, error) {
	s.cancel()
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestKeychainOutOfTime shows that a helper which does not answer is a time-out and
// no lack of permission.
func TestKeychainOutOfTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := New(Options{Keychain: stuck{cancel}, Transport: &hosts{}})
	_, err := r.Resolve(ctx, reference(t, "registry.example/o/n:v1"))
	var failure *verify.Failure
	if !errors.As(err, &failure) || failure.Code != verify.RegistryTimeout || failure.Class != verify.Transient {
		t.Errorf("got %v", err)
	}
}
