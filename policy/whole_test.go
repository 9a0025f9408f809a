package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// one is the only rule of a policy with these lines before it and these fields in it.
func one(t *testing.T, lines, fields string) policy.Rule {
	t.Helper()
	return parse(t, head+lines+"images: [{match: ghcr.io/o/n, source: {repository: o/n}, provenance: {builder: {level: 1}}"+fields+"}]\n").Rules[0]
}

// The stricter of a policy's and a rule's mode is the rule's.
func TestMode(t *testing.T) {
	const june, july = "{audit: {until: 2026-06-01}}", "{audit: {until: 2026-07-01}}"
	for _, c := range []struct {
		policy, rule string
		audit        bool
		until        time.Time
	}{
		{"", "", false, time.Time{}},
		{"enforce", "", false, time.Time{}},
		{"", "enforce", false, time.Time{}},
		{june, "", true, date(2026, 6, 1)},
		{"", june, true, date(2026, 6, 1)},
		{june, "enforce", false, time.Time{}},
		{"enforce", june, false, time.Time{}},
		{june, july, true, date(2026, 6, 1)},
		{july, june, true, date(2026, 6, 1)},
	} {
		top, own := "", ""
		if c.policy != "" {
			top = "mode: " + c.policy + "\n"
		}
		if c.rule != "" {
			own = ", mode: " + c.rule
		}
		r := one(t, top, own)
		equal(t, "audit of "+c.policy+" and "+c.rule, r.Audit, c.audit)
		equal(t, "the end of "+c.policy+" and "+c.rule, r.AuditUntil, c.until)
	}
	// The mode may stand below the rules.
	p := parse(t, head+tail+"mode: "+june+"\nexpires: 2027-01-01\n")
	equal(t, "the policy's", p.Audit && p.Rules[0].Audit, true)
	equal(t, "the policy's end", p.AuditUntil, date(2026, 6, 1))
	equal(t, "expires", p.Expires, date(2027, 1, 1))
}

// The stricter of a policy's and a rule's grace is the rule's.
func TestGrace(t *testing.T) {
	const short, long = "{undecided: 6h}", "{undecided: 3d}"
	for _, c := range []struct {
		policy, rule string
		want         time.Duration
	}{
		{"", "", 0},
		{long, "", 72 * time.Hour},
		{"", long, 72 * time.Hour},
		{long, short, 6 * time.Hour},
		{short, long, 6 * time.Hour},
		{long, "off", 0},
		{"off", long, 0},
		{"off", "", 0},
		{"{undecided: 14d}", "", 14 * 24 * time.Hour},
	} {
		top, own := "", ""
		if c.policy != "" {
			top = "grace: " + c.policy + "\n"
		}
		if c.rule != "" {
			own = ", grace: " + c.rule
		}
		equal(t, "grace of "+c.policy+" and "+c.rule, one(t, top, own).Grace, c.want)
	}
	p := parse(t, head+tail+"grace: "+long+"\n")
	equal(t, "the policy's", p.Grace, 72*time.Hour)
	resolved, ok := p.Rule("ghcr.io/o/n")
	equal(t, "that of the rule that is found", ok && resolved.Grace == 72*time.Hour, true)
}

func TestRequires(t *testing.T) {
	p := parse(t, head+"requires: \">= 0.5.0\"\n"+tail)
	equal(t, "requires", p.Requires, "0.5.0")
	equal(t, "of a text with other faults", policy.RequiredVersion([]byte("requires: \">= 0.9.1\"\nimages: 1\n")), "0.9.1")
	for _, text := range []string{"", "[", "- a", "requires: 1", "a: b", "requires: {a: b}"} {
		equal(t, "of "+text, policy.RequiredVersion([]byte(text)), "")
	}
	for version, want := range map[string]string{
		"0.5.0": "", "0.10.0": "", "v1.0.0": "", "0.5.0+build": "",
		"0.4.9":     "the policy requires assay 0.5.0 or newer, and this is 0.4.9; wanted a newer assay",
		"0.5.0-rc1": "the policy requires assay 0.5.0 or newer, and this is 0.5.0-rc1; wanted a newer assay",
	} {
		doubt, err := p.CheckVersion(version)
		equal(t, "doubt about "+version, doubt, "")
		equal(t, version, strings.Join(lines(err), "\n"), want)
	}
	for _, version := range []string{"dev", "", "(devel)"} {
		doubt, err := p.CheckVersion(version)
		equal(t, version, err, nil)
		equal(t, "doubt about "+version, doubt, "the policy requires assay 0.5.0 or newer, which a development build ("+version+") is taken for")
	}
	doubt, err := parse(t, head+tail).CheckVersion("dev")
	equal(t, "no requirement", doubt == "" && err == nil, true)
}

