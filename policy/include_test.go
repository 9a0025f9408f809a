package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

// folder is some files by their slash paths.
type folder map[string]string

func (f folder) read(path string) ([]byte, error) {
	text, ok := f[filepath.ToSlash(path)]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
	}
	return []byte(text), nil
}

const (
	fragment = "apiVersion: assay/v1\nkind: ReleasePolicyFragment\n"
	people   = fragment + "identities:\n  signers: {release: {issuer: " + github + ", workflow: w, trigger: push}, vendor: {" + key + "}}\n  sources: {widget: {repository: o/n, ref: \"refs/tags/v{version}\"}}\n"
)

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func load(t *testing.T, f folder) *policy.Policy {
	t.Helper()
	p, err := policy.Load("at/p.yaml", f.read)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoad(t *testing.T) {
	f := folder{
		"at/p.yaml": head + "include:\n  - {file: ./teams/a.yaml, sha256: SUM}\n  - {file: teams/b.yaml}\n  - {file: ../people.yaml}\n" +
			"images: [{match: ghcr.io/o/own, source: widget, signature: {signer: [release, vendor]}}]\n",
		"at/teams/a.yaml": fragment + "include: [{file: ../../people.yaml}, {file: deep/c.yaml}]\ntrust: {corp: {file: corp.json, sha256: " + sha + "}}\n" +
			"builders: [{id: https://github.com/o/b, level: 2}]\n" +
			"images: [{match: ghcr.io/o/a, signature: {trust: corp, signer: {key: {file: a.pub, sha256: " + sha + "}}}}]\n",
		"at/teams/b.yaml":      fragment + "deny: {digests: [\"" + digest + "\"]}\nimages: [{match: ghcr.io/o/b, source: widget, provenance: {builder: {level: 1}, signer: release}}]\n",
		"at/teams/deep/c.yaml": fragment + "images: [{match: ghcr.io/o/c, release: {target: \"a/{version}\", tuf: {metadata_url: https://x/m, targets_url: https://x/t, root: {file: ../1.root.json, sha256: " + sha + "}}}}]\n",
		"people.yaml":          strings.Replace(people, "file: k,", "file: keys/k,", 1),
	}
	f["at/p.yaml"] = strings.Replace(f["at/p.yaml"], "SUM", sum(f["at/teams/a.yaml"]), 1)
	p := load(t, f)
	var matches []string
	for _, r := range p.Rules {
		matches = append(matches, r.Match.String())
	}
	equal(t, "rules", strings.Join(matches, " "), "ghcr.io/o/own ghcr.io/o/a ghcr.io/o/c ghcr.io/o/b")
	own := p.Rules[0].Signature
	equal(t, "a named signer", own.Signers[0].Workflow.String()+" "+own.Signers[0].Trigger[0], "w push")
	equal(t, "a named key, from the policy's folder", own.Signers[1].Key.File, filepath.FromSlash("../keys/k"))
	equal(t, "a named source", own.Sources[0].Repository.String(), "https://github.com/o/n")
	equal(t, "a fragment's key", p.Rules[1].Signature.Signers[0].Key.File, filepath.FromSlash("teams/a.pub"))
	equal(t, "a fragment's root", p.Trust["corp"].File, filepath.FromSlash("teams/corp.json"))
	equal(t, "a fragment's TUF root", p.Rules[2].Release.TUF.Root.File, filepath.FromSlash("teams/1.root.json"))
	equal(t, "builders", len(p.Builders), 1)
	equal(t, "denied", p.Deny.Digests, []string{digest})
	list := ""
	for _, file := range [][2]string{{"at/p.yaml", "."}, {"at/teams/a.yaml", "teams/a.yaml"}, {"people.yaml", "../people.yaml"}, {"at/teams/deep/c.yaml", "teams/deep/c.yaml"}, {"at/teams/b.yaml", "teams/b.yaml"}} {
		list += sum(f[file[0]]) + "  " + file[1] + "\n"
	}
	equal(t, "digest", p.Digest, "sha256:"+sum(list))
	f["people.yaml"] += "# nothing\n"
	if load(t, f).Digest == p.Digest {
		t.Error("the digest does not cover what is included")
	}
}

// A policy of one file has the same digest however it is read, and paths as written.
func TestLoadOne(t *testing.T) {
	text := head + "images: [{match: ghcr.io/o/n, signature: {signer: {key: {file: ./k, sha256: " + sha + "}}}}]\n"
	p := load(t, folder{"at/p.yaml": text})
	equal(t, "digest", p.Digest, parse(t, text).Digest)
	equal(t, "key", p.Keys()[0].File, "./k")
}

func TestLoadAllInFragments(t *testing.T) {
	p := load(t, folder{"at/p.yaml": head + "include: [{file: f.yaml}]\n", "at/f.yaml": fragment + tail})
	equal(t, "rules", len(p.Rules), 1)
}

func TestRefuseInclude(t *testing.T) {
	with := func(text string) string { return head + "include: [" + text + "]\n" + tail }
	deep := folder{"at/p.yaml": with("{file: 1.yaml}")}
	for i := 1; i <= 5; i++ {
		deep[fmt.Sprintf("at/%d.yaml", i)] = fragment + fmt.Sprintf("include: [{file: %d.yaml}]\n", i+1)
	}
	many := folder{}
	var files []string
	for i := range 16 {
		files = append(files, fmt.Sprintf("{file: %02d.yaml}", i))
		many[fmt.Sprintf("at/%02d.yaml", i)] = fragment + "deny: {digests: [\"" + digest + "\"]}\n"
	}
	many["at/p.yaml"] = with(strings.Join(files, ", "))
	for _, c := range []struct {
		name  string
		files folder
		want  []string
	}{
		{"a file that is not there", folder{"at/p.yaml": with("{file: f.yaml}")}, []string{"at/p.yaml:4:18: include: open at/f.yaml: file does not exist"}},
		{"text", folder{"at/p.yaml": with("f.yaml")}, []string{`at/p.yaml:4:11: include is "f.yaml"; wanted a mapping with file, sha256`}},
		{"no file", folder{"at/p.yaml": with("{sha256: " + sha + "}")}, []string{`at/p.yaml:4:11: include has no "file"; wanted {file} or {file, sha256}`}},
		{"an absolute path", folder{"at/p.yaml": with("{file: /etc/f.yaml}")}, []string{`at/p.yaml:4:18: include.file is "/etc/f.yaml"; wanted a path relative to this file, with slashes`}},
		{"a URL", folder{"at/p.yaml": with("{file: \"https://x/f.yaml\"}")}, []string{`at/p.yaml:4:18: include.file is "https://x/f.yaml"; wanted a path relative to this file, with slashes`}},
		{"a backslash", folder{"at/p.yaml": with(`{file: 'a\f.yaml'}`)}, []string{`at/p.yaml:4:18: include.file is "a\\f.yaml"; wanted a path relative to this file, with slashes`}},
		{"another digest", folder{"at/p.yaml": with("{file: f.yaml, sha256: " + sha + "}"), "at/f.yaml": people}, []string{
			"at/p.yaml:4:18: include: f.yaml has the SHA-256 " + sum(people) + "; wanted " + sha + ", as sha256 says",
		}},
		{"another digest the second time", folder{"at/p.yaml": with("{file: f.yaml}, {file: ./f.yaml, sha256: " + sha + "}"), "at/f.yaml": people}, []string{
			"at/p.yaml:4:34: include: ./f.yaml has the SHA-256 " + sum(people) + "; wanted " + sha + ", as sha256 says",
		}},
		{"a whole policy", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": head + tail}, []string{
			`at/f.yaml:2:7: kind is "ReleasePolicy"; wanted one of ReleasePolicyFragment`,
			`at/f.yaml:3:1: found unknown key "metadata" in the fragment; wanted one of apiVersion, builders, deny, identities, images, include, kind, trust`,
			"at/f.yaml:4:10: no image reaches the rule for ghcr.io/o/n: the rule for ghcr.io/o/n comes before it and matches them all",
		}},
		{"a fragment alone", folder{"at/p.yaml": people}, []string{
			`at/p.yaml:1:1: the policy has no "metadata"`, `at/p.yaml:1:1: the policy has no "images"`, `at/p.yaml:2:7: kind is "ReleasePolicyFragment"; wanted one of ReleasePolicy`,
		}},
		{"a fragment of nothing", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": fragment}, []string{
			"at/f.yaml:1:1: the fragment says nothing; wanted at least one of builders, deny, identities, images, include, trust",
		}},
		{"no rule anywhere", folder{"at/p.yaml": head + "include: [{file: f.yaml}]\n", "at/f.yaml": people}, []string{"at/p.yaml:1:1: the policy has no rule, here or in what it includes; wanted images"}},
		{"YAML that is none", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": "a: [\n"}, []string{"at/f.yaml:1: did not find expected node content"}},
		{"faults in both", folder{"at/p.yaml": with("{file: f.yaml}") + "a: b\n", "at/f.yaml": fragment + "images:\n  - {match: ghcr.io/o/x}\n"}, []string{
			`at/p.yaml:6:1: found unknown key "a" in the policy; wanted one of ` + topKeys,
			"at/f.yaml:4:5: the rule demands no evidence; wanted at least one of signature, provenance, sbom, attestations and release",
		}},
		{"a rule that nothing reaches", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": fragment + tail}, []string{
			"at/f.yaml:3:10: no image reaches the rule for ghcr.io/o/n: the rule for ghcr.io/o/n comes before it and matches them all",
		}},
		{"a circle", folder{"at/p.yaml": with("{file: a.yaml}"), "at/a.yaml": fragment + "include: [{file: b.yaml}]\n", "at/b.yaml": fragment + "include: [{file: a.yaml}]\n"}, []string{
			"at/b.yaml:3:18: include makes a circle: a.yaml includes b.yaml, which includes a.yaml",
		}},
		{"a circle through the policy", folder{"at/p.yaml": with("{file: d/a.yaml}"), "at/d/a.yaml": fragment + "include: [{file: ../p.yaml}]\n"}, []string{
			"at/d/a.yaml:3:18: include makes a circle: p.yaml includes d/a.yaml, which includes p.yaml",
		}},
		{"itself", folder{"at/p.yaml": with("{file: p.yaml}")}, []string{"at/p.yaml:4:18: include makes a circle: p.yaml, which includes p.yaml"}},
		{"too deep", deep, []string{"at/4.yaml:3:18: include goes deeper than 4 files; wanted the fragment included further up"}},
		{"too many", many, []string{"at/p.yaml:4:273: the policy has more than 16 files; wanted fewer fragments"}},
		{"one name for two", folder{"at/p.yaml": with("{file: f.yaml}, {file: g.yaml}"), "at/f.yaml": people, "at/g.yaml": people}, []string{
			"at/g.yaml:4:22: identities.signers.release is defined in at/f.yaml:4:22 already; wanted one name for one thing in all files",
			"at/g.yaml:4:113: identities.signers.vendor is defined in at/f.yaml:4:113 already; wanted one name for one thing in all files",
			"at/g.yaml:5:21: identities.sources.widget is defined in at/f.yaml:5:21 already; wanted one name for one thing in all files",
		}},
		{"one root for two", folder{"at/p.yaml": head + "trust: {corp: {file: r, sha256: " + sha + "}}\ninclude: [{file: f.yaml}]\n" + tail, "at/f.yaml": fragment + "trust: {corp: {file: r, sha256: " + sha + "}}\n"}, []string{
			"at/f.yaml:3:15: trust.corp is defined in at/p.yaml:4:15 already; wanted one name for one thing in all files",
		}},
		{"the root of those who name none", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": fragment + "trust: {public-good: {file: r, sha256: " + sha + "}}\n"}, []string{
			"at/f.yaml:3:22: the fragment gives trust.public-good, which demands mean that name no root; wanted it in the policy itself, or a root of another name",
		}},
		{"the same root, in other words", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": fragment + "trust: {public-good: builtin}\n"}, []string{
			"at/f.yaml:3:22: the fragment gives trust.public-good, which demands mean that name no root; wanted it in the policy itself, or a root of another name",
		}},
		{"a fragment of what is not its own", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": fragment + "expires: 2026-01-01\n"}, []string{
			`at/f.yaml:3:1: found unknown key "expires" in the fragment; wanted one of apiVersion, builders, deny, identities, images, include, kind, trust`,
		}},
		{"another file", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": strings.Repeat("secret ", 100)}, []string{
			`at/f.yaml:1:1: the fragment is "` + strings.Repeat("secret ", 11) + `sec…"; wanted a mapping with apiVersion, builders, deny, identities, images, include, kind, trust`,
		}},
		{"another file of a key", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": strings.Repeat("k", 100) + ": secret\n"}, []string{
			`at/f.yaml:1:1: found unknown key "` + strings.Repeat("k", 80) + `…" in the fragment; wanted one of apiVersion, builders, deny, identities, images, include, kind, trust`,
			`at/f.yaml:1:1: the fragment has no "apiVersion"`, `at/f.yaml:1:1: the fragment has no "kind"`,
		}},
		{"another file of an alias", folder{"at/p.yaml": with("{file: f.yaml}"), "at/f.yaml": "*" + strings.Repeat("s", 100)}, []string{
			"at/f.yaml: unknown anchor '" + strings.Repeat("s", 64) + "…",
		}},
		{"one builder for two", folder{"at/p.yaml": head + "builders: [{id: https://x/b, level: 1}]\ninclude: [{file: f.yaml}]\n" + tail, "at/f.yaml": fragment + "builders: [{id: https://x/b, level: 3}]\n"}, []string{
			"at/f.yaml:3:17: the builder https://x/b is defined in at/p.yaml:4:17 already; wanted one name for one thing in all files",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := policy.Load("at/p.yaml", c.files.read)
			if p != nil {
				t.Errorf("a refused policy is %v; wanted nil", p)
			}
			equal(t, "the error", strings.Join(lines(err), "\n"), strings.Join(c.want, "\n"))
		})
	}
	if _, err := policy.Load("none.yaml", folder{}.read); err == nil || err.Error() != "read the policy: open none.yaml: file does not exist" {
		t.Errorf("a policy that is not there: %v", err)
	}
	refuse(t, []refusal{{"include in a text", with("{file: f.yaml}"), []string{
		"p.yaml:4:10: include names other files, and this policy was given as one text; wanted a policy file, or the fragments written out",
	}}})
}
