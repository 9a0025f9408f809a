package verify_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestLayouts passes a signature and provenance in every layout, and wants the
// verdict to tell a log's proof from its promise.
func TestLayouts(t *testing.T) {
	s := newStage(lab.Options{})
	statement := must(lab.ProvenanceV02(built()))
	for name, c := range map[string]struct {
		opts []lab.BundleOption
		log  verify.LogEvidence
		from []string
	}{
		"v0.3":                     {nil, verify.LogProof, []string{"log"}},
		"v0.2":                     {[]lab.BundleOption{lab.Version(lab.BundleV02)}, verify.LogProof, []string{"log"}},
		"v0.1":                     {[]lab.BundleOption{lab.Version(lab.BundleV01)}, verify.LogProof, []string{"log"}},
		"v0.1, promise alone":      {[]lab.BundleOption{lab.Version(lab.BundleV01), lab.NoProof()}, verify.LogPromise, []string{"log"}},
		"intoto entry":             {[]lab.BundleOption{lab.Entry(lab.EntryIntoto002)}, verify.LogProof, []string{"log"}},
		"timestamp beside it":      {[]lab.BundleOption{lab.Timestamp()}, verify.LogProof, []string{"timestamp-authority", "log"}},
		"proof and timestamp":      {[]lab.BundleOption{lab.NoPromise(), lab.Timestamp()}, verify.LogProof, []string{"timestamp-authority"}},
		"Rekor v2":                 {[]lab.BundleOption{lab.RekorV2()}, verify.LogProof, []string{"timestamp-authority"}},
		"Rekor v2 in v0.2":         {[]lab.BundleOption{lab.RekorV2(), lab.Version(lab.BundleV02)}, verify.LogProof, []string{"timestamp-authority"}},
		"both logs":                {[]lab.BundleOption{lab.AlsoRekorV2()}, verify.LogProof, []string{"log"}},
		"one log, logged twice":    {[]lab.BundleOption{lab.LoggedTwice()}, verify.LogProof, []string{"log"}},
		"another origin, Rekor v1": {[]lab.BundleOption{lab.CheckpointOrigin("rekor.lab.example - 7")}, verify.LogProof, []string{"log"}},
	} {
		t.Run("bundle "+name, func(t *testing.T) {
			v := s.judge(t, bothLegs(t), imageRef, options(), s.sigBundle(workflow(), c.opts...), bundleBy(s.issue(generator()), statement, c.opts...))
			wantPass(t, v)
			wantShown(t, v, c.log, c.from...)
		})
	}
	for name, att := range map[string]verify.Piece{
		"dsse entry":       attBy(s.issue(generator()), statement),
		"intoto entry":     attBy(s.issue(generator()), statement, lab.LegacyEntry(lab.EntryIntoto001)),
		"timestamp beside": attBy(s.issue(generator()), statement, lab.LegacyTimestamp()),
	} {
		t.Run("legacy "+name, func(t *testing.T) {
			v := s.judge(t, bothLegs(t), imageRef, options(), s.sig(workflow()), att)
			wantPass(t, v)
			wantShown(t, v, verify.LogPromise, "log")
			if got := finding(t, v, "signature").Found[0].DockerReference; got != imageName {
				t.Errorf("docker reference %q", got)
			}
		})
	}
	t.Run("mirrored", func(t *testing.T) { // what the payload calls the image is reported, never demanded
		sig := s.sig(workflow(), lab.LegacyPayload([]byte(strings.Replace(simple(""), imageName, "elsewhere.example/mirror", 1))))
		wantPass(t, s.judge(t, bothLegs(t), imageRef, options(), sig, s.provenance()))
	})
	t.Run("ours among 1024 subjects", func(t *testing.T) {
		many := slices.Repeat([]lab.Subject{{Name: "x", Digest: map[string]string{"sha256": otherHex}}}, 1023)
		att := attBy(s.issue(generator()), must(lab.ProvenanceV02(built(func(o *lab.ProvenanceOptions) { o.Subjects = append(many, o.Subjects...) }))))
		wantPass(t, s.judge(t, bothLegs(t), imageRef, options(), s.signature(), att))
	})
	t.Run("years after", func(t *testing.T) {
		o := options()
		o.At = then.AddDate(30, 0, 0)
		wantPass(t, s.judge(t, bothLegs(t), imageRef, o, s.sig(workflow()), s.att()))
	})
	t.Run("a clock that is five minutes slow", func(t *testing.T) {
		o := options()
		o.At = soon.Add(-5 * time.Minute)
		wantPass(t, s.judge(t, bothLegs(t), imageRef, o, s.signature(), s.provenance()))
	})
}

// wantShown wants every accepted candidate to show its log and where its times came from.
func wantShown(t *testing.T, v verify.Verdict, log verify.LogEvidence, sources ...string) {
	t.Helper()
	for _, f := range v.Checks {
		for _, c := range f.Found {
			var from []string
			for _, at := range c.Times {
				from = append(from, at.Source)
				if !at.Time.Equal(soon) || at.Time.Location() != time.UTC {
					t.Errorf("%s: time %s", f.ID, at.Time)
				}
			}
			slices.Sort(from)
			slices.Sort(sources)
			if c.Log != log || !slices.Equal(from, sources) {
				t.Errorf("%s: log %s, times from %v; wanted %s, %v", f.ID, c.Log, from, log, sources)
			}
		}
	}
}

