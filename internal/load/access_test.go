package load_test

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/verify"
)

// TestSource judges a release by all that an Access reaches.
func TestSource(t *testing.T) {
	s := newStage(t, lab.Behaviour{})
	source := s.source(s.access(load.AccessOptions{}), nil)
	if v := s.judge(t.Context(), source); !v.Passed() {
		t.Fatalf("found %v", codes(v))
	}
	requests, bytes := source.Spent()
	if len(s.github.Requests()) == 0 || requests < 10 || bytes == 0 {
		t.Errorf("%d requests for %d bytes, %d of them to GitHub", requests, bytes, len(s.github.Requests()))
	}
	if err := source.Repositories.Unkept(); err != nil {
		t.Error(err)
	}
}

// TestStrictIsForEverybody: registry, TUF repository and GitHub's API are reached through
// one guard, each by its own entry.
func TestStrictIsForEverybody(t *testing.T) {
	s := newStage(t, lab.Behaviour{})
	hosts := s.hosts()
	near := s.near("loopback", slices.Collect(maps.Values(hosts))...)
	if v := s.judge(t.Context(), s.source(s.access(load.AccessOptions{Strict: true, Config: near}), nil)); !v.Passed() {
		t.Fatalf("with an entry for each: %v", codes(v))
	}
	for missing, host := range hosts {
		for _, network := range []string{"", "private"} {
			var others []string
			for _, h := range hosts {
				if h != host {
					others = append(others, h)
				}
			}
			config := s.near("loopback", others...)
			if network != "" {
				b, err := os.ReadFile(config)
				s.must(err)
				config = s.write("config.yaml", append(b, "  - {host: \""+host+"\", network: private}\n"...))
			}
			source := s.source(s.access(load.AccessOptions{Strict: true, Config: config}), nil)
			if missing == verify.GitHubInsecure { // whose evidence the registry has too
				e := source.GitHub.Collect(t.Context(), "https://github.com/"+lab.DefaultRepo, s.digest)
				if len(e.Failures) != 1 || e.Failures[0].Code != missing || e.Failures[0].Class != verify.Definitive {
					t.Errorf("without %s (%q): %v", missing, network, e.Failures)
				}
				continue
			}
			v := s.judge(t.Context(), source)
			if v.Passed() || !codes(v)[missing] || v.Conclusive {
				t.Errorf("without %s (%q): conclusive %v, %v", missing, network, v.Conclusive, codes(v))
			}
		}
	}
}

func TestNewAccessRefuses(t *testing.T) {
	dir := t.TempDir()
	absent, broken, odd := filepath.Join(dir, "absent.yaml"), filepath.Join(dir, "broken.yaml"), filepath.Join(dir, "odd.yaml")
	for file, text := range map[string]string{broken: "registries: 1\n", odd: "registries: [{host: a.example, ca: none.pem}]\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{absent: "read the configuration: ", broken: "registries is ", odd: "read the ca of a.example"} {
		if _, err := load.NewAccess(load.AccessOptions{Config: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", file, err)
		}
	}
	if _, err := load.NewAccess(load.AccessOptions{Config: absent, ConfigOptional: true}); err != nil {
		t.Error(err)
	}
	if _, err := load.NewAccess(load.AccessOptions{}); err != nil {
		t.Error(err)
	}
}

// TestWhose shows whose credentials a registry gets, and that the source says so.
func TestWhose(t *testing.T) {
	s := newStage(t, lab.Behaviour{Auth: lab.TokenAuth, Private: true})
	host := s.registry.Host()
	repository := "acme/widget"
	wrong := someone{hosts: map[string]bool{host: true}, user: "somebody", pass: "else"}
	right := someone{hosts: map[string]bool{host: true}, user: lab.User, pass: lab.Password}
	elsewhere := someone{hosts: map[string]bool{"other.example": true}, user: lab.User, pass: lab.Password}
	broken := someone{hosts: map[string]bool{host: true}, err: errBroken}
	password := s.write("password", []byte(lab.Password+"\n"))
	none, own := s.write("none.yaml", nil), s.write("own.yaml", []byte("registries: [{host: \""+host+"\", username: "+lab.User+", password_file: "+password+"}]\n"))
	for name, c := range map[string]struct {
		config string
		tenant *someone
		passes bool
		as     load.Principal
	}{
		"nobody":                          {none, nil, false, load.Nobody},
		"the server":                      {own, nil, true, load.Server},
		"the tenant":                      {none, &right, true, load.Tenant},
		"the tenant before the server":    {own, &right, true, load.Tenant},
		"a tenant who is not let in":      {own, &wrong, false, load.Tenant},
		"a tenant of somewhere else":      {own, &elsewhere, true, load.Server},
		"a stranger":                      {none, &elsewhere, false, load.Nobody},
		"a tenant whose secret is no use": {own, &broken, false, load.Tenant},
		"an empty secret":                 {own, &someone{hosts: map[string]bool{host: true}}, true, load.Server},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.access(load.AccessOptions{Config: c.config})
			source := s.source(a, nil)
			if c.tenant != nil {
				source = s.source(a, c.tenant)
			}
			if got := source.Principals(); len(got) > 0 {
				t.Errorf("before anything was asked: %v", got)
			}
			v := s.judge(t.Context(), source)
			if v.Passed() != c.passes {
				t.Errorf("passes %v: %v", v.Passed(), codes(v))
			}
			if got, ok := source.Principals()[host+"/"+repository]; !ok || got != c.as {
				t.Errorf("asked as %s; wanted %s", got, c.as)
			}
			for _, p := range []load.Principal{load.Server, load.Tenant} {
				if source.Used(p) != (p == c.as) {
					t.Errorf("used as %s: %v", p, source.Used(p))
				}
			}
		})
	}
}

