package tenant

import (
	"net"
	"net/url"
	"path"
	"strings"
)

// location is where an entry of a docker configuration is for, as the kubelet reads it:
// a host, each of whose labels may be a glob, a port, and the beginning of a path.
type location struct {
	labels     []string
	port, path string
}

// defaultHost is under which name docker keeps what it logs in to Docker Hub with.
const defaultHost = "index.docker.io"

// parseLocation reads a key of a docker configuration: "ghcr.io", "https://host:5000/v2/",
// "*.example.com/team". text is how it is sorted; false is a key that is for nothing.
func parseLocation(key string) (l location, text string, ok bool) {
	if !strings.HasPrefix(key, "https://") && !strings.HasPrefix(key, "http://") {
		key = "https://" + key
	}
	u, err := url.Parse(key)
	if err != nil || u.Host == "" {
		return location{}, "", false
	}
	// docker says which version of its API it logged in to.
	at := u.Path
	if strings.HasPrefix(at, "/v1/") || strings.HasPrefix(at, "/v2/") {
		at = at[len("/v1"):]
	}
	if at == "/" {
		at = ""
	}
	l = newLocation(u.Host, at)
	return l, strings.ToLower(u.Host) + at, true
}

func newLocation(host, at string) location {
	name, port := strings.ToLower(host), ""
	if h, p, err := net.SplitHostPort(name); err == nil {
		name, port = h, p
	}
	return location{labels: strings.Split(name, "."), port: port, path: at}
}

// matches reports whether credentials for l are for a repository: as many labels, each
// of which fits, the same port, and a path that begins like l's.
func (l location) matches(repository location) bool {
	if len(l.labels) != len(repository.labels) || l.port != repository.port || !strings.HasPrefix(repository.path, l.path) {
		return false
	}
	for i, label := range l.labels {
		if fits, err := path.Match(label, repository.labels[i]); err != nil || !fits {
			return false
		}
	}
	return true
}

// targets are the names under which credentials for a repository may stand, as
// "ghcr.io/owner/name": that of Docker Hub has two.
func targets(repository string) []location {
	host, at, _ := strings.Cut(repository, "/")
	if at != "" {
		at = "/" + at
	}
	if host == defaultHost || host == "docker.io" {
		return []location{newLocation("docker.io", at), newLocation(defaultHost, "")}
	}
	return []location{newLocation(host, at)}
}