// A proof by a log that nobody knows proves nothing: the verdict must not show it.
func TestLogOfUnknownProof(t *testing.T) {
	s := newStage(lab.Options{})
	promised := bundleBy(s.issue(workflow()), signStatement(), lab.Version(lab.BundleV01), lab.NoProof(), lab.EditBundle(func(b *protobundle.Bundle) {
		var other protobundle.Bundle
		if err := unmarshalBundle(s.sigBundle(workflow(), lab.UnknownLog()).Bytes, &other); err != nil {
			panic(err)
		}
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, other.VerificationMaterial.TlogEntries...)
	}))
	v := s.judge(t, policyOf(t, "source: "+sourceYAML, signatureYAML), imageRef, options(), promised)
	wantPass(t, v)
	wantShown(t, v, verify.LogPromise, "log")
}

// TestNamedRoots passes evidence wholly under the root that each demand names, with
// that root's thresholds.
func TestNamedRoots(t *testing.T) {
	s := newStage(lab.Options{})
	under := func(leg string) string { return strings.TrimSuffix(leg, "}") + ", trust: corp}" }
	second := s.on(s.second)
	t.Run("one root for each leg", func(t *testing.T) {
		p := policyOf(t, corpRoot("log_entries: 1"), "---", "source: "+sourceYAML, signatureYAML, under(provenanceYAML))
		wantPass(t, s.judge(t, p, imageRef, options(), s.sig(workflow()), second.att()))
		wantFail(t, s.judge(t, p, imageRef, options(), second.sig(workflow()), second.att()), "signature", verify.UnknownAuthority)
		wantFail(t, s.judge(t, p, imageRef, options(), s.sig(workflow()), s.att()), "provenance", verify.UnknownAuthority)
	})
	t.Run("two logs", func(t *testing.T) {
		p := policyOf(t, corpRoot("log_entries: 2"), "---", "source: "+sourceYAML, under(signatureYAML))
		wantPass(t, s.judge(t, p, imageRef, options(), second.sigBundle(workflow(), lab.AlsoRekorV2())))
		wantFail(t, s.judge(t, p, imageRef, options(), second.sigBundle(workflow())), "signature", verify.SignatureInvalid)
	})
	t.Run("two times", func(t *testing.T) {
		p := policyOf(t, corpRoot("timestamps: 2"), "---", "source: "+sourceYAML, under(signatureYAML))
		wantPass(t, s.judge(t, p, imageRef, options(), second.sigBundle(workflow(), lab.Timestamp())))
		wantFail(t, s.judge(t, p, imageRef, options(), second.sigBundle(workflow())), "signature", verify.SignatureInvalid)
	})
	t.Run("no log and no SCT", func(t *testing.T) {
		p := policyOf(t, corpRoot("log_entries: 0, scts: 0, timestamps: 1"), "---", "source: "+sourceYAML, under(signatureYAML))
		unlogged := func(on *stage) verify.Piece {
			return bundleBy(on.issue(workflow(), lab.NoSCT()), signStatement(), lab.Unlogged(), lab.Timestamp())
		}
		v := s.judge(t, p, imageRef, options(), unlogged(second))
		wantPass(t, v)
		wantShown(t, v, verify.LogNone, "timestamp-authority")
		wantFail(t, s.judge(t, p, imageRef, options(), unlogged(s)), "signature", verify.UnknownAuthority)
		wantFail(t, s.judge(t, policyOf(t, "source: "+sourceYAML, signatureYAML), imageRef, options(), unlogged(s)), "signature", verify.SignatureInvalid)
		untimed := bundleBy(second.issue(workflow(), lab.NoSCT()), signStatement(), lab.Unlogged())
		wantFail(t, s.judge(t, p, imageRef, options(), untimed), "signature", verify.SignatureInvalid)
		// The legacy layout is never taken without its log and its SCT.
		wantFail(t, s.judge(t, p, imageRef, options(), sigBy(second.issue(workflow(), lab.NoSCT()))), "signature", verify.SignatureInvalid)
		wantFail(t, s.judge(t, p, imageRef, options(), second.sig(workflow(), lab.DropAnnotation(lab.BundleAnnotation), lab.LegacyTimestamp())), "signature", verify.SignatureInvalid)
	})
}

// family is provenance of one builder under demands on it.
type family struct {
	name string
	id   lab.Identity
	make func(lab.ProvenanceOptions) ([]byte, error)
	with []func(*lab.ProvenanceOptions)
	// demands maps a builder demand to the wanted code; "" is a pass.
	demands map[string]verify.Code
	// builders extends the policy's table.
	builders string
	// builder and level are what a pass must show.
	builder string
	level   int
}

func delegator() lab.Identity {
	return reusable(lab.GeneratorRepository, ".github/workflows/delegator_generic_slsa3.yml", lab.GeneratorRef)
}

func lowPermissions() lab.Identity {
	return reusable(lab.GeneratorRepository, ".github/workflows/delegator_lowperms-generic_slsa3.yml", lab.GeneratorRef)
}

// delegatedV02 is a delegator's provenance in the older form.
func delegatedV02(o lab.ProvenanceOptions) ([]byte, error) {
	if o.BuilderID == "" {
		o.BuilderID = trwID + "@refs/tags/v1.0.0"
	}
	o.Edit = set(lab.DelegatorBuildType, "predicate", "buildType")
	return lab.ProvenanceV02(o)
}

const trwID = "https://github.com/acme/builders/.github/workflows/builder_slsa3.yml"

func selfHosted(id lab.Identity) lab.Identity {
	id.Extensions.RunnerEnvironment = "self-hosted"
	return id
}

func builderID(id string) func(*lab.ProvenanceOptions) {
	return func(o *lab.ProvenanceOptions) { o.BuilderID = id }
}

