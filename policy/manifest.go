package policy

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The spans of time of a demand for a release.
const (
	defaultLag = time.Hour
	longestLag = 7 * 24 * time.Hour
	longestAge = 30 * 24 * time.Hour
)

// release reads a demand for a release.
func (r *reader) release(n *yaml.Node, p *Policy) *Release {
	d := &Release{
		Fields: Fields{Digest: "digest", Version: "version", Image: "image"},
		Moving: Moving{Lag: defaultLag},
		Trust:  PublicGood,
	}
	seen := r.mapping(n, "release", map[string]func(*yaml.Node){
		"tuf":     func(n *yaml.Node) { d.TUF = r.tuf(n) },
		"target":  func(n *yaml.Node) { d.Target = r.target(n, "release.target") },
		"fields":  func(n *yaml.Node) { r.fields(n, "release.fields", &d.Fields) },
		"signers": func(n *yaml.Node) { d.Signers = r.releaseSigners(n, "release.signers") },
		"moving":  func(n *yaml.Node) { r.moving(n, "release.moving", &d.Moving) },
		"offline": func(n *yaml.Node) {
			r.mapping(n, "release.offline", map[string]func(*yaml.Node){
				"max_age": func(n *yaml.Node) { d.OfflineMaxAge = r.duration(n, "release.offline.max_age", longestAge) },
			})
		},
		"trust": func(n *yaml.Node) { d.Trust = r.trustRef(n, "release.trust", p) },
	})
	for _, key := range []struct{ name, wanted string }{
		{"tuf", "the project's TUF repository: {metadata_url, targets_url, root}"},
		{"target", targetWanted},
	} {
		if seen != nil && !seen[key.name] {
			r.fail(n, "release has no %q; wanted %s", key.name, key.wanted)
		}
	}
	return d
}

const targetWanted = "the path of a release's manifest with one {version}, such as app/v{version}.json"

// target reads which targets are manifests of a release.
func (r *reader) target(n *yaml.Node, what string) Pattern {
	before := len(r.errs)
	p := r.pattern(n, what, "version")
	if len(r.errs) > before {
		return Pattern{}
	}
	path, problem := p.String(), ""
	switch {
	case !p.IsExact():
		problem = "has a wildcard"
	case !p.UsesVersion():
		problem = "has no {version}"
	case p.versionAt() < 0:
		problem = "has more than one {version}"
	case strings.HasPrefix(path, "/"):
		problem = "begins with a slash"
	case !plainPath(path):
		problem = "has an escape, a backslash or an empty, . or .. element"
	default:
		return p
	}
	r.fail(n, "%s is %q, which %s; wanted %s", what, path, problem, targetWanted)
	return Pattern{}
}

// fields reads the names of the manifest's members.
func (r *reader) fields(n *yaml.Node, what string, f *Fields) {
	before := len(r.errs)
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"digest":  func(n *yaml.Node) { f.Digest = r.text(n, what+".digest") },
		"version": func(n *yaml.Node) { f.Version = r.text(n, what+".version") },
		"image":   func(n *yaml.Node) { f.Image = r.text(n, what+".image") },
		"commit":  func(n *yaml.Node) { f.Commit = r.text(n, what+".commit") },
	})
	if seen == nil || len(r.errs) > before {
		return
	}
	names := []string{f.Digest, f.Version, f.Image}
	if f.Commit != "" {
		names = append(names, f.Commit)
	}
	slices.Sort(names)
	for i, name := range names[1:] {
		if name == names[i] {
			r.fail(n, "%s reads %q for two things (digest, version and image are read from members of these names unless said otherwise); wanted a member for each", what, name)
			return
		}
	}
}

func (r *reader) moving(n *yaml.Node, what string, m *Moving) {
	r.mapping(n, what, map[string]func(*yaml.Node){
		"lag":         func(n *yaml.Node) { m.Lag = r.duration(n, what+".lag", longestLag) },
		"prereleases": func(n *yaml.Node) { m.Prereleases = r.boolean(n, what+".prereleases") },
	})
}
