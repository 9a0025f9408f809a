package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// sbomOf is a signed bill of materials.
func sbomOf(evidence string) verify.Candidate {
	c := signature(evidence, claims(acme, "release.yml"))
	c.Layout, c.Type, c.Met = verify.Bundle, "https://cyclonedx.org/bom", number(0)
	c.Document = &verify.VerdictDocument{Format: "CycloneDX", Version: "1.6", Components: 412}
	return c
}

// metadata is an attestation of the user's own type.
func metadataOf(evidence string) verify.Candidate {
	c := signature(evidence, claims(acme, "release.yml"))
	c.Layout, c.Type, c.Met = verify.LegacyAttestation, acme+"/release-metadata", number(0)
	return c
}

// claimed is one line of the table: who says what; a value that begins with ? is a hint.
func claimed(name string, compared, agree bool, said ...string) verify.VerdictClaim {
	c := verify.VerdictClaim{Claim: name, Compared: compared, Agree: agree}
	for i := 0; i < len(said); i += 2 {
		text, hint := strings.CutPrefix(said[i+1], "?")
		c.Sources = append(c.Sources, verify.VerdictValue{Source: said[i], Value: text, Hint: hint})
	}
	return c
}

const (
	byCert = "signature certificate"
	byProv = "provenance"
	bySBOM = "sbom"
	byMeta = "attestations.release-metadata"
	byTUF  = "release manifest"
)

func story() []verify.VerdictClaim {
	commit := strings.Repeat("c0ffee00", 5)
	return []verify.VerdictClaim{
		claimed("image", true, true, byCert, "ghcr.io/acme/app", byProv, "ghcr.io/acme/app", byMeta, "", byTUF, "ghcr.io/acme/app"),
		claimed("digest", true, true, byCert, sha("ab"), byProv, sha("ab"), bySBOM, sha("ab"), byMeta, sha("ab"), byTUF, sha("ab")),
		claimed("version", true, true, "tag", "1.4.0", byCert, "1.4.0", byProv, "1.4.0", byMeta, "1.4.0", byTUF, "1.4.0", "label", "?1.4"),
		claimed("repository", true, true, byCert, acme, byProv, acme, bySBOM, "", "label", "?"+acme),
		claimed("repository_id", true, true, byCert, "81723", byProv, "81723"),
		claimed("ref", true, true, byCert, "refs/tags/v1.4.0", byProv, "refs/tags/v1.4.0", byMeta, "refs/tags/v1.4.0"),
		claimed("commit", true, true, byCert, commit, byProv, commit, bySBOM, "", byMeta, commit, byTUF, commit),
		claimed("run", false, false, byCert, acme+"/actions/runs/101/attempts/1", byProv, acme+"/actions/runs/102/attempts/1"),
		claimed("builder", false, false, byProv, generator+"@v2.1.0"),
	}
}

func children() []verify.VerdictChild {
	at := func(signature, sbom string) map[string]string {
		return map[string]string{"signature": signature, "provenance": "index", "sbom": sbom, "attestations.release-metadata": "index"}
	}
	return []verify.VerdictChild{
		{Digest: sha("a1"), Platform: "linux/amd64", Role: "image", Evidence: at("index", "platform")},
		{Digest: sha("a2"), Platform: "linux/arm64", Role: "image", Evidence: at("index", "platform")},
		{Digest: sha("a3"), Platform: "linux/arm/v7", Role: "image", Evidence: at("index", "platform")},
		{Digest: sha("a4"), Platform: "unknown/unknown", Role: "attestation-manifest"},
		{Digest: sha("a5"), Platform: "unknown/unknown", Role: "attestation-manifest"},
	}
}

