package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/fulcio/pkg/certificate"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// attack is one way to present an image that must not pass. Everything but the
// check under attack is as in a good release, and passes.
type attack struct {
	// class is the number in the catalogue of attacks, advisory a published
	// weakness of this kind.
	class    int
	advisory string
	name     string
	// check is what must fail, with the code.
	check string
	want  verify.Code
	// rule replaces the demand for both legs of the release.
	rule []string
	// lab changes the Sigstore; then the other leg may fail too.
	lab *lab.Options
	// at is the time of judgement, ref the image's reference.
	at  time.Time
	ref string
	// make returns the evidence of the attacked check.
	make func(*stage) []verify.Piece
}

func TestAttacks(t *testing.T) {
	groups := [][]attack{
		absent(), nearMisses(), builderNearMisses(), wrongIssuers(), wrongCircumstances(), reusableWorkflows(), otherIDs(),
		badCertificates(), outsideValidity(), doubledNames(),
		malformedLegacy(), malformedEnvelopes(), malformedBundles(),
		otherEntries(), falseLogs(), falseTimes(), clocks(),
		otherSubjects(), confusedEnvelopes(), confusedPredicates(),
		provenanceAgainstCertificate(), provenanceParameters(),
	}
	rows, classes, codes := 0, map[int]int{}, map[verify.Code]bool{}
	for _, group := range groups {
		shared := newStage(lab.Options{}) // logs grow slower as they grow
		for _, a := range group {
			rows++
			classes[a.class]++
			codes[a.want] = true
			t.Run(fmt.Sprintf("%02d %s %s", a.class, a.check, a.name), func(t *testing.T) { a.run(t, shared) })
		}
	}
	for class := 1; class <= 24; class++ {
		// 9 is the reflection test, 21 and 23 are those of platforms and consistency.
		if classes[class] == 0 && !slices.Contains([]int{9, 21, 23}, class) {
			t.Errorf("class %d has no attack", class)
		}
	}
	// Every code of the two checks is what some attack gets.
	codes[verify.ProvenanceLevelTooLow] = true                                             // by TestBuilders
	codes[verify.SignatureSignerDenied], codes[verify.ProvenanceSignerDenied] = true, true // by TestDeniedSigner
	codes[verify.SignatureTooOld], codes[verify.ProvenanceTooOld] = true, true             // by TestOlderEvidence
	codes[verify.SignatureSuperseded], codes[verify.ProvenanceSuperseded] = true, true
	for _, r := range verify.Reasons() {
		check, _, _ := strings.Cut(string(r.Code), ".")
		if (check == "signature" || check == "provenance") && !codes[r.Code] {
			t.Errorf("no attack gets the code %s", r.Code)
		}
	}
	t.Logf("%d attacks", rows)
}

// A name with a line break never becomes evidence: the certificate cannot be read.
func TestLineBreakInName(t *testing.T) {
	s := newStage(lab.Options{})
	for _, end := range []string{"\n", "\r\n", "\x00", "\t"} {
		if _, err := s.Issue(named(workflow().SAN+end), then); err == nil {
			t.Errorf("a certificate whose name ends in %q can be read", end)
		}
	}
}

func (a attack) run(t *testing.T, s *stage) {
	if a.lab != nil {
		s = newStage(*a.lab)
	}
	o := options()
	if !a.at.IsZero() {
		o.At = a.at
	}
	ref := a.ref
	if ref == "" {
		ref = imageRef
	}
	other, leg, good := "signature", provenanceYAML, s.signature
	if a.check == "signature" {
		other, leg, good = "provenance", signatureYAML, s.provenance
	}
	evidence := a.make(s)
	var p *policy.Policy
	switch {
	case a.rule != nil:
		p = policyOf(t, a.rule...)
	case a.class < 12:
		p = bothLegs(t)
	default: // what is wrong with the bytes needs no second leg
		p = policyOf(t, "source: "+sourceYAML, leg)
	}
	if p.Rules[0].Signature != nil && p.Rules[0].Provenance != nil {
		evidence = append(evidence, good())
	}
	v := s.judge(t, p, ref, o, evidence...)
	wantFail(t, v, a.check, a.want)
	if f := finding(t, v, a.check); strings.Contains(f.Message+reasons(f), "%!") {
		t.Errorf("a reason is not meant for people: %s\n%s", f.Message, reasons(f))
	}
	if f := finding(t, v, other); f.Required && f.Result != verify.Passed && a.lab == nil && a.at.IsZero() {
		t.Errorf("the other leg, which is good, did not pass: %s %s", f.Code, f.Message)
	}
}

