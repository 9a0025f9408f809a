package verify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// later is evidence signed some time after the release.
func (c chapter) later(s *stage, id string, after time.Duration) verify.Piece {
	signer := must(s.Issue(c.signer(), then.Add(after)))
	switch id {
	case "sbom":
		return fromBundle(must(signer.Bundle(must(lab.CycloneDX(c.image, imageDigest)), soon.Add(after))))
	default:
		return fromBundle(must(signer.Bundle(must(lab.SignStatement(c.image, imageDigest)), soon.Add(after))))
	}
}

// TestDeniedDigest denies the image, and what an index lists.
func TestDeniedDigest(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	signature := pages["signature"](s, the())
	deny := func(digests string) *policy.Policy {
		return h.policy(t, []string{"signature"}, "deny: {digests: ["+digests+"]}", "---")
	}
	wantPass(t, h.play(t, deny(`"`+otherDigest+`"`), imageRef, options(), signature))
	v := h.play(t, deny(`{digest: "`+imageDigest+`", reason: it mines coins}`), imageRef, options(), signature)
	wantFail(t, v, "freshness", verify.FreshnessDeniedDigest)
	wantOthers(t, v, "freshness")
	if f := finding(t, v, "freshness"); !strings.Contains(f.Message, "it mines coins") || !strings.Contains(f.Wanted[0]["deny.digests"], imageDigest) {
		t.Errorf("found %q, wanted is %v", f.Message, f.Wanted)
	}

	index := withManifest(t, "application/vnd.oci.image.index.v1+json", fmt.Sprintf(`{"schemaVersion":2,"manifests":[
		{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":7,"platform":{"os":"linux","architecture":"amd64"}}]}`, otherDigest))
	judge := func(p *policy.Policy, image verify.Image) verify.Verdict {
		return h.playImage(t, p, image, verify.Evidence{Pieces: []verify.Piece{bundleBy(s.issue(the().signer()), must(lab.SignStatement(imageName, image.Digest)))}}, options())
	}
	wantFail(t, judge(deny(`"`+otherDigest+`"`), index), "freshness", verify.FreshnessDeniedDigest)
	if f := finding(t, judge(deny(`"`+imageDigest+`"`), index), "freshness"); f.Result != verify.Passed {
		t.Errorf("an index without what is denied is %s %s", f.Result, f.Code)
	}
	broken := withManifest(t, "application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[{}]}`)
	if f := finding(t, judge(deny(`"`+imageDigest+`"`), broken), "freshness"); f.Result != verify.Errored || f.Code != verify.RegistryMalformed {
		t.Errorf("an index that cannot be read is %s %s", f.Result, f.Code)
	}
}

// TestDeniedDigestInNestedIndex denies what an index lists that lies inside the image's,
// though the evidence about the image's own is good.
func TestDeniedDigestInNestedIndex(t *testing.T) {
	entries := two("nested and denied")
	inner := must(lab.NewIndexOf(entries...))
	middle := must(lab.NewIndexOf(lab.Listed{Image: inner}))
	outer := must(lab.NewIndexOf(append(two("beside"), lab.Listed{Image: middle})...))
	attests := lab.Attesting(must(lab.AttestationManifest([]byte("1"))), outer.Children()[0].Digest.String())
	outer = must(lab.NewIndexOf(append(two("beside"), lab.Listed{Image: middle}, attests)...))
	ask := func(t *testing.T, denied string, lost string) (*shelf, verify.Verdict) {
		s := newShelf(t)
		s.push(t, outer, outer.Digest())
		s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
			if lost == "" || !strings.HasSuffix(r.URL.Path, "/manifests/"+lost) {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		})
		p := s.demanding(t, "either")
		p.Deny.Digests = []string{denied}
		return s, s.ask(t, p, "")
	}
	for name, digest := range map[string]string{"an image": entries[1].Digest(), "the innermost index": inner.Digest(), "the index inside": middle.Digest()} {
		t.Run(name, func(t *testing.T) {
			_, v := ask(t, digest, "")
			wantFail(t, v, "freshness", verify.FreshnessDeniedDigest)
			wantOthers(t, v, "freshness")
		})
	}
	s, v := ask(t, otherDigest, "")
	wantPass(t, v)
	for _, path := range s.paths() { // the outer one's evidence is good: of the rest only the indexes are read
		for _, part := range append(outer.Children(), inner.Children()...) {
			if part.Digest.String() != middle.Digest() && strings.Contains(path, part.Digest.Hex) {
				t.Errorf("%s was asked for", path)
			}
		}
	}
	for _, lost := range []string{inner.Digest(), middle.Digest()} {
		_, v = ask(t, otherDigest, lost)
		wantError(t, v, "freshness", verify.RegistryForbidden)
		wantOthers(t, v, "freshness")
		_, v = ask(t, lost, lost) // what is known to be denied needs nothing else
		wantFail(t, v, "freshness", verify.FreshnessDeniedDigest)
	}

	// Deeper than anybody nests them, and where nothing was collected, nothing is decided.
	deep := outer
	for range 3 {
		deep = must(lab.NewIndexOf(lab.Listed{Image: deep}))
	}
	s = newShelf(t)
	s.push(t, deep, deep.Digest())
	p := s.demanding(t, "either")
	p.Deny.Digests = []string{otherDigest}
	wantError(t, s.ask(t, p, ""), "freshness", verify.LimitExceeded)
	image := verify.Image{Reference: reference(t, s.repository+":1.2.3"), Digest: deep.Digest(), MediaType: "application/vnd.oci.image.index.v1+json", Manifest: must(deep.Raw())}
	signed := must(s.issue(workflow()).Bundle(must(lab.SignStatement(s.repository, deep.Digest())), soon))
	v = verify.Judge(verify.Authenticate(image, verify.Evidence{Pieces: []verify.Piece{fromBundle(signed)}}, s.trust(p), verify.DefaultLimits()), p, s.trust(p), options())
	wantError(t, v, "freshness", verify.PlaceUnavailable)
}

