package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestMixedReleases is attack 23: evidence of two releases, each valid by itself and
// about the same digest, for every pair of kinds. It passes where both are of one.
func TestMixedReleases(t *testing.T) {
	s := newStage(lab.Options{})
	same, mixed := newTheatre(t, s, the()), newTheatre(t, s, the(older))
	for i, first := range legs {
		for _, second := range legs[i+1:] {
			t.Run(first+" and "+second, func(t *testing.T) {
				p := same.policy(t, []string{first, second})
				pieces := func(c chapter) []verify.Piece {
					pieces := []verify.Piece{pages[first](s, the())}
					if second != "release" {
						pieces = append(pieces, pages[second](s, c))
					}
					return pieces
				}
				v := same.play(t, p, imageRef, options(), pieces(the())...)
				wantPass(t, v)
				h := same
				if second == "release" {
					h, p = mixed, mixed.policy(t, []string{first, second})
				}
				v = h.play(t, p, imageRef, options(), pieces(the(older))...)
				wantFail(t, v, "consistency", verify.ConsistencyDisagreement)
				wantOthers(t, v, "consistency")
			})
		}
	}
}

// TestThreeReleases is the attack in the words of the catalogue: signature of one
// release, provenance of another, a bill of materials of a third.
func TestThreeReleases(t *testing.T) {
	h := newTheatre(t, newStage(lab.Options{}), the())
	nightly := the(func(c *chapter) { c.ref, c.commit = "refs/tags/v0.0.0-nightly", strings.Repeat("cd", 20) })
	p := h.policy(t, legs[:3])
	v := h.play(t, p, imageRef, options(), pages["signature"](h.stage, the()), pages["provenance"](h.stage, the(older)), pages["sbom"](h.stage, nightly))
	wantFail(t, v, "consistency", verify.ConsistencyDisagreement)
	wantOthers(t, v, "consistency")
	f := finding(t, v, "consistency")
	for _, part := range []string{
		"the commit is", lab.DefaultCommit + `" by signature certificate`, strings.Repeat("ab", 20) + `" by provenance`,
		strings.Repeat("cd", 20) + `" by sbom certificate`, "the ref is", "the version is",
	} {
		if !strings.Contains(f.Message, part) {
			t.Errorf("the message has no %q: %s", part, f.Message)
		}
	}
	if c := line(t, v, "commit"); !c.Compared || c.Agree {
		t.Errorf("the commits are shown as %+v", c)
	}
}

