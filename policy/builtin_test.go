package policy_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%s\nwanted\n%s", name, got, want)
	}
}

// release is the smallest release that a policy can be built in for, refined by f.
func release(f func(*policy.GitHubRelease)) policy.GitHubRelease {
	r := policy.GitHubRelease{Image: "ghcr.io/owner/name", Repository: "owner/name"}
	if f != nil {
		f(&r)
	}
	return r
}

func TestBuiltInGolden(t *testing.T) {
	for name, f := range map[string]func(*policy.GitHubRelease){
		"repo":               nil,
		"ids":                func(r *policy.GitHubRelease) { r.RepositoryID, r.OwnerID = "123456", "78" },
		"ref":                func(r *policy.GitHubRelease) { r.Ref = "refs/heads/main" },
		"workflow":           func(r *policy.GitHubRelease) { r.Workflow = ".github/workflows/release.yml" },
		"workflow-ref":       func(r *policy.GitHubRelease) { r.Workflow = ".github/workflows/release.yml@refs/heads/main" },
		"workflow-elsewhere": func(r *policy.GitHubRelease) { r.Workflow = "owner/workflows/.github/workflows/sign.yml@refs/tags/v2*" },
		"identity": func(r *policy.GitHubRelease) {
			r.Issuer, r.Identity, r.Require = "https://accounts.example.com", "someone@example.com", []string{"signature"}
		},
		"trigger":    func(r *policy.GitHubRelease) { r.Trigger = []string{"schedule"} },
		"signature":  func(r *policy.GitHubRelease) { r.Require = []string{"signature"} },
		"provenance": func(r *policy.GitHubRelease) { r.Require = []string{"provenance"} },
		"gitlab": func(r *policy.GitHubRelease) {
			r.Issuer, r.Repository, r.Require = "https://gitlab.com", "https://gitlab.com/group/sub/project", []string{"signature"}
		},
		"enterprise": func(r *policy.GitHubRelease) {
			r.Issuer, r.Repository = "https://ghe.example.com/_services/token", "https://ghe.example.com/owner/name"
		},
		"enterprise-elsewhere": func(r *policy.GitHubRelease) {
			r.Issuer, r.Repository, r.Workflow = "https://ghe.example.com/_services/token", "https://ghe.example.com/owner/name", "ci/flows/.github/workflows/sign.yml@refs/tags/v1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, text, err := policy.BuiltIn(release(f))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "builtin-"+name+".yaml", text)
			again, err := policy.Parse("built-in", text)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "the policy, read again", fmt.Sprint(again.Rules[0].Match, again.Digest), fmt.Sprint(p.Rules[0].Match, p.Digest))
			equal(t, "built-in", p.BuiltIn, true)
			checkPolicy(t, p)
		})
	}
}

func TestBuiltInRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(*policy.GitHubRelease)
		want string
	}{
		"no image":            {func(r *policy.GitHubRelease) { r.Image = "" }, "make the built-in policy: built-in:5:14: match is empty"},
		"a pattern for image": {func(r *policy.GitHubRelease) { r.Image = "**" }, `found the image "**"; wanted the name of one image`},
		"no repository":       {func(r *policy.GitHubRelease) { r.Repository = "" }, `the repository is ""; wanted owner/name on github.com, or https://host/path`},
		"any owner": {func(r *policy.GitHubRelease) { r.Repository = "*/name" },
			`make the built-in policy: built-in:8:21: source.repository: the repository is "https://github.com/*/name", of any owner; wanted an owner without wildcard`},
		"unknown leg": {func(r *policy.GitHubRelease) { r.Require = []string{"signature", "sbom"} }, `found the check "sbom"; wanted some of signature, provenance`},
		"empty leg":   {func(r *policy.GitHubRelease) { r.Require = []string{""} }, `found the check ""; wanted some of signature, provenance`},
		"workflow and identity": {func(r *policy.GitHubRelease) { r.Workflow, r.Identity = ".github/workflows/w.yml", "i" },
			"found a signer workflow and an identity; wanted one of them"},
		"another repository at no ref": {func(r *policy.GitHubRelease) { r.Workflow = "o/w/.github/workflows/s.yml" },
			`found the signer workflow "o/w/.github/workflows/s.yml" of another repository at no ref; wanted o/w/.github/workflows/s.yml@refs/tags/*, or the ref it is used at`},
		"a file name": {func(r *policy.GitHubRelease) { r.Workflow = "release.yml" },
			`found the signer workflow "release.yml"; wanted .github/workflows/FILE or OWNER/NAME/.github/workflows/FILE`},
		"no path of a workflow": {func(r *policy.GitHubRelease) { r.Workflow = "owner/name/release.yml@refs/tags/v1" },
			`found the signer workflow "owner/name/release.yml@refs/tags/v1"; wanted .github/workflows/FILE or OWNER/NAME/.github/workflows/FILE`},
		"an empty ref":  {func(r *policy.GitHubRelease) { r.Workflow = ".github/workflows/w.yml@" }, `found the signer workflow ".github/workflows/w.yml@"; wanted PATH, or PATH@REF`},
		"an empty path": {func(r *policy.GitHubRelease) { r.Workflow = "@refs/tags/v1" }, `found the signer workflow "@refs/tags/v1"; wanted PATH, or PATH@REF`},
		"a workflow for provenance": {func(r *policy.GitHubRelease) {
			r.Workflow, r.Require = ".github/workflows/w.yml", []string{"provenance"}
		},
			"found a signer workflow or an identity, which are judged of a signature, and no signature is required"},
		"an identity for provenance": {func(r *policy.GitHubRelease) { r.Identity, r.Require = "i", []string{"provenance"} },
			"found a signer workflow or an identity, which are judged of a signature, and no signature is required"},
		"GitLab's issuer, GitHub's repository": {func(r *policy.GitHubRelease) { r.Issuer = "https://gitlab.com" },
			`found the repository "owner/name" and the issuer "https://gitlab.com", which speaks for https://gitlab.com/...; wanted the whole URL of a repository there, or another issuer`},
		"GitHub's issuer, another home": {func(r *policy.GitHubRelease) { r.Repository = "https://github.com.evil/owner/name" },
			`found the repository "https://github.com.evil/owner/name" and the issuer "https://token.actions.githubusercontent.com", which speaks for https://github.com/...; wanted the whole URL of a repository there, or another issuer`},
		"an empty trigger":  {func(r *policy.GitHubRelease) { r.Trigger = []string{""} }, "signature.signer.trigger is empty"},
		"an unknown issuer": {func(r *policy.GitHubRelease) { r.Issuer = policy.GitHubIssuer + ".evil" }, "whose identities assay does not know the grammar of"},
		"a tag for a ref":   {func(r *policy.GitHubRelease) { r.Ref = "v1" }, `source.ref is "v1"; wanted a whole ref`},
	} {
		t.Run(name, func(t *testing.T) {
			p, text, err := policy.BuiltIn(release(c.f))
			if err == nil || p != nil || text != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v; wanted %s", err, c.want)
			}
		})
	}
}

// What comes in by a flag stays one value, or is refused: it never becomes YAML.
func TestBuiltInInjection(t *testing.T) {
	const clean = "ghcr.io/owner/name"
	for _, evil := range []string{
		"x\nsignature: {}", "x\r\nmode: audit", "x\u2028y", "x\x00", "x: y", "x, y: z", "x #comment", "# x", "'x'", `"x"`, `x", "y`, "x' }", "{x: y}", "[x]", "{version}", "{x}", "{", "}",
		"&a x", "*a", "!!str x", "!x", "| x", "> x", "- x", "? x", "%YAML 1.1", "---", "...", "@x", "`x`", "~", "null", "true", "1.10", "0x1", "1e3", "2026-01-01", "<<", "=", " x", "x ", "\tx", "\xff", "\ufeffx",
		"x\u202ey", "x\u200by", strings.Repeat("x", 5000),
	} {
		for field, f := range map[string]func(*policy.GitHubRelease){
			"image": func(r *policy.GitHubRelease) { r.Image = evil }, "repository": func(r *policy.GitHubRelease) { r.Repository = evil },
			"owner": func(r *policy.GitHubRelease) { r.Repository = evil + "/name" }, "URL": func(r *policy.GitHubRelease) { r.Repository = "https://github.com/owner/" + evil },
			"repository id": func(r *policy.GitHubRelease) { r.RepositoryID = evil }, "owner id": func(r *policy.GitHubRelease) { r.OwnerID = evil },
			"ref": func(r *policy.GitHubRelease) { r.Ref = "refs/tags/" + evil }, "whole ref": func(r *policy.GitHubRelease) { r.Ref = evil },
			"workflow": func(r *policy.GitHubRelease) { r.Workflow = ".github/workflows/" + evil }, "whole workflow": func(r *policy.GitHubRelease) { r.Workflow = evil },
			"issuer":   func(r *policy.GitHubRelease) { r.Issuer, r.Identity, r.Require = evil, "a", []string{"signature"} },
			"identity": func(r *policy.GitHubRelease) { r.Identity = evil }, "trigger": func(r *policy.GitHubRelease) { r.Trigger = []string{evil} },
			"require": func(r *policy.GitHubRelease) { r.Require = []string{evil} },
		} {
			r := release(f)
			p, text, err := policy.BuiltIn(r)
			if err != nil {
				if p != nil || text != nil {
					t.Errorf("%s %q is refused and gives a policy", field, evil)
				}
				continue
			}
			checkPolicy(t, p)
			checkRelease(t, r, p)
			if r.Image == clean && p.Rules[0].Match.String() != clean {
				t.Errorf("%s %q makes the rule match %s", field, evil, p.Rules[0].Match)
			}
		}
	}
}

