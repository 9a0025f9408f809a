package verify_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// yard is an index with what BuildKit keeps in it.
type yard struct {
	*stage
	*lab.BuildKitIndex
}

func spdxAbout(_, digest string) ([]byte, error) { return lab.SPDX(imageName, digest) }

func newYard(t testing.TB, statement func(platform, digest string) ([]byte, error)) yard {
	t.Helper()
	return yard{newStage(lab.Options{}), must(lab.NewBuildKitIndex("widget", statement))}
}

// statements are what lies in the index, as a source hands it out.
func (y yard) statements() []verify.Piece {
	var pieces []verify.Piece
	for _, a := range y.Attestations {
		pieces = append(pieces, verify.Piece{
			Layout: verify.BuildKit, Place: "memory", Digest: digestOf(a.Statement), MediaType: lab.InTotoMediaType, Bytes: a.Statement, Manifest: a.Manifest,
		})
	}
	return pieces
}

// signed is a signature over a digest by the release workflow.
func (y yard) signed(digest string) verify.Piece {
	return bundleBy(y.issue(workflow()), must(lab.SignStatement(imageName, digest)))
}

func (y yard) policy(t testing.TB, signature string, more ...string) *policy.Policy {
	t.Helper()
	return policyOf(t, "source: "+sourceYAML, signature, sbomYAML(more...), "consistency: off")
}

const anySignature = "signature: {signer: " + signerYAML + ", on: either}"

// judge judges the index with evidence about it and about its images.
func (y yard) judge(t testing.TB, p *policy.Policy, pieces []verify.Piece, children map[string][]verify.Piece) verify.Verdict {
	t.Helper()
	index := verify.Image{
		Reference: must(verify.ParseReference(imageName + ":1.2.3@" + y.Digest())), Digest: y.Digest(), MediaType: string(y.Descriptor().MediaType), Manifest: y.Manifest,
	}
	evidence := verify.Evidence{Pieces: pieces}
	for _, d := range y.Children() {
		digest := d.Digest.String()
		c := verify.Child{Image: verify.Image{Reference: must(verify.ParseReference(imageName + "@" + digest)), Digest: digest, MediaType: string(d.MediaType)}}
		if d.Platform != nil {
			c.Platform = d.Platform.OS + "/" + d.Platform.Architecture
		}
		for _, a := range y.Attestations {
			if digestOf(a.Manifest) == digest {
				c.Image.Manifest = a.Manifest
			}
		}
		c.Evidence = verify.Evidence{Pieces: children[digest]}
		evidence.Children = append(evidence.Children, c)
	}
	trust := y.trust(p)
	v := verify.Judge(verify.Authenticate(index, evidence, trust, options().Limits), p, trust, options())
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed && !documented(f.Code) {
			t.Errorf("check %s has the undocumented code %q", f.ID, f.Code)
		}
	}
	return v
}

func (y yard) image(i int) string { return y.Attestations[i].About }

