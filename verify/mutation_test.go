package verify_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/proto"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/property"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// dice returns the source of a test's choices, and prints its seed.
func dice(t testing.TB) *rand.Rand {
	t.Helper()
	t.Logf("choices made with -seed=%d", property.Seed())
	return rand.New(rand.NewPCG(property.Seed(), 0))
}

// passing is evidence that passes, of which the first piece is spoilt.
type passing struct {
	name   string
	policy *policy.Policy
	trust  verify.Trust
	ref    string
	pieces []verify.Piece
}

func passingCases(t *testing.T) []passing {
	t.Helper()
	s := newStage(lab.Options{})
	sig := policyOf(t, "source: "+sourceYAML, signatureYAML)
	prov := policyOf(t, "source: "+sourceYAML, provenanceYAML)
	statement := must(lab.ProvenanceV02(built()))
	of := func(name string, p *policy.Policy, piece verify.Piece) passing {
		return passing{name, p, s.trust(p), imageRef, []verify.Piece{piece}}
	}
	cases := []passing{
		of("legacy signature", sig, s.sig(workflow())),
		of("legacy provenance, dsse entry", prov, s.att()),
		of("legacy provenance, intoto entry", prov, attBy(s.issue(generator()), statement, intotoEntry)),
		of("bundled signature, Rekor v1", sig, s.sigBundle(workflow())),
		of("bundled provenance, Rekor v1", prov, bundleBy(s.issue(generator()), statement)),
		of("bundled signature, Rekor v2", sig, s.sigBundle(workflow(), rekorV2)),
		of("bundled provenance, Rekor v2", prov, bundleBy(s.issue(generator()), statement, rekorV2)),
	}
	return append(cases, realCases(t, "v2.1.0", "v1.4.0")...)
}

var (
	intotoEntry = lab.LegacyEntry(lab.EntryIntoto001)
	rekorV2     = lab.RekorV2()
)

// realCases are images that other people built and signed.
func realCases(t testing.TB, versions ...string) []passing {
	t.Helper()
	p, err := policy.Parse("real.yaml", []byte(`apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: real}
images:
  - match: ghcr.io/slsa-framework/example-package
    source: {repository: slsa-framework/example-package, ref: refs/heads/main}
    provenance: {builder: {id: "`+generatorID+`", level: 3}}
`))
	if err != nil {
		t.Fatal(err)
	}
	var cases []passing
	for _, version := range versions {
		layout, image := realLayout(t, version)
		evidence := layout.Collect(context.Background(), image, verify.Want{Attestations: true})
		if len(evidence.Pieces) != 1 || len(evidence.Failures) != 0 {
			t.Fatalf("%s: %d pieces, failures %v; wanted one piece", version, len(evidence.Pieces), evidence.Failures)
		}
		cases = append(cases, passing{"real " + version, p, publicGood(t), image.Reference.String(), evidence.Pieces})
	}
	return cases
}

