package verify_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// attestationYAML is a demand as a policy writes it; more are further lines of it.
func attestationYAML(t testing.TB, kind string, more ...string) *policy.Policy {
	t.Helper()
	lines := append([]string{"source: " + sourceYAML, "attestations:", "  it:", "    type: " + kind, "    signer: " + signerYAML}, more...)
	return policyOf(t, lines...)
}

// TestAttestationAuthenticity reaches the codes of who signed what, where and when.
func TestAttestationAuthenticity(t *testing.T) {
	s := newStage(lab.Options{})
	c := shapeOf(t, "tests")
	good := c.make()
	bounded := func(d policy.Demand) policy.Attestation {
		want := c.want
		want.Demand = d
		return want
	}
	elsewhere := must(lab.TestResult(imageName, otherDigest))
	corrupt := s.attestation(good)
	corrupt.Bytes = slices.Clone(corrupt.Bytes[:len(corrupt.Bytes)/2])
	key := must(s.NewKeySigner())
	other := lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, ".github/workflows/evil.yml")
	for name, x := range map[string]struct {
		want  policy.Attestation
		piece verify.Piece
		code  verify.Code
	}{
		"malformed":               {c.want, corrupt, verify.AttestationMalformed},
		"invalid":                 {c.want, bundleBy(s.issue(workflow()), good, lab.FalsePromise(), lab.FalseProof()), verify.AttestationInvalid},
		"another digest":          {c.want, s.attestation(elsewhere), verify.AttestationSubjectMismatch},
		"a plain key":             {c.want, bundleBy(key, good), verify.AttestationKeySigned},
		"a file's bundle":         {c.want, bundleBy(s.issue(workflow()), good, lab.MessageSignature()), verify.AttestationUnsupported},
		"another workflow":        {c.want, bundleBy(s.issue(other), good), verify.AttestationIdentityMismatch},
		"another repository's id": {c.want, bundleBy(s.issue(workflow().WithIDs("9", "2002")), good), verify.AttestationSourceMismatch},
		"signed long ago":         {bounded(policy.Demand{MaxAge: time.Hour}), s.attestation(good), verify.AttestationTooOld},
	} {
		t.Run(name, func(t *testing.T) { wantFail(t, s.attest(t, x.want, x.piece), attested, x.code) })
	}
	t.Run("nothing", func(t *testing.T) { wantFail(t, s.attest(t, c.want), attested, verify.AttestationMissing) })
	t.Run("the signature alone", func(t *testing.T) {
		wantFail(t, s.attest(t, c.want, s.signature()), attested, verify.AttestationMissing)
	})

	change := func(name string, code verify.Code, edit func(*policy.Policy), at time.Time) {
		t.Run(name, func(t *testing.T) {
			p, o := attesting(t, c.want), options()
			edit(p)
			if !at.IsZero() {
				o.At = at
			}
			wantFail(t, s.judge(t, p, imageRef, o, s.attestation(good)), attested, code)
		})
	}
	signer := func(p *policy.Policy) *policy.Signer { return &p.Rules[0].Attestations[0].Signers[0] }
	change("another trigger", verify.AttestationClaimMismatch, func(p *policy.Policy) { signer(p).Trigger = []string{"schedule"} }, time.Time{})
	change("outside the window", verify.AttestationOutsideWindow, func(p *policy.Policy) { signer(p).Signed.From = today }, time.Time{})
	change("before it was signed", verify.AttestationInFuture, func(*policy.Policy) {}, then.AddDate(0, 0, -1))
	t.Run("a claim that the certificate lacks", func(t *testing.T) {
		old := workflow()
		old.OnlyDeprecated = true
		wantFail(t, s.attest(t, c.want, bundleBy(s.issue(old), good)), attested, verify.AttestationClaimMissing)
	})
}