// signedBy has an identity sign in the legacy layout and in a bundle: one attack each.
func signedBy(a attack, id lab.Identity, leaf ...lab.LeafOption) []attack {
	a.check = "signature"
	legacy, bundled := a, a
	legacy.name += ", legacy"
	legacy.make = func(s *stage) []verify.Piece { return []verify.Piece{sigBy(s.issue(id, leaf...))} }
	bundled.name += ", bundle"
	bundled.make = func(s *stage) []verify.Piece {
		return []verify.Piece{bundleBy(s.issue(id, leaf...), signStatement())}
	}
	return []attack{legacy, bundled}
}

// builtBy has an identity sign provenance in either layout: one attack each.
func builtBy(a attack, id lab.Identity, changes ...func(*lab.ProvenanceOptions)) []attack {
	a.check = "provenance"
	legacy, bundled := a, a
	legacy.name += ", legacy"
	legacy.make = func(s *stage) []verify.Piece {
		return []verify.Piece{attBy(s.issue(id), must(lab.ProvenanceV02(built(changes...))))}
	}
	bundled.name += ", bundle"
	bundled.make = func(s *stage) []verify.Piece {
		return []verify.Piece{bundleBy(s.issue(id), must(lab.ProvenanceV02(built(changes...))))}
	}
	return []attack{legacy, bundled}
}

func pieces(all ...verify.Piece) []verify.Piece { return all }

// absent: class 1, each single leg missing, and class 2, other evidence in its place.
func absent() []attack {
	sbom := func() []byte { return must(lab.CycloneDX(imageName, imageDigest)) }
	return []attack{
		{1, "CVE-2025-25204", "nothing but provenance", "signature", verify.SignatureMissing, nil, nil, time.Time{}, "", func(*stage) []verify.Piece { return nil }},
		{1, "CVE-2025-25204", "nothing but a signature", "provenance", verify.ProvenanceMissing, nil, nil, time.Time{}, "", func(*stage) []verify.Piece { return nil }},
		{class: 2, advisory: "CVE-2022-35929", name: "a legacy SBOM attestation by the right workflow", check: "signature", want: verify.SignatureMissing,
			make: func(s *stage) []verify.Piece { return pieces(attBy(s.issue(workflow()), sbom())) }},
		{class: 2, advisory: "CVE-2022-35929", name: "an SBOM bundle by the right workflow", check: "signature", want: verify.SignatureMissing,
			make: func(s *stage) []verify.Piece { return pieces(bundleBy(s.issue(workflow()), sbom())) }},
		{class: 2, name: "provenance by the right workflow", check: "signature", want: verify.SignatureMissing,
			make: func(s *stage) []verify.Piece {
				return pieces(bundleBy(s.issue(workflow()), must(lab.ProvenanceGitHub(built()))))
			}},
		{class: 2, name: "the sign predicate among legacy attestations", check: "signature", want: verify.SignatureMissing,
			make: func(s *stage) []verify.Piece { return pieces(attBy(s.issue(workflow()), signStatement())) }},
		{class: 2, name: "an SBOM by the builder", check: "provenance", want: verify.ProvenanceMissing,
			make: func(s *stage) []verify.Piece { return pieces(attBy(s.issue(generator()), sbom())) }},
		{class: 2, name: "a signature by the builder", check: "provenance", want: verify.ProvenanceMissing,
			make: func(s *stage) []verify.Piece {
				return pieces(bundleBy(s.issue(generator()), signStatement()))
			}},
		{class: 2, name: "a summary of a verification", check: "provenance", want: verify.ProvenanceMissing,
			make: func(s *stage) []verify.Piece {
				vsa := must(lab.Statement(lab.StatementV1, "https://slsa.dev/verification_summary/v1", lab.Subjects(imageName, imageDigest), map[string]any{"verificationResult": "PASSED"}))
				return pieces(bundleBy(s.issue(generator()), vsa))
			}},
	}
}