// TestBuilders judges every family of provenance by demands that it meets and by
// others that it does not.
func TestBuilders(t *testing.T) {
	const (
		id       = `{id: "`
		reused   = "https://github.com/acme/build/.github/workflows/build.yml"
		ownPath  = "https://github.com/acme/widget/.github/workflows/release.yml"
		delegate = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml"
		maven    = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_maven_slsa3.yml"
		mismatch = verify.ProvenanceBuilderMismatch
		tooLow   = verify.ProvenanceLevelTooLow
	)
	selfHostedRun := editing(set("self-hosted", "predicate", "buildDefinition", "internalParameters", "github", "runner_environment"))
	byob := map[string]verify.Code{
		id + trwID + `"}`: "", id + trwID + `@v1.0.0"}`: "", id + trwID + `@refs/tags/v1.0.0"}`: "", id + trwID + `@v1.0.1"}`: mismatch, id + trwID + `", level: 1}`: tooLow,
		id + trwID + `-evil"}`: mismatch, `{id: "` + delegate + `"}`: mismatch, `{level: 1}`: mismatch,
		`{id: ["` + generatorID + `", "` + trwID + `"]}`: "", id + generatorID + `"}`: mismatch,
	}
	atBad := func(ref string) family {
		return family{name: "delegated builder at " + ref, id: delegator(), make: lab.ProvenanceBYOB, with: []func(*lab.ProvenanceOptions){builderID(trwID + "@" + ref)},
			demands: map[string]verify.Code{id + trwID + `"}`: mismatch, id + trwID + "@" + ref + `"}`: mismatch}}
	}
	ours := reusable("acme/build", ".github/workflows/build.yml", "refs/tags/v3.2.1")
	branch := reusable("acme/build", ".github/workflows/build.yml", "refs/heads/main")
	for _, f := range []family{
		{name: "container generator", id: generator(), make: lab.ProvenanceV02, builder: generatorID + "@refs/tags/v2.1.0", level: 3, demands: map[string]verify.Code{
			`{level: 3}`: "", id + generatorID + `"}`: "", id + generatorID + `@v2.1.0"}`: "", id + generatorID + `@refs/tags/v2.1.0", level: 3}`: "",
			id + generatorID + `@v2.0.0"}`: mismatch, id + containerBasedID + `"}`: mismatch, id + runnerID + `"}`: mismatch,
		}},
		{name: "container-based builder", id: containerBased(), make: lab.ProvenanceContainerBased, builder: containerBasedID + "@refs/tags/v2.1.0", level: 3, demands: map[string]verify.Code{
			`{level: 3}`: "", id + containerBasedID + `"}`: "", id + generatorID + `"}`: mismatch,
		}},
		{name: "delegated builder", id: delegator(), make: lab.ProvenanceBYOB, builder: trwID + "@refs/tags/v1.0.0", demands: byob},
		{name: "delegated builder, low permissions", id: lowPermissions(), make: lab.ProvenanceBYOB, builder: trwID + "@refs/tags/v1.0.0", demands: byob},
		{name: "delegated builder, v0.2", id: delegator(), make: delegatedV02, builder: trwID + "@refs/tags/v1.0.0", demands: byob},
		{name: "delegated builder that the policy lists", id: delegator(), make: lab.ProvenanceBYOB, builders: "[{id: \"" + trwID + "\", level: 2}]",
			builder: trwID + "@refs/tags/v1.0.0", level: 2, demands: map[string]verify.Code{`{level: 2}`: "", id + trwID + `", level: 2}`: "", `{level: 3}`: tooLow}},
		{name: "delegated builder beside the delegators", id: delegator(), make: lab.ProvenanceBYOB, with: []func(*lab.ProvenanceOptions){builderID(maven + "@refs/tags/v2.1.0")},
			builder: maven + "@refs/tags/v2.1.0", level: 3, demands: map[string]verify.Code{`{level: 3}`: "", id + maven + `"}`: "", id + delegate + `"}`: mismatch}},
		atBad("refs/heads/main"), atBad("refs/tags/v1"), atBad("refs/tags/v1.0"), atBad("refs/tags/v1.0.0-rc.1"), atBad(lab.DefaultCommit),
		{name: "GitHub's own runner", id: workflow(), make: lab.ProvenanceGitHub, builder: runnerID, level: 2, demands: map[string]verify.Code{
			`{level: 2}`: "", id + runnerID + `"}`: "", id + runnerID + `", level: 2}`: "", `{level: 3}`: tooLow, id + runnerID + `", level: 3}`: tooLow,
			id + ownPath + `"}`: mismatch, id + generatorID + `"}`: mismatch,
		}},
		{name: "GitHub's own runner under its older id", id: workflow(), make: lab.ProvenanceGitHub, with: []func(*lab.ProvenanceOptions){builderID(runnerID)},
			builder: runnerID, level: 2, demands: map[string]verify.Code{`{level: 2}`: "", id + runnerID + `"}`: ""}},
		{name: "a self-hosted runner", id: selfHosted(workflow()), make: lab.ProvenanceGitHub, with: []func(*lab.ProvenanceOptions){selfHostedRun},
			builder: ownPath + "@refs/tags/v1.2.3", level: 0, demands: map[string]verify.Code{
				`{level: 1}`: mismatch, `{level: 2}`: mismatch, id + runnerID + `"}`: mismatch, id + ownPath + `", level: 1}`: tooLow, id + ownPath + `"}`: "",
			}},
		{name: "a self-hosted runner under the older id", id: selfHosted(workflow()), make: lab.ProvenanceGitHub, with: []func(*lab.ProvenanceOptions){selfHostedRun, builderID(runnerID)},
			demands: map[string]verify.Code{`{level: 1}`: mismatch, id + runnerID + `"}`: mismatch}},
		{name: "a reusable workflow", id: ours, make: lab.ProvenanceGitHub, with: []func(*lab.ProvenanceOptions){builderID(ours.SAN)},
			builder: ours.SAN, level: 0, demands: map[string]verify.Code{
				`{level: 1}`: mismatch, id + runnerID + `"}`: mismatch, id + reused + `"}`: "", id + reused + `@v3.2.1"}`: "", id + reused + `", level: 1}`: tooLow,
			}},
		{name: "a reusable workflow that the policy lists", id: ours, make: lab.ProvenanceGitHub, with: []func(*lab.ProvenanceOptions){builderID(ours.SAN)},
			builders: "[{id: \"" + reused + "\", level: 3}]", builder: ours.SAN, level: 3, demands: map[string]verify.Code{
				`{level: 3}`: "", id + reused + `", level: 3}`: "", id + runnerID + `"}`: mismatch, id + reused + `@v3.2.0"}`: mismatch,
			}},
		{name: "a listed reusable workflow at a branch", id: branch, make: lab.ProvenanceGitHub, with: []func(*lab.ProvenanceOptions){builderID(branch.SAN)},
			builders: "[{id: \"" + reused + "\", level: 3}]", builder: branch.SAN, level: 3, demands: map[string]verify.Code{
				`{level: 3}`: mismatch, id + reused + `", level: 3}`: mismatch, id + reused + `@refs/heads/main"}`: "",
			}},
	} {
		s := newStage(lab.Options{})
		statement := must(f.make(built(f.with...)))
		pieces := map[string]verify.Piece{"legacy": attBy(s.issue(f.id), statement), "bundle": bundleBy(s.issue(f.id), statement)}
		for demand, want := range f.demands {
			lines := []string{"source: " + sourceYAML, "provenance: {builder: " + demand + "}"}
			if f.builders != "" {
				lines = append([]string{"builders: " + f.builders, "---"}, lines...)
			}
			p := policyOf(t, lines...)
			for layout, piece := range pieces {
				t.Run(f.name+" "+layout+" for "+demand, func(t *testing.T) {
					v := s.judge(t, p, imageRef, options(), piece)
					if want != "" {
						wantFail(t, v, "provenance", want)
						return
					}
					wantPass(t, v)
					c := finding(t, v, "provenance").Found[0]
					if c.Builder != f.builder || c.Level == nil || *c.Level != f.level {
						t.Errorf("built by %s, level %v; wanted %s, %d", c.Builder, c.Level, f.builder, f.level)
					}
				})
			}
		}
	}
}

