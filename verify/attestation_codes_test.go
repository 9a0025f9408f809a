package verify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// contentCase is a predicate that is changed, and the code that it gets.
type contentCase struct {
	name  string
	shape string
	edit  lab.Edit
	code  verify.Code // "" passes
	// want changes the demand.
	want func(*policy.Attestation)
}

// predicate returns an edit that writes a value into the predicate.
func predicate(value any, path ...string) lab.Edit {
	return set(value, append([]string{"predicate"}, path...)...)
}

func without(path ...string) lab.Edit { return drop(append([]string{"predicate"}, path...)...) }

func withScan(change func(*policy.Scan)) func(*policy.Attestation) {
	return func(a *policy.Attestation) {
		changed := *a.Scan
		change(&changed)
		a.Scan = &changed
	}
}

func withTests(names ...string) func(*policy.Attestation) {
	return func(a *policy.Attestation) { a.Tests = &policy.Tests{Passed: names} }
}

func withVSA(levels ...string) func(*policy.Attestation) {
	return func(a *policy.Attestation) {
		changed := *a.VSA
		changed.Levels = levels
		a.VSA = &changed
	}
}

func noAllow(s *policy.Scan)   { s.Allow = nil }
func denyHigh(s *policy.Scan)  { s.Allow, s.Deny = nil, []string{"critical", "high"} }
func denyNone(s *policy.Scan)  { s.Allow, s.Deny = nil, nil }
func denyOther(s *policy.Scan) { s.Allow, s.Deny = nil, []string{"unknown"} }

// rated is a list of one vulnerability with one severity.
func rated(method, score any) []any {
	return []any{map[string]any{"id": "CVE-1", "severity": []any{map[string]any{"method": method, "score": score}}}}
}

const otherPURL = "pkg:oci/widget@sha256%3A" + otherHex

var (
	imagePURL = "pkg:oci/widget@sha256%3A" + imageHex
	late      = soon.Add(time.Hour).Format(time.RFC3339)
)

// about returns one VEX statement about products.
func about(status string, products ...any) map[string]any {
	return map[string]any{
		"vulnerability": map[string]any{"name": "CVE-1"}, "products": append([]any{}, products...), "status": status, "justification": "component_not_present",
	}
}

func product(id string) map[string]any { return map[string]any{"@id": id} }

// timed gives a VEX statement its own time.
func timed(when time.Time, statement map[string]any) map[string]any {
	statement["timestamp"] = when.Format(time.RFC3339)
	return statement
}

func inParts(statement map[string]any, parts ...any) map[string]any {
	for _, p := range statement["products"].([]any) {
		p.(map[string]any)["subcomponents"] = parts
	}
	return statement
}

func contentCases() []contentCase {
	cases := slices.Concat(metadataCases(), scanCases(), vexCases(), vsaCases(), testCases())
	for i := range cases {
		if cases[i].want == nil {
			cases[i].want = func(*policy.Attestation) {}
		}
	}
	return cases
}

