package policy_test

import (
	"strings"
	"testing"
)

func TestRefuseSigner(t *testing.T) {
	const at = "p.yaml:7:15: signature.signer "
	refuse(t, []refusal{
		{"none", rule("match: ghcr.io/o/n, signature: {trust: public-good}"), []string{
			`p.yaml:5:37: signature has no "signer"; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}`,
		}},
		{"empty", signer(""), []string{at + "is an empty mapping; wanted a mapping with identity, identity_regexp, issuer, key, ref, repository, runner, signed, trigger, visibility, workflow"}},
		{"empty list", rule("match: ghcr.io/o/n, signature: {signer: []}"), []string{"p.yaml:5:46: signature.signer is an empty list; leave the key out or name at least one"}},
		{"no issuer", signer("identity: a"), []string{at + `has no "issuer"; wanted the OIDC issuer, such as ` + github}},
		{"nobody", signer("issuer: " + github), []string{at + "has no workflow and no identity; wanted one of them"}},
		{"circumstances alone", signer("issuer: " + github + ", trigger: push, runner: github-hosted, visibility: public"), []string{at + "has no workflow and no identity; wanted one of them"}},
		{"a workflow of no repository", signer("issuer: " + github + ", workflow: w, ref: refs/tags/v1"), []string{at + "has a workflow of no repository; wanted source: {repository} or signer.repository"}},
		{"a workflow at no ref", signer("issuer: " + github + ", workflow: w, repository: o/n"), []string{at + "has a workflow at no ref; wanted signer.ref, or source: {ref} in every source"}},
		{"a workflow at the ref of some sources", signer("issuer: "+github+", workflow: w") + "    source: [{repository: o/n, ref: refs/tags/v1}, {repository: o/m}]\n", []string{
			at + "has a workflow at no ref; wanted signer.ref, or source: {ref} in every source",
		}},
		{"the second of two", rule("match: ghcr.io/o/n, signature: {signer: [{issuer: a, identity: b}, {issuer: a}]}"), []string{
			"p.yaml:5:73: signature.signer has no workflow and no identity; wanted one of them",
			`p.yaml:5:73: signature.signer.issuer is "a", whose identities assay does not know the grammar of; wanted an exact identity instead of workflow or pattern`,
		}},
		{"workflow and identity", sourced("issuer: " + github + ", workflow: w, identity: i"), []string{at + "has a workflow and an identity; wanted one of them"}},
		{"two identities", sourced("issuer: " + github + ", identity: i, identity_regexp: i"), []string{at + "has identity and identity_regexp; wanted one of them"}},
		{"identity and ref", sourced("issuer: " + github + ", identity: i, ref: refs/tags/v1"), []string{
			at + "has an identity, which is the whole name, and a part of it; wanted identity alone, or workflow with repository and ref",
		}},
		{"identity_regexp and repository", sourced("issuer: " + github + ", identity_regexp: i, repository: o/n"), []string{
			at + "has an identity, which is the whole name, and a part of it; wanted identity alone, or workflow with repository and ref",
		}},
		{"key and claims", signer(key + ", issuer: " + github), []string{at + "names a key and a certificate's claims; wanted one of them, or a list of two signers"}},
		{"key and runner", signer(key + ", runner: self-hosted"), []string{at + "names a key and a certificate's claims; wanted one of them, or a list of two signers"}},
		{"key and visibility", signer(key + ", visibility: public"), []string{at + "names a key and a certificate's claims; wanted one of them, or a list of two signers"}},
		{"key and its own source", rule("match: ghcr.io/o/n, signature: {signer: {" + key + "}, source: {repository: o/n}}"), []string{
			"p.yaml:5:148: signature.source stands beside a key, which says nothing of a source; leave it out",
		}},
		{"key without digest", signer("key: {file: k}"), []string{"p.yaml:7:21: signature.signer.key lacks its file or its sha256"}},
		{"key as text", signer("key: k"), []string{`p.yaml:7:21: signature.signer.key is "k"; wanted a mapping with file, sha256`}},
		{"a word", signer("issuer: " + github + ", identity: i, runner: hosted, visibility: all"), []string{
			`p.yaml:7:90: signature.signer.runner is "hosted"; wanted one of github-hosted, self-hosted`,
			`p.yaml:7:110: signature.signer.visibility is "all"; wanted one of public, private, internal`,
		}},
		{"no trigger", signer("issuer: " + github + ", identity: i, trigger: []"), []string{"p.yaml:7:91: signature.signer.trigger is an empty list; leave the key out or name at least one"}},
		{"an empty trigger", signer("issuer: " + github + ", identity: i, trigger: [\"\"]"), []string{"p.yaml:7:92: signature.signer.trigger is empty"}},
		{"a null trigger", signer("issuer: " + github + ", identity: i, trigger: [~]"), []string{"p.yaml:7:92: signature.signer.trigger is null ~; wanted text: write it in quotes"}},
		{"a list of triggers in a list", signer("issuer: " + github + ", identity: i, trigger: [[push]]"), []string{"p.yaml:7:92: signature.signer.trigger is a list; wanted text"}},
		{"a ref", sourced("issuer: " + github + ", workflow: w, ref: v1"), []string{`p.yaml:7:87: signature.signer.ref is "v1"; wanted a whole ref, such as refs/tags/v{version} or refs/heads/main`}},
		{"a window", signer(key + ", signed: {}"), []string{"p.yaml:7:116: signature.signer.signed is an empty mapping; wanted a mapping with from, until"}},
	})
}

