package verify_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// joined: what is judged in parts is what authentication makes of the whole, whatever the
// order of the pieces and wherever they lay.
func (s *scenes) joined(r *rand.Rand) error {
	sc := s.scene(r)
	want := bytesOf(sc.judge(sc.hand))
	pieces := piecesOf(sc.hand)
	r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	for i := range pieces {
		pieces[i].Place = fmt.Sprintf("elsewhere %d", r.IntN(100))
	}
	facts := verify.Authenticate(sc.image, verify.Evidence{Pieces: pieces}, s.roots, sc.options.Limits)
	facts = verify.Join(sc.image, sc.trouble, append(slices.Clone(sc.release), facts)...)
	if got := bytesOf(verify.Judge(facts, sc.policy, s.roots, sc.options)); !bytes.Equal(got, want) {
		return sc.told(fmt.Errorf("authenticated at once the decision is another:\n%s\nwanted\n%s", got, want))
	}
	return nil
}

// base is evidence that passes under a policy.
type base struct {
	policy *policy.Policy
	text   string
	kinds  []string
}

// bases are what is mutated: each with the kinds of evidence that it needs.
func bases() []base {
	metadata := `metadata: {type: "` + lab.MetadataPredicateType + `", signer: ` + signerYAML + `, metadata: {digest: digest, commit: source.commit}}`
	tests := `tests: {type: "` + lab.TestResultPredicateType + `", signer: ` + signerYAML + `, tests: passed}`
	bom := "sbom: {signer: " + signerYAML + ", deny_licenses: [GPL-*]}"
	source := "source: " + sourceYAML
	var all []base
	for _, b := range []struct {
		kinds string
		lines []string
	}{
		{"sign", []string{source, signatureYAML}},
		{"slsa 0.2", []string{source, provenanceYAML}},
		{"sign", []string{source, signatureYAML}}, // again, since the fewer pieces the more is known of each
		{"slsa 0.2", []string{source, provenanceYAML}},
		{"sign,slsa 0.2", []string{source, signatureYAML, provenanceYAML}},
		{"cyclonedx", []string{source, bom}},
		{"metadata,tests", []string{source, "attestations: {" + metadata + ", " + tests + "}"}},
		{"sign,slsa 0.2,cyclonedx,tests", []string{source, signatureYAML, provenanceYAML, bom, "attestations: {" + tests + "}"}},
	} {
		text := policyText(b.lines...)
		all = append(all, base{must(policy.Parse("base.yaml", []byte(text))), text, strings.Split(b.kinds, ",")})
	}
	return all
}

var allBases = bases()

// mutated: after any sequence of mutations a verdict passes only on pieces that mean the
// same as pieces of the pool that may count.
func (s *scenes) mutated(r *rand.Rand) error {
	m := &mutation{pool: s.pool, base: allBases[r.IntN(len(allBases))], image: imageOf(imageRef)}
	for _, kind := range m.base.kinds {
		m.start = append(m.start, s.of(r, kind))
	}
	if r.IntN(10) == 0 {
		m.image = imageOf(imageName + ":1.2.3@" + otherDigest)
	}
	for range 1 + r.IntN(5) {
		m.steps = append(m.steps, r.Uint64())
	}
	err := m.try(&s.counted)
	if err == nil {
		return nil
	}
	for i := 0; i < len(m.steps); { // with fewer steps, if it is wrong with them too
		shorter := *m
		shorter.steps = slices.Delete(slices.Clone(m.steps), i, i+1)
		if again := shorter.try(&s.counted); again != nil {
			*m, err = shorter, again
		} else {
			i++
		}
	}
	return err
}

// mutation is a sequence of changes to evidence. Each step has dice of its own, so that
// steps can be left out.
type mutation struct {
	*pool
	base  base
	image verify.Image
	start []*exhibit
	steps []uint64

	pieces []verify.Piece
	// from are all exhibits of which something may be in the pieces; done says what was done.
	from []*exhibit
	done []string
}

