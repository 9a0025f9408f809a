package policy_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

// refusal is a policy and all that is wrong with it.
type refusal struct {
	name, text string
	want       []string
}

func refuse(t *testing.T, cases []refusal) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := policy.Parse("p.yaml", []byte(c.text))
			if p != nil {
				t.Errorf("a refused policy is %v; wanted nil", p)
			}
			equal(t, "the error", strings.Join(lines(err), "\n"), strings.Join(c.want, "\n"))
		})
	}
}

const (
	topKeys  = "apiVersion, builders, deny, expires, grace, identities, images, include, kind, metadata, mode, requires, trust"
	ruleKeys = "attestations, consistency, evidence, freshness, grace, match, mirrors, mode, places, platforms, provenance, release, sbom, signature, source, tags"

	github = "https://token.actions.githubusercontent.com"
	tail   = "images: [{match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}}}]\n"
	key    = `key: {file: k, sha256: "` + sha + `"}`
)

// rule puts the fields of one rule on line 5, from column 5.
func rule(fields string) string { return head + "images:\n  - {" + fields + "}\n" }

// signer puts the fields of one signer on line 7, from column 16.
func signer(fields string) string {
	return head + "images:\n  - match: ghcr.io/o/n\n    signature:\n      signer: {" + fields + "}\n"
}

// sourced is signer with a source that says which ref.
func sourced(fields string) string {
	return signer(fields) + "    source: {repository: o/n, ref: refs/tags/v1}\n"
}

// source puts the fields of one source on line 5, from column 13.
func source(fields string) string {
	return head + "images:\n" + "  - source: {" + fields + "}\n    match: ghcr.io/o/n\n    provenance: {builder: {level: 1}}\n"
}

// provenance puts the fields of one demand on line 5, from column 17.
func provenance(fields string) string {
	return head + "images:\n" + "  - provenance: {" + fields + "}\n    match: ghcr.io/o/n\n    source: {repository: o/n, ref: refs/tags/v1}\n"
}