// A delegated builder may build another commit than the one that started it. A
// demand for a commit is met by what was built.
func TestDelegatedCommit(t *testing.T) {
	const other = "00112233445566778899aabbccddeeff00112233"
	s := newStage(lab.Options{})
	statement := must(lab.ProvenanceBYOB(built(editing(func(st map[string]any) {
		dependency := step(st["predicate"].(map[string]any)["buildDefinition"].(map[string]any)["resolvedDependencies"], "0").(map[string]any)
		dependency["uri"], dependency["digest"] = "git+https://github.com/acme/widget", map[string]any{"gitCommit": other}
	}))))
	piece := bundleBy(s.issue(delegator()), statement)
	rule := func(commit string) *policy.Policy {
		return policyOf(t, `source: {repository: acme/widget, ref: "refs/tags/v{version}"`+commit+`}`, `provenance: {builder: {id: "`+trwID+`"}}`)
	}
	wantPass(t, s.judge(t, rule(""), imageRef, options(), piece)) // as slsa-verifier does
	wantFail(t, s.judge(t, rule(`, commit: `+lab.DefaultCommit), imageRef, options(), piece), "provenance", verify.ProvenanceSourceMismatch)
	wantFail(t, s.judge(t, rule(`, commit: "`+other+`"`), imageRef, options(), piece), "provenance", verify.ProvenanceSourceMismatch)
}

func TestInputs(t *testing.T) {
	s := newStage(lab.Options{})
	p := policyOf(t, "source: "+sourceYAML, "provenance: {builder: {level: 2}, inputs: {channel: stable, retries: \"3\"}}")
	dispatched := func(o *lab.ProvenanceOptions) {
		o.Event, o.Inputs = "workflow_dispatch", map[string]any{"channel": "stable", "retries": 3, "notes": "any"}
	}
	for name, piece := range map[string]verify.Piece{
		"container generator": attBy(s.issue(generator().WithTrigger("workflow_dispatch")), must(lab.ProvenanceV02(built(dispatched)))),
		"container-based":     bundleBy(s.issue(containerBased().WithTrigger("workflow_dispatch")), must(lab.ProvenanceContainerBased(built(dispatched)))),
	} {
		t.Run(name, func(t *testing.T) { wantPass(t, s.judge(t, p, imageRef, options(), piece)) })
	}
}

