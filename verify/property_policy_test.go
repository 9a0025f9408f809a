package verify_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
)

// writer writes random policies. Most of their parts fit the pool's good evidence.
type writer struct {
	*rand.Rand
	pool *pool
	// odd is in how many of a hundred choices a part is one that does not fit.
	odd int
}

// maybe is true in so many of a hundred cases.
func (w *writer) maybe(percent int) bool { return w.IntN(100) < percent }

// pick takes the first, which fits, or now and then one of the others.
func (w *writer) pick(fits string, others ...string) string {
	if len(others) == 0 || !w.maybe(w.odd) {
		return fits
	}
	return others[w.IntN(len(others))]
}

// one takes any of them, which all fit.
func (w *writer) one(all ...string) string { return all[w.IntN(len(all))] }

func (w *writer) mapping(parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return "{" + strings.Join(there, ", ") + "}"
}

// opt writes a part in so many of a hundred cases.
func (w *writer) opt(percent int, part func() string) string {
	if !w.maybe(percent) {
		return ""
	}
	return part()
}

// policy writes a whole one.
func (w *writer) policy() string {
	var lines []string
	add := func(percent int, part func() string) {
		if w.maybe(percent) {
			lines = append(lines, part())
		}
	}
	lines = append(lines, `trust: {corp: {file: corp.json, sha256: "`+strings.Repeat("00", 32)+`"}}`, `builders: [{id: "`+vouchedID+`", level: `+w.pick("3", "0", "1")+`}]`)
	add(15, func() string {
		return w.one(`mode: enforce`, `mode: {audit: {until: 2025-12-31}}`, `mode: {audit: {until: 2025-06-01}}`)
	})
	add(10, func() string { return "expires: " + w.pick("2026-01-01", "2025-06-01", "2025-06-02T12:00:01Z") })
	add(12, w.deny)
	lines = append(lines, "---")
	add(70, func() string {
		return w.one(tagsYAML, `tags: {version: ["{version}"]}`, `tags: {version: ["v{version}", "{version}"], moving: [latest]}`)
	})
	add(95, func() string { return "source: " + w.sources() })
	before := len(lines)
	add(60, func() string { return "signature: " + w.demand("sign") })
	add(45, func() string { return "provenance: " + w.provenance() })
	add(30, func() string { return "sbom: " + w.sbom() })
	if w.maybe(35) {
		lines = append(lines, "attestations: "+w.attestations())
	}
	add(25, w.release)
	if len(lines) == before {
		lines = append(lines, "signature: "+w.demand("sign"))
	}
	add(30, w.consistency)
	add(15, func() string {
		return "freshness: {max_age: " + w.pick("30d", "1h", "1d") + w.one("", ", listed: true") + "}"
	})
	add(6, func() string { return "platforms: {require: [linux/amd64]}" })
	add(10, func() string {
		return w.one("evidence: [same]", "places: [registry]", `mirrors: [{prefix: mirror.example/lab, of: registry.example}]`)
	})
	return policyText(lines...)
}

func (w *writer) deny() string {
	return "deny: " + w.mapping(
		w.opt(50, func() string { return `digests: ["` + w.pick("sha256:"+newerHex, imageDigest, otherDigest) + `"]` }),
		w.opt(50, func() string {
			return `versions: [{match: "` + imageName + `", version: ` + w.pick("9.9.9", "1.2.3", "1.2.2") + "}]"
		}),
		`signed: [{identity: "`+w.pick("https://github.com/evil/**@**", "https://github.com/acme/**@**", "**@refs/heads/*")+`"`+
			w.opt(50, func() string {
				return w.pick(", from: 2025-01-01, until: 2025-02-01", ", from: 2025-06-01, until: 2025-07-01")
			})+"}]")
}

func (w *writer) source() string {
	return w.mapping(
		"repository: "+w.pick("acme/widget", "evil/widget", "acme/*", "acme/widget-evil", "https://gitlab.com/acme/widget"),
		w.opt(40, func() string { return `repository_id: "` + w.pick("1001", "666", "1004") + `"` }),
		w.opt(30, func() string { return `owner_id: "` + w.pick("2002", "777") + `"` }),
		w.opt(85, func() string { return "ref: " + w.ref() }),
		w.opt(8, func() string {
			return `ref_regexp: "` + w.pick("refs/tags/v.*", "refs/heads/.*", `refs/tags/v1\\.2\\.3`) + `"`
		}),
		w.opt(4, func() string { return "branch: main" }),
		w.opt(5, func() string { return "versioned_tag: " + w.pick("v1.2", "v2") }),
		w.opt(15, func() string { return "commit: " + w.pick(lab.DefaultCommit, strings.Repeat("ab", 20)) }),
		w.opt(8, w.window))
}

