package tenant

import "testing"

// TestMatch is what the kubelet's documentation says of globs, ports and paths
// (kubernetes.io/docs/concepts/containers/images, "Interpretation of config.json").
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		key, repository string
		want            bool
	}{
		{"registry.example", "registry.example/team/app", true},
		{"registry.example", "registry.example/app", true},
		{"registry.example", "registry.example", true},
		{"registry.example", "other.example/app", false},
		{"registry.example", "a.registry.example/app", false},
		{"registry.example", "registry.example.evil.test/app", false},
		{"registry.example", "evilregistry.example/app", false},
		{"Registry.Example", "registry.example/app", true},
		{"https://registry.example", "registry.example/app", true},
		{"http://registry.example/v1/", "registry.example/app", true},
		{"https://registry.example/v2/", "registry.example/app", true},
		{"registry.example/v2/team", "registry.example/team/app", true},
		{"registry.example/v2team", "registry.example/app", false},

		{"registry.example", "registry.example:5000/app", false},
		{"registry.example:5000", "registry.example:5000/app", true},
		{"registry.example:5000", "registry.example/app", false},
		{"registry.example:5000", "registry.example:5001/app", false},
		{"registry.example:*", "registry.example:5000/app", false},
		{"[::1]:5000", "[::1]:5000/app", true},

		{"registry.example/team", "registry.example/team/app", true},
		{"registry.example/team", "registry.example/team", true},
		{"registry.example/team", "registry.example/teams/app", true}, // a prefix of letters, as the kubelet has it
		{"registry.example/team", "registry.example/other/app", false},
		{"registry.example/team/app", "registry.example/team", false},
		{"registry.example/team/", "registry.example/team/app", true},
		{"registry.example/*", "registry.example/team", false},
		{"registry.example/team", "registry.example", false},

		{"*.example", "registry.example/app", true},
		{"*.example", "a.registry.example/app", false},
		{"*.*.example", "a.registry.example/app", true},
		{"*.example", "example/app", false},
		{"reg*.example", "registry.example/app", true},
		{"*.registry.*", "a.registry.example/app", true},
		{"prefix.*.com", "prefix.registry.com/app", true},
		{"*", "localhost/app", true},
		{"*", "registry.example/app", false},
		{"*.example:5000/team", "registry.example:5000/team/app", true},
		{"[a-r]egistry.example", "registry.example/app", false}, // no URL, as for the kubelet
		{"reg?stry.example", "registry.example/app", false},
		{"reg\\*.example", "registry.example/app", false},

		{"https://index.docker.io/v1/", "index.docker.io/library/busybox", true},
		{"index.docker.io", "index.docker.io/team/app", true},
		{"docker.io", "index.docker.io/team/app", true},
		{"docker.io/team", "index.docker.io/team/app", true},
		{"docker.io/team", "index.docker.io/other/app", false},
		{"registry-1.docker.io", "index.docker.io/team/app", false},
		{"docker.io", "registry.example/docker.io/app", false},
		{"index.docker.io", "ghcr.io/team/app", false},

		{"", "registry.example/app", false},
		{"https://", "registry.example/app", false},
		{"/team", "registry.example/team", false},
		{"http://%zz", "registry.example/app", false},
		{"user:pw@registry.example", "registry.example/app", true},
	} {
		at, _, ok := parseLocation(c.key)
		found := false
		for _, target := range targets(c.repository) {
			found = found || ok && at.matches(target)
		}
		if found != c.want {
			t.Errorf("%q for %q: got %t", c.key, c.repository, found)
		}
	}
}

func FuzzLocation(f *testing.F) {
	f.Add("https://*.example:5000/v2/team", "registry.example:5000/team/app")
	f.Fuzz(func(t *testing.T, key, repository string) {
		at, text, ok := parseLocation(key)
		if ok && text == "" {
			t.Error("a place without a name")
		}
		for _, target := range targets(repository) {
			if ok && at.matches(target) && at.port != target.port {
				t.Error("another port")
			}
		}
	})
}