// TestEachClaim changes one claim of one piece at a time. It refuses where the claim is
// compared, and nowhere else.
func TestEachClaim(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	two := []string{"signature", "provenance"}
	signed := func(change func(*chapter)) []verify.Piece {
		return []verify.Piece{pages["signature"](s, the(change)), pages["provenance"](s, the())}
	}
	for _, c := range []struct {
		claim  string
		checks []string
		pieces []verify.Piece
	}{
		{"image", two, signed(func(c *chapter) { c.image = "registry.example/acme/gadget" })},
		{"version", []string{"signature", "sbom"}, []verify.Piece{pages["signature"](s, the()), pages["sbom"](s, the(func(c *chapter) { c.version = "1.2.2" }))}},
		{"repository", two, signed(func(c *chapter) { c.repo = "acme/gadget" })},
		{"repository_id", two, signed(func(c *chapter) { c.repositoryID = "1002" })},
		{"owner_id", two, signed(func(c *chapter) { c.ownerID = "2003" })},
		{"ref", two, signed(func(c *chapter) { c.ref = "refs/tags/v1.2.3-again" })},
		{"commit", two, signed(func(c *chapter) { c.commit = strings.Repeat("ab", 20) })},
		{"workflow", two, signed(func(c *chapter) { c.workflow = ".github/workflows/other.yml" })},
		{"run", two, signed(func(c *chapter) { c.run = "1" })},
		{"builder", two, append(signed(func(*chapter) {}), bundleBy(s.issue(reusable(lab.GeneratorRepository, lab.ContainerBasedBuilder, lab.GeneratorRef)), must(lab.ProvenanceContainerBased(built()))))},
		{"built", []string{"provenance", "attestations.metadata"}, []verify.Piece{
			pages["provenance"](s, the()), pages["attestations.metadata"](s, the(func(c *chapter) { c.started = "2025-06-01T11:00:01Z" })),
		}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			p := h.policy(t, c.checks, consistent(c.claim))
			if c.claim == "builder" { // which provenance alone says: all of it has to count
				p.Rules[0].Provenance.Select = policy.SelectAll
			}
			v := h.play(t, p, imageRef, options(), c.pieces...)
			wantFail(t, v, "consistency", verify.ConsistencyDisagreement)
			wantOthers(t, v, "consistency")
			if f := finding(t, v, "consistency"); !strings.Contains(f.Message, "the "+c.claim+" is ") {
				t.Errorf("the message does not name the claim: %s", f.Message)
			}
			var others []string
			for _, other := range policy.ConsistencyClaims() {
				together := map[string][]string{"repository": {"run", "repository"}, "repository_id": {"repository"}, "version": {"ref"}, "ref": {"version"}, "builder": {"built", "run"}}
				if other != c.claim && !slices.Contains(together[c.claim], other) {
					others = append(others, other)
				}
			}
			wantPass(t, h.play(t, h.policy(t, c.checks, consistent(others...)), imageRef, options(), c.pieces...))
		})
	}
}

// TestRepositoryMadeAgain compares repositories by number wherever it compares them by
// name, and a number that one source alone has with nothing.
func TestRepositoryMadeAgain(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature", "provenance"}, consistent("repository"))
	again := pages["signature"](s, the(func(c *chapter) { c.repositoryID = "1002" }))
	wantFail(t, h.play(t, p, imageRef, options(), again, pages["provenance"](s, the())), "consistency", verify.ConsistencyDisagreement)
	id := the().signer()
	id.Extensions.SourceRepositoryIdentifier = ""
	wantPass(t, h.play(t, p, imageRef, options(), s.sigBundle(id), pages["provenance"](s, the())))
}

// TestNothingToCompare wants two pieces of evidence, and two for each required claim.
func TestNothingToCompare(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	both := []verify.Piece{pages["signature"](s, the()), pages["provenance"](s, the())}
	for name, c := range map[string]struct {
		checks []string
		more   string
		pieces []verify.Piece
	}{
		"one piece":                 {[]string{"signature"}, consistent("commit"), both},
		"none of the claim":         {[]string{"signature", "provenance"}, "consistency: {claims: [builder, commit], required: [builder]}", both},
		"twice in one piece":        {[]string{"provenance", "release"}, "consistency: {claims: [ref, commit], required: [ref]}", both},
		"the one that counts alone": {[]string{"signature", "provenance"}, consistent("commit"), both[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			wantFail(t, h.play(t, h.policy(t, c.checks, c.more), imageRef, options(), c.pieces...), "consistency", verify.ConsistencyNothingToCompare)
		})
	}
	wantPass(t, h.play(t, h.policy(t, []string{"signature", "provenance"}, "consistency: {claims: [commit], required: [commit]}"), imageRef, options(), both...))
	if v := h.play(t, h.policy(t, []string{"signature"}), imageRef, options(), both[0]); finding(t, v, "consistency").Required {
		t.Error("one check alone has nothing to be compared with, and consistency is required")
	}
}

// TestBystanders adds valid evidence from elsewhere, which meets no demand.
func TestBystanders(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	stranger := func(c *chapter) { c.repo, c.commit = "evil/fork", strings.Repeat("ee", 20) }
	pieces := []verify.Piece{
		pages["signature"](s, the()), pages["provenance"](s, the()),
		pages["signature"](s, the(stranger)), pages["provenance"](s, the(stranger)), pages["sbom"](s, the(stranger)),
	}
	v := h.play(t, h.policy(t, []string{"signature", "provenance"}), imageRef, options(), pieces...)
	wantPass(t, v)
	if strings.Contains(string(decision(t, v)), "evil/fork") {
		t.Error("a bystander stands in the table")
	}
}

