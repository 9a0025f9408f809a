package verify_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

var everywhere = []policy.On{policy.OnEither, policy.OnIndex, policy.OnPlatforms}

// two are the images that most releases have.
func two(seed string) []lab.Listed { return must(lab.Platforms(seed, "linux/amd64", "linux/arm64")) }

func digests(entries ...lab.Listed) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Digest())
	}
	return all
}

func TestEvidenceOnTheIndex(t *testing.T) {
	img := must(lab.NewIndexOf(two("index")...))
	for on, code := range map[policy.On]verify.Code{policy.OnEither: "", policy.OnIndex: "", policy.OnPlatforms: "signature.missing"} {
		s := newShelf(t)
		s.push(t, img, img.Digest())
		v := s.ask(t, s.demanding(t, on), "")
		if code == "" {
			wantPass(t, v)
			wantMatrix(t, v, "linux/amd64 image signature=index", "linux/arm64 image signature=index")
			continue
		}
		wantFail(t, v, "signature", code)
		wantFail(t, v, "platforms", "platforms.evidence_missing")
		wantMatrix(t, v, "linux/amd64 image signature=signature.missing", "linux/arm64 image signature=signature.missing")
	}
}

func TestEvidenceOnEveryPlatform(t *testing.T) {
	entries := two("platforms")
	img := must(lab.NewIndexOf(entries...))
	for _, on := range everywhere {
		s := newShelf(t)
		s.push(t, img, digests(entries...)...)
		v := s.ask(t, s.demanding(t, on), "")
		if on == policy.OnIndex {
			wantFail(t, v, "signature", "signature.missing")
			continue
		}
		wantPass(t, v)
		wantMatrix(t, v, "linux/amd64 image signature=platform", "linux/arm64 image signature=platform")
		found := finding(t, v, "signature").Found
		if len(found) != 2 || found[0].About != entries[0].Digest() || found[0].Platform != "linux/amd64" || found[1].About != entries[1].Digest() {
			t.Errorf("found %+v; wanted what each platform has", found)
		}
	}
}

func TestEvidenceOnOnePlatformAlone(t *testing.T) {
	entries := two("one")
	img := must(lab.NewIndexOf(entries...))
	for _, on := range everywhere {
		s := newShelf(t)
		s.push(t, img, entries[0].Digest())
		v := s.ask(t, s.demanding(t, on), "")
		wantFail(t, v, "signature", "signature.missing")
		wantFail(t, v, "platforms", "platforms.evidence_missing")
		if on != policy.OnIndex {
			wantMatrix(t, v, "linux/amd64 image signature=platform", "linux/arm64 image signature=signature.missing")
			if m := finding(t, v, "platforms").Message; !strings.Contains(m, "linux/arm64 ("+entries[1].Digest()+") lacks signature") {
				t.Errorf("the message is %q", m)
			}
		}
	}
}

// TestEvidenceOfAnotherPlatform hangs what was signed about amd64 on arm64.
func TestEvidenceOfAnotherPlatform(t *testing.T) {
	entries := two("swapped")
	img := must(lab.NewIndexOf(entries...))
	s := newShelf(t)
	signed := s.signature(entries[0].Digest(), workflow())
	s.publish(t, "1.2.3", img, map[string][]lab.Referrer{entries[0].Digest(): {signed}, entries[1].Digest(): {signed}})
	v := s.ask(t, s.demanding(t, policy.OnEither), "")
	wantFail(t, v, "signature", "signature.subject_mismatch")
	if f := finding(t, v, "signature"); f.Found[0].About != entries[1].Digest() || f.Found[0].Platform != "linux/arm64" || !strings.HasPrefix(f.Message, "linux/arm64 (") {
		t.Errorf("found %q about %+v", f.Message, f.Found)
	}
	wantMatrix(t, v, "linux/amd64 image signature=platform", "linux/arm64 image signature=signature.subject_mismatch")
}

func TestAPlatformAddedUnderSignedChildren(t *testing.T) {
	entries := two("added")
	added := must(lab.Platforms("evil", "linux/s390x"))
	s := newShelf(t)
	s.push(t, must(lab.NewIndexOf(append(slices.Clone(entries), added...)...)), digests(entries...)...)
	v := s.ask(t, s.demanding(t, policy.OnEither), "")
	wantFail(t, v, "signature", "signature.missing")
	wantFail(t, v, "platforms", "platforms.evidence_missing")
	if m := finding(t, v, "platforms").Message; !strings.Contains(m, "linux/s390x") || strings.Contains(m, "amd64") {
		t.Errorf("the message is %q", m)
	}
	// Signed by somebody else, it fails no less, and says by whom.
	s = newShelf(t)
	on := map[string][]lab.Referrer{added[0].Digest(): {s.signature(added[0].Digest(), lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow))}}
	for _, d := range digests(entries...) {
		on[d] = []lab.Referrer{s.signature(d, workflow())}
	}
	s.publish(t, "1.2.3", must(lab.NewIndexOf(append(slices.Clone(entries), added...)...)), on)
	wantFail(t, s.ask(t, s.demanding(t, policy.OnPlatforms), ""), "signature", "signature.identity_mismatch")
}

