//go:build unix

package credentials

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// secret is what must be in no error.
const secret = "hunter2-XYZZY"

const (
	ecrHost = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	acrHost = "team.azurecr.io"
)

// desk is a user's machine: an empty home, PATH and docker config to begin with.
type desk struct {
	t         *testing.T
	bin, home string
	env       map[string]string
	options   Options
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, bin: t.TempDir(), home: t.TempDir(), env: map[string]string{}}
	t.Setenv("PATH", d.bin)
	for _, v := range []string{"HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"} {
		t.Setenv(v, d.home)
	}
	for _, v := range []string{"REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS"} {
		t.Setenv(v, "")
	}
	d.env["HOME"] = d.home
	d.options.Getenv = func(v string) string { return d.env[v] }
	return d
}

// docker writes docker's config file.
func (d *desk) docker(format string, args ...any) {
	d.write(filepath.Join(d.home, "config.json"), fmt.Sprintf(format, args...), 0o600)
}

// program puts a shell script on PATH. It remembers what it was asked.
func (d *desk) program(name, script string) {
	d.write(filepath.Join(d.bin, name), "#!/bin/sh\nIFS= read -r host\necho \"$1 $host\" >> "+d.bin+"/log\n"+script+"\n", 0o700)
}

// asked returns what the programs were asked.
func (d *desk) asked() string {
	b, _ := os.ReadFile(filepath.Join(d.bin, "log"))
	return strings.TrimSpace(string(b))
}

func (d *desk) write(path, text string, mode os.FileMode) {
	d.t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

// get returns "USER:PASSWORD", "token:TOKEN" or "" for nobody.
func (d *desk) get(host string) (string, error) {
	d.t.Helper()
	repo, err := name.NewRepository(host + "/o/n")
	if err != nil {
		d.t.Fatal(err)
	}
	auth, err := Keychain(d.options).ResolveContext(d.t.Context(), repo)
	if err != nil {
		return "", err
	}
	config, err := auth.Authorization()
	if err != nil {
		d.t.Fatal(err)
	}
	switch {
	case *config == (authn.AuthConfig{}):
		return "", nil
	case config.IdentityToken != "":
		return "token:" + config.IdentityToken, nil
	}
	return config.Username + ":" + config.Password, nil
}

// wants compares the credential for host, and the words about where it is from.
func (d *desk) wants(host, credential, origin string) {
	d.t.Helper()
	got, err := d.get(host)
	if err != nil || got != credential {
		d.t.Errorf("%s: got %q, %v; want %q", host, got, err, credential)
	}
	if from, err := Keychain(d.options).Origin(d.t.Context(), host); err != nil || from != origin {
		d.t.Errorf("%s: is from %q, %v; want %q", host, from, err, origin)
	}
}

// fails wants an error that names keychain and host, and no secret.
func (d *desk) fails(host, origin string) {
	d.t.Helper()
	got, err := d.get(host)
	var e *Error
	if !errors.As(err, &e) || e.Origin != origin || e.Host != host {
		d.t.Fatalf("%s: got %q, %v; want an error of %s", host, got, err, origin)
	}
	d.t.Log(err)
	text := err.Error()
	if !strings.Contains(text, host) || !strings.Contains(text, origin) {
		d.t.Errorf("%q does not say who and for which host", text)
	}
	if strings.Contains(text, secret) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(secret))) {
		d.t.Errorf("%q says the secret", text)
	}
}

// TestNobody shows that access is anonymous where no keychain has anything.
func TestNobody(t *testing.T) {
	d := newDesk(t)
	for _, host := range []string{"registry.example", "ghcr.io", "gcr.io", ecrHost, acrHost, "index.docker.io"} {
		d.wants(host, "", "")
	}
}

// TestOrder takes the keychains away one by one.
func TestOrder(t *testing.T) {
	d := newDesk(t)
	d.env["GITHUB_TOKEN"], d.env["GH_TOKEN"], d.env["GITHUB_ACTOR"] = "t1", "t2", "me"
	d.docker(`{"auths":{"ghcr.io":{"auth":%q}}}`, base64.StdEncoding.EncodeToString([]byte("docker:"+secret)))
	d.options.Logins = map[string]Login{"GHCR.io:443": {Username: "own", Password: func() (string, error) { return "pw", nil }}}
	d.wants("ghcr.io", "own:pw", "assay's configuration")
	d.options.Logins = nil
	d.wants("ghcr.io", "docker:"+secret, "docker's config")
	d.docker(`{}`)
	d.wants("ghcr.io", "me:t1", "the GITHUB_TOKEN or GH_TOKEN of the environment")
	d.env["GITHUB_TOKEN"], d.env["GITHUB_ACTOR"] = "", ""
	d.wants("ghcr.io", "unset:t2", "the GITHUB_TOKEN or GH_TOKEN of the environment")
	d.wants("ghcr.io.evil.example", "", "")
	d.env["GITHUB_SERVER_URL"] = "https://ghes.example"
	d.wants("ghcr.io", "", "")
	d.env["GITHUB_SERVER_URL"] = "https://github.com"
	d.wants("ghcr.io", "unset:t2", "the GITHUB_TOKEN or GH_TOKEN of the environment")
	d.options.Logins = map[string]Login{"ghcr.io": {Anonymous: true}}
	d.wants("ghcr.io", "", "")
}

