package verify_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// within names the index that holds the image.
func (s *shelf) within(t *testing.T, index string) func(*verify.Options) {
	return func(o *verify.Options) { o.Index = reference(t, s.repository+index) }
}

// TestOneImageOfAnIndex judges an image that is no index, by evidence on itself and on
// the index that the caller names.
func TestOneImageOfAnIndex(t *testing.T) {
	entries := two("single")
	img := must(lab.NewIndexOf(entries...))
	other := must(lab.NewIndexOf(two("other")...))
	nested := must(lab.NewIndexOf(lab.Listed{Image: img}))
	amd64 := entries[0].Digest()
	for _, c := range []struct {
		name   string
		on     policy.On
		signed []string
		index  string
		code   verify.Code
	}{
		{"itself signed", policy.OnEither, []string{amd64}, "", ""},
		{"itself signed, demanded of platforms", policy.OnPlatforms, []string{amd64}, "", ""},
		{"the index signed, and not named", policy.OnEither, []string{img.Digest()}, "", "signature.missing"},
		{"demanded of the index, and none named", policy.OnIndex, []string{amd64, img.Digest()}, "", "platforms.index_unknown"},
		{"the index signed and named", policy.OnEither, []string{img.Digest()}, "@" + img.Digest(), ""},
		{"the index signed and named by tag", policy.OnIndex, []string{img.Digest()}, ":1.2.3", ""},
		{"the index signed and named, demanded of platforms", policy.OnPlatforms, []string{img.Digest()}, ":1.2.3", "signature.missing"},
		{"nothing signed", policy.OnEither, nil, ":1.2.3", "signature.missing"},
		{"a sibling signed", policy.OnEither, []string{entries[1].Digest()}, ":1.2.3", "signature.missing"},
		{"another index named", policy.OnIndex, []string{img.Digest(), other.Digest()}, ":other", "platforms.not_in_index"},
		{"another index named, for either", policy.OnEither, []string{other.Digest()}, ":other", "signature.missing"},
		{"an image named as index", policy.OnIndex, []string{img.Digest()}, "@" + entries[1].Digest(), "platforms.not_in_index"},
		{"an index around the index", policy.OnIndex, []string{nested.Digest()}, ":nested", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t)
			on := map[string][]lab.Referrer{}
			for _, d := range c.signed {
				on[d] = append(on[d], s.signature(d, workflow()))
			}
			s.publish(t, "other", other, on)
			s.publish(t, "1.2.3", img, on)
			s.publish(t, "nested", nested, on)
			var change []func(*verify.Options)
			if c.index != "" {
				change = append(change, s.within(t, c.index))
			}
			v := s.ask(t, s.demanding(t, c.on), amd64, change...)
			if c.code == "" {
				wantPass(t, v)
			} else {
				wantFail(t, v, "signature", c.code)
			}
			if strings.HasPrefix(c.index, ":other") {
				wantFail(t, v, "platforms", "platforms.not_in_index")
			}
			if got := finding(t, v, "platforms").Required; got != (c.index != "") {
				t.Errorf("platforms required=%v", got)
			}
		})
	}
}

func TestTheMatrixOfANamedIndex(t *testing.T) {
	entries := two("named")
	img := must(lab.NewIndexOf(entries...))
	s := newShelf(t)
	s.push(t, img, img.Digest())
	v := s.ask(t, s.demanding(t, policy.OnEither), entries[1].Digest(), s.within(t, ":1.2.3"))
	wantPass(t, v)
	wantMatrix(t, v, "linux/amd64 image", "linux/arm64 image signature=index")
	f := finding(t, v, "signature")
	if len(f.Found) != 1 || f.Found[0].About != img.Digest() || v.Image.Digest != entries[1].Digest() {
		t.Errorf("found %+v", f.Found)
	}
}

// TestANamedIndexHasToBeTrue names an index to a policy that demands no statement at all.
func TestANamedIndexHasToBeTrue(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	p := h.policy(t, []string{"release"})
	play := func(listed string) verify.Verdict {
		index := longIndex(t, "application/vnd.oci.image.index.v1+json", listed, 2)
		o := options()
		o.Index = index.Reference
		return h.playImage(t, p, verify.Image{Reference: reference(t, imageRef), Digest: imageDigest}, verify.Evidence{Index: &verify.Child{Image: index}}, o)
	}
	wantPass(t, h.play(t, p, imageRef, options()))
	wantPass(t, play(imageDigest))
	v := play(otherDigest)
	wantFail(t, v, "platforms", "platforms.not_in_index")
	wantOthers(t, v, "platforms")
}

// TestANamedIndexThatCannotBeRead decides nothing.
func TestANamedIndexThatCannotBeRead(t *testing.T) {
	entries := two("gone")
	img := must(lab.NewIndexOf(entries...))
	s := newShelf(t)
	s.push(t, img, img.Digest())
	s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/manifests/gone") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	for _, on := range []policy.On{policy.OnEither, policy.OnIndex} {
		v := s.ask(t, s.demanding(t, on), entries[0].Digest(), s.within(t, ":gone"))
		wantError(t, v, "signature", "registry.forbidden")
		wantError(t, v, "platforms", "registry.forbidden")
		s.registry.ResetRequests()
	}
	// Where the image needs nothing of it, what was named has to be true all the same.
	s.publish(t, "1.2.3", img, map[string][]lab.Referrer{entries[0].Digest(): {s.signature(entries[0].Digest(), workflow())}})
	v := s.ask(t, s.demanding(t, policy.OnEither), entries[0].Digest(), s.within(t, ":gone"))
	wantError(t, v, "platforms", "registry.forbidden")
}

