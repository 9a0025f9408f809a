package verify_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func atRegistry() verify.Source { return registry.New(registry.Options{}) }

// TestListedPlatforms compares an index with the platforms that a policy lists.
func TestListedPlatforms(t *testing.T) {
	entries := two("listed")
	v8 := must(lab.Platforms("listed v8", "linux/arm64/v8"))[0]
	again := must(lab.Platforms("listed again", "linux/amd64"))[0]
	win := must(lab.Platforms("win", "windows/amd64"))[0]
	ltsc := must(lab.Platforms("win ltsc", "windows/amd64"))[0]
	win.OSVersion, ltsc.OSVersion = "10.0.20348", "10.0.26100"
	nameless := lab.Listed{Image: must(lab.NewImage("nameless", "linux/amd64"))}
	attests := lab.Attesting(must(lab.AttestationManifest([]byte("1"))), entries[0].Digest())
	disguised := lab.Attesting(must(lab.Disguised("listed")), entries[0].Digest())
	inner := lab.Listed{Image: must(lab.NewIndexOf(must(lab.Platforms("inner", "linux/s390x"))...))}
	both := []string{"linux/amd64", "linux/arm64"}
	for _, c := range []struct {
		name    string
		entries []lab.Listed
		want    policy.Platforms
		code    verify.Code
	}{
		{"all there", entries, policy.Platforms{Require: both, Only: both}, ""},
		{"one missing", entries[:1], policy.Platforms{Require: both}, "platforms.missing"},
		{"one too many", entries, policy.Platforms{Only: both[:1]}, "platforms.unexpected"},
		{"a variant that goes without saying", []lab.Listed{entries[0], v8}, policy.Platforms{Require: both, Only: both}, ""},
		{"the same in the policy", entries, policy.Platforms{Require: []string{"linux/arm64/v8"}}, ""},
		{"another variant", entries, policy.Platforms{Require: []string{"linux/amd64/v3"}}, "platforms.missing"},
		{"two for one", append(slices.Clone(entries), again), policy.Platforms{Require: both}, "platforms.ambiguous"},
		{"two for one, written otherwise", append(slices.Clone(entries), v8), policy.Platforms{Require: both}, "platforms.ambiguous"},
		{"two versions of Windows", append(slices.Clone(entries), win, ltsc), policy.Platforms{Require: both}, ""},
		{"one image listed twice", append(slices.Clone(entries), entries[0]), policy.Platforms{Require: both, Only: both}, ""},
		{"without a platform", append(slices.Clone(entries), nameless), policy.Platforms{Only: both}, "platforms.unexpected"},
		{"attestations do not count", append(slices.Clone(entries), attests), policy.Platforms{Only: both}, ""},
		{"what poses as attestations does", append(slices.Clone(entries), disguised), policy.Platforms{Only: both}, "platforms.unexpected"},
		{"inside a nested index", append(slices.Clone(entries), inner), policy.Platforms{Require: []string{"linux/s390x"}}, ""},
		{"unexpected inside a nested index", append(slices.Clone(entries), inner), policy.Platforms{Only: both}, "platforms.unexpected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t)
			img := must(lab.NewIndexOf(c.entries...))
			s.push(t, img, img.Digest())
			p := s.demanding(t, policy.OnEither)
			p.Rules[0].Platforms = &c.want
			v := s.ask(t, p, "")
			if c.code == "" {
				wantPass(t, v)
			} else {
				wantFail(t, v, "platforms", c.code)
			}
			// Without a list nothing of it matters, since the index is signed as a whole.
			wantPass(t, s.ask(t, s.demanding(t, policy.OnEither), "", func(*verify.Options) { s.registry.ResetRequests() }))
		})
	}
}

