package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

// head is the beginning of every small policy here: three lines.
const head = "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: test}\n"

const sha = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

const fullPolicy = `# every key that is judged
apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: full}
mode: enforce
images:
  - match: ghcr.io/owner/name
    tags: {version: ["{version}", "release-{version}"], moving: [latest, "{major}.{minor}"], version_regexp: '[0-9]+\.[0-9]+\.[0-9]+'}
    source:
      - repository: owner/name
        repository_id: "123"
        owner_id: "45"
        ref: ["refs/tags/v{version}", refs/heads/release/*]
        ref_regexp: refs/(tags|heads)/.+
        branch: main
        versioned_tag: v1.2
        commit: 0123456789abcdef0123456789abcdef01234567
        signed: {from: 2026-01-31, until: "2026-02-28T12:00:00+02:00"}
      - repository: https://ghe.example.com/owner/*
    signature:
      signer:
        - issuer: https://token.actions.githubusercontent.com
          workflow: .github/workflows/release.yml
          repository: owner/workflows
          ref: refs/tags/v2*
          trigger: [push, release]
          runner: github-hosted
          visibility: public
        - {issuer: https://token.actions.githubusercontent.com, identity_regexp: 'https://github\.com/owner/name/.+@refs/tags/v[0-9.]+'}
        - {issuer: https://accounts.example.com, identity: someone@example.com, signed: {until: 2026-01-01}}
        - key: {file: cosign.pub, sha256: ` + sha + `}
      trust: corp
    provenance:
      builder: {id: [https://github.com/owner/builder/.github/workflows/build.yml@refs/tags/v1.0.0, https://github.com/owner/other], level: 2}
      signer: {issuer: https://token.actions.githubusercontent.com, workflow: .github/workflows/build.yml, ref: refs/tags/v1.0.0, repository: owner/builder}
      source: {repository: owner/name}
      inputs: {channel: stable, "1": "2"}
  - match: ghcr.io/owner/**
    source: {repository: owner/*}
    provenance: {builder: {level: 3}}
trust:
  public-good: builtin
  corp: {file: corp.json, sha256: ` + sha + `, thresholds: {log_entries: 0, scts: 0, timestamps: 2}}
builders:
  - {id: https://github.com/owner/builder/.github/workflows/build.yml, level: 3}
`

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %v; wanted %v", what, got, want)
	}
}

func texts(patterns []policy.Pattern) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, p.String())
	}
	return out
}

func TestParseFull(t *testing.T) {
	p := parse(t, fullPolicy)
	sum := sha256.Sum256([]byte(fullPolicy))
	equal(t, "name", p.Name, "full")
	equal(t, "built-in", p.BuiltIn, false)
	equal(t, "digest", p.Digest, "sha256:"+hex.EncodeToString(sum[:]))
	equal(t, "trust", p.Trust, map[string]policy.Trust{
		"public-good": {Builtin: true, Thresholds: policy.DefaultThresholds()},
		"corp":        {File: "corp.json", SHA256: sha, Thresholds: policy.Thresholds{Timestamps: 2}},
	})
	equal(t, "builders", p.Builders, []policy.Builder{{ID: "https://github.com/owner/builder/.github/workflows/build.yml", Level: 3}})
	equal(t, "rules", len(p.Rules), 2)
	rule, ok := p.Rule("ghcr.io/owner/name")
	equal(t, "found", ok, true)
	equal(t, "match", rule.Match.String(), "ghcr.io/owner/name")
	equal(t, "version", texts(rule.Tags.Version), []string{"{version}", "release-{version}"})
	equal(t, "moving", texts(rule.Tags.Moving), []string{"latest", "{major}.{minor}"})
	equal(t, "grammar", rule.Tags.Grammar, `[0-9]+\.[0-9]+\.[0-9]+`)
	equal(t, "roots", rule.Roots(), []string{"corp", "public-good"})
	equal(t, "keys", p.Keys(), []policy.Key{{File: "cosign.pub", SHA256: sha}})
}

