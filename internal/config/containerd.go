package config

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/strictyaml"
)

// ContainerdVariable is the environment variable that names the settings of `assay
// containerd` where -config does not, and ContainerdFile where they lie otherwise.
const (
	ContainerdVariable = "ASSAY_CONTAINERD_CONFIG"
	ContainerdFile     = "/etc/assay/containerd.yaml"
)

// The time that `assay containerd` may take: its default leaves containerd's own
// (per_verifier_timeout, 10 s) enough room to hear why.
const (
	containerdTimeout = 8 * time.Second
	minTimeout        = 100 * time.Millisecond
	maxTimeout        = 10 * time.Minute
)

// Containerd is what the settings of `assay containerd` say: containerd gives its
// plugins an image and nothing else. Paths are as written, or relative to the folder of
// the file; all but Policy may be "".
type Containerd struct {
	// Policy is judged by on the node; where it is "", Server is asked.
	Policy      string
	TrustedRoot string
	Exceptions  string
	// Registries is the configuration of registries, as [Load] reads it.
	Registries string
	// State is the folder of what was seen of TUF repositories and of the updated root.
	State string
	// Log is the file that gets a line for each answer.
	Log     string
	Timeout time.Duration
	Server  ContainerdServer
}

// ContainerdServer is the server that is asked in place of judging on the node. All but
// URL are files, and may be "".
type ContainerdServer struct {
	URL, CA, Token, Certificate, Key string
}

// FindContainerd returns the path of the settings: the flag's, else that in
// ASSAY_CONTAINERD_CONFIG, else /etc/assay/containerd.yaml.
func FindContainerd(flag string, getenv func(string) string) string {
	for _, path := range []string{flag, getenv(ContainerdVariable)} {
		if path != "" {
			return path
		}
	}
	return ContainerdFile
}

// LoadContainerd reads the settings. Unlike config.yaml they have to be there.
func LoadContainerd(path string) (Containerd, error) {
	b, err := files.Read(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Containerd{}, fmt.Errorf("read the settings: %w; write %s, or name another file with -config or %s", err, path, ContainerdVariable)
	}
	if err != nil {
		return Containerd{}, fmt.Errorf("read the settings: %w", err)
	}
	return ParseContainerd(path, b)
}

// ParseContainerd reads the bytes of the settings. Paths in them are relative to the
// folder of file.
func ParseContainerd(file string, b []byte) (Containerd, error) {
	r := &reader{strictyaml.Reader{File: file}}
	root, err := r.Document(b)
	if err != nil {
		return Containerd{}, err
	}
	if root == nil {
		return Containerd{}, fmt.Errorf("%s:1:1: the settings are empty; wanted at least policy: FILE or server: {url: URL}", file)
	}
	s := Containerd{Timeout: containerdTimeout}
	path := func(key string, to *string) func(*yaml.Node) {
		return func(n *yaml.Node) { *to = r.Path(n, key) }
	}
	r.Mapping(root, "the settings", map[string]func(*yaml.Node){
		"policy":       path("policy", &s.Policy),
		"trusted_root": path("trusted_root", &s.TrustedRoot),
		"exceptions":   path("exceptions", &s.Exceptions),
		"registries":   path("registries", &s.Registries),
		"state":        path("state", &s.State),
		"log":          path("log", &s.Log),
		"timeout":      func(n *yaml.Node) { s.Timeout = r.timeout(n) },
		"server": func(n *yaml.Node) {
			r.Mapping(n, "server", map[string]func(*yaml.Node){
				"url":         func(n *yaml.Node) { s.Server.URL = r.Text(n, "server.url") },
				"ca":          path("server.ca", &s.Server.CA),
				"token":       path("server.token", &s.Server.Token),
				"certificate": path("server.certificate", &s.Server.Certificate),
				"key":         path("server.key", &s.Server.Key),
			})
		},
	})
	if r.Faults() == 0 {
		s.oneJudge(r, root)
	}
	if err := r.Err(); err != nil {
		return Containerd{}, err
	}
	return s, nil
}

// oneJudge wants a policy or a server, and nothing that would be ignored: a server
// judges by its own policy, and reaches registries by itself.
func (s Containerd) oneJudge(r *reader, root *yaml.Node) {
	asks := s.Server != ContainerdServer{}
	switch {
	case asks && s.Server.URL == "":
		r.Fail(root, "server has no url; wanted url: https://HOST[:PORT]")
	case !asks && s.Policy == "":
		r.Fail(root, "the settings have no policy; wanted policy: FILE, or server: {url: URL}")
	case !asks:
		return
	}
	for _, other := range []struct{ name, value string }{
		{"policy", s.Policy}, {"trusted_root", s.TrustedRoot}, {"exceptions", s.Exceptions}, {"registries", s.Registries}, {"state", s.State},
	} {
		if asks && other.value != "" {
			r.Fail(root, "%s has no meaning beside server, which judges by its own settings", other.name)
		}
	}
}

// timeout reads a duration, bounded.
func (r *reader) timeout(n *yaml.Node) time.Duration {
	s := r.Text(n, "timeout")
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < minTimeout || d > maxTimeout {
		r.Fail(n, "timeout is %s; wanted a duration between %s and %s, such as 8s", strictyaml.Describe(n), minTimeout, maxTimeout)
	}
	return d
}
