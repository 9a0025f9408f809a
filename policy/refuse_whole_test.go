package policy_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

const (
	demanding = ", source: {repository: o/n}, provenance: {builder: {level: 1}}"
	digest    = "sha256:" + sha
)

// ruled puts a key in front of a rule on line 5; its value begins at column 5+len(key)+3.
func ruled(text string) string { return rule(text + ", match: ghcr.io/o/n" + demanding) }

func TestRefuseMode(t *testing.T) {
	const end = "wanted {audit: {until: DATE}} with the day from which it is enforced, such as {audit: {until: 2026-12-31}}"
	refuse(t, []refusal{
		{"audit", head + "mode: audit\n" + tail, []string{"p.yaml:4:7: mode is audit without an end; " + end}},
		{"a rule's", ruled("mode: audit"), []string{"p.yaml:5:12: mode is audit without an end; " + end}},
		{"a word", head + "mode: warn\n" + tail, []string{`p.yaml:4:7: mode is "warn"; wanted enforce, or {audit: {until: DATE}} with the day from which it is enforced`}},
		{"audit of nothing", head + "mode: {audit: {}}\n" + tail, []string{"p.yaml:4:15: mode.audit is an empty mapping; wanted a mapping with until"}},
		{"audit of a date", head + "mode: {audit: 2026-12-31}\n" + tail, []string{`p.yaml:4:15: mode.audit is "2026-12-31"; wanted a mapping with until`}},
		{"audit until some day", head + "mode: {audit: {until: soon}}\n" + tail, []string{`p.yaml:4:23: mode.audit.until is "soon"; wanted a time such as 2026-01-31 or 2026-01-31T12:00:00Z`}},
		{"a list", head + "mode: [enforce]\n" + tail, []string{"p.yaml:4:7: mode is a list; wanted a mapping with audit"}},
		{"expires", head + "expires: never\n" + tail, []string{`p.yaml:4:10: expires is "never"; wanted a time such as 2026-01-31 or 2026-01-31T12:00:00Z`}},
		{"requires", head + "requires: 0.5.0\n" + tail, []string{`p.yaml:4:11: requires is "0.5.0"; wanted ">= VERSION" with a whole version of assay, such as ">= 0.5.0"`}},
		{"requires half a version", head + "requires: \">= 0.5\"\n" + tail, []string{`p.yaml:4:11: requires is ">= 0.5"; wanted ">= VERSION" with a whole version of assay, such as ">= 0.5.0"`}},
		{"requires less", head + "requires: \"< 0.5.0\"\n" + tail, []string{`p.yaml:4:11: requires is "< 0.5.0"; wanted ">= VERSION" with a whole version of assay, such as ">= 0.5.0"`}},
	})
}

func TestRefuseGrace(t *testing.T) {
	const wanted, span = "wanted off, or {undecided: SPAN} with how long ago an image may have passed, such as {undecided: 72h}", "wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 14d"
	refuse(t, []refusal{
		{"a word", head + "grace: on\n" + tail, []string{`p.yaml:4:8: grace is "on"; ` + wanted}},
		{"a span", head + "grace: 72h\n" + tail, []string{`p.yaml:4:8: grace is "72h"; ` + wanted}},
		{"a rule's", ruled("grace: 72h"), []string{`p.yaml:5:13: grace is "72h"; ` + wanted}},
		{"false", head + "grace: false\n" + tail, []string{`p.yaml:4:8: grace is "false"; ` + wanted}},
		{"nothing", head + "grace: {}\n" + tail, []string{"p.yaml:4:8: grace is an empty mapping; wanted a mapping with undecided"}},
		{"of failures", head + "grace: {failed: 1h}\n" + tail, []string{`p.yaml:4:9: found unknown key "failed" in grace; wanted one of undecided`}},
		{"no time", head + "grace: {undecided: 0h}\n" + tail, []string{`p.yaml:4:20: grace.undecided is "0h"; ` + span}},
		{"a number", head + "grace: {undecided: 72}\n" + tail, []string{`p.yaml:4:20: grace.undecided is "72"; ` + span}},
		{"back in time", head + "grace: {undecided: -1h}\n" + tail, []string{`p.yaml:4:20: grace.undecided is "-1h"; ` + span}},
		{"more than two weeks", head + "grace: {undecided: 14d1h}\n" + tail, []string{`p.yaml:4:20: grace.undecided is "14d1h"; ` + span}},
		{"a list", head + "grace: [off]\n" + tail, []string{"p.yaml:4:8: grace is a list; wanted a mapping with undecided"}},
		{"twice", head + "grace: off\ngrace: {undecided: 1h}\n" + tail, []string{`p.yaml:5:1: found "grace" twice in the policy`}},
	})
}