// TestBuildKit wants what BuildKit keeps in an index to count for the check over bills
// of materials alone, and only under a signature over the index itself.
func TestBuildKit(t *testing.T) {
	y := newYard(t, spdxAbout)
	sig, kept := y.signed(y.Digest()), y.statements()
	good := append([]verify.Piece{sig}, kept...)
	onImages := map[string][]verify.Piece{y.image(0): {y.signed(y.image(0))}, y.image(1): {y.signed(y.image(1))}}

	for _, on := range []string{"either", "index", "platforms"} {
		v := y.judge(t, y.policy(t, anySignature, "buildkit: true", "on: "+on), good, onImages)
		f := finding(t, v, "sbom")
		if f.Result != verify.Passed || len(f.Found) != 2 {
			t.Fatalf("on: %s: %s %s: %s\n%s", on, f.Result, f.Code, f.Message, reasons(f))
		}
		if !v.Passed() {
			t.Errorf("on: %s: %s", on, decision(t, v))
		}
		for _, c := range f.Found {
			if c.Claims == nil || c.Claims.Identity != workflow().SAN || len(c.Times) == 0 || c.About == "" || c.Layout != verify.BuildKit || c.Platform == "" {
				t.Errorf("on: %s: a statement is shown as %+v", on, c)
			}
		}
	}

	refused := func(name string, code verify.Code, p *policy.Policy, pieces []verify.Piece, children map[string][]verify.Piece) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			v := y.judge(t, p, pieces, children)
			if f := finding(t, v, "sbom"); f.Result != verify.Failed || f.Code != code || v.Passed() || f.Message == "" {
				t.Errorf("found %s %s: %s\n%s", f.Result, f.Code, f.Message, reasons(f))
			}
		})
	}
	accepting := y.policy(t, anySignature, "buildkit: true")
	refused("not accepted by the policy", verify.SBOMUnsigned, y.policy(t, anySignature), good, onImages)
	refused("no signature", verify.SBOMUnsigned, accepting, kept, nil)
	refused("a signature over the images alone", verify.SBOMUnsigned, accepting, kept, onImages)
	refused("a signature over another digest", verify.SBOMUnsigned, accepting, append([]verify.Piece{y.signed(otherDigest)}, kept...), nil)
	refused("a signature by somebody else", verify.SBOMUnsigned, accepting, append([]verify.Piece{bundleBy(y.issue(lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)), must(lab.SignStatement(imageName, y.Digest())))}, kept...), nil)
	refused("no signature demanded", verify.SBOMUnsigned, policyOf(t, "source: "+sourceYAML, sbomYAML("buildkit: true"), "consistency: off"), good, onImages)
	refused("another signer demanded", verify.SBOMIdentityMismatch, policyOf(t, "source: "+sourceYAML, anySignature, strings.Replace(sbomYAML("buildkit: true"), "release.yml", "sbom.yml", 1), "consistency: off"), good, nil)
	refused("one image without", verify.SBOMIncomplete, accepting, good[:2], nil)
	refused("one image without, on platforms", verify.SBOMMissing, y.policy(t, anySignature, "buildkit: true", "on: platforms"), good[:2], onImages)
	refused("one image denied", verify.SBOMComponentDenied, y.policy(t, anySignature, "buildkit: true", `deny_components: [{purl: "pkg:golang/*"}]`), good, nil)
	refused("the other format", verify.SBOMFormatMismatch, y.policy(t, anySignature, "buildkit: true", "format: cyclonedx"), good, nil)
	refused("signed too long ago", verify.SBOMTooOld, y.policy(t, anySignature, "buildkit: true", "max_age: 1h"), good, nil)

	t.Run("a signature alone, on one image", func(t *testing.T) { // one by its own, one by BuildKit's
		own := map[string][]verify.Piece{y.image(1): {bundleBy(y.issue(workflow()), must(lab.CycloneDX(imageName, y.image(1))))}}
		v := y.judge(t, accepting, good[:2], own)
		if f := finding(t, v, "sbom"); f.Result != verify.Passed || len(f.Found) != 2 {
			t.Errorf("found %s %s: %s\n%s", f.Result, f.Code, f.Message, reasons(f))
		}
	})
}

// TestBuildKitUnderAnotherRoot takes no signature under one root for a demand under another.
func TestBuildKitUnderAnotherRoot(t *testing.T) {
	y := newYard(t, spdxAbout)
	pieces := append([]verify.Piece{y.signed(y.Digest())}, y.statements()...)
	for _, trust := range []string{policy.PublicGood, corp} {
		p := policyOf(t, corpRoot("timestamps: 1"), "---", "source: "+sourceYAML, anySignature, sbomYAML("buildkit: true"), "consistency: off")
		p.Rules[0].SBOM.Trust = trust // which the parser refuses
		v := y.judge(t, p, pieces, nil)
		if trust == policy.PublicGood {
			wantPass(t, v)
		} else {
			wantFail(t, v, "sbom", verify.SBOMUnsigned)
		}
	}
}

