package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const whole = `# all there is
registries:
  - host: docker.io
    mirror: [mirror.example/docker-hub, other.example:5000]
    anonymous: true
  - host: Registry.Example:5000
    ca: ca.pem
    username: robot
    password_file: /run/secrets/robot
  - host: lab.example
    plain_http: true
    network: private
  - host: near.example
    network: loopback
proxy: http://proxy.example:3128
`

func TestParse(t *testing.T) {
	c, err := Parse("etc/config.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := []Registry{
		{Host: "index.docker.io", Mirrors: []string{"mirror.example/docker-hub", "other.example:5000"}, Anonymous: true},
		{Host: "registry.example:5000", CA: "etc/ca.pem", Username: "robot", PasswordFile: "/run/secrets/robot"},
		{Host: "lab.example", PlainHTTP: true, Network: NetworkPrivate},
		{Host: "near.example", Network: NetworkLoopback},
	}
	if !reflect.DeepEqual(c.Registries, want) {
		t.Errorf("got  %+v\nwant %+v", c.Registries, want)
	}
	if c.Proxy == nil || c.Proxy.String() != "http://proxy.example:3128" {
		t.Errorf("got the proxy %v", c.Proxy)
	}
	for _, empty := range []string{"", "# nothing\n", "\n\n"} {
		if c, err := Parse("f", []byte(empty)); err != nil || !reflect.DeepEqual(c, Config{}) {
			t.Errorf("%q: got %+v, %v", empty, c, err)
		}
	}
}

// secret must be in no error.
const secret = "hunter2-XYZZY"

// TestRefuse shows what is no configuration, with the place where it goes wrong.
func TestRefuse(t *testing.T) {
	entry := func(s string) string { return "registries:\n  - host: a.example\n    " + s + "\n" }
	for text, want := range map[string]string{
		"x":                                "f:1:1: the configuration is \"x\"",
		"[]":                               "f:1:1: the configuration is a list",
		"{}":                               "f:1:1: the configuration is an empty mapping",
		"registry: []":                     "f:1:1: found the unknown key \"registry\"",
		"Registries: [{host: a.example}]":  "f:1:1: found the unknown key",
		"proxy: http://a\nproxy: http://b": "f:2:1: found \"proxy\" twice",
		"proxy:":                           "f:1:1: \"proxy\" in the configuration has no value",
		"proxy: ~":                         "f:1:1: \"proxy\" in the configuration has no value",
		"proxy: ''":                        "f:1:8: proxy is empty",
		"proxy: 1":                         "f:1:8: proxy is no text",
		"proxy: proxy.example:3128":        "f:1:8: proxy is no address",
		"proxy: ftp://proxy.example":       "f:1:8: proxy begins with \"ftp\"",
		"proxy: http://proxy.example/x":    "f:1:8: proxy is no address",
		"proxy: http://u:" + secret + "@p": "f:1:8: proxy has credentials in it",
		"proxy: http://" + secret + "%zz":  "f:1:8: proxy is no address",
		"proxy: &a http://a":               "f:1:8: found a YAML anchor",
		"proxy: !!str http://a":            "f:1:8: found a YAML anchor",
		"registries: []":                   "f:1:13: registries has 0 elements",
		"registries: {host: a.example}":    "f:1:13: registries is a mapping",
		"registries: [a.example]":          "f:1:14: an entry of registries is \"a.example\"",
		"registries: [{plain_http: true}]": "f:1:14: an entry of registries has no host",
		"registries: [{host: a.example}, {host: A.example:443}]":               "f:1:33: found a second entry for a.example",
		"registries: [{host: docker.io}, {host: index.docker.io}]":             "f:1:33: found a second entry for index.docker.io",
		"registries: [{host: https://a.example}]":                              "f:1:21: host has a scheme",
		"registries: [{host: 'u:" + secret + "@a.example'}]":                   "f:1:21: host has credentials in it",
		"registries: [{host: a.example/n}]":                                    "f:1:21: host has a path",
		"registries: [{host: '*.example'}]":                                    "f:1:21: host is no host name",
		"registries: [{host: ' a.example'}]":                                   "f:1:21: host has spaces around it",
		"registries: [{host: \"a\\u200b.example\"}]":                           "f:1:21: host has spaces around it, or a character",
		entry("networks: private"):                                             "f:3:5: found the unknown key \"networks\"",
		entry("network: any"):                                                  "f:3:14: network is \"any\"; wanted private, or loopback for this machine",
		entry("network: Private"):                                              "f:3:14: network is \"Private\"; wanted private",
		entry("network: [private]"):                                            "f:3:14: network is a list",
		entry("network: 10.0.0.0/8"):                                           "f:3:14: network is \"10.0.0.0/8\"; wanted private",
		entry("network: true"):                                                 "f:3:14: network is no text",
		"network: private":                                                     "f:1:1: found the unknown key \"network\"",
		entry("password: " + secret):                                           "f:3:5: found the unknown key \"password\"",
		entry("host: b.example"):                                               "f:3:5: found \"host\" twice",
		entry("<<: {plain_http: true}"):                                        "f:3:5: found the unknown key",
		entry("plain_http: yes"):                                               "f:3:17: plain_http is \"yes\"; wanted true or false",
		entry("plain_http: 'true'"):                                            "f:3:17: plain_http is \"true\"; wanted true or false",
		entry("username: u"):                                                   "f:2:5: found one of username and password_file",
		entry("password_file: p"):                                              "f:2:5: found one of username and password_file",
		entry("anonymous: true\n    username: u\n    password_file: p"):        "f:2:5: found both anonymous and username",
		entry("plain_http: true\n    ca: c"):                                   "f:2:5: found both plain_http and ca",
		entry("mirror: m.example"):                                             "f:3:13: mirror is \"m.example\"; wanted a list",
		entry("mirror: [a.example]"):                                           "f:2:5: a.example is named as a mirror of itself",
		entry("mirror: [https://m.example]"):                                   "f:3:14: mirror has a scheme",
		entry("mirror: ['u:" + secret + "@m.example/x']"):                      "f:3:14: mirror has credentials in it",
		entry("mirror: [m.example/../x]"):                                      "f:3:14: mirror has a path that is no repository's",
		entry("mirror: [m.example/X]"):                                         "f:3:14: mirror has a path that is no repository's",
		entry("mirror: [m.example/]"):                                          "f:3:14: mirror has a path that is no repository's",
		entry("mirror: [m.example, m.example]"):                                "f:3:25: found the mirror m.example twice",
		entry("mirror: [" + strings.Repeat("m.example/a, ", 9) + "m.example]"): "f:3:13: mirror has 10 elements; wanted 1 to 8",
		"a: [":              "f:1:1: ",
		"proxy: a\n---\n{}": "f:2:1: found a second document",
		"\xff":              "f:1:1: wanted UTF-8",
		"\ufeffproxy: a":    "f:1:1: wanted UTF-8 without a byte order mark",
	} {
		_, err := Parse("f", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error says the secret: %v", text, err)
		}
	}
}