// checkRelease wants every value of r in the one place where it belongs.
func checkRelease(t *testing.T, r policy.GitHubRelease, p *policy.Policy) {
	t.Helper()
	equal(t, "rules", len(p.Rules), 1)
	equal(t, "name", p.Name, "built-in")
	equal(t, "roots", len(p.Trust), 1)
	equal(t, "builders", len(p.Builders), 0)
	rule := p.Rules[0]
	equal(t, "match", rule.Match.String(), r.Image)
	if !rule.Match.Match(r.Image, policy.Vars{}) {
		t.Errorf("the rule does not match its image %q", r.Image)
	}
	signers, sources := rule.Signature.Signers, rule.Signature.Sources
	equal(t, "signers", len(signers), 1)
	equal(t, "sources", len(sources), 1)
	url, err := policy.RepositoryURL(r.Repository)
	equal(t, "repository", sources[0].Repository.String(), url)
	equal(t, "the error of the repository", err, nil)
	equal(t, "repository id", sources[0].RepositoryID, r.RepositoryID)
	equal(t, "owner id", sources[0].OwnerID, r.OwnerID)
	if r.Ref != "" {
		equal(t, "refs", texts(sources[0].Ref), []string{r.Ref})
	}
	if r.Issuer != "" {
		equal(t, "issuer", signers[0].Issuer, r.Issuer)
	}
	if r.Trigger != nil {
		equal(t, "triggers", signers[0].Trigger, r.Trigger)
	}
	equal(t, "identity", signers[0].Identity.String(), r.Identity)
	if r.Identity != "" {
		return
	}
	path, ref, _ := strings.Cut(r.Workflow, "@")
	switch {
	case path == "":
		path = ".github/workflows/*"
	case !strings.HasPrefix(path, ".github/"):
		t.Errorf("the workflow %q is taken for one", r.Workflow)
	}
	equal(t, "workflow", signers[0].Workflow.String(), path)
	if ref != "" {
		equal(t, "workflow ref", texts(signers[0].Ref), []string{ref})
	}
	equal(t, "signer's repository", signers[0].Repository.String(), "")
}

// The built-in policy takes the tag for the version, as it is written.
func TestBuiltInTags(t *testing.T) {
	p, _, err := policy.BuiltIn(release(nil))
	if err != nil {
		t.Fatal(err)
	}
	tags := p.Rules[0].VersionTags()
	refs := p.Rules[0].Signature.Sources[0].Ref
	for _, c := range []struct {
		tag, ref string
		want     bool
	}{
		{"1.2.3", "refs/tags/1.2.3", true},
		{"1.2.3", "refs/tags/v1.2.3", true},
		{"v1.2.3", "refs/tags/v1.2.3", true},
		{"v1.2.3", "refs/tags/1.2.3", false},
		{"latest", "refs/tags/v1.2.3", false},
		{"1.2", "refs/tags/v1.2.3", false},
		{"main", "refs/heads/main", false},
		{"1.2.3", "refs/tags/v1.2.3-evil", false},
		{"1.2.3", "refs/heads/v1.2.3", false},
	} {
		version, ok := tags.VersionOf(c.tag)
		vars := policy.Vars{Version: version}
		got := refs[0].Match(c.ref, vars) || refs[1].Match(c.ref, vars)
		if !ok || tags.IsMoving(c.tag) || got != c.want {
			t.Errorf("tag %s accepts %s: %v; wanted %v", c.tag, c.ref, got, c.want)
		}
	}
}