// TestBuildKitChain breaks each link from the index to the statement.
func TestBuildKitChain(t *testing.T) {
	y := newYard(t, spdxAbout)
	sig := y.signed(y.Digest())
	p := y.policy(t, anySignature, "buildkit: true")
	one := y.statements()
	with := func(change func(*verify.Piece)) []verify.Piece {
		list := append([]verify.Piece{sig}, one...)
		change(&list[1])
		return list
	}
	for name, pieces := range map[string][]verify.Piece{
		"another statement":                with(func(p *verify.Piece) { p.Bytes = must(lab.CycloneDX(imageName, y.image(0))) }),
		"a changed statement":              with(func(p *verify.Piece) { p.Bytes = bytes.Replace(p.Bytes, []byte("v0.41.0"), []byte("v0.40.0"), 1) }),
		"its bytes under a false digest":   with(func(p *verify.Piece) { p.Bytes, p.Digest = spdxBOM(), one[0].Digest }),
		"no manifest":                      with(func(p *verify.Piece) { p.Manifest = nil }),
		"the other manifest":               with(func(p *verify.Piece) { p.Manifest = one[1].Manifest }),
		"a changed manifest":               with(func(p *verify.Piece) { p.Manifest = append(bytes.Clone(p.Manifest), ' ') }),
		"the index itself as its manifest": with(func(p *verify.Piece) { p.Manifest = y.Manifest }),
		"an image as its manifest":         with(func(p *verify.Piece) { p.Manifest = []byte(`{"schemaVersion":2,"layers":[]}`) }),
	} {
		f := finding(t, y.judge(t, p, pieces, nil), "sbom")
		if f.Result != verify.Failed || f.Code != verify.SBOMIncomplete && f.Code != verify.SBOMUnsigned {
			t.Errorf("%s: found %s %s: %s", name, f.Result, f.Code, f.Message)
		}
	}
	// A statement that is about neither the image that the index says nor the index.
	stranger := newYard(t, func(platform, digest string) ([]byte, error) {
		if platform == "linux/arm64" {
			digest = otherDigest
		}
		return lab.SPDX(imageName, digest)
	})
	v := stranger.judge(t, p, append([]verify.Piece{stranger.signed(stranger.Digest())}, stranger.statements()...), nil)
	if f := finding(t, v, "sbom"); f.Result != verify.Failed || f.Code != verify.SBOMIncomplete {
		t.Errorf("about another image: found %s %s: %s", f.Result, f.Code, f.Message)
	}
}