// TestOtherHomes passes signatures of other hosts than github.com.
func TestOtherHomes(t *testing.T) {
	s := newStage(lab.Options{})
	const ref, tagged = "refs/tags/v1.2.3", `ref: "refs/tags/v{version}"`
	gitLab := lab.GitLab("gitlab.com", "acme/tools/widget", ref, lab.DefaultCommit)
	own := lab.GitLab("gitlab.corp.example", "acme/widget", ref, lab.DefaultCommit)
	server := lab.GHES("github.corp.example", "acme/widget", ref, lab.DefaultCommit, lab.DefaultWorkflow)
	person := lab.Person("release@acme.example", "https://accounts.google.com")
	for name, c := range map[string]struct {
		id     lab.Identity
		source string
		signer string
	}{
		"gitlab.com":       {gitLab, `{repository: "https://gitlab.com/acme/tools/widget", ` + tagged + `}`, `{issuer: "https://gitlab.com", workflow: .gitlab-ci.yml}`},
		"a GitLab":         {own, `{repository: "https://gitlab.corp.example/acme/widget", ` + tagged + `}`, `{issuer: "https://gitlab.corp.example", workflow: .gitlab-ci.yml, trigger: push, runner: github-hosted}`},
		"a GitHub server":  {server, `{repository: "https://github.corp.example/acme/widget", ` + tagged + `}`, `{issuer: "https://github.corp.example/_services/token", workflow: .github/workflows/release.yml}`},
		"a person":         {person, "", `{issuer: "https://accounts.google.com", identity: release@acme.example}`},
		"a whole identity": {workflow(), "", `{issuer: "https://token.actions.githubusercontent.com", identity: "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v{version}"}`},
	} {
		rule := []string{"signature: {signer: " + c.signer + "}"}
		if c.source != "" {
			rule = append([]string{"source: " + c.source}, rule...)
		}
		for layout, piece := range map[string]verify.Piece{"legacy": s.sig(c.id), "bundle": s.sigBundle(c.id)} {
			t.Run(name+" "+layout, func(t *testing.T) {
				v := s.judge(t, policyOf(t, rule...), imageRef, options(), piece)
				if name == "a GitLab" { // its own runners are not GitHub's
					wantFail(t, v, "signature", verify.SignatureClaimMismatch)
					return
				}
				wantPass(t, v)
				stranger := s.judge(t, policyOf(t, rule...), imageRef, options(), s.sig(lab.GitLab("gitlab.com", "evil/widget", ref, lab.DefaultCommit)))
				wantFail(t, stranger, "signature", verify.SignatureIdentityMismatch)
			})
		}
	}
}

// keySigner makes a plain key and names it in the stage's trust.
func (s *stage) keySigner() (*lab.Signer, string) {
	signer := must(s.NewKeySigner())
	sum := sha256.Sum256(signer.PublicKeyPEM())
	name := hex.EncodeToString(sum[:])
	s.keys = append(s.keys, must(verify.NewKey(signer.PublicKeyPEM(), name)))
	return signer, name
}

// TestKeys accepts evidence by a plain key only where the rule names that key.
func TestKeys(t *testing.T) {
	s := newStage(lab.Options{})
	signer, name := s.keySigner()
	_, otherName := s.keySigner()
	byKey := func(name string) []string {
		return []string{`signature: {signer: {key: {file: cosign.pub, sha256: "` + name + `"}}}`}
	}
	rotated := []string{"source: " + sourceYAML, `signature: {signer: [{key: {file: cosign.pub, sha256: "` + name + `"}}, ` + signerYAML + `]}`}
	evidence := map[string]verify.Piece{
		"legacy": sigBy(signer), "bundle": bundleBy(signer, signStatement()), "bundle v2": bundleBy(signer, signStatement(), lab.RekorV2()),
		"bundle v0.1": bundleBy(signer, signStatement(), lab.Version(lab.BundleV01)),
	}
	for layout, piece := range evidence {
		t.Run(layout, func(t *testing.T) {
			v := s.judge(t, policyOf(t, byKey(name)...), imageRef, options(), piece)
			wantPass(t, v)
			if c := finding(t, v, "signature").Found[0]; c.Key != name || c.Claims != nil {
				t.Errorf("accepted %+v", c)
			}
			v = s.judge(t, policyOf(t, rotated...), imageRef, options(), piece)
			wantPass(t, v)
			wantFail(t, s.judge(t, policyOf(t, byKey(otherName)...), imageRef, options(), piece), "signature", verify.SignatureIdentityMismatch)
			wantFail(t, s.judge(t, policyOf(t, "source: "+sourceYAML, signatureYAML), imageRef, options(), piece), "signature", verify.SignatureKeySigned)
			// The program was given no key at all.
			bare := stageOf(s.Sigstore, s.second)
			wantFail(t, bare.judge(t, policyOf(t, byKey(name)...), imageRef, options(), piece), "signature", verify.SignatureKeySigned)
		})
	}
	for layout, piece := range map[string]verify.Piece{
		"unlogged bundle":      bundleBy(signer, signStatement(), lab.Unlogged(), lab.Timestamp()),
		"unlogged legacy":      sigBy(signer, lab.DropAnnotation(lab.BundleAnnotation)),
		"another image":        sigBy(signer, lab.LegacyPayload([]byte(simple(otherDigest)))),
		"entry of another":     sigBy(signer, lab.LegacyEntryOf([]byte(simple(otherDigest)))),
		"unknown log":          bundleBy(signer, signStatement(), lab.UnknownLog()),
		"no time, v2":          bundleBy(signer, signStatement(), lab.RekorV2(), lab.NoTimestamp()),
		"an SBOM by the key":   bundleBy(signer, must(lab.CycloneDX(imageName, imageDigest))),
		"a workflow's instead": s.sigBundle(workflow()),
	} {
		t.Run(layout, func(t *testing.T) {
			if v := s.judge(t, policyOf(t, byKey(name)...), imageRef, options(), piece); v.Passed() {
				t.Errorf("passed: %s", decision(t, v))
			}
		})
	}
	t.Run("provenance", func(t *testing.T) {
		v := s.judge(t, policyOf(t, "source: "+sourceYAML, provenanceYAML), imageRef, options(), bundleBy(signer, must(lab.ProvenanceV02(built()))))
		wantFail(t, v, "provenance", verify.ProvenanceKeySigned)
	})
	t.Run("not the key's file", func(t *testing.T) {
		if _, err := verify.NewKey(signer.PublicKeyPEM(), otherName); err == nil {
			t.Error("took another file for the policy's key")
		}
	})
	t.Run("key in its window", func(t *testing.T) {
		windowed := func(w string) *policy.Policy {
			return policyOf(t, `signature: {signer: {key: {file: cosign.pub, sha256: "`+name+`"}, signed: `+w+`}}`)
		}
		wantPass(t, s.judge(t, windowed("{until: 2025-06-02}"), imageRef, options(), evidence["legacy"]))
		wantFail(t, s.judge(t, windowed("{until: 2025-06-01}"), imageRef, options(), evidence["legacy"]), "signature", verify.SignatureOutsideWindow)
	})
}