// named is the release workflow under another name; all its claims stay.
func named(san string) lab.Identity {
	id := workflow()
	id.SAN, id.Extensions.BuildSignerURI = san, san
	return id
}

func atRef(ref string) lab.Identity {
	return lab.GitHub(lab.DefaultRepo, ref, lab.DefaultCommit, lab.DefaultWorkflow)
}

// nearMisses: class 3, identities that nearly match.
func nearMisses() []attack {
	const good = "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.2.3"
	exactly := []string{"source: " + sourceYAML, "signature: {signer: {issuer: https://token.actions.githubusercontent.com, identity: \"" + good + "\"}}", provenanceYAML}
	globs := []string{
		"source: {repository: acme/widget}",
		`signature: {signer: {issuer: https://token.actions.githubusercontent.com, identity: "https://github.com/acme/widget/.github/workflows/*@refs/tags/v*"}}`, provenanceYAML,
	}
	byWorkflow := []string{
		"source: {repository: acme/widget}",
		`signature: {signer: {issuer: https://token.actions.githubusercontent.com, workflow: ".github/workflows/*", ref: "refs/tags/v*"}}`, provenanceYAML,
	}
	byRegexp := func(expr string) []string {
		return []string{"source: {repository: acme/widget}", `signature: {signer: {issuer: https://token.actions.githubusercontent.com, identity_regexp: '` + expr + `'}}`, provenanceYAML}
	}
	pathAt := func(path, ref string) string { return "https://github.com/acme/widget/" + path + "@" + ref }
	var all []attack
	for name, san := range map[string]string{
		"repository with a suffix":        strings.Replace(good, "widget", "widget-evil", 1),
		"owner with a prefix":             strings.Replace(good, "acme", "evil-acme", 1),
		"owner with a suffix":             strings.Replace(good, "acme", "acme-evil", 1),
		"repository in capitals":          strings.Replace(good, "widget", "Widget", 1),
		"host in capitals":                strings.Replace(good, "github.com", "GitHub.com", 1),
		"another scheme":                  strings.Replace(good, "https", "http", 1),
		"host with a suffix":              strings.Replace(good, "github.com", "github.com.evil.example", 1),
		"host as user of another":         strings.Replace(good, "github.com", "github.com@evil.example", 1),
		"dot as wildcard":                 strings.Replace(good, "release.yml", "releaseXyml", 1),
		"workflow with a suffix":          strings.Replace(good, "release.yml", "release.yml.evil", 1),
		"workflow with a prefix":          strings.Replace(good, "release.yml", "evil-release.yml", 1),
		"workflow in a folder below":      strings.Replace(good, "release.yml", "evil/release.yml", 1),
		"repository in a folder":          strings.Replace(good, "acme/widget", "acme/evil/widget", 1),
		"an empty path segment":           strings.Replace(good, "widget/", "widget//", 1),
		"dots in the path":                strings.Replace(good, "widget/", "evil/../widget/", 1),
		"a slash that is encoded":         strings.Replace(good, "acme/widget", "acme%2Fwidget", 1),
		"a query string":                  good + "?ref=1",
		"a fragment":                      good + "#1",
		"no ref":                          strings.Split(good, "@")[0],
		"an empty ref":                    strings.Split(good, "@")[0] + "@",
		"the good name inside another":    "https://github.com/evil/evil/" + good,
		"the good name in a query string": "https://evil.example/?" + good,
		"tag with a suffix":               good + "-evil",
		"tag with one more digit":         good + "4",
		"tag in a folder":                 good + "/evil",
		"branch that ends in the tag":     pathAt(lab.DefaultWorkflow, "refs/heads/x@refs/tags/v1.2.3"),
		"file that holds the tag":         pathAt(".github/workflows/release.yml@refs/tags/v1.2.3.yml", "refs/heads/main"),
		"branch named like a tag":         pathAt(lab.DefaultWorkflow, "refs/heads/refs/tags/v1.2.3"),
		"pull request":                    pathAt(lab.DefaultWorkflow, "refs/pull/1/merge"),
	} {
		a := attack{class: 3, name: name, want: verify.SignatureIdentityMismatch}
		all = append(all, signedBy(a, named(san))...)
		a.name, a.rule = name+", whole identity", exactly
		all = append(all, signedBy(a, named(san))[0])
	}
	for name, c := range map[string]struct {
		rule []string
		san  string
	}{
		"stars do not reach over @":            {globs, pathAt(lab.DefaultWorkflow, "refs/heads/x@refs/tags/v1.2.3")},
		"stars do not reach over a slash":      {globs, pathAt(".github/workflows/evil/release.yml", "refs/tags/v1.2.3")},
		"stars do not reach over a query":      {globs, good + "?x"},
		"stars do not reach a file with @":     {globs, pathAt(".github/workflows/x@refs/tags/v1.yml", "refs/heads/main")},
		"workflow star over @":                 {byWorkflow, pathAt(lab.DefaultWorkflow, "refs/heads/x@refs/tags/v1.2.3")},
		"workflow star, file with @":           {byWorkflow, pathAt(".github/workflows/x@refs/tags/v1.yml", "refs/heads/main")},
		"workflow star, ref with a query":      {byWorkflow, good + "?x"},
		"workflow star, another repository":    {byWorkflow, strings.Replace(good, "widget", "widget-evil", 1)},
		"regexp is anchored at the end":        {byRegexp(`https://github\.com/acme/widget/\.github/workflows/release\.yml@refs/tags/v1\.2\.3`), good + "-evil"},
		"regexp is anchored at the front":      {byRegexp(`github\.com/acme/widget/\.github/workflows/release\.yml@refs/tags/v1\.2\.3`), good},
		"regexp with its own anchors":          {byRegexp(`(?m)^https://github\.com/acme/widget/.*$`), strings.Replace(good, "acme", "evil", 1)},
		"regexp with an alternative on top":    {byRegexp(`https://github\.com/acme/widget/x|y`), "https://github.com/acme/widget/x-evil/a@refs/tags/v1.2.3"},
		"regexp with an alternative, the tail": {byRegexp(`x|https://github\.com/acme/widget`), "https://github.com/evil/x"},
	} {
		all = append(all, signedBy(attack{class: 3, name: name, want: verify.SignatureIdentityMismatch, rule: c.rule}, named(c.san))...)
	}
	// The claims are the attacker's own here, as Fulcio would write them.
	for _, ref := range []string{
		"refs/tags/v1-evil", "refs/tags/v1.2.3-evil", "refs/tags/v1.2", "refs/tags/1.2.3", "refs/tags/V1.2.3", "refs/tags/v1.2.3@v1.2.3",
		"refs/heads/v1.2.3", "refs/heads/x@refs/tags/v1.2.3", "refs/heads/refs/tags/v1.2.3",
	} {
		all = append(all, signedBy(attack{class: 3, name: "everything at " + ref, want: verify.SignatureIdentityMismatch}, atRef(ref))...)
	}
	newline := workflow()
	newline.Extensions.SourceRepositoryRef += "\n"
	newline.Extensions.GithubWorkflowRef += "\n"
	return append(all, signedBy(attack{class: 3, name: "ref claim with a newline", want: verify.SignatureSourceMismatch}, newline)...)
}