// complete is a pass of a policy that demands everything.
func complete() verify.Verdict {
	v := passing()
	v.Policy = verify.VerdictPolicy{Name: "acme releases", Digest: sha("b1"), Rule: "ghcr.io/acme/*"}
	v.ValidUntil = at(72 * time.Hour)
	v.Notices = []verify.Notice{{Code: "policy.expires_soon", Message: "the policy expires in ten days", Until: at(240 * time.Hour)}}
	list := func(id string, found ...verify.Candidate) verify.Finding {
		return verify.Finding{ID: id, Required: true, Result: verify.Passed, Wanted: []map[string]string{demand()}, Found: found}
	}
	amd, arm := sbomOf(sha("56")), sbomOf(sha("57"))
	amd.About, amd.Platform, arm.About, arm.Platform = sha("a1"), "linux/amd64", sha("a2"), "linux/arm64"
	release := released().Checks[2]
	release.Notice, release.Message, release.Release.Lagging = "", "", nil
	v.Checks = append(v.Checks,
		list("sbom", amd, arm), list("attestations.release-metadata", metadataOf(sha("58"))), release,
		verify.Finding{ID: "platforms", Required: true, Result: verify.Passed, Platforms: &verify.VerdictPlatforms{Index: sha("ab"), Children: children()}},
		verify.Finding{ID: "consistency", Required: true, Result: verify.Passed, Story: story()},
		verify.Finding{ID: "freshness", Required: true, Result: verify.Passed},
	)
	return v
}

// of returns the finding of one check.
func of(v *verify.Verdict, id string) *verify.Finding {
	for i := range v.Checks {
		if v.Checks[i].ID == id {
			return &v.Checks[i]
		}
	}
	panic("there is no check " + id)
}

// disagreement is made of the signature of one release and the bill of another.
func disagreement() verify.Verdict {
	v := complete()
	v.Verdict, v.ValidUntil, v.Notices = verify.Fail, nil, nil
	f := of(&v, "consistency")
	f.Result, f.Code = verify.Failed, "consistency.commit_mismatch"
	f.Message = "the sources do not agree on commit"
	f.Next = "find out which build each piece of evidence is of; run none of them before"
	f.Story = story()
	f.Story[6] = claimed("commit", true, false, byCert, strings.Repeat("c0ffee00", 5), byProv, strings.Repeat("c0ffee00", 5), bySBOM, strings.Repeat("deadbeef", 5), byMeta, strings.Repeat("c0ffee00", 5), byTUF, "")
	f.Story[2] = claimed("version", true, false, "tag", "", byCert, "1.4.0")
	return v
}

// platformLacks has an index to which somebody added an image.
func platformLacks() verify.Verdict {
	v := complete()
	v.Verdict, v.ValidUntil, v.Notices = verify.Fail, nil, nil
	f := of(&v, "platforms")
	f.Result, f.Code = verify.Failed, "platforms.evidence_missing"
	f.Message = "linux/riscv64 sha256:a6a6a6a6a6a6 has no sbom"
	f.Next = "attest every platform, or attest the index and demand evidence on: index"
	more := children()
	more[1].Evidence["sbom"] = "sbom.subject_mismatch"
	f.Platforms.Children = append(more,
		verify.VerdictChild{Digest: sha("a6"), Platform: "linux/riscv64", Role: "image", Evidence: map[string]string{
			"signature": "index", "provenance": "index", "sbom": "sbom.missing", "attestations.release-metadata": "attestation.missing",
		}},
		verify.VerdictChild{Digest: sha("a7"), Role: "index", Evidence: map[string]string{"signature": "registry.rate_limited"}},
	)
	return v
}

// sbomRules breaks thirty rules over a bill of materials, and more that are not listed.
func sbomRules() verify.Verdict {
	v := complete()
	v.Verdict, v.ValidUntil, v.Notices = verify.Fail, nil, nil
	f := of(&v, "sbom")
	f.Result, f.Code = verify.Failed, "sbom.license_denied"
	f.Message = "the components is with denied licences; wanted none of GPL-3.0*"
	f.Next = "replace the components, or allow what they are under"
	for i := range 30 {
		f.Violations = append(f.Violations, verify.Violation{
			Rule: "deny_licenses", Component: fmt.Sprintf("pkg:npm/left-pad-%d@1.%d.0", i, i), Path: fmt.Sprintf("/components/%d/licenses/0", i), Problem: "GPL-3.0-only is denied by GPL-3.0*",
		})
	}
	f.Violations = append(f.Violations, verify.Violation{Rule: "deny_licenses", Problem: "and 170 more"})
	c := &f.Found[0]
	c.Met, c.Code = nil, f.Code
	c.Difference = &verify.Difference{Field: "licences", Wanted: "none of GPL-3.0*", Found: "200 components with GPL-3.0-only"}
	f.Found = f.Found[:1]
	return v
}