// TestUndecidedStory leaves a check undecided: so is the story, unless it is already
// known to be none.
func TestUndecidedStory(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature", "provenance", "attestations.metadata"})
	down := verify.Failure{Code: verify.RegistryServerError, Class: verify.Transient, Place: "memory", Layouts: []verify.Layout{verify.LegacyAttestation}}
	image := verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}
	judge := func(c chapter) verify.Verdict {
		return h.playImage(t, p, image, verify.Evidence{Failures: []verify.Failure{down}, Pieces: []verify.Piece{pages["signature"](s, the()), pages["provenance"](s, c)}}, options())
	}
	v := judge(the())
	if f := finding(t, v, "consistency"); f.Result != verify.Errored || f.Code != verify.RegistryServerError || f.Class != verify.Transient || v.Conclusive {
		t.Errorf("found %s %s (%s): %s", f.Result, f.Code, f.Class, f.Message)
	}
	wantFail(t, judge(the(older)), "consistency", verify.ConsistencyDisagreement)
}

// TestStoryTable reads the table of a good release.
func TestStoryTable(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	var pieces []verify.Piece
	for _, id := range legs[:4] {
		pieces = append(pieces, pages[id](s, the()))
	}
	p := h.policy(t, legs)
	v := h.play(t, p, imageRef, options(), pieces...)
	wantPass(t, v)
	for _, c := range []struct{ claim, source, want string }{
		{"image", "signature", imageName}, {"image", "release manifest", imageName}, {"image", "sbom", imageName},
		{"digest", "sbom", imageDigest}, {"digest", "attestations.metadata", imageDigest}, {"digest", "release manifest", imageDigest},
		{"version", "tag", "1.2.3"}, {"version", "signature certificate", "1.2.3"}, {"version", "sbom", "1.2.3"}, {"version", "release manifest", "1.2.3"},
		{"repository", "provenance", "git+https://github.com/acme/widget"}, {"repository", "sbom", ""},
		{"repository_id", "provenance certificate", "1001"}, {"owner_id", "sbom certificate", "2002"},
		{"ref", "attestations.metadata", lab.DefaultRef}, {"commit", "release manifest", lab.DefaultCommit}, {"commit", "sbom", ""},
		{"workflow", "provenance", lab.DefaultWorkflow}, {"run", "attestations.metadata certificate", "https://github.com/acme/widget/actions/runs/987654321/attempts/1"},
		{"builder", "provenance", generatorID + "@refs/tags/v2.1.0"}, {"built", "provenance", "2025-06-01T11:00:00Z"},
	} {
		if got := value(t, v, c.claim, c.source); got.Value != c.want || got.Hint {
			t.Errorf("%s by %s is %+v; wanted %q", c.claim, c.source, got, c.want)
		}
	}
	slices.Reverse(pieces)
	if again := h.play(t, p, imageRef, options(), pieces...); string(decision(t, again)) != string(decision(t, v)) {
		t.Error("the order of the evidence changes the verdict")
	}
}