// TestDeniedVersion denies a version by its tag, by the evidence, and by the TUF repository.
func TestDeniedVersion(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	deny := func(match, version string, ids ...string) *policy.Policy {
		return h.policy(t, ids, fmt.Sprintf("deny: {versions: [{match: %s, version: %q, reason: bad}]}", match, version), "---", "consistency: off")
	}
	signature, bare := pages["signature"](s, the()), imageName+"@"+imageDigest
	for name, c := range map[string]struct {
		p    *policy.Policy
		ref  string
		want verify.Code
	}{
		"by its tag":             {deny(imageName, "1.2.3", "signature"), imageRef, verify.FreshnessDeniedVersion},
		"by a pattern":           {deny("registry.example/acme/*", "1.2.3", "signature"), imageRef, verify.FreshnessDeniedVersion},
		"by the certificate":     {deny(imageName, "1.2.3", "signature"), bare, verify.FreshnessDeniedVersion},
		"under another tag":      {deny(imageName, "1.2.3", "signature"), imageName + ":1.2.4@" + imageDigest, verify.FreshnessDeniedVersion},
		"by the TUF repository":  {deny(imageName, "1.2.3", "release"), bare, verify.FreshnessDeniedVersion},
		"another version":        {deny(imageName, "1.2.4", "signature"), imageRef, ""},
		"another image":          {deny("registry.example/acme/gadget", "1.2.3", "signature"), imageRef, ""},
		"of a version not known": {deny(imageName, "1.2.4", "signature"), imageName + ":latest@" + imageDigest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := h.play(t, c.p, c.ref, options(), signature)
			if c.want == "" {
				wantPass(t, v)
				return
			}
			wantFail(t, v, "freshness", c.want)
		})
	}
	twice := &hall{s, must(lab.NewReleaseTUF(s.Sigstore, then))}
	twice.list(t, "1.2.2", imageDigest)
	twice.list(t, "1.2.3", imageDigest)
	twice.publish(t)
	for version, want := range map[string]verify.Result{"1.2.2": verify.Failed, "1.2.3": verify.Failed, "1.2.4": verify.Passed} {
		p := policyOf(t, fmt.Sprintf("deny: {versions: [{match: %s, version: %q}]}", imageName, version), "---", tagsYAML, twice.releaseYAML(human))
		if f := finding(t, theatre{twice}.play(t, p, imageRef, options()), "freshness"); f.Result != want {
			t.Errorf("an image that is listed twice, with %s denied, is %s %s", version, f.Result, f.Code)
		}
	}
	branch := pages["signature"](s, the(func(c *chapter) { c.ref = "refs/heads/main" }))
	p := policyOf(t, "deny: {versions: [{match: "+imageName+", version: 1.2.4}]}", "---", tagsYAML, "signature: {signer: "+anyVersion+`, source: {repository: acme/widget, ref: "refs/**"}}`)
	v := h.play(t, p, bare, options(), branch)
	wantFail(t, v, "freshness", verify.PolicyNoVersion)
	if ok, why := applied(t, v, "freshness"); ok || !strings.Contains(why, "nothing excuses policy.no_version") {
		t.Errorf("an image of a version that is not known is excused: %v, %q", ok, why)
	}

	// What an index inside lists, and nobody could read, may be denied whatever the version is.
	index := withManifest(t, "application/vnd.oci.image.index.v1+json", fmt.Sprintf(`{"schemaVersion":2,"manifests":[
		{"mediaType":"application/vnd.oci.image.index.v1+json","digest":%q,"size":7}]}`, otherDigest))
	index.Reference = reference(t, imageName+"@"+index.Digest)
	p.Deny.Digests = []string{imageDigest}
	p.Rules[0].Deny.Digests = p.Deny.Digests
	about := bundleBy(s.issue(the(func(c *chapter) { c.ref = "refs/heads/main" }).signer()), must(lab.SignStatement(imageName, index.Digest)))
	wantError(t, h.playImage(t, p, index, verify.Evidence{Pieces: []verify.Piece{about}}, options()), "freshness", verify.PlaceUnavailable)
}

