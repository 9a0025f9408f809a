package draft_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/draft"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

var then = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const repository = "registry.example/acme/widget"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func options(s *lab.Sigstore) draft.Options {
	root := must(verify.NewTrustedRoot(policy.PublicGood, "lab", must(s.TrustedRoot()), policy.DefaultThresholds()))
	return draft.Options{Trust: verify.Trust{Roots: []*verify.TrustedRoot{root}}, Limits: verify.DefaultLimits(), At: then.Add(time.Hour)}
}

// factsOf authenticates what lies on a release itself.
func factsOf(r *lab.Release, o draft.Options, failures ...verify.Failure) (verify.Image, verify.Facts) {
	image := verify.Image{Reference: must(verify.ParseReference(r.Reference())), Digest: r.Image.Digest(), Manifest: must(r.Image.Raw())}
	image.MediaType = string(r.Image.Descriptor().MediaType)
	evidence := verify.Evidence{Failures: failures}
	add := func(layout verify.Layout, mediaType string, b []byte, annotations map[string]string) {
		sum := sha256.Sum256(b)
		evidence.Pieces = append(evidence.Pieces, verify.Piece{
			Layout: layout, Place: repository, Digest: "sha256:" + hex.EncodeToString(sum[:]), MediaType: mediaType, Bytes: b, Annotations: annotations,
		})
	}
	for _, l := range r.Signatures {
		add(verify.LegacySignature, l.MediaType, l.Bytes, l.Annotations)
	}
	for _, l := range r.Attestations {
		add(verify.LegacyAttestation, l.MediaType, l.Bytes, l.Annotations)
	}
	for _, l := range r.Referrers {
		add(verify.Bundle, l.MediaType, l.Bytes, nil)
	}
	return image, verify.Authenticate(image, evidence, o.Trust, o.Limits)
}