// TestSameImageOfTwoReleases: an image that two releases built the same has evidence of
// both. One of them tells one story; pieces of both do not.
func TestSameImageOfTwoReleases(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	ids := legs[:3] // the others say a version, and nothing here does
	pick := func(of map[string]chapter) []verify.Piece {
		var pieces []verify.Piece
		for _, id := range ids {
			if c, ok := of[id]; ok {
				pieces = append(pieces, pages[id](s, c))
			}
		}
		return pieces
	}
	whole := func(c chapter) map[string]chapter {
		all := map[string]chapter{}
		for _, id := range ids {
			all[id] = c
		}
		return all
	}
	p := h.policy(t, ids)
	both := append(pick(whole(the())), pick(whole(the(older)))...)
	digest := imageName + "@" + imageDigest
	v := h.play(t, p, digest, options(), both...)
	wantPass(t, v)
	for _, c := range v.Checks {
		for _, line := range c.Story {
			if line.Claim == "ref" && (!line.Agree || len(line.Sources) == 0) {
				t.Errorf("the table is not of one release: %+v", line)
			}
		}
	}
	// Whatever is left of the second release, the first is whole and passes.
	for _, id := range ids {
		wantPass(t, h.play(t, p, digest, options(), append(pick(whole(the())), pick(map[string]chapter{id: the(older)})...)...))
	}
	// Take one piece of the first away, and its other release's does not stand in for it.
	for _, id := range ids {
		mixed := whole(the())
		mixed[id] = the(older)
		v := h.play(t, p, digest, options(), append(pick(mixed), pick(map[string]chapter{ids[0]: mixed[ids[0]]})...)...)
		if v.Passed() {
			t.Errorf("%s of another release stands in: %s", id, decision(t, v))
		}
	}
}

// TestImageOfTheSameProject: one workflow signs several images at the same release. Under
// the name of another, each fails by the name; a copy of the same name in another registry
// does not, unless the policy says so.
func TestImageOfTheSameProject(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	two := []string{"signature", "provenance"}
	named := func(image string) []verify.Piece {
		c := the(func(c *chapter) { c.image = image })
		return []verify.Piece{pages["signature"](s, c), pages["provenance"](s, c)}
	}
	copied, other := named("mirror.example/copies/acme/widget"), named("registry.example/acme/gadget")
	wantPass(t, h.play(t, h.policy(t, two), imageRef, options(), copied...))
	wantFail(t, h.play(t, h.policy(t, two), imageRef, options(), other...), "consistency", verify.ConsistencyDisagreement)
	exact := h.policy(t, two, "consistency: {required: [image]}")
	wantFail(t, h.play(t, exact, imageRef, options(), copied...), "consistency", verify.ConsistencyDisagreement)
	wantPass(t, h.play(t, exact, imageRef, options(), named(imageName)...))
}

// TestScansSpeakOfTheImage wants no more of a test result than that it is about the image.
func TestScansSpeakOfTheImage(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	const kind = "https://in-toto.io/attestation/test-result/v0.1"
	result := bundleBy(s.issue(the(older).signer()), must(lab.Statement(lab.StatementV1, kind, lab.Subjects(imageName, imageDigest), map[string]any{
		"result": "PASSED", "configuration": []any{map[string]any{"name": "ci", "digest": map[string]any{"sha256": otherHex}}}, "passedTests": []string{"unit"},
	})))
	demand := func(shape string) string {
		return "attestations: {unit: {type: '" + kind + "', signer: " + anyVersion + ", source: " + anySource + shape + "}}"
	}
	wantPass(t, h.play(t, h.policy(t, []string{"signature"}, demand(", tests: {passed: [unit]}")), imageRef, options(), pages["signature"](s, the()), result))
	v := h.play(t, h.policy(t, []string{"signature"}, demand("")), imageRef, options(), pages["signature"](s, the()), result)
	wantFail(t, v, "consistency", verify.ConsistencyDisagreement)
}

