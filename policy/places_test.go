package policy_test

import (
	"slices"
	"testing"

	"github.com/releaseassay/assay/policy"
)

// placed is a rule with some of its places written out.
func placed(t *testing.T, more string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("p.yaml", []byte(rule("match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}}"+more)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		name, more, image string
		canonical         string
		repositories      []string
		github            []string
	}{
		{"default", "", "ghcr.io/o/n", "ghcr.io/o/n", []string{"ghcr.io/o/n"}, nil},
		{"another image", "", "ghcr.io/o/m", "", nil, nil},
		{"github too", ", places: [registry, github]", "ghcr.io/o/n", "ghcr.io/o/n", []string{"ghcr.io/o/n"}, []string{"https://github.com/o/n"}},
		{"github alone", ", places: [github]", "ghcr.io/o/n", "ghcr.io/o/n", nil, []string{"https://github.com/o/n"}},
		{"a mirror", ", mirrors: [{prefix: registry.corp/ghcr, of: ghcr.io}]", "registry.corp/ghcr/o/n", "ghcr.io/o/n", []string{"registry.corp/ghcr/o/n"}, nil},
		{"a mirror and its origin", ", mirrors: [{prefix: registry.corp/ghcr, of: ghcr.io}], evidence: [same, origin, ghcr.io/o/evidence]", "registry.corp/ghcr/o/n", "ghcr.io/o/n",
			[]string{"registry.corp/ghcr/o/n", "ghcr.io/o/n", "ghcr.io/o/evidence"}, nil},
		{"the origin itself", ", mirrors: [{prefix: registry.corp/ghcr, of: ghcr.io}], evidence: [same, origin]", "ghcr.io/o/n", "ghcr.io/o/n", []string{"ghcr.io/o/n"}, nil},
		{"half a path element is no prefix", ", mirrors: [{prefix: registry.corp/gh, of: ghcr.io}]", "registry.corp/ghcr/o/n", "", nil, nil},
		{"a mirror of another image", ", mirrors: [{prefix: registry.corp/ghcr, of: ghcr.io}]", "registry.corp/ghcr/o/m", "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ok := placed(t, c.more).Rule(c.image)
			equal(t, "matched", ok, c.canonical != "")
			equal(t, "canonical name", r.Canonical, c.canonical)
			if !slices.Equal(r.Repositories(c.image), c.repositories) {
				t.Errorf("found repositories %q; wanted %q", r.Repositories(c.image), c.repositories)
			}
			if !slices.Equal(r.GitHub(), c.github) {
				t.Errorf("found %q; wanted %q", r.GitHub(), c.github)
			}
		})
	}
}

func TestRefusePlaces(t *testing.T) {
	const base = "match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}}, "
	refuse(t, []refusal{
		{"no place", rule(base + "places: []"), []string{"p.yaml:5:96: places is an empty list; leave the key out or name at least one"}},
		{"an unknown place", rule(base + "places: [gitlab]"), []string{`p.yaml:5:97: places is "gitlab"; wanted one of registry, github`}},
		{"a place twice", rule(base + "places: [github, github]"), []string{"p.yaml:5:105: places names github twice"}},
		{"a pattern of repositories", rule("match: ghcr.io/o/n, source: {repository: o/*}, provenance: {builder: {level: 1}}, places: [github]"),
			[]string{"p.yaml:5:96: places names github, which cannot be asked for https://github.com/o/*; wanted a source on github.com or a GitHub host without wildcards"}},
		{"an evidence repository with a tag", rule(base + "evidence: ['ghcr.io/o/e:1']"), []string{`p.yaml:5:99: evidence is "ghcr.io/o/e:1"; wanted same, origin, or the name of a repository such as ghcr.io/owner/name`}},
		{"an evidence repository with a wildcard", rule(base + "evidence: ['ghcr.io/*']"), []string{`p.yaml:5:99: evidence is "ghcr.io/*"; wanted same, origin, or the name of a repository such as ghcr.io/owner/name`}},
		{"a mirror of nothing", rule(base + "mirrors: [{prefix: registry.corp}]"), []string{"p.yaml:5:98: a mirror lacks its prefix or what it is a mirror of; wanted {prefix: registry.corp/ghcr, of: ghcr.io}"}},
		{"a mirror of itself", rule(base + "mirrors: [{prefix: ghcr.io, of: ghcr.io}]"), []string{"p.yaml:5:98: a mirror of ghcr.io has the same name"}},
		{"a mirror with a slash at the end", rule(base + "mirrors: [{prefix: registry.corp/, of: ghcr.io}]"), []string{
			`p.yaml:5:107: mirrors.prefix is "registry.corp/"; wanted a registry, or a registry and a path, such as registry.corp/ghcr`}},
	})
}