func TestRefuseDeny(t *testing.T) {
	deny := func(text string) string { return head + "deny: {" + text + "}\n" + tail }
	refuse(t, []refusal{
		{"nothing", deny(""), []string{"p.yaml:4:7: deny is an empty mapping; wanted a mapping with digests, signed, versions"}},
		{"a digest", deny("digests: [abc]"), []string{`p.yaml:4:18: deny.digests is "abc"; wanted sha256: and 64 lower-case hexadecimal digits`}},
		{"capitals", deny("digests: [\"sha256:" + strings.ToUpper(sha) + "\"]"), []string{`p.yaml:4:18: deny.digests is "sha256:` + strings.ToUpper(sha) + `"; wanted sha256: and 64 lower-case hexadecimal digits`}},
		{"a reason of nothing", deny("digests: [{reason: a}]"), []string{"p.yaml:4:18: deny.digests has an entry without a digest; wanted the digest, or {digest, reason}"}},
		{"no version", deny("versions: [{match: ghcr.io/o/n}]"), []string{"p.yaml:4:19: deny.versions has an entry without match or version; wanted {match, version, reason}"}},
		{"a pattern", deny("versions: [{match: ghcr.io/o/n, version: \"1.*\"}]"), []string{`p.yaml:4:49: deny.versions.version is "1.*"; wanted one version exactly, such as 1.2.3`}},
		{"too many", deny("versions: [" + strings.Repeat("{},", 1001) + "]"), []string{"p.yaml:4:18: deny.versions brings the policy to 1001 entries; wanted at most 1000 in all its files"}},
		{"a short name", deny("versions: [{match: alpine, version: \"1\"}]"), []string{
			`p.yaml:4:27: match is "alpine"; wanted the whole name of an image, such as ghcr.io/owner/name or docker.io/library/alpine`,
		}},
		{"nobody", deny("signed: [{from: 2026-01-01}]"), []string{"p.yaml:4:17: deny.signed has an entry without identity; wanted {issuer, identity, from, until, reason}"}},
		{"a window", deny("signed: [{identity: a, from: 2026-01-02, until: 2026-01-01}]"), []string{"p.yaml:4:17: deny.signed ends before it begins"}},
	})
}