func TestDeny(t *testing.T) {
	d := parse(t, head+`deny:
  digests: ["`+digest+`", {digest: "sha256:`+strings.Repeat("b", 64)+`", reason: stolen}]
  versions: [{match: ghcr.io/o/*, version: 1.2.3, reason: broken}]
  signed: [{issuer: "https://x", identity: "https://github.com/o/n/**@**", from: 2026-01-01, until: 2026-01-08, reason: taken over}, {identity: a}]
`+tail).Deny
	equal(t, "digests", d.Digests, []string{digest, "sha256:" + strings.Repeat("b", 64)})
	equal(t, "reason", d.Reasons[d.Digests[1]], "stolen")
	equal(t, "version", d.Versions[0].Match.String()+" "+d.Versions[0].Version+" "+d.Versions[0].Reason, "ghcr.io/o/* 1.2.3 broken")
	equal(t, "signed", len(d.Signed), 2)
	equal(t, "signer", d.Signed[0].Issuer+" "+d.Signed[0].Identity.String()+" "+d.Signed[0].Reason, "https://x https://github.com/o/n/**@** taken over")
	equal(t, "window", d.Signed[0].Window, policy.Window{From: date(2026, 1, 1), Until: date(2026, 1, 8)})
}

// After parsing, every rule says plainly what it demands.
func TestConsistencyDefault(t *testing.T) {
	const signed = ", signature: {signer: {key: {file: k, sha256: " + sha + "}}}"
	claims := policy.StoryClaims()
	for _, c := range []struct {
		fields string
		want   *policy.Consistency
	}{
		{"", nil},
		{signed, &policy.Consistency{Claims: claims}},
		{signed + ", consistency: off", nil},
		{", consistency: {labels: true}", &policy.Consistency{Claims: claims, Labels: true}},
		{signed + ", consistency: {claims: [commit, run], required: [run]}", &policy.Consistency{Claims: []string{"commit", "run"}, Required: []string{"run"}}},
	} {
		equal(t, "consistency of "+c.fields, one(t, "", c.fields).Consistency, c.want)
	}
}

func TestWhole(t *testing.T) {
	r := one(t, "", ", platforms: {require: [linux/amd64], only: [linux/amd64, linux/arm/v7]}, freshness: {max_age: 1d12h, listed: true}")
	equal(t, "platforms", *r.Platforms, policy.Platforms{Require: []string{"linux/amd64"}, Only: []string{"linux/amd64", "linux/arm/v7"}})
	equal(t, "freshness", *r.Freshness, policy.Freshness{MaxAge: 36 * time.Hour, Listed: true})
	r = one(t, "", "")
	equal(t, "nothing by default", r.Platforms == nil && r.Freshness == nil, true)
}

func TestExceptions(t *testing.T) {
	text := "apiVersion: assay/v1\nkind: Exceptions\nexceptions:\n  - {digest: \"" + digest + "\", checks: [sbom, attestations.scan], reason: late scan, approver: alice, expires: 2026-12-01}\n"
	e, err := policy.ParseExceptions("e.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "digest", e.Digest, "sha256:"+sum(text))
	equal(t, "list", e.List, []policy.Exception{{
		Digest: digest, Checks: []string{"sbom", "attestations.scan"}, Reason: "late scan", Approver: "alice", Expires: date(2026, 12, 1),
	}})
	e, err = policy.ParseExceptions("e.yaml", []byte("apiVersion: assay/v1\nkind: Exceptions\nexceptions: []\n"))
	equal(t, "an empty list", err == nil && len(e.List) == 0, true)
}

// A list of what is refused may wait to be needed, as the example of the design has it.
func TestEmptyDeny(t *testing.T) {
	p, err := policy.Parse("p.yaml", []byte(head+"deny: {digests: [], versions: [], signed: []}\n"+tail))
	if err != nil || !p.Deny.IsZero() {
		t.Errorf("%v, %v", p, err)
	}
}
