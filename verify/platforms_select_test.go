package verify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

const scanType = "https://in-toto.io/attestation/vulns/v0.2"

// scanOf is a scan of an image that found something of these severities.
func scanOf(name, digest string, at time.Time, found ...string) []byte {
	results := []any{}
	for _, severity := range found {
		results = append(results, map[string]any{"id": "CVE-1", "severity": []any{map[string]any{"method": "x", "score": severity}}})
	}
	return must(lab.Statement(lab.StatementV1, scanType, lab.Subjects(name, digest), map[string]any{
		"scanner": map[string]any{"uri": "pkg:x/y", "result": results}, "metadata": map[string]any{"scanFinishedOn": at.Format(time.RFC3339)},
	}))
}

// scanYAML demands a scan without anything critical.
func scanYAML(more ...string) string {
	return "attestations: {scan: {" + strings.Join(append([]string{"type: '" + scanType + "', max_age: 7d, signer: " + anyVersion, "source: " + anySource, "scan: {deny: [critical]}"}, more...), ", ") + "}}"
}

// indexOf is an index of images by digest, and childOf one of them with evidence.
func indexOf(t testing.TB, children ...string) verify.Image {
	t.Helper()
	var entries []string
	for i, digest := range children {
		entries = append(entries, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":7,"platform":{"os":"linux","architecture":%q}}`,
			digest, []string{"amd64", "arm64", "s390x"}[i]))
	}
	return withManifest(t, "application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+strings.Join(entries, ",")+`]}`)
}

func childOf(index verify.Image, digest string, pieces ...verify.Piece) verify.Child {
	return verify.Child{Image: verify.Image{Reference: index.Reference, Digest: digest}, Evidence: verify.Evidence{Pieces: pieces}}
}