// TestMetadataOfAKey wants metadata compared with a certificate, never with nothing.
func TestMetadataOfAKey(t *testing.T) {
	s := newStage(lab.Options{})
	key, named := s.keySigner()
	for field, code := range map[string]verify.Code{"digest": "", "source.commit": verify.AttestationClaimMissing} {
		p := attesting(t, policy.Attestation{Type: lab.MetadataPredicateType, Metadata: &policy.Metadata{Digest: field}})
		a := &p.Rules[0].Attestations[0]
		if code != "" {
			a.Metadata = &policy.Metadata{Commit: field}
		}
		a.Signers, a.Sources = []policy.Signer{{Key: &policy.Key{File: "key.pub", SHA256: named}}}, nil
		v := s.judge(t, p, imageRef, options(), bundleBy(key, shapeOf(t, "metadata").make()))
		if code == "" {
			wantPass(t, v)
		} else {
			wantFail(t, v, attested, code)
		}
	}
}

// TestMetadataWithoutVersion wants no version to be compared with none.
func TestMetadataWithoutVersion(t *testing.T) {
	s := newStage(lab.Options{})
	c := shapeOf(t, "metadata")
	for name, m := range map[string]*policy.Metadata{"version": {Version: "version"}, "tag": {Tag: "tag"}} {
		t.Run(name, func(t *testing.T) {
			p := attesting(t, policy.Attestation{Type: c.want.Type, Metadata: m})
			ref := pattern("refs/tags/**")
			a := &p.Rules[0].Attestations[0]
			a.Sources[0].Ref = []policy.Pattern{ref}
			v := s.judge(t, p, imageName+"@"+imageDigest, options(), s.attestation(c.make()))
			wantFail(t, v, attested, verify.PolicyNoVersion)
		})
	}
}

// TestAttestationRules evaluates rules of the policy over a predicate.
func TestAttestationRules(t *testing.T) {
	s := newStage(lab.Options{})
	piece := s.attestation(shapeOf(t, "metadata").make())
	for name, x := range map[string]struct {
		rule string
		code verify.Code
	}{
		"holds":               {"predicate.source.commit == source.commit && predicate.version == version && image.digest == predicate.digest", ""},
		"does not hold":       {"predicate.source.commit == image.digest", verify.AttestationRuleViolated},
		"speaks of nothing":   {"predicate.absent == ''", verify.AttestationRuleFailed},
		"is not about values": {"predicate.version > 3", verify.AttestationRuleFailed},
	} {
		t.Run(name, func(t *testing.T) {
			p := attestationYAML(t, lab.MetadataPredicateType, "    rules: [{name: first, expr: 'predicate.version == version'}, {name: it, expr: \""+x.rule+"\"}]")
			v := s.judge(t, p, imageRef, options(), piece)
			if x.code == "" {
				wantPass(t, v)
				return
			}
			wantFail(t, v, attested, x.code)
			if f := finding(t, v, attested); len(f.Violations) != 1 || f.Violations[0].Rule != "it" || f.Wanted[0]["rule it"] != x.rule {
				t.Errorf("violations %+v, wanted %v", f.Violations, f.Wanted)
			}
		})
	}
	t.Run("that nobody compiled", func(t *testing.T) {
		want := policy.Attestation{Type: lab.MetadataPredicateType, Rules: []policy.Expression{{Name: "it", Source: "true"}}}
		wantFail(t, s.attest(t, want, piece), attested, verify.AttestationRuleFailed)
	})
	t.Run("the shape comes first", func(t *testing.T) {
		p := attestationYAML(t, lab.MetadataPredicateType, "    metadata: {digest: version}", "    rules: [{name: it, expr: 'predicate.version != version'}]")
		wantFail(t, s.judge(t, p, imageRef, options(), piece), attested, verify.AttestationFieldMismatch)
	})
}

