package verifier

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/tenant"
)

// reader knows tenants by their namespaces.
type reader map[string]tenant.Keychain

func (r reader) Read(_ context.Context, t serve.Tenant) (tenant.Keychain, error) {
	k, ok := r[t.Namespace]
	if !ok {
		return k, errors.New("the API server says no")
	}
	return k, nil
}

// wrongKeychain has a password that opens nothing.
type wrongKeychain struct{}

func (wrongKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: lab.User, Password: "wrong"}), nil
}

// emptyKeychain has nothing.
type emptyKeychain struct{}

func (emptyKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.Anonymous, nil
}

// TestTenants asks a private registry with several tenants' credentials.
func TestTenants(t *testing.T) {
	s := newStage(t, lab.RegistryOptions{Behaviour: lab.Behaviour{Auth: lab.TokenAuth, Private: true}})
	s.options.Tenants = reader{
		"open": {Keychain: lab.Credentials(), Principal: "open's"}, "shut": {Keychain: wrongKeychain{}, Principal: "shut's"},
		"none": {Keychain: emptyKeychain{}, Principal: "none's"}, "bare": {},
	}
	v := s.verifier(t)
	pinned := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	as := func(namespace string) serve.Question {
		q := pinned
		if namespace != "" {
			q.Tenant = serve.Tenant{Namespace: namespace, Secrets: "pull"}
		}
		return q
	}
	s.ask(t, v, as("open"), serve.Passed)
	// Nobody else gets what these credentials opened.
	for _, other := range []string{"", "shut", "none", "bare"} {
		a := s.ask(t, v, as(other), serve.Undecided)
		if code := a.Problems[0].Code; !strings.HasPrefix(code, "registry.") {
			t.Errorf("%q: %s", other, code)
		}
	}
	s.ask(t, v, as("unknown"), serve.Undecided, "secrets.unreadable")
	// What a template's service account has is not needed: its Pods name it. A Pod that names nothing has nothing.
	for _, who := range []serve.Tenant{{Namespace: "unknown", ServiceAccount: "default"}, {Namespace: "open"}} {
		q := pinned
		q.Tenant = who
		if a := s.ask(t, v, q, serve.Undecided); !strings.HasPrefix(a.Problems[0].Code, "registry.") {
			t.Errorf("%+v: %s", who, a.Problems[0].Code)
		}
	}
	if a := s.ask(t, v, as("open"), serve.Passed); !a.Remembered {
		t.Errorf("%+v", a)
	}
	for _, a := range v.Verdicts(s.release.Image.Digest(), 10) {
		if a.Outcome == serve.Passed {
			t.Errorf("a tenant's verdict is shown: %+v", a)
		}
	}
	// A policy edit does not mix what lies in memory either.
	s.policy(t, "policy.yaml", "# edited")
	must(t, v.Reload())
	s.ask(t, v, as(""), serve.Undecided)
	s.requests()
	s.ask(t, v, as("open"), serve.Passed)
	if n := s.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestDiscretion tells a tenant nothing of what the server's own credentials read.
func TestDiscretion(t *testing.T) {
	s := newStage(t, lab.RegistryOptions{Behaviour: lab.Behaviour{Auth: lab.TokenAuth, Private: true}})
	s.write(t, "password", lab.Password)
	s.write(t, "registries.yaml", fmt.Sprintf("registries:\n  - host: %s\n    plain_http: true\n    network: loopback\n    username: %s\n    password_file: password\n", s.registry.Host(), lab.User))
	s.policy(t, "policy.yaml", "", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	s.options.Tenants = reader{"none": {Keychain: emptyKeychain{}, Principal: "none's"}, "open": {Keychain: lab.Credentials(), Principal: "open's"}}
	v := s.verifier(t)
	q := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	full := s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
	if full.Problems[0].Found == "" || full.Verdict.Size() == 0 {
		t.Errorf("%+v", full)
	}
	q.Tenant = serve.Tenant{Namespace: "none", ServiceAccount: "default"}
	for range 2 {
		a := s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
		p := a.Problems[0]
		if p.Found != "" || p.Message != "" || p.Wanted == "" || a.Verdict.Size() != 0 || len(a.Notices) > 0 {
			t.Errorf("a tenant is told %+v", a)
		}
	}
	q.Tenant = serve.Tenant{Namespace: "open", ServiceAccount: "default"}
	if a := s.ask(t, v, q, serve.Refused, "signature.identity_mismatch"); a.Problems[0].Found == "" {
		t.Errorf("a tenant is not told what its own credentials read: %+v", a)
	}
	if text := s.logged.String(); strings.Contains(text, lab.Password) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(lab.User+":"+lab.Password))) {
		t.Error("a password was logged")
	}
}
