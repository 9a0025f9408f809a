package policy_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

func TestIsVersion(t *testing.T) {
	const numbers = `[0-9]+(\.[0-9]+)*`
	for _, c := range []struct {
		s, grammar string
		want       bool
	}{
		{"1.2.3", "", true},
		{"0.0.0", "", true},
		{"1.2.3-rc.1", "", true},
		{"1.2.3-0a", "", true},
		{"1.2.3+build.01", "", true},
		{"1.2.3-rc.1+build", "", true},
		{"v1.2.3", "", false},
		{"1.2", "", false},
		{"1.2.3.4", "", false},
		{"01.2.3", "", false},
		{"1.2.3-01", "", false},
		{"1.2.3-", "", false},
		{"1.2.3+", "", false},
		{"1.2.3-a..b", "", false},
		{"1.2.3\n", "", false},
		{" 1.2.3", "", false},
		{"\u0661.2.3", "", false},
		{"", "", false},
		{"", "[0-9]*", false},
		{"20260131", numbers, true},
		{"1.2.3.4", numbers, true},
		{"1.2.3-rc", numbers, false},
		{"1.2", `^[0-9]+\.[0-9]+$`, true},
		{"xb", "a|b", false},
		{"b", "a|b", true},
		{"a\nb", "(?s).*", false},
		{"a\nb", ".*", false},
		{"a", "(", false},
		{"a", "a)|(b", false},
	} {
		if got := policy.IsVersion(c.s, c.grammar); got != c.want {
			t.Errorf("%q is a version of %q: %v; wanted %v", c.s, c.grammar, got, c.want)
		}
	}
}

func TestPatternVersion(t *testing.T) {
	for _, c := range []struct{ pattern, s, grammar, want string }{
		{"{version}", "1.2.3", "", "1.2.3"},
		{"v{version}", "v1.2.3", "", "1.2.3"},
		{"refs/tags/v{version}", "refs/tags/v1.2.3-rc.1+b", "", "1.2.3-rc.1+b"},
		{"refs/tags/v{version}", "refs/tags/1.2.3", "", ""},
		{"refs/tags/v{version}", "refs/tags/vv1.2.3", "", ""},
		{"refs/tags/v{version}", "refs/tags/v1.2.3-evil/x", "", ""},
		{"refs/tags/v{version}", "refs/tags/v01.2.3", "", ""},
		{"refs/tags/v{version}", "refs/tags/v1.2.3\n", "", ""},
		{"refs/tags/v{version}", "", "", ""},
		{"{version}-alpine", "1.2.3-alpine", "", "1.2.3"},
		{"{version}-alpine", "1.2.3-rc.1-alpine", "", "1.2.3-rc.1"},
		{"app/*/{version}", "app/x/1.2.3", "", "1.2.3"},
		{"app/*/{version}", "app/x/y/1.2.3", "", ""},
		// A wildcard that could take a part of the version gives none.
		{"*{version}", "v11.2.3", "", ""},
		{"{version}-*", "1.2.3-rc.1-alpine", "", ""},
		{"{version}-*", "1.2.3-alpine", "", "1.2.3"},
		{"**{version}**", "x1.2.33", "", ""},
		{"{version}.{version}", "1.2.3.1.2.3", "", ""},
		{"v1", "v1", "", ""},
		{"v{version}", "v2026", `[0-9]{4}`, "2026"},
		{"v{version}", "v2026", `([0-9])([0-9]+)`, "2026"},
		{"v{version}", "vb", "a|b", "b"},
		{"v{version}", "vab", "a|b", ""},
		{"v{version}", "v2026", `^[0-9]+$`, "2026"},
		{"v{version}", "v2026", `(?P<year>[0-9]+)`, "2026"},
		{"v{version}", "v1\n2", "(?s).*", ""},
		{"v{version}", "v", "[0-9]*", ""},
		{"v{version}", "v1", "(", ""},
		{"v{version}/{major}", "v1.2.3/1", "", "1.2.3"},
		{"v{version}", "v" + strings.Repeat("1", 2000) + ".2.3", "", ""},
	} {
		got, ok := pattern(t, c.pattern).Version(c.s, c.grammar)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q reads %q, %v out of %q by %q; wanted %q", c.pattern, got, ok, c.s, c.grammar, c.want)
		}
	}
}

func TestTags(t *testing.T) {
	tagged := parse(t, head+`images:
  - match: ghcr.io/o/n
    tags: {moving: [latest, "{major}", "{major}.{minor}", "*-nightly"]}
    provenance: {builder: {level: 1}}
    source: {repository: o/n}
`).Rules[0].VersionTags()
	for _, c := range []struct {
		tag     string
		moving  bool
		version string
	}{
		{"latest", true, ""},
		{"Latest", false, ""},
		{"latest2", false, ""},
		{"1", true, ""},
		{"1.2", true, ""},
		{"01.2", false, ""},
		{"v1.2", false, ""},
		{"1.2.3", false, "1.2.3"},
		{"v1.2.3", false, "1.2.3"},
		{"vv1.2.3", false, ""},
		{"1.2.3-rc.1", false, "1.2.3-rc.1"},
		{"1.2.3-nightly", true, "1.2.3-nightly"},
		{"main", false, ""},
		{"", false, ""},
	} {
		equal(t, c.tag+" moves", tagged.IsMoving(c.tag), c.moving)
		got, ok := tagged.VersionOf(c.tag)
		equal(t, c.tag, got, c.version)
		equal(t, c.tag, ok, c.version != "")
	}
}