// TestNewestIsNotPassedOver has evidence about an index and other evidence about its images:
// where all of it has to be good, or the newest, what is refused in one place is not made
// good by another place.
func TestNewestIsNotPassedOver(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	a, b := "sha256:"+strings.Repeat("a1", 32), "sha256:"+strings.Repeat("b2", 32)
	one, both := indexOf(t, a), indexOf(t, a, b)
	scan := func(c chapter, digest string, after time.Duration, found ...string) verify.Piece {
		at := then.Add(after)
		return fromBundle(must(must(s.Issue(c.signer(), at)).Bundle(scanOf(imageName, digest, at, found...), at.Add(time.Minute))))
	}
	good := func(digest string, after time.Duration) verify.Piece { return scan(the(), digest, after) }
	bad := func(digest string, after time.Duration) verify.Piece { return scan(the(), digest, after, "critical") }
	stranger := the(func(c *chapter) { c.repo = "evil/widget" })
	unread := []verify.Failure{{Code: verify.RegistryTimeout, Class: verify.Transient, Place: imageName}}
	named := func(index verify.Image, pieces ...verify.Piece) *verify.Child {
		return &verify.Child{Image: index, Evidence: verify.Evidence{Pieces: pieces}}
	}
	outer := withManifest(t, one.MediaType, fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, both.MediaType, both.Digest, len(both.Manifest)))
	of := func(digest string) verify.Image { return verify.Image{Reference: one.Reference, Digest: digest} }

	for _, c := range []struct {
		name     string
		image    verify.Image
		evidence verify.Evidence
		// strict is the code with newest and with all, any the one with any; "" is a pass.
		strict, any verify.Code
	}{
		{"the index newer and bad", one, verify.Evidence{Pieces: []verify.Piece{bad(one.Digest, time.Hour)}, Children: []verify.Child{childOf(one, a, good(a, 0))}}, verify.AttestationSeverityDenied, ""},
		{"the index older and bad", one, verify.Evidence{Pieces: []verify.Piece{bad(one.Digest, 0)}, Children: []verify.Child{childOf(one, a, good(a, time.Hour))}}, verify.AttestationSeverityDenied, ""},
		{"the index good, which decides", one, verify.Evidence{Pieces: []verify.Piece{good(one.Digest, 0)}, Children: []verify.Child{childOf(one, a, bad(a, time.Hour))}}, "", ""},
		{"the index bad long ago", one, verify.Evidence{Pieces: []verify.Piece{bad(one.Digest, -8*24*time.Hour)}, Children: []verify.Child{childOf(one, a, good(a, 0))}}, "", ""},
		{"the index bad by a stranger's word", one, verify.Evidence{Pieces: []verify.Piece{scan(stranger, one.Digest, time.Hour, "critical")}, Children: []verify.Child{childOf(one, a, good(a, 0))}}, "", ""},
		{"nothing about the index", one, verify.Evidence{Children: []verify.Child{childOf(one, a, good(a, 0))}}, "", ""},
		{"the index unread", one, verify.Evidence{Failures: unread, Children: []verify.Child{childOf(one, a, good(a, 0))}}, verify.RegistryTimeout, ""},
		{"one platform bad, one without", both, verify.Evidence{Children: []verify.Child{childOf(both, a), childOf(both, b, bad(b, 0))}, Index: named(outer, good(outer.Digest, 0))}, verify.AttestationMissing, ""},
		{"one platform without", both, verify.Evidence{Children: []verify.Child{childOf(both, a, good(a, 0)), childOf(both, b)}, Index: named(outer, good(outer.Digest, 0))}, "", ""},
		{"one platform without, one unread", both, verify.Evidence{
			Children: []verify.Child{childOf(both, a), {Image: of(b), Evidence: verify.Evidence{Failures: unread}}}, Index: named(outer, good(outer.Digest, 0)),
		}, verify.RegistryTimeout, ""},
		{"an image bad, its index good", of(a), verify.Evidence{Pieces: []verify.Piece{bad(a, 0)}, Index: named(one, good(one.Digest, time.Hour))}, verify.AttestationSeverityDenied, ""},
		{"an image without, its index good", of(a), verify.Evidence{Index: named(one, good(one.Digest, time.Hour))}, "", ""},
		{"an image without, its index bad", of(a), verify.Evidence{Index: named(one, bad(one.Digest, time.Hour))}, verify.AttestationSeverityDenied, verify.AttestationSeverityDenied},
	} {
		for _, choice := range []policy.Select{policy.SelectNewest, policy.SelectAll, policy.SelectAny} {
			want := c.strict
			if choice == policy.SelectAny {
				want = c.any
			}
			o := options()
			if c.evidence.Index != nil {
				o.Index = reference(t, imageName+"@"+c.evidence.Index.Image.Digest)
			}
			v := h.playImage(t, h.policy(t, nil, scanYAML("select: "+string(choice))), c.image, c.evidence, o)
			if f := finding(t, v, "attestations.scan"); f.Code != want || v.Passed() != (want == "") {
				t.Errorf("%s, %s: found %s %s: %s; wanted %q", c.name, choice, f.Result, f.Code, f.Message, want)
			}
			if f := finding(t, v, "platforms"); f.Platforms != nil && want != "" && strings.HasPrefix(c.name, "the index") {
				for _, child := range f.Platforms.Children {
					if where := child.Evidence["attestations.scan"]; where != string(want) {
						t.Errorf("%s, %s: the matrix says %s", c.name, choice, where)
					}
				}
			}
		}
	}
}

// TestNothingIsAskedBeyondWhatSettlesIt wants an index whose newest scan is bad to cost no
// request about its images, and no other end than that of its scan.
func TestNothingIsAskedBeyondWhatSettlesIt(t *testing.T) {
	entries := two("settled")
	img := must(lab.NewIndexOf(entries...))
	for choice, asked := range map[policy.Select]bool{policy.SelectNewest: false, policy.SelectAny: true} {
		s := newShelf(t)
		scan := scanOf(s.repository, img.Digest(), then, "critical")
		s.publish(t, "1.2.3", img, map[string][]lab.Referrer{img.Digest(): {
			s.signature(img.Digest(), workflow()), lab.BundleReferrer(must(s.issue(workflow()).Bundle(scan, soon))),
		}})
		v := s.ask(t, s.demanding(t, policy.OnEither, scanYAML("select: "+string(choice))), "")
		wantFail(t, v, "attestations.scan", verify.AttestationSeverityDenied)
		if got := strings.Contains(strings.Join(s.paths(), "\n"), strings.TrimPrefix(entries[0].Digest(), "sha256:")); got != asked {
			t.Errorf("%s: images asked for: %v, wanted %v", choice, got, asked)
		}
	}
}