// TestDeniedSigner drops what somebody signed in a compromised week, and nothing else.
func TestDeniedSigner(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	const week = `from: 2025-06-01, until: 2025-06-08`
	deny := func(window, identity string, ids ...string) *policy.Policy {
		issuer := ""
		if identity == "" {
			identity, issuer = "https://github.com/**", "issuer: https://token.actions.githubusercontent.com, "
		}
		if window != "" {
			window = ", " + window
		}
		return h.policy(t, ids, fmt.Sprintf("deny: {signed: [{%sidentity: %q%s, reason: stolen}]}", issuer, identity, window), "---", "consistency: off")
	}
	codes := map[string]verify.Code{
		"signature": verify.SignatureSignerDenied, "provenance": verify.ProvenanceSignerDenied,
		"sbom": verify.SBOMSignerDenied, "attestations.metadata": verify.AttestationSignerDenied,
	}
	for _, id := range legs[:4] {
		piece := pages[id](s, the())
		for _, window := range []string{week, "", "from: 2025-06-01", "until: 2025-06-08"} {
			wantFail(t, h.play(t, deny(window, "", id), imageRef, options(), piece), id, codes[id])
		}
		wantPass(t, h.play(t, deny("from: 2025-06-02, until: 2025-06-08", "", id), imageRef, options(), piece))
		wantPass(t, h.play(t, deny(week, "https://github.com/acme/gadget/**", id), imageRef, options(), piece))
		if id == "provenance" {
			continue
		}
		for _, identity := range []string{the().signer().SAN, "https://github.com/acme/**", "https://github.com/acme/widget/.github/workflows/*.yml@refs/tags/**"} {
			wantFail(t, h.play(t, deny(week, identity, id), imageRef, options(), piece), id, codes[id])
		}
	}
	good := the().later(s, "signature", 8*24*time.Hour)
	o := at(then.Add(9 * 24 * time.Hour))
	wantPass(t, h.play(t, deny(week, "", "signature"), imageRef, o, pages["signature"](s, the()), good))
	wantPass(t, h.play(t, deny(week, "", "release"), imageRef, options())) // who signed metadata is TUF's to say

	// A denied signature gives no version either.
	p := policyOf(t, "deny: {signed: [{identity: \"https://github.com/**\", "+week+"}]}", "---", "source: {repository: acme/widget, ref: \"refs/tags/v{version}\"}", signatureYAML)
	v := h.play(t, p, imageName+"@"+imageDigest, o, pages["signature"](s, the(older)), good)
	wantPass(t, v)
	if v.Image.Version != "1.2.3" {
		t.Errorf("the version is %q; wanted that of the signature that counts", v.Image.Version)
	}
}