// TestAnIndexOfAnotherRepository is nothing that evidence is taken from.
func TestAnIndexOfAnotherRepository(t *testing.T) {
	entries := two("elsewhere")
	img := must(lab.NewIndexOf(entries...))
	s := newShelf(t)
	s.push(t, img, img.Digest())
	v := s.ask(t, s.demanding(t, policy.OnIndex), entries[0].Digest(), func(o *verify.Options) {
		o.Index = reference(t, s.registry.Host()+"/acme/other@"+img.Digest())
	})
	wantError(t, v, "signature", "place.unavailable")
}

// TestRequestsForPlatforms counts what is asked for: nothing beyond the index where the
// evidence on it is good, and of each platform only what has to be.
func TestRequestsForPlatforms(t *testing.T) {
	entries := two("counted")
	attests := lab.Attesting(must(lab.AttestationManifest([]byte("1"))), entries[0].Digest())
	img := must(lab.NewIndexOf(append(entries, attests)...))
	index, amd64, arm64 := img.Digest(), entries[0].Digest(), entries[1].Digest()
	for _, c := range []struct {
		name   string
		on     policy.On
		signed []string
		legs   []string
		want   []string // the places that were looked into, of a digest
		never  []string
	}{
		{"index good", policy.OnEither, []string{index}, nil, []string{index}, []string{amd64, arm64, attests.Digest()}},
		{"index demanded and missing", policy.OnIndex, nil, nil, []string{index}, []string{amd64, arm64, attests.Digest()}},
		{"platforms", policy.OnEither, []string{amd64, arm64}, nil, []string{index, amd64, arm64, attests.Digest()}, nil},
	} {
		s := newShelf(t)
		s.push(t, img, c.signed...)
		s.ask(t, s.demanding(t, c.on), "")
		all := strings.Join(s.paths(), "\n")
		for _, d := range c.want {
			if !strings.Contains(all, strings.TrimPrefix(d, "sha256:")) {
				t.Errorf("%s: nothing of %s was asked for:\n%s", c.name, d, all)
			}
		}
		for _, d := range c.never {
			if strings.Contains(all, strings.TrimPrefix(d, "sha256:")) {
				t.Errorf("%s: something of %s was asked for:\n%s", c.name, d, all)
			}
		}
		if c.name == "index good" && len(s.paths()) != 6 { // the tag, .sig, the fallback tag, the referrers, the bundle's manifest and blob
			t.Errorf("%s: %d requests were made:\n%s", c.name, len(s.paths()), all)
		}
		if c.name == "platforms" && (strings.Contains(all, "referrers/"+attests.Digest()) || strings.Contains(all, ".att")) {
			t.Errorf("%s: more was asked for than is needed:\n%s", c.name, all)
		}
	}
}

// TestTwoLegsInTwoPlaces signs the index, and attests each of its images.
func TestTwoLegsInTwoPlaces(t *testing.T) {
	entries := two("legs")
	img := must(lab.NewIndexOf(entries...))
	for _, gap := range []bool{false, true} {
		s := newShelf(t)
		on := map[string][]lab.Referrer{
			img.Digest():        {s.signature(img.Digest(), workflow())},
			entries[0].Digest(): {s.provenanceOf(entries[0].Digest())},
		}
		if !gap {
			on[entries[1].Digest()] = []lab.Referrer{s.provenanceOf(entries[1].Digest())}
		}
		s.publish(t, "1.2.3", img, on)
		v := s.ask(t, s.demanding(t, policy.OnEither, provenanceYAML), "")
		if gap {
			wantFail(t, v, "provenance", "provenance.missing")
			wantFail(t, v, "platforms", "platforms.evidence_missing")
			wantMatrix(t, v, "linux/amd64 image provenance=platform signature=index", "linux/arm64 image provenance=provenance.missing signature=index")
		} else {
			wantPass(t, v)
			wantMatrix(t, v, "linux/amd64 image provenance=platform signature=index", "linux/arm64 image provenance=platform signature=index")
		}
		for _, p := range s.paths() {
			if strings.HasSuffix(p, ".sig") && !strings.Contains(p, strings.TrimPrefix(img.Digest(), "sha256:")) {
				t.Errorf("%s was asked for, which nothing needs", p)
			}
		}
	}
}

// TestTheVersionOfPlatforms reads {version} out of what the platforms carry, where the
// reference names none.
func TestTheVersionOfPlatforms(t *testing.T) {
	entries := two("version")
	img := must(lab.NewIndexOf(entries...))
	later := lab.GitHub(lab.DefaultRepo, "refs/tags/v1.2.4", lab.DefaultCommit, lab.DefaultWorkflow)
	for id, pass := range map[*lab.Identity]bool{nil: true, &later: false} {
		s := newShelf(t)
		signer := workflow()
		if id != nil {
			signer = *id
		}
		s.publish(t, "1.2.3", img, map[string][]lab.Referrer{
			entries[0].Digest(): {s.signature(entries[0].Digest(), workflow())}, entries[1].Digest(): {s.signature(entries[1].Digest(), signer)},
		})
		p := s.demanding(t, policy.OnEither)
		ref := reference(t, s.repository+"@"+img.Digest())
		v := verify.Verify(t.Context(), atRegistry(), ref, p, s.trust(p), options())
		if v.Passed() != pass {
			t.Errorf("wanted pass=%v: %s", pass, decision(t, v))
		}
		if pass && v.Image.Version != "1.2.3" {
			t.Errorf("found the version %q", v.Image.Version)
		}
	}
}