// realLayout opens one of the layouts in slsa-verifier's module; its only image is
// found by the digest that it holds.
func realLayout(t testing.TB, version string) (verify.Source, verify.Image) {
	t.Helper()
	dir := filepath.Join(slsaModule(t), "cli", "slsa-verifier", "testdata", "gha_generic_container", version, "container_workflow_dispatch")
	layout, err := registry.OpenLayout(dir, verify.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	image, err := layout.Resolve(context.Background(), reference(t, "ghcr.io/slsa-framework/example-package@"+realDigest(t, version)))
	if err != nil {
		t.Fatal(err)
	}
	return layout, image
}

func (c passing) judge(t *testing.T, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	o := options()
	if strings.HasPrefix(c.name, "real ") {
		o.At = judgementDay
	}
	return judgeUnder(t, c.trust, c.policy, c.ref, o, pieces...)
}

// TestMutations flips or removes every part of evidence that passes, one at a time.
// Nothing may pass but what means the same as before: see void.
func TestMutations(t *testing.T) {
	for _, c := range passingCases(t) {
		t.Run(c.name, func(t *testing.T) {
			wantPass(t, c.judge(t, c.pieces...))
			if v := c.judge(t); v.Passed() {
				t.Error("passed without evidence")
			}
			m := &mutator{T: t, passing: c, good: c.pieces[0], want: decision(t, c.judge(t, c.pieces...)), dice: dice(t)}
			m.bytes()
			m.tree("", m.good.Bytes, func(p verify.Piece, b []byte) verify.Piece { p.Bytes = b; return p })
			m.annotations()
			t.Logf("%d mutations", m.count)
			if m.count < 150 {
				t.Errorf("only %d mutations", m.count)
			}
		})
	}
}

// void names the parts of evidence that mean nothing, by annotation or JSON path
// ("*" is any index), with the reason. Where one of them alone was changed the
// verdict may be a pass, and must then be the same as before but for the digest of
// the evidence.
var void = map[string]string{
	"annotation " + lab.ChainAnnotation:         "the chain is a hint: authorities come from the trusted root alone",
	"annotation " + lab.PredicateTypeAnnotation: "the type that counts is the payload's",
	"dsseEnvelope.signatures.*.keyid":           "DSSE calls it a hint, by which nothing may be decided",

	"verificationMaterial.tlogEntries.*.kindVersion.kind":    "the entry's body, which the log signed, says its kind",
	"verificationMaterial.tlogEntries.*.kindVersion.version": "as its kind",

	"verificationMaterial.tlogEntries.*.inclusionProof.checkpoint.envelope beside the signature": "a note's signature covers its text, not the name before the signature",

	// Rekor v2 alone: with v1 the signed entry timestamp covers or the proof needs them.
	"v2 verificationMaterial.tlogEntries.*.canonicalizedBody":       "the entry that must be in the log is written anew from signature, certificate and digest",
	"v2 verificationMaterial.tlogEntries.*.inclusionProof.logIndex": "the proof is for the entry's own index",
	"v2 verificationMaterial.tlogEntries.*.inclusionProof.rootHash": "the root that counts is the signed checkpoint's",
	"v2 verificationMaterial.tlogEntries.*.inclusionProof.treeSize": "as the root",

	"v2 verificationMaterial.timestampVerificationData.rfc3161Timestamps.*.signedTimestamp": "a few bytes of CMS, such as its version, are outside of what is signed",
}

// isVoid reports whether a path is one that means nothing.
func isVoid(path string, rekorV2 bool) bool {
	_, always := void[path]
	_, with2 := void["v2 "+path]
	return always || (with2 && rekorV2)
}

type mutator struct {
	*testing.T
	passing
	good  verify.Piece
	want  []byte // the decision about it
	dice  *rand.Rand
	count int
}

// try judges a spoilt piece, which must not pass unless it means the same as the good one.
func (m *mutator) try(path, what string, spoilt verify.Piece) {
	m.Helper()
	m.count++
	spoilt.Digest = digestOf(spoilt.Bytes)
	v := m.judge(m.T, spoilt)
	if !v.Passed() {
		return
	}
	for _, d := range differences(m.good, spoilt) {
		if !isVoid(d, strings.HasSuffix(m.name, "Rekor v2")) {
			m.Errorf("passed with %s %s, which differs in %s", path, what, d)
		}
	}
	if got := bytes.ReplaceAll(decision(m, v), []byte(spoilt.Digest), []byte(m.good.Digest)); !bytes.Equal(got, m.want) {
		m.Errorf("passed in another way with %s %s:\n%s\nwanted\n%s", path, what, got, m.want)
	}
}

// differences lists where two pieces differ once they are decoded.
func differences(a, b verify.Piece) []string {
	if a.Layout == verify.Bundle {
		var x, y protobundle.Bundle
		if unmarshalBundle(a.Bytes, &x) == nil && unmarshalBundle(b.Bytes, &y) == nil && proto.Equal(&x, &y) {
			return nil
		}
		return treeDifferences("", a.Bytes, b.Bytes)
	}
	var all []string
	if !bytes.Equal(a.Bytes, b.Bytes) {
		all = append(all, "bytes")
	}
	keys := map[string]bool{}
	for _, p := range []verify.Piece{a, b} {
		for key := range p.Annotations {
			keys[key] = true
		}
	}
	for key := range keys {
		x, y := a.Annotations[key], b.Annotations[key]
		switch {
		case x == y:
		case key == lab.BundleAnnotation:
			all = append(all, treeDifferences("annotation "+key+" ", []byte(x), []byte(y))...)
		case key == lab.CertificateAnnotation && x != "" && y != "":
			if p, _ := pem.Decode([]byte(x)); p != nil {
				if q, rest := pem.Decode([]byte(y)); q != nil && bytes.Equal(p.Bytes, q.Bytes) && len(bytes.TrimSpace(rest)) == 0 {
					continue // the same certificate with other line breaks
				}
			}
			fallthrough
		default:
			all = append(all, "annotation "+key)
		}
	}
	return all
}

// treeDifferences lists the paths of leaves that are in one document and not, or
// not the same, in the other.
func treeDifferences(prefix string, a, b []byte) []string {
	leaves := func(document []byte) map[string]string {
		found := map[string]string{}
		if !json.Valid(document) {
			found["(not JSON)"] = string(document)
			return found
		}
		walk(decodeTree(document), nil, func(path []string, value any) {
			switch value.(type) {
			case map[string]any, []any:
			default:
				found[strings.Join(path, ".")] = fmt.Sprintf("%T %v", value, value)
			}
		})
		return found
	}
	x, y := leaves(a), leaves(b)
	var all []string
	for _, path := range slices.Concat(slices.Collect(maps.Keys(x)), slices.Collect(maps.Keys(y))) {
		switch {
		case x[path] == y[path]:
		case strings.HasSuffix(path, "checkpoint.envelope") && noteContent(x[path]) == noteContent(y[path]):
			all = append(all, prefix+wildIndex(path)+" beside the signature")
		default:
			all = append(all, prefix+wildIndex(path))
		}
	}
	return all
}

// noteContent takes a signed note with one signature without the signer's name: its
// text, the signature and the hint of the key.
func noteContent(note string) string {
	text, line, ok := strings.Cut(note, "\n\n")
	words := strings.Split(line, " ")
	if !ok || len(words) != 3 {
		return note
	}
	return text + "\n\n" + words[0] + " " + words[2]
}

// wildIndex writes every index in a path as "*".
func wildIndex(path string) string {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		if _, err := strconv.Atoi(p); err == nil {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, ".")
}

// bytes flips bits all over the payload, cuts it short and lengthens it.
func (m *mutator) bytes() {
	b := m.good.Bytes
	for _, i := range m.sample(len(b), 32) {
		p := m.good
		p.Bytes = bytes.Clone(b)
		p.Bytes[i] ^= 1 << m.dice.IntN(8)
		m.try("bytes", fmt.Sprintf("flipped at %d: %q", i, around(p.Bytes, i)), p)
	}
	for _, change := range [][]byte{nil, b[:len(b)-1], b[:len(b)/2], append(bytes.Clone(b), 'x'), append(bytes.Clone(b), b...), append([]byte{0}, b...)} {
		p := m.good
		p.Bytes = change
		m.try("bytes", fmt.Sprintf("of length %d", len(change)), p)
	}
}

func around(b []byte, i int) []byte { return b[max(0, i-8):min(len(b), i+8)] }

// sample returns up to n positions below size, the first and the last among them.
func (m *mutator) sample(size, n int) []int {
	if size <= n {
		all := make([]int, size)
		for i := range all {
			all[i] = i
		}
		return all
	}
	picked := []int{0, size - 1}
	for i := range n - 2 { // one in each stretch, so that every region is met
		low, high := i*size/(n-2), (i+1)*size/(n-2)
		picked = append(picked, low+m.dice.IntN(max(1, high-low)))
	}
	return picked
}

// annotations spoils each annotation of a legacy layer: its text, its JSON, the
// bytes of the certificate.
func (m *mutator) annotations() {
	for key, text := range m.good.Annotations {
		with := func(value string) verify.Piece {
			return annotated(m.good, key, func(string) string { return value })
		}
		path := "annotation " + key
		without := m.good
		without.Annotations = maps.Clone(m.good.Annotations)
		delete(without.Annotations, key)
		if text != "" { // an attestation's signature is an empty annotation, which says nothing
			m.try(path, "missing", without)
			m.try(path, "empty", with(""))
		}
		for _, i := range m.sample(len(text), 16) {
			b := []byte(text)
			b[i] ^= 1 << m.dice.IntN(7)
			m.try(path, fmt.Sprintf("flipped at %d: %q", i, around(b, i)), with(string(b)))
		}
		if text != "" {
			m.try(path, "cut short", with(text[:len(text)-2]))
		}
		m.try(path, "doubled", with(text+text))
		m.try(path, "null", with("null"))
		switch key {
		case lab.BundleAnnotation:
			m.tree(path+" ", []byte(text), func(_ verify.Piece, b []byte) verify.Piece { return with(string(b)) })
		case lab.CertificateAnnotation:
			block, _ := pem.Decode([]byte(text))
			for _, i := range m.sample(len(block.Bytes), 32) {
				der := bytes.Clone(block.Bytes)
				der[i] ^= 1 << m.dice.IntN(8)
				m.try(path, fmt.Sprintf("DER flipped at %d", i), with(string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}))))
			}
		}
	}
}