// undecidedContent could not read the referrers, so that two checks are open and the
// others wait for them.
func undecidedContent() verify.Verdict {
	v := complete()
	v.Verdict, v.Conclusive, v.ValidUntil, v.Notices = verify.Fail, false, nil, nil
	for _, id := range []string{"sbom", "attestations.release-metadata"} {
		f := of(&v, id)
		f.Result, f.Code, f.Class, f.Found = verify.Errored, verify.RegistryTimeout, verify.Transient, nil
		f.Message, f.Next = "the evidence could not be read completely, so nothing is decided", "ask again, or give it longer with --timeout"
	}
	for _, id := range []string{"platforms", "consistency"} {
		f := of(&v, id)
		f.Result, f.Code, f.Class, f.Platforms, f.Story = verify.Errored, verify.RegistryTimeout, verify.Transient, nil, nil
		f.Message = "it rests on checks that could not be decided"
	}
	v.Run.Failed = []verify.FailedFetch{{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "ghcr.io/acme/app referrers of " + sha("ab"), Detail: "GET referrers: no answer within 10s"}}
	return v
}

// excepted is excused for a week, under a policy that is not enforced yet.
func excepted() verify.Verdict {
	v := sbomRules()
	v.Enforced, v.EnforcedFrom = yes(false), at(300*time.Hour)
	v.Exception = &verify.VerdictException{
		Checks: []string{"sbom"}, Reason: "the licence of left-pad is being cleared, see LEGAL-1234", Approver: "carol@acme.example",
		Expires: *at(7 * 24 * time.Hour), Digest: sha("e0"),
	}
	v.Notices = []verify.Notice{
		{Code: "policy.audit_ends", Message: "audit mode ends soon, and refusals are enforced from then on", Until: at(300 * time.Hour)},
		{Code: "policy.exception_expires_soon", Message: "the exception ends in seven days", Until: at(7 * 24 * time.Hour)},
	}
	return v
}

// warned passes with a bill of materials that its schema does not accept.
func warned() verify.Verdict {
	v := complete()
	f := of(&v, "sbom")
	f.Notice, f.Message = "sbom.schema_warned", "the document is not valid by its specification's schema; the policy has schema: warn"
	f.Violations = []verify.Violation{{Rule: "schema", Path: "/components/3/type", Problem: "found \"libary\"; wanted one of application, framework, library"}}
	return v
}

// longValues has two hundred characters wherever somebody else writes.
func longValues() verify.Verdict {
	v := disagreement()
	long := func(s string) string { return s + strings.Repeat("0123456789", 20) }
	for i := range v.Checks {
		for j := range v.Checks[i].Found {
			c := &v.Checks[i].Found[j]
			c.Type = long(c.Type)
			if c.Builder != "" {
				c.Builder = long(c.Builder)
			}
			if c.Claims != nil {
				copied := *c.Claims
				copied.Identity = long("https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v")
				c.Claims = &copied
			}
		}
	}
	f := of(&v, "consistency")
	for i := range f.Story {
		for j := range f.Story[i].Sources {
			if s := &f.Story[i].Sources[j]; s.Value != "" {
				s.Value = long(s.Value)
			}
		}
	}
	p := of(&v, "platforms").Platforms
	for i := range p.Children {
		p.Children[i].Platform = long(p.Children[i].Platform)
	}
	of(&v, "attestations.release-metadata").ID = "attestations." + long("m")
	return v
}

// hostileContent has an attack in every string of a verdict with all that there can be.
func hostileContent() verify.Verdict {
	v := excepted()
	bad, lacking := disagreement(), platformLacks()
	*of(&v, "consistency"), *of(&v, "platforms") = *of(&bad, "consistency"), *of(&lacking, "platforms")
	return poisoned(v)
}