func TestRefuseYAML(t *testing.T) {
	refuse(t, []refusal{
		{"nothing", "", []string{"p.yaml: the file is empty; wanted a policy (apiVersion: assay/v1)"}},
		{"a comment", "# nothing\n", []string{"p.yaml: the file is empty; wanted a policy (apiVersion: assay/v1)"}},
		{"null", "~\n", []string{`p.yaml:1:1: the policy is "~"; wanted a mapping with ` + topKeys}},
		{"a list", "- a\n", []string{"p.yaml:1:1: the policy is a list; wanted a mapping with " + topKeys}},
		{"empty mapping", "{}\n", []string{"p.yaml:1:1: the policy is an empty mapping; wanted a mapping with " + topKeys}},
		{"a second document", head + tail + "---\na: b\n", []string{"p.yaml:5:1: found a second document; a policy is one"}},
		{"an empty second document", head + tail + "---\n", []string{"p.yaml:5:1: found a second document; a policy is one"}},
		{"a broken second document", head + tail + "---\n[\n", []string{"p.yaml:6: did not find expected node content"}},
		{"a byte order mark", "\ufeff" + head + tail, []string{"p.yaml:1:1: the file begins with a byte order mark; wanted UTF-8 without one"}},
		{"UTF-16", "\xff\xfea\x00:\x00 \x00b\x00", []string{"p.yaml:1:1: the file begins with a byte order mark; wanted UTF-8 without one"}},
		{"not UTF-8", head + "mode: \u00e9\xff\n", []string{"p.yaml:4:8: found the byte 0xff, which is not UTF-8"}},
		{"a tab", head + "images:\n\t- a\n", []string{"p.yaml:5: found character that cannot start any token"}},
		{"a control character", head + "mode: a\x01\n", []string{"p.yaml: control characters are not allowed"}},
		{"an anchor", head + "mode: &a enforce\n" + tail, []string{"p.yaml:4:7: found a YAML anchor or alias; write the value out"}},
		{"an alias", "apiVersion: &a assay/v1\nkind: ReleasePolicy\nmetadata: {name: *a}\n" + tail, []string{
			"p.yaml:1:13: found a YAML anchor or alias; write the value out",
			"p.yaml:3:18: found a YAML anchor or alias; write the value out",
		}},
		{"an anchor on a key", head + "&a mode: enforce\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
		{"an anchor on a mapping", head + "trust: &a {public-good: builtin}\n" + tail, []string{"p.yaml:4:8: found a YAML anchor or alias; write the value out"}},
		{"an anchor on a list", head + "images: &a [{match: ghcr.io/o/n}]\n", []string{"p.yaml:4:9: found a YAML anchor or alias; write the value out"}},
		{"a merge key", head + "<<: {mode: enforce}\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
		{"a merge of an alias", "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: &m {name: a}\n<<: *m\n" + tail, []string{
			"p.yaml:3:11: found a YAML anchor or alias; write the value out",
			"p.yaml:4:1: found a key that is not plain text in the policy",
		}},
		{"a tag", head + "mode: !!str enforce\n" + tail, []string{"p.yaml:4:7: found the YAML tag !!str; wanted a plain value"}},
		{"a private tag", head + "mode: !x enforce\n" + tail, []string{"p.yaml:4:7: found the YAML tag !x; wanted a plain value"}},
		{"a tag on a mapping", head + "trust: !!map {public-good: builtin}\n" + tail, []string{"p.yaml:4:8: found the YAML tag !!map; wanted a plain value"}},
		{"a tag on a key", head + "!!str mode: enforce\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
		{"a mapping as key", head + "{a: b}: enforce\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
		{"a number as key", head + "1: enforce\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
		{"null as key", head + "~: enforce\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
		{"a hidden character in a key", head + "\"mo\\u200Bde\": enforce\n" + tail, []string{"p.yaml:4:1: found a key that is not plain text in the policy"}},
	})
}

func TestRefuseTop(t *testing.T) {
	refuse(t, []refusal{
		{"nothing but a mode", "mode: enforce\n", []string{
			`p.yaml:1:1: the policy has no "apiVersion"`, `p.yaml:1:1: the policy has no "kind"`,
			`p.yaml:1:1: the policy has no "metadata"`, `p.yaml:1:1: the policy has no "images"`,
		}},
		{"versions", "apiVersion: assay/v2\nkind: Policy\nmetadata: {name: a}\n" + tail, []string{
			`p.yaml:1:13: apiVersion is "assay/v2"; wanted one of assay/v1`, `p.yaml:2:7: kind is "Policy"; wanted one of ReleasePolicy`,
		}},
		{"unknown key", head + "image: []\n" + tail, []string{
			`p.yaml:4:1: found unknown key "image" in the policy; wanted one of ` + topKeys,
		}},
		{"a key in another case", head + "Mode: enforce\n" + tail, []string{
			`p.yaml:4:1: found unknown key "Mode" in the policy; wanted one of ` + topKeys,
		}},
		{"twice", head + "mode: enforce\nmode: enforce\n" + tail, []string{`p.yaml:5:1: found "mode" twice in the policy`}},
		{"twice, first without a value", head + "mode:\nmode: enforce\n" + tail, []string{
			`p.yaml:4:1: "mode" in the policy has no value`, `p.yaml:5:1: found "mode" twice in the policy`,
		}},
		{"twice, quoted", head + "mode: enforce\n\"mode\": enforce\n" + tail, []string{`p.yaml:5:1: found "mode" twice in the policy`}},
		{"null", head + "images:\n", []string{`p.yaml:4:1: "images" in the policy has no value`}},
		{"tilde", head + "images: ~\n", []string{`p.yaml:4:1: "images" in the policy has no value`}},
		{"empty text", head + "mode: \"\"\n" + tail, []string{"p.yaml:4:7: mode is empty"}},
		{"a space", head + "mode: \" \"\n" + tail, []string{"p.yaml:4:7: mode is empty"}},
		{"a space at the end", head + "mode: \"enforce \"\n" + tail, []string{"p.yaml:4:7: mode begins or ends with a space"}},
		{"a newline at the end", head + "mode: |\n  enforce\n" + tail, []string{"p.yaml:4:7: mode has the character U+000A, which cannot be seen"}},
		{"a character that turns text around", head + "mode: \"a\\u202Eb\"\n" + tail, []string{"p.yaml:4:7: mode has the character U+202E, which cannot be seen"}},
		{"a number", "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: 1.10}\n" + tail, []string{"p.yaml:3:18: metadata.name is float 1.10; wanted text: write it in quotes"}},
		{"a boolean", "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: true}\n" + tail, []string{"p.yaml:3:18: metadata.name is bool true; wanted text: write it in quotes"}},
		{"a list for text", "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: [a]}\n" + tail, []string{"p.yaml:3:18: metadata.name is a list; wanted text"}},
		{"no metadata", "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {}\n" + tail, []string{"p.yaml:3:11: metadata is an empty mapping; wanted a mapping with name"}},
		{"no rules", head + "images: []\n", []string{"p.yaml:4:9: images is an empty list; leave the key out or name at least one"}},
		{"rules that are no list", head + "images: {match: a}\n", []string{"p.yaml:4:9: images is a mapping; wanted a list"}},
		{"a rule of null", head + "images: [~]\n", []string{`p.yaml:4:10: images is "~"; wanted a mapping with ` + ruleKeys}},
	})
}

func TestRefuseTrust(t *testing.T) {
	const corp = "file: c.json, sha256: \"" + sha + "\""
	trust := func(text string) string { return head + "trust: " + text + "\n" + tail }
	refuse(t, []refusal{
		{"empty", trust("{}"), []string{"p.yaml:4:8: trust is an empty mapping; wanted a mapping"}},
		{"text", trust("builtin"), []string{`p.yaml:4:8: trust is "builtin"; wanted a mapping`}},
		{"a name", trust("{Corp: {" + corp + "}}"), []string{`p.yaml:4:15: the name of a trusted root is "Corp"; wanted lower-case letters, digits, '.', '_' and '-'`}},
		{"twice", trust("{a: {" + corp + "}, a: {" + corp + "}}"), []string{`p.yaml:4:104: found "a" twice in trust`}},
		{"null", trust("{a: }"), []string{`p.yaml:4:9: "a" in trust has no value`}},
		{"another word", trust("{public-good: built-in}"), []string{`p.yaml:4:22: trust.public-good is "built-in"; wanted one of builtin`}},
		{"builtin under another name", trust("{corp: builtin}"), []string{"p.yaml:4:15: trust.corp is builtin; the program carries public-good alone"}},
		{"builtin mapping under another name", trust("{corp: {builtin: public-good}}"), []string{"p.yaml:4:15: trust.corp is builtin; the program carries public-good alone"}},
		{"neither", trust("{corp: {thresholds: {scts: 1}}}"), []string{"p.yaml:4:15: trust.corp lacks a file or its sha256; wanted {file, sha256}, or builtin"}},
		{"no digest", trust("{corp: {file: a}}"), []string{"p.yaml:4:15: trust.corp lacks a file or its sha256; wanted {file, sha256}, or builtin"}},
		{"both", trust("{public-good: {builtin: public-good, " + corp + "}}"), []string{"p.yaml:4:22: trust.public-good has both builtin and a file; wanted one of them"}},
		{"digest in capitals", trust("{corp: {file: a, sha256: " + strings.Repeat("A", 64) + "}}"), []string{
			`p.yaml:4:33: trust.corp.sha256 is "` + strings.Repeat("A", 64) + `"; wanted 64 lower-case hexadecimal digits`,
		}},
		{"digest with a prefix", trust("{corp: {file: a, sha256: \"sha256:" + sha + "\"}}"), []string{
			`p.yaml:4:33: trust.corp.sha256 is "sha256:` + sha + `"; wanted 64 lower-case hexadecimal digits`,
		}},
		{"short digest", trust("{corp: {file: a, sha256: abc}}"), []string{`p.yaml:4:33: trust.corp.sha256 is "abc"; wanted 64 lower-case hexadecimal digits`}},
		{"public-good without witnesses", trust("{public-good: {builtin: public-good, thresholds: {log_entries: 0, scts: 0, timestamps: 0}}}"), []string{
			`p.yaml:4:71: trust.public-good.thresholds.log_entries is "0"; wanted a whole number from 1 to 8`,
			`p.yaml:4:80: trust.public-good.thresholds.scts is "0"; wanted a whole number from 1 to 8`,
			`p.yaml:4:95: trust.public-good.thresholds.timestamps is "0"; wanted a whole number from 1 to 8`,
		}},
		{"another public-good without witnesses", trust("{public-good: {" + corp + ", thresholds: {log_entries: 0}}}"), []string{
			`p.yaml:4:139: trust.public-good.thresholds.log_entries is "0"; wanted a whole number from 1 to 8`,
		}},
		{"no time at all", trust("{corp: {" + corp + ", thresholds: {timestamps: 0}}}"), []string{
			`p.yaml:4:131: trust.corp.thresholds.timestamps is "0"; wanted a whole number from 1 to 8`,
		}},
		{"not numbers", trust("{corp: {" + corp + ", thresholds: {log_entries: \"1\", scts: 1.5, timestamps: 9}}}"), []string{
			`p.yaml:4:132: trust.corp.thresholds.log_entries is "1"; wanted a whole number from 0 to 8`,
			`p.yaml:4:143: trust.corp.thresholds.scts is "1.5"; wanted a whole number from 0 to 8`,
			`p.yaml:4:160: trust.corp.thresholds.timestamps is "9"; wanted a whole number from 1 to 8`,
		}},
		{"empty thresholds", trust("{corp: {" + corp + ", thresholds: {}}}"), []string{
			"p.yaml:4:118: trust.corp.thresholds is an empty mapping; wanted a mapping with log_entries, scts, timestamps",
		}},
		{"a root that is not there", head + "images: [{match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}, trust: corp}}]\n", []string{
			`p.yaml:4:99: provenance.trust is "corp"; wanted one of the roots under trust: public-good`,
		}},
	})
}

func TestRefuseBuilders(t *testing.T) {
	builders := func(text string) string { return head + "builders: " + text + "\n" + tail }
	const shape = "; wanted the https URL of a workflow file without @ref"
	refuse(t, []refusal{
		{"no list", builders("{id: https://a/b, level: 1}"), []string{"p.yaml:4:11: builders is a mapping; wanted a list"}},
		{"empty list", builders("[]"), []string{"p.yaml:4:11: builders is an empty list; leave the key out or name at least one"}},
		{"no level", builders("[{id: https://a/b}]"), []string{"p.yaml:4:12: a builder lacks its id or its level"}},
		{"no id", builders("[{level: 3}]"), []string{"p.yaml:4:12: a builder lacks its id or its level"}},
		{"an empty id", builders("[{id: \"\", level: 3}]"), []string{"p.yaml:4:17: builders.id is empty"}},
		{"a ref", builders("[{id: https://a/b@refs/heads/main, level: 1}]"), []string{`p.yaml:4:17: builders.id is "https://a/b@refs/heads/main"` + shape}},
		{"a star", builders("[{id: https://a/*, level: 1}]"), []string{`p.yaml:4:17: builders.id is "https://a/*"` + shape}},
		{"http", builders("[{id: http://a/b, level: 1}]"), []string{`p.yaml:4:17: builders.id is "http://a/b"` + shape}},
		{"a level", builders("[{id: https://a/b, level: 4}]"), []string{`p.yaml:4:37: builders.level is "4"; wanted a whole number from 0 to 3`}},
		{"twice", builders("[{id: https://a/b, level: 0}, {id: https://a/b, level: 3}]"), []string{`p.yaml:4:46: builders has "https://a/b" twice`}},
		{"one of the table", builders("[{id: https://github.com/actions/runner/github-hosted, level: 3}]"), []string{
			`p.yaml:4:17: builders.id is "https://github.com/actions/runner/github-hosted", whose level assay knows itself; wanted another builder, or provenance.builder to say which are accepted`,
		}},
	})
}

func TestRefuseRule(t *testing.T) {
	const rest = ", source: {repository: o/n}, provenance: {builder: {level: 1}}"
	refuse(t, []refusal{
		{"no match", rule("source: {repository: o/n}, provenance: {builder: {level: 1}}"), []string{
			`p.yaml:5:5: the rule has no "match"; wanted a pattern over image names, such as ghcr.io/owner/name`,
		}},
		{"nothing demanded", rule("match: ghcr.io/o/n"), []string{"p.yaml:5:5: the rule demands no evidence; wanted at least one of signature, provenance, sbom, attestations and release"}},
		{"null evidence", rule("match: ghcr.io/o/n, signature: "), []string{`p.yaml:5:26: "signature" in images has no value`}},
		{"evidence without content", rule("match: ghcr.io/o/n, signature: {}, provenance: {}"), []string{
			"p.yaml:5:37: signature is an empty mapping; wanted a mapping with max_age, on, select, signer, source, trust",
			"p.yaml:5:53: provenance is an empty mapping; wanted a mapping with builder, inputs, max_age, on, select, signer, source, trust",
		}},
		{"evidence that is true", rule("match: ghcr.io/o/n, signature: true"), []string{`p.yaml:5:37: signature is "true"; wanted a mapping with max_age, on, select, signer, source, trust`}},
		{"a match with a tag", rule("match: \"ghcr.io/o/n:v1\"" + rest), []string{`p.yaml:5:13: match is "ghcr.io/o/n:v1"; wanted an image's name without tag and digest`}},
		{"a match with a digest", rule("match: ghcr.io/o/n@sha256:00" + rest), []string{`p.yaml:5:13: match is "ghcr.io/o/n@sha256:00"; wanted an image's name without tag and digest`}},
		{"a short name", rule("match: alpine" + rest), []string{`p.yaml:5:13: match is "alpine"; wanted the whole name of an image, such as ghcr.io/owner/name or docker.io/library/alpine`}},
		{"a name without a registry", rule("match: o/n" + rest), []string{`p.yaml:5:13: match is "o/n"; wanted the whole name of an image, such as ghcr.io/owner/name or docker.io/library/o/n`}},
		{"an official image", rule("match: docker.io/alpine" + rest), []string{`p.yaml:5:13: match is "docker.io/alpine"; wanted docker.io/owner/name, or docker.io/library/name for an official image`}},
		{"Docker's index", rule("match: index.docker.io/o/n" + rest), []string{`p.yaml:5:13: match is "index.docker.io/o/n"; wanted docker.io/owner/name, or docker.io/library/name for an official image`}},
		{"capitals", rule("match: ghcr.io/O/n" + rest), []string{`p.yaml:5:13: match is "ghcr.io/O/n"; wanted a name in lower case`}},
		{"a variable", rule("match: \"ghcr.io/o/{version}\"" + rest), []string{`p.yaml:5:13: match: the pattern "ghcr.io/o/{version}": found {version}; no variable is allowed here`}},
		{"a rule that nothing reaches", head + "images:\n  - {match: ghcr.io/**" + rest + "}\n  - {match: ghcr.io/o/n" + rest + "}\n", []string{
			"p.yaml:6:5: no image reaches the rule for ghcr.io/o/n: the rule for ghcr.io/** comes before it and matches them all",
		}},
		{"a pattern that nothing reaches", head + "images:\n  - {match: ghcr.io/o/**" + rest + "}\n  - {match: ghcr.io/o/*" + rest + "}\n", []string{
			"p.yaml:6:5: no image reaches the rule for ghcr.io/o/*: the rule for ghcr.io/o/** comes before it and matches them all",
		}},
		{"the same rule twice", head + "images:\n  - {match: ghcr.io/o/n" + rest + "}\n  - {match: ghcr.io/o/n" + rest + "}\n", []string{
			"p.yaml:6:5: no image reaches the rule for ghcr.io/o/n: the rule for ghcr.io/o/n comes before it and matches them all",
		}},
		{"no tags", rule("match: ghcr.io/o/n, tags: {}" + rest), []string{"p.yaml:5:32: tags is an empty mapping; wanted a mapping with moving, version, version_regexp"}},
		{"no moving tags", rule("match: ghcr.io/o/n, tags: {moving: []}" + rest), []string{"p.yaml:5:41: tags.moving is an empty list; leave the key out or name at least one"}},
		{"a tag that is a number", rule("match: ghcr.io/o/n, tags: {moving: 1.10}" + rest), []string{"p.yaml:5:41: tags.moving is float 1.10; wanted text: write it in quotes"}},
		{"a version without {version}", rule("match: ghcr.io/o/n, tags: {version: \"v*\"}" + rest), []string{`p.yaml:5:42: tags.version is "v*"; wanted a pattern with one {version}`}},
		{"two versions", rule("match: ghcr.io/o/n, tags: {version: \"{version}-{version}\"}" + rest), []string{
			`p.yaml:5:42: tags.version is "{version}-{version}"; wanted a pattern with one {version}`,
		}},
		{"a variable of another place", rule("match: ghcr.io/o/n, tags: {version: \"{major}\", moving: \"{version}\"}" + rest), []string{
			`p.yaml:5:42: tags.version: the pattern "{major}": found {major}; wanted one of {version}`,
			`p.yaml:5:61: tags.moving: the pattern "{version}": found {version}; wanted one of {major}, {minor}, {patch}`,
		}},
		{"a grammar that is none", rule("match: ghcr.io/o/n, tags: {version_regexp: \"[\"}" + rest), []string{
			"p.yaml:5:49: tags.version_regexp: the regular expression \"[\": error parsing regexp: missing closing ]: `[`",
		}},
		{"a grammar that breaks out", rule("match: ghcr.io/o/n, tags: {version_regexp: \"a)|(b\"}" + rest), []string{
			"p.yaml:5:49: tags.version_regexp: the regular expression \"a)|(b\": error parsing regexp: unexpected ): `a)|(b`",
		}},
		{"a grammar of nothing", rule("match: ghcr.io/o/n, tags: {version_regexp: \"[0-9]*\"}" + rest), []string{
			`p.yaml:5:49: tags.version_regexp is "[0-9]*", which matches empty text; no version is empty`,
		}},
		{"a source for nobody", rule("match: ghcr.io/o/n, source: {repository: o/n}, signature: {signer: {" + key + "}}"), []string{
			"p.yaml:5:34: the rule's source is judged by nothing, since each demand has its own source, is met by a key or is for a release; leave it out",
		}},
		{"a source that all override", rule("match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}, source: {repository: o/x}}"), []string{
			"p.yaml:5:34: the rule's source is judged by nothing, since each demand has its own source, is met by a key or is for a release; leave it out",
		}},
	})
}

// A pattern that no name fits is passed over in silence: by a rule, and by what denies.
func TestRefuseMatch(t *testing.T) {
	const (
		none   = ", and no image has such a name; wanted elements of the letters a-z and digits with '.', '_' or '-' between them, and no slash at the end"
		docker = "; wanted docker.io/owner/name, or docker.io/library/name for an official image"
		named  = "; wanted the registry as ghcr.io, the one name that policies know it by"
	)
	for match, problem := range map[string]string{
		"ghcr.io/acme/widget/": none, "ghcr.io//acme/widget": none, "ghcr.io/": none, "ghcr.io/a/../b": none, "ghcr.io/./b": none,
		"ghcr.io/**/": none, "**/": none, "**//a": none, "ghcr.io/\u0430cme/*": none, "ghcr.\u0456o/**": none, "**/widg\u0435t": none, "ghcr.io/a_/b": none,
		"ghcr.io/a..b": none, "ghcr.io/-a*": none, "ghcr.io/a+b": none, "ghcr.io/*/___a": none, "ghcr.io:0443/**": none, "ghcr.io:port/**": none,
		"-ghcr.io/**": none, "ghcr.io/" + strings.Repeat("a", 256): none, "*.io:123456/a": none,
		"GHCR.io/**": named, "ghcr.io:443/**": named, "ghcr.io./**": named, "GHCR.IO:443/a": named,
		"https://ghcr.io/a/**": "; wanted an image's name without https://", "docker://ghcr.io/a": "; wanted an image's name without docker://",
		"registry-1.docker.io/o/n": docker, "registry.hub.docker.com/**": docker, "hub.docker.com/o/n": docker, "index.docker.io:443/o/n": docker,
		"docker.io/*": docker, "docker.io:443/**": docker, "Docker.io/o/n": docker,
		"**/Widget": "; wanted a name in lower case", "*/O/n": "; wanted a name in lower case",
		"ghcr.io": "; wanted the whole name of an image, such as ghcr.io/owner/name or docker.io/library/ghcr.io",
	} {
		refuse(t, []refusal{
			{match, rule("match: \"" + match + "\"" + demanding), []string{`p.yaml:5:13: match is "` + match + `"` + problem}},
			{"denied " + match, head + "deny: {versions: [{match: \"" + match + "\", version: 1.2.3}]}\n" + tail, []string{`p.yaml:4:27: match is "` + match + `"` + problem}},
		})
	}
	for _, match := range []string{
		"**", "**/widget", "**widget", "*/o/n", "*.io/**", "**.io/o/n", "**:5000/*", "localhost/**", "localhost:*/a", "127.0.0.1:*/**", "127.0.0.1:5000/a", "[::1]:5000/a", "[*]:*/a",
		"ghcr.io/o/**", "ghcr.io/**/n", "ghcr.io/o/n*", "ghcr.io/o*.n/a--b/a__b/a_*", "a.io:50000*/a", "docker.io/*/*", "docker.io/**", "docker.io/library/alpine",
	} {
		equal(t, match, parse(t, rule("match: \""+match+"\""+demanding)).Rules[0].Match.String(), match)
	}
}

// Who names a mirror otherwise than references are read names none.
func TestRefuseMirrorNames(t *testing.T) {
	for _, name := range []string{"ghcr.io:443", "GHCR.io", "registry-1.docker.io", "ghcr.io/a/../b", "ghcr.io/\u0430", "ghcr.io/a/"} {
		refuse(t, []refusal{
			{name, rule("mirrors: [{of: a.corp, prefix: \"" + name + "\"}], match: ghcr.io/o/n" + demanding), []string{
				`p.yaml:5:37: mirrors.prefix is "` + name + `"; wanted a registry, or a registry and a path, such as registry.corp/ghcr`,
			}},
			{"evidence " + name, rule("evidence: [\"" + name + "\"], match: ghcr.io/o/n" + demanding), []string{
				`p.yaml:5:17: evidence is "` + name + `"; wanted same, origin, or the name of a repository such as ghcr.io/owner/name`,
			}},
		})
	}
}

// A fault inside a demand is the fault; that the source serves nobody follows from it.
func TestRefuseDemandAlone(t *testing.T) {
	const begin = "match: ghcr.io/o/n, source: {repository: o/n, ref: refs/tags/v1}, "
	refuse(t, []refusal{
		{"signature", rule(begin + "signature: {signer: a}"), []string{"p.yaml:5:92: signature.signer is \"a\"; wanted a mapping, or a name under identities.signers, where none is"}},
		{"sbom", rule(begin + "sbom: {format: cyclonedx}"), []string{"p.yaml:5:78: sbom has no \"signer\"; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}"}},
		{"attestations", rule(begin + "attestations: {A: {}}"), []string{"p.yaml:5:90: the name of an attestation is \"A\"; wanted lower-case letters, digits and '-', at most 63"}},
		{"a named signer", head + "identities: {signers: {a: []}}\nimages:\n  - {" + begin + "signature: {signer: a}}\n", []string{
			"p.yaml:4:27: identities.signers.a is a list; wanted a mapping with identity, identity_regexp, issuer, key, ref, repository, runner, signed, trigger, visibility, workflow",
		}},
	})
}