// builderNearMisses: class 3 for the builder's name.
func builderNearMisses() []attack {
	const repo, path = lab.GeneratorRepository, lab.ContainerGenerator
	var all []attack
	for name, c := range map[string]struct {
		repo, path, ref string
		want            verify.Code
	}{
		"repository with a suffix":    {repo + "-evil", path, lab.GeneratorRef, verify.ProvenanceUnsupported},
		"owner with a prefix":         {"evil-" + repo, path, lab.GeneratorRef, verify.ProvenanceUnsupported},
		"path with a suffix":          {repo, path + ".evil", lab.GeneratorRef, verify.ProvenanceUnsupported},
		"path in capitals":            {repo, strings.ToUpper(path), lab.GeneratorRef, verify.ProvenanceUnsupported},
		"another workflow of it":      {repo, ".github/workflows/pre-submit.yml", lab.GeneratorRef, verify.ProvenanceUnsupported},
		"a branch":                    {repo, path, "refs/heads/main", verify.ProvenanceBuilderMismatch},
		"a branch named like a tag":   {repo, path, "refs/heads/v2.1.0", verify.ProvenanceBuilderMismatch},
		"a branch that ends in a tag": {repo, path, "refs/heads/x@refs/tags/v2.1.0", verify.ProvenanceBuilderMismatch},
		"a part of a version":         {repo, path, "refs/tags/v2.1", verify.ProvenanceBuilderMismatch},
		"a pre-release":               {repo, path, "refs/tags/v2.1.0-rc.0", verify.ProvenanceBuilderMismatch},
		"a build of a version":        {repo, path, "refs/tags/v2.1.0+evil", verify.ProvenanceBuilderMismatch},
		"a tag without v":             {repo, path, "refs/tags/2.1.0", verify.ProvenanceBuilderMismatch},
		"a commit":                    {repo, path, lab.DefaultCommit, verify.ProvenanceBuilderMismatch},
		"a pull request":              {repo, path, "refs/pull/1/merge", verify.ProvenanceBuilderMismatch},
	} {
		id := reusable(c.repo, c.path, c.ref)
		all = append(all, builtBy(attack{class: 3, name: "builder: " + name, want: c.want}, id, func(o *lab.ProvenanceOptions) { o.BuilderID = id.SAN })...)
	}
	pinned := []string{"source: " + sourceYAML, signatureYAML, `provenance: {builder: {id: "` + generatorID + `@v2.0.0"}}`}
	all = append(all, builtBy(attack{class: 3, name: "builder: another version than the policy's", want: verify.ProvenanceBuilderMismatch, rule: pinned}, generator())...)
	// The certificate's name is right, the statement's is not: that is class 22.
	return all
}

