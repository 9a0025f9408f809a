package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// then is when evidence is made, soon when a log sees it, today when it is
// judged. All lie far from the machine's clock, which nobody may ask.
var (
	then  = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	soon  = then.Add(time.Minute)
	today = then.Add(24 * time.Hour)
)

const (
	imageName = "registry.example/acme/widget"
	// imageHex and otherHex are the digests of the image under judgement and of another.
	imageHex    = "5d41402abc4b2a76b9719d911017c592ae1f2c3d4e5f60718293a4b5c6d7e8f9"
	otherHex    = "0a1b2c3d4e5f60718293a4b5c6d7e8f95d41402abc4b2a76b9719d911017c592"
	imageDigest = "sha256:" + imageHex
	otherDigest = "sha256:" + otherHex
	imageRef    = imageName + ":1.2.3@" + imageDigest

	generatorID      = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml"
	containerBasedID = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_container-based_slsa3.yml"
	runnerID         = "https://github.com/actions/runner/github-hosted"
	corp             = "corp" // the name of the second root
)

// must is for what the tests make themselves, which cannot go wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// stage is a lab with a second one beside it, whose root a policy may name "corp".
type stage struct {
	*lab.Sigstore
	second *lab.Sigstore
	keys   []verify.Key
	// The good legs, made on first use.
	signature, provenance func() verify.Piece
}

func newStage(opts lab.Options) *stage {
	opts.Now = then
	return stageOf(must(lab.NewSigstore(opts)), must(lab.NewSigstore(lab.Options{Now: then, Name: corp})))
}

func stageOf(first, second *lab.Sigstore) *stage {
	s := &stage{Sigstore: first, second: second}
	s.signature = sync.OnceValue(func() verify.Piece { return s.sigBundle(workflow()) })
	s.provenance = sync.OnceValue(func() verify.Piece { return bundleBy(s.issue(generator()), must(lab.ProvenanceV02(built()))) })
	return s
}

// trust gives the policy the roots it names: the stage's own for public-good, the
// second's for corp, each with the policy's thresholds.
func (s *stage) trust(p *policy.Policy) verify.Trust {
	t := verify.Trust{Keys: s.keys}
	for _, name := range []string{policy.PublicGood, corp} {
		entry, ok := p.Trust[name]
		if !ok {
			continue
		}
		from := s.Sigstore
		if name == corp {
			from = s.second
		}
		t.Roots = append(t.Roots, must(verify.NewTrustedRoot(name, "lab", must(from.TrustedRoot()), entry.Thresholds)))
	}
	return t
}

// on returns the stage whose own instance is the second one.
func (s *stage) on(other *lab.Sigstore) *stage {
	return stageOf(other, s.Sigstore)
}

func (s *stage) issue(id lab.Identity, opts ...lab.LeafOption) *lab.Signer {
	return must(s.Issue(id, then, opts...))
}

// workflow is the release workflow that signs; generator the builder that it calls.
func workflow() lab.Identity {
	return lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)
}

func generator() lab.Identity { return generatorAt(lab.GeneratorRef) }

func generatorAt(ref string) lab.Identity {
	return reusable(lab.GeneratorRepository, lab.ContainerGenerator, ref)
}

// reusable is a reusable workflow that the release workflow calls.
func reusable(repo, path, ref string) lab.Identity {
	return lab.ReusableWorkflow(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, repo, path, ref)
}

// built are the facts of the good build, after changes.
func built(changes ...func(*lab.ProvenanceOptions)) lab.ProvenanceOptions {
	o := lab.ProvenanceOptions{Subjects: lab.Subjects(imageName, imageDigest)}
	for _, c := range changes {
		c(&o)
	}
	return o
}

func editing(edit lab.Edit) func(*lab.ProvenanceOptions) {
	return func(o *lab.ProvenanceOptions) { o.Edit = edit }
}

// set returns an edit that writes a value at a path of keys and indices ("0").
func set(value any, path ...string) lab.Edit {
	return func(statement map[string]any) {
		var at any = statement
		for _, key := range path[:len(path)-1] {
			at = step(at, key)
		}
		last := path[len(path)-1]
		if list, ok := at.([]any); ok {
			list[must(index(last))] = value
			return
		}
		at.(map[string]any)[last] = value
	}
}

// drop returns an edit that removes the key at a path.
func drop(path ...string) lab.Edit {
	return func(statement map[string]any) {
		var at any = statement
		for _, key := range path[:len(path)-1] {
			at = step(at, key)
		}
		delete(at.(map[string]any), path[len(path)-1])
	}
}