func TestAChildWithoutPlatform(t *testing.T) {
	entries := two("nameless")
	nameless := lab.Listed{Image: must(lab.NewImage("nameless evil", "linux/amd64"))}
	s := newShelf(t)
	s.push(t, must(lab.NewIndexOf(append(entries, nameless)...)), digests(entries...)...)
	v := s.ask(t, s.demanding(t, policy.OnEither), "")
	wantFail(t, v, "platforms", "platforms.evidence_missing")
	wantMatrix(t, v, "linux/amd64 image signature=platform", "linux/arm64 image signature=platform", "image signature=signature.missing")
	s = newShelf(t)
	s.push(t, must(lab.NewIndexOf(append(entries, nameless)...)), digests(append(entries, nameless)...)...)
	wantPass(t, s.ask(t, s.demanding(t, policy.OnEither), ""))
}

func TestNestedIndex(t *testing.T) {
	entries := two("nested")
	inner := must(lab.NewIndexOf(entries...))
	outer := must(lab.NewIndexOf(append(must(lab.Platforms("nested", "linux/riscv64")), lab.Listed{Image: inner})...))
	riscv := outer.Children()[0].Digest.String()
	all := append(digests(entries...), riscv)
	for _, c := range []struct {
		name   string
		signed []string
		code   verify.Code
		matrix []string
	}{
		{"every image", all, "", []string{"linux/riscv64 image signature=platform", "index", "linux/amd64 image signature=platform", "linux/arm64 image signature=platform"}},
		{"all but one inside", all[1:], "platforms.evidence_missing", []string{"linux/riscv64 image signature=platform", "index", "linux/amd64 image signature=signature.missing", "linux/arm64 image signature=platform"}},
		{"the nested index in place of its images", []string{riscv, inner.Digest()}, "platforms.evidence_missing", []string{"linux/riscv64 image signature=platform", "index", "linux/amd64 image signature=signature.missing", "linux/arm64 image signature=signature.missing"}},
	} {
		s := newShelf(t)
		s.push(t, outer, c.signed...)
		v := s.ask(t, s.demanding(t, policy.OnPlatforms), "")
		if c.code == "" {
			wantPass(t, v)
		} else {
			wantFail(t, v, "platforms", c.code)
		}
		wantMatrix(t, v, c.matrix...)
	}
	// Deeper than anybody nests them nothing is decided.
	deep := inner
	for range 4 {
		deep = must(lab.NewIndexOf(lab.Listed{Image: deep}))
	}
	s := newShelf(t)
	s.push(t, deep, digests(entries...)...)
	wantError(t, s.ask(t, s.demanding(t, policy.OnPlatforms), ""), "signature", "limit.exceeded")
}

func TestAttestationManifests(t *testing.T) {
	entries := two("buildkit")
	attests := must(lab.AttestationManifest([]byte(`{"_type":"x"}`)))
	disguised := must(lab.Disguised("buildkit"))
	about := entries[0].Digest()
	with := func(e lab.Listed, change func(*lab.Listed)) lab.Listed {
		annotations := map[string]string{}
		for k, v := range e.Annotations {
			annotations[k] = v
		}
		e.Annotations = annotations
		change(&e)
		return e
	}
	good := lab.Attesting(attests, about)
	for _, c := range []struct {
		name  string
		entry lab.Listed
		code  verify.Code
	}{
		{"BuildKit's", good, ""},
		{"real layers", lab.Attesting(disguised, about), "platforms.not_attestation"},
		{"no layer", lab.Attesting(must(lab.AttestationManifest()), about), "platforms.not_attestation"},
		{"naming no sibling", lab.Attesting(attests, otherDigest), "platforms.not_attestation"},
		{"naming itself", lab.Attesting(attests, attests.Digest()), "platforms.not_attestation"},
		{"naming nothing", with(good, func(e *lab.Listed) { delete(e.Annotations, lab.BuildKitDigestAnnotation) }), "platforms.not_attestation"},
		{"another type", with(good, func(e *lab.Listed) { e.Annotations[lab.BuildKitTypeAnnotation] = "attestation" }), "platforms.not_attestation"},
		{"a platform", with(good, func(e *lab.Listed) { e.Platform = "linux/amd64" }), "platforms.not_attestation"},
		{"a variant", with(good, func(e *lab.Listed) { e.Platform = "unknown/unknown/v8" }), "platforms.not_attestation"},
		{"an OS version", with(good, func(e *lab.Listed) { e.OSVersion = "10" }), "platforms.not_attestation"},
		{"no platform", with(good, func(e *lab.Listed) { e.Platform = "" }), "platforms.not_attestation"},
		{"an index", lab.Attesting(must(lab.NewIndexOf(entries...)), about), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t)
			s.push(t, must(lab.NewIndexOf(append(slices.Clone(entries), c.entry)...)), digests(entries...)...)
			v := s.ask(t, s.demanding(t, policy.OnEither), "")
			if c.code == "" {
				wantPass(t, v)
			} else {
				wantFail(t, v, "platforms", c.code)
				wantFail(t, v, "signature", "signature.missing")
			}
		})
	}
	// Signed like any other image, whatever it is counts.
	s := newShelf(t)
	entry := lab.Attesting(disguised, about)
	s.push(t, must(lab.NewIndexOf(append(slices.Clone(entries), entry)...)), digests(append(entries, entry)...)...)
	wantPass(t, s.ask(t, s.demanding(t, policy.OnEither), ""))
	// Two that name each other name no image.
	first, second := must(lab.AttestationManifest([]byte("1"))), must(lab.AttestationManifest([]byte("2")))
	s = newShelf(t)
	s.push(t, must(lab.NewIndexOf(append(slices.Clone(entries), lab.Attesting(first, second.Digest()), lab.Attesting(second, first.Digest()))...)), digests(entries...)...)
	wantFail(t, s.ask(t, s.demanding(t, policy.OnEither), ""), "platforms", "platforms.not_attestation")
}