func (m *mutation) try(c *counted) error {
	m.pieces, m.from, m.done = piecesOf(m.start), slices.Clone(m.start), nil
	for i, step := range m.steps {
		m.step(rand.New(rand.NewPCG(step, uint64(i))))
	}
	for i := range m.pieces {
		m.pieces[i].Digest = digestOf(m.pieces[i].Bytes)
	}
	source := memory{repository: imageName, pieces: m.pieces}
	v := verify.Verify(context.Background(), source, m.image.Reference, m.base.policy, m.roots, options())
	o := oracle{pool: m.pool, at: today}
	if v.Passed() {
		c.void.Add(1)
		o.hand = m.meaning()
	}
	if err := o.check(v, m.base.policy); err != nil {
		var names []string
		for _, e := range m.start {
			names = append(names, e.name)
		}
		return fmt.Errorf("%w\nafter %q of %q under\n%s%s\n%s", err, m.done, names, m.base.text, m.apart(), bytesOf(v))
	}
	return nil
}

// meaning lists the exhibits with which pieces are the same in all that counts.
func (m *mutation) meaning() []*exhibit {
	var hand []*exhibit
	for _, p := range m.pieces {
		for _, e := range m.from {
			if e.Layout != p.Layout {
				continue
			}
			rekorV2 := strings.Contains(string(e.Bytes), "log2025")
			if !slices.ContainsFunc(differences(e.Piece, p), func(d string) bool { return !isVoid(d, rekorV2) && !isVoidBeside(d, e, p) }) {
				same := *e
				same.Piece = p
				hand = append(hand, &same)
			}
		}
	}
	return hand
}

// apart says in what the pieces differ from the exhibits that they began as.
func (m *mutation) apart() string {
	var all []string
	for i, p := range m.pieces {
		for _, e := range m.from {
			if e.Layout == p.Layout && !bytes.Equal(e.Bytes, p.Bytes) && len(p.Bytes) > 0 {
				if found := differences(e.Piece, p); len(found) < 12 {
					all = append(all, fmt.Sprintf("piece %d differs from %s in %q", i, e.name, found))
				}
			}
		}
	}
	return strings.Join(all, "\n")
}

// voidBeside names parts of bundles that mean nothing beside others of the same bundle, by
// how the exhibit is called ("" is any), with the reason. All times that count are held
// against when the evidence was made; see [claimed].
var voidBeside = []struct{ name, path, why string }{
	{"Rekor v2", "verificationMaterial.tlogEntries.*.integratedTime", "an entry of Rekor v2 bears no time, and what stands there is not read"},
	{"timestamp", "verificationMaterial.tlogEntries.*.integratedTime", "beside a timestamp the promise may be missing, and then the time that it would cover is not read"},
	{"timestamp", "verificationMaterial.tlogEntries.*.inclusionPromise", "beside a timestamp and a proof, the promise is not needed"},
	{"timestamp", "verificationMaterial.tlogEntries.*.inclusionPromise.signedEntryTimestamp", "as the promise"},
	{"", "verificationMaterial.timestampVerificationData.rfc3161Timestamps.*.signedTimestamp", "beside the log's time, a timestamp that does not verify counts for nothing"},
	{"both logs", "verificationMaterial.tlogEntries.*", "one log is enough, and an entry of a log that is not known counts for nothing"},
	{"v0.", "verificationMaterial.x509CertificateChain.certificates.*.rawBytes", "what follows the leaf is a hint: authorities come from the trusted root alone"},
	{"", "mediaType", "the version of the format says where its parts are; whatever is there is verified"},
}