// TestBuildKitIndexEdited changes what the index says of its entries, and signs it so.
func TestBuildKitIndexEdited(t *testing.T) {
	y := newYard(t, spdxAbout)
	for name, edit := range map[string]func(entry map[string]any){
		"no annotations":        func(e map[string]any) { delete(e, "annotations") },
		"another type":          func(e map[string]any) { annotate(e, "vnd.docker.reference.type", "image") },
		"about nothing beside":  func(e map[string]any) { annotate(e, "vnd.docker.reference.digest", otherDigest) },
		"about itself":          func(e map[string]any) { annotate(e, "vnd.docker.reference.digest", e["digest"].(string)) },
		"of a platform":         func(e map[string]any) { e["platform"] = map[string]any{"os": "linux", "architecture": "s390x"} },
		"about the other image": func(e map[string]any) { annotate(e, "vnd.docker.reference.digest", y.image(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			var index map[string]any
			if err := json.Unmarshal(y.Manifest, &index); err != nil {
				t.Fatal(err)
			}
			for _, e := range index["manifests"].([]any) {
				if e := e.(map[string]any); e["digest"] == digestOf(y.Attestations[0].Manifest) {
					edit(e)
				}
			}
			raw := must(json.Marshal(index))
			image := verify.Image{Reference: must(verify.ParseReference(imageName + ":1.2.3")), Digest: digestOf(raw), MediaType: string(y.Descriptor().MediaType), Manifest: raw}
			p := y.policy(t, anySignature, "buildkit: true")
			trust := y.trust(p)
			pieces := append([]verify.Piece{y.signed(image.Digest)}, y.statements()...)
			v := verify.Judge(verify.Authenticate(image, verify.Evidence{Pieces: pieces}, trust, options().Limits), p, trust, options())
			if f := finding(t, v, "sbom"); f.Result != verify.Failed || v.Passed() {
				t.Errorf("found %s %s: %s\n%s", f.Result, f.Code, f.Message, reasons(f))
			} else if name == "about the other image" {
				wantCandidate(t, f, verify.SBOMSubjectMismatch)
			} else {
				wantCandidate(t, f, verify.SBOMInvalid)
			}
		})
	}
}

func annotate(entry map[string]any, key, value string) {
	notes := maps.Clone(entry["annotations"].(map[string]any))
	notes[key] = value
	entry["annotations"] = notes
}

// TestBuildKitElsewhere offers what BuildKit keeps to every other check.
func TestBuildKitElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		check     string
		rule      []string
		statement func(digest string) []byte
	}{
		"signature": {"signature", []string{signatureYAML}, func(d string) []byte { return must(lab.SignStatement(imageName, d)) }},
		"provenance": {"provenance", []string{signatureYAML, provenanceYAML}, func(d string) []byte {
			return must(lab.ProvenanceV02(lab.ProvenanceOptions{Subjects: lab.Subjects(imageName, d)}))
		}},
		"attestation": {"attestations.bom", []string{signatureYAML, "attestations: {bom: {type: https://spdx.dev/Document, signer: " + signerYAML + "}}"}, func(d string) []byte { return must(lab.SPDX(imageName, d)) }},
	} {
		t.Run(name, func(t *testing.T) {
			y := newYard(t, func(_, digest string) ([]byte, error) { return c.statement(digest), nil })
			rule := append([]string{"source: " + sourceYAML}, c.rule...)
			pieces := y.statements()
			if name != "signature" {
				pieces = append(pieces, y.signed(y.Digest()))
			}
			v := y.judge(t, policyOf(t, append(rule, sbomYAML("buildkit: true"), "consistency: off")...), pieces, nil)
			if f := finding(t, v, c.check); f.Result != verify.Failed || v.Passed() {
				t.Errorf("found %s %s: %s\n%s", f.Result, f.Code, f.Message, reasons(f))
			}
		})
	}
}

// TestBuildKitUndecided wants a registry that fails to leave the check undecided.
func TestBuildKitUndecided(t *testing.T) {
	y := newYard(t, spdxAbout)
	p := y.policy(t, anySignature, "buildkit: true")
	trust := y.trust(p)
	image := verify.Image{Reference: must(verify.ParseReference(imageName + ":1.2.3")), Digest: y.Digest(), MediaType: string(y.Descriptor().MediaType), Manifest: y.Manifest}
	for _, layout := range []verify.Layout{verify.BuildKit, verify.Bundle} {
		evidence := verify.Evidence{
			Pieces:   append([]verify.Piece{y.signed(y.Digest())}, y.statements()[:1]...),
			Failures: []verify.Failure{{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "memory", Layouts: []verify.Layout{layout}}},
		}
		v := verify.Judge(verify.Authenticate(image, evidence, trust, options().Limits), p, trust, options())
		if f := finding(t, v, "sbom"); f.Result != verify.Errored || !strings.HasPrefix(string(f.Code), "registry.") {
			t.Errorf("%s: found %s %s: %s", layout, f.Result, f.Code, f.Message)
		}
	}
}