// TestLabels are hints, whatever somebody writes, unless the policy compares them.
func TestLabels(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	label := func(repo, commit, version string) string {
		return `{"org.opencontainers.image.source":"` + repo + `","org.opencontainers.image.revision":"` + commit + `","org.opencontainers.image.version":"` + version + `"}`
	}
	good := label("git+https://github.com/acme/widget.git", lab.DefaultCommit, "v1.2.3")
	bad := label("https://github.com/debian/base", strings.Repeat("00", 20), "12")
	judge := func(annotations, config, labels string) verify.Verdict {
		written := []byte(`{"config":{"Labels":` + config + `}}`)
		image := withManifest(t, "application/vnd.oci.image.manifest.v1+json", `{"schemaVersion":2,"config":{"digest":"`+digestOf(written)+`"},"annotations":`+annotations+`}`)
		pieces := []verify.Piece{
			bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, image.Digest))),
			bundleBy(s.issue(the().signer()), must(lab.CycloneDX(imageName, image.Digest))),
		}
		p := h.policy(t, []string{"signature", "sbom"}, "consistency: {claims: [repository, commit, version], labels: "+labels+"}")
		return h.playImage(t, p, image, verify.Evidence{Pieces: pieces, Config: written}, options())
	}
	v := judge(bad, bad, "false")
	wantPass(t, v)
	for _, source := range []string{"label", "annotation"} {
		if got := value(t, v, "repository", source); !got.Hint || got.Value != "https://github.com/debian/base" {
			t.Errorf("the %s is shown as %+v", source, got)
		}
	}
	wantPass(t, judge(good, good, "true"))
	wantPass(t, judge("{}", `{"org.opencontainers.image.source": 7}`, "true"))
	wantFail(t, judge(bad, good, "true"), "consistency", verify.ConsistencyDisagreement)
	wantFail(t, judge(good, bad, "true"), "consistency", verify.ConsistencyDisagreement)

	// Labels that are to be compared and could not be had.
	image := withManifest(t, "application/vnd.oci.image.manifest.v1+json", `{"schemaVersion":2,"config":{"digest":"`+otherDigest+`"}}`)
	p := h.policy(t, []string{"signature", "sbom"}, "consistency: {claims: [repository, commit], labels: true}")
	evidence := verify.Evidence{Pieces: []verify.Piece{
		bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, image.Digest))),
		bundleBy(s.issue(the().signer()), must(lab.CycloneDX(imageName, image.Digest))),
	}}
	if f := finding(t, h.playImage(t, p, image, evidence, options()), "consistency"); f.Result != verify.Errored || f.Code != verify.PlaceUnavailable {
		t.Errorf("without the configuration: %s %s", f.Result, f.Code)
	}
	evidence.Failures = []verify.Failure{{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "memory", Layouts: []verify.Layout{verify.Config}}}
	if f := finding(t, h.playImage(t, p, image, evidence, options()), "consistency"); f.Result != verify.Errored || f.Code != verify.RegistryTimeout || f.Class != verify.Transient {
		t.Errorf("with a failure to read the configuration: %s %s", f.Result, f.Code)
	}
}

// TestDelegatedBuild compares what was built, where a delegated builder built another
// commit than the one its run began with.
func TestDelegatedBuild(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	delegated := strings.Repeat("ab", 20)
	piece := bundleBy(s.issue(reusable(lab.GeneratorRepository, ".github/workflows/delegator_generic_slsa3.yml", lab.GeneratorRef)), must(lab.ProvenanceBYOB(built(
		builderID(generatorID[:strings.LastIndex(generatorID, "/")]+"/builder_nodejs_slsa3.yml@"+lab.GeneratorRef),
		editing(func(st map[string]any) {
			set("git+https://github.com/acme/widget", "predicate", "buildDefinition", "resolvedDependencies", "0", "uri")(st)
			set(map[string]any{"gitCommit": delegated}, "predicate", "buildDefinition", "resolvedDependencies", "0", "digest")(st)
		})))))
	p := h.policy(t, []string{"provenance", "attestations.metadata"}, consistent("repository", "commit", "ref"))
	v := h.play(t, p, imageRef, options(), piece, pages["attestations.metadata"](s, the(func(c *chapter) { c.commit = delegated })))
	wantPass(t, v)
	if got := value(t, v, "commit", "provenance certificate"); !got.Hint || got.Value != lab.DefaultCommit {
		t.Errorf("the certificate's commit is shown as %+v", got)
	}
	wantFail(t, h.play(t, p, imageRef, options(), piece, pages["attestations.metadata"](s, the())), "consistency", verify.ConsistencyDisagreement)
}