// TestGitHubToken: the server's token is the server's word.
func TestGitHubToken(t *testing.T) {
	s := newStage(t, lab.Behaviour{})
	for _, token := range []string{"", "t"} {
		s.env["GH_TOKEN"] = token
		source := s.source(s.access(load.AccessOptions{}), nil)
		s.judge(t.Context(), source)
		if source.Used(load.Server) != (token != "") {
			t.Errorf("with the token %q: %v", token, source.Principals())
		}
		as, asked := source.Principals()["https://github.com/"+lab.DefaultRepo]
		if !asked || (as == load.Server) != (token != "") {
			t.Errorf("with the token %q: %v", token, source.Principals())
		}
	}
}

// TestOneTransport: verifications share connections, and not what they know.
func TestOneTransport(t *testing.T) {
	s := newStage(t, lab.Behaviour{Auth: lab.TokenAuth, Private: true})
	host := s.registry.Host()
	a := s.access(load.AccessOptions{Strict: true, Config: s.near("loopback", slices.Collect(maps.Values(s.hosts()))...)})
	right := someone{hosts: map[string]bool{host: true}, user: lab.User, pass: lab.Password}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			source := s.source(a, nil)
			if i%2 == 0 {
				source = s.source(a, right)
			}
			v := s.judge(t.Context(), source)
			switch {
			case v.Passed() != (i%2 == 0):
				t.Errorf("question %d: %v", i, codes(v))
			case i%2 == 1 && !codes(v)[verify.RegistryUnauthorized]:
				t.Errorf("question %d: %v", i, codes(v))
			}
		})
	}
	all.Wait()
}

// empty is a registry without content.
type empty struct{}

func (empty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v2/" {
		http.NotFound(w, r)
	}
}

// TestRate: a host is sent no more than it is said to be, by all verifications together.
func TestRate(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(empty{})
	defer server.Close()
	ref, err := verify.ParseReference(server.Listener.Addr().String() + "/o/n:v1")
	if err != nil {
		t.Fatal(err)
	}
	for burst, want := range map[int][]verify.Code{
		0: {verify.RegistryNotFound, verify.RegistryNotFound}, // no rate
		1: {verify.RegistryTimeout, verify.RegistryTimeout},   // a ping
		2: {verify.RegistryNotFound, verify.RegistryTimeout},  // and the manifest
		4: {verify.RegistryNotFound, verify.RegistryNotFound},
	} {
		a, err := load.NewAccess(load.AccessOptions{Rate: 1e-6 * float64(min(burst, 1)), Burst: burst})
		if err != nil {
			t.Fatal(err)
		}
		for i, code := range want {
			_, err := a.Source(load.SourceOptions{}).Resolve(t.Context(), ref)
			var failure *verify.Failure
			if !errors.As(err, &failure) || failure.Code != code {
				t.Errorf("burst %d, verification %d: got %v; wanted %s", burst, i, err, code)
			}
		}
		a.Close()
	}
}

// TestConnectionsAreShared: one verification goes on where another ended, and nothing
// stays open after Close.
func TestConnectionsAreShared(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	opened, closed := make(chan struct{}, 64), make(chan struct{}, 64)
	server := httptest.NewUnstartedServer(empty{})
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened <- struct{}{}
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	a, err := load.NewAccess(load.AccessOptions{Rate: 1000, Burst: 100})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := verify.ParseReference(server.Listener.Addr().String() + "/o/n:v1")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		source := a.Source(load.SourceOptions{})
		if _, err := source.Resolve(t.Context(), ref); err == nil {
			t.Fatal("found what is not there")
		}
		if requests, _ := source.Spent(); requests == 0 {
			t.Error("nothing was asked")
		}
	}
	if n := len(opened); n != 1 {
		t.Errorf("%d connections were opened", n)
	}
	a.Close()
	<-closed // or the test does not end
}