// isVoidBeside reports whether a difference from an exhibit means nothing in a piece.
func isVoidBeside(d string, e *exhibit, p verify.Piece) bool {
	const entry, proof = "verificationMaterial.tlogEntries.*", "verificationMaterial.tlogEntries.*.inclusionProof"
	if strings.HasPrefix(d, proof) && withPromiseAlone(p) {
		return true
	}
	for _, v := range voidBeside {
		if !strings.Contains(e.name, v.name) {
			continue
		}
		// What holds such a part may be gone too: its other parts are then differences themselves.
		if v.path == d || strings.HasPrefix(v.path, d+".") || v.path == entry && strings.HasPrefix(d, entry) {
			return true
		}
	}
	return false
}

// withPromiseAlone reports whether a bundle has no proof, which v0.1 of the format does not
// ask for: the log's signature over the entry does.
func withPromiseAlone(p verify.Piece) bool {
	if !json.Valid(p.Bytes) {
		return false
	}
	tree := decodeTree(p.Bytes)
	kind, _ := treeAt(tree, []string{"mediaType"})
	there, ok := treeAt(tree, []string{"verificationMaterial", "tlogEntries", "0", "inclusionProof"})
	return kind == "application/vnd.dev.sigstore.bundle+json;version=0.1" && (!ok || there == nil)
}

// step changes the evidence in one way.
func (m *mutation) step(r *rand.Rand) {
	other := m.exhibits[r.IntN(len(m.exhibits))]
	if len(m.pieces) == 0 {
		m.insert(r, other)
		return
	}
	i, j := r.IntN(len(m.pieces)), r.IntN(len(m.pieces))
	p := &m.pieces[i]
	p.Annotations = maps.Clone(p.Annotations)
	note := func(what string) { m.done = append(m.done, fmt.Sprintf("%d: %s", i, what)) }
	switch r.IntN(16) {
	case 0:
		m.pieces = slices.Delete(m.pieces, i, i+1)
		note("dropped")
	case 1:
		m.pieces = append(m.pieces, *p)
		note("doubled")
	case 2:
		m.insert(r, other)
	case 3:
		r.Shuffle(len(m.pieces), func(a, b int) { m.pieces[a], m.pieces[b] = m.pieces[b], m.pieces[a] })
		note("shuffled")
	case 4:
		p.Bytes, m.pieces[j].Bytes = m.pieces[j].Bytes, p.Bytes
		note("bytes swapped")
	case 5:
		m.splice(r, p, other.Piece)
		m.from = append(m.from, other)
		note("spliced with " + other.name)
	case 6:
		m.splice(r, p, m.pieces[j])
		note("spliced with a neighbour")
	case 7:
		layouts := []verify.Layout{verify.LegacySignature, verify.LegacyAttestation, verify.Bundle, verify.BuildKit}
		p.Layout = layouts[r.IntN(len(layouts))]
		note("of the layout " + string(p.Layout))
	default:
		note(m.spoil(r, p))
	}
}

func (m *mutation) insert(r *rand.Rand, e *exhibit) {
	m.pieces = slices.Insert(m.pieces, r.IntN(len(m.pieces)+1), e.Piece)
	m.from = append(m.from, e)
	m.done = append(m.done, "inserted "+e.name)
}

// splice takes a part of another piece.
func (m *mutation) splice(r *rand.Rand, p *verify.Piece, from verify.Piece) {
	switch {
	case p.Layout != verify.Bundle || from.Layout != verify.Bundle:
		if keys := slices.Sorted(maps.Keys(from.Annotations)); len(keys) > 0 && r.IntN(4) > 0 {
			key := keys[r.IntN(len(keys))]
			if p.Annotations == nil {
				p.Annotations = map[string]string{}
			}
			p.Annotations[key] = from.Annotations[key]
			return
		}
		p.Bytes = from.Bytes
	case json.Valid(p.Bytes) && json.Valid(from.Bytes):
		var paths [][]string
		walk(decodeTree(from.Bytes), nil, func(path []string, _ any) { paths = append(paths, path) })
		if len(paths) == 0 {
			return
		}
		path := paths[r.IntN(len(paths))]
		if value, ok := treeAt(decodeTree(from.Bytes), path); ok {
			p.Bytes = encodeTree(putTree(decodeTree(p.Bytes), path, value))
		}
	}
}