func step(at any, key string) any {
	if list, ok := at.([]any); ok {
		return list[must(index(key))]
	}
	return at.(map[string]any)[key]
}

func index(s string) (int, error) {
	var i int
	_, err := fmt.Sscan(s, &i)
	return i, err
}

// Pieces of evidence, good unless the options say otherwise.

func (s *stage) sig(id lab.Identity, opts ...lab.LegacyOption) verify.Piece {
	return sigBy(s.issue(id), opts...)
}

func sigBy(signer *lab.Signer, opts ...lab.LegacyOption) verify.Piece {
	return fromLayer(must(signer.LegacySignature(imageName, imageDigest, soon, opts...)))
}

func (s *stage) sigBundle(id lab.Identity, opts ...lab.BundleOption) verify.Piece {
	return bundleBy(s.issue(id), signStatement(), opts...)
}

func signStatement() []byte { return must(lab.SignStatement(imageName, imageDigest)) }

func attBy(signer *lab.Signer, statement []byte, opts ...lab.LegacyOption) verify.Piece {
	return fromLayer(must(signer.LegacyAttestation(statement, soon, opts...)))
}

func bundleBy(signer *lab.Signer, statement []byte, opts ...lab.BundleOption) verify.Piece {
	return fromBundle(must(signer.Bundle(statement, soon, opts...)))
}

// att is the generator's good provenance in the legacy layout.
func (s *stage) att() verify.Piece {
	return attBy(s.issue(generator()), must(lab.ProvenanceV02(built())))
}

func fromLayer(l lab.Layer) verify.Piece {
	layout := verify.LegacySignature
	if l.MediaType == lab.EnvelopeMediaType {
		layout = verify.LegacyAttestation
	}
	return verify.Piece{Layout: layout, Place: "memory", Digest: digestOf(l.Bytes), MediaType: l.MediaType, Bytes: l.Bytes, Annotations: l.Annotations}
}

func fromBundle(b []byte) verify.Piece {
	return verify.Piece{Layout: verify.Bundle, Place: "memory", Digest: digestOf(b), MediaType: lab.BundleMediaType, Bytes: b}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Policies.

const (
	signerYAML     = `{issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}`
	sourceYAML     = `{repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: "refs/tags/v{version}"}`
	builderYAML    = `{id: "` + generatorID + `", level: 3}`
	signatureYAML  = "signature: {signer: " + signerYAML + "}"
	provenanceYAML = "provenance: {builder: " + builderYAML + "}"
)

// policyOf writes a policy with one rule over the image; lines are the rule's
// keys, and those before "---" keys of the policy.
func policyOf(t testing.TB, lines ...string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(policyText(lines...)))
	if err != nil {
		t.Fatalf("%s\n%v", policyText(lines...), err)
	}
	return p
}

func policyText(lines ...string) string {
	top := []string{"apiVersion: assay/v1", "kind: ReleasePolicy", "metadata: {name: test}"}
	if i := slices.Index(lines, "---"); i >= 0 {
		top, lines = append(top, lines[:i]...), lines[i+1:]
	}
	return strings.Join(top, "\n") + "\nimages:\n  - match: " + imageName + "\n    " + strings.Join(lines, "\n    ") + "\n"
}

// bothLegs demands a signature and provenance of the release.
func bothLegs(t testing.TB) *policy.Policy {
	t.Helper()
	return policyOf(t, "source: "+sourceYAML, signatureYAML, provenanceYAML)
}

// corpRoot names the second root, with thresholds.
func corpRoot(thresholds string) string {
	return fmt.Sprintf(`trust: {%s: {file: corp.json, sha256: %q, thresholds: {%s}}}`, corp, strings.Repeat("00", 32), thresholds)
}

// Judging.

func options() verify.Options { return verify.Options{At: today, Limits: verify.DefaultLimits()} }

// judge authenticates and judges pieces in memory, and checks that the verdict is
// sound whatever it is.
func (s *stage) judge(t testing.TB, p *policy.Policy, ref string, o verify.Options, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	return judgeUnder(t, s.trust(p), p, ref, o, pieces...)
}

func judgeUnder(t testing.TB, trust verify.Trust, p *policy.Policy, ref string, o verify.Options, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	r, err := verify.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	digest := r.Digest()
	if digest == "" {
		digest = imageDigest
	}
	image := verify.Image{Reference: r, Digest: digest}
	facts := verify.Authenticate(image, verify.Evidence{Pieces: pieces}, trust, o.Limits)
	v := verify.Judge(facts, p, trust, o)
	assertSound(t, v, pieces)
	return v
}