// tree walks a JSON document: it deletes every field and element, and changes
// every scalar in several ways.
func (m *mutator) tree(prefix string, document []byte, into func(verify.Piece, []byte) verify.Piece) {
	if p := into(m.good, encodeTree(decodeTree(document))); m.good.Layout == verify.Bundle {
		wantPass(m, m.judge(m.T, p)) // else nothing below says anything
	}
	walk(decodeTree(document), nil, func(path []string, value any) {
		name := prefix + strings.Join(path, ".")
		m.try(name, "deleted", into(m.good, encodeTree(editTree(decodeTree(document), path, nil))))
		for _, other := range m.others(value) {
			m.try(name, fmt.Sprintf("changed to %.80v", other), into(m.good, encodeTree(editTree(decodeTree(document), path, func() any { return other }))))
		}
	})
}

// others returns values like v that are not v.
func (m *mutator) others(v any) []any {
	switch v := v.(type) {
	case string:
		all := []any{"", v + "x", strings.ToUpper(v), nil, 7, []any{v}, map[string]any{}}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil { // protobuf writes int64 as text
			all = append(all, strconv.FormatInt(n+1, 10), strconv.FormatInt(-n-1, 10), "0")
		}
		if b, err := base64.StdEncoding.DecodeString(v); err == nil && len(b) > 0 {
			for _, i := range m.sample(len(b), 8) {
				flipped := bytes.Clone(b)
				flipped[i] ^= 1 << m.dice.IntN(8)
				all = append(all, base64.StdEncoding.EncodeToString(flipped))
			}
			all = append(all, base64.StdEncoding.EncodeToString(b[:len(b)-1]))
		}
		return slices.DeleteFunc(all, func(o any) bool { return o == v })
	case json.Number:
		n, _ := v.Int64()
		return []any{n + 1, n - 1, 0, -n - 1, nil, v.String() + ".5", json.Number("1e400")}
	case bool:
		return []any{!v, nil}
	case nil:
		return []any{1}
	}
	return []any{nil, "x"} // an object or a list
}