// TestDeniedStrangely names workflows so that no wildcard stands for what they are called.
func TestDeniedStrangely(t *testing.T) {
	s := newStage(lab.Options{})
	p := policyOf(t, `deny: {signed: [{identity: "https://github.com/acme/widget/**"}]}`, "---",
		`signature: {signer: {issuer: "https://token.actions.githubusercontent.com", identity_regexp: "https://github.com/acme/.*"}, source: {repository: acme/widget}}`)
	for _, workflow := range []string{".github/workflows/release.yml", ".github/workflows/a?.yml", ".github/workflows/a@b.yml"} {
		for _, ref := range []string{"refs/tags/v1.2.3", "refs/tags/v1@2"} {
			id := lab.GitHub(lab.DefaultRepo, ref, lab.DefaultCommit, workflow)
			wantFail(t, s.judge(t, p, imageRef, options(), s.sigBundle(id)), "signature", verify.SignatureSignerDenied)
		}
	}
}

// TestOlderEvidence gives evidence that does not count for its age its code.
func TestOlderEvidence(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	down := verify.Failure{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "memory", Layouts: []verify.Layout{verify.Bundle}}
	image := verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}
	for id, c := range map[string]struct{ old, superseded verify.Code }{
		"signature":  {verify.SignatureTooOld, verify.SignatureSuperseded},
		"provenance": {verify.ProvenanceTooOld, verify.ProvenanceSuperseded},
	} {
		piece := pages[id](s, the())
		demand := strings.TrimSuffix(checksYAML[id], "}") + ", select: newest, max_age: 10d}"
		p := h.policy(t, nil, demand)
		wantFail(t, h.play(t, p, imageRef, at(soon.Add(241*time.Hour)), piece), id, c.old)

		signer := must(s.Issue(workflow(), then.Add(time.Hour)))
		newer := fromBundle(must(signer.Bundle(signStatement(), soon.Add(time.Hour))))
		if id == "provenance" {
			signer = must(s.Issue(generator(), then.Add(time.Hour)))
			newer = fromBundle(must(signer.Bundle(must(lab.ProvenanceV02(built())), soon.Add(time.Hour))))
		}
		v := h.playImage(t, p, image, verify.Evidence{Pieces: []verify.Piece{piece, newer}, Failures: []verify.Failure{down}}, options())
		codes := map[verify.Code]bool{}
		for _, candidate := range finding(t, v, id).Found {
			codes[candidate.Code] = true
		}
		if !codes[c.superseded] {
			t.Errorf("nothing has the code %s: %v", c.superseded, codes)
		}
		wantPass(t, h.play(t, p, imageRef, options(), piece, newer))
	}
}

// TestFreshAge bounds the age of the newest evidence, and says until when a pass holds.
func TestFreshAge(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature"}, "freshness: {max_age: 2d}")
	signature, again := pages["signature"](s, the()), the().later(s, "signature", time.Hour)
	end := soon.Add(48 * time.Hour)
	wantEnd(t, h, p, end, verify.FreshnessTooOld, "freshness", signature)
	wantEnd(t, h, p, end.Add(time.Hour), verify.FreshnessTooOld, "freshness", signature, again)

	listed := h.policy(t, []string{"signature", "release"}, "freshness: {max_age: 1h}")
	v := h.play(t, listed, imageRef, options(), signature)
	wantPass(t, v) // which TUF still lists
	wantFail(t, h.play(t, h.policy(t, []string{"signature", "release"}, "freshness: {max_age: 1h, listed: true}"), imageRef, options(), signature), "freshness", verify.FreshnessTooOld)
	wantFail(t, h.play(t, h.policy(t, []string{"release"}, "freshness: {max_age: 1h, listed: true}"), imageRef, options()), "freshness", verify.FreshnessNoTime)

	down := verify.Failure{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "memory", Layouts: []verify.Layout{verify.Bundle}}
	v = h.playImage(t, p, verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}, verify.Evidence{Failures: []verify.Failure{down}}, options())
	if f := finding(t, v, "freshness"); f.Result != verify.Errored || f.Code != verify.RegistryTimeout {
		t.Errorf("without evidence, which may be there, freshness is %s %s", f.Result, f.Code)
	}
}