// TestBuildKitBesideWhatRuns signs an index with bills of materials about both images and
// a third entry that says it is no image, and wants its bytes to show that.
func TestBuildKitBesideWhatRuns(t *testing.T) {
	built := must(lab.NewBuildKitIndex("beside", spdxAbout))
	list := must(lab.Platforms("beside", "linux/amd64", "linux/arm64"))
	for _, a := range built.Attestations {
		list = append(list, lab.Attesting(must(lab.AttestationManifest(a.Statement)), a.About))
	}
	provenance := must(lab.ProvenanceV02(lab.ProvenanceOptions{Subjects: lab.Subjects(imageName, list[0].Digest())}))
	for name, c := range map[string]struct {
		entry  *lab.Image
		broken bool
		code   verify.Code
	}{
		"what runs":         {must(lab.Disguised("beside")), false, verify.SBOMIncomplete},
		"provenance":        {must(lab.AttestationManifest(provenance)), false, ""},
		"nothing of a type": {must(lab.AttestationManifest([]byte("{}"))), false, ""},
		"nobody knows what": {must(lab.AttestationManifest([]byte("{}"))), true, verify.RegistryForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			index := must(lab.NewIndexOf(append(slices.Clone(list), lab.Attesting(c.entry, list[0].Digest()))...))
			s.push(t, index, index.Digest())
			if c.broken {
				s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.URL.Path, c.entry.Digest()) {
						w.WriteHeader(http.StatusForbidden)
						return true
					}
					return false
				})
			}
			for _, on := range []policy.On{policy.OnIndex, policy.OnEither} {
				p := s.demanding(t, policy.OnIndex, sbomYAML("buildkit: true"))
				p.Rules[0].SBOM.On = on
				ask := func(digest string) (verify.Verdict, verify.Finding) {
					v := s.ask(t, p, digest, func(o *verify.Options) {
						if digest != index.Digest() {
							o.Index = reference(t, s.repository+"@"+index.Digest())
						}
					})
					s.registry.ResetRequests()
					return v, finding(t, v, "sbom")
				}
				if _, f := ask(list[0].Digest()); on == policy.OnIndex && f.Code != c.code {
					t.Errorf("one of its images, on: %s: found %s %s: %s", on, f.Result, f.Code, f.Message)
				}
				v, f := ask(index.Digest())
				switch {
				case c.code == "":
					wantPass(t, v)
				case c.broken:
					wantError(t, v, "sbom", c.code)
				case f.Result != verify.Failed || v.Passed() || f.Code != c.code:
					t.Errorf("on: %s: found %s %s: %s\n%s", on, f.Result, f.Code, f.Message, matrixOf(v))
				}
				if c.code != "" && strings.Contains(matrixOf(v), "sbom=index") {
					t.Errorf("on: %s: the matrix says\n%s", on, matrixOf(v))
				}
			}
		})
	}
}

// TestBuildKitLastsAsItsVoucher wants a pass to end with the signature that vouches, where
// the check over signatures lasts longer by others.
func TestBuildKitLastsAsItsVoucher(t *testing.T) {
	y := newYard(t, spdxAbout)
	onImages := map[string][]verify.Piece{y.image(0): {y.signed(y.image(0))}, y.image(1): {y.signed(y.image(1))}}
	early := then.Add(-time.Hour)
	voucher := fromBundle(must(must(y.Issue(workflow(), early)).Bundle(must(lab.SignStatement(imageName, y.Digest())), early.Add(time.Minute))))
	p := y.policy(t, strings.Replace(anySignature, "on: either", "on: platforms, max_age: 48h", 1), "buildkit: true", "on: index")
	v := y.judge(t, p, append([]verify.Piece{voucher}, y.statements()...), onImages)
	wantPass(t, v)
	signed := finding(t, v, "sbom").Found[0].Times[0].Time
	if want := signed.Add(48 * time.Hour); v.ValidUntil == nil || !v.ValidUntil.Equal(want) {
		t.Errorf("valid until %v; wanted %v", v.ValidUntil, want)
	}
}
