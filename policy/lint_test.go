package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

// sound is a policy without danger.
const sound = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: sound}
expires: 2027-06-30
images:
  - match: ghcr.io/acme/widget
    tags: {version: "{version}", moving: latest}
    source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: "refs/tags/v{version}"}
    signature:
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml, trigger: [push], runner: github-hosted}
    provenance:
      builder: {id: https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@v2.1.0, level: 3}
    sbom:
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml, trigger: [push], runner: github-hosted}
      schema: strict
    attestations:
      scan:
        type: https://in-toto.io/attestation/vulns/v0.2
        max_age: 7d
        signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/scan.yml, trigger: [schedule], runner: github-hosted}
        scan: {scanners: ["pkg:github/aquasecurity/trivy@0.60.0"], deny: [critical]}
    release:
      tuf:
        metadata_url: https://acme.example/metadata
        targets_url: https://acme.example/targets
        root: {file: root.json, sha256: "` + zeros + `"}
      target: widget/v{version}.json
      signers: {class: human, people: 2}
    freshness: {max_age: 180d, listed: true}
`

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

var lintDay = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func lint(t *testing.T, text string, o policy.LintOptions) []string {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = lintDay
	}
	found, err := policy.Lint("p.yaml", func(string) ([]byte, error) { return []byte(text), nil }, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var lines []string
	for _, w := range found {
		lines = append(lines, fmt.Sprintf("%d:%d %s", w.Line, w.Column, w.Code))
	}
	return lines
}

func TestLintSound(t *testing.T) {
	if found := lint(t, sound, policy.LintOptions{}); len(found) > 0 {
		t.Errorf("a sound policy has %v", found)
	}
}

// Each change of the sound policy is one danger, at its place.
func TestLint(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"any registry", "match: ghcr.io/acme/widget", "match: \"**/widget\"", []string{"6:12 wide-match"}},
		{"anybody", "match: ghcr.io/acme/widget", "match: ghcr.io/*/widget", []string{"6:12 wide-match"}},
		{"audit", "expires: 2027-06-30", "mode: {audit: {until: 2026-12-31}}", []string{"4:7 audit"}},
		{"long audit", "expires: 2027-06-30", "mode: {audit: {until: 2027-12-31}}", []string{"4:7 audit"}},
		{"audit over", "expires: 2027-06-30", "mode: {audit: {until: 2026-01-31}}", []string{"4:7 audit-over"}},
		{"a rule in audit", "    freshness:", "    mode: {audit: {until: 2026-12-31}}\n    freshness:", []string{"29:11 audit"}},
		{"long grace", "expires: 2027-06-30", "expires: 2027-06-30\ngrace: {undecided: 4d}", []string{"5:8 long-grace"}},
		{"a rule's long grace", "    freshness:", "    grace: {undecided: 73h}\n    freshness:", []string{"29:12 long-grace"}},
		{"a short grace", "expires: 2027-06-30", "expires: 2027-06-30\ngrace: {undecided: 72h}", nil},
		{"a rule cuts a long grace short", "    freshness:", "    grace: off\n    freshness:", nil},
		{"expired", "2027-06-30", "2026-06-30", []string{"4:10 expired"}},
		{"long", "2027-06-30", "2029-06-30", []string{"4:10 long-expiry"}},
		{"no ids", ", repository_id: \"1001\", owner_id: \"2002\"", "", []string{"8:26 no-ids"}},
		{"one id", ", owner_id: \"2002\"", "", []string{"8:26 no-ids"}},
		{"any repository", "repository: acme/widget, repository_id: \"1001\", owner_id: \"2002\"", "repository: acme/*", []string{"8:26 wide-source"}},
		{"any ref", "refs/tags/v{version}", "refs/**", []string{"8:85 any-ref"}},
		{"any tag", "refs/tags/v{version}", "refs/tags/*", []string{"8:85 any-ref"}},
		{"any branch", "refs/tags/v{version}", "refs/heads/release-*", []string{"8:85 any-branch"}},
		{"no such ref", "ref: \"refs/tags/v{version}\"", "ref: refs/heads/main, branch: other", []string{"8:110 never"}},
		{"any workflow", "workflow: .github/workflows/scan.yml", "workflow: .github/workflows/*.yml", []string{"20:17 wide-identity"}},
		{"any identity", "workflow: .github/workflows/scan.yml", "identity: \"https://github.com/acme/widget/**@refs/tags/v1.0.0\"", []string{"20:17 wide-identity"}},
		{"an open expression", "workflow: .github/workflows/scan.yml", "identity_regexp: \"https://github\\\\.com/acme/widget/.*@refs/tags/v.*\"", []string{"20:17 wide-identity"}},
		{"any trigger", "trigger: [schedule], ", "", []string{"20:17 any-trigger"}},
		{"a stranger's trigger", "trigger: [schedule]", "trigger: [pull_request_target]", []string{"20:120 outside-trigger"}},
		{"any runner", ".github/workflows/scan.yml, trigger: [schedule], runner: github-hosted", ".github/workflows/scan.yml, trigger: [schedule]", []string{"20:17 any-runner"}},
		{"one's own runner", "trigger: [schedule], runner: github-hosted", "trigger: [schedule], runner: self-hosted", []string{"20:140 self-hosted"}},
		{"any builder", "{id: https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@v2.1.0, level: 3}", "{level: 3}", []string{"12:16 any-builder"}},
		{"no level", "@v2.1.0, level: 3}", "@v2.1.0}", []string{"12:16 low-level"}},
		{"a schema that warns", "schema: strict", "schema: warn", []string{"15:15 schema-warn"}},
		{"an empty document", "schema: strict", "min_components: 0", []string{"15:23 always"}},
		{"BuildKit's", "schema: strict", "buildkit: true", []string{"15:17 unsigned-content"}},
		{"denied and accepted", "schema: strict", "schema: strict\n      deny_licenses: [MIT]\n      require_licenses: [MIT]", []string{"17:25 never"}},
		{"a licence that nobody has", "schema: strict", "schema: strict\n      deny_licenses: [\"GPL-*\", LicenseRef-Acme, GPLv3]", []string{"16:22 never"}},
		{"packages of no type", "schema: strict", "schema: strict\n      deny_components: [{purl: \"pkg:npm/a\"}, {purl: \"pkg:nmp/a\"}]", []string{"16:24 never"}},
		{"any finding", ", deny: [critical]", "", []string{"21:15 always"}},
		{"any scanner", "scanners: [\"pkg:github/aquasecurity/trivy@0.60.0\"], ", "", []string{"21:15 any-scanner"}},
		{"anything signed", "        scan: {scanners: [\"pkg:github/aquasecurity/trivy@0.60.0\"], deny: [critical]}\n", "", []string{"18:9 no-content"}},
		{"anybody releases", "      signers: {class: human, people: 2}\n", "", []string{"23:7 any-releaser"}},
		{"one person", "people: 2", "people: 1", []string{"28:16 one-person"}},
		{"no story", "freshness:", "consistency: off\n    freshness:", []string{"29:18 no-consistency"}},
		{"spared", ", listed: true", "", []string{"29:26 always"}},
		{"long ago", "180d", "1800d", []string{"29:26 long-age"}},
		{"long ago signed", "max_age: 7d", "max_age: 700d", []string{"19:18 long-age"}},
		{"no log", "images:", "trust: {corp: {file: r.json, sha256: \"" + zeros + "\", thresholds: {log_entries: 0, scts: 0}}}\nimages:", []string{"5:132 low-threshold", "5:141 low-threshold"}},
		{"its own builder", "images:", "builders: [{id: \"https://github.com/a/b/.github/workflows/c.yml\", level: 3}]\nimages:", []string{"5:74 granted-level"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(sound, c.old) {
				t.Fatalf("the sound policy has no %q", c.old)
			}
			text := strings.Replace(sound, c.old, c.new, 1)
			found := lint(t, text, policy.LintOptions{})
			if !slices.Equal(found, c.want) {
				t.Errorf("found %v, wanted %v", found, c.want)
			}
			// A person who has decided says so, and it is not listed again.
			for _, w := range c.want {
				code := strings.Fields(w)[1]
				text = strings.Replace(text, "\nimages:", "\n# lint: allow "+code+", because we know\nimages:", 1)
			}
			rules := slices.DeleteFunc(lint(t, text, policy.LintOptions{}), func(l string) bool { return strings.HasPrefix(l, "4:") || strings.HasPrefix(l, "5:") })
			if len(rules) > 0 {
				t.Errorf("a comment does not allow %v", rules)
			}
		})
	}
}

// Without release, and with a moving tag, the two largest dangers are named.
func TestLintUnreleased(t *testing.T) {
	from, to := strings.Index(sound, "    release:"), strings.Index(sound, "    freshness:")
	found := lint(t, sound[:from]+sound[to:], policy.LintOptions{})
	if !slices.Equal(found, []string{"6:12 no-release", "7:42 moving-tag"}) {
		t.Errorf("found %v", found)
	}
}

// People are demanded where a workflow holds the keys: that never passes.
func TestLintMachineRole(t *testing.T) {
	root, err := os.ReadFile(filepath.FromSlash("testdata/machine-root.json"))
	if err != nil {
		t.Fatal(err)
	}
	o := policy.LintOptions{Root: func(policy.PinnedRoot) []byte { return root }}
	if found := lint(t, sound, o); !slices.Equal(found, []string{"28:16 machine-role"}) {
		t.Errorf("found %v", found)
	}
	people := strings.ReplaceAll(string(root), "https://github.com/acme/tuf/.github/workflows/online.yml@refs/heads/main", "ada@acme.example")
	people = strings.ReplaceAll(people, policy.GitHubIssuer, "https://accounts.google.com")
	o.Root = func(policy.PinnedRoot) []byte { return []byte(people) }
	if found := lint(t, sound, o); len(found) > 0 {
		t.Errorf("people hold the roles, and lint says %v", found)
	}
}

// A reason is demanded of whoever allows a danger.
func TestLintAllowanceNeedsAReason(t *testing.T) {
	text := strings.Replace(sound, "people: 2", "people: 1", 1)
	for comment, allowed := range map[string]bool{
		"# lint: allow one-person, because we are one": true, "# lint: allow one-person because we are one": true,
		"# lint: allow one-person": false, "# lint: allow one-person, because": false, "# lint: allow no-release, because other": false,
	} {
		found := lint(t, strings.Replace(text, "      signers: {class: human", "      "+comment+"\n      signers: {class: human", 1), policy.LintOptions{})
		if (len(found) == 0) != allowed {
			t.Errorf("%s: found %v", comment, found)
		}
	}
}

// What is denied of nothing looks like a denial and is none.
func TestLintDeny(t *testing.T) {
	for _, c := range []struct {
		name, deny, tags string
		want             []string
	}{
		{"of the signer's issuer", `signed: [{issuer: "` + policy.GitHubIssuer + `", identity: "**"}]`, "", nil},
		{"of nobody's issuer", `signed: [{identity: a, issuer: "` + policy.GitHubIssuer + `/"}, {identity: b}]`, "", []string{"5:39 never"}},
		{"of an image without rule", `versions: [{match: ghcr.io/acme/wigdet, version: 1.2.3}]`, "", []string{"5:27 never"}},
		{"of a version", `versions: [{match: "ghcr.io/*/widget", version: v1.2.3}]`, "", nil},
		{"of a version of its own grammar", `versions: [{match: ghcr.io/**, version: "12"}]`, "version_regexp: '[0-9]+', ", nil},
		{"of no version of its own grammar", `versions: [{match: ghcr.io/**, version: 1.2.3}]`, "version_regexp: '[0-9]+', ", []string{"5:48 never"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sound, "images:", "deny: {"+c.deny+"}\nimages:", 1)
			text = strings.Replace(text, "tags: {", "tags: {"+c.tags, 1)
			if found := lint(t, text, policy.LintOptions{}); !slices.Equal(found, c.want) {
				t.Errorf("found %v, wanted %v", found, c.want)
			}
		})
	}
}

// A fragment that can loosen the policy is as good as the policy: its bytes are pinned.
func TestLintInclude(t *testing.T) {
	begin, rules, _ := strings.Cut(sound, "images:")
	const (
		trust    = "trust: {corp: {file: r.json, sha256: \"" + zeros + "\"}}\n"
		builders = "builders: [{id: \"https://github.com/a/b/.github/workflows/c.yml\", level: 2}]\n"
		named    = "identities: {sources: {widget: {repository: acme/widget}}}\n"
	)
	for _, c := range []struct {
		name, include, fragment, inner string
		want                           []string
	}{
		{"a root", "{file: f.yaml}", trust, "", []string{"p.yaml:5:18 loose-include"}},
		{"a builder", "{file: f.yaml}", builders, "", []string{"p.yaml:5:18 loose-include"}},
		{"rules", "{file: f.yaml}", "images:" + strings.ReplaceAll(rules, "acme/widget", "acme/other"), "", []string{"p.yaml:5:18 loose-include"}},
		{"pinned", "{file: f.yaml, sha256: " + sum(fragment+trust) + "}", trust, "", nil},
		{"neither", "{file: f.yaml}", named, "", nil},
		{"further down", "{file: f.yaml}", "include: [{file: g.yaml, sha256: " + sum(fragment+trust) + "}]\n", trust, []string{"p.yaml:5:18 loose-include"}},
		{"in a fragment", "{file: g.yaml}", "", "include: [{file: f.yaml}]\n", []string{"p.yaml:5:18 loose-include", "g.yaml:3:18 loose-include"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := folder{"p.yaml": begin + "include: [" + c.include + "]\nimages:" + rules, "f.yaml": fragment + c.fragment, "g.yaml": fragment + c.inner}
			if c.fragment == "" {
				f["f.yaml"] = fragment + builders
			}
			found, err := policy.Lint("p.yaml", f.read, policy.LintOptions{Now: lintDay})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, w := range found {
				lines = append(lines, fmt.Sprintf("%s:%d:%d %s", w.File, w.Line, w.Column, w.Code))
			}
			if !slices.Equal(lines, c.want) {
				t.Errorf("found %v, wanted %v", found, c.want)
			}
		})
	}
}

// Looking at a rule costs what the rule is, however many others there are.
func TestLintManyRules(t *testing.T) {
	cost := func(rules int) float64 {
		text := head + "images:\n"
		for i := range rules {
			text += fmt.Sprintf("  - {match: \"ghcr.io/o%d/n\", source: {repository: o/n}, provenance: {builder: {level: 1}}}\n", i)
		}
		read := func(string) ([]byte, error) { return []byte(text), nil }
		all := testing.AllocsPerRun(1, func() {
			if found, err := policy.Lint("p.yaml", read, policy.LintOptions{Now: lintDay}); err != nil || len(found) < rules {
				t.Fatalf("found %d, %v", len(found), err)
			}
		})
		loading := testing.AllocsPerRun(1, func() { _, _ = policy.Load("p.yaml", read) })
		return (all - loading) / float64(rules)
	}
	if few, many := cost(20), cost(200); many > 2*few {
		t.Errorf("looking at one of 20 rules takes %.0f allocations, at one of 200 %.0f", few, many)
	}
}
