package verify_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// frozen is good evidence by a lab whose keys are gone: every process that fuzzes
// must start from the same bytes under the same root.
type frozen struct {
	TrustedRoot json.RawMessage `json:"trusted_root"`
	// Pieces are in the order of frozenPieces.
	Pieces []verify.Piece `json:"pieces"`
}

const frozenFile = "frozen.json"

// refreeze is not -update: the evidence is another each time, for nothing.
var refreeze = flag.Bool("refreeze", false, "make the evidence that fuzzing starts from anew")

// freeze makes the evidence anew.
func freeze() frozen {
	s := newStage(lab.Options{})
	statement := must(lab.ProvenanceV02(built()))
	return frozen{TrustedRoot: must(s.TrustedRoot()), Pieces: []verify.Piece{
		s.sig(workflow()),
		attBy(s.issue(generator()), statement),
		attBy(s.issue(generator()), statement, intotoEntry),
		s.sigBundle(workflow()),
		s.sigBundle(workflow(), rekorV2),
		s.sigBundle(workflow(), lab.Version(lab.BundleV01)),
		bundleBy(s.issue(generator()), statement),
	}}
}

// thaw reads the evidence, with the trust and the policies under which it passes.
func thaw(t testing.TB) (frozen, verify.Trust) {
	t.Helper()
	if *refreeze {
		b := append(must(json.MarshalIndent(freeze(), "", " ")), '\n')
		if err := os.WriteFile(filepath.Join("testdata", frozenFile), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join("testdata", frozenFile))
	if err != nil {
		t.Fatalf("%v; -refreeze writes it", err)
	}
	var f frozen
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	root, err := verify.NewTrustedRoot(policy.PublicGood, "lab", f.TrustedRoot, policy.DefaultThresholds())
	if err != nil {
		t.Fatal(err)
	}
	return f, verify.Trust{Roots: []*verify.TrustedRoot{root}}
}

// fuzzer judges whole pieces of evidence, through every library that reads them.
type fuzzer struct {
	trust verify.Trust
	rules []*policy.Policy
	seeds []verify.Piece
}

// newFuzzer keeps the frozen pieces of one layout, each of which must pass.
func newFuzzer(f *testing.F, layout verify.Layout) fuzzer {
	f.Helper()
	evidence, trust := thaw(f)
	z := fuzzer{trust: trust, rules: []*policy.Policy{
		policyOf(f, "source: "+sourceYAML, signatureYAML), policyOf(f, "source: "+sourceYAML, provenanceYAML),
	}}
	for _, p := range evidence.Pieces {
		if p.Layout != layout {
			continue
		}
		if !slices.ContainsFunc(z.rules, func(rule *policy.Policy) bool {
			return judgeUnder(f, trust, rule, imageRef, options(), p).Passed()
		}) {
			f.Fatalf("the frozen %s %s does not pass", p.Layout, p.Digest)
		}
		z.seeds = append(z.seeds, p)
	}
	if len(z.seeds) == 0 {
		f.Fatalf("no frozen %s", layout)
	}
	return z
}

// try judges one piece. It must not end the process, and nothing may be
// authenticated that does not mean the same as one of the seeds.
func (z fuzzer) try(t *testing.T, p verify.Piece) {
	t.Helper()
	p.Digest = digestOf(p.Bytes)
	for _, rule := range z.rules {
		v := judgeUnder(t, z.trust, rule, imageRef, options(), p)
		for _, f := range v.Checks {
			for _, c := range f.Found {
				if c.Authenticated && !z.isSeed(p) {
					t.Errorf("authenticated, though it differs from every seed:\n%q\n%q\n%+v", p.Bytes, p.Annotations, c)
				}
				if strings.Contains(c.Reason, "panic") || c.Code == verify.InternalPanic {
					t.Logf("a library panicked, and was caught: %s", c.Reason)
				}
			}
		}
	}
}

// isSeed reports whether a piece differs from one of the seeds in nothing that counts.
func (z fuzzer) isSeed(p verify.Piece) bool {
	for _, s := range z.seeds {
		rekorV2 := strings.Contains(string(s.Bytes), "log2025")
		if !slices.ContainsFunc(differences(s, p), func(d string) bool { return !isVoid(d, rekorV2) && !isVoid(d, true) }) {
			return true
		}
	}
	return false
}

func addLegacy(f *testing.F, seeds []verify.Piece) {
	f.Helper()
	for _, p := range seeds {
		sig, cert, bundle := p.Annotations[lab.SignatureAnnotation], p.Annotations[lab.CertificateAnnotation], p.Annotations[lab.BundleAnnotation]
		f.Add(p.Bytes, sig, cert, bundle)
		f.Add(p.Bytes, sig, "", bundle)
		f.Add([]byte("null"), sig, cert, bundle)
		f.Add(p.Bytes, "MEUC", cert, bundle)
		f.Add(p.Bytes, sig, strings.Replace(cert, "MII", "MIA", 1), bundle)
		for _, text := range []string{`{"Payload":{"body":7}}`, `{"Payload":{"body":null}}`, `{"Payload":{"body":{}}}`, "null", "[]", ""} {
			f.Add(p.Bytes, sig, cert, text)
		}
		f.Add(p.Bytes, sig, cert, strings.Replace(bundle, `"logIndex":`, `"logIndex":1`, 1))
	}
}

func legacyOf(layout verify.Layout, b []byte, signature, certificate, bundle string) verify.Piece {
	return verify.Piece{Layout: layout, Place: "fuzz", Bytes: b, Annotations: map[string]string{
		lab.SignatureAnnotation: signature, lab.CertificateAnnotation: certificate, lab.BundleAnnotation: bundle,
	}}
}

func FuzzLegacySignature(f *testing.F) {
	z := newFuzzer(f, verify.LegacySignature)
	dropHints(z.seeds)
	addLegacy(f, z.seeds)
	f.Fuzz(func(t *testing.T, b []byte, signature, certificate, bundle string) {
		z.try(t, legacyOf(verify.LegacySignature, b, signature, certificate, bundle))
	})
}

func FuzzLegacyAttestation(f *testing.F) {
	z := newFuzzer(f, verify.LegacyAttestation)
	dropHints(z.seeds)
	addLegacy(f, z.seeds)
	f.Fuzz(func(t *testing.T, b []byte, signature, certificate, bundle string) {
		z.try(t, legacyOf(verify.LegacyAttestation, b, signature, certificate, bundle))
	})
}

// FuzzRekorEntry logs whatever it is given with a log that is trusted: what reaches
// cosign behind a good signed entry timestamp.
func FuzzRekorEntry(f *testing.F) {
	var s *stage
	var signer, builder *lab.Signer
	statement, runs := must(lab.ProvenanceV02(built())), 0
	p := policyOf(f, "source: "+sourceYAML, signatureYAML, provenanceYAML)
	for _, body := range []string{
		"null", "{}", `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}`, `{"apiVersion":"0.0.1","kind":"dsse","spec":{"signatures":[]}}`,
		`{"apiVersion":"0.0.1","kind":"dsse","spec":{"signatures":[{}],"envelopeHash":{},"payloadHash":{}}}`, `{"apiVersion":"0.0.1","kind":"intoto","spec":{"content":{},"publicKey":""}}`,
		`{"apiVersion":"0.0.2","kind":"intoto","spec":{"content":{"envelope":{"signatures":[{}]}}}}`, `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"signature":{"content":"","publicKey":{}},"data":{"hash":{}}}}`,
		`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"signature":{"content":"MEUC","publicKey":{"content":"AAAA"}},"data":{"hash":{"algorithm":"sha256","value":"00"}}}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return
		}
		if runs++; runs%64 == 1 { // logs grow slower as they grow
			s = newStage(lab.Options{})
			signer, builder = s.issue(workflow()), s.issue(generator())
		}
		v := s.judge(t, p, imageRef, options(), sigBy(signer, lab.LegacyEntryBody(body)), attBy(builder, statement, lab.LegacyEntryBody(body)), bundleBy(signer, signStatement(), lab.EntryBody(body)))
		if v.Passed() {
			t.Errorf("passed with a log entry of %q", body)
		}
	})
}

func FuzzBundle(f *testing.F) {
	z := newFuzzer(f, verify.Bundle)
	for _, p := range z.seeds {
		f.Add(p.Bytes)
		f.Add([]byte(strings.Replace(string(p.Bytes), `"logIndex":"`, `"logIndex":"-`, 1)))
		f.Add([]byte(strings.Replace(string(p.Bytes), `"tlogEntries":[`, `"tlogEntries":[null,`, 1)))
		f.Add([]byte(strings.Replace(string(p.Bytes), `"dsseEnvelope":`, `"dsse_envelope":`, 1)))
	}
	for _, text := range []string{"", "null", "{}", `{"mediaType":"` + lab.BundleMediaType + `"}`, `{"mediaType":"` + lab.BundleMediaType + `","verificationMaterial":{},"dsseEnvelope":{}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		z.try(t, verify.Piece{Layout: verify.Bundle, Place: "fuzz", Bytes: b})
	})
}

// dropHints takes the annotations away that are not fuzzed, since they mean nothing.
func dropHints(pieces []verify.Piece) {
	for i := range pieces {
		delete(pieces[i].Annotations, lab.ChainAnnotation)
		delete(pieces[i].Annotations, lab.PredicateTypeAnnotation)
	}
}