// TestRotation accepts by any entry of the lists, and names the one that was met.
func TestRotation(t *testing.T) {
	s := newStage(lab.Options{})
	const issuer = `issuer: "https://token.actions.githubusercontent.com"`
	signers := policyOf(t, "source: "+sourceYAML, `signature: {signer: [{`+issuer+`, workflow: .github/workflows/old.yml, signed: {until: 2025-01-01}}, `+
		`{`+issuer+`, workflow: .github/workflows/release.yml, signed: {from: 2025-01-01, until: 2025-07-01}}, {`+issuer+`, workflow: .github/workflows/new.yml, signed: {from: 2025-06-01}}]}`)
	by := func(file string) lab.Identity {
		return lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, ".github/workflows/"+file)
	}
	for file, want := range map[string]int{"release.yml": 1, "new.yml": 2} {
		v := s.judge(t, signers, imageRef, options(), s.sig(by(file)))
		wantPass(t, v)
		wantMet(t, v, "signature", want, "workflow", ".github/workflows/"+file)
	}
	wantFail(t, s.judge(t, signers, imageRef, options(), s.sig(by("old.yml"))), "signature", verify.SignatureOutsideWindow)
	wantFail(t, s.judge(t, signers, imageRef, options(), s.sig(by("other.yml"))), "signature", verify.SignatureIdentityMismatch)

	sources := policyOf(t, `source: [{repository: oldacme/widget, ref: "refs/tags/v{version}", signed: {until: 2025-01-01}}, {repository: acme/widget, ref: "refs/tags/v{version}"}]`, signatureYAML, provenanceYAML)
	v := s.judge(t, sources, imageRef, options(), s.sig(workflow()), s.att())
	wantPass(t, v)
	wantMet(t, v, "signature", 1, "repository", "https://github.com/acme/widget")
	wantMet(t, v, "provenance", 1, "repository", "https://github.com/acme/widget")
	moved := lab.GitHub("oldacme/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)
	wantFail(t, s.judge(t, sources, imageRef, options(), s.sig(moved), s.att()), "signature", verify.SignatureOutsideWindow)

	// A signer and a source of different entries make a pair of their own, but a
	// source's claims are not put together from two.
	pair := policyOf(t, `source: [{repository: acme/widget, ref: refs/heads/main}, {repository: acme/gadget, ref: "refs/tags/v{version}"}]`, signatureYAML)
	wantFail(t, s.judge(t, pair, imageRef, options(), s.sig(workflow())), "signature", verify.SignatureIdentityMismatch)
}

func wantMet(t *testing.T, v verify.Verdict, check string, index int, claim, value string) {
	t.Helper()
	f := finding(t, v, check)
	if len(f.Found) == 0 || f.Found[0].Met == nil || *f.Found[0].Met != index || f.Wanted[index][claim] != value {
		t.Errorf("%s: found %+v, wanted %d of %v", check, f.Found, index, f.Wanted)
	}
}

