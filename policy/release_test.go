package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

// releasePolicy has every key of a demand for a release.
const releasePolicy = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: release}
trust: {corp: {file: corp.json, sha256: ` + sha + `}}
images:
  - match: ghcr.io/owner/name
    release:
      tuf:
        metadata_url: https://example.com/tuf/metadata
        targets_url: http://127.0.0.1:8080/targets
        root: {file: ./1.root.json, sha256: ` + sha + `}
        min: {root: 1, timestamp: 10, snapshot: 4, targets: 4, the apps: 9007199254740991}
        state: required
        refresh: never
      target: app/releases/v{version}.json
      fields: {digest: d, version: v, image: digest, commit: c}
      signers:
        class: human
        issuers: [https://login.example.com, https://accounts.google.com]
        people: 2
        identities: [{issuer: https://accounts.google.com, identity: robot@corp.iam.gserviceaccount.com}]
        keys: [{sha256: ` + sha + `, person: Alice@example.com}, {sha256: ` + other + `}]
      moving: {lag: 90s, prereleases: true}
      offline: {max_age: 72h}
      trust: corp
`

const other = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func TestParseRelease(t *testing.T) {
	p := parse(t, releasePolicy)
	rule := p.Rules[0]
	d := rule.Release
	equal(t, "metadata_url", d.TUF.MetadataURL, "https://example.com/tuf/metadata")
	equal(t, "targets_url", d.TUF.TargetsURL, "http://127.0.0.1:8080/targets")
	equal(t, "root", d.TUF.Root, policy.PinnedRoot{File: "./1.root.json", SHA256: sha})
	equal(t, "min", d.TUF.Min, map[string]int64{"root": 1, "timestamp": 10, "snapshot": 4, "targets": 4, "the apps": 1<<53 - 1})
	equal(t, "state", d.TUF.StateRequired, true)
	equal(t, "refresh", d.TUF.Refresh, policy.RefreshNever)
	equal(t, "target", d.Target.String(), "app/releases/v{version}.json")
	equal(t, "fields", d.Fields, policy.Fields{Digest: "d", Version: "v", Image: "digest", Commit: "c"})
	equal(t, "signers", *d.Signers, policy.ReleaseSigners{
		Human: true, Issuers: []string{"https://login.example.com", "https://accounts.google.com"}, People: 2,
		Identities: []policy.ReleaseIdentity{{Issuer: "https://accounts.google.com", Identity: "robot@corp.iam.gserviceaccount.com"}},
		Keys:       []policy.ReleaseKey{{SHA256: sha, Person: "Alice@example.com"}, {SHA256: other}},
	})
	equal(t, "moving", d.Moving, policy.Moving{Lag: 90 * time.Second, Prereleases: true})
	equal(t, "offline.max_age", d.OfflineMaxAge, 72*time.Hour)
	equal(t, "trust", d.Trust, "corp")
	equal(t, "roots of trust", rule.Roots(), []string{"corp"})
	equal(t, "pinned roots", p.PinnedRoots(), []policy.PinnedRoot{{File: "./1.root.json", SHA256: sha}})
	equal(t, "repositories", len(rule.Repositories("ghcr.io/owner/name")), 0)
}

// minimal is the beginning of a demand, with all that is needed: its last line can be
// followed by others from column 7.
const minimal = head + `images:
  - match: ghcr.io/o/n
    release:
      tuf: {metadata_url: https://example.com/m, targets_url: https://example.com/t, root: {file: r, sha256: ` + sha + `}}
      target: v{version}.json
`

func TestParseReleaseDefaults(t *testing.T) {
	d := parse(t, minimal).Rules[0].Release
	equal(t, "min", len(d.TUF.Min), 0)
	equal(t, "state", d.TUF.StateRequired, false)
	equal(t, "refresh", d.TUF.Refresh, policy.RefreshPreferred)
	equal(t, "fields", d.Fields, policy.Fields{Digest: "digest", Version: "version", Image: "image"})
	equal(t, "moving", d.Moving, policy.Moving{Lag: time.Hour})
	equal(t, "offline.max_age", d.OfflineMaxAge, 0)
	equal(t, "trust", d.Trust, policy.PublicGood)
	if d.Signers != nil {
		t.Error("a demand without signers has some")
	}
	human := parse(t, minimal+"      signers: {class: human}\n      moving: {prereleases: false}\n").Rules[0].Release
	equal(t, "signers", *human.Signers, policy.ReleaseSigners{Human: true, People: 1, Issuers: []string{
		"https://github.com/login/oauth", "https://accounts.google.com", "https://login.microsoftonline.com",
	}})
	equal(t, "lag beside prereleases", human.Moving.Lag, time.Hour)
	optional := parse(t, strings.Replace(minimal, "root:", "state: optional, refresh: preferred, root:", 1)).Rules[0].Release
	equal(t, "state: optional", optional.TUF.StateRequired, false)
	equal(t, "refresh: preferred", optional.TUF.Refresh, policy.RefreshPreferred)
	required := parse(t, strings.Replace(minimal, "root:", "refresh: required, root:", 1)).Rules[0].Release
	equal(t, "refresh: required", required.TUF.Refresh, policy.RefreshRequired)
}

// A release stands beside other demands, alone, and beside people who are only listed.
func TestParseReleaseGood(t *testing.T) {
	for name, lines := range map[string]string{
		"beside provenance":  "    source: {repository: o/n}\n    places: [registry, github]\n    provenance: {builder: {level: 1}}\n",
		"beside a signature": "    evidence: [same, origin]\n    signature: {signer: {" + key + "}}\n",
		"people alone":       "      signers: {people: 2, identities: [{issuer: 'https://a', identity: a@b}, {issuer: 'https://a', identity: c@d}]}\n",
		"keys alone":         "      signers: {keys: [{sha256: " + sha + "}]}\n",
		"a key and a person": "      signers: {people: 2, keys: [{sha256: " + sha + ", person: a@b}], identities: [{issuer: 'https://a', identity: c@d}]}\n",
		"a workflow by name": "      signers: {identities: [{issuer: '" + github + "', identity: 'https://github.com/o/n/.github/workflows/r.yml@refs/heads/main'}]}\n",
		"many people":        "      signers: {class: human, people: 16}\n",
		"the longest":        "      moving: {lag: 168h}\n      offline: {max_age: 720h0m0s}\n",
		"a renamed field":    "      fields: {digest: image, image: digest}\n",
		"mirrors":            "    mirrors: [{prefix: registry.corp, of: ghcr.io}]\n",
	} {
		t.Run(name, func(t *testing.T) { parse(t, minimal+lines) })
	}
}

func TestParseReleaseURL(t *testing.T) {
	for _, u := range []string{
		"https://example.com", "https://EXAMPLE.com:8443/a/b.c/~d", "http://localhost/m", "http://127.0.0.1/m", "http://127.8.9.1:80/m", "http://[::1]:8080/m",
		"https://[2001:db8::1]/m", "https://10.0.0.1:5000/m", "https://example.com/@scope/m",
	} {
		text := strings.Replace(minimal, "https://example.com/m", "'"+u+"'", 1)
		equal(t, u, parse(t, text).Rules[0].Release.TUF.MetadataURL, u)
	}
}

func TestParseInlineRoot(t *testing.T) {
	const text = "{\n  \"signed\": {},\n\t\"signatures\": [\"\u00fc\"]\n}\n"
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	block := "{inline: \"{\\n  \\\"signed\\\": {},\\n\\t\\\"signatures\\\": [\\\"\u00fc\\\"]\\n}\\n\", sha256: " + digest + "}"
	want := policy.PinnedRoot{Inline: text, SHA256: digest}
	p := parse(t, strings.Replace(minimal, "{file: r, sha256: "+sha+"}", block, 1))
	equal(t, "root", p.Rules[0].Release.TUF.Root, want)
	equal(t, "pinned roots", p.PinnedRoots(), []policy.PinnedRoot{want})
}

// Each root is listed once, and one that is in the policy need not be read.
func TestPinnedRoots(t *testing.T) {
	sum := sha256.Sum256([]byte("{}"))
	digest := hex.EncodeToString(sum[:])
	rule := func(name, root string) string {
		return "  - match: ghcr.io/o/" + name + "\n    release:\n      target: v{version}.json\n      tuf: {metadata_url: https://example.com/m, targets_url: https://example.com/t, root: " + root + "}\n"
	}
	p := parse(t, head+"images:\n"+
		rule("a", "{file: a, sha256: "+digest+"}")+rule("b", "{file: b, sha256: "+sha+"}")+rule("c", "{inline: '{}', sha256: "+digest+"}")+
		rule("d", "{file: d, sha256: "+digest+"}")+"  - {match: ghcr.io/o/e, source: {repository: o/n}, provenance: {builder: {level: 1}}}\n")
	equal(t, "pinned roots", p.PinnedRoots(), []policy.PinnedRoot{{Inline: "{}", SHA256: digest}, {File: "b", SHA256: sha}})
}

// checkAuthority wants of every accepted demand that its repository, its target and
// its people are somewhere, something and somebody.
func checkAuthority(t *testing.T, d *policy.Release) {
	t.Helper()
	if d.TUF.MetadataURL == "" || d.TUF.TargetsURL == "" || len(d.TUF.Root.SHA256) != 64 || (d.TUF.Root.File == "") == (d.TUF.Root.Inline == "") || d.TUF.Refresh == "" {
		t.Errorf("a release has half a repository: %+v", d.TUF)
	}
	if v, ok := d.Target.Expand(policy.Vars{Version: "1.2.3"}); !ok || !strings.Contains(v, "1.2.3") || strings.HasPrefix(v, "/") || strings.Contains(v, `\`) {
		t.Errorf("a release has the target %q", d.Target)
	}
	if d.Fields.Digest == "" || d.Fields.Version == "" || d.Fields.Image == "" || d.Moving.Lag <= 0 || d.Trust == "" {
		t.Errorf("a release has lost a default: %+v", d)
	}
	for role, v := range d.TUF.Min {
		if role == "" || v < 1 {
			t.Errorf("a release accepts version %d of %q", v, role)
		}
	}
	if s := d.Signers; s != nil && (s.People < 1 || s.Human != (len(s.Issuers) > 0) || !s.Human && len(s.Identities)+len(s.Keys) < 1) {
		t.Errorf("a release has nobody to sign: %+v", s)
	}
}