// TestListedPlatformsOfOneImage can only be told of the index that holds it.
func TestListedPlatformsOfOneImage(t *testing.T) {
	entries := two("one of")
	img := must(lab.NewIndexOf(entries...))
	s := newShelf(t)
	s.push(t, img, digests(entries...)...)
	p := s.demanding(t, policy.OnPlatforms)
	p.Rules[0].Platforms = &policy.Platforms{Require: []string{"linux/amd64", "linux/s390x"}}
	wantFail(t, s.ask(t, p, entries[0].Digest()), "platforms", "platforms.index_unknown")
	s.registry.ResetRequests()
	wantFail(t, s.ask(t, p, entries[0].Digest(), s.within(t, ":1.2.3")), "platforms", "platforms.missing")
	p.Rules[0].Platforms.Require = []string{"linux/amd64"}
	s.registry.ResetRequests()
	wantPass(t, s.ask(t, p, entries[0].Digest(), s.within(t, ":1.2.3")))
}

// TestPlatformsRefuseAlone wants what the policy lists to refuse an image that another
// check passes, and never to pass one.
func TestPlatformsRefuseAlone(t *testing.T) {
	img := must(lab.NewIndexOf(two("alone")...))
	s := newShelf(t)
	s.push(t, img)
	p := s.demanding(t, policy.OnEither)
	p.Rules[0].Signature = nil
	p.Rules[0].Platforms = &policy.Platforms{Require: []string{"linux/amd64"}}
	if v := s.ask(t, p, ""); v.Passed() || finding(t, v, "platforms").Result != verify.Passed {
		t.Errorf("found %s", decision(t, v))
	}
}

// TestIndexesThatCannotBeRead signs bytes that two clients could read differently.
func TestIndexesThatCannotBeRead(t *testing.T) {
	entries := two("malformed")
	good := must(must(lab.NewIndexOf(entries...)).Raw())
	change := func(old, with string) []byte {
		changed := bytes.Replace(good, []byte(old), []byte(with), 1)
		if bytes.Equal(changed, good) {
			t.Fatalf("%s holds no %s", good, old)
		}
		return changed
	}
	for name, raw := range map[string][]byte{
		"listed twice":    change(`"manifests":[`, `"manifests":[],"manifests":[`),
		"another case":    change(`"manifests":[`, `"Manifests":[],"manifests":[`),
		"a digest's case": change(`"digest":"sha256:`, `"Digest":"sha256:0","digest":"sha256:`),
		"no size":         change(`"size":`, `"sizes":`),
		"sha512":          change(`"digest":"sha256:`, `"digest":"sha512:`),
		"a null":          change(`"platform":{"architecture":"amd64"`, `"platform":{"architecture":7`),
	} {
		t.Run(name, func(t *testing.T) {
			p := policyOf(t, "source: "+sourceYAML, signatureYAML)
			s := platformStage()
			digest := digestOf(raw)
			image := verify.Image{Reference: reference(t, imageName+":1.2.3"), Digest: digest, MediaType: "application/vnd.oci.image.index.v1+json", Manifest: raw}
			piece := bundleBy(s.issue(workflow()), must(lab.SignStatement(imageName, digest)))
			facts := verify.Authenticate(image, verify.Evidence{Pieces: []verify.Piece{piece}}, s.trust(p), verify.DefaultLimits())
			v := verify.Judge(facts, p, s.trust(p), options())
			wantFail(t, v, "platforms", "platforms.malformed")
			if f := finding(t, v, "signature"); f.Result != verify.Passed {
				t.Errorf("the signature is %s %s", f.Result, f.Code)
			}
			p.Rules[0].Signature.On = policy.OnPlatforms
			wantFail(t, verify.Judge(facts, p, s.trust(p), options()), "signature", "platforms.malformed")
		})
	}
}

