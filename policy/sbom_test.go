package policy_test

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

// bom puts the fields of one demand on line 7, from column 11; who signs stands below.
func bom(fields string) string {
	return head + "images:\n  - match: ghcr.io/o/n\n    source: {repository: o/n}\n    sbom: {" + fields + ", " + anybody + "}\n"
}

func TestParseSBOM(t *testing.T) {
	p := parse(t, bom(`format: cyclonedx, schema: strict, buildkit: true, max_size: 16MiB, deny_licenses: ["GPL-3.0*", "GPL-2.0-only WITH Classpath-exception-2.0"],
      require_licenses: [MIT, Apache-2.0], deny_components: [{purl: "pkg:npm/event-stream", versions: "<4.0.0"}, {purl: "pkg:maven/org.apache.logging.log4j/*"}],
      min_components: 0, ntia: true, purl_coverage: 0.9, hash_coverage: 1, unknown_versions: 0.1, max_document_age: 90d, describes: image,
      rules: [{name: no-gpl, expr: "!components.exists(c, c.license.contains('GPL'))"}, {expr: size(components) > 1}],
      on: platforms, select: newest, max_age: 30d`))
	s := p.Rules[0].SBOM
	equal(t, "demand", []any{s.On, s.Select, s.MaxAge, s.Trust, len(s.Signers), len(s.Sources)}, []any{policy.OnPlatforms, policy.SelectNewest, 30 * 24 * time.Hour, policy.PublicGood, 1, 1})
	equal(t, "form", []any{s.Format, s.Schema, s.BuildKit, s.MaxBytes}, []any{sbom.CycloneDX, policy.SchemaStrict, true, 16 << 20})
	equal(t, "denied licences", s.DenyLicenses, []string{"GPL-3.0*", "GPL-2.0-only WITH Classpath-exception-2.0"})
	equal(t, "required licences", s.RequireLicenses, []string{"MIT", "Apache-2.0"})
	equal(t, "denied components", []string{s.DenyComponents[0].String(), s.DenyComponents[1].String()}, []string{"pkg:npm/event-stream <4.0.0", "pkg:maven/org.apache.logging.log4j/*"})
	equal(t, "shares", []float64{s.PURLCoverage, s.HashCoverage, *s.UnknownVersions}, []float64{0.9, 1, 0.1})
	equal(t, "others", []any{s.MinComponents, s.NTIA, s.MaxDocumentAge, s.Describes}, []any{0, true, 90 * 24 * time.Hour, true})
	equal(t, "rules", []string{s.Rules[0].Name, s.Rules[0].Source, s.Rules[1].Name}, []string{"no-gpl", "!components.exists(c, c.license.contains('GPL'))", "rule-2"})
}

func TestParseSBOMDefaults(t *testing.T) {
	s := parse(t, head+"images: [{match: ghcr.io/o/n, sbom: {"+anybody+"}}]").Rules[0].SBOM
	equal(t, "demand", []any{s.On, s.Select, s.MaxAge, s.Trust}, []any{policy.OnEither, policy.SelectAny, time.Duration(0), policy.PublicGood})
	equal(t, "content", []any{s.Format, s.Schema, s.BuildKit, s.MaxBytes, s.MinComponents, s.NTIA, s.PURLCoverage, s.HashCoverage, s.Describes},
		[]any{sbom.Format(""), policy.SchemaOff, false, 0, 1, false, 0.0, 0.0, false})
	if s.UnknownVersions != nil || s.DenyLicenses != nil || s.Rules != nil {
		t.Error("what was not demanded is")
	}
	equal(t, "bytes", parse(t, bom("max_size: 65536")).Rules[0].SBOM.MaxBytes, 65536)
}