// treeAt returns what lies at a path.
func treeAt(v any, path []string) (any, bool) {
	for _, key := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// putTree writes a value at a path as far as the document has one.
func putTree(v any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch at := v.(type) {
	case map[string]any:
		at[path[0]] = putTree(at[path[0]], path[1:], value)
	case []any:
		i, err := strconv.Atoi(path[0])
		switch {
		case err != nil:
		case i < len(at):
			at[i] = putTree(at[i], path[1:], value)
		default:
			return append(at, putTree(nil, path[1:], value))
		}
	case nil:
		return map[string]any{path[0]: putTree(nil, path[1:], value)}
	}
	return v
}

// spoil changes bytes, a part of the document or an annotation of a piece, and says what.
func (m *mutation) spoil(r *rand.Rand, p *verify.Piece) string {
	keys := slices.Sorted(maps.Keys(p.Annotations))
	if len(keys) == 0 || r.IntN(2) == 0 {
		b, what := spoilDocument(r, p.Bytes)
		p.Bytes = b
		return what
	}
	key := keys[r.IntN(len(keys))]
	switch r.IntN(4) {
	case 0:
		delete(p.Annotations, key)
		return key + " deleted"
	case 1:
		to := keys[r.IntN(len(keys))]
		p.Annotations[key], p.Annotations[to] = p.Annotations[to], p.Annotations[key]
		return key + " swapped with " + to
	}
	b, what := spoilDocument(r, []byte(p.Annotations[key]))
	p.Annotations[key] = string(b)
	return key + " " + what
}

// spoilDocument changes a text in one place, as JSON where it is an object.
func spoilDocument(r *rand.Rand, b []byte) ([]byte, string) {
	if len(b) == 0 {
		return []byte("{}"), "made an object"
	}
	if b[0] != '{' || !json.Valid(b) || r.IntN(6) == 0 {
		return spoilBytes(r, b)
	}
	var paths [][]string
	walk(decodeTree(b), nil, func(path []string, _ any) { paths = append(paths, path) })
	if len(paths) == 0 {
		return spoilBytes(r, b)
	}
	path := paths[r.IntN(len(paths))]
	name := strings.Join(path, ".")
	tree := decodeTree(b)
	value, _ := treeAt(tree, path)
	switch r.IntN(8) {
	case 0:
		return encodeTree(editTree(tree, path, nil)), name + " deleted"
	case 1: // the same in another form
		return must(json.MarshalIndent(tree, " ", "\t")), "encoded anew"
	case 2:
		to := paths[r.IntN(len(paths))]
		moved, _ := treeAt(decodeTree(b), to)
		return encodeTree(putTree(tree, path, moved)), name + " becomes " + strings.Join(to, ".")
	case 3: // an object with a member more
		return encodeTree(putTree(tree, append(slices.Clone(path[:len(path)-1]), []string{"x", "Payload", "payload", "signatures", "publicKey", "messageSignature"}[r.IntN(6)]), value)), name + " repeated under another name"
	case 4: // a member twice, which JSON can say
		key := must(json.Marshal(path[len(path)-1]))
		return bytes.Replace(b, key, slices.Concat(key, []byte(":null,"), key), 1), name + " written twice"
	}
	return encodeTree(editTree(tree, path, func() any { return otherValue(r, value) })), name + " changed"
}

func spoilBytes(r *rand.Rand, b []byte) ([]byte, string) {
	b = bytes.Clone(b)
	i := r.IntN(len(b))
	switch r.IntN(5) {
	case 0:
		return b[:i], fmt.Sprintf("cut at %d", i)
	case 1:
		return slices.Insert(b, i, byte(r.IntN(256))), fmt.Sprintf("a byte more at %d", i)
	case 2:
		return append(b, []byte(" \n\x00x}")[r.IntN(5)]), "a byte more at the end"
	}
	b[i] ^= 1 << r.IntN(8)
	return b, fmt.Sprintf("flipped at %d", i)
}

// otherValue is another value of the same kind, or of another one.
func otherValue(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && r.IntN(4) > 0 {
			return strconv.FormatInt(n+int64(r.IntN(2000))-1000, 10)
		}
		b, err := base64.StdEncoding.DecodeString(v)
		if err == nil && len(b) > 0 && r.IntN(6) > 0 {
			if b[0] == '{' && json.Valid(b) { // a document within
				b, _ = spoilDocument(r, b)
			} else {
				b, _ = spoilBytes(r, b)
			}
			return base64.StdEncoding.EncodeToString(b)
		}
		return []any{"", v + "x", strings.ToUpper(v), nil, 7, []any{v}, strings.Repeat(v, 2)}[r.IntN(7)]
	case json.Number:
		n, _ := v.Int64()
		return []any{n + 1, -n, 0, nil, v.String()}[r.IntN(5)]
	case []any:
		switch {
		case len(v) > 0 && r.IntN(2) == 0:
			return append(slices.Clone(v), v[r.IntN(len(v))])
		case len(v) > 1:
			return []any{v[1], v[0]}
		}
	}
	return []any{nil, map[string]any{}, []any{}, "x", true}[r.IntN(5)]
}