func TestParseFullSources(t *testing.T) {
	rule := parse(t, fullPolicy).Rules[0]
	equal(t, "sources", len(rule.Signature.Sources), 2)
	s := rule.Signature.Sources[0]
	equal(t, "repository", s.Repository.String(), "https://github.com/owner/name")
	equal(t, "repository_id", s.RepositoryID, "123")
	equal(t, "owner_id", s.OwnerID, "45")
	equal(t, "ref", texts(s.Ref), []string{"refs/tags/v{version}", "refs/heads/release/*"})
	equal(t, "ref_regexp", s.RefRegexp.String(), "refs/(tags|heads)/.+")
	equal(t, "branch", s.Branch, "main")
	equal(t, "versioned_tag", s.VersionedTag, "v1.2")
	equal(t, "commit", s.Commit, "0123456789abcdef0123456789abcdef01234567")
	equal(t, "signed", s.Signed, policy.Window{
		From: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 2, 28, 10, 0, 0, 0, time.UTC),
	})
	equal(t, "another home", rule.Signature.Sources[1].Repository.String(), "https://ghe.example.com/owner/*")
	equal(t, "an overriding source", len(rule.Provenance.Sources), 1)
	equal(t, "its repository", rule.Provenance.Sources[0].Repository.String(), "https://github.com/owner/name")
}

