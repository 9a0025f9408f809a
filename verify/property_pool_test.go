package verify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// exhibit is a piece of evidence of which it is known what it is worth, by how it was made.
type exhibit struct {
	verify.Piece
	name string
	// kind is the predicate type; about is the digest that it names.
	kind, about string
	// root is the trusted root under which it verifies, "" none.
	root string
	// by is who signed, or key the digest of the plain key.
	by  lab.Identity
	key string
	// facts are what authentication made of it, for each of bothDigests.
	facts map[string]verify.Facts
}

// bothDigests are those of the images under judgement.
var bothDigests = []string{imageDigest, otherDigest}

// signers are identities, the good ones first, by name.
type signers struct {
	names []string
	by    map[string]lab.Identity
}

func (s *signers) add(name string, id lab.Identity) {
	s.names = append(s.names, name)
	s.by[name] = id
}

// identities are all who sign something in the pool.
func identities() signers {
	s := signers{by: map[string]lab.Identity{}}
	s.add("workflow", workflow())
	s.add("generator", generator())
	s.add("vouched", vouched())
	s.add("branch", atRef("refs/heads/main"))
	s.add("older", atRef("refs/tags/v1.2.2"))
	s.add("tag of a branch", atRef("refs/tags/v1.2.3-evil"))
	s.add("other workflow", lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, ".github/workflows/other.yml"))
	s.add("other commit", lab.GitHub(lab.DefaultRepo, lab.DefaultRef, strings.Repeat("ab", 20), lab.DefaultWorkflow))
	s.add("fork", lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).WithIDs("666", "777"))
	s.add("neighbour", lab.GitHub("acme/widget-evil", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).WithIDs("1003", "2002"))
	s.add("renamed", workflow().WithIDs("1004", "2002"))
	s.add("pull request", workflow().WithTrigger("pull_request_target"))
	hosted := workflow()
	hosted.Extensions.RunnerEnvironment = "self-hosted"
	s.add("self-hosted", hosted)
	private := workflow()
	private.Extensions.SourceRepositoryVisibilityAtSigning = "private"
	s.add("private", private)
	s.add("GitLab", lab.GitLab("gitlab.com", lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit))
	s.add("person", lab.Person("ann@people.example", lab.PersonIssuer))
	s.add("stranger's builder", lab.ReusableWorkflow("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef))
	s.add("unreleased builder", generatorAt("refs/heads/main"))
	return s
}

// pool is evidence by good and bad signers over two digests, made once.
type pool struct {
	*stage
	roots    verify.Trust
	exhibits []*exhibit
	signers  signers
	keyName  string
	// good are those that meet the usual demands.
	good []*exhibit
	// releases are what a TUF repository was read as, authenticated; the first is good.
	hall     *hall
	releases []verify.Facts
	// listed are the digests that people authorised, by version.
	listed map[string]string
	// rules demand a release alone; strangers are other repositories, and this one at
	// another time.
	rules     *policy.Policy
	strangers []*verify.ReleaseEvidence
}

// statementKinds make a statement of each kind about a digest.
func statementKinds() map[string]func(digest string) []byte {
	return map[string]func(string) []byte{
		"sign":     func(d string) []byte { return must(lab.SignStatement(imageName, d)) },
		"slsa 0.2": func(d string) []byte { return must(lab.ProvenanceV02(provenanceOf(d))) },
		"slsa 1": func(d string) []byte {
			return must(lab.ProvenanceGitHub(provenanceOf(d, builderID(vouched().SAN), dispatched)))
		},
		"cyclonedx": func(d string) []byte { return must(lab.CycloneDX(imageName, d)) },
		"spdx":      func(d string) []byte { return must(lab.SPDX(imageName, d)) },
		"metadata":  func(d string) []byte { return must(lab.ReleaseMetadata(imageName, d, then)) },
		"scan":      func(d string) []byte { return must(lab.Scan(imageName, d, then)) },
		"vex":       func(d string) []byte { return must(lab.OpenVEX(imageName, d, then)) },
		"vsa":       func(d string) []byte { return must(lab.VSA(imageName, d, then)) },
		"tests":     func(d string) []byte { return must(lab.TestResult(imageName, d)) },
	}
}

// kinds are those of statementKinds in order, so that one seed makes one pool.
var kinds = []string{"sign", "slsa 0.2", "slsa 1", "cyclonedx", "spdx", "metadata", "scan", "vex", "vsa", "tests"}

func dispatched(o *lab.ProvenanceOptions) { o.Event = "workflow_dispatch" }

func provenanceOf(digest string, changes ...func(*lab.ProvenanceOptions)) lab.ProvenanceOptions {
	return built(append([]func(*lab.ProvenanceOptions){func(o *lab.ProvenanceOptions) { o.Subjects = lab.Subjects(imageName, digest) }}, changes...)...)
}

func newPool() *pool {
	p := &pool{stage: newStage(lab.Options{}), signers: identities(), listed: map[string]string{}}
	p.addGood()
	p.good = slices.Clone(p.exhibits)
	p.addStrangers()
	p.addFaults()
	p.addKeys()
	p.roots = verify.Trust{Keys: p.keys, Roots: []*verify.TrustedRoot{
		must(verify.NewTrustedRoot(policy.PublicGood, "lab", must(p.TrustedRoot()), policy.DefaultThresholds())),
		must(verify.NewTrustedRoot(corp, "lab", must(p.second.TrustedRoot()), policy.DefaultThresholds())),
	}}
	for _, e := range p.exhibits {
		e.facts = map[string]verify.Facts{}
		for _, d := range bothDigests {
			e.facts[d] = verify.Authenticate(imageOf(imageName+"@"+d), verify.Evidence{Pieces: []verify.Piece{e.Piece}}, p.roots, options().Limits)
		}
	}
	p.addReleases()
	return p
}

func imageOf(ref string) verify.Image {
	r := must(verify.ParseReference(ref))
	image := verify.Image{Reference: r, Digest: r.Digest()}
	if image.Digest == "" {
		image.Digest = imageDigest
	}
	return image
}

func (p *pool) add(name, kind, about, root string, by lab.Identity, piece verify.Piece) *exhibit {
	e := &exhibit{Piece: piece, name: name, kind: kind, about: about, root: root, by: by}
	e.Place = fmt.Sprintf("place %d", len(p.exhibits))
	p.exhibits = append(p.exhibits, e)
	return e
}

// both adds a statement in both layouts.
func (p *pool) both(name, kind, about, root string, by lab.Identity, opts ...lab.BundleOption) {
	from := p.Sigstore
	if root == corp {
		from = p.second
	}
	signer, statement := must(from.Issue(by, then)), statementKinds()[kind](about)
	p.add(name+" in a bundle", kind, about, root, by, bundleBy(signer, statement, opts...))
	if kind == "sign" {
		p.add(name+" in the legacy layout", kind, about, root, by, fromLayer(must(signer.LegacySignature(imageName, about, soon))))
		return
	}
	p.add(name+" in the legacy layout", kind, about, root, by, attBy(signer, statement))
}

// usual is who signs a kind of statement in a good release.
func usual(kind string) string {
	switch kind {
	case "slsa 0.2":
		return "generator"
	case "slsa 1":
		return "vouched"
	}
	return "workflow"
}

func (p *pool) addGood() {
	for _, kind := range kinds {
		p.both("good "+kind, kind, imageDigest, policy.PublicGood, p.signers.by[usual(kind)])
	}
	for name, opts := range ordered(map[string][]lab.BundleOption{
		"Rekor v2": {rekorV2}, "timestamp": {lab.Timestamp()}, "v0.1": {lab.Version(lab.BundleV01)}, "v0.2": {lab.Version(lab.BundleV02)}, "both logs": {lab.AlsoRekorV2()},
	}) {
		signer, builder := p.issue(workflow()), p.issue(generator())
		p.add("good sign, "+name, "sign", imageDigest, policy.PublicGood, workflow(), bundleBy(signer, signStatement(), opts...))
		p.add("good slsa 0.2, "+name, "slsa 0.2", imageDigest, policy.PublicGood, generator(), bundleBy(builder, must(lab.ProvenanceV02(built())), opts...))
	}
	p.add("good slsa 0.2, intoto entry", "slsa 0.2", imageDigest, policy.PublicGood, generator(), attBy(p.issue(generator()), must(lab.ProvenanceV02(built())), intotoEntry))
}

// addStrangers adds what verifies, and is by another signer, about another image or under
// another root.
func (p *pool) addStrangers() {
	for _, name := range p.signers.names {
		p.both("sign by "+name, "sign", imageDigest, policy.PublicGood, p.signers.by[name])
		p.add("cyclonedx by "+name, "cyclonedx", imageDigest, policy.PublicGood, p.signers.by[name],
			bundleBy(p.issue(p.signers.by[name]), must(lab.CycloneDX(imageName, imageDigest))))
	}
	for _, name := range []string{"workflow", "stranger's builder", "unreleased builder", "fork"} {
		p.both("slsa 0.2 by "+name, "slsa 0.2", imageDigest, policy.PublicGood, p.signers.by[name])
	}
	for _, kind := range kinds {
		by := p.signers.by[usual(kind)]
		p.both("other image's "+kind, kind, otherDigest, policy.PublicGood, by)
		p.both("corp's "+kind, kind, imageDigest, corp, by)
		p.add("fork's "+kind, kind, imageDigest, policy.PublicGood, p.signers.by["fork"], bundleBy(p.issue(p.signers.by["fork"]), statementKinds()[kind](imageDigest)))
	}
}

// addFaults adds what must not verify.
func (p *pool) addFaults() {
	statement := must(lab.ProvenanceV02(built()))
	for name, opt := range ordered(map[string]lab.BundleOption{
		"false proof": lab.FalseProof(), "false promise": lab.FalsePromise(), "unknown log": lab.UnknownLog(), "impostor log": lab.ImpostorLog(), "unlogged": lab.Unlogged(),
		"message": lab.MessageSignature(), "two signatures": lab.SignatureAfter([]byte("x")), "entry of another": lab.EntryOf([]byte(`{"a":1}`)),
		"payload type": lab.PayloadType("text/plain"), "late stamp": lab.TimestampAt(then.Add(lab.LeafLifetime * 2)),
	}) {
		p.add("sign, "+name, "sign", imageDigest, "", workflow(), bundleBy(p.issue(workflow()), signStatement(), opt))
		p.add("slsa 0.2, "+name, "slsa 0.2", imageDigest, "", generator(), bundleBy(p.issue(generator()), statement, opt))
	}
	for name, opt := range ordered(map[string]lab.LeafOption{
		"no SCT": lab.NoSCT(), "unknown CT log": lab.UnknownCTLog(), "self-signed": lab.SelfSigned(), "no code signing": lab.NoCodeSigning(), "authority": lab.CALeaf(),
	}) {
		signer := p.issue(workflow(), opt)
		p.add("sign, "+name, "sign", imageDigest, "", workflow(), bundleBy(signer, signStatement()))
		p.add("legacy sign, "+name, "sign", imageDigest, "", workflow(), sigBy(signer))
	}
	for name, opt := range ordered(map[string]lab.LegacyOption{
		"unknown log": lab.LegacyUnknownLog(), "impostor log": lab.LegacyImpostorLog(), "false promise": lab.LegacyFalsePromise(),
		"entry of another": lab.LegacyEntryOf([]byte(`{"a":1}`)), "no entry": lab.DropAnnotation(lab.BundleAnnotation), "another payload": lab.LegacyPayload([]byte(`{}`)),
	}) {
		p.add("legacy sign, "+name, "sign", imageDigest, "", workflow(), p.sig(workflow(), opt))
		p.add("legacy slsa 0.2, "+name, "slsa 0.2", imageDigest, "", generator(), attBy(p.issue(generator()), statement, opt))
	}
	for i, text := range []string{"", "null", "{}", "[]", `{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"MEUC"}]}`} {
		for _, layout := range []verify.Layout{verify.LegacySignature, verify.LegacyAttestation, verify.Bundle, verify.BuildKit, "unknown"} {
			p.add(fmt.Sprintf("junk %d", i), "", "", "", lab.Identity{}, verify.Piece{Layout: layout, Bytes: []byte(text), Digest: digestOf([]byte(text))})
		}
	}
}

func (p *pool) addKeys() {
	signer, name := p.keySigner()
	p.keyName = name
	stranger := must(p.NewKeySigner())
	for _, x := range []struct {
		by  *lab.Signer
		key string
	}{{signer, name}, {stranger, "stranger"}} {
		root := policy.PublicGood
		if x.key == "stranger" {
			root = ""
		}
		for _, piece := range []verify.Piece{sigBy(x.by), bundleBy(x.by, signStatement())} {
			p.add("sign by a key of "+x.key, "sign", imageDigest, root, lab.Identity{}, piece).key = x.key
		}
	}
}

// ordered goes through a map in the order of its keys.
func ordered[V any](m map[string]V) func(func(string, V) bool) {
	return func(yield func(string, V) bool) {
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// deal takes some exhibits from the pool, most of which are good.
func (p *pool) deal(r *rand.Rand) []*exhibit {
	var hand []*exhibit
	switch r.IntN(4) {
	case 0: // nearly everything that is good
		for _, e := range p.good {
			if r.IntN(8) > 0 {
				hand = append(hand, e)
			}
		}
	case 1:
		for range r.IntN(8) {
			hand = append(hand, p.good[r.IntN(len(p.good))])
		}
	case 2: // a little of everything
		for _, kind := range kinds {
			if r.IntN(4) > 0 {
				hand = append(hand, p.of(r, kind))
			}
		}
	}
	for range r.IntN(8) {
		hand = append(hand, p.exhibits[r.IntN(len(p.exhibits))])
	}
	return hand
}

// of takes a good exhibit of a kind.
func (p *pool) of(r *rand.Rand, kind string) *exhibit {
	at := r.IntN(len(p.good))
	for i := range p.good {
		if e := p.good[(at+i)%len(p.good)]; e.kind == kind {
			return e
		}
	}
	panic("nothing good of the kind " + kind)
}

// facts are what authentication makes of exhibits about an image.
func factsOf(image verify.Image, hand []*exhibit, more ...verify.Facts) verify.Facts {
	parts := slices.Clone(more)
	for _, e := range hand {
		parts = append(parts, e.facts[image.Digest])
	}
	return verify.Join(image, nil, parts...)
}

func piecesOf(hand []*exhibit) []verify.Piece {
	var pieces []verify.Piece
	for _, e := range hand {
		pieces = append(pieces, e.Piece)
	}
	return pieces
}