// wrongIssuers: class 4.
func wrongIssuers() []attack {
	var all []attack
	for name, issuer := range map[string]string{
		"look-alike host":           "https://token.actions.githubusercontent.com.evil/",
		"trailing slash":            "https://token.actions.githubusercontent.com/",
		"enterprise's own issuer":   "https://token.actions.githubusercontent.com/acme",
		"another scheme":            "http://token.actions.githubusercontent.com",
		"capitals":                  "https://token.actions.GitHubUserContent.com",
		"Google":                    "https://accounts.google.com",
		"GitHub's issuer for users": "https://github.com/login/oauth",
	} {
		id, builder := workflow(), generator()
		id.Extensions.Issuer, builder.Extensions.Issuer = issuer, issuer
		all = append(all, signedBy(attack{class: 4, name: "issuer: " + name, want: verify.SignatureIdentityMismatch}, id)...)
		all = append(all, builtBy(attack{class: 4, name: "issuer: " + name, want: verify.ProvenanceIdentityMismatch}, builder)...)
	}
	ghes := lab.GHES("github.corp.example", lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)
	all = append(all, signedBy(attack{class: 4, name: "an enterprise server", want: verify.SignatureIdentityMismatch}, ghes)...)

	// A policy that trusts an enterprise server does not let it speak for github.com.
	const server = "https://github.corp.example/_services/token"
	forServer := []string{
		"source: {repository: acme/widget}", "signature: {signer: " + signerYAML + ", source: {repository: acme/widget, ref: \"refs/tags/v{version}\"}}",
		"provenance: {builder: " + builderYAML + ", signer: {issuer: \"" + server + "\"}}",
	}
	posing := generator()
	posing.Extensions.Issuer = server
	posing.OnlyDeprecated = false
	all = append(all, builtBy(attack{class: 4, name: "an enterprise server that speaks for github.com", want: verify.ProvenanceBuilderMismatch, rule: forServer}, withoutDeprecated(posing))...)

	disagreeing := workflow()
	disagreeing.OnlyDeprecated = true
	disagreeing.Extensions.Issuer = "https://accounts.google.com"
	second := must(certificate.Extensions{Issuer: lab.GitHubIssuer}.Render())
	disagreeing.ExtraExtensions = second[1:] // the newer of the two issuer extensions
	all = append(all, signedBy(attack{class: 4, name: "two issuers in one certificate", want: verify.SignatureInvalid}, disagreeing)...)

	both := []string{corpRoot("log_entries: 1"), "---", "source: " + sourceYAML}
	const named = ", trust: corp}"
	signature, provenance := strings.TrimSuffix(signatureYAML, "}")+named, strings.TrimSuffix(provenanceYAML, "}")+named
	fromSecond := func(make func(*stage) verify.Piece) func(*stage) []verify.Piece {
		return func(s *stage) []verify.Piece { return pieces(make(s.on(s.second))) }
	}
	fromFirst := func(make func(*stage) verify.Piece) func(*stage) []verify.Piece {
		return func(s *stage) []verify.Piece { return pieces(make(s)) }
	}
	signs := map[string]func(*stage) verify.Piece{
		"legacy": func(s *stage) verify.Piece { return s.sig(workflow()) },
		"bundle": func(s *stage) verify.Piece { return s.sigBundle(workflow()) },
		"v2":     func(s *stage) verify.Piece { return s.sigBundle(workflow(), lab.RekorV2()) },
	}
	for layout, make := range signs {
		all = append(all,
			attack{class: 4, name: "an authority nobody configured, " + layout, check: "signature", want: verify.UnknownAuthority, make: fromSecond(make)},
			attack{class: 4, name: "the second root's authority for the first's demand, " + layout, check: "signature", want: verify.UnknownAuthority,
				rule: append(slices.Clone(both), signatureYAML, provenanceYAML), make: fromSecond(make)},
			attack{class: 4, name: "the first root's authority for the second's demand, " + layout, check: "signature", want: verify.UnknownAuthority,
				rule: append(slices.Clone(both), signature, provenanceYAML), make: fromFirst(make)},
		)
	}
	second2 := func(s *stage) verify.Piece { return s.att() }
	return append(all,
		attack{class: 4, name: "the second root's authority for the first's demand", check: "provenance", want: verify.UnknownAuthority,
			rule: append(slices.Clone(both), signatureYAML, provenanceYAML), make: fromSecond(second2)},
		attack{class: 4, name: "the first root's authority for the second's demand", check: "provenance", want: verify.UnknownAuthority,
			rule: append(slices.Clone(both), signatureYAML, provenance), make: fromFirst(second2)},
		attack{class: 4, name: "the second root's certificate in the first's log", check: "signature", want: verify.SignatureInvalid, make: func(s *stage) []verify.Piece {
			return pieces(sigBy(s.issue(workflow()).WithCertificate(must(s.second.Issue(workflow(), then)).Certificate)))
		}},
	)
}