// TestADenialIsSeenInEveryPlace hides what a denied signer signed behind an image, or a
// place, that has nothing: audit mode and exceptions still let none of it in.
func TestADenialIsSeenInEveryPlace(t *testing.T) {
	s := newStage(lab.Options{})
	h := newTheatre(t, s, the())
	a, b := "sha256:"+strings.Repeat("a1", 32), "sha256:"+strings.Repeat("b2", 32)
	index := indexOf(t, a, b)
	by := func(digest string, c chapter) verify.Piece {
		return bundleBy(s.issue(c.signer()), must(lab.SignStatement(imageName, digest)))
	}
	denied := func(digest string) verify.Piece { return by(digest, the()) }
	stranger := func(digest string) verify.Piece {
		return by(digest, the(func(c *chapter) { c.repo = "evil/widget" }))
	}
	unread := verify.Child{Image: verify.Image{Reference: index.Reference, Digest: a}, Evidence: verify.Evidence{Failures: []verify.Failure{{Code: verify.RegistryTimeout, Class: verify.Transient}}}}
	named := &verify.Child{Image: index, Evidence: verify.Evidence{Pieces: []verify.Piece{denied(index.Digest)}}}
	p := h.policy(t, []string{"signature"}, "mode: {audit: {until: 2026-12-31}}",
		"deny: {signed: [{issuer: 'https://token.actions.githubusercontent.com', identity: 'https://github.com/acme/**'}]}", "---")
	for _, c := range []struct {
		name     string
		image    verify.Image
		evidence verify.Evidence
		denied   bool
	}{
		{"nothing at all", index, verify.Evidence{Children: []verify.Child{childOf(index, a), childOf(index, b)}}, false},
		{"strangers", index, verify.Evidence{Pieces: []verify.Piece{stranger(index.Digest)}, Children: []verify.Child{childOf(index, a), childOf(index, b, stranger(b))}}, false},
		{"behind a platform with nothing", index, verify.Evidence{Children: []verify.Child{childOf(index, a), childOf(index, b, denied(b))}}, true},
		{"before a platform with nothing", index, verify.Evidence{Children: []verify.Child{childOf(index, a, denied(a)), childOf(index, b)}}, true},
		{"behind a platform that could not be read", index, verify.Evidence{Children: []verify.Child{unread, childOf(index, b, denied(b))}}, true},
		{"behind a stranger on the index", index, verify.Evidence{Pieces: []verify.Piece{stranger(index.Digest)}, Children: []verify.Child{childOf(index, a), childOf(index, b, denied(b))}}, true},
		{"on the index, before the platforms", index, verify.Evidence{Pieces: []verify.Piece{denied(index.Digest)}, Children: []verify.Child{unread, childOf(index, b)}}, true},
		{"on the index that was named", verify.Image{Reference: index.Reference, Digest: a}, verify.Evidence{Pieces: []verify.Piece{stranger(a)}, Index: named}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			if c.evidence.Index != nil {
				o.Index = reference(t, imageName+"@"+index.Digest)
			}
			v := h.playImage(t, p, c.image, c.evidence, o)
			if let := v.Enforced != nil && !*v.Enforced; v.Passed() || let == c.denied {
				t.Errorf("audit mode lets it in: %v\n%s", let, decision(t, v))
			}
			e := excused("signature", "platforms")
			e.Digest = c.image.Digest
			verify.Except(&v, []policy.Exception{e}, "sha256:file", today)
			if (v.Exception != nil) == c.denied {
				t.Errorf("the exception is %+v, %v", v.Exception, v.Notices)
			}
			shown := 0
			for _, x := range finding(t, v, "signature").Found {
				if x.Code == verify.SignatureSignerDenied {
					shown++
				}
			}
			if (shown == 1) != c.denied || shown > 1 {
				t.Errorf("what is denied is shown %d times", shown)
			}
		})
	}
}