func decodeTree(b []byte) any {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func encodeTree(v any) []byte { return must(json.Marshal(v)) }

// walk calls visit for every field and element below v, with its path.
func walk(v any, path []string, visit func([]string, any)) {
	if len(path) > 0 {
		visit(path, v)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(v[key], append(slices.Clone(path), key), visit)
		}
	case []any:
		for i := range v {
			walk(v[i], append(slices.Clone(path), strconv.Itoa(i)), visit)
		}
	}
}

// editTree changes what lies at a path, or deletes it where value is nil.
func editTree(v any, path []string, value func() any) any {
	switch v := v.(type) {
	case map[string]any:
		switch {
		case len(path) > 1:
			v[path[0]] = editTree(v[path[0]], path[1:], value)
		case value == nil:
			delete(v, path[0])
		default:
			v[path[0]] = value()
		}
		return v
	case []any:
		i := must(strconv.Atoi(path[0]))
		switch {
		case len(path) > 1:
			v[i] = editTree(v[i], path[1:], value)
		case value == nil:
			return slices.Delete(v, i, i+1)
		default:
			v[i] = value()
		}
		return v
	}
	return v
}

// TestEachLegCounts removes each of two legs of a release, in every layout.
func TestEachLegCounts(t *testing.T) {
	s := newStage(lab.Options{})
	p := bothLegs(t)
	for name, sig := range map[string]verify.Piece{"legacy": s.sig(workflow()), "bundle": s.sigBundle(workflow())} {
		for other, prov := range map[string]verify.Piece{"legacy": s.att(), "bundle": s.provenance()} {
			t.Run(name+" and "+other, func(t *testing.T) {
				wantPass(t, s.judge(t, p, imageRef, options(), sig, prov))
				wantFail(t, s.judge(t, p, imageRef, options(), prov), "signature", verify.SignatureMissing)
				wantFail(t, s.judge(t, p, imageRef, options(), sig), "provenance", verify.ProvenanceMissing)
				if s.judge(t, p, imageRef, options()).Passed() || s.judge(t, p, imageName+"@"+otherDigest, options(), sig, prov).Passed() {
					t.Error("passed without evidence about the image")
				}
			})
		}
	}
}

