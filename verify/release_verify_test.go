package verify_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// source is one whose parts a test sets.
type source struct {
	resolve func() (verify.Image, error)
	release func(verify.ReleaseWant, func() (verify.Image, bool)) verify.ReleaseEvidence
	collect func() verify.Evidence
}

func (s source) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	image, err := s.resolve()
	image.Reference = ref
	return image, err
}

func (s source) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	if s.collect == nil {
		return verify.Evidence{}
	}
	return s.collect()
}

func (s source) Release(_ context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	return s.release(want, resolved)
}

func resolves() (verify.Image, error) { return verify.Image{Digest: imageDigest}, nil }

// TestVerifyAsksBeside wants the repository to be read while the registry is: neither
// waits for the other, but for what the image is.
func TestVerifyAsksBeside(t *testing.T) {
	h := newHall(t)
	p := h.policy(t)
	started, collecting := make(chan verify.ReleaseWant, 1), make(chan bool)
	s := source{
		resolve: func() (verify.Image, error) {
			want := <-started // before the image is resolved
			started <- want
			return resolves()
		},
		collect: func() verify.Evidence {
			close(collecting)
			return verify.Evidence{Requests: 3, Bytes: 300}
		},
		release: func(want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
			started <- want
			first, ok := resolved()
			again, stillOK := resolved()
			if !ok || !stillOK || first.Digest != imageDigest || again.Digest != imageDigest {
				t.Errorf("found %v %v, %v %v", first, ok, again, stillOK)
			}
			<-collecting
			e := h.evidence()
			e.Requests, e.Bytes = 7, 200
			return *e
		},
	}
	v := verify.Verify(t.Context(), s, reference(t, moving), p, h.trustOf(p), options())
	wantPass(t, v)
	if v.Run.Requests != 7 || v.Run.Bytes != 300 {
		t.Errorf("counted %d requests and %d bytes", v.Run.Requests, v.Run.Bytes)
	}
	want := <-started
	if want.Name != imageName || want.Version != "" || !bytes.Equal(want.Root, h.FirstRoot()) || want.Sigstore == nil || !want.At.Equal(today) || want.Hypothetical || !want.Tags.IsMoving("latest") {
		t.Errorf("asked for %+v", want)
	}
	if want.Demand.TUF.MetadataURL != metadataURL || want.Reference.Tag() != "latest" {
		t.Errorf("asked for %+v", want.Demand)
	}
}

func TestVerifyWantsVersion(t *testing.T) {
	h := newHall(t)
	p := h.policy(t)
	for name, c := range map[string]struct{ ref, flag, want string }{
		"a tag":              {imageName + ":1.2.3", "", "1.2.3"},
		"a flag":             {imageName + "@" + imageDigest, "1.2.3", "1.2.3"},
		"a flag and a tag":   {imageName + ":1.2.3", "1.2.3", "1.2.3"},
		"a flag against it":  {imageName + ":1.2.3", "1.2.4", ""},
		"a flag that is bad": {imageName + "@" + imageDigest, "v1", ""},
		"a moving tag":       {moving, "", ""},
		"nothing":            {imageName + "@" + imageDigest, "", ""},
	} {
		asked := make(chan verify.ReleaseWant, 1)
		s := library{memory: memory{resolve: imageDigest}, release: h.evidence(), asked: asked}
		o := options()
		o.Version, o.Hypothetical = c.flag, true
		verify.Verify(t.Context(), s, reference(t, c.ref), p, h.trustOf(p), o)
		if want := <-asked; want.Version != c.want || !want.Hypothetical {
			t.Errorf("%s: asked for version %q; wanted %q", name, want.Version, c.want)
		}
	}
}