// assertSound checks what holds of every verdict: a pass means that every required
// check passed, each over at least one authenticated statement that names the
// image's digest; anything else has a documented reason.
func assertSound(t testing.TB, v verify.Verdict, pieces []verify.Piece) {
	t.Helper()
	required, bad := 0, 0
	for _, f := range v.Checks {
		switch {
		case !f.Required:
			if f.Result != verify.NotRequired {
				t.Errorf("check %s is not required and has the result %s", f.ID, f.Result)
			}
			continue
		case f.Result == verify.Passed:
			if authenticates(f.ID) && !namesDigest(f, v.Image.Digest, pieces) {
				t.Errorf("check %s passed without an authenticated statement that names %s: %+v", f.ID, v.Image.Digest, f)
			}
			if f.Code != "" {
				t.Errorf("check %s passed with the code %s", f.ID, f.Code)
			}
		default:
			bad++
			if !documented(f.Code) {
				t.Errorf("check %s has the result %s and the undocumented code %q", f.ID, f.Result, f.Code)
			}
		}
		required++
	}
	if v.Passed() != (required > 0 && bad == 0) {
		t.Errorf("the verdict is pass=%v with %d required checks, %d of them not passed", v.Passed(), required, bad)
	}
	if v.Passed() && (!v.Conclusive || v.Image.Digest == "") {
		t.Errorf("a pass about %q is conclusive=%v", v.Image.Digest, v.Conclusive)
	}
}

// authenticates reports whether a check passes by evidence; the others only refuse.
func authenticates(id string) bool {
	return !slices.Contains([]string{"platforms", "consistency", "freshness"}, id)
}

func documented(code verify.Code) bool {
	for _, r := range verify.Reasons() {
		if r.Code == code {
			return true
		}
	}
	return false
}

// namesDigest reads the accepted evidence of a finding by itself, with none of the
// code under test.
func namesDigest(f verify.Finding, digest string, pieces []verify.Piece) bool {
	for _, c := range f.Found {
		if !c.Authenticated || c.Met == nil || c.Code != "" {
			return false // only accepted candidates are shown for a pass
		}
		for _, p := range pieces {
			if p.Digest == c.Evidence && p.Layout == c.Layout && slices.Contains(digestsNamed(p), digest) {
				return true
			}
		}
	}
	return false
}

func digestsNamed(p verify.Piece) []string {
	var layer struct {
		Critical struct {
			Image map[string]string `json:"image"`
		} `json:"critical"`
		Payload []byte `json:"payload"`
	}
	var bundle protobundle.Bundle
	switch {
	case p.Layout == verify.Bundle && unmarshalBundle(p.Bytes, &bundle) == nil:
		layer.Payload = bundle.GetDsseEnvelope().GetPayload()
	case json.Unmarshal(p.Bytes, &layer) != nil:
		return nil
	}
	digests := []string{layer.Critical.Image["docker-manifest-digest"]}
	var statement struct {
		Subject []lab.Subject `json:"subject"`
	}
	if json.Unmarshal(layer.Payload, &statement) == nil {
		for _, s := range statement.Subject {
			digests = append(digests, "sha256:"+s.Digest["sha256"])
		}
	}
	return digests
}

// decision is the part of a verdict that must not depend on the run.
func decision(t testing.TB, v verify.Verdict) []byte {
	t.Helper()
	v.Run = verify.Run{}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantPass fails the test unless the verdict is a pass.
func wantPass(t testing.TB, v verify.Verdict) {
	t.Helper()
	if !v.Passed() {
		t.Errorf("wanted a pass: %s", decision(t, v))
	}
}

// wantFail fails the test unless the check failed, conclusively, with the code.
func wantFail(t testing.TB, v verify.Verdict, check string, code verify.Code) {
	t.Helper()
	f := finding(t, v, check)
	if v.Passed() || !v.Conclusive || f.Result != verify.Failed || f.Code != code {
		t.Errorf("wanted fail with %s; found pass=%v conclusive=%v, %s %s: %s\n%s",
			code, v.Passed(), v.Conclusive, f.Result, f.Code, f.Message, reasons(f))
	}
}

func reasons(f verify.Finding) string {
	var b bytes.Buffer
	for _, c := range f.Found {
		fmt.Fprintf(&b, "  %s %s: %s %+v\n", c.Layout, c.Code, c.Reason, c.Difference)
	}
	return b.String()
}

// unmarshalBundle reads a bundle as strictly as protobuf does.
func unmarshalBundle(b []byte, into *protobundle.Bundle) error {
	return protojson.Unmarshal(b, into)
}