func TestRefuseIssuer(t *testing.T) {
	unknown := func(issuer string) []string {
		return []string{`p.yaml:7:15: signature.signer.issuer is "` + issuer + `", whose identities assay does not know the grammar of; wanted an exact identity instead of workflow or pattern`}
	}
	refuse(t, []refusal{
		{"workflow", sourced("issuer: https://login.example.com, workflow: w"), unknown("https://login.example.com")},
		{"pattern", sourced("issuer: https://login.example.com, identity: \"*@example.com\""), unknown("https://login.example.com")},
		{"regular expression", sourced("issuer: https://login.example.com, identity_regexp: a"), unknown("https://login.example.com")},
		{"look-alike", sourced("issuer: " + github + ".evil, workflow: w"), unknown(github + ".evil")},
		{"a slash", sourced("issuer: " + github + "/, workflow: w"), unknown(github + "/")},
		{"a pattern for an issuer", sourced("issuer: \"https://*\", workflow: w"), unknown("https://*")},
	})
}

// An identity that anybody can have is no demand.
func TestRefuseAnybody(t *testing.T) {
	for name, identity := range map[string]string{
		"anything": `identity: "**"`, "anything with a ref": `identity: "**@**"`, "any owner": `identity: "https://github.com/*/n/.github/workflows/r.yml@refs/tags/*"`,
		"any owner that begins so": `identity: "https://github.com/o*/n/.github/workflows/r.yml@refs/tags/v1"`, "any host": `identity: "https://*/o/n/.github/workflows/r.yml@refs/tags/v1"`,
		"dot star": `identity_regexp: ".*"`, "dot plus": `identity_regexp: ^.+$`, "all of GitHub": `identity_regexp: https://github\.com/.*`,
		"an alternative": `identity_regexp: https://github\.com/o/.*|.+`, "all tags": `identity_regexp: .*@refs/tags/.*`,
		// A stranger's branch may be named so that any of these fits.
		"a repository anywhere": `identity_regexp: .*/o/n/.*`, "a workflow anywhere": `identity_regexp: "https://github\\.com/.*/n/.*"`,
		"a workflow of any owner": `identity_regexp: ".*/[.]github/workflows/r[.]yml@.*"`, "a version for an owner": `identity: "https://github.com/{version}@{version}"`,
	} {
		refuse(t, []refusal{{name, signer("issuer: " + github + ", " + identity), []string{
			"p.yaml:7:15: signature.signer has an identity that strangers have too, and there is no source; wanted an identity that spells the owner out, or source: {repository}",
		}}})
	}
}