// TestStaticStaysHome shows that a password of the configuration is for its host alone.
func TestStaticStaysHome(t *testing.T) {
	d := newDesk(t)
	read := 0
	d.options.Logins = map[string]Login{"registry.example:5000": {Username: "u", Password: func() (string, error) { read++; return secret, nil }}}
	for _, host := range []string{"registry.example", "registry.example:5001", "a.registry.example:5000", "registry.example.evil:5000"} {
		d.wants(host, "", "")
	}
	if read != 0 {
		t.Errorf("the password was read %d times for other hosts", read)
	}
	d.wants("registry.example:5000", "u:"+secret, "assay's configuration")
	d.options.Logins = map[string]Login{"registry.example:5000": {Username: "u", Password: func() (string, error) { return secret, errors.New("no such file") }}}
	d.fails("registry.example:5000", "assay's configuration")
}

// TestDocker reads docker's config as docker does: entries, helpers, and Podman's file.
func TestDocker(t *testing.T) {
	entry := base64.StdEncoding.EncodeToString([]byte("u:p"))
	t.Run("entries", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"auths":{"registry.example":{"auth":%q},"https://index.docker.io/v1/":{"auth":%q},"id.example":{"identitytoken":"it"}}}`, entry, entry)
		d.wants("registry.example", "u:p", "docker's config")
		d.wants("docker.io", "u:p", "docker's config")
		d.wants("id.example", "token:it", "docker's config")
		d.wants("other.example", "", "")
	})
	t.Run("helper", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"credHelpers":{"registry.example":"xyz"}}`)
		d.program("docker-credential-xyz", `echo '{"ServerURL":"","Username":"h","Secret":"hp"}'`)
		d.wants("registry.example", "h:hp", "docker's config")
		if d.wants("other.example", "", ""); strings.Contains(d.asked(), "other") {
			t.Errorf("the helper was asked %q", d.asked())
		}
	})
	t.Run("helper without an entry", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"credsStore":"xyz"}`)
		d.program("docker-credential-xyz", `echo "credentials not found in native keychain"; exit 1`)
		d.env["GITHUB_TOKEN"] = "t"
		d.wants("registry.example", "", "")
		d.wants("ghcr.io", "unset:t", "the GITHUB_TOKEN or GH_TOKEN of the environment")
	})
	t.Run("helper that fails", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"credsStore":"xyz"}`)
		d.program("docker-credential-xyz", `echo "cannot unlock: `+secret+`"; exit 1`)
		d.fails("registry.example", "docker's config")
	})
	t.Run("helper that is missing", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"credsStore":"xyz"}`)
		d.fails("registry.example", "docker's config")
	})
	t.Run("broken file", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"auths":{"registry.example":{"auth":"%s!"}}}`, secret)
		d.fails("registry.example", "docker's config")
	})
	t.Run("podman", func(t *testing.T) {
		d := newDesk(t)
		file := filepath.Join(t.TempDir(), "auth.json")
		d.write(file, fmt.Sprintf(`{"auths":{"registry.example":{"auth":%q}}}`, entry), 0o600)
		t.Setenv("REGISTRY_AUTH_FILE", file)
		d.wants("registry.example", "u:p", "docker's config")
	})
}