func TestRefuseSBOM(t *testing.T) {
	at := "p.yaml:7:"
	refuse(t, []refusal{
		{"nobody", rule("match: ghcr.io/o/n, sbom: {ntia: true}"), []string{`p.yaml:5:32: sbom has no "signer"; wanted who signs: {issuer, workflow}, {issuer, identity} or {key}`}},
		{"a format", bom("format: swid"), []string{at + `20: sbom.format is "swid"; wanted one of cyclonedx, spdx`}},
		{"a mode", bom("schema: off"), []string{at + `20: sbom.schema is "off"; wanted one of strict, warn`}},
		{"no boolean", bom("buildkit: yes"), []string{at + `22: sbom.buildkit is "yes"; wanted true or false`}},
		{"too big", bom("max_size: 33MiB"), []string{at + `22: sbom.max_size is "33MiB"; wanted a size such as 512KiB or 16MiB, at most 32MiB`}},
		{"too many bytes", bom("max_size: 33554433"), []string{at + `22: sbom.max_size is "33554433"; wanted a whole number from 1 to 33554432`}},
		{"no size", bom("max_size: 0"), []string{at + `22: sbom.max_size is "0"; wanted a whole number from 1 to 33554432`}},
		{"another unit", bom("max_size: 16MB"), []string{at + `22: sbom.max_size is "16MB"; wanted a size such as 512KiB or 16MiB, at most 32MiB`}},
		{"an expression", bom(`deny_licenses: ["MIT OR GPL-2.0"]`), []string{at + `28: sbom.deny_licenses is "MIT OR GPL-2.0"; wanted the SPDX id of a licence, such as MIT or GPL-3.0*, and not an expression`}},
		{"every licence", bom(`require_licenses: ["**"]`), []string{at + `31: sbom.require_licenses is "**", which is every licence; wanted the beginning of an id before the star, such as GPL-*`}},
		{"a licence twice", bom(`require_licenses: [MIT, MIT]`), []string{at + `36: sbom.require_licenses has "MIT" twice`}},
		{"no licences", bom(`deny_licenses: []`), []string{at + `27: sbom.deny_licenses is an empty list; leave the key out or name at least one`}},
		{"a component as text", bom(`deny_components: ["pkg:npm/a"]`), []string{at + `30: sbom.deny_components is "pkg:npm/a"; wanted a mapping with purl, versions`}},
		{"no package", bom(`deny_components: [{versions: "<1"}]`), []string{at + `30: sbom.deny_components has an entry without "purl"; wanted {purl, versions}, such as {purl: "pkg:npm/event-stream", versions: "<4.0.0"}`}},
		{"a name for a package", bom(`deny_components: [{purl: event-stream}]`), []string{
			at + `37: sbom.deny_components.purl: parse package pattern "event-stream": it does not begin with "pkg:"; wanted a package URL without version, such as pkg:npm/event-stream`,
		}},
		{"a version in a package", bom(`deny_components: [{purl: "pkg:npm/a@1"}]`), []string{
			at + `37: sbom.deny_components.purl: parse package pattern "pkg:npm/a@1": version, qualifiers and subpath are not part of a pattern; wanted a package URL without version, such as pkg:npm/event-stream`,
		}},
		{"no range", bom(`deny_components: [{purl: "pkg:npm/a", versions: "<"}]`), []string{
			at + `60: sbom.deny_components.versions: parse version range "<": "<" has no version; wanted a range such as ">=1.0, <1.2.3"`,
		}},
		{"fewer than none", bom(`min_components: -1`), []string{at + `28: sbom.min_components is "-1"; wanted a whole number from 0 to 100000`}},
		{"a percentage", bom(`purl_coverage: 90`), []string{at + `27: sbom.purl_coverage is "90"; wanted a share from 0 to 1, such as 0.9`}},
		{"a power", bom(`hash_coverage: 1e-1`), []string{at + `27: sbom.hash_coverage is "1e-1"; wanted a share from 0 to 1, such as 0.9`}},
		{"a quoted share", bom(`hash_coverage: "0.5"`), []string{at + `27: sbom.hash_coverage is "0.5"; wanted a share from 0 to 1, such as 0.9`}},
		{"no share", bom(`purl_coverage: 0`), []string{at + `27: sbom.purl_coverage is 0, which demands nothing; leave it out, or say which share is wanted`}},
		{"every share", bom(`unknown_versions: 1.0`), []string{at + `30: sbom.unknown_versions is 1.0, which demands nothing; leave it out, or say which share is wanted`}},
		{"an age", bom(`max_document_age: 90`), []string{at + `30: sbom.max_document_age is "90"; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 3650d`}},
		{"another subject", bom(`describes: index`), []string{at + `23: sbom.describes is "index"; wanted one of image`}},
		{"an unknown key", bom(`licenses: []`), []string{
			at + `12: found unknown key "licenses" in sbom; wanted one of buildkit, deny_components, deny_licenses, describes, format, hash_coverage, max_age, max_document_age, max_size, min_components, ntia, on, purl_coverage, require_licenses, rules, schema, select, signer, source, trust, unknown_versions`,
		}},
	})
}

// What all demands for signed evidence have in common is refused alike.
func TestRefuseCommonKeys(t *testing.T) {
	for _, d := range []struct{ what, begin, end string }{
		{"signature", "signature: {" + anybody, "}"},
		{"provenance", "source: {repository: o/n}, provenance: {builder: {level: 1}", "}"},
		{"sbom", "sbom: {" + anybody, "}"},
		{"attestations.a", "attestations: {a: {type: \"urn:a\", " + anybody, "}}"},
	} {
		with := func(fields string) string {
			return head + "images:\n  - {match: ghcr.io/o/n, " + d.begin + ",\n" + fields + d.end + "}\n"
		}
		refuse(t, []refusal{
			{d.what + " on", with("on: child"), []string{`p.yaml:6:5: ` + d.what + `.on is "child"; wanted one of index, platforms, either`}},
			{d.what + " select", with("select: first"), []string{`p.yaml:6:9: ` + d.what + `.select is "first"; wanted one of any, all, newest`}},
			{d.what + " max_age", with("max_age: 0s"), []string{`p.yaml:6:10: ` + d.what + `.max_age is "0s"; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most 3650d`}},
		})
		for on, want := range map[string]policy.On{"index": policy.OnIndex, "platforms": policy.OnPlatforms, "either": policy.OnEither} {
			equal(t, d.what+" on", parse(t, with("on: "+on+", select: all")).Rules[0].Demands()[0].On, want)
		}
		newest := parse(t, with("select: newest, max_age: 1d12h")).Rules[0].Demands()[0]
		equal(t, d.what+" newest", []any{newest.Select, newest.MaxAge}, []any{policy.SelectNewest, 36 * time.Hour})
		if _, err := policy.Parse("p.yaml", []byte(with("select: newest"))); err == nil {
			t.Errorf("%s takes the newest of any age", d.what)
		}
	}
	refuse(t, []refusal{{"newest of any age", bom("select: newest"), []string{
		"p.yaml:7:11: sbom selects the newest statement, and the registry can hold that back; wanted max_age beside it, such as max_age: 90d, or select: any",
	}}})
}
