package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// places reads which services are asked for evidence.
func (r *reader) places(n *yaml.Node) []string {
	var places []string
	r.list(n, "places", func(n *yaml.Node) {
		place := r.choice(n, "places", PlaceRegistry, PlaceGitHub)
		if place != "" && slices.Contains(places, place) {
			r.fail(n, "places names %s twice", place)
		}
		places = append(places, place)
	})
	return places
}

// checkPlaces refuses to ask GitHub where it is not said which repository to ask for.
func (r *reader) checkPlaces(n *yaml.Node, rule Rule) {
	if n == nil || !slices.Contains(rule.Places, PlaceGitHub) {
		return
	}
	sources := rule.sources()
	for _, s := range sources {
		if !s.Repository.IsZero() && (!s.Repository.IsExact() || !onGitHub(s.Repository.String())) {
			r.fail(n, "places names github, which cannot be asked for %s; wanted a source on github.com or a GitHub host without wildcards", s.Repository)
		}
	}
	if len(sources) == 0 {
		r.fail(n, "places names github, and no source says which repository to ask for")
	}
}

// checkEvidence refuses to say where evidence lies that nothing demands: a release is
// looked up in its own repository.
func (r *reader) checkEvidence(places, evidence *yaml.Node, rule Rule) {
	if rule.demandsEvidence() {
		return
	}
	for _, key := range []struct {
		node *yaml.Node
		name string
	}{{places, "places"}, {evidence, "evidence"}} {
		if key.node != nil {
			r.fail(key.node, "%s says where signature and provenance lie, and the rule demands neither; leave it out", key.name)
		}
	}
}

// onGitHub reports whether a repository's URL is one of two path elements, as
// GitHub's and its Enterprise Servers' are.
func onGitHub(url string) bool {
	host, path, ok := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
	return ok && strings.Count(path, "/") == 1 && host != "gitlab.com" && !strings.HasPrefix(host, "gitlab.")
}

// evidence reads which repositories are looked into.
func (r *reader) evidence(n *yaml.Node) []string {
	var repositories []string
	r.list(n, "evidence", func(n *yaml.Node) {
		s := r.text(n, "evidence")
		switch {
		case s == "":
			return
		case s != EvidenceSame && s != EvidenceOrigin && !isRepository(s):
			r.fail(n, "evidence is %q; wanted %s, %s, or the name of a repository such as ghcr.io/owner/name", s, EvidenceSame, EvidenceOrigin)
		case slices.Contains(repositories, s):
			r.fail(n, "evidence names %s twice", s)
		}
		repositories = append(repositories, s)
	})
	return repositories
}

// mirrors reads under which other names the rule's images are kept.
func (r *reader) mirrors(n *yaml.Node) []Mirror {
	var mirrors []Mirror
	r.list(n, "mirrors", func(n *yaml.Node) {
		var m Mirror
		seen := r.mapping(n, "a mirror", map[string]func(*yaml.Node){
			"prefix": func(n *yaml.Node) { m.Prefix = r.prefix(n, "mirrors.prefix") },
			"of":     func(n *yaml.Node) { m.Of = r.prefix(n, "mirrors.of") },
		})
		switch {
		case seen == nil:
		case !seen["prefix"] || !seen["of"]:
			r.fail(n, "a mirror lacks its prefix or what it is a mirror of; wanted {prefix: registry.corp/ghcr, of: ghcr.io}")
		case m.Prefix != "" && m.Prefix == m.Of:
			r.fail(n, "a mirror of %s has the same name", m.Of)
		}
		mirrors = append(mirrors, m)
	})
	return mirrors
}

// prefix reads a registry, or a registry and the beginning of a path.
func (r *reader) prefix(n *yaml.Node, what string) string {
	s := r.text(n, what)
	host, _, deeper := strings.Cut(s, "/")
	if s != "" && (!isHost(host) || deeper && !isImageName(s) || !deeper && !isImageName(s+"/a")) {
		r.fail(n, "%s is %q; wanted a registry, or a registry and a path, such as registry.corp/ghcr", what, s)
		return ""
	}
	return s
}

// isRepository reports whether s is the canonical name of one repository.
func isRepository(s string) bool {
	host, _, _ := strings.Cut(s, "/")
	return isHost(host) && isImageName(s)
}

func isHost(s string) bool { return s == "localhost" || strings.ContainsAny(s, ".:") }