// TestVerifyUndecided wants whatever keeps a repository from being read to leave the
// release undecided, and nothing to be left running.
func TestVerifyUndecided(t *testing.T) {
	h := newHall(t)
	p := h.policy(t)
	trust := h.trustOf(p)
	good := func(verify.ReleaseWant, func() (verify.Image, bool)) verify.ReleaseEvidence { return *h.evidence() }
	judge := func(s verify.Source, trust verify.Trust) verify.Verdict {
		return verify.Verify(t.Context(), s, reference(t, imageRef), p, trust, options())
	}
	wantPass(t, judge(source{resolve: resolves, release: good}, trust))

	v := judge(memory{repository: imageName}, trust)
	wantUndecided(t, v, verify.PlaceUnavailable, verify.Definitive)
	if len(v.Run.Failed) != 1 || v.Run.Failed[0].Place != metadataURL {
		t.Errorf("found the failures %+v", v.Run.Failed)
	}
	wantUndecided(t, judge(source{resolve: resolves, release: func(verify.ReleaseWant, func() (verify.Image, bool)) verify.ReleaseEvidence { panic("a fault") }}, trust),
		verify.InternalPanic, verify.Definitive)
	asked := false
	noted := func(w verify.ReleaseWant, r func() (verify.Image, bool)) verify.ReleaseEvidence {
		asked = true
		return good(w, r)
	}
	wantUndecided(t, judge(source{resolve: resolves, release: noted}, verify.Trust{Roots: trust.Roots}), verify.PlaceUnavailable, verify.Definitive)
	if asked {
		t.Error("asked for a repository whose root was not brought")
	}
	wantUndecided(t, judge(source{resolve: resolves, release: good}, verify.Trust{Pinned: trust.Pinned}), verify.PlaceUnavailable, verify.Definitive)

	told := make(chan bool, 1)
	v = judge(source{
		resolve: func() (verify.Image, error) {
			return verify.Image{}, &verify.Failure{Code: verify.RegistryNotFound, Class: verify.Definitive}
		},
		release: func(_ verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
			_, ok := resolved()
			told <- ok
			return *h.evidence()
		},
	}, trust)
	wantUndecided(t, v, verify.RegistryNotFound, verify.Definitive)
	if <-told {
		t.Error("an image that could not be resolved was")
	}
	if v := judge(source{resolve: func() (verify.Image, error) { return verify.Image{}, errors.New("odd") }, release: good}, trust); v.Passed() || v.Conclusive {
		t.Error("an error of resolving decided something")
	}
}

// TestReleaseUnderAnotherRoot wants facts to count only under the root they were
// authenticated with.
func TestReleaseUnderAnotherRoot(t *testing.T) {
	h, other := newHall(t), newHall(t)
	p, q := h.policy(t), other.policy(t)
	image := verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}
	rule, _ := p.Rule(imageName)
	evidence := verify.Evidence{Want: verify.WantOf(rule, imageName), Release: h.evidence()}
	facts := verify.Authenticate(image, evidence, h.trustOf(p), verify.DefaultLimits())
	wantPass(t, verify.Judge(facts, p, h.trustOf(p), options()))
	wantUndecided(t, verify.Judge(facts, q, other.trustOf(q), options()), verify.PlaceUnavailable, verify.Definitive)
	// A minimum counts even where it was not known yet.
	wantUndecided(t, verify.Judge(facts, h.policy(t, "tuf.min: {snapshot: 9}"), h.trustOf(p), options()), verify.ReleaseBelowMinimum, verify.Definitive)
	// The other repository's evidence does not verify from this root.
	evidence.Release = other.evidence()
	wantFail(t, verify.Judge(verify.Authenticate(image, evidence, h.trustOf(p), verify.DefaultLimits()), p, h.trustOf(p), options()), "release", verify.UnknownAuthority)
	// Nobody read anything.
	evidence.Release = nil
	wantUndecided(t, verify.Judge(verify.Authenticate(image, evidence, h.trustOf(p), verify.DefaultLimits()), p, h.trustOf(p), options()), verify.PlaceUnavailable, verify.Definitive)
	if _, err := verify.NewPinnedRoot([]byte("{}"), "00"); err == nil {
		t.Error("took a root of another digest")
	}
}

