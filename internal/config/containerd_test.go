package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestContainerd(t *testing.T) {
	s, err := ParseContainerd("/etc/assay/containerd.yaml", []byte("policy: policy.yaml\ntrusted_root: /r.json\nexceptions: e.yaml\n"+
		"registries: config.yaml\nstate: /var/lib/assay\nlog: l.jsonl\ntimeout: 4s\n"))
	want := Containerd{
		Policy: "/etc/assay/policy.yaml", TrustedRoot: "/r.json", Exceptions: "/etc/assay/e.yaml",
		Registries: "/etc/assay/config.yaml", State: "/var/lib/assay", Log: "/etc/assay/l.jsonl", Timeout: 4 * time.Second,
	}
	if err != nil || s != want {
		t.Errorf("got  %+v, %v\nwant %+v", s, err, want)
	}
	if s, err := ParseContainerd("c.yaml", []byte("policy: p.yaml\n")); err != nil || s != (Containerd{Policy: "p.yaml", Timeout: 8 * time.Second}) {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestContainerdServer(t *testing.T) {
	s, err := ParseContainerd("/etc/assay/containerd.yaml", []byte("server: {url: https://assay:8443, ca: ca.pem, token: token, certificate: c.pem, key: /k.pem}\nlog: l\n"))
	want := Containerd{Log: "/etc/assay/l", Timeout: 8 * time.Second, Server: ContainerdServer{
		URL: "https://assay:8443", CA: "/etc/assay/ca.pem", Token: "/etc/assay/token", Certificate: "/etc/assay/c.pem", Key: "/k.pem",
	}}
	if err != nil || s != want {
		t.Errorf("got  %+v, %v\nwant %+v", s, err, want)
	}
}

func TestRefuseContainerd(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "f:1:1: the settings are empty",
		"# nothing\n":                         "f:1:1: the settings are empty",
		"state: /x":                           "f:1:1: the settings have no policy",
		"policy: ''":                          "f:1:9: policy is empty",
		"policy:":                             "f:1:1: \"policy\" in the settings has no value",
		"policy: a\npolicy: b":                "f:2:1: found \"policy\" twice",
		"policy: a\nfail_open: true":          "f:2:1: found the unknown key \"fail_open\"",
		"policy: a\ntimeout: 0s":              "f:2:10: timeout is \"0s\"; wanted a duration between 100ms and 10m0s",
		"policy: a\ntimeout: 11m":             "f:2:10: timeout is",
		"policy: a\ntimeout: 8":               "f:2:10: timeout is no text",
		"policy: [a]":                         "f:1:9: policy is a list; wanted text",
		"policy: a\n---\npolicy: b\n":         "f:2:1: found a second document",
		"policy: &a b\ntrusted_root: *a":      "f:1:9: found a YAML anchor",
		"server: {ca: x}":                     "f:1:1: server has no url",
		"server: {}":                          "f:1:9: server is an empty mapping",
		"server: https://x":                   "f:1:9: server is",
		"server: {url: ''}":                   "f:1:15: server.url is empty",
		"server: {url: x, insecure: true}":    "f:1:18: found the unknown key \"insecure\"",
		"policy: a\nserver: {url: https://x}": "f:1:1: policy has no meaning beside server",
		"trusted_root: a\nserver: {url: https://x}": "f:1:1: trusted_root has no meaning",
		"exceptions: a\nserver: {url: https://x}":   "f:1:1: exceptions has no meaning",
		"registries: a\nserver: {url: https://x}":   "f:1:1: registries has no meaning",
		"state: a\nserver: {url: https://x}":        "f:1:1: state has no meaning",
	} {
		if _, err := ParseContainerd("f", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestFindContainerd(t *testing.T) {
	env := func(v string) func(string) string {
		return func(k string) string { return map[string]string{ContainerdVariable: v}[k] }
	}
	for _, c := range []struct{ flag, env, want string }{
		{"f", "e", "f"}, {"", "e", "e"}, {"", "", ContainerdFile},
	} {
		if got := FindContainerd(c.flag, env(c.env)); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := LoadContainerd(missing); err == nil || !strings.Contains(err.Error(), "write "+missing) {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("policy: p.yaml\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := LoadContainerd(file); err != nil || s.Policy != filepath.Join(filepath.Dir(file), "p.yaml") {
		t.Errorf("got %+v, %v", s, err)
	}
}