func TestRefuseSource(t *testing.T) {
	const repo = "repository: o/n, "
	const ref = "; wanted a whole ref, such as refs/tags/v{version} or refs/heads/main"
	const tag = "; wanted v1, v1.2 or v1.2.3"
	const branch = "; wanted the name of one branch, such as main, or a pattern under ref"
	const digits = "; wanted 40 or 64 lower-case hexadecimal digits"
	const when = "; wanted a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
	refuse(t, []refusal{
		{"empty", source(""), []string{
			"p.yaml:5:13: source is an empty mapping; wanted a mapping with branch, commit, owner_id, ref, ref_regexp, repository, repository_id, signed, versioned_tag",
		}},
		{"no repository", source("ref: refs/tags/v1"), []string{`p.yaml:5:13: source has no "repository"; wanted owner/name on github.com, or a whole https URL`}},
		{"an id that is a number", source(repo + "repository_id: 123"), []string{"p.yaml:5:46: source.repository_id is int 123; wanted text: write it in quotes"}},
		{"a version that is a number", source(repo + "versioned_tag: 1.10"), []string{"p.yaml:5:46: source.versioned_tag is float 1.10; wanted text: write it in quotes"}},
		{"an empty id", source(repo + `owner_id: ""`), []string{"p.yaml:5:41: source.owner_id is empty"}},
		{"a null id", source(repo + "owner_id: , ref: refs/tags/v1"), []string{`p.yaml:5:31: "owner_id" in source has no value`}},
		{"a tag for a ref", source(repo + "ref: v1.0.0"), []string{`p.yaml:5:36: source.ref is "v1.0.0"` + ref}},
		{"a star for a ref", source(repo + `ref: "*"`), []string{`p.yaml:5:36: source.ref is "*"` + ref}},
		{"an empty ref in a list", source(repo + `ref: [refs/tags/v1, ""]`), []string{"p.yaml:5:51: source.ref is empty"}},
		{"no refs", source(repo + `ref: []`), []string{"p.yaml:5:36: source.ref is an empty list; leave the key out or name at least one"}},
		{"a regular expression", source(repo + `ref_regexp: "("`), []string{"p.yaml:5:43: source.ref_regexp: the regular expression \"(\": error parsing regexp: missing closing ): `(`"}},
		{"a variable in one", source(repo + `ref_regexp: "refs/tags/v{version}"`), []string{
			"p.yaml:5:43: source.ref_regexp has {version}, which a regular expression does not know; wanted a pattern under the key without _regexp",
		}},
		{"a ref for a branch", source(repo + "branch: refs/heads/main"), []string{`p.yaml:5:39: source.branch is "refs/heads/main"` + branch}},
		{"a pattern for a branch", source(repo + `branch: "*"`), []string{`p.yaml:5:39: source.branch is "*"` + branch}},
		{"a versioned tag", source(repo + "versioned_tag: 1.2.3"), []string{`p.yaml:5:46: source.versioned_tag is "1.2.3"` + tag}},
		{"a versioned tag of four", source(repo + "versioned_tag: v1.2.3.4"), []string{`p.yaml:5:46: source.versioned_tag is "v1.2.3.4"` + tag}},
		{"a versioned tag that is a pattern", source(repo + `versioned_tag: "v*"`), []string{`p.yaml:5:46: source.versioned_tag is "v*"` + tag}},
		{"a short commit", source(repo + "commit: abc1234"), []string{`p.yaml:5:39: source.commit is "abc1234"` + digits}},
		{"a commit in capitals", source(repo + "commit: " + strings.Repeat("A", 40)), []string{`p.yaml:5:39: source.commit is "` + strings.Repeat("A", 40) + `"` + digits}},
		{"a window that ends before it begins", source(repo + "signed: {from: 2026-02-01, until: 2026-01-01}"), []string{"p.yaml:5:39: source.signed ends before it begins"}},
		{"a window of no time", source(repo + "signed: {from: 2026-02-01, until: 2026-02-01}"), []string{"p.yaml:5:39: source.signed ends before it begins"}},
		{"a window that an odd year opens", source(repo + `signed: {from: 2026-02-01, until: 0001-01-01}`), []string{`p.yaml:5:65: source.signed.until is "0001-01-01"` + when}},
		{"a window of words", source(repo + `signed: {from: yesterday, until: 20260201}`), []string{
			`p.yaml:5:46: source.signed.from is "yesterday"` + when, `p.yaml:5:64: source.signed.until is "20260201"` + when,
		}},
	})
}