// TestFreshClock tells a clock that is behind from evidence that is wrong.
func TestFreshClock(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature"}, "freshness: {max_age: 2d}")
	o := at(then.Add(-time.Hour))
	v := h.play(t, p, imageRef, o, pages["signature"](s, the()))
	if f := finding(t, v, "freshness"); f.Result != verify.Errored || f.Code != verify.FreshnessClock || f.Class != verify.Transient {
		t.Errorf("found %s %s", f.Result, f.Code)
	}
	o.Hypothetical = true
	wantFail(t, h.play(t, p, imageRef, o, pages["signature"](s, the())), "freshness", verify.FreshnessClock)
}

// TestDeniedIsNotSpared keeps a denial from being lifted by age, TUF or audit mode.
func TestDeniedIsNotSpared(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"signature", "release"}, "mode: {audit: {until: 2026-01-01}}", `deny: {digests: ["`+imageDigest+`"]}`, "---", "freshness: {max_age: 900d}")
	wantFail(t, h.play(t, p, imageRef, options(), pages["signature"](s, the())), "freshness", verify.FreshnessDeniedDigest)
}

// TestValidUntil judges one second before a pass ends and one second after.
func TestValidUntil(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	first, second := pages["signature"](s, the()), the().later(s, "signature", time.Hour)
	demand := func(more string) *policy.Policy {
		return h.policy(t, nil, "signature: {signer: "+anyVersion+", source: "+anySource+more+"}")
	}
	end := soon.Add(48 * time.Hour)
	for _, c := range []struct {
		sel string
		end time.Time
	}{{"any", end.Add(time.Hour)}, {"all", end.Add(time.Hour)}, {"newest", end.Add(time.Hour)}} {
		t.Run(c.sel, func(t *testing.T) {
			p := demand(", select: " + c.sel + ", max_age: 2d")
			wantEnd(t, h, p, end, verify.SignatureTooOld, "signature", first)
			wantEnd(t, h, p, c.end, verify.SignatureTooOld, "signature", first, second)
		})
	}
	t.Run("the shortest of two checks", func(t *testing.T) {
		p := h.policy(t, nil, "signature: {signer: "+anyVersion+", source: "+anySource+", max_age: 3d}", "sbom: {signer: "+anyVersion+", source: "+anySource+", max_age: 2d}", "consistency: off")
		wantEnd(t, h, p, end, verify.SBOMTooOld, "sbom", first, pages["sbom"](s, the()))
	})
	t.Run("a document's own age", func(t *testing.T) {
		// The document was made at noon, and both statements hold the same one.
		p := h.policy(t, nil, "sbom: {signer: "+anyVersion+", source: "+anySource+", max_document_age: 2d}")
		wantEnd(t, h, p, then.Add(48*time.Hour), verify.SBOMDocumentTooOld, "sbom", pages["sbom"](s, the()))
		older := bundleBy(s.issue(the().signer()), must(lab.CycloneDX(imageName, imageDigest, set("2025-06-01T11:00:00Z", "predicate", "metadata", "timestamp"))))
		wantEnd(t, h, p, then.Add(48*time.Hour), verify.SBOMDocumentTooOld, "sbom", pages["sbom"](s, the()), older)
	})
	t.Run("the policy", func(t *testing.T) {
		p := policyOf(t, "expires: 2025-06-10", "---", "signature: {signer: "+anyVersion+", source: "+anySource+"}")
		v := h.play(t, p, imageRef, options(), first)
		if want := time.Date(2025, 6, 10, 0, 0, 0, 0, time.UTC); v.ValidUntil == nil || v.ValidUntil.Sub(want).Abs() > 24*time.Hour {
			t.Errorf("the pass holds until %v; wanted %s", v.ValidUntil, want)
		}
	})
	if v := h.play(t, demand(""), imageRef, options(), first); v.ValidUntil != nil {
		t.Errorf("a pass that nothing bounds holds until %v", v.ValidUntil)
	}
}

// wantEnd wants a pass to say when it ends, and to end then.
func wantEnd(t *testing.T, h theatre, p *policy.Policy, end time.Time, code verify.Code, check string, pieces ...verify.Piece) {
	t.Helper()
	v := h.play(t, p, imageRef, options(), pieces...)
	wantPass(t, v)
	if v.ValidUntil == nil || !v.ValidUntil.Equal(end) {
		t.Errorf("the pass holds until %v; wanted %s", v.ValidUntil, end)
	}
	wantPass(t, h.play(t, p, imageRef, at(end.Add(-time.Second)), pieces...))
	wantFail(t, h.play(t, p, imageRef, at(end.Add(time.Second)), pieces...), check, code)
}