func TestRefuseWhole(t *testing.T) {
	const claims = "image, digest, version, repository, repository_id, owner_id, ref, commit, workflow, run, builder, built"
	refuse(t, []refusal{
		{"platforms of nothing", ruled("platforms: {}"), []string{"p.yaml:5:17: platforms is an empty mapping; wanted a mapping with only, require"}},
		{"no platform", ruled("platforms: {require: []}"), []string{"p.yaml:5:27: platforms.require is an empty list; leave the key out or name at least one"}},
		{"an architecture", ruled("platforms: {require: [amd64]}"), []string{`p.yaml:5:28: platforms.require is "amd64"; wanted os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7`}},
		{"a platform of nobody", ruled("platforms: {only: [unknown/unknown]}"), []string{`p.yaml:5:25: platforms.only is "unknown/unknown"; wanted os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7`}},
		{"a platform twice", ruled("platforms: {only: [linux/amd64, linux/amd64]}"), []string{`p.yaml:5:38: platforms.only has "linux/amd64" twice`}},
		{"a platform that may not be", ruled("platforms: {require: [linux/arm64], only: [linux/amd64]}"), []string{
			"p.yaml:5:27: platforms.require has linux/arm64, which platforms.only does not allow",
		}},
		{"a platform's other name", ruled("platforms: {require: [linux/arm64, linux/arm64/v8]}"), []string{"p.yaml:5:41: platforms.require has linux/arm64/v8 twice: it is also written linux/arm64"}},
		{"a variant that may not be", ruled("platforms: {require: [linux/amd64/v3], only: [linux/amd64]}"), []string{
			"p.yaml:5:27: platforms.require has linux/amd64/v3, which platforms.only does not allow",
		}},
		{"consistency on", ruled("consistency: on"), []string{`p.yaml:5:19: consistency is "on"; wanted off, or a mapping with claims, labels, required`}},
		{"consistency false", ruled("consistency: false"), []string{`p.yaml:5:19: consistency is "false"; wanted off, or a mapping with claims, labels, required`}},
		{"no claim", ruled("consistency: {claims: []}"), []string{"p.yaml:5:28: consistency.claims is an empty list; leave the key out or name at least one"}},
		{"a claim", ruled("consistency: {claims: [tag]}"), []string{`p.yaml:5:29: consistency.claims is "tag"; wanted one of ` + claims}},
		{"a claim twice", ruled("consistency: {claims: [ref, ref]}"), []string{`p.yaml:5:34: consistency.claims has "ref" twice`}},
		{"a claim that is not compared", ruled("consistency: {required: [workflow]}"), []string{
			"p.yaml:5:30: consistency.required has workflow, which is not compared; wanted it under consistency.claims too",
		}},
		{"labels", ruled("consistency: {labels: 1}"), []string{`p.yaml:5:28: consistency.labels is "1"; wanted true or false`}},
		{"freshness of nothing", ruled("freshness: {listed: true}"), []string{`p.yaml:5:17: freshness has no "max_age"; wanted how long ago a release may have been signed, such as 180d`}},
		{"an age", ruled("freshness: {max_age: 180}"), []string{`p.yaml:5:27: freshness.max_age is "180"; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 3650d`}},
		{"no age", ruled("freshness: {max_age: 0d}"), []string{`p.yaml:5:27: freshness.max_age is "0d"; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 3650d`}},
		{"a long age", ruled("freshness: {max_age: 3651d}"), []string{`p.yaml:5:27: freshness.max_age is "3651d"; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 3650d`}},
		{"an age that overflows", ruled("freshness: {max_age: 99999d999999h}"), []string{
			`p.yaml:5:27: freshness.max_age is "99999d999999h"; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 3650d`,
		}},
	})
}

