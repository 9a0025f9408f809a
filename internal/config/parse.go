package config

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/strictyaml"
)

// maxRegistries and maxMirrors bound the lists: each mirror is asked before the next
// one, so a long list is a long wait.
const (
	maxRegistries = 1000
	maxMirrors    = 8
)

// reader reads the fields of this package's files.
type reader struct{ strictyaml.Reader }

// Parse reads the bytes of a config.yaml. Paths in it are relative to the folder of
// file. A file without content is the zero Config.
func Parse(file string, b []byte) (Config, error) {
	r := &reader{strictyaml.Reader{File: file}}
	root, err := r.Document(b)
	if root == nil || err != nil {
		return Config{}, err
	}
	var c Config
	r.Mapping(root, "the configuration", map[string]func(*yaml.Node){
		"registries": func(n *yaml.Node) { c.Registries = r.registries(n) },
		"proxy":      func(n *yaml.Node) { c.Proxy = r.proxy(n) },
	})
	if err := r.Err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (r *reader) registries(n *yaml.Node) []Registry {
	var all []Registry
	seen := map[string]bool{}
	r.List(n, "registries", maxRegistries, func(n *yaml.Node) {
		one := r.registry(n)
		if seen[one.Host] && one.Host != "" {
			r.Fail(n, "found a second entry for %s", one.Host)
		}
		seen[one.Host] = true
		all = append(all, one)
	})
	return all
}

func (r *reader) registry(n *yaml.Node) Registry {
	var one Registry
	before := r.Faults()
	r.Mapping(n, "an entry of registries", map[string]func(*yaml.Node){
		"host":          func(n *yaml.Node) { one.Host = r.host(n) },
		"ca":            func(n *yaml.Node) { one.CA = r.Path(n, "ca") },
		"mirror":        func(n *yaml.Node) { one.Mirrors = r.mirrors(n) },
		"plain_http":    func(n *yaml.Node) { one.PlainHTTP = r.Boolean(n, "plain_http") },
		"network":       func(n *yaml.Node) { one.Network = r.network(n) },
		"anonymous":     func(n *yaml.Node) { one.Anonymous = r.Boolean(n, "anonymous") },
		"username":      func(n *yaml.Node) { one.Username = r.Text(n, "username") },
		"password_file": func(n *yaml.Node) { one.PasswordFile = r.Path(n, "password_file") },
	})
	if r.Faults() == before {
		r.agree(n, one)
	}
	return one
}

// agree refuses what contradicts itself in an entry.
func (r *reader) agree(n *yaml.Node, one Registry) {
	switch {
	case one.Host == "":
		r.Fail(n, "an entry of registries has no host")
	case (one.Username == "") != (one.PasswordFile == ""):
		r.Fail(n, "found one of username and password_file for %s; wanted both or none", one.Host)
	case one.Anonymous && one.Username != "":
		r.Fail(n, "found both anonymous and username for %s; wanted one of them", one.Host)
	case one.PlainHTTP && one.CA != "":
		r.Fail(n, "found both plain_http and ca for %s; a CA has no part in plain HTTP", one.Host)
	case slices.Contains(one.Mirrors, one.Host):
		r.Fail(n, "%s is named as a mirror of itself", one.Host)
	}
}

// network reads which addresses a host may have.
func (r *reader) network(n *yaml.Node) string {
	s := r.Text(n, "network")
	if s != "" && s != NetworkPrivate && s != NetworkLoopback {
		r.Fail(n, "network is %q; wanted %s, or %s for this machine", s, NetworkPrivate, NetworkLoopback)
	}
	return s
}

// host reads a registry as it stands in references.
func (r *reader) host(n *yaml.Node) string {
	s := r.Text(n, "host")
	if s == "" {
		return ""
	}
	host, problem := registryHost(s)
	if problem != "" {
		r.Fail(n, "host %s; wanted a registry such as ghcr.io or registry.example:5000", problem)
	}
	return host
}

// hostName is a host with or without port. There are no patterns.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$`)

// registryHost returns the host in the one way to write it, or what is wrong. It
// repeats nothing that could be a password.
func registryHost(s string) (host, problem string) {
	switch {
	case strings.Contains(s, "://"):
		return "", "has a scheme"
	case strings.Contains(s, "@"):
		return "", "has credentials in it"
	case strings.Contains(s, "/"):
		return "", "has a path"
	}
	registry, err := name.NewRegistry(strings.ToLower(s), name.StrictValidation)
	if err != nil || !hostName.MatchString(strings.ToLower(s)) {
		return "", "is no host name"
	}
	return strings.TrimSuffix(registry.RegistryStr(), ":443"), ""
}

func (r *reader) mirrors(n *yaml.Node) []string {
	var all []string
	r.List(n, "mirror", maxMirrors, func(n *yaml.Node) {
		s := r.Text(n, "mirror")
		if s == "" {
			return
		}
		mirror, problem := mirrorOf(s)
		switch {
		case problem != "":
			r.Fail(n, "mirror %s; wanted HOST or HOST/PREFIX, such as mirror.example/docker-hub", problem)
		case slices.Contains(all, mirror):
			r.Fail(n, "found the mirror %s twice", mirror)
		}
		all = append(all, mirror)
	})
	return all
}

func mirrorOf(s string) (mirror, problem string) {
	if strings.Contains(s, "://") || strings.Contains(s, "@") {
		return registryHost(s)
	}
	before, prefix, long := strings.Cut(s, "/")
	host, problem := registryHost(before)
	if problem != "" || !long {
		return host, problem
	}
	_, err := name.NewRepository("registry.example/"+prefix+"/x", name.StrictValidation)
	if err != nil || prefix == "" || path.Clean("/"+prefix) != "/"+prefix {
		return "", "has a path that is no repository's"
	}
	return host + "/" + prefix, ""
}

// proxy reads the address of a proxy. One that wants a password is named in the
// environment, so that this file stays without secrets.
func (r *reader) proxy(n *yaml.Node) *url.URL {
	s := r.Text(n, "proxy")
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		r.Fail(n, "proxy is no address; wanted one such as http://proxy.example:3128")
	case u.User != nil:
		r.Fail(n, "proxy has credentials in it; name such a proxy in HTTPS_PROXY instead")
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		r.Fail(n, "proxy begins with %q; wanted http, https, socks5 or socks5h", u.Scheme)
	default:
		return u
	}
	return nil
}