func TestRefuseRepository(t *testing.T) {
	for _, r := range []string{
		"n", "o/", "/n", "o/n/x", "github.com/o/n", "github.com/o", "gitlab.com/o/n", "o/n@v1", "o/n?x", "o/n#x", "o /n", "o.x/n", "o/..", "o/.", "o/\u043d",
		"http://github.com/o/n", "https://github.com", "https://github.com/", "https://github.com/o", "https://github.com/o/n/", "https://github.com//o/n",
		"https://github.com/o/n/x", "https://user@github.com/o/n", "https://github.com/o/n?x=y", "https://github.com/o/n#x", "https://github.com/o/../n",
		"https://github.com/o%2Fx/n", "https://[::1]/o/n", "git+https://github.com/o/n", "HTTPS://github.com/o/n",
	} {
		refuse(t, []refusal{{r, source("repository: '" + r + "'"), []string{
			`p.yaml:5:26: source.repository: the repository is "` + r + `"; wanted owner/name on github.com, or https://host/path`,
		}}})
	}
	for r, wanted := range map[string]string{
		"https://*/o/n": "of any host; wanted a host without wildcard", "https://github.com*/o/n": "of any host; wanted a host without wildcard",
		"https://*.example.com/o/n": "of any host; wanted a host without wildcard", "https://**/n": "of any host; wanted a host without wildcard",
		"https://github.com/*/n": "of any owner; wanted an owner without wildcard", "https://gitlab.com/**": "of any owner; wanted an owner without wildcard",
		"https://gitlab.com/o*/n": "of any owner; wanted an owner without wildcard",
	} {
		refuse(t, []refusal{{r, source("repository: '" + r + "'"), []string{`p.yaml:5:26: source.repository: the repository is "` + r + `", ` + wanted}}})
	}
	refuse(t, []refusal{
		{"any owner", source(`repository: "*/n"`), []string{`p.yaml:5:26: source.repository: the repository is "https://github.com/*/n", of any owner; wanted an owner without wildcard`}},
		{"three stars", source(`repository: "o/***"`), []string{`p.yaml:5:26: source.repository: the pattern "https://github.com/o/***": three stars have no meaning; wanted * (no slash) or ** (anything)`}},
	})
}

func TestRefuseProvenance(t *testing.T) {
	const level = "builder: {level: 1}, "
	refuse(t, []refusal{
		{"no builder", provenance("trust: public-good"), []string{`p.yaml:5:17: provenance has no "builder"; wanted {id, level}`}},
		{"an empty builder", provenance("builder: {}"), []string{"p.yaml:5:27: provenance.builder is an empty mapping; wanted a mapping with id, level"}},
		{"a builder of level 0", provenance("builder: {level: 0}"), []string{"p.yaml:5:27: provenance.builder demands nothing; wanted an id, a level of at least 1, or both"}},
		{"no ids", provenance("builder: {id: [], level: 1}"), []string{"p.yaml:5:32: provenance.builder.id is an empty list; leave the key out or name at least one"}},
		{"an empty id", provenance(`builder: {id: [""], level: 1}`), []string{"p.yaml:5:33: provenance.builder.id is empty"}},
		{"an id of no version", provenance(`builder: {id: "https://a/b@"}`), []string{`p.yaml:5:32: provenance.builder.id is "https://a/b@"; wanted an https URL, with @version or without`}},
		{"an id that is a pattern", provenance(`builder: {id: "https://a/*"}`), []string{`p.yaml:5:32: provenance.builder.id is "https://a/*"; wanted an https URL, with @version or without`}},
		{"an id that is a name", provenance(`builder: {id: github}`), []string{`p.yaml:5:32: provenance.builder.id is "github"; wanted an https URL, with @version or without`}},
		{"no source", rule("match: ghcr.io/o/n, provenance: {builder: {level: 1}}"), []string{
			"p.yaml:5:38: provenance has no source; wanted source: {repository: owner/name} here or beside it",
		}},
		{"no signer", provenance(level + "signer: []"), []string{"p.yaml:5:47: provenance.signer is an empty list; leave the key out or name at least one"}},
		{"an empty signer", provenance(level + "signer: {}"), []string{
			"p.yaml:5:47: provenance.signer is an empty mapping; wanted a mapping with identity, identity_regexp, issuer, key, ref, repository, runner, signed, trigger, visibility, workflow",
		}},
		{"a signer without issuer", provenance(level + "signer: {runner: github-hosted}"), []string{`p.yaml:5:47: provenance.signer has no "issuer"; wanted the OIDC issuer, such as ` + github}},
		{"a key", provenance(level + "signer: {" + key + "}"), []string{"p.yaml:5:47: provenance.signer names a key; a key alone says nothing of a builder"}},
		{"identity and ref", provenance(level + "signer: {issuer: " + github + ", identity: i, ref: refs/tags/v1}"), []string{
			"p.yaml:5:47: provenance.signer has an identity, which is the whole name, and a part of it; wanted identity alone, or workflow with repository and ref",
		}},
		{"a workflow at no ref", provenance(level+"source: {repository: o/n}, signer: {issuer: "+github+", workflow: w}") + "    signature: {signer: {issuer: a, identity: b}}\n", []string{
			"p.yaml:5:74: provenance.signer has a workflow at no ref; wanted signer.ref, or source: {ref} in every source",
		}},
		{"no inputs", provenance(level + "inputs: {}"), []string{"p.yaml:5:47: provenance.inputs is an empty mapping; wanted a mapping"}},
		{"an empty input", provenance(level + `inputs: {a: ""}`), []string{"p.yaml:5:51: provenance.inputs.a is empty"}},
		{"a null input", provenance(level + `inputs: {a: }`), []string{`p.yaml:5:48: "a" in provenance.inputs has no value`}},
		{"an input without a name", provenance(level + `inputs: {"": a}`), []string{"p.yaml:5:48: found a key that is not plain text in provenance.inputs"}},
		{"an input twice", provenance(level + `inputs: {a: b, a: c}`), []string{`p.yaml:5:54: found "a" twice in provenance.inputs`}},
		{"an input that is a boolean", provenance(level + `inputs: {a: true}`), []string{"p.yaml:5:51: provenance.inputs.a is bool true; wanted text: write it in quotes"}},
		{"inputs as a list", provenance(level + `inputs: [a]`), []string{"p.yaml:5:47: provenance.inputs is a list; wanted a mapping"}},
	})
}