// TestDeterminism shuffles, doubles and buries evidence: the decision stays the
// same, byte for byte, and junk never turns a pass into a failure.
func TestDeterminism(t *testing.T) {
	s, r := newStage(lab.Options{}), dice(t)
	statement := must(lab.ProvenanceV02(built()))
	// Three signatures over one payload: only their certificates tell them apart.
	good := []verify.Piece{s.sig(workflow()), s.sig(workflow()), s.sig(workflow()), s.sigBundle(workflow()), s.att(), bundleBy(s.issue(generator()), statement)}
	junk := []verify.Piece{
		s.sig(workflow(), lab.RawBundle(`{"Payload":{"body":7}}`)), s.sig(workflow(), lab.LegacyUnknownLog()), s.sig(atRef("refs/heads/main")), s.on(s.second).sig(workflow()),
		s.sigBundle(workflow(), lab.FalseProof()), s.sigBundle(workflow(), lab.UnknownLog()), bundleBy(s.issue(workflow()), []byte("null")), fromBundle([]byte("{")),
		attBy(s.issue(generator()), must(lab.ProvenanceV02(built(func(o *lab.ProvenanceOptions) { o.Subjects = lab.Subjects(imageName, otherDigest) })))),
		attBy(s.issue(workflow()), must(lab.CycloneDX(imageName, imageDigest))), sigBy(must(s.NewKeySigner())), {Layout: "unknown"}, {},
	}
	p := bothLegs(t)
	judge := func(pieces []verify.Piece) []byte { return decision(t, s.judge(t, p, imageRef, options(), pieces...)) }
	wantPass(t, s.judge(t, p, imageRef, options(), good...))
	for name, pieces := range map[string][]verify.Piece{"good": good, "bad": junk, "without provenance": slices.Concat(good[:4], junk), "with all": slices.Concat(good, junk)} {
		t.Run(name, func(t *testing.T) {
			want := judge(pieces)
			if name == "with all" {
				want = judge(good) // what was refused leaves no trace in a pass
			}
			for range 6 {
				shuffled := slices.Concat(pieces, pieces[:r.IntN(len(pieces))])
				r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				for i := range shuffled {
					shuffled[i].Place = fmt.Sprintf("place %d", r.IntN(100))
				}
				if got := judge(shuffled); !bytes.Equal(got, want) {
					t.Fatalf("another decision:\n%s\nwanted\n%s", got, want)
				}
			}
		})
	}
	t.Run("more pieces than are read", func(t *testing.T) {
		o := options()
		o.Limits.Pieces = 3
		v := s.judge(t, p, imageRef, o, junk...)
		if f := finding(t, v, "signature"); v.Passed() || v.Conclusive || f.Code != verify.LimitExceeded || f.Class != verify.Definitive {
			t.Errorf("%s", decision(t, v))
		}
	})
}
