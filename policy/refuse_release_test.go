package policy_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

const (
	pinned = "root: {file: r, sha256: " + sha + "}"
	urls   = "metadata_url: https://a/m, targets_url: https://a/t, "
)

// authority puts the keys of one demand for a release on line 6, from column 15.
func authority(keys string) string {
	return head + "images:\n  - match: ghcr.io/o/n\n    release: {" + keys + "}\n"
}

// more is authority with all that is needed on line 7, and the keys on line 6.
func more(keys string) string {
	return head + "images:\n  - match: ghcr.io/o/n\n    release: {" + keys + ",\n      tuf: {" + urls + pinned + "}, target: 'v{version}'}\n"
}

// repository puts the keys of one repository on line 6, from column 21.
func repository(keys string) string {
	return head + "images:\n  - match: ghcr.io/o/n\n    release: {tuf: {" + keys + "},\n      target: 'v{version}'}\n"
}

func TestRefuseRelease(t *testing.T) {
	const target = "the path of a release's manifest with one {version}, such as app/v{version}.json"
	const nothing = "signature and provenance lie, and the rule demands neither; leave it out"
	refuse(t, []refusal{
		{"empty", authority(""), []string{"p.yaml:6:14: release is an empty mapping; wanted a mapping with fields, moving, offline, signers, target, trust, tuf"}},
		{"no value", rule("match: ghcr.io/o/n, release: "), []string{`p.yaml:5:26: "release" in images has no value`}},
		{"true", rule("match: ghcr.io/o/n, release: true"), []string{`p.yaml:5:35: release is "true"; wanted a mapping with fields, moving, offline, signers, target, trust, tuf`}},
		{"neither", authority("trust: public-good"), []string{
			`p.yaml:6:14: release has no "tuf"; wanted the project's TUF repository: {metadata_url, targets_url, root}`,
			`p.yaml:6:14: release has no "target"; wanted ` + target,
		}},
		{"an unknown key", more("people: 1"), []string{`p.yaml:6:15: found unknown key "people" in release; wanted one of fields, moving, offline, signers, target, trust, tuf`}},
		{"no such root", more("trust: corp"), []string{`p.yaml:6:22: release.trust is "corp"; wanted one of the roots under trust: public-good`}},
		{"a source for nobody", minimal + "    source: {repository: o/n}\n", []string{
			"p.yaml:9:13: the rule's source is judged by nothing, since each demand has its own source, is met by a key or is for a release; leave it out",
		}},
		{"places of nothing", minimal + "    places: [registry]\n", []string{"p.yaml:9:13: places says where " + nothing}},
		{"evidence of nothing", minimal + "    evidence: [same]\n", []string{"p.yaml:9:15: evidence says where " + nothing}},
	})
	for path, problem := range map[string]string{
		"app/*/v{version}.json": "has a wildcard", "**{version}": "has a wildcard", "app/release.json": "has no {version}", "{version}/{version}": "has more than one {version}",
		"/v{version}": "begins with a slash", "app//v{version}": "", "app/../v{version}": "", "./v{version}": "", "v{version}/": "", `app\v{version}`: "", "app/%2e/v{version}": "",
	} {
		if problem == "" {
			problem = "has an escape, a backslash or an empty, . or .. element"
		}
		refuse(t, []refusal{{path, authority("target: '" + path + "', tuf: {" + urls + pinned + "}"), []string{
			`p.yaml:6:23: release.target is "` + strings.ReplaceAll(path, `\`, `\\`) + `", which ` + problem + `; wanted ` + target,
		}}})
	}
	refuse(t, []refusal{
		{"a number", authority("target: 1, tuf: {" + urls + pinned + "}"), []string{"p.yaml:6:23: release.target is int 1; wanted text: write it in quotes"}},
		{"another variable", authority("target: 'v{major}', tuf: {" + urls + pinned + "}"), []string{
			`p.yaml:6:23: release.target: the pattern "v{major}": found {major}; wanted one of {version}`,
		}},
	})
}

func TestRefuseRepositoryOfTUF(t *testing.T) {
	const root = "release.tuf.root "
	refuse(t, []refusal{
		{"empty", repository(""), []string{"p.yaml:6:20: release.tuf is an empty mapping; wanted a mapping with metadata_url, min, refresh, root, state, targets_url"}},
		{"nothing", repository("state: required"), []string{
			`p.yaml:6:20: release.tuf has no "metadata_url"; wanted where the metadata is, such as https://example.com/metadata`,
			`p.yaml:6:20: release.tuf has no "targets_url"; wanted where the manifests are, such as https://example.com/targets`,
			`p.yaml:6:20: release.tuf has no "root"; wanted {file, sha256} or {inline, sha256}`,
		}},
		{"words", repository(urls + pinned + ", state: yes, refresh: always"), []string{
			`p.yaml:6:172: release.tuf.state is "yes"; wanted one of optional, required`,
			`p.yaml:6:186: release.tuf.refresh is "always"; wanted one of preferred, required, never`,
		}},
		{"no minimum", repository(urls + pinned + ", min: {}"), []string{"p.yaml:6:170: release.tuf.min is an empty mapping; wanted a mapping"}},
		{"minimum", repository(urls + pinned + `, min: {root: 0, timestamp: -1, snapshot: "4", targets: 9007199254740992, a: 1.5, a: 2, b: }`), []string{
			`p.yaml:6:177: release.tuf.min.root is "0"; wanted a whole number from 1 to 9007199254740991`,
			`p.yaml:6:191: release.tuf.min.timestamp is "-1"; wanted a whole number from 1 to 9007199254740991`,
			`p.yaml:6:205: release.tuf.min.snapshot is "4"; wanted a whole number from 1 to 9007199254740991`,
			`p.yaml:6:219: release.tuf.min.targets is "9007199254740992"; wanted a whole number from 1 to 9007199254740991`,
			`p.yaml:6:240: release.tuf.min.a is "1.5"; wanted a whole number from 1 to 9007199254740991`,
			`p.yaml:6:245: found "a" twice in release.tuf.min`,
			`p.yaml:6:251: "b" in release.tuf.min has no value`,
		}},
		{"an empty root", repository(urls + "root: {}"), []string{"p.yaml:6:80: " + root + "is an empty mapping; wanted a mapping with file, inline, sha256"}},
		{"both", repository(urls + "root: {file: r, inline: '{}', sha256: " + sha + "}"), []string{"p.yaml:6:80: " + root + "has both a file and an inline root; wanted one of them"}},
		{"a digest alone", repository(urls + "root: {sha256: " + sha + "}"), []string{"p.yaml:6:80: " + root + "has no root; wanted {file, sha256} or {inline, sha256}"}},
		{"no digest", repository(urls + "root: {file: r}"), []string{"p.yaml:6:80: " + root + `has no "sha256"; wanted the SHA-256 of the root's bytes`}},
		{"no digest of an inline root", repository(urls + "root: {inline: '{}'}"), []string{"p.yaml:6:80: " + root + `has no "sha256"; wanted the SHA-256 of the root's bytes`}},
		{"a digest in capitals", repository(urls + "root: {file: r, sha256: " + strings.Repeat("A", 64) + "}"), []string{
			`p.yaml:6:98: release.tuf.root.sha256 is "` + strings.Repeat("A", 64) + `"; wanted 64 lower-case hexadecimal digits`,
		}},
	})
}

func TestRefuseInlineRoot(t *testing.T) {
	// Of "{}" and of "{}\n".
	const bare = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	const ended = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
	const at = "p.yaml:6:90: release.tuf.root.inline "
	inline := func(text, digest string) string {
		return repository(urls + "root: { inline: " + text + ", sha256: " + digest + "}")
	}
	refuse(t, []refusal{
		{"another", inline("'{}'", sha), []string{at + "has the SHA-256 " + bare + "; wanted " + sha + ", as sha256 says"}},
		{"a line break more", inline(`"{}\n"`, bare), []string{
			at + "has the SHA-256 " + ended + "; wanted " + bare + ", as sha256 says (the digest is of the text without a line break at its end: write |- for |)",
		}},
		{"a line break less", inline("'{}'", ended), []string{
			at + "has the SHA-256 " + bare + "; wanted " + ended + ", as sha256 says (the digest is of the text with a line break at its end: write |)",
		}},
		{"a mapping", inline("{signed: a}", sha), []string{at + "is a mapping; wanted the root's JSON as text: write it below |"}},
		{"a path", inline("./1.root.json", sha), []string{at + "is not a JSON object; wanted the root's text, or its path under file"}},
		{"a list", inline("'[]'", sha), []string{at + "is not a JSON object; wanted the root's text, or its path under file"}},
		{"two objects", inline("'{}{}'", sha), []string{at + "is not a JSON object; wanted the root's text, or its path under file"}},
		{"empty", inline("''", sha), []string{at + "is not a JSON object; wanted the root's text, or its path under file"}},
		{"a hidden character", inline(`"{\"a\":\"\u200B\"}"`, sha), []string{at + "has the character U+200B, which cannot be seen"}},
		{"too much", inline("'{"+strings.Repeat(" ", 512<<10)+"}'", sha), []string{at + "has 524290 bytes; wanted at most 524288"}},
		{"an anchor", inline("&a '{}'", sha), []string{"p.yaml:6:90: found a YAML anchor or alias; write the value out"}},
	})
}

func TestRefuseURL(t *testing.T) {
	const what = "p.yaml:6:35: release.tuf.metadata_url "
	const server = what + "is no https URL of a server; wanted one such as https://example.com/metadata"
	twoWays := func(u string) string {
		return what + `is "` + u + `", which can be read in two ways; wanted a path without escapes, backslashes and empty, . or .. elements`
	}
	for _, c := range [][2]string{
		{"https://user:secret@a/m", what + "has credentials; wanted https://a/m"},
		{"https://a/m?token=secret", what + "has a query; wanted https://a/m"},
		{"https://a/m?", what + "has a query; wanted https://a/m"},
		{"https://a/m#secret", what + "has a fragment; wanted https://a/m"},
		{"https://a/m#", what + "has a fragment; wanted https://a/m"},
		{"https://a/m/", what + "has a slash at the end; wanted https://a/m"},
		{"https://a/", what + "has a slash at the end; wanted https://a"},
		{"https://u@a/m/?x#y", what + "has credentials and a query and a fragment and a slash at the end; wanted https://a/m"},
		{"http://example.com/m", what + `is "http://example.com/m", and http is for this machine alone (localhost, 127.0.0.1, [::1]); wanted https://example.com/m`},
		{"http://localhost.example.com", what + `is "http://localhost.example.com", and http is for this machine alone (localhost, 127.0.0.1, [::1]); wanted https://localhost.example.com`},
		{"http://10.0.0.1/m", what + `is "http://10.0.0.1/m", and http is for this machine alone (localhost, 127.0.0.1, [::1]); wanted https://10.0.0.1/m`},
		{"http://127.1/m", what + `is "http://127.1/m", and http is for this machine alone (localhost, 127.0.0.1, [::1]); wanted https://127.1/m`},
		{"http://[::ffff:10.0.0.1]/m", what + `is "http://[::ffff:10.0.0.1]/m", and http is for this machine alone (localhost, 127.0.0.1, [::1]); wanted https://[::ffff:10.0.0.1]/m`},
		{"example.com/m", server}, {"/m", server}, {"file:///m", server}, {"ftp://a/m", server}, {"HTTPS://a/m", server}, {"https:a/m", server}, {"https:///m", server},
		{"https://a b/m", server}, {"https://a:/m", server}, {"https://a:0/m", server}, {"https://a:65536/m", server}, {"https://a:x/m", server}, {"https://*.a/m", server},
		{"https://é/m", server}, {"https://[::1/m", server}, {"https://[fe80::1%25en0]/m", server}, {"https://[1.2.3.4]/m", server}, {"https://a../m", server}, {"https://%61/m", server},
		{"https://a//m", twoWays("https://a//m")}, {"https://a/./m", twoWays("https://a/./m")}, {"https://a/../m", twoWays("https://a/../m")},
		{"https://a/%2e%2e/m", twoWays("https://a/%2e%2e/m")}, {"https://a/x%2Fm", twoWays("https://a/x%2Fm")}, {"https://a/x%00m", twoWays("https://a/x%00m")},
		{`https://a/x\m`, twoWays(`https://a/x\\m`)}, {"https://a/{version}", twoWays("https://a/{version}")}, {"https://a/**", twoWays("https://a/**")},
	} {
		refuse(t, []refusal{{c[0], repository("metadata_url: '" + c[0] + "', targets_url: https://a/t, " + pinned), []string{c[1]}}})
	}
	refuse(t, []refusal{
		{"the other URL", repository("metadata_url: https://a/m, targets_url: https://a/t/, " + pinned), []string{
			"p.yaml:6:61: release.tuf.targets_url has a slash at the end; wanted https://a/t",
		}},
		{"an empty one", repository("metadata_url: '', targets_url: https://a/t, " + pinned), []string{"p.yaml:6:35: release.tuf.metadata_url is empty"}},
	})
	_, err := policy.Parse("p.yaml", []byte(repository("metadata_url: 'https://user:secret@a/m?token=secret', targets_url: https://a/t, "+pinned)))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func TestRefuseManifest(t *testing.T) {
	const two = " for two things (digest, version and image are read from members of these names unless said otherwise); wanted a member for each"
	lag := func(s string) []string {
		return []string{`p.yaml:6:29: release.moving.lag is ` + s + `; wanted a span of time such as 90s, 30m or 1h30m, more than nothing and at most 168h`}
	}
	refuse(t, []refusal{
		{"no fields", more("fields: {}"), []string{"p.yaml:6:23: release.fields is an empty mapping; wanted a mapping with commit, digest, image, version"}},
		{"an unknown field", more("fields: {tag: t}"), []string{`p.yaml:6:24: found unknown key "tag" in release.fields; wanted one of commit, digest, image, version`}},
		{"empty fields", more(`fields: {digest: "", version: " ", image: "", commit: ""}`), []string{
			"p.yaml:6:32: release.fields.digest is empty", "p.yaml:6:45: release.fields.version is empty",
			"p.yaml:6:57: release.fields.image is empty", "p.yaml:6:69: release.fields.commit is empty",
		}},
		{"a field twice", more("fields: {digest: d, version: d}"), []string{`p.yaml:6:23: release.fields reads "d"` + two}},
		{"a default twice", more("fields: {commit: digest}"), []string{`p.yaml:6:23: release.fields reads "digest"` + two}},
		{"no moving", more("moving: {}"), []string{"p.yaml:6:23: release.moving is an empty mapping; wanted a mapping with lag, prereleases"}},
		{"no lag", more("moving: {lag: 0s}"), lag(`"0s"`)},
		{"a lag before", more("moving: {lag: -1h}"), lag(`"-1h"`)},
		{"a lag of a number", more("moving: {lag: 3600}"), lag(`"3600"`)},
		{"a lag of parts", more("moving: {lag: 1.5h}"), lag(`"1.5h"`)},
		{"a lag of milliseconds", more("moving: {lag: 100ms}"), lag(`"100ms"`)},
		{"a lag of days", more("moving: {lag: 1d}"), lag(`"1d"`)},
		{"too much lag", more("moving: {lag: 168h1s}"), lag(`"168h1s"`)},
		{"a lag beyond numbers", more("moving: {lag: 9999999h}"), lag(`"9999999h"`)},
		{"an empty lag", more("moving: {lag: ''}"), lag(`""`)},
		{"a lag of a list", more("moving: {lag: [1h]}"), lag("a list")},
		{"prereleases of text", more(`moving: {prereleases: "true"}`), []string{`p.yaml:6:37: release.moving.prereleases is "true"; wanted true or false`}},
		{"prereleases of yes", more(`moving: {prereleases: yes}`), []string{`p.yaml:6:37: release.moving.prereleases is "yes"; wanted true or false`}},
		{"prereleases of a number", more(`moving: {prereleases: 1}`), []string{`p.yaml:6:37: release.moving.prereleases is "1"; wanted true or false`}},
		{"prereleases of a tag", more(`moving: {prereleases: !!bool true}`), []string{`p.yaml:6:37: found the YAML tag !!bool; wanted a plain value`}},
		{"no offline", more("offline: {}"), []string{"p.yaml:6:24: release.offline is an empty mapping; wanted a mapping with max_age"}},
		{"too old", more("offline: {max_age: 721h}"), []string{
			`p.yaml:6:34: release.offline.max_age is "721h"; wanted a span of time such as 90s, 30m or 1h30m, more than nothing and at most 720h`,
		}},
		{"an anchored age", more("offline: {max_age: &a 72h}"), []string{"p.yaml:6:34: found a YAML anchor or alias; write the value out"}},
	})
}

func TestRefusePeople(t *testing.T) {
	const at = "p.yaml:6:24: release.signers "
	const alice = "{issuer: https://a, identity: alice@a}"
	signers := func(keys string) string { return more("signers: {" + keys + "}") }
	issuer := func(column, key, s string) []string {
		return []string{"p.yaml:6:" + column + ": release.signers." + key + ` is "` + s + `"; wanted the https URL of one issuer, without wildcards`}
	}
	refuse(t, []refusal{
		{"empty", signers(""), []string{at + "is an empty mapping; wanted a mapping with class, identities, issuers, keys, people"}},
		{"people of nobody", signers("people: 2"), []string{at + "names nobody; wanted at least one of class, identities and keys"}},
		{"issuers without class", signers("issuers: [https://a]"), []string{
			at + "has issuers of no class; wanted class: human beside them, or identities: [{issuer, identity}]",
		}},
		{"issuers beside people", signers("issuers: [https://a], identities: [" + alice + "]"), []string{
			at + "has issuers of no class; wanted class: human beside them, or identities: [{issuer, identity}]",
		}},
		{"a class", signers("class: machine"), []string{`p.yaml:6:32: release.signers.class is "machine"; wanted one of human`}},
		{"no people", signers("class: human, people: 0"), []string{`p.yaml:6:47: release.signers.people is "0"; wanted a whole number from 1 to 16`}},
		{"too many people", signers("class: human, people: 17"), []string{`p.yaml:6:47: release.signers.people is "17"; wanted a whole number from 1 to 16`}},
		{"people in words", signers(`class: human, people: "2"`), []string{`p.yaml:6:47: release.signers.people is "2"; wanted a whole number from 1 to 16`}},
		{"more people than are listed", signers("people: 2, identities: [" + alice + "]"), []string{
			at + "demands 2 people and lists 1, so that nothing could pass; wanted more of them, or fewer people",
		}},
		{"one person of two issuers", signers("people: 2, identities: [" + alice + ", {issuer: https://b, identity: ALICE@a}]"), []string{
			at + "demands 2 people and lists 1, so that nothing could pass; wanted more of them, or fewer people",
		}},
		{"one person with a key", signers("people: 2, identities: [" + alice + "], keys: [{sha256: " + sha + ", person: Alice@a}]"), []string{
			at + "demands 2 people and lists 1, so that nothing could pass; wanted more of them, or fewer people",
		}},
		{"no issuers", signers("class: human, issuers: []"), []string{"p.yaml:6:48: release.signers.issuers is an empty list; leave the key out or name at least one"}},
		{"one issuer", signers("class: human, issuers: https://a"), []string{`p.yaml:6:48: release.signers.issuers is "https://a"; wanted a list`}},
		{"an issuer twice", signers("class: human, issuers: [https://a, https://a]"), []string{`p.yaml:6:60: release.signers.issuers has "https://a" twice`}},
		{"an issuer of machines", signers("class: human, issuers: [" + github + "]"), []string{
			`p.yaml:6:49: release.signers.issuers has "` + github + `", which speaks for workflows; wanted issuers that people log in to`,
		}},
		{"http", signers("class: human, issuers: ['http://a']"), issuer("49", "issuers", "http://a")},
		{"no host", signers("class: human, issuers: ['https://']"), issuer("49", "issuers", "https://")},
		{"any issuer", signers("class: human, issuers: ['https://*']"), issuer("49", "issuers", "https://*")},
		{"a name", signers("identities: [{issuer: github, identity: a@b}]"), issuer("47", "identities.issuer", "github")},
		{"nobody listed", signers("identities: []"), []string{"p.yaml:6:37: release.signers.identities is an empty list; leave the key out or name at least one"}},
		{"no issuer", signers("identities: [{identity: a@b}]"), []string{"p.yaml:6:38: release.signers.identities has an entry without issuer or identity; wanted {issuer, identity}"}},
		{"no identity", signers("identities: [{issuer: https://a}]"), []string{"p.yaml:6:38: release.signers.identities has an entry without issuer or identity; wanted {issuer, identity}"}},
		{"an identity alone", signers("identities: [a@b]"), []string{`p.yaml:6:38: release.signers.identities is "a@b"; wanted a mapping with identity, issuer`}},
		{"anybody", signers("identities: [{issuer: https://a, identity: '*@a'}]"), []string{
			`p.yaml:6:68: release.signers.identities.identity is "*@a"; wanted one identity exactly, without wildcards and variables`,
		}},
		{"a variable", signers("identities: [{issuer: https://a, identity: 'v{version}@a'}]"), []string{
			`p.yaml:6:68: release.signers.identities.identity is "v{version}@a"; wanted one identity exactly, without wildcards and variables`,
		}},
		{"somebody twice", signers("identities: [" + alice + ", " + alice + "]"), []string{"p.yaml:6:78: release.signers.identities has alice@a of https://a twice"}},
		{"somebody twice in capitals", signers("identities: [" + alice + ", {issuer: https://a, identity: Alice@A}]"), []string{"p.yaml:6:78: release.signers.identities has Alice@A of https://a twice"}},
		{"no keys", signers("keys: []"), []string{"p.yaml:6:31: release.signers.keys is an empty list; leave the key out or name at least one"}},
		{"a key of nothing", signers("keys: [{person: a@b}]"), []string{"p.yaml:6:32: release.signers.keys has an entry without sha256; wanted {sha256, person}"}},
		{"a key of a file", signers("keys: [{file: k.pub, sha256: " + sha + "}]"), []string{`p.yaml:6:33: found unknown key "file" in release.signers.keys; wanted one of person, sha256`}},
		{"a short digest", signers("keys: [{sha256: abc}]"), []string{`p.yaml:6:41: release.signers.keys.sha256 is "abc"; wanted 64 lower-case hexadecimal digits`}},
		{"a person without address", signers("keys: [{sha256: " + sha + ", person: alice}]"), []string{
			`p.yaml:6:115: release.signers.keys.person is "alice"; wanted the e-mail address of who holds the key`,
		}},
		{"a key twice", signers("keys: [{sha256: " + sha + "}, {sha256: " + sha + ", person: a@b}]"), []string{"p.yaml:6:108: release.signers.keys has " + sha + " twice"}},
	})
}
