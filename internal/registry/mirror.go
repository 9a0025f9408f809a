package registry

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/releaseassay/assay/verify"
)

// Host is what is particular to one registry.
type Host struct {
	// PlainHTTP allows plain HTTP to this host, and to no other.
	PlainHTTP bool
	// Mirrors are HOST or HOST/PREFIX, under which the registry's repositories are
	// asked for, in this order, before the registry itself. Only what a mirror says
	// it does not have is asked for at the next place: its errors are errors.
	Mirrors []string
}

// hostOptions returns what is particular to a host, with or without port.
func (o Options) hostOptions(host string) Host { return o.Hosts[canonicalHost(host)] }

// plainHTTPTo reports whether plain HTTP to host was allowed. Loopback needs nobody's leave.
func (o Options) plainHTTPTo(host string) bool { return o.PlainHTTP || o.hostOptions(host).PlainHTTP }

// canonicalHost is the one way to write a host: in lower case, and without the port
// of https.
func canonicalHost(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":443") }

// newSession returns a connection to repo that is not open yet, and those to its
// mirrors. A mirror has the handshake and the credentials of its own host.
func (r *Registry) newSession(repo name.Repository) *session {
	s := &session{repo: repo, options: r.options, asked: map[string]*asked{}, notes: &r.notes}
	for _, mirror := range r.options.hostOptions(repo.RegistryStr()).Mirrors {
		host, prefix, _ := strings.Cut(mirror, "/")
		m := &session{options: r.options, asked: map[string]*asked{}}
		registry, err := name.NewRegistry(host)
		if err != nil {
			m.once.Do(func() { m.bad = definitive(verify.RegistryMalformed, "%q names no host", mirror) })
		}
		m.repo = registry.Repo(path.Join(prefix, repo.RepositoryStr()))
		s.mirrors = append(s.mirrors, m)
	}
	return s
}

// fetch asks the mirrors for path, and then the registry itself. A further page of a
// list is only known to who sent the one before.
func (s *session) fetch(ctx context.Context, path string, accept []string, most room) (answer, *trouble) {
	mirrors := s.mirrors
	if strings.Contains(path, "?") {
		mirrors = nil
	}
	for _, m := range mirrors {
		got, bad := m.send(ctx, m.root()+strings.TrimPrefix(path, s.root()), accept, most)
		switch {
		case s.lacks(path, got, bad):
		case bad != nil:
			return answer{}, bad.of(m)
		default:
			s.notes.add(s, m, path)
			return got, nil
		}
	}
	return s.send(ctx, path, accept, most)
}

// lacks reports whether a mirror says that it does not have what was asked for. Most
// mirrors do not copy referrers: some have no such API, some list none.
func (s *session) lacks(path string, got answer, bad *trouble) bool {
	referrers := strings.HasPrefix(path, s.path("referrers", ""))
	if bad != nil || !referrers {
		return bad != nil && (bad.status == http.StatusNotFound || referrers && withoutAPI(bad.status))
	}
	listed, odd := parseIndex(got.body)
	return odd == nil && len(listed) == 0 && len(got.link) == 0
}

// of says in a trouble which mirror it was.
func (t *trouble) of(m *session) *trouble {
	named := *t
	named.detail = printable("the mirror " + m.repo.Name() + ": " + t.detail)
	return &named
}

// blame says which mirror sent wrong bytes, if s did not send them itself.
func (a answer) blame(s *session, bad *trouble) *trouble {
	if bad == nil || a.from == nil || a.from == s {
		return bad
	}
	return bad.of(a.from)
}

// notes are the names and lists that mirrors answered for: what a digest does not hold.
type notes struct {
	mu    sync.Mutex
	lines []string
}

// add notes that mirror m answered for path of s.
func (n *notes) add(s, m *session, path string) {
	wanted := path[strings.LastIndexByte(path, '/')+1:]
	var line string
	switch manifests := strings.HasPrefix(path, s.path("manifests", "")); {
	case manifests && !verify.IsDigest(wanted):
		line = m.repo.Name() + ":" + wanted
	case strings.HasPrefix(path, s.path("referrers", "")):
		line = m.repo.Name() + " referrers of " + wanted
	default:
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line+" (mirror of "+s.repo.Name()+")")
}

// all returns what was noted so far.
func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}