// TestAnEmptyIndex wants a denial of what has nothing that could lack evidence.
func TestAnEmptyIndex(t *testing.T) {
	img := must(lab.NewIndexOf())
	for _, on := range everywhere {
		s := newShelf(t)
		s.push(t, img, img.Digest())
		v := s.ask(t, s.demanding(t, on), "")
		wantFail(t, v, "platforms", "platforms.empty")
		if on == policy.OnPlatforms {
			wantFail(t, v, "signature", "platforms.empty")
		}
	}
}

// TestFailuresOfChildren wants what could not be fetched of one child to leave the
// verdict open, unless another is refused.
func TestFailuresOfChildren(t *testing.T) {
	entries := two("failing")
	attests := lab.Attesting(must(lab.AttestationManifest([]byte("1"))), entries[0].Digest())
	inner := lab.Listed{Image: must(lab.NewIndexOf(must(lab.Platforms("failing", "linux/s390x"))...))}
	for _, c := range []struct {
		name   string
		broken string // what the registry cannot answer for
		signed []string
		code   verify.Code
		closed bool
	}{
		{"its referrers", "/referrers/" + entries[1].Digest(), digests(entries...), "registry.forbidden", false},
		{"its referrers, and another is refused", "/referrers/" + entries[1].Digest(), nil, "signature.missing", true},
		{"what says that it attests", "/manifests/" + attests.Digest(), digests(entries...), "registry.forbidden", false},
		{"a nested index", "/manifests/" + inner.Digest(), digests(entries...), "registry.forbidden", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShelf(t)
			list := append(slices.Clone(entries), attests)
			if strings.Contains(c.broken, inner.Digest()) {
				list = append(list, inner)
			}
			s.push(t, must(lab.NewIndexOf(list...)), c.signed...)
			s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, c.broken) {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				return true
			})
			for _, on := range []policy.On{policy.OnEither, policy.OnPlatforms} {
				v := s.ask(t, s.demanding(t, on), "")
				s.registry.ResetRequests()
				if c.closed {
					wantFail(t, v, "signature", c.code)
					continue
				}
				wantError(t, v, "signature", c.code)
				wantError(t, v, "platforms", c.code)
			}
		})
	}
}

// TestALyingSize wants a descriptor that lies about its manifest to decide nothing.
func TestALyingSize(t *testing.T) {
	entries := two("lying")
	attests := lab.Attesting(must(lab.AttestationManifest([]byte("1"))), entries[0].Digest())
	attests.Size = 7
	s := newShelf(t)
	s.push(t, must(lab.NewIndexOf(append(slices.Clone(entries), attests)...)), digests(entries...)...)
	wantError(t, s.ask(t, s.demanding(t, policy.OnPlatforms), ""), "signature", "registry.size_mismatch")
}

// TestMoreChildrenThanAreRead wants the rest of a very long index to stay open.
func TestMoreChildrenThanAreRead(t *testing.T) {
	var names []string
	for i := range 260 {
		names = append(names, "linux/amd64/v"+string(rune('a'+i/26))+string(rune('a'+i%26)))
	}
	entries := must(lab.Platforms("many", names...))
	s := newShelf(t)
	s.push(t, must(lab.NewIndexOf(entries...)))
	p := s.demanding(t, policy.OnPlatforms)
	v := s.ask(t, p, "")
	wantFail(t, v, "signature", "signature.missing")
	// The index, and the .sig tag, the referrers and the fallback tag of it and of 256 others.
	if looked := len(s.paths()); looked != 1+3*257 && looked != 1+2+3*256 {
		t.Errorf("%d requests were made", looked)
	}
	limited := slices.ContainsFunc(v.Run.Failed, func(f verify.FailedFetch) bool { return f.Code == verify.LimitExceeded })
	if !limited {
		t.Error("nothing says that a bound was reached")
	}
}