// TestAnIndexIsItsBytes wants bytes that are not those of the digest to be read for nothing,
// whoever let them through.
func TestAnIndexIsItsBytes(t *testing.T) {
	entries := two("other bytes")
	img, other := must(lab.NewIndexOf(entries...)), must(lab.NewIndexOf(two("bytes")...))
	p := policyOf(t, "source: "+sourceYAML, signatureYAML)
	s := platformStage()
	swapped := verify.Image{Reference: reference(t, imageName+":1.2.3"), Digest: other.Digest(), MediaType: "application/vnd.oci.image.index.v1+json", Manifest: must(img.Raw())}
	by := func(digest string) verify.Evidence {
		return verify.Evidence{Pieces: []verify.Piece{bundleBy(s.issue(workflow()), must(lab.SignStatement(imageName, digest)))}}
	}
	v := verify.Judge(verify.Authenticate(swapped, by(swapped.Digest), s.trust(p), verify.DefaultLimits()), p, s.trust(p), options())
	wantFail(t, v, "platforms", "platforms.malformed")
	if f := finding(t, v, "platforms"); !strings.Contains(f.Message, string(verify.RegistryDigestMismatch)) {
		t.Errorf("found %q", f.Message)
	}

	// Nor is an image in an index because of them.
	image := verify.Image{Reference: reference(t, imageName+"@"+entries[0].Digest()), Digest: entries[0].Digest()}
	e, o := by(image.Digest), options()
	e.Index, o.Index = &verify.Child{Image: swapped, Evidence: by(swapped.Digest)}, swapped.Reference
	v = verify.Judge(verify.Authenticate(image, e, s.trust(p), verify.DefaultLimits()), p, s.trust(p), o)
	wantFail(t, v, "platforms", "platforms.malformed")
}

// TestNothingWasCollected judges an index with evidence about its platforms missing from
// what was saved: that is undecided, and no absence.
func TestNothingWasCollected(t *testing.T) {
	img := must(lab.NewIndexOf(two("unsaved")...))
	p := policyOf(t, "source: "+sourceYAML, signatureYAML)
	p.Rules[0].Signature.On = policy.OnPlatforms
	s := platformStage()
	image := verify.Image{Reference: reference(t, imageName+":1.2.3"), Digest: img.Digest(), MediaType: "application/vnd.oci.image.index.v1+json", Manifest: must(img.Raw())}
	v := verify.Judge(verify.Authenticate(image, verify.Evidence{}, s.trust(p), verify.DefaultLimits()), p, s.trust(p), options())
	wantError(t, v, "signature", "place.unavailable")
	wantError(t, v, "platforms", "place.unavailable")
}

// TestEvidenceOfAChildNamesTheChild hangs good evidence about the index under a child in
// what was collected, as a false source might.
func TestEvidenceOfAChildNamesTheChild(t *testing.T) {
	entries := two("false source")
	img := must(lab.NewIndexOf(entries...))
	p := policyOf(t, "source: "+sourceYAML, signatureYAML)
	p.Rules[0].Signature.On = policy.OnPlatforms
	s := platformStage()
	image := verify.Image{Reference: reference(t, imageName+":1.2.3"), Digest: img.Digest(), MediaType: "application/vnd.oci.image.index.v1+json", Manifest: must(img.Raw())}
	about := func(digest string) verify.Evidence {
		return verify.Evidence{Pieces: []verify.Piece{bundleBy(s.issue(workflow()), must(lab.SignStatement(imageName, digest)))}}
	}
	judge := func(second string) verify.Verdict {
		var e verify.Evidence
		for i, digest := range []string{entries[0].Digest(), second} {
			child := verify.Image{Reference: reference(t, imageName+"@"+entries[i].Digest()), Digest: entries[i].Digest()}
			e.Children = append(e.Children, verify.Child{Image: child, Evidence: about(digest)})
		}
		return verify.Judge(verify.Authenticate(image, e, s.trust(p), verify.DefaultLimits()), p, s.trust(p), options())
	}
	wantPass(t, judge(entries[1].Digest()))
	wantFail(t, judge(img.Digest()), "signature", "signature.subject_mismatch")
	wantFail(t, judge(entries[0].Digest()), "signature", "signature.subject_mismatch")
}