// TestPlatformsTellOneStory lets what is about each platform take part.
func TestPlatformsTellOneStory(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	arms := "sha256:" + strings.Repeat("a1", 32)
	entry := func(digest, arch string) string {
		return `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + digest + `","size":7,"platform":{"os":"linux","architecture":"` + arch + `"}}`
	}
	index := withManifest(t, "application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+entry(otherDigest, "amd64")+","+entry(arms, "arm64")+`]}`)
	p := h.policy(t, nil, "signature: {on: index, signer: "+anyVersion+", source: "+anySource+"}", "sbom: {on: platforms, signer: "+anyVersion+", source: "+anySource+"}",
		consistent("image", "digest", "repository", "commit"))
	judge := func(arm chapter) verify.Verdict {
		child := func(digest, arch string, c chapter) verify.Child {
			piece := bundleBy(s.issue(c.signer()), must(lab.CycloneDX(c.image, digest)))
			return verify.Child{Image: verify.Image{Reference: index.Reference, Digest: digest}, Platform: "linux/" + arch, Evidence: verify.Evidence{Pieces: []verify.Piece{piece}}}
		}
		return h.playImage(t, p, index, verify.Evidence{
			Pieces:   []verify.Piece{bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, index.Digest)))},
			Children: []verify.Child{child(otherDigest, "amd64", the()), child(arms, "arm64", arm)},
		}, options())
	}
	v := judge(the())
	wantPass(t, v)
	if c := line(t, v, "digest"); !c.Agree || len(c.Sources) < 4 {
		t.Errorf("the digests are shown as %+v", c)
	}
	v = judge(the(older))
	wantFail(t, v, "consistency", verify.ConsistencyDisagreement)
	wantOthers(t, v, "consistency")
}

// TestBuildKitTellsAsItsVoucher: what BuildKit keeps is of the release whose signature over
// the index vouches for it, and that is in the story and on the list of what is denied.
func TestBuildKitTellsAsItsVoucher(t *testing.T) {
	y := newYard(t, spdxAbout)
	signed := func(c chapter, digest string) verify.Piece {
		return bundleBy(y.issue(c.signer()), must(lab.SignStatement(imageName, digest)))
	}
	onImages := map[string][]verify.Piece{y.image(0): {signed(the(), y.image(0))}, y.image(1): {signed(the(), y.image(1))}}
	rule := func(more ...string) *policy.Policy {
		lines := []string{
			tagsYAML, "signature: {on: platforms, signer: " + anyVersion + ", source: " + anySource + "}",
			"sbom: {on: index, buildkit: true, signer: " + anyVersion + ", source: " + anySource + "}",
		}
		return policyOf(t, append(slices.Clone(more), lines...)...)
	}
	told := rule("---", consistent("image", "digest", "version", "repository", "ref", "commit"))
	under := func(all ...chapter) []verify.Piece {
		pieces := y.statements()
		for _, c := range all {
			pieces = append(pieces, signed(c, y.Digest()))
		}
		return pieces
	}
	wantPass(t, y.judge(t, told, under(the()), onImages))
	wantPass(t, y.judge(t, told, under(the(), the(older)), onImages))
	wantPass(t, y.judge(t, told, under(the(older), the()), onImages))
	v := y.judge(t, told, under(the(older)), onImages)
	wantFail(t, v, "consistency", verify.ConsistencyDisagreement)
	wantOthers(t, v, "consistency")
	if f := finding(t, v, "consistency"); !strings.Contains(f.Message, strings.Repeat("ab", 20)+`" by sbom certificate`) {
		t.Errorf("the message is %s", f.Message)
	}
	deny := rule("deny: {versions: [{match: "+imageName+", version: 1.2.2}]}", "---", "consistency: off")
	wantPass(t, y.judge(t, deny, under(the()), onImages))
	wantFail(t, y.judge(t, deny, under(the(older)), onImages), "freshness", verify.FreshnessDeniedVersion)
}