// What vouches for BuildKit's documents is the signature, whose root is then that of sbom.
func TestRefuseBuildKitUnderAnotherRoot(t *testing.T) {
	with := func(signature, bom string) string {
		return head + "trust: {corp: {file: c.json, sha256: \"" + strings.Repeat("00", 32) + "\"}}\nimages:\n  - match: ghcr.io/o/n\n    signature: {signer: {issuer: a, identity: b}" + signature +
			"}\n    sbom: {signer: {issuer: a, identity: b}" + bom + "}\n"
	}
	says := func(signature, bom string) []string {
		return []string{`p.yaml:8:11: sbom takes what BuildKit kept on the word of the signature, whose trust is "` + signature + `", and its own trust is "` + bom + `"; wanted the same for both, or no buildkit`}
	}
	refuse(t, []refusal{
		{"the sbom's", with("", ", buildkit: true, trust: corp"), says("public-good", "corp")},
		{"the signature's", with(", trust: corp", ", buildkit: true"), says("corp", "public-good")},
	})
	for _, text := range []string{with("", ", trust: corp"), with(", trust: corp", ", trust: corp, buildkit: true"), with(", trust: corp", ", buildkit: false")} {
		parse(t, text)
	}
}

// All that is wrong with a file is reported at once, in the order of the file.
func TestRefuseAllTogether(t *testing.T) {
	refuse(t, []refusal{{"many", `apiVersion: assay/v9
images:
  - match: ghcr.io/o/n
    signature: {signer: {issuer: a}, sbom: {}}
    provenance: {builder: {level: 9}, source: {repository: n}}
trust: {Corp: builtin}
mode: audit
`, []string{
		`p.yaml:1:1: the policy has no "kind"`,
		`p.yaml:1:1: the policy has no "metadata"`,
		`p.yaml:1:13: apiVersion is "assay/v9"; wanted one of assay/v1`,
		"p.yaml:4:25: signature.signer has no workflow and no identity; wanted one of them",
		`p.yaml:4:25: signature.signer.issuer is "a", whose identities assay does not know the grammar of; wanted an exact identity instead of workflow or pattern`,
		`p.yaml:4:38: found unknown key "sbom" in signature; wanted one of max_age, on, select, signer, source, trust`,
		`p.yaml:5:35: provenance.builder.level is "9"; wanted a whole number from 0 to 3`,
		`p.yaml:5:60: provenance.source.repository: the repository is "n"; wanted owner/name on github.com, or https://host/path`,
		"p.yaml:6:15: the name of a trusted root is \"Corp\"; wanted lower-case letters, digits, '.', '_' and '-'",
		"p.yaml:7:7: mode is audit without an end; wanted {audit: {until: DATE}} with the day from which it is enforced, such as {audit: {until: 2026-12-31}}",
	}}})
}