// TestReleaseIsOneOfSeveral wants a release to count beside other checks and not in
// their stead: attack 35, everything signed and nobody released it.
func TestReleaseIsOneOfSeveral(t *testing.T) {
	h := newHall(t)
	all := policyOf(t, "source: "+sourceYAML, signatureYAML, provenanceYAML, h.releaseYAML(human))
	trust := h.trustOf(all)
	judge := func(e *verify.ReleaseEvidence, pieces ...verify.Piece) verify.Verdict {
		return decideUnder(t, trust, all, imageRef, "", options(), e, pieces...)
	}
	wantPass(t, judge(h.evidence(), h.signature(), h.provenance()))
	wantFail(t, judge(h.evidence(), h.provenance()), "signature", verify.SignatureMissing)
	wantFail(t, judge(h.evidence(), h.signature()), "provenance", verify.ProvenanceMissing)

	h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.3"), "targets")
	h.publish(t)
	v := judge(h.evidence(), h.signature(), h.provenance())
	wantFail(t, v, "release", verify.ReleaseNotListed)
	for _, id := range []string{"signature", "provenance"} {
		if f := finding(t, v, id); f.Result != verify.Passed {
			t.Errorf("%s is %s", id, f.Result)
		}
	}
	// With the account of one maintainer besides.
	h.list(t, "1.2.3", imageDigest)
	h.Targets.Signers = h.Targets.Keys[:1]
	h.publish(t)
	wantPass(t, judge(h.evidence(), h.signature(), h.provenance()))
	all = policyOf(t, "source: "+sourceYAML, signatureYAML, provenanceYAML, h.releaseYAML(twoPeople))
	wantFail(t, judge(h.evidence(), h.signature(), h.provenance()), "release", verify.ReleaseTooFewPeople)
}

// TestReleaseUnderAMirror wants an image to be judged under its canonical name.
func TestReleaseUnderAMirror(t *testing.T) {
	h := newHall(t)
	p := policyOf(t, "mirrors: [{prefix: mirror.example/lab, of: registry.example}]", h.releaseYAML(human))
	wantPass(t, h.decide(t, p, "mirror.example/lab/acme/widget:1.2.3", options(), h.evidence()))
	h.list(t, "1.2.3", otherDigest)
	h.publish(t)
	v := h.decide(t, p, "mirror.example/lab/acme/widget:1.2.3", options(), h.evidence())
	wantFail(t, v, "release", verify.ReleaseDigestMismatch)
}

// TestReleaseDeterminism shuffles and doubles what was gathered: the decision stays the
// same, byte for byte.
func TestReleaseDeterminism(t *testing.T) {
	h, r := newHall(t), dice(t)
	for i, keys := range [][]*lab.TUFKey{h.Targets.Keys, {h.machine("acme/ci")}} {
		role := must(lab.NewTUFRole([]string{"releases", "others"}[i], keys...))
		h.Targets.Delegations = append(h.Targets.Delegations, lab.TUFDelegation{Role: role, Paths: []string{"widget/releases/v2*"}})
		b := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: []string{"2.0.0-a", "2.0.0-b"}[i], Image: imageName, Digest: otherDigest, Created: then}))
		h.AddTarget(lab.ReleaseTarget(imageName, []string{"2.0.0-a", "2.0.0-b"}[i]), b, role.Name)
	}
	h.publish(t)
	p := h.policy(t)
	for _, ref := range []string{imageRef, moving, imageName + "@" + otherDigest, imageName + ":1.2.3@" + otherDigest, imageName + "@" + strangeDigest} {
		want := decision(t, h.decide(t, p, ref, options(), h.evidence()))
		for range 6 {
			e := h.evidence()
			e.Manifests = append(e.Manifests, e.Manifests[:r.IntN(len(e.Manifests))]...)
			e.Manifests = append(e.Manifests, verify.Manifest{Path: e.Manifests[0].Path, Bytes: []byte("{}")}, verify.Manifest{Path: "x", Bytes: nil})
			r.Shuffle(len(e.Manifests), func(i, j int) { e.Manifests[i], e.Manifests[j] = e.Manifests[j], e.Manifests[i] })
			slices.Reverse(e.Delegated)
			e.Places = append(e.Places, "elsewhere")
			e.Requests = r.IntN(100)
			if got := decision(t, h.decide(t, p, ref, options(), e)); !bytes.Equal(got, want) {
				t.Fatalf("%s: another decision:\n%s\nwanted\n%s", ref, got, want)
			}
		}
	}
}

// TestReleaseJudgedTogether wants facts to be judged by several at once.
func TestReleaseJudgedTogether(t *testing.T) {
	h := newHall(t)
	p := h.policy(t)
	rule, _ := p.Rule(imageName)
	image := verify.Image{Reference: reference(t, moving), Digest: imageDigest}
	facts := verify.Authenticate(image, verify.Evidence{Want: verify.WantOf(rule, imageName), Release: h.evidence()}, h.trustOf(p), verify.DefaultLimits())
	done := make(chan bool)
	for range 8 {
		go func() { done <- verify.Judge(facts, p, h.trustOf(p), options()).Passed() }()
	}
	for range 8 {
		select {
		case ok := <-done:
			if !ok {
				t.Error("it does not pass")
			}
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
	}
}