// TestShapesAsYAML passes the demands that a person writes.
func TestShapesAsYAML(t *testing.T) {
	s := newStage(lab.Options{})
	for shape, lines := range map[string][]string{
		"metadata":         {"metadata: {digest: digest, commit: source.commit, tag: tag, time: build.timestamp}"},
		"scan in-toto 0.2": {"max_age: 7d", "scan: {scanners: ['pkg:github/aquasecurity/trivy'], max_age: 7d, database_age: 3d, deny: [critical, high], allow: [CVE-2024-1]}"},
		"scan Trivy":       {"max_age: 7d", "scan: {deny: [critical, high, low], allow: [CVE-2025-1000]}"},
		"vex 0.2.0":        {"max_age: 90d", "vex: {statuses: [not_affected, fixed], authors: [security@acme.example]}"},
		"vsa 1":            {"vsa: {verifier: 'https://verifier.example/releases', policy: 'https://verifier.example/policies/widget', levels: [SLSA_BUILD_LEVEL_3]}"},
		"vsa 0.2":          {"vsa: {verifier: 'https://verifier.example/releases', levels: [SLSA_LEVEL_2]}"},
		"tests":            {"tests: {passed: [unit]}"},
	} {
		t.Run(shape, func(t *testing.T) {
			c := shapeOf(t, shape)
			var more []string
			for _, l := range lines {
				more = append(more, "    "+l)
			}
			v := s.judge(t, attestationYAML(t, c.want.Type, more...), imageRef, options(), s.attestation(c.make()))
			wantPass(t, v)
			if want := "cosign verify-attestation --type " + c.want.Type; !strings.HasPrefix(finding(t, v, attested).Reproduce, want) {
				t.Errorf("reproduce: %s; wanted %s …", finding(t, v, attested).Reproduce, want)
			}
		})
	}
}

// TestScanValidUntil wants a pass to say when the scan will be too old.
func TestScanValidUntil(t *testing.T) {
	s := newStage(lab.Options{})
	c := shapeOf(t, "scan in-toto 0.2")
	v := s.attest(t, c.want, s.attestation(c.make()))
	wantPass(t, v)
	if want := then.Add(-6 * time.Hour).Add(c.want.Scan.DatabaseAge); v.ValidUntil == nil || !v.ValidUntil.Equal(want) {
		t.Errorf("valid until %v; wanted %v", v.ValidUntil, want)
	}
	o := options()
	o.At = v.ValidUntil.Add(time.Second)
	wantFail(t, s.judge(t, attesting(t, c.want), imageRef, o, s.attestation(c.make())), attested, verify.AttestationDatabaseTooOld)
}

// TestSeveralAttestations selects among statements of one type.
func TestSeveralAttestations(t *testing.T) {
	s := newStage(lab.Options{})
	c := shapeOf(t, "tests")
	signedAt := func(at time.Time, edits ...lab.Edit) verify.Piece {
		signer := must(s.Issue(workflow(), at))
		return fromBundle(must(signer.Bundle(c.make(edits...), at.Add(time.Minute))))
	}
	failed := predicate([]any{"unit"}, "failedTests")
	early, lately := signedAt(then.Add(-time.Hour)), signedAt(then)
	badEarly, badLately := signedAt(then.Add(-time.Hour), failed), signedAt(then, failed)
	demand := func(sel policy.Select) policy.Attestation {
		want := c.want
		want.Select, want.MaxAge = sel, 30*24*time.Hour
		return want
	}
	for name, x := range map[string]struct {
		sel    policy.Select
		pieces []verify.Piece
		code   verify.Code
	}{
		"any":                        {policy.SelectAny, []verify.Piece{badLately, early}, ""},
		"all":                        {policy.SelectAll, []verify.Piece{badLately, early}, verify.AttestationTestsFailed},
		"all are good":               {policy.SelectAll, []verify.Piece{lately, early}, ""},
		"newest is good":             {policy.SelectNewest, []verify.Piece{lately, badEarly}, ""},
		"newest is bad":              {policy.SelectNewest, []verify.Piece{early, badLately}, verify.AttestationTestsFailed},
		"newest in any order":        {policy.SelectNewest, []verify.Piece{badLately, early}, verify.AttestationTestsFailed},
		"equally new, and one fails": {policy.SelectNewest, []verify.Piece{lately, badLately}, verify.AttestationTestsFailed},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.attest(t, demand(x.sel), x.pieces...)
			if x.code == "" {
				wantPass(t, v)
				return
			}
			wantFail(t, v, attested, x.code)
		})
	}
	codes := map[verify.Code]bool{}
	for _, pieces := range [][]verify.Piece{{early, badLately}, {lately, badLately}} {
		for _, found := range finding(t, s.attest(t, demand(policy.SelectNewest), pieces...), attested).Found {
			codes[found.Code] = true
		}
	}
	if !codes[verify.AttestationSuperseded] || !codes[verify.AttestationSpoilt] {
		t.Errorf("the candidates have the codes %v; wanted superseded and spoilt among them", slices.Sorted(maps.Keys(codes)))
	}
}