func metadataCases() []contentCase {
	const missing, mismatch = verify.AttestationFieldMissing, verify.AttestationFieldMismatch
	m := func(name string, code verify.Code, edit lab.Edit) contentCase {
		return contentCase{name: name, shape: "metadata", code: code, edit: edit}
	}
	repository := "https://github.com/" + lab.DefaultRepo
	return []contentCase{
		m("bare digest", "", predicate(imageHex, "digest")),
		m("another digest", mismatch, predicate(otherDigest, "digest")),
		m("upper-case digest", mismatch, predicate(strings.ToUpper(imageHex), "digest")),
		m("short digest", mismatch, predicate(imageHex[:63], "digest")),
		m("digest in an object", missing, predicate(map[string]any{"sha256": imageHex}, "digest")),
		m("digest in a list", missing, predicate([]any{imageDigest}, "digest")),
		m("no digest", missing, without("digest")),
		m("empty digest", missing, predicate("", "digest")),
		m("null digest", missing, predicate(nil, "digest")),
		m("digest in another case", missing, func(s map[string]any) { without("digest")(s); predicate(imageDigest, "Digest")(s) }),
		m("image with tag", "", predicate(imageName+":1.2.3", "image")),
		m("image with another form of the tag", "", predicate(imageName+":v1.2.3", "image")),
		m("image with tag and digest", "", predicate(imageRef, "image")),
		m("image of another tag", mismatch, predicate(imageName+":1.2.4", "image")),
		m("image latest", mismatch, predicate(imageName+":latest", "image")),
		m("image with another digest", mismatch, predicate(imageName+"@"+otherDigest, "image")),
		m("another image", mismatch, predicate("registry.example/acme/gadget", "image")),
		m("no name", mismatch, predicate("Widget!", "image")),
		m("another version", mismatch, predicate("1.2.4", "version")),
		m("version with v", mismatch, predicate("v1.2.3", "version")),
		m("version as a number", mismatch, predicate(123, "version")),
		m("image's own tag", "", predicate("1.2.3", "tag")),
		m("another tag", mismatch, predicate("v1.2.4", "tag")),
		m("moving tag", mismatch, predicate("latest", "tag")),
		m("repository by owner and name", "", predicate("acme/widget", "source", "repository")),
		m("repository for git", "", predicate("git+"+repository+".git", "source", "repository")),
		m("another repository", mismatch, predicate("acme/gadget", "source", "repository")),
		m("repository of another host", mismatch, predicate("https://evil.example/acme/widget", "source", "repository")),
		m("no source", missing, without("source")),
		m("source is text", missing, predicate("acme/widget", "source")),
		m("another ref", mismatch, predicate("refs/heads/main", "source", "ref")),
		m("another commit", mismatch, predicate(strings.Repeat("0", 40), "source", "commit")),
		m("abbreviated commit", mismatch, predicate(lab.DefaultCommit[:12], "source", "commit")),
		m("workflow's path", "", predicate(lab.DefaultWorkflow, "build", "workflow")),
		m("workflow as GitHub's context", "", predicate("acme/widget/"+lab.DefaultWorkflow+"@"+lab.DefaultRef, "build", "workflow")),
		m("workflow's name", "", predicate("release", "build", "workflow")),
		m("another workflow", mismatch, predicate(".github/workflows/ci.yml", "build", "workflow")),
		m("run's number", "", predicate(987654321, "build", "run")),
		m("run as text", "", predicate(lab.DefaultRunID, "build", "run")),
		m("run without attempt", "", predicate(repository+"/actions/runs/"+lab.DefaultRunID, "build", "run")),
		m("run with attempt", "", predicate(lab.DefaultRunID+"-1", "build", "run")),
		m("another run", mismatch, predicate(1, "build", "run")),
		m("run as a fraction", missing, predicate(1.5, "build", "run")),
		m("time in seconds", "", predicate(then.Unix(), "build", "timestamp")),
		m("time in seconds as text", "", predicate("1748779200", "build", "timestamp")),
		m("time in milliseconds", mismatch, predicate(then.UnixMilli(), "build", "timestamp")),
		m("time after the signature", mismatch, predicate(late, "build", "timestamp")),
		m("time in words", mismatch, predicate("yesterday", "build", "timestamp")),
		m("a list", verify.AttestationMalformed, set([]any{}, "predicate")),
		m("null", verify.AttestationMalformed, set(nil, "predicate")),
		m("text", verify.AttestationMalformed, set("digest", "predicate")),
		m("no predicate", verify.AttestationMalformed, drop("predicate")),
		m("4 MiB", verify.AttestationMalformed, predicate(strings.Repeat("x", 4<<20), "padding")),
	}
}