// withoutDeprecated leaves extensions .1 to .6 out, as GHES certificates may be.
func withoutDeprecated(id lab.Identity) lab.Identity {
	id.Extensions.GithubWorkflowTrigger, id.Extensions.GithubWorkflowSHA, id.Extensions.GithubWorkflowName = "", "", ""
	id.Extensions.GithubWorkflowRepository, id.Extensions.GithubWorkflowRef = "", ""
	return id
}

// wrongCircumstances: class 5, event and ref, and class 8, runner and visibility.
func wrongCircumstances() []attack {
	const circumstances = `, trigger: [push, release], runner: github-hosted, visibility: public}`
	strict := []string{
		"source: " + sourceYAML,
		"signature: {signer: " + strings.TrimSuffix(signerYAML, "}") + circumstances + "}",
		"provenance: {builder: " + builderYAML + ", signer: {issuer: https://token.actions.githubusercontent.com" + circumstances + "}",
	}
	var all []attack
	for _, event := range []string{"pull_request_target", "workflow_dispatch", "pull_request", "schedule", "Push", "push "} {
		a := attack{class: 5, name: "event " + event, rule: strict, want: verify.SignatureClaimMismatch}
		all = append(all, signedBy(a, workflow().WithTrigger(event))...)
		a.want = verify.ProvenanceClaimMismatch
		all = append(all, builtBy(a, generator().WithTrigger(event), func(o *lab.ProvenanceOptions) { o.Event = event })...)
	}
	for _, ref := range []string{"refs/heads/main", "refs/tags/v1.2.2", "refs/tags/v1.2.4", "refs/pull/7/merge", "refs/heads/v1.2.3"} {
		all = append(all, signedBy(attack{class: 5, name: "ref " + ref, want: verify.SignatureIdentityMismatch}, atRef(ref))...)
		id := lab.ReusableWorkflow(lab.DefaultRepo, ref, lab.DefaultCommit, lab.DefaultWorkflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef)
		all = append(all, builtBy(attack{class: 5, name: "ref " + ref, want: verify.ProvenanceSourceMismatch}, id, func(o *lab.ProvenanceOptions) { o.Ref = ref })...)
	}
	self, private := func(id lab.Identity) lab.Identity {
		id.Extensions.RunnerEnvironment = "self-hosted"
		return id
	}, func(id lab.Identity) lab.Identity {
		id.Extensions.SourceRepositoryVisibilityAtSigning = "private"
		return id
	}
	silent := func(id lab.Identity) lab.Identity {
		id.OnlyDeprecated = true
		return id
	}
	for name, c := range map[string]struct {
		change                func(lab.Identity) lab.Identity
		signature, provenance verify.Code
	}{
		"self-hosted runner":       {self, verify.SignatureClaimMismatch, verify.ProvenanceClaimMismatch},
		"private repository":       {private, verify.SignatureClaimMismatch, verify.ProvenanceClaimMismatch},
		"a certificate of silence": {silent, verify.SignatureClaimMissing, verify.ProvenanceClaimMissing},
	} {
		a := attack{class: 8, name: name, rule: slices.Concat([]string{`source: {repository: acme/widget, ref: "refs/tags/v{version}"}`}, strict[1:]), want: c.signature}
		all = append(all, signedBy(a, c.change(workflow()))...)
		a.want = c.provenance
		all = append(all, builtBy(a, c.change(generator()))...)
	}
	return all
}