func (w *writer) sources() string {
	if w.maybe(15) {
		return "[" + w.source() + ", " + w.source() + "]"
	}
	return w.source()
}

func (w *writer) window() string {
	return "signed: " + w.pick("{from: 2025-01-01, until: 2026-01-01}", "{from: 2025-06-01T12:00:30Z}", "{until: 2025-06-01T12:00:30Z}", "{from: 2025-06-02}")
}

func (w *writer) circumstances() []string {
	return []string{
		w.opt(15, func() string {
			return "trigger: [" + w.pick("push, workflow_dispatch", "pull_request_target", "schedule") + "]"
		}),
		w.opt(15, func() string { return "runner: " + w.pick("github-hosted", "self-hosted") }),
		w.opt(10, func() string { return "visibility: " + w.pick("public", "private") }),
		w.opt(8, w.window),
	}
}

func (w *writer) signer(kind string) string {
	const issuer = `issuer: "https://token.actions.githubusercontent.com"`
	good := w.pool.signers.by[usual(kind)]
	if w.maybe(w.odd) {
		good = w.pool.signers.by[w.pool.signers.names[w.IntN(len(w.pool.signers.names))]]
	}
	switch w.IntN(8) {
	case 0: // exactly whom
		name := good.SAN + good.Email
		return w.mapping(append(w.circumstances(), `issuer: "`+good.Extensions.Issuer+`"`, `identity: "`+name+`"`)...)
	case 1:
		return w.mapping(append(w.circumstances(), issuer, `identity: "`+w.pick("https://github.com/acme/widget/.github/workflows/*@refs/tags/v{version}", "https://github.com/acme/**@refs/**", "https://github.com/evil/widget/**@**")+`"`)...)
	case 2:
		return w.mapping(append(w.circumstances(), issuer, `identity_regexp: '`+w.pick(`https://github\.com/acme/widget/\.github/workflows/release\.yml@refs/tags/v.*`, `https://github\.com/acme/widget.*`, `https://github\.com/evil/.*`)+`'`)...)
	case 3:
		if w.maybe(40) && kind == "sign" {
			return `{key: {file: cosign.pub, sha256: "` + w.pick(w.pool.keyName, strings.Repeat("11", 32)) + `"}}`
		}
	}
	return w.mapping(append(w.circumstances(), issuer,
		`workflow: "`+w.pick(".github/workflows/release.yml", ".github/workflows/*", "**", ".github/workflows/other.yml")+`"`,
		w.opt(20, func() string { return "repository: " + w.pick("acme/widget", "evil/widget", "acme/*") }),
		w.opt(40, func() string { return "ref: " + w.ref() }))...)
}

func (w *writer) ref() string {
	return w.pick(`"refs/tags/v{version}"`, `"refs/tags/*"`, `["refs/heads/main", "refs/tags/v*"]`, `"**"`, `"refs/tags/v1.2.2"`)
}

func (w *writer) signers(kind string) string {
	if w.maybe(12) {
		return "[" + w.signer(kind) + ", " + w.signer(kind) + "]"
	}
	return w.signer(kind)
}

// bounds are what every demand can say beside who signs.
func (w *writer) bounds() []string {
	selects := ""
	if w.maybe(15) {
		selects = "select: " + w.one("any", "all", "newest")
	}
	age := w.opt(10, func() string { return "max_age: " + w.pick("30d", "1h", "1d") })
	if strings.HasSuffix(selects, "newest") && age == "" {
		age = "max_age: 30d"
	}
	return []string{
		selects, age,
		w.opt(8, func() string { return "trust: " + w.pick("public-good", "corp") }),
		w.opt(10, func() string { return "on: " + w.one("index", "either") }),
		w.opt(10, func() string { return "source: " + w.sources() }),
	}
}

func (w *writer) demand(kind string, more ...string) string {
	return w.mapping(append(append(w.bounds(), "signer: "+w.signers(kind)), more...)...)
}