// TestVersions says where the version comes from.
func TestVersions(t *testing.T) {
	s := newStage(lab.Options{})
	at := func(version string) []verify.Piece {
		ref := "refs/tags/v" + version
		builder := lab.ReusableWorkflow(lab.DefaultRepo, ref, lab.DefaultCommit, lab.DefaultWorkflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef)
		return []verify.Piece{s.sigBundle(atRef(ref)), bundleBy(s.issue(builder), must(lab.ProvenanceV02(built(func(o *lab.ProvenanceOptions) { o.Ref = ref }))))}
	}
	one, two := at("1.2.3"), at("1.2.4")
	both := slices.Concat(one, two)
	moving := []string{`tags: {version: ["{version}", "v{version}"], moving: [latest, "{major}.{minor}", "v{major}"]}`, "source: " + sourceYAML, signatureYAML, provenanceYAML}
	plain := []string{"source: " + sourceYAML, signatureYAML, provenanceYAML}
	untemplated := []string{`source: {repository: acme/widget, ref: "refs/tags/v*"}`, signatureYAML, provenanceYAML}
	byIdentity := []string{"source: {repository: acme/widget}", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", identity: "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v{version}"}}`}
	at256 := "@" + imageDigest
	for name, c := range map[string]struct {
		rule     []string
		ref      string
		flag     string
		evidence []verify.Piece
		// version and from are what a pass shows; code is of the first check that does not pass.
		version, from string
		code          verify.Code
	}{
		"the tag":                          {plain, ":1.2.3" + at256, "", one, "1.2.3", "tag", ""},
		"the tag with v":                   {plain, ":v1.2.3" + at256, "", one, "1.2.3", "tag", ""},
		"the tag of another":               {plain, ":1.2.4" + at256, "", one, "1.2.4", "tag", verify.SignatureIdentityMismatch},
		"the tag where both are signed":    {plain, ":1.2.4" + at256, "", both, "1.2.4", "tag", ""},
		"a tag that is no version":         {plain, ":edge" + at256, "", one, "", "", verify.PolicyNoVersion},
		"a tag that is not SemVer":         {plain, ":1.2" + at256, "", one, "", "", verify.PolicyNoVersion},
		"a tag with a leading zero":        {plain, ":01.2.3" + at256, "", one, "", "", verify.PolicyNoVersion},
		"no tag":                           {plain, at256, "", one, "1.2.3", "certificate", ""},
		"no tag, by identity":              {byIdentity, at256, "", one[:1], "1.2.3", "certificate", ""},
		"no tag, several versions":         {plain, at256, "", both, "", "", verify.PolicyNoVersion},
		"no tag, one shared version":       {plain, at256, "", slices.Concat(one, two[:1]), "1.2.3", "certificate", ""},
		"no tag, legs of two versions":     {plain, at256, "", []verify.Piece{one[0], two[1]}, "", "", verify.PolicyNoVersion},
		"no tag, nothing signed":           {plain, at256, "", nil, "", "", verify.SignatureMissing},
		"no tag, a stranger's version":     {plain, at256, "", []verify.Piece{s.sigBundle(lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)), one[1]}, "1.2.3", "certificate", verify.SignatureIdentityMismatch},
		"no tag, nothing asks":             {untemplated, at256, "", both, "", "", ""},
		"a strange tag, nothing asks":      {untemplated, ":edge" + at256, "", both, "", "", ""},
		"a moving tag":                     {moving, ":latest" + at256, "", one, "1.2.3", "certificate", ""},
		"a moving tag of numbers":          {moving, ":1.2" + at256, "", one, "1.2.3", "certificate", ""},
		"a moving tag, several versions":   {moving, ":latest" + at256, "", both, "", "", verify.PolicyNoVersion},
		"neither moving nor a version":     {moving, ":newest" + at256, "", one, "", "", verify.PolicyNoVersion},
		"the flag":                         {plain, at256, "1.2.3", one, "1.2.3", "flag", ""},
		"the flag where both are signed":   {plain, at256, "1.2.4", both, "1.2.4", "flag", ""},
		"the flag of another":              {plain, at256, "1.2.4", one, "1.2.4", "flag", verify.SignatureIdentityMismatch},
		"the flag with an expression":      {plain, at256, "1.2.*", one, "", "", verify.PolicyNoVersion},
		"the flag beside the same tag":     {plain, ":1.2.3" + at256, "1.2.3", one, "1.2.3", "flag", ""},
		"the flag beside a moving tag":     {moving, ":1.2" + at256, "1.2.3", one, "1.2.3", "flag", ""},
		"the flag beside a strange tag":    {plain, ":edge" + at256, "1.2.3", one, "1.2.3", "flag", ""},
		"the flag against a version's tag": {plain, ":1.2.4" + at256, "1.2.3", one, "", "", verify.PolicyNoVersion},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Version = c.flag
			v := s.judge(t, policyOf(t, c.rule...), imageName+c.ref, o, c.evidence...)
			if c.code != "" {
				wantFail(t, v, "signature", c.code)
			} else {
				wantPass(t, v)
			}
			if v.Image.Version != c.version || v.Image.VersionFrom != c.from {
				t.Errorf("version %q from %q; wanted %q from %q", v.Image.Version, v.Image.VersionFrom, c.version, c.from)
			}
		})
	}
}