// TestCloudHelpers runs the helpers of AWS and Azure for their hosts alone.
func TestCloudHelpers(t *testing.T) {
	for host, program := range map[string]string{ecrHost: helperECR, acrHost: helperACR} {
		t.Run(program, func(t *testing.T) {
			d := newDesk(t)
			d.program(program, `echo '{"Username":"AWS","Secret":"s"}'`)
			for _, other := range []string{"registry.example", host + ".evil.example", "x" + host + ".example", "ghcr.io", "gcr.io"} {
				d.wants(other, "", "")
			}
			if d.asked() != "" {
				t.Fatalf("the helper was asked %q", d.asked())
			}
			d.wants(host, "AWS:s", program)
			if !strings.HasPrefix(d.asked(), "get "+host) {
				t.Errorf("the helper was asked %q", d.asked())
			}
			d.program(program, `echo '{"Username":"<token>","Secret":"s"}'`)
			d.wants(host, "token:s", program)
			d.program(program, `echo "credentials not found in native keychain"; exit 1`)
			d.wants(host, "", "")
			for _, bad := range []string{
				`echo '{"Username":"u","Secret":"` + secret + `"}'; exit 1`,
				`echo "` + secret + `" >&2; exit 1`,
				`echo "` + secret + `"`,
				`echo '{"Username":"u","Secret":""}'`,
				`exit 0`,
				`while :; do echo "` + secret + `"; done`,
			} {
				d.program(program, bad)
				d.fails(host, program)
			}
		})
	}
}

// TestEnd shows that a helper which hangs ends with the verification.
func TestEnd(t *testing.T) {
	t.Run("cloud", func(t *testing.T) {
		d := newDesk(t)
		ended(t, d, helperECR, ecrHost)
	})
	t.Run("docker", func(t *testing.T) {
		d := newDesk(t)
		d.docker(`{"credHelpers":{"registry.example":"xyz"}}`)
		ended(t, d, "docker-credential-xyz", "registry.example")
		// Docker's code left its helper behind; let it go.
		if err := os.WriteFile(filepath.Join(d.bin, "never"), []byte("\n"), 0o600); err != nil {
			t.Error(err)
		}
	})
}

// ended lets a helper wait for what never comes, and the time end once it does.
func ended(t *testing.T, d *desk, program, host string) {
	t.Helper()
	started, never := filepath.Join(d.bin, "started"), filepath.Join(d.bin, "never")
	for _, pipe := range []string{started, never} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.program(program, "echo > "+started+"; IFS= read -r x < "+never+"; exit 1")
	over := errors.New("time is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		_, _ = os.ReadFile(started)
		cancel(over)
	}()
	registry, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Keychain(d.options).ResolveContext(ctx, registry); !errors.Is(err, over) {
		t.Errorf("got %v", err)
	}
}

// TestGoogle logs in with a file, by gcloud, or not at all.
func TestGoogle(t *testing.T) {
	t.Run("gcloud", func(t *testing.T) {
		d := newDesk(t)
		d.write(filepath.Join(d.bin, "gcloud"), "#!/bin/sh\necho '{\"credential\":{\"access_token\":\"at\",\"token_expiry\":\"2999-01-01T00:00:00Z\"}}'\n", 0o700)
		d.wants("eu.gcr.io", "_token:at", "Google's default login")
		d.wants("gcr.io.evil.example", "", "")
		d.write(filepath.Join(d.bin, "gcloud"), "#!/bin/sh\necho "+secret+"\nexit 1\n", 0o700)
		d.fails("eu.gcr.io", "Google's default login")
	})
	user := fmt.Sprintf(`{"type":"authorized_user","client_id":"c","client_secret":%q,"refresh_token":%q}`, secret, secret)
	t.Run("file", func(t *testing.T) {
		d := newDesk(t)
		d.login(user)
		var hosts []string
		d.options.Transport = answers(func(r *http.Request) (int, string) {
			hosts = append(hosts, r.URL.Host)
			return http.StatusOK, `{"access_token":"at","token_type":"Bearer","expires_in":3600}`
		})
		d.wants("us-docker.pkg.dev", "_token:at", "Google's default login")
		for _, h := range hosts {
			if h != "oauth2.googleapis.com" {
				t.Errorf("%s was asked", h)
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		d := newDesk(t)
		d.login(user)
		d.options.Transport = answers(func(*http.Request) (int, string) {
			return http.StatusBadRequest, `{"error":"invalid_grant","error_description":"` + secret + `"}`
		})
		d.fails("gcr.io", "Google's default login")
	})
	t.Run("broken file", func(t *testing.T) {
		d := newDesk(t)
		d.login(`{"type":"service_account","private_key":"` + secret + `"}`)
		d.fails("gcr.io", "Google's default login")
	})
}

// login writes default credentials and names them in the environment.
func (d *desk) login(text string) {
	file := filepath.Join(d.home, "adc.json")
	d.write(file, text, 0o600)
	d.t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	d.env["GOOGLE_APPLICATION_CREDENTIALS"] = file
}

// answers is a network with one answer.
type answers func(*http.Request) (status int, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}