// TestRefuseAll shows that everything wrong is said at once, in the file's order.
func TestRefuseAll(t *testing.T) {
	_, err := Parse("f", []byte("proxy: 1\nregistries:\n  - host: a/b\n    ca: [x]\n  - mirror: [m.example]\n"))
	var lines []string
	for line := range strings.Lines(fmt.Sprint(err)) {
		lines = append(lines, line[:4])
	}
	if got := strings.Join(lines, " "); got != "f:1: f:3: f:4: f:5:" {
		t.Errorf("got %s in\n%v", got, err)
	}
}

func TestFind(t *testing.T) {
	env := map[string]string{}
	getenv := func(v string) string { return env[v] }
	home := func() (string, error) { return "/home/u/.config", nil }
	wants := func(flag, path string, named bool, userDir func() (string, error)) {
		t.Helper()
		if p, n := Find(flag, getenv, userDir); filepath.ToSlash(p) != path || n != named {
			t.Errorf("got %q, %v; want %q, %v", p, n, path, named)
		}
	}
	wants("", "/home/u/.config/assay/config.yaml", false, home)
	wants("", "", false, func() (string, error) { return "", errors.New("no home") })
	env[Variable] = "env.yaml"
	wants("", "env.yaml", true, home)
	wants("flag.yaml", "flag.yaml", true, home)
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent.yaml")
	if c, err := Load(absent, false); err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := Load(absent, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a named file that is absent: got %v", err)
	}
	if _, err := Load(dir, false); err == nil {
		t.Error("a folder is a configuration")
	}
	if c, err := Load("", false); err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Errorf("got %+v, %v", c, err)
	}
	big := write(t, strings.Repeat("#", maxFile+1))
	if _, err := Load(big, true); err == nil {
		t.Error("a file without end is read")
	}
	if c, err := Load(write(t, whole), false); err != nil || len(c.Registries) != 4 {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestPassword(t *testing.T) {
	for text, want := range map[string]string{"pw\n": "pw", "pw\r\n": "pw", "pw": "pw", " p w \n": " p w ", "a\nb\n": "a\nb", "pw\n\n": "pw\n"} {
		if got, err := (Registry{PasswordFile: write(t, text)}).Password(); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", strings.Repeat("x", maxPassword+1)} {
		if got, err := (Registry{PasswordFile: write(t, text)}).Password(); err == nil {
			t.Errorf("got %d bytes, want an error", len(got))
		}
	}
}

func TestRoots(t *testing.T) {
	if _, err := (Registry{Host: "h", CA: write(t, "no certificate")}).Roots(); err == nil {
		t.Error("a file without certificate is a CA")
	}
	roots, err := (Registry{Host: "h", CA: filepath.Join(t.TempDir(), "absent")}).Roots()
	if err == nil || (roots != (*x509.CertPool)(nil)) {
		t.Errorf("got %v, %v", roots, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("registries: [{host: a.example, mirror: [b/c]}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse("f", b)
		for _, r := range c.Registries {
			if err != nil || r.Host == "" || (r.Username == "") != (r.PasswordFile == "") {
				t.Fatalf("%q: %+v, %v", b, r, err)
			}
		}
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
