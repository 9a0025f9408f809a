package github

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

const publicHost = "github.com"

// Repository is a repository on a GitHub host. Make one with [ParseRepository].
type Repository struct {
	// Host is the web host, with a port if it has one: "github.com".
	Host        string
	Owner, Name string
}

// The names that GitHub gives: of accounts (with the underscore of managed users), and
// of repositories.
var (
	ownerName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
)

// ParseRepository reads "owner/name", which is on github.com, or
// "https://HOST/owner/name". Plain HTTP is for loopback alone.
func ParseRepository(s string) (Repository, error) {
	host, path := publicHost, s
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.RawPath != "":
			return Repository{}, fmt.Errorf("read repository %q: it is not https://HOST/owner/name", s)
		case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
			return Repository{}, fmt.Errorf("read repository %q: its scheme is not https", s)
		}
		host, path = strings.ToLower(u.Host), strings.TrimSuffix(strings.TrimPrefix(u.Path, "/"), "/")
	}
	owner, name, ok := strings.Cut(strings.TrimSuffix(path, ".git"), "/")
	if !ok || !ownerName.MatchString(owner) || !repositoryName.MatchString(name) || strings.Trim(name, ".") == "" {
		return Repository{}, fmt.Errorf("read repository %q: it is not owner/name", s)
	}
	return Repository{Host: host, Owner: owner, Name: name}, nil
}

// String returns "HOST/owner/name".
func (r Repository) String() string { return r.Host + "/" + r.Owner + "/" + r.Name }

// API returns the root of the REST API that knows the repository: that of github.com,
// of a tenant of ghe.com, or of a GitHub Enterprise Server
// (https://docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api).
func (r Repository) API() string {
	switch {
	case r.Host == publicHost, r.Host == "www."+publicHost:
		return "https://api.github.com"
	case strings.HasSuffix(r.Host, ".ghe.com"):
		return "https://api." + r.Host
	case loopback(hostname(r.Host)):
		return "http://" + r.Host + "/api/v3"
	}
	return "https://" + r.Host + "/api/v3"
}

// hostname takes the port off a host.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// loopback reports whether host, without port, is this machine by its name.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