// reusableWorkflows: class 6, both ways.
func reusableWorkflows() []attack {
	const signWorkflow = ".github/workflows/sign.yml"
	rule := []string{
		"source: " + sourceYAML,
		`signature: {signer: {issuer: https://token.actions.githubusercontent.com, repository: acme/build, workflow: ` + signWorkflow + `, ref: refs/tags/v1.0.0}}`,
		provenanceYAML,
	}
	calls := func(source, signer string) lab.Identity {
		return lab.ReusableWorkflow(source, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, signer, signWorkflow, "refs/tags/v1.0.0")
	}
	strangerBuilds := lab.ReusableWorkflow("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef)
	strangersBuilder := reusable("evil/build", ".github/workflows/generator_container_slsa3.yml", lab.GeneratorRef)
	return slices.Concat(
		signedBy(attack{class: 6, name: "a stranger runs our signer", rule: rule, want: verify.SignatureSourceMismatch}, calls("evil/widget", "acme/build")),
		signedBy(attack{class: 6, name: "we run a stranger's signer", rule: rule, want: verify.SignatureIdentityMismatch}, calls("acme/widget", "evil/build")),
		signedBy(attack{class: 6, name: "a stranger's signer for a rule without one", want: verify.SignatureIdentityMismatch}, calls("acme/widget", "evil/build")),
		signedBy(attack{class: 6, name: "the signer at a branch", rule: rule, want: verify.SignatureIdentityMismatch},
			lab.ReusableWorkflow("acme/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, "acme/build", signWorkflow, "refs/heads/main")),
		signedBy(attack{class: 6, name: "our own workflow where the signer is demanded", rule: rule, want: verify.SignatureIdentityMismatch}, workflow()),
		builtBy(attack{class: 6, name: "a stranger runs the builder", want: verify.ProvenanceSourceMismatch}, strangerBuilds, func(o *lab.ProvenanceOptions) { o.Repo = "evil/widget" }),
		builtBy(attack{class: 6, name: "a stranger runs the builder and names us", want: verify.ProvenanceSourceMismatch}, strangerBuilds),
		builtBy(attack{class: 6, name: "we run a stranger's builder", want: verify.ProvenanceUnsupported}, strangersBuilder, func(o *lab.ProvenanceOptions) { o.BuilderID = strangersBuilder.SAN }),
		builtBy(attack{class: 6, name: "a stranger's builder under a good name", want: verify.ProvenanceUnsupported}, strangersBuilder),
	)
}

// otherIDs: class 7, the repository created anew by somebody else.
func otherIDs() []attack {
	var all []attack
	for name, ids := range map[string][2]string{
		"other repository":                 {"9009", lab.DefaultOwnerID},
		"other owner":                      {lab.DefaultRepositoryID, "9009"},
		"id with a prefix":                 {"0" + lab.DefaultRepositoryID, lab.DefaultOwnerID},
		"ids changed about":                {lab.DefaultOwnerID, lab.DefaultRepositoryID},
		"id of the repository with spaces": {lab.DefaultRepositoryID + " ", lab.DefaultOwnerID},
	} {
		a := attack{class: 7, name: name, want: verify.SignatureSourceMismatch}
		all = append(all, signedBy(a, workflow().WithIDs(ids[0], ids[1]))...)
		a.want = verify.ProvenanceSourceMismatch
		all = append(all, builtBy(a, generator().WithIDs(ids[0], ids[1]))...)
	}
	for name, change := range map[string]func(*lab.Identity){
		"no ids in an old certificate": func(id *lab.Identity) { id.OnlyDeprecated = true },
		"no repository id":             func(id *lab.Identity) { *id = id.WithIDs("", lab.DefaultOwnerID) },
		"no owner id":                  func(id *lab.Identity) { *id = id.WithIDs(lab.DefaultRepositoryID, "") },
	} {
		signer, builder := workflow(), generator()
		change(&signer)
		change(&builder)
		all = append(all, signedBy(attack{class: 7, name: name, want: verify.SignatureClaimMissing}, signer)...)
		// The statement has the ids; they are never taken from there.
		all = append(all, builtBy(attack{class: 7, name: name, want: verify.ProvenanceClaimMissing}, builder)...)
	}
	return all
}
