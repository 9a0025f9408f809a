package policy_test

import (
	"testing"

	"github.com/releaseassay/assay/policy"
)

// The order of the specification's own examples (SemVer 2.0, section 11), and some.
func TestCompareVersions(t *testing.T) {
	ordered := []string{
		"0.0.0-0", "0.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
		"1.4.2-rc", "1.4.2", "1.5.0", "1.10.0", "2.0.0", "10.0.0", "99999999999999999999.0.0", "100000000000000000000.0.0",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			got, ok := policy.CompareVersions(a, b)
			if got != want || !ok {
				t.Errorf("%s and %s compare to %d, %v; wanted %d", a, b, got, ok, want)
			}
		}
	}
	if got, ok := policy.CompareVersions("1.0.0+a", "1.0.0+b"); got != 0 || !ok {
		t.Errorf("build metadata orders versions: %d, %v", got, ok)
	}
	for _, bad := range []string{"", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-01", "latest", "1.2.3\n"} {
		for _, pair := range [][2]string{{bad, "1.2.3"}, {"1.2.3", bad}, {bad, bad}} {
			if got, ok := policy.CompareVersions(pair[0], pair[1]); ok || got != 0 {
				t.Errorf("%q and %q compare to %d", pair[0], pair[1], got)
			}
		}
	}
}

func TestIsPrerelease(t *testing.T) {
	for version, want := range map[string]bool{
		"1.4.2-rc": true, "1.4.2-0": true, "1.4.2-rc.1+build": true, "1.4.2": false, "1.4.2+build-1": false, "": false, "v1.4.2-rc": false, "2026-01": false,
	} {
		equal(t, version, policy.IsPrerelease(version), want)
	}
}

func TestMoves(t *testing.T) {
	tags := parse(t, head+`images:
  - match: ghcr.io/o/n
    tags: {moving: [latest, "{major}", "{major}.{minor}", "v{major}", "*-nightly", "*"]}
    provenance: {builder: {level: 1}}
    source: {repository: o/n}
`).Rules[0].VersionTags()
	for _, c := range []struct {
		tag, version string
		want         bool
	}{
		{"latest", "1.5.0", true},
		{"latest", "2026", true},
		{"latest", "", false},
		{"1", "1.5.0", true},
		{"1", "11.5.0", false},
		{"1", "2026", false},
		{"1.5", "1.5.0", true},
		{"1.5", "1.5.1-rc.1", true},
		{"1.5", "1.50.0", false},
		// "*" stands for 1.5 too, but {major}.{minor} comes first.
		{"1.5", "1.6.0", false},
		{"v1", "1.5.0", true},
		{"v1", "2.0.0", false},
		{"x-nightly", "1.5.0", true},
		{"anything", "1.5.0", true},
	} {
		equal(t, c.tag+" for "+c.version, tags.Moves(c.tag, c.version), c.want)
	}
	none := parse(t, head+tail).Rules[0].VersionTags()
	equal(t, "latest that does not move", none.Moves("latest", "1.5.0"), false)
}