// TestBuiltIn judges by the policy behind --repo.
func TestBuiltIn(t *testing.T) {
	s := newStage(lab.Options{})
	p, _, err := policy.BuiltIn(policy.GitHubRelease{Image: imageName, Repository: "acme/widget", RepositoryID: lab.DefaultRepositoryID})
	if err != nil {
		t.Fatal(err)
	}
	build := func(ref string, id func(lab.Identity) lab.Identity) []verify.Piece {
		w := id(atRef(ref))
		g := id(lab.ReusableWorkflow(lab.DefaultRepo, ref, lab.DefaultCommit, lab.DefaultWorkflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef))
		event := w.Extensions.BuildTrigger
		return []verify.Piece{s.sigBundle(w), attBy(s.issue(g), must(lab.ProvenanceV02(built(func(o *lab.ProvenanceOptions) { o.Ref, o.Event = ref, event }))))}
	}
	same := func(id lab.Identity) lab.Identity { return id }
	triggered := func(event string) func(lab.Identity) lab.Identity {
		return func(id lab.Identity) lab.Identity { return id.WithTrigger(event) }
	}
	at256 := "@" + imageDigest
	for name, c := range map[string]struct {
		ref      string
		evidence []verify.Piece
		version  string
		code     verify.Code
	}{
		"v and the tag":             {":1.2.3" + at256, build("refs/tags/v1.2.3", same), "1.2.3", ""},
		"the tag itself":            {":v1.2.3" + at256, build("refs/tags/v1.2.3", same), "v1.2.3", ""},
		"the tag without v":         {":1.2.3" + at256, build("refs/tags/1.2.3", same), "1.2.3", ""},
		"a tag that is no version":  {":release-7" + at256, build("refs/tags/release-7", same), "release-7", ""},
		"no tag":                    {at256, build("refs/tags/v1.2.3", same), "1.2.3", ""},
		"no tag, without v":         {at256, build("refs/tags/1.2.3", same), "1.2.3", ""},
		"another tag":               {":1.2.4" + at256, build("refs/tags/v1.2.3", same), "1.2.4", verify.SignatureIdentityMismatch},
		"a tag without the v":       {":v1.2.3" + at256, build("refs/tags/1.2.3", same), "v1.2.3", verify.SignatureIdentityMismatch},
		"a branch":                  {":main" + at256, build("refs/heads/main", same), "main", verify.SignatureIdentityMismatch},
		"a branch named like a tag": {":1.2.3" + at256, build("refs/heads/v1.2.3", same), "1.2.3", verify.SignatureIdentityMismatch},
		"a dot is a dot":            {":1.2.3" + at256, build("refs/tags/v1x2.3", same), "1.2.3", verify.SignatureIdentityMismatch},
		"release":                   {":1.2.3" + at256, build("refs/tags/v1.2.3", triggered("release")), "1.2.3", ""},
		"dispatch":                  {":1.2.3" + at256, build("refs/tags/v1.2.3", triggered("workflow_dispatch")), "1.2.3", ""},
		"pull_request_target":       {":1.2.3" + at256, build("refs/tags/v1.2.3", triggered("pull_request_target")), "1.2.3", verify.SignatureClaimMismatch},
		"self-hosted":               {":1.2.3" + at256, build("refs/tags/v1.2.3", selfHosted), "1.2.3", verify.SignatureClaimMismatch},
		"another repository id":     {":1.2.3" + at256, build("refs/tags/v1.2.3", func(id lab.Identity) lab.Identity { return id.WithIDs("9", "9") }), "1.2.3", verify.SignatureSourceMismatch},
		"the first leg missing":     {":1.2.3" + at256, build("refs/tags/v1.2.3", same)[1:], "1.2.3", verify.SignatureMissing},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.judge(t, p, imageName+c.ref, options(), c.evidence...)
			if c.code != "" {
				wantFail(t, v, "signature", c.code)
			} else {
				wantPass(t, v)
			}
			if v.Image.Version != c.version {
				t.Errorf("version %q; wanted %q", v.Image.Version, c.version)
			}
		})
	}
	t.Run("another image", func(t *testing.T) {
		v := s.judge(t, p, "registry.example/evil/widget"+at256, options(), build("refs/tags/v1.2.3", same)...)
		if v.Passed() || v.Checks[0].Code != verify.PolicyNoRule {
			t.Errorf("%s", decision(t, v))
		}
	})
	t.Run("GitHub's own provenance", func(t *testing.T) {
		own := bundleBy(s.issue(workflow()), must(lab.ProvenanceGitHub(built())))
		wantPass(t, s.judge(t, p, imageRef, options(), s.signature(), own))
	})
}

// An empty policy, an empty rule, a rule without demands: none of them passes,
// though no parser makes one.
func TestNothingDemanded(t *testing.T) {
	s := newStage(lab.Options{})
	match := must(policy.ParsePattern(imageName))
	for name, p := range map[string]*policy.Policy{
		"no rule": {}, "an empty rule": {Rules: []policy.Rule{{}}}, "no demand": {Rules: []policy.Rule{{Match: match}}},
		"an empty signature":  {Rules: []policy.Rule{{Match: match, Signature: &policy.Signature{Demand: policy.Demand{Trust: policy.PublicGood}}}}},
		"an empty signer":     {Rules: []policy.Rule{{Match: match, Signature: &policy.Signature{Demand: policy.Demand{Trust: policy.PublicGood, Signers: []policy.Signer{{}}}}}}},
		"an issuer alone":     {Rules: []policy.Rule{{Match: match, Signature: &policy.Signature{Demand: policy.Demand{Trust: policy.PublicGood, Signers: []policy.Signer{{}}, Sources: []policy.Source{{}}}}}}},
		"an empty provenance": {Rules: []policy.Rule{{Match: match, Provenance: &policy.Provenance{Demand: policy.Demand{Trust: policy.PublicGood}}}}},
		"no source":           {Rules: []policy.Rule{{Match: match, Provenance: &policy.Provenance{Demand: policy.Demand{Trust: policy.PublicGood, Signers: []policy.Signer{{Issuer: lab.GitHubIssuer}}}, Builder: policy.BuilderDemand{Level: 3}}}}},
		"a key and claims":    {Rules: []policy.Rule{{Match: match, Signature: &policy.Signature{Demand: policy.Demand{Trust: policy.PublicGood, Signers: []policy.Signer{{Issuer: lab.GitHubIssuer, Key: &policy.Key{}}}}}}}},
		"no root":             {Rules: []policy.Rule{{Match: match, Signature: &policy.Signature{Demand: policy.Demand{Signers: []policy.Signer{{Issuer: lab.GitHubIssuer}}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			p.Trust = map[string]policy.Trust{policy.PublicGood: {Builtin: true, Thresholds: policy.DefaultThresholds()}}
			for _, code := range []string{imageRef, imageName + ":1.2.3"} {
				r := must(verify.ParseReference(code))
				facts := verify.Authenticate(verify.Image{Reference: r, Digest: imageDigest}, verify.Evidence{Pieces: pieces(s.signature(), s.provenance())}, s.trust(p), verify.DefaultLimits())
				func() {
					defer func() {
						if r := recover(); r != nil {
							t.Errorf("judging panics: %v", r)
						}
					}()
					if v := verify.Judge(facts, p, s.trust(p), options()); v.Passed() {
						t.Errorf("passed: %s", decision(t, v))
					}
				}()
			}
		})
	}
	if (verify.Verdict{}).Passed() || fmt.Sprint(verify.Result(0)) != "fail" {
		t.Error("the zero verdict is not a denial")
	}
}
