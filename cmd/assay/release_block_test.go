package main

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
)

func TestGuessTarget(t *testing.T) {
	for _, c := range []struct {
		name, targets, want string
	}{
		{"nothing", "", ""},
		{"no versions", "README.md keys/a.pem", ""},
		{"one", "app/v1.2.3.json", "app/v{version}.json"},
		{"a pre-release", "app/v1.2.3-rc.1.json", "app/v{version}.json"},
		{"most of them", "old-1.0.0.json app/v1.0.0.json app/v1.1.0.json", "app/v{version}.json"},
		{"without a prefix", "1.0.0.json", "{version}.json"},
		{"what no pattern can hold", "a*b/v1.0.0.json {x}/v1.0.0.json", ""},
		{"a version without an ending", "app/v1.0.0", "app/v{version}"},
	} {
		if got := guessTarget(strings.Fields(c.targets)); got != c.want {
			t.Errorf("%s: found %q; wanted %q", c.name, got, c.want)
		}
	}
}

// TestTheBlockIsAPolicy holds what `assay trust tuf init` prints to what policies accept.
func TestTheBlockIsAPolicy(t *testing.T) {
	person := release.Holder{Identity: "alice@example.com", Issuer: "https://github.com/login/oauth\nevil: true", Type: "sigstore-oidc"}
	machine := release.Holder{Identity: "https://github.com/o/n/.github/workflows/sign.yml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com"}
	role := func(name string, holder release.Holder) release.Role {
		return release.Role{Name: name, Version: 2, Expires: time.Unix(1<<31, 0), By: "root 1", Threshold: 1, Holders: []release.Holder{holder}}
	}
	for name, c := range map[string]struct {
		targets release.Holder
		human   bool
	}{"people": {person, true}, "a machine": {machine, false}, "an ordinary key": {release.Holder{Type: "ed25519", SHA256: "00"}, false}} {
		block := blockOf(release.Description{
			MetadataURL: "https://example.com/metadata", TargetsURL: "https://example.com/targets", RootSHA256: strings.Repeat("0", 64),
			Roles:   []release.Role{role("root", person), role("timestamp", machine), role("targets", c.targets)},
			Targets: []string{"app/v1.2.3.json"},
		}, `C:\a "b"/1.root.json`)
		p, err := policy.Parse("block", []byte("apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: block}\nimages:\n  - match: \"**\"\n"+block.yaml("    ")))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, block.yaml(""))
			continue
		}
		r := p.Rules[0].Release
		if r.Target.String() != "app/v{version}.json" || r.TUF.Root.File != `C:\a "b"/1.root.json` || (r.Signers != nil) != c.human {
			t.Errorf("%s: found %+v", name, r)
		}
	}
}