// TestAttackVEX is number 26 of the catalogue: not_affected by somebody else, an older
// document after a newer one, a wildcard for a product.
func TestAttackVEX(t *testing.T) {
	s := newStage(lab.Options{})
	c := shapeOf(t, "vex 0.2.0")
	want := c.want
	want.Select, want.MaxAge = policy.SelectNewest, 90*24*time.Hour
	vex := func(id lab.Identity, at time.Time, edits ...lab.Edit) verify.Piece {
		statement := must(lab.OpenVEX(imageName, imageDigest, at, edits...))
		return fromBundle(must(must(s.Issue(id, at)).Bundle(statement, at.Add(time.Minute))))
	}
	stranger := lab.GitHub("mallory/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)
	affected := predicate("affected", "statements", "0", "status")
	ours := vex(workflow(), then)
	worse := vex(workflow(), then.Add(time.Hour), affected)
	wantPass(t, s.attest(t, want, ours))
	wantFail(t, s.attest(t, want, vex(stranger, then)), attested, verify.AttestationIdentityMismatch)
	wantFail(t, s.attest(t, want, worse, vex(stranger, then.Add(2*time.Hour))), attested, verify.AttestationVEXStatus)
	// The older document is attached again after the newer: what counts is when it was signed.
	wantFail(t, s.attest(t, want, worse, ours), attested, verify.AttestationVEXStatus)
	wantFail(t, s.attest(t, want, ours, worse), attested, verify.AttestationVEXStatus)
	for _, id := range []string{"*", "pkg:oci/*", "pkg:oci/widget@*", "pkg:oci/widget", imageName} {
		wild := vex(workflow(), then, predicate([]any{map[string]any{
			"vulnerability": map[string]any{"name": "CVE-2025-1000"}, "products": []any{product(id)}, "status": "not_affected", "justification": "component_not_present",
		}}, "statements"))
		wantFail(t, s.attest(t, want, wild), attested, verify.AttestationVEXOther)
	}
	scan := shapeOf(t, "scan in-toto 0.2")
	clean := must(lab.Scan(imageName, imageDigest, then, predicate([]any{}, "scanner", "result")))
	dirty := must(lab.Scan(imageName, imageDigest, then.Add(time.Hour), predicate(rated("nvd", "9.9"), "scanner", "result")))
	sign := func(statement []byte, at time.Time) verify.Piece {
		return fromBundle(must(must(s.Issue(workflow(), at)).Bundle(statement, at.Add(time.Minute))))
	}
	newest := scan.want
	newest.Select, newest.MaxAge = policy.SelectNewest, 30*24*time.Hour
	wantFail(t, s.attest(t, newest, sign(dirty, then.Add(time.Hour)), sign(clean, then)), attested, verify.AttestationSeverityDenied)
}

// TestEveryAttestationCode wants each documented code to stand in a test of this family.
func TestEveryAttestationCode(t *testing.T) {
	reached := map[verify.Code]bool{}
	for _, c := range contentCases() {
		reached[c.code] = true
	}
	for _, c := range []verify.Code{ // the tests above
		verify.AttestationMissing, verify.AttestationInvalid, verify.AttestationSubjectMismatch, verify.AttestationKeySigned,
		verify.AttestationUnsupported, verify.AttestationIdentityMismatch, verify.AttestationSourceMismatch, verify.AttestationClaimMismatch,
		verify.AttestationClaimMissing, verify.AttestationOutsideWindow, verify.AttestationTooOld, verify.AttestationSuperseded,
		verify.AttestationSpoilt, verify.AttestationRuleViolated, verify.AttestationRuleFailed, verify.AttestationSignerDenied,
	} {
		reached[c] = true
	}
	for _, r := range verify.Reasons() {
		if strings.HasPrefix(string(r.Code), "attestation.") && !reached[r.Code] {
			t.Errorf("no test reaches %s", r.Code)
		}
	}
}