func TestParseFullSigners(t *testing.T) {
	rule := parse(t, fullPolicy).Rules[0]
	signers := rule.Signature.Signers
	equal(t, "signers", len(signers), 4)
	s := signers[0]
	equal(t, "issuer", s.Issuer, policy.GitHubIssuer)
	equal(t, "workflow", s.Workflow.String(), ".github/workflows/release.yml")
	equal(t, "repository", s.Repository.String(), "https://github.com/owner/workflows")
	equal(t, "ref", texts(s.Ref), []string{"refs/tags/v2*"})
	equal(t, "trigger", s.Trigger, []string{"push", "release"})
	equal(t, "runner", s.Runner, "github-hosted")
	equal(t, "visibility", s.Visibility, "public")
	equal(t, "identity_regexp", signers[1].IdentityRegexp.String(), `https://github\.com/owner/name/.+@refs/tags/v[0-9.]+`)
	equal(t, "identity", signers[2].Identity.String(), "someone@example.com")
	equal(t, "signed", signers[2].Signed, policy.Window{Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	equal(t, "key", *signers[3].Key, policy.Key{File: "cosign.pub", SHA256: sha})
	equal(t, "trust", rule.Signature.Trust, "corp")

	p := rule.Provenance
	equal(t, "builder", p.Builder, policy.BuilderDemand{
		IDs: []string{"https://github.com/owner/builder/.github/workflows/build.yml@refs/tags/v1.0.0", "https://github.com/owner/other"}, Level: 2,
	})
	equal(t, "provenance trust", p.Trust, policy.PublicGood)
	equal(t, "provenance signer", p.Signers[0].Workflow.String(), ".github/workflows/build.yml")
	equal(t, "inputs", p.Inputs, []policy.Input{{Name: "channel", Value: "stable"}, {Name: "1", Value: "2"}})
}

func TestParseDefaults(t *testing.T) {
	rule := parse(t, fullPolicy).Rules[1]
	if rule.Signature != nil {
		t.Error("a rule without signature demands one")
	}
	equal(t, "signers", len(rule.Provenance.Signers), 1)
	equal(t, "issuer", rule.Provenance.Signers[0].Issuer, policy.GitHubIssuer)
	equal(t, "trust", rule.Provenance.Trust, policy.PublicGood)
	equal(t, "the rule's source", rule.Provenance.Sources[0].Repository.String(), "https://github.com/owner/*")
	equal(t, "version", texts(rule.VersionTags().Version), []string{"{version}", "v{version}"})
}

// A demand with more than one of them names its sources' refs in every one.
func TestParseGood(t *testing.T) {
	for name, rule := range map[string]string{
		"a key alone":                    `{match: ghcr.io/o/n, signature: {signer: {key: {file: k, sha256: "` + sha + `"}}}}`,
		"a key, and source for builders": `{match: ghcr.io/o/n, source: {repository: o/n}, signature: {signer: {key: {file: k, sha256: "` + sha + `"}}}, provenance: {builder: {level: 1}}}`,
		"an exact identity of anywhere":  `{match: ghcr.io/o/n, signature: {signer: {issuer: "https://login.example.com", identity: "a@b"}}}`,
		"an identity with a version":     `{match: ghcr.io/o/n, signature: {signer: {issuer: "https://login.example.com", identity: "https://x/{version}"}}}`,
		"a pattern after the owner":      `{match: ghcr.io/o/n, signature: {signer: {issuer: "https://token.actions.githubusercontent.com", identity: "https://github.com/o/*/.github/workflows/r.yml@refs/tags/*"}}}`,
		"any owner on our own GitLab":    `{match: ghcr.io/o/n, signature: {signer: {issuer: "https://gitlab.example.com", identity: "https://gitlab.example.com/**//.gitlab-ci.yml@refs/heads/main"}}}`,
		"any identity of our source":     `{match: ghcr.io/o/n, source: {repository: o/n}, signature: {signer: {issuer: "https://token.actions.githubusercontent.com", identity_regexp: ".+"}}}`,
		"a workflow at signer.ref":       `{match: ghcr.io/o/n, signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: w, repository: o/n, ref: "refs/tags/*"}}}`,
		"level 0 of a named builder":     `{match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 0, id: "https://github.com/o/b"}}}`,
		"quoted dates":                   `{match: ghcr.io/o/n, source: {repository: o/n, signed: {from: "2026-01-01"}}, provenance: {builder: {level: 1}}}`,
		"any image":                      `{match: "**", source: {repository: o/n}, provenance: {builder: {level: 1}}}`,
		"a registry with a port":         `{match: "localhost:5000/o/n", source: {repository: o/n}, provenance: {builder: {level: 1}}}`,
		"any registry":                   `{match: "*/o/n", source: {repository: o/n}, provenance: {builder: {level: 1}}}`,
		"docker.io":                      `{match: "docker.io/library/alpine", source: {repository: o/n}, provenance: {builder: {level: 1}}}`,
	} {
		t.Run(name, func(t *testing.T) { parse(t, head+"images: ["+rule+"]\n") })
	}
}

// The roots of trust may stand below the rules that name them.
func TestParseOrder(t *testing.T) {
	text := head + `images: [{match: ghcr.io/o/n, signature: {trust: corp, signer: {issuer: "https://x", identity: y}}}]` + "\n"
	root := "trust: {corp: {file: c.json, sha256: \"" + sha + "\"}}\n"
	equal(t, "trust", parse(t, text+root).Rules[0].Signature.Trust, "corp")
}

func TestKeyHasNoSource(t *testing.T) {
	p := parse(t, head+`images: [{match: ghcr.io/o/n, source: {repository: o/n}, signature: {signer: {key: {file: k, sha256: "`+sha+`"}}}, provenance: {builder: {level: 1}}}]`)
	equal(t, "sources beside a key", len(p.Rules[0].Signature.Sources), 0)
	equal(t, "sources of the provenance", len(p.Rules[0].Provenance.Sources), 1)
}

func TestFirstRuleWins(t *testing.T) {
	p := parse(t, fullPolicy)
	for name, want := range map[string]string{
		"ghcr.io/owner/name": "ghcr.io/owner/name", "ghcr.io/owner/other": "ghcr.io/owner/**", "ghcr.io/owner/a/b": "ghcr.io/owner/**",
		"ghcr.io/owner/name2": "ghcr.io/owner/**", "ghcr.io/owners/name": "", "ghcr.io/owner": "", "": "", "GHCR.io/owner/name": "",
	} {
		rule, ok := p.Rule(name)
		equal(t, name, rule.Match.String(), want)
		equal(t, name, ok, want != "")
	}
}

func TestWindow(t *testing.T) {
	from, until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	w := policy.Window{From: from, Until: until}
	for _, c := range []struct {
		w    policy.Window
		at   time.Time
		want bool
	}{
		{w, from.Add(-1), false},
		{w, from, true},
		{w, until.Add(-1), true},
		{w, until, false},
		{policy.Window{From: from}, until, true},
		{policy.Window{Until: until}, time.Time{}, true},
		{policy.Window{}, from, true},
	} {
		equal(t, c.at.String(), c.w.Contains(c.at), c.want)
	}
}

func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}