func judge(t *testing.T, r *lab.Release, o draft.Options, text []byte) verify.Verdict {
	t.Helper()
	p, err := policy.Parse("draft", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	_, facts := factsOf(r, o)
	return verify.Judge(facts, p, o.Trust, verify.Options{At: o.At, Limits: o.Limits})
}

// TestCatalogue: the policy that is written from the lab's good release passes on it and
// on none of the attacked copies, whichever layouts its evidence has; but for the one
// that its own workflow was made to release, which no policy over signatures can refuse.
func TestCatalogue(t *testing.T) {
	s := must(lab.NewSigstore(lab.Options{Now: then}))
	o := options(s)
	attacks := must(lab.Attacks(s, lab.ReleaseOptions{Repository: repository}))
	for name, form := range map[string]lab.ReleaseOptions{
		"both": {Repository: repository}, "legacy": {Repository: repository, Form: lab.LegacyForm}, "bundle": {Repository: repository, Form: lab.BundleForm},
	} {
		good := must(lab.GoodRelease(s, form))
		image, facts := factsOf(good, o)
		d, err := draft.Write(image, facts, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !judge(t, good, o, d.Text).Passed() {
			t.Errorf("%s: the good release does not pass:\n%s", name, d.Text)
		}
		for _, a := range attacks {
			if v := judge(t, a.Release, o, d.Text); v.Passed() {
				t.Errorf("%s: %s passes under\n%s", name, a.Name, d.Text)
			}
		}
		nobody := must(lab.Unreleased(s, lab.ReleaseOptions{Repository: repository}))
		if !judge(t, nobody.Release, o, d.Text).Passed() {
			t.Errorf("%s: what the project's own workflow signed is refused: the documentation says that it is not", name)
		}
		if !strings.Contains(string(d.Text), "repository_id:") || !strings.Contains(string(d.Text), "owner_id:") {
			t.Errorf("%s: the ids are not pinned:\n%s", name, d.Text)
		}
	}
	if len(attacks) < 6 {
		t.Errorf("only %d attacks", len(attacks))
	}
	// Whatever an attacked copy carries, its draft passes on it, or there is none.
	for _, a := range attacks {
		image, facts := factsOf(a.Release, o)
		d, err := draft.Write(image, facts, o)
		switch refusal := (&draft.Refusal{}); {
		case errors.As(err, &refusal) && !refusal.Undecided:
			t.Logf("%s: %v", a.Name, err)
		case err != nil:
			t.Errorf("%s: %v", a.Name, err)
		case d.Vouches != (a.Name == "unsigned"):
			t.Errorf("%s: vouches is %v", a.Name, d.Vouches)
		case judge(t, a.Release, o, d.Text).Passed() == d.Vouches:
			t.Errorf("%s: its draft refuses it, or it passes before anybody vouched:\n%s", a.Name, d.Text)
		}
	}
}

// TestRefusals: what nobody trusted has signed is no ground for a demand, and what could
// not be read is never taken for absent.
func TestRefusals(t *testing.T) {
	s, stranger := must(lab.NewSigstore(lab.Options{Now: then})), must(lab.NewSigstore(lab.Options{Now: then, Name: "stranger"}))
	o := options(s)
	good := must(lab.GoodRelease(s, lab.ReleaseOptions{Repository: repository}))
	bare := must(lab.NewRelease(s, lab.ReleaseOptions{Repository: repository}))
	untrusted := must(lab.GoodRelease(stranger, lab.ReleaseOptions{Repository: repository}))
	down := verify.Failure{Code: verify.RegistryServerError, Class: verify.Transient, Place: repository, Detail: "503", Layouts: []verify.Layout{verify.Bundle}}
	broken := down
	broken.Class, broken.Code = verify.Definitive, verify.RegistryMalformed
	for name, c := range map[string]struct {
		release   *lab.Release
		failures  []verify.Failure
		undecided bool
		want      string
	}{
		"untrusted":                  {untrusted, nil, false, "nothing that the image carries could be authenticated"},
		"down":                       {good, []verify.Failure{down}, true, "503"},
		"nothing and down":           {bare, []verify.Failure{down}, true, "503"},
		"nothing that can be read":   {bare, []verify.Failure{broken}, false, "not everything could be read"},
		"untrusted and broken":       {untrusted, []verify.Failure{broken}, false, "not everything could be read"},
		"good, and something broken": {good, []verify.Failure{broken}, false, ""},
	} {
		image, facts := factsOf(c.release, o, c.failures...)
		d, err := draft.Write(image, facts, o)
		if c.want == "" {
			if err != nil || !strings.Contains(string(d.Text), "What could not be read") {
				t.Errorf("%s: found %v and\n%s", name, err, d.Text)
			}
			continue
		}
		refusal := &draft.Refusal{}
		if !errors.As(err, &refusal) || refusal.Undecided != c.undecided || !strings.Contains(err.Error(), c.want) || d.Text != nil {
			t.Errorf("%s: found %v, undecided %v; wanted %q", name, err, refusal.Undecided, c.want)
		}
	}
}

// foreign are texts that would be keys, comments or commands of their own if they were
// written as they are.
var foreign = []string{
	"x\n    release: {}\nmode: {audit: {until: 2099-01-01}}", "x\r\nimages:", `x" , evil: "y`, "x' # ", "x: y", "{{x}}", "*", "**", "{version}", "&a *a", "!!str x",
	"x\u2028y", "\u202ex", "x\x00y", "x\x1b[2Jy", "\ufeffx", "x\u0085y", "- x", "%YAML 1.1", "---\n", "\\x41\\n", "x\xffy", strings.Repeat("a", 5000), "push\tx", "ümläut", "null", "1.10", "2026-01-01",
}

// TestForeignText: whatever claims, predicate types, members and values say, what is
// written has the keys of a draft and no others, in characters that can be seen.
func TestForeignText(t *testing.T) {
	s := must(lab.NewSigstore(lab.Options{Now: then}))
	o := options(s)
	written := 0
	for _, text := range foreign {
		r := must(lab.NewRelease(s, lab.ReleaseOptions{Repository: repository, Form: lab.BundleForm}))
		if err := r.Sign(s, r.Signer()); err != nil {
			t.Fatal(err)
		}
		subjects := lab.Subjects(repository, r.Image.Digest())
		predicate := map[string]any{
			text: r.Commit, "commit": r.Commit, "scanner": map[string]any{"uri": text}, "author": text, "passedTests": []any{text}, "result": "PASSED",
			"verifier": map[string]any{"id": text}, "policy": map[string]any{"uri": text}, "verifiedLevels": []any{text}, "builder": map[string]any{"id": text},
		}
		for _, kind := range []string{
			text, "https://example.com/" + text, "https://openvex.dev/ns/" + text, "https://in-toto.io/attestation/vulns/v0.2", "https://openvex.dev/ns/v0.2.0",
			"https://slsa.dev/verification_summary/v1", "https://in-toto.io/attestation/test-result/v0.1", "https://cyclonedx.org/bom",
		} {
			statement, err := lab.Statement(lab.StatementV1, kind, subjects, predicate)
			if err != nil {
				continue // which is no JSON
			}
			if err := r.Attest(s, r.Signer(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for _, change := range []func(*lab.Identity){
			func(id *lab.Identity) { id.Extensions.BuildTrigger, id.Extensions.GithubWorkflowTrigger = text, "" },
			func(id *lab.Identity) { id.Extensions.RunnerEnvironment = text },
			func(id *lab.Identity) { id.Extensions.SourceRepositoryIdentifier = text },
			func(id *lab.Identity) {
				id.Extensions.SourceRepositoryRef, id.Extensions.GithubWorkflowRef = "refs/tags/"+text, ""
			},
			func(id *lab.Identity) {
				id.Extensions.SourceRepositoryURI, id.Extensions.GithubWorkflowRepository = "https://github.com/evil/"+text, ""
			},
		} {
			id := r.Signer()
			change(&id)
			_ = r.Sign(s, id) // some cannot be certified
		}
		image, facts := factsOf(r, o)
		o.Workflow = "acme/widget/" + lab.DefaultWorkflow
		d, err := draft.Write(image, facts, o)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		written++
		if !judge(t, r, o, d.Text).Passed() {
			t.Errorf("%q: it does not pass:\n%s", text, d.Text)
		}
		for i, c := range []byte(strings.ReplaceAll(string(d.Text), "…", "")) {
			if c != '\n' && (c < ' ' || c > '~') {
				t.Fatalf("%q: found the byte 0x%02x at %d in\n%s", text, c, i, d.Text)
			}
		}
		for line := range strings.Lines(string(d.Text)) {
			key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			if line[0] != ' ' && line[0] != '#' && !strings.Contains("apiVersion kind metadata images", key) {
				t.Errorf("%q: found the line %q", text, line)
			}
			if key == "release" || key == "mode" || key == "evil" {
				t.Errorf("%q: found the key %q", text, key)
			}
		}
	}
	if written < len(foreign) {
		t.Errorf("of %d drafts, %d were written", len(foreign), written)
	}
}

// TestTags: how tags and refs give versions, shown by what is written.
func TestTags(t *testing.T) {
	s := must(lab.NewSigstore(lab.Options{Now: then}))
	o := options(s)
	for tag, want := range map[string]string{
		"1.2.3": `version: "{version}"`, "v1.2.3": `version: "v{version}"`, "1.2.3-rc.1": `ref: "refs/tags/v{version}"`,
	} {
		r := must(lab.GoodRelease(s, lab.ReleaseOptions{Repository: repository, Tag: tag}))
		image, facts := factsOf(r, o)
		d, err := draft.Write(image, facts, o)
		if err != nil || !strings.Contains(string(d.Text), want) {
			t.Errorf("%s: found %v and\n%s", tag, err, d.Text)
		}
	}
}

// TestPatternsInClaims: a ref may be named {version}. As a pattern it would stand for
// others too, so that it is not written.
func TestPatternsInClaims(t *testing.T) {
	s := must(lab.NewSigstore(lab.Options{Now: then}))
	o := options(s)
	for _, ref := range []string{"refs/heads/{version}", "refs/heads/**", "refs/tags/v*"} {
		r := must(lab.NewRelease(s, lab.ReleaseOptions{Repository: repository, Form: lab.BundleForm}))
		id := lab.GitHub(lab.DefaultRepo, "refs/heads/main", lab.DefaultCommit, lab.DefaultWorkflow)
		id.Extensions.SourceRepositoryRef, id.Extensions.GithubWorkflowRef = ref, ""
		if err := r.Sign(s, id); err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		image, facts := factsOf(r, o)
		if d, err := draft.Write(image, facts, o); err == nil || !strings.Contains(err.Error(), "meaning in a policy") {
			t.Errorf("%s: found %v and\n%s", ref, err, d.Text)
		}
	}
}