func TestRefuseNamed(t *testing.T) {
	identities := func(text string) string { return head + "identities: {" + text + "}\n" + tail }
	const release = "release: {issuer: " + github + ", workflow: w}"
	refuse(t, []refusal{
		{"nothing", identities(""), []string{"p.yaml:4:13: identities is an empty mapping; wanted a mapping with signers, sources"}},
		{"nobody", identities("signers: {}"), []string{"p.yaml:4:23: identities.signers is an empty mapping; wanted a mapping"}},
		{"a name", identities("signers: {Release: {issuer: a}}"), []string{`p.yaml:4:33: the name in identities.signers is "Release"; wanted lower-case letters, digits, '.', '_' and '-'`}},
		{"an unused one is read too", identities("signers: {a: {isuer: b}}"), []string{
			`p.yaml:4:28: found unknown key "isuer" in identities.signers.a; wanted one of identity, identity_regexp, issuer, key, ref, repository, runner, signed, trigger, visibility, workflow`,
		}},
		{"a source without repository", identities("sources: {a: {commit: abc}}"), []string{
			`p.yaml:4:27: identities.sources.a has no "repository"; wanted owner/name on github.com, or a whole https URL`,
			`p.yaml:4:36: identities.sources.a.commit is "abc"; wanted 40 or 64 lower-case hexadecimal digits`,
		}},
		{"a name of nobody", head + "identities: {signers: {" + release + ", other: {issuer: a, identity: b}}}\nimages:\n  - {match: ghcr.io/o/n, signature: {signer: relase}}\n", []string{
			`p.yaml:6:46: signature.signer is "relase"; wanted a mapping, or a name under identities.signers: other, release`,
		}},
		{"a name where none is", rule("match: ghcr.io/o/n, signature: {signer: release}"), []string{
			`p.yaml:5:46: signature.signer is "release"; wanted a mapping, or a name under identities.signers, where none is`,
		}},
		{"a source of nobody", head + "identities: {sources: {s: {repository: o/n}}}\nimages:\n  - {match: ghcr.io/o/n, source: [s, x], provenance: {builder: {level: 1}}}\n", []string{
			`p.yaml:6:38: source is "x"; wanted a mapping, or a name under identities.sources: s`,
		}},
		{"the checks hold where the name is used", head + "identities: {signers: {" + release + "}}\nimages:\n  - {match: ghcr.io/o/n, signature: {signer: release}}\n", []string{
			"p.yaml:6:46: signature.signer has a workflow of no repository; wanted source: {repository} or signer.repository",
			"p.yaml:6:46: signature.signer has a workflow at no ref; wanted signer.ref, or source: {ref} in every source",
		}},
		{"a key is no builder", head + "identities: {signers: {k: {" + key + "}}}\nimages:\n  - {match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}, signer: k}}\n", []string{
			"p.yaml:6:95: provenance.signer names a key; a key alone says nothing of a builder",
		}},
	})
}

func TestRefuseExceptions(t *testing.T) {
	const begin = "apiVersion: assay/v1\nkind: Exceptions\n"
	one := func(fields string) string { return begin + "exceptions: [{" + fields + "}]\n" }
	good := `digest: "` + digest + `", reason: r, approver: a, expires: 2026-12-01`
	const ids = "signature, provenance, sbom, release, platforms, consistency, freshness, attestations.NAME"
	for _, c := range []refusal{
		{"nothing", "", []string{"e.yaml: the file is empty; wanted a policy (apiVersion: assay/v1)"}},
		{"a policy", head + tail, []string{
			`e.yaml:1:1: the file has no "exceptions"`, `e.yaml:2:7: kind is "ReleasePolicy"; wanted one of Exceptions`,
			`e.yaml:3:1: found unknown key "metadata" in the file; wanted one of apiVersion, exceptions, kind`,
			`e.yaml:4:1: found unknown key "images" in the file; wanted one of apiVersion, exceptions, kind`,
		}},
		{"no list", begin + "exceptions: {}\n", []string{"e.yaml:3:13: exceptions is a mapping; wanted a list"}},
		{"nobody", one(`digest: "` + digest + `", checks: [sbom], reason: r, expires: 2026-12-01`), []string{
			`e.yaml:3:14: an exception has no "approver"; wanted {digest, checks, reason, approver, expires}`,
		}},
		{"no reason", one(`checks: [sbom], approver: a, digest: "` + digest + `", reason: "", expires: 2026-12-01`), []string{"e.yaml:3:135: exceptions.reason is empty"}},
		{"a check", one("checks: [sbom, sbon], " + good), []string{`e.yaml:3:30: exceptions.checks is "sbon"; wanted one of ` + ids}},
		{"a check twice", one("checks: [sbom, sbom], " + good), []string{`e.yaml:3:30: exceptions.checks has "sbom" twice`}},
		{"no check", one("checks: [], " + good), []string{"e.yaml:3:23: exceptions.checks is an empty list; leave the key out or name at least one"}},
		{"the policy", one("checks: [policy], " + good), []string{`e.yaml:3:24: exceptions.checks is "policy", which nothing excuses`}},
		{"an attestation without a name", one("checks: [attestations.], " + good), []string{`e.yaml:3:24: exceptions.checks is "attestations."; wanted one of ` + ids}},
		{"a digest", one("digest: abc, checks: [sbom], reason: r, approver: a, expires: 2026-12-01"), []string{
			`e.yaml:3:23: exceptions.digest is "abc"; wanted sha256: and 64 lower-case hexadecimal digits`,
		}},
		{"no end", one(`checks: [sbom], expires: never, approver: a, reason: r, digest: "` + digest + `"`), []string{
			`e.yaml:3:40: exceptions.expires is "never"; wanted a time such as 2026-01-31 or 2026-01-31T12:00:00Z`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := policy.ParseExceptions("e.yaml", []byte(c.text))
			if e != nil {
				t.Errorf("a refused file is %v; wanted nil", e)
			}
			equal(t, "the error", strings.Join(lines(err), "\n"), strings.Join(c.want, "\n"))
		})
	}
}