func scanCases() []contentCase {
	const malformed, unreadable, denied = verify.AttestationMalformed, verify.AttestationScanUnreadable, verify.AttestationSeverityDenied
	in := func(name string, code verify.Code, edit lab.Edit, change func(*policy.Scan)) contentCase {
		c := contentCase{name: name, shape: "scan in-toto 0.2", code: code, edit: edit}
		if change != nil {
			c.want = withScan(change)
		}
		return c
	}
	result := func(v any) lab.Edit { return predicate(v, "scanner", "result") }
	other := func(shape string, c contentCase) contentCase { c.shape = shape; return c }
	trivy := func(v any) lab.Edit { return predicate(v, "scanner", "result", "Results", "1", "Vulnerabilities") }
	return []contentCase{
		in("nothing found", "", result([]any{}), noAllow),
		in("low is denied", denied, nil, noAllow),
		in("CVSS 9.8", denied, result(rated("cvss_v3", "9.8")), denyHigh),
		in("CVSS 7.0", denied, result(rated("nvd", "7.0")), denyHigh),
		in("CVSS 6.9", "", result(rated("nvd", "6.9")), denyHigh),
		in("CVSS 11", unreadable, result(rated("nvd", "11")), denyHigh),
		in("CVSS NaN", unreadable, result(rated("nvd", "NaN")), denyHigh),
		in("CVSS vector", unreadable, result(rated("cvss", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")), denyHigh),
		in("EPSS", unreadable, result(rated("epss", "0.97")), denyHigh),
		in("score is a number", unreadable, result(rated("nvd", 9.8)), denyHigh),
		in("CRITICAL", denied, result(rated("vendor", "CRITICAL")), denyHigh),
		in("important", denied, result(rated("redhat", "Important")), denyHigh),
		in("unknown is denied", denied, result(rated("vendor", "unknown")), denyOther),
		in("unrated is unknown", denied, result([]any{map[string]any{"id": "CVE-1", "severity": []any{}}}), denyOther),
		in("the worst rating counts", denied, result([]any{map[string]any{"id": "CVE-1", "severity": []any{
			map[string]any{"method": "a", "score": "low"}, map[string]any{"method": "b", "score": "critical"},
		}}}), denyHigh),
		in("severity is one object", denied, result([]any{map[string]any{"id": "CVE-1", "severity": map[string]any{"method": "a", "score": "high"}}}), denyHigh),
		in("no severity", unreadable, result([]any{map[string]any{"id": "CVE-1"}}), denyHigh),
		in("no id", unreadable, result([]any{map[string]any{"severity": []any{}}}), denyHigh),
		in("id in another case", unreadable, result([]any{map[string]any{"ID": "CVE-1", "severity": []any{}}}), denyHigh),
		in("severity twice by case", unreadable, result([]any{map[string]any{"id": "CVE-1", "severity": []any{}, "Severity": []any{}}}), denyHigh),
		in("result is null", unreadable, result(nil), denyHigh),
		in("result is text", unreadable, result("passed"), denyHigh),
		in("result is an object", unreadable, result(map[string]any{"matches": []any{}}), denyHigh),
		in("an element is null", unreadable, result([]any{nil}), denyHigh),
		in("the form of 0.1", unreadable, result([]any{map[string]any{"vulnerability": map[string]any{"id": "CVE-1", "severity": []any{}}}}), denyHigh),
		in("no result", unreadable, without("scanner", "result"), denyHigh),
		in("no result, and nothing is denied", "", without("scanner", "result"), denyNone),
		in("no scanner", malformed, without("scanner"), nil),
		in("scanner is a list", malformed, predicate([]any{}, "scanner"), nil),
		in("another scanner", verify.AttestationScannerMismatch, predicate("pkg:github/evil/trivy@0.58.1", "scanner", "uri"), nil),
		in("scanner's name goes on", verify.AttestationScannerMismatch, predicate("pkg:github/aquasecurity/trivy-fork@1", "scanner", "uri"), func(s *policy.Scan) {
			s.Scanners = []string{"pkg:github/aquasecurity/trivy"}
		}),
		in("no scanner's URI", verify.AttestationScannerMismatch, without("scanner", "uri"), nil),
		in("scanner's URI is a number", malformed, predicate(1, "scanner", "uri"), nil),
		in("scanned long ago", verify.AttestationScanTooOld, predicate(today.AddDate(0, 0, -8).Format(time.RFC3339), "metadata", "scanFinishedOn"), nil),
		in("no end", verify.AttestationScanTooOld, without("metadata", "scanFinishedOn"), nil),
		in("no metadata", verify.AttestationScanTooOld, without("metadata"), nil),
		in("cosign's zero time", verify.AttestationScanTooOld, predicate("0001-01-01T00:00:00Z", "metadata", "scanFinishedOn"), nil),
		in("end in words", malformed, predicate("now", "metadata", "scanFinishedOn"), nil),
		in("end is a number", malformed, predicate(then.Unix(), "metadata", "scanFinishedOn"), nil),
		in("end after the signature", verify.AttestationInFuture, predicate(late, "metadata", "scanFinishedOn"), nil),
		in("old database", verify.AttestationDatabaseTooOld, predicate(today.AddDate(0, 0, -4).Format(time.RFC3339), "scanner", "db", "lastUpdate"), nil),
		in("database of no time", verify.AttestationDatabaseTooOld, without("scanner", "db", "lastUpdate"), nil),
		in("no database", verify.AttestationDatabaseTooOld, without("scanner", "db"), nil),
		in("database after the signature", verify.AttestationInFuture, predicate(late, "scanner", "db", "lastUpdate"), nil),

		other("scan in-toto 0.1", in("flat, as its example", "", result(rated("nvd", "low")), denyHigh)),
		other("scan in-toto 0.1", in("flat and critical", denied, result(rated("nvd", "critical")), denyHigh)),
		other("scan in-toto 0.1", in("both forms at once", unreadable, result([]any{map[string]any{
			"id": "CVE-1", "severity": []any{}, "vulnerability": map[string]any{"id": "CVE-2", "severity": []any{}},
		}}), denyHigh)),

		other("scan Trivy", in("Trivy: low is denied", denied, nil, noAllow)),
		other("scan Trivy", in("Trivy: severity in another case", unreadable, trivy([]any{map[string]any{"VulnerabilityID": "CVE-1", "severity": "LOW"}}), denyHigh)),
		other("scan Trivy", in("Trivy: no severity", unreadable, trivy([]any{map[string]any{"VulnerabilityID": "CVE-1"}}), denyHigh)),
		other("scan Trivy", in("Trivy: severity unheard of", unreadable, trivy([]any{map[string]any{"VulnerabilityID": "CVE-1", "Severity": "DIRE"}}), denyHigh)),
		other("scan Trivy", in("Trivy: null is none", "", trivy(nil), denyHigh)),
		other("scan Trivy", in("Trivy: an object", unreadable, trivy(map[string]any{}), denyHigh)),
		other("scan Trivy", in("Trivy: nothing was looked at", unreadable, predicate([]any{}, "scanner", "result", "Results"), denyHigh)),
		other("scan Trivy", in("Trivy: no results", unreadable, without("scanner", "result", "Results"), denyHigh)),
		other("scan Trivy", in("Trivy: secrets alone", unreadable, predicate([]any{map[string]any{"Class": "secret"}}, "scanner", "result", "Results"), denyHigh)),
		other("scan Trivy", in("Trivy: another schema", unreadable, predicate(3, "scanner", "result", "SchemaVersion"), denyHigh)),
		other("scan Trivy", in("a report of nobody's", unreadable, result(map[string]any{"findings": []any{}}), denyHigh)),
		other("scan Trivy", in("a report of both", unreadable, predicate([]any{}, "scanner", "result", "matches"), denyHigh)),
		other("scan Trivy", in("an empty list", unreadable, result([]any{}), denyHigh)),
		other("scan Trivy", in("in-toto form under cosign's type", denied, result(rated("nvd", "9")), denyHigh)),

		other("scan Grype", in("Grype: low is denied", denied, nil, noAllow)),
		other("scan Grype", in("Grype: matches are null", unreadable, predicate(nil, "scanner", "result", "matches"), denyHigh)),
		other("scan Grype", in("Grype: no vulnerability", unreadable, predicate([]any{map[string]any{}}, "scanner", "result", "matches"), denyHigh)),
		other("scan Grype", in("Grype: critical", denied, predicate("Critical", "scanner", "result", "matches", "0", "vulnerability", "severity"), denyHigh)),
		other("scan Grype", in("Grype: old database", verify.AttestationDatabaseTooOld,
			predicate(today.AddDate(0, 0, -4).Format(time.RFC3339), "scanner", "result", "descriptor", "db", "status", "built"), nil)),
		other("scan Grype", in("Grype: database of the fifth schema", "", predicate(map[string]any{"built": then.Format(time.RFC3339)}, "scanner", "result", "descriptor", "db"), nil)),
		other("scan Grype", in("Grype: the older of two databases", verify.AttestationDatabaseTooOld,
			predicate(today.AddDate(0, 0, -4).Format(time.RFC3339), "scanner", "db", "lastUpdate"), nil)),
	}
}

func vexCases() []contentCase {
	const malformed, status, elsewhere = verify.AttestationMalformed, verify.AttestationVEXStatus, verify.AttestationVEXOther
	v := func(name string, code verify.Code, edit lab.Edit) contentCase {
		return contentCase{name: name, shape: "vex 0.2.0", code: code, edit: edit}
	}
	says := func(statements ...any) lab.Edit { return predicate(append([]any{}, statements...), "statements") }
	ours := product(imagePURL)
	day := 24 * time.Hour
	noProducts := func(status string) map[string]any {
		s := about(status)
		delete(s, "products")
		return s
	}
	unjustified := about("not_affected", ours)
	delete(unjustified, "justification")
	return []contentCase{
		v("affected", status, says(about("affected", ours))),
		v("under investigation", status, says(about("under_investigation", ours))),
		v("one of two is affected", status, says(about("fixed", ours), about("affected", ours))),
		v("affected then fixed", "", says(timed(then.Add(-day), about("affected", ours)), timed(then, about("fixed", ours)))),
		v("fixed then affected", status, says(timed(then, about("affected", ours)), timed(then.Add(-day), about("fixed", ours)))),
		v("one part affected, another fixed later", status, says(timed(then.Add(-day), inParts(about("affected", product(imagePURL)), product("pkg:npm/a"))),
			timed(then, inParts(about("fixed", product(imagePURL)), product("pkg:npm/b"))))),
		v("another image is affected", "", says(about("affected", product(otherPURL)), about("fixed", ours))),
		v("another image alone", elsewhere, says(about("fixed", product(otherPURL)))),
		v("wildcard version", elsewhere, says(about("not_affected", product("pkg:oci/widget@*")))),
		v("wildcard name", elsewhere, says(about("not_affected", product("pkg:oci/*")))),
		v("wildcard product", elsewhere, says(about("not_affected", product("*")))),
		v("name alone", elsewhere, says(about("not_affected", product("pkg:oci/widget?repository_url=registry.example%2Facme%2Fwidget")))),
		v("name and tag", elsewhere, says(about("not_affected", product("pkg:oci/widget@1.2.3")))),
		v("name in words", elsewhere, says(about("not_affected", product(imageName)))),
		v("digest of another type of package", elsewhere, says(about("not_affected", product("pkg:generic/widget@sha256%3A"+imageHex)))),
		v("part of the digest", elsewhere, says(about("not_affected", product("pkg:oci/widget@sha256%3A"+imageHex[:63])))),
		v("sha-512 alone", elsewhere, says(about("not_affected", map[string]any{"hashes": map[string]any{"sha-512": imageHex + imageHex}}))),
		v("hash alone", "", says(about("not_affected", map[string]any{"hashes": map[string]any{"sha-256": imageHex}}))),
		v("hash of another", elsewhere, says(about("not_affected", map[string]any{"hashes": map[string]any{"sha-256": otherHex}}))),
		v("identifier alone", "", says(about("not_affected", map[string]any{"identifiers": map[string]any{"purl": imagePURL}}))),
		v("digest not encoded", "", says(about("not_affected", product("pkg:oci/widget@sha256:"+imageHex)))),
		v("affected in another spelling", status, says(about("fixed", ours), about("affected", product("PKG:OCI/widget@sha256%3a"+imageHex)))),
		v("the subject's product", "", says(noProducts("fixed"))),
		v("the subject is affected", status, says(noProducts("affected"))),
		v("no products at all", elsewhere, says(about("fixed"))),
		v("no statements", elsewhere, says()),
		v("statements are null", malformed, predicate(nil, "statements")),
		v("statement is text", malformed, says("fixed")),
		v("products are an object", malformed, says(map[string]any{"vulnerability": "CVE-1", "status": "fixed", "products": map[string]any{}})),
		v("product is a number", malformed, says(about("fixed", 1))),
		v("identifiers are a list", malformed, says(about("fixed", map[string]any{"identifiers": []any{}}))),
		v("unheard of status", malformed, says(about("harmless", ours))),
		v("status in another case", malformed, says(about("Fixed", ours))),
		v("no reason", malformed, says(unjustified)),
		v("no vulnerability", malformed, says(map[string]any{"status": "fixed", "products": []any{ours}})),
		v("no author", malformed, without("author")),
		v("another author", verify.AttestationVEXAuthor, predicate("mallory@evil.example", "author")),
		v("no time", malformed, without("timestamp")),
		v("time in words", malformed, predicate("today", "timestamp")),
		v("time after the signature", verify.AttestationInFuture, predicate(late, "timestamp")),
		v("statement after the signature", verify.AttestationInFuture, says(timed(soon.Add(time.Hour), about("fixed", ours)))),
		v("no context", malformed, without("@context")),
		v("another context", malformed, predicate("https://openvex.dev/ns/v9", "@context")),
		v("statements in another case", malformed, predicate([]any{}, "Statements")),
	}
}

func vsaCases() []contentCase {
	const resource = verify.AttestationResourceMismatch
	v := func(name string, code verify.Code, edit lab.Edit) contentCase {
		return contentCase{name: name, shape: "vsa 1", code: code, edit: edit}
	}
	uri := func(s string) lab.Edit { return predicate(s, "resourceUri") }
	level := func(name string, code verify.Code, found any, wanted ...string) contentCase {
		c := v(name, code, predicate(found, "verifiedLevels"))
		c.want = withVSA(wanted...)
		return c
	}
	const missing = verify.AttestationLevelMissing
	return []contentCase{
		v("another verifier", verify.AttestationVerifierMismatch, predicate(lab.DefaultVerifier+"/", "verifier", "id")),
		v("no verifier", verify.AttestationMalformed, without("verifier")),
		v("verifier is text", verify.AttestationMalformed, predicate(lab.DefaultVerifier, "verifier")),
		v("another policy", verify.AttestationPolicyMismatch, predicate("https://evil.example", "policy", "uri")),
		v("no policy", verify.AttestationMalformed, without("policy")),
		v("failed", verify.AttestationNotPassed, predicate("FAILED", "verificationResult")),
		v("passed in another case", verify.AttestationNotPassed, predicate("passed", "verificationResult")),
		v("passed and failed", verify.AttestationNotPassed, predicate([]any{"SLSA_BUILD_LEVEL_3", "FAILED"}, "verifiedLevels")),
		v("no result", verify.AttestationMalformed, without("verificationResult")),
		v("result is a number", verify.AttestationMalformed, predicate(1, "verificationResult")),
		v("the image's name", "", uri(imageName)),
		v("a URL of the name", "", uri("https://"+imageName)),
		v("the name and tag", "", uri(imageName+":1.2.3")),
		v("the name and digest", "", uri("oci://"+imageName+"@"+imageDigest)),
		v("the name of another digest", resource, uri(imageName+"@"+otherDigest)),
		v("another tag", resource, uri(imageName+":1.2.4")),
		v("another name", resource, uri("registry.example/acme/gadget")),
		v("a name that begins so", resource, uri(imageName+"-evil")),
		v("package of another digest", resource, uri(otherPURL)),
		v("package without registry", "", uri(imagePURL)),
		v("package without registry or digest", resource, uri("pkg:oci/widget")),
		v("package with its registry", "", uri("pkg:oci/widget?repository_url=registry.example/acme")),
		v("package with its repository and tag", "", uri("pkg:oci/widget?repository_url=registry.example/acme/widget&tag=1.2.3")),
		v("package with another tag", resource, uri("pkg:oci/widget?repository_url=registry.example/acme/widget&tag=1.2.4")),
		v("package of another registry", resource, uri(imagePURL+"?repository_url=evil.example/acme/widget")),
		v("package of another name", resource, uri("pkg:oci/gadget@sha256%3A"+imageHex+"?repository_url=registry.example/acme/widget")),
		v("verified after the signature", verify.AttestationInFuture, predicate(late, "timeVerified")),
		v("verified at no time", "", without("timeVerified")),
		v("verified in words", verify.AttestationMalformed, predicate("now", "timeVerified")),
		level("a higher level", "", []any{"SLSA_BUILD_LEVEL_3"}, "SLSA_BUILD_LEVEL_1"),
		level("a lower level", missing, []any{"SLSA_BUILD_LEVEL_2"}, "SLSA_BUILD_LEVEL_3"),
		level("another track", missing, []any{"SLSA_SOURCE_LEVEL_3"}, "SLSA_BUILD_LEVEL_2"),
		level("one of two", missing, []any{"SLSA_BUILD_LEVEL_3"}, "SLSA_BUILD_LEVEL_3", "ACME_REVIEWED"),
		level("a level of one's own", "", []any{"ACME_REVIEWED"}, "ACME_REVIEWED"),
		level("a level of one's own is no ladder", missing, []any{"ACME_LEVEL_3"}, "ACME_LEVEL_2"),
		level("level ten", missing, []any{"SLSA_BUILD_LEVEL_10"}, "SLSA_BUILD_LEVEL_1"),
		level("no levels", missing, []any{}, "SLSA_BUILD_LEVEL_1"),
		level("levels are text", verify.AttestationMalformed, "SLSA_BUILD_LEVEL_3", "SLSA_BUILD_LEVEL_3"),
		level("a level is null", verify.AttestationMalformed, []any{nil}, "SLSA_BUILD_LEVEL_3"),
		{name: "0.2 by the names of 1", shape: "vsa 0.2", code: verify.AttestationMalformed, edit: func(s map[string]any) {
			without("verification_result")(s)
			predicate("PASSED", "verificationResult")(s)
		}},
		{name: "0.2 of a lower level", shape: "vsa 0.2", code: missing, edit: predicate("SLSA_LEVEL_2", "policy_level")},
		{name: "0.2 without a level", shape: "vsa 0.2", code: missing, edit: without("policy_level")},
	}
}

func testCases() []contentCase {
	const failed, missing = verify.AttestationTestsFailed, verify.AttestationTestsMissing
	v := func(name string, code verify.Code, edit lab.Edit, names ...string) contentCase {
		return contentCase{name: name, shape: "tests", code: code, edit: edit, want: withTests(names...)}
	}
	both := func(result, key string, names ...any) lab.Edit {
		return func(s map[string]any) { predicate(result, "result")(s); predicate(names, key)(s) }
	}
	return []contentCase{
		v("all passed", "", nil),
		v("failed", failed, predicate("FAILED", "result")),
		v("warned", failed, predicate("WARNED", "result")),
		v("passed with failures", failed, predicate([]any{"e2e"}, "failedTests")),
		v("another one failed", "", both("FAILED", "failedTests", "e2e"), "unit"),
		v("it failed", failed, both("FAILED", "failedTests", "unit"), "unit"),
		v("it passed and failed", failed, predicate([]any{"unit"}, "failedTests"), "integration", "unit"),
		v("it warned", missing, both("WARNED", "warnedTests", "lint"), "lint"),
		v("passed with a warning", missing, both("WARNED", "warnedTests", "unit"), "unit"),
		v("not run", missing, nil, "unit", "e2e"),
		v("in another case", missing, nil, "Unit"),
		v("no list", missing, without("passedTests"), "unit"),
		v("no result", verify.AttestationMalformed, without("result"), "unit"),
		v("unheard of result", verify.AttestationMalformed, predicate("SKIPPED", "result"), "unit"),
		v("passed in another case", verify.AttestationMalformed, predicate("passed", "result")),
		v("list is text", verify.AttestationMalformed, predicate("unit", "passedTests"), "unit"),
		v("list is null", verify.AttestationMalformed, predicate(nil, "failedTests")),
		v("name is a number", verify.AttestationMalformed, predicate([]any{1}, "passedTests"), "unit"),
		v("list in another case", verify.AttestationMalformed, predicate([]any{"unit"}, "FailedTests"), "unit"),
	}
}

// TestContent changes what each shape's predicate says.
func TestContent(t *testing.T) {
	s := newStage(lab.Options{})
	for _, c := range contentCases() {
		t.Run(c.shape+" "+c.name, func(t *testing.T) {
			shape := shapeOf(t, c.shape)
			want := shape.want
			c.want(&want)
			v := s.attest(t, want, s.attestation(shape.make(c.edit)))
			if c.code == "" {
				wantPass(t, v)
				return
			}
			wantFail(t, v, attested, c.code)
			f := finding(t, v, attested)
			if d := f.Found[0].Difference; d == nil || d.Field == "" || d.Wanted == "" || f.Next == "" || f.Message == "" {
				t.Errorf("the refusal does not say what was wanted: %+v, next %q", d, f.Next)
			}
		})
	}
}