func (w *writer) provenance() string {
	id := w.pick(w.one(`"`+generatorID+`"`, `["`+generatorID+`", "`+vouchedID+`"]`, `"`+vouchedID+`"`), `"`+generatorID+`@v2.1.0"`, `"`+containerBasedID+`"`, `"`+runnerID+`"`)
	builder := w.mapping(w.opt(85, func() string { return "id: " + id }), "level: "+w.pick(w.one("1", "2", "3"), "3"))
	return w.mapping(append(w.bounds(), "builder: "+builder,
		w.opt(6, func() string { return "inputs: {channel: " + w.one("stable", "beta") + "}" }),
		w.opt(5, func() string { return `signer: {issuer: "https://token.actions.githubusercontent.com"}` }))...)
}

func (w *writer) sbom() string {
	return w.demand("cyclonedx",
		w.opt(40, func() string { return "format: " + w.pick("cyclonedx", "spdx") }),
		w.opt(6, func() string { return "buildkit: true" }),
		w.opt(8, func() string { return "max_size: " + w.pick("1MB", "10B") }),
		w.opt(10, func() string { return "deny_licenses: [" + w.pick("GPL-*", "BSD-*") + "]" }),
		w.opt(8, func() string { return "require_licenses: [" + w.pick("BSD-3-Clause, MIT", "MIT") + "]" }),
		w.opt(10, func() string {
			return `deny_components: [{purl: "` + w.pick("pkg:npm/event-stream", "pkg:golang/golang.org/x/*") + `"}]`
		}),
		w.opt(10, func() string { return "min_components: " + w.pick("1", "2", "0") }),
		w.opt(5, func() string { return "ntia: true" }),
		w.opt(6, func() string { return "purl_coverage: " + w.one("0.5", "1") }),
		w.opt(6, func() string { return "unknown_versions: " + w.one("0", "0.5") }),
		w.opt(6, func() string { return "max_document_age: " + w.pick("30d", "1h") }),
		w.opt(8, func() string { return "describes: image" }),
		w.opt(6, func() string {
			return `rules: [{name: r, expr: "` + w.pick("components.size() > 0", "components.size() > 9", "components.all(c, c.version != '')") + `"}]`
		}))
}

func (w *writer) attestations() string {
	shapes := []struct{ kind, predicate, shape string }{
		{"metadata", lab.MetadataPredicateType, w.opt(70, func() string { return "metadata: {digest: digest, version: version, commit: source.commit}" })},
		{"scan", lab.VulnsPredicateType, w.opt(70, func() string { return "scan: {deny: [" + w.pick("unknown", "critical, high") + "]}" })},
		{"vex", lab.OpenVEXPredicateType, w.opt(70, func() string { return "vex: {statuses: [" + w.pick("not_affected, fixed", "affected") + "]}" })},
		{"vsa", lab.VSAPredicateType, `vsa: {verifier: "` + w.pick(lab.DefaultVerifier, "https://other.example") + `", levels: [` + w.pick("SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_3") + "]}"},
		{"tests", lab.TestResultPredicateType, "tests: " + w.pick("passed", "{passed: [unit]}", "{passed: [missing]}")},
	}
	var parts []string
	for _, i := range w.Perm(len(shapes))[:1+w.IntN(2)] {
		s := shapes[i]
		age := ""
		demand := w.demand(s.kind, append([]string{"type: " + s.predicate, s.shape}, w.opt(8, func() string {
			return `rules: [{name: r, expr: "` + w.pick("image.digest == predicate.digest", "version == '1.2.3'", "signer.trigger == 'schedule'") + `"}]`
		}))...)
		if (s.kind == "scan" || s.kind == "vex") && s.shape != "" && !strings.Contains(demand, "max_age") && !strings.Contains(demand, "select:") {
			age = ", max_age: 30d"
		}
		parts = append(parts, fmt.Sprintf("%s: %s%s}", s.kind, strings.TrimSuffix(demand, "}"), age))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (w *writer) release() string {
	return w.pool.hall.releaseYAML(w.pick(human, "signers: {class: human, people: 2}", `signers: {identities: [{issuer: "`+lab.PersonIssuer+`", identity: eve@example.com}]}`), w.opt(20, func() string { return "offline_max_age: 7d" }))
}

func (w *writer) consistency() string {
	return "consistency: " + w.pick(w.one("off", "{claims: [digest, version, repository, ref, commit]}", "{claims: [version, digest], required: [digest]}"),
		"{claims: [version, commit], required: [version, commit]}", "{claims: [workflow, run, builder]}")
}

// parsed writes policies until one is accepted, and says how many were not.
func (w *writer) parsed() (*policy.Policy, string) {
	for range 20 {
		text := w.policy()
		if p, err := policy.Parse("random.yaml", []byte(text)); err == nil {
			return p, text
		}
	}
	panic("no policy of twenty is accepted")
}