// A version that no image has is denied of none: it is refused, unless a rule has a grammar
// of its own, of which lint speaks.
func TestRefuseDeniedVersion(t *testing.T) {
	deny := func(version string) string {
		return head + "deny: {versions: [{match: \"ghcr.io/o/*\", version: \"" + version + "\"}]}\n" + tail
	}
	for _, version := range []string{"<1.2.3", "=1.2.3", ">=1.2.3", "~1.2.3", "^1.2.3", "refs/tags/v1.2.3", "1.2.3 1.2.4", "1.2.*", "1.2.?", "{version}"} {
		refuse(t, []refusal{{version, deny(version), []string{`p.yaml:4:51: deny.versions.version is "` + version + `"; wanted one version exactly, such as 1.2.3`}}})
	}
	for _, version := range []string{"V1.2.3", "1.2.3-", "1.2", "1.02.3", "latest", "vv1.2.3", "1.2.3+"} {
		refuse(t, []refusal{{version, deny(version), []string{
			`p.yaml:4:51: deny.versions.version is "` + version + `", which is no version of such an image; wanted one version exactly, such as 1.2.3`,
		}}})
	}
	for _, version := range []string{"1.2.3", "v1.2.3", "1.2.3-rc.1+a"} {
		equal(t, version, parse(t, deny(version)).Deny.Versions[0].Version, version)
	}
	own := strings.Replace(deny("1.2"), "match: ghcr.io/o/n,", `match: ghcr.io/o/n, tags: {version_regexp: '[0-9]+'},`, 1)
	equal(t, "a grammar of its own", len(parse(t, own).Deny.Versions), 1)
	// A rule is for the images of its mirrors, and overlaps where two patterns do.
	for name, text := range map[string]string{
		"a mirror": strings.Replace(deny("1.2"), `"ghcr.io/o/*"`, `"m.corp/*/n" `, 1),
		"overlap":  strings.Replace(deny("1.2"), `"ghcr.io/o/*"`, `"**.io/*/n*" `, 1),
	} {
		text = strings.Replace(text, "match: ghcr.io/o/n,", `match: "ghcr.io/o*/n", mirrors: [{prefix: m.corp, of: ghcr.io}],`, 1)
		refuse(t, []refusal{{name, text, []string{`p.yaml:4:51: deny.versions.version is "1.2", which is no version of such an image; wanted one version exactly, such as 1.2.3`}}})
	}
	equal(t, "no rule for it", len(parse(t, strings.Replace(deny("1.2"), "ghcr.io/o/*", "ghcr.io/p/*", 1)).Deny.Versions), 1)
}

func TestPlatformNames(t *testing.T) {
	p := parse(t, ruled("platforms: {require: [linux/arm64/v8, linux/arm/v7, windows/x86_64], only: [linux/arm64, linux/arm, windows/amd64/v1]}"))
	equal(t, "required", p.Rules[0].Platforms.Require, []string{"linux/arm64/v8", "linux/arm/v7", "windows/x86_64"})
}