// release: a repository whose files were changed, mixed with those of another one or taken
// from another time authorises nothing that people did not list.
func (s *scenes) release(r *rand.Rand) error {
	e := gathered(s.hall.TUF)
	var done []string
	for range 1 + r.IntN(3) {
		done = append(done, s.spoilRelease(r, e))
	}
	facts := s.authenticateRelease(*e)
	sc := s.around(r, s.rules, "the release alone")
	sc.hand, sc.release, sc.trouble = nil, []verify.Facts{facts}, nil
	v := sc.judge(nil)
	if v.Passed() {
		s.counted.listed.Add(1)
	}
	if err := sc.oracle().check(v, sc.policy); err != nil {
		return sc.told(errors.Join(err, fmt.Errorf("after %q", done)))
	}
	return nil
}

// spoilRelease changes what was gathered in one way.
func (s *scenes) spoilRelease(r *rand.Rand, e *verify.ReleaseEvidence) string {
	files := []*[]byte{&e.Timestamp, &e.Snapshot, &e.Targets}
	others := s.strangers[r.IntN(len(s.strangers))]
	theirs := [][]byte{others.Timestamp, others.Snapshot, others.Targets}
	i := r.IntN(len(files))
	switch r.IntN(9) {
	case 0:
		*files[i] = theirs[i]
		return fmt.Sprintf("file %d of another repository", i)
	case 1:
		*files[i] = *files[r.IntN(len(files))]
		return fmt.Sprintf("file %d is another", i)
	case 2:
		e.Manifests = append(slices.Clone(others.Manifests), e.Manifests...)
		return "manifests of another repository"
	case 3:
		e.Roots = append(e.Roots, others.Roots...)
		return "roots of another repository"
	case 4:
		for k := range e.Manifests {
			e.Manifests[k].Bytes = bytes.ReplaceAll(e.Manifests[k].Bytes, []byte(otherHex), []byte(imageHex))
		}
		return "manifests of another digest"
	case 5:
		if len(e.Manifests) > 1 {
			e.Manifests[0].Path, e.Manifests[1].Path = e.Manifests[1].Path, e.Manifests[0].Path
		}
		return "manifests change places"
	case 6:
		e.Roots = append(e.Roots, s.hall.FirstRoot())
		return "the first root again"
	case 7:
		*files[i] = bytes.ReplaceAll(*files[i], []byte("v1.2.2"), []byte("v1.2.3"))
		return "another version"
	}
	b, what := spoilDocument(r, *files[i])
	*files[i] = b
	return fmt.Sprintf("file %d %s", i, what)
}
