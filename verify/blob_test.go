package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

const (
	blobText   = "a file that is not an image\n"
	githubURL  = "https://token.actions.githubusercontent.com"
	blobIssuer = "https://issuer.lab.example"
)

var (
	blobMade   = time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)
	blobLogged = blobMade.Add(time.Minute)
	// noLog is what a root without transparency logs can be held to.
	noLog = policy.Thresholds{SCTs: 1, Timestamps: 1}
)

func sha256Of(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func blobRoot(t testing.TB, trustedRoot []byte, err error, thresholds policy.Thresholds) *verify.TrustedRoot {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	root, err := verify.NewTrustedRoot("lab", "test", trustedRoot, thresholds)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// blobLab is an instance with one identity and one key that sign.
type blobLab struct {
	sigstore *lab.Sigstore
	root     *verify.TrustedRoot
	person   *lab.Signer
	keyed    *lab.Signer
	identity verify.BlobSigner
	key      verify.BlobSigner
}

func newBlobLab(t testing.TB) blobLab {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: blobMade})
	if err != nil {
		t.Fatal(err)
	}
	trustedRoot, err := s.TrustedRoot()
	l := blobLab{sigstore: s, root: blobRoot(t, trustedRoot, err, policy.DefaultThresholds())}
	if l.person, err = s.Issue(lab.Person("ann@acme.example", blobIssuer), blobMade); err != nil {
		t.Fatal(err)
	}
	if l.keyed, err = s.NewKeySigner(); err != nil {
		t.Fatal(err)
	}
	l.identity = verify.BlobSigner{Identity: "ann@acme.example", Issuer: blobIssuer}
	l.key = keySigner(t, l.keyed.PublicKeyPEM())
	return l
}

func keySigner(t testing.TB, text []byte) verify.BlobSigner {
	t.Helper()
	sum := sha256.Sum256(text)
	key, err := verify.NewKey(text, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return verify.BlobSigner{Key: &key}
}

func (l blobLab) sign(t testing.TB, by *lab.Signer, dsse bool, opts ...lab.BundleOption) []byte {
	t.Helper()
	content := []byte(blobText)
	if dsse {
		var err error
		content, err = lab.Statement("https://in-toto.io/Statement/v1", "https://example.com/made", lab.Subjects("file", sha256Of(blobText)), map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
	} else {
		opts = append(opts, lab.MessageSignature())
	}
	b, err := by.Bundle(content, blobLogged, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func content(s string) verify.Blob { return verify.Blob{Content: strings.NewReader(s)} }

func accept(t *testing.T, bundle []byte, blob verify.Blob, signer verify.BlobSigner, root *verify.TrustedRoot) verify.VerifiedBlob {
	t.Helper()
	v, err := verify.VerifyBlob(bundle, blob, signer, root, verify.DefaultLimits())
	if err != nil || !v.Verified() {
		t.Fatalf("refused: %v", err)
	}
	return v
}

func refuse(t *testing.T, bundle []byte, blob verify.Blob, signer verify.BlobSigner, root *verify.TrustedRoot, reason string) {
	t.Helper()
	v, err := verify.VerifyBlob(bundle, blob, signer, root, verify.DefaultLimits())
	switch {
	case err == nil || v.Verified() || len(v.Times()) > 0:
		t.Fatalf("accepted; wanted a refusal with %q", reason)
	case !strings.Contains(err.Error(), reason):
		t.Fatalf("refused with %q; wanted %q", err, reason)
	}
}

// TestVerifyBlobReal verifies the six bundles of slsa-verifier's testdata.
func TestVerifyBlobReal(t *testing.T) {
	b, err := os.ReadFile("../testdata/slsa-verifier-container-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []slsaCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	module, root := slsaModule(t), publicGood(t).Roots[0]
	seen := map[string]bool{}
	for _, c := range cases {
		if c.Command != "verify-artifact" || seen[c.Provenance] {
			continue
		}
		seen[c.Provenance] = true
		version := strings.Split(c.Provenance, "/")[4]
		t.Run(version, func(t *testing.T) {
			bundle, err := os.ReadFile(filepath.Join(module, filepath.FromSlash(c.Provenance)))
			if err != nil {
				t.Fatal(err)
			}
			const builder = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_container-based_slsa3.yml@refs/tags/"
			signer := verify.BlobSigner{Identity: builder + version, Issuer: githubURL}
			v := accept(t, bundle, content(""), signer, root)
			accept(t, bundle, verify.Blob{Digest: c.Digest}, signer, root)
			if claims, ok := v.Claims(); !ok || claims.Identity != signer.Identity || claims.Issuer != githubURL || v.KeySHA256() != "" {
				t.Errorf("claims %+v", claims)
			}
			if len(v.Times()) != 1 || v.Log() == verify.LogNone {
				t.Errorf("times %v, log %s", v.Times(), v.Log())
			}
			refuse(t, bundle, content(""), verify.BlobSigner{Identity: builder + "v0.0.0", Issuer: githubURL}, root, "wanted")
			refuse(t, bundle, content(""), verify.BlobSigner{Identity: builder, Issuer: githubURL}, root, "wanted")
			refuse(t, bundle, content(""), verify.BlobSigner{Identity: signer.Identity, Issuer: "https://accounts.google.com"}, root, "wanted")
			refuse(t, bundle, content("x"), signer, root, "do not match")
			refuse(t, bundle, verify.Blob{Digest: sha256Of("x")}, signer, root, "does not match")
			refuse(t, bundle, content(""), newBlobLab(t).key, root, "wanted a plain key")
			refuse(t, bundle, content(""), signer, newBlobLab(t).root, "no certificate authority")
		})
	}
	if len(seen) != 6 {
		t.Errorf("found %d bundles; wanted 6", len(seen))
	}
}

// TestVerifyBlob verifies both kinds of content by both kinds of signer, over both
// kinds of log, by content and by digest.
func TestVerifyBlob(t *testing.T) {
	l, stranger := newBlobLab(t), newBlobLab(t)
	logs := map[string][]lab.BundleOption{"v1": nil, "v2": {lab.RekorV2()}, "v1 and a timestamp": {lab.Timestamp()}}
	for name, opts := range logs {
		for _, dsse := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s dsse=%t", name, dsse), func(t *testing.T) {
				by, keyed := l.sign(t, l.person, dsse, opts...), l.sign(t, l.keyed, dsse, opts...)
				for _, blob := range []func(string) verify.Blob{content, func(s string) verify.Blob { return verify.Blob{Digest: sha256Of(s)} }} {
					v := accept(t, by, blob(blobText), l.identity, l.root)
					if c, ok := v.Claims(); !ok || c.Identity != "ann@acme.example" || len(v.Times()) == 0 || v.Log() != verify.LogProof {
						t.Errorf("claims %+v, times %v, log %s", c, v.Times(), v.Log())
					}
					v = accept(t, keyed, blob(blobText), l.key, l.root)
					if _, ok := v.Claims(); ok || v.KeySHA256() == "" || len(v.Times()) == 0 {
						t.Errorf("key %q, times %v", v.KeySHA256(), v.Times())
					}
					for _, bundle := range [][]byte{by, keyed} {
						for _, signer := range []verify.BlobSigner{l.identity, l.key} {
							refuse(t, bundle, blob("another file"), signer, l.root, "")
							refuse(t, bundle, blob(blobText), signer, stranger.root, "")
						}
					}
					refuse(t, by, blob(blobText), l.key, l.root, "wanted a plain key")
					refuse(t, keyed, blob(blobText), l.identity, l.root, "wanted a certificate")
					refuse(t, keyed, blob(blobText), stranger.key, l.root, "")
				}
			})
		}
	}
}

// TestVerifyBlobAsks wants whole and unambiguous questions.
func TestVerifyBlobAsks(t *testing.T) {
	l := newBlobLab(t)
	bundle, good := l.sign(t, l.person, true), func() verify.Blob { return content(blobText) }
	accept(t, bundle, good(), l.identity, l.root)
	for name, signer := range map[string]verify.BlobSigner{
		"neither": {}, "no issuer": {Identity: l.identity.Identity}, "no identity": {Issuer: blobIssuer}, "an empty key": {Key: &verify.Key{}},
		"both":            {Identity: l.identity.Identity, Issuer: blobIssuer, Key: l.key.Key},
		"half and a key":  {Identity: l.identity.Identity, Key: l.key.Key},
		"other half same": {Issuer: blobIssuer, Key: l.key.Key},
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, bundle, good(), signer, l.root, "the signer")
			refuse(t, l.sign(t, l.keyed, true), good(), signer, l.root, "the signer")
		})
	}
	hexits := sha256Of(blobText)[len("sha256:"):]
	for _, digest := range []string{"sha256:", hexits, "sha1:" + hexits, "sha512:" + hexits, "sha256:" + hexits[1:], "sha256:" + strings.ToUpper(hexits), "sha256:" + hexits + "00"} {
		refuse(t, bundle, verify.Blob{Digest: digest}, l.identity, l.root, "the artifact's digest")
	}
	refuse(t, bundle, verify.Blob{}, l.identity, l.root, "the artifact is not one of")
	refuse(t, bundle, verify.Blob{Content: strings.NewReader(blobText), Digest: "sha256:" + hexits}, l.identity, l.root, "the artifact is not one of")
	refuse(t, bundle, good(), l.identity, nil, "no trusted root")
	refuse(t, nil, good(), l.identity, l.root, "read the bundle")
	broken := iotest.ErrReader(errors.New("the disk is gone"))
	for _, b := range [][]byte{bundle, l.sign(t, l.person, false)} {
		refuse(t, b, verify.Blob{Content: broken}, l.identity, l.root, "the disk is gone")
	}
	if (verify.VerifiedBlob{}).Verified() {
		t.Error("the zero value is verified")
	}
	limits := verify.DefaultLimits()
	limits.PieceBytes = 100
	if _, err := verify.VerifyBlob(bundle, good(), l.identity, l.root, limits); err == nil {
		t.Error("a bundle beyond the limit was accepted")
	}
	twice := append([]byte(`{"mediaType":"",`), bundle[1:]...)
	refuse(t, twice, good(), l.identity, l.root, "twice")
	refuse(t, append(slices.Clone(bundle), "{}"...), good(), l.identity, l.root, "after its end")
}

// TestVerifyBlobEvidence makes bundles whose evidence is bad in one way.
func TestVerifyBlobEvidence(t *testing.T) {
	l := newBlobLab(t)
	otherType := func(v string) []byte {
		s, err := lab.Statement(v, "https://example.com/made", lab.Subjects("file", sha256Of(blobText)), map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, opts := range map[string][]lab.BundleOption{
		"unlogged":                         {lab.Unlogged(), lab.Timestamp()},
		"false promise":                    {lab.FalsePromise()},
		"false promise and a good stamp":   {lab.FalsePromise(), lab.Timestamp()},
		"false proof":                      {lab.FalseProof()},
		"unknown log":                      {lab.UnknownLog(), lab.Timestamp()},
		"impostor log":                     {lab.ImpostorLog(), lab.Timestamp()},
		"a stamp of something else":        {lab.Timestamp(), lab.TimestampOver([]byte("else"))},
		"a stamp of something else, alone": {lab.RekorV2(), lab.TimestampOver([]byte("else"))},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dsse := range []bool{true, false} {
				refuse(t, l.sign(t, l.person, dsse, opts...), content(blobText), l.identity, l.root, "")
				refuse(t, l.sign(t, l.keyed, dsse, opts...), content(blobText), l.key, l.root, "")
			}
		})
	}
	t.Run("no time", func(t *testing.T) {
		refuse(t, l.sign(t, l.person, true, lab.RekorV2(), lab.NoTimestamp()), content(blobText), l.identity, l.root, "timestamps")
		v := accept(t, l.sign(t, l.keyed, true, lab.RekorV2(), lab.NoTimestamp()), content(blobText), l.key, l.root)
		if len(v.Times()) != 0 || v.Log() != verify.LogProof {
			t.Errorf("times %v, log %s", v.Times(), v.Log())
		}
	})
	t.Run("statement", func(t *testing.T) {
		for kind, reason := range map[string]string{"": "_type", "https://in-toto.io/Statement/v2": "_type"} {
			for _, by := range []*lab.Signer{l.person, l.keyed} {
				b, err := by.Bundle(otherType(kind), blobLogged, lab.RekorV2())
				if err != nil {
					t.Fatal(err)
				}
				signer := l.identity
				if by == l.keyed {
					signer = l.key
				}
				refuse(t, b, content(blobText), signer, l.root, reason)
			}
		}
		refuse(t, l.sign(t, l.person, true, lab.PayloadType("text/plain")), content(blobText), l.identity, l.root, "payloadType")
		// sigstore-go reads the last of both keys, a stricter parser only the first.
		b, err := l.person.Bundle([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.com/made","predicate":{},`+
			`"subject":[{"digest":{"sha256":"`+strings.Repeat("0", 64)+`"}}],"Subject":[{"digest":{"sha256":"`+sha256Of(blobText)[7:]+`"}}]}`), blobLogged)
		if err != nil {
			t.Fatal(err)
		}
		for _, blob := range []verify.Blob{content(blobText), {Digest: sha256Of(blobText)}} {
			refuse(t, b, blob, l.identity, l.root, "subjects is the artifact")
		}
	})
	t.Run("a log key that expired", func(t *testing.T) {
		s, err := lab.NewSigstore(lab.Options{Now: blobMade, Validity: map[lab.Part]lab.Window{
			lab.RekorV2Log: {From: blobMade.Add(-2 * time.Hour), To: blobMade.Add(-time.Hour)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		key, err := s.NewKeySigner()
		if err != nil {
			t.Fatal(err)
		}
		trustedRoot, err := s.TrustedRoot()
		root := blobRoot(t, trustedRoot, err, policy.DefaultThresholds())
		refuse(t, l.sign(t, key, true, lab.RekorV2()), content(blobText), keySigner(t, key.PublicKeyPEM()), root, "not valid at")
	})
}

// TestVerifyBlobFlips changes each long string of good bundles, one at a time.
func TestVerifyBlobFlips(t *testing.T) {
	l := newBlobLab(t)
	for name, b := range map[string][]byte{
		"v1": l.sign(t, l.person, true), "v2": l.sign(t, l.person, true, lab.RekorV2()),
		"message v1": l.sign(t, l.person, false), "message v2": l.sign(t, l.person, false, lab.RekorV2()),
	} {
		t.Run(name, func(t *testing.T) {
			accept(t, b, content(blobText), l.identity, l.root)
			text, n := string(b), 0
			for _, part := range strings.Split(text, `"`) {
				raw, err := base64.StdEncoding.DecodeString(part)
				if err != nil || len(raw) < 20 || slices.Contains(unread(t, b), part) {
					continue
				}
				n++
				raw[len(raw)/2] ^= 4
				changed := []byte(strings.Replace(text, part, base64.StdEncoding.EncodeToString(raw), 1))
				if v, err := verify.VerifyBlob(changed, content(blobText), l.identity, l.root, verify.DefaultLimits()); err == nil || v.Verified() {
					t.Errorf("accepted with %.60q changed", part)
				}
			}
			if n < 5 {
				t.Errorf("changed %d strings; wanted at least 5", n)
			}
		})
	}
}

// unread are the parts of a Rekor v2 entry that sigstore-go does not read: it makes
// the body again from the bundle's content, and takes the tree's root from the
// checkpoint. A bundle that lies there says nothing that anybody believes.
func unread(t *testing.T, bundle []byte) []string {
	t.Helper()
	var b struct {
		VerificationMaterial struct {
			TlogEntries []struct {
				KindVersion       struct{ Version string }
				InclusionProof    struct{ RootHash string }
				CanonicalizedBody string
			}
		}
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, e := range b.VerificationMaterial.TlogEntries {
		if e.KindVersion.Version == "0.0.2" {
			parts = append(parts, e.InclusionProof.RootHash, e.CanonicalizedBody)
		}
	}
	return parts
}

const emptyRoot = `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`

// handSigned is a message signature without a log or a time.
func handSigned(t *testing.T, key crypto.Signer, digest, signature []byte) ([]byte, verify.BlobSigner) {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	bundle := fmt.Sprintf(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"any"}},`+
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":%q},"signature":%q}}`,
		base64.StdEncoding.EncodeToString(digest), base64.StdEncoding.EncodeToString(signature))
	return []byte(bundle), keySigner(t, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
}

// TestVerifyBlobBare verifies under a root that has nothing, where a key is all.
func TestVerifyBlobBare(t *testing.T) {
	root := blobRoot(t, []byte(emptyRoot), nil, noLog)
	sum := sha256.Sum256([]byte(blobText))
	t.Run("ecdsa", func(t *testing.T) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		bundle, signer := handSigned(t, key, sum[:], signature)
		v := accept(t, bundle, content(blobText), signer, root)
		if len(v.Times()) != 0 || v.Log() != verify.LogNone {
			t.Errorf("times %v, log %s", v.Times(), v.Log())
		}
		accept(t, bundle, verify.Blob{Digest: sha256Of(blobText)}, signer, root)
		refuse(t, bundle, content("x"), signer, root, "")
		refuse(t, bundle, verify.Blob{Digest: sha256Of("x")}, signer, root, "")
		refuse(t, bundle, verify.Blob{Digest: "sha384:" + strings.Repeat("0", 96)}, signer, root, "message digest")
		l := newBlobLab(t)
		refuse(t, bundle, content(blobText), signer, l.root, "log entries")
		refuse(t, bundle, content(blobText), l.key, root, "")
		refuse(t, bundle, content(blobText), l.identity, root, "wanted a certificate")
		for _, dsse := range []bool{true, false} {
			refuse(t, l.sign(t, l.person, dsse, lab.Timestamp()), content(blobText), l.identity, root, "no certificate authority")
		}
	})
	t.Run("ed25519", func(t *testing.T) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		bundle, signer := handSigned(t, key, sum[:], ed25519.Sign(key, []byte(blobText)))
		accept(t, bundle, content(blobText), signer, root)
		refuse(t, bundle, content("x"), signer, root, "")
		refuse(t, bundle, verify.Blob{Digest: sha256Of(blobText)}, signer, root, "content, not its digest")
		// Who has a signature over nothing must not have one over everything.
		bundle, signer = handSigned(t, key, sum[:], ed25519.Sign(key, nil))
		refuse(t, bundle, verify.Blob{Digest: sha256Of(blobText)}, signer, root, "content, not its digest")
		refuse(t, bundle, content(blobText), signer, root, "")
	})
}

// TestVerifyBlobSigstoreGo verifies the bundles that sigstore-go's module carries.
func TestVerifyBlobSigstoreGo(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	if err != nil {
		t.Fatalf("find sigstore-go's module: %v", err)
	}
	read := func(path string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const (
		js       = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
		js130    = "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751"
		js200    = "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c"
		dehamer  = "sha512:bbfd372fc9beeb777fe35d05bb10c0c70a9733d366a75fed7dd18866c7391de3ee7e88ba74dd47abf3e15c845e547fcf0e5c3da80854c751554224d3a6d4e55f"
		fixtures = "pkg/testing/data/"
	)
	good := publicGood(t).Roots[0]
	release := verify.BlobSigner{Identity: js, Issuer: githubURL}
	brian := verify.BlobSigner{Identity: "brian@dehamer.com", Issuer: "https://github.com/login/oauth"}

	accept(t, read("examples/bundle-provenance.json"), verify.Blob{Digest: js130}, release, good)
	accept(t, read(fixtures+"bundles/sigstore.js@2.0.0-provenance.sigstore.json"), verify.Blob{Digest: js200}, release, good)
	refuse(t, read(fixtures+"bundles/sigstore.js@2.0.0-provenance.sigstore.json"), verify.Blob{Digest: js130}, release, good, "match")
	accept(t, read(fixtures+"bundles/dsse.sigstore.json"), verify.Blob{Digest: dehamer}, brian, good)
	refuse(t, read(fixtures+"bundles/dsse-2sigs.sigstore.json"), verify.Blob{Digest: dehamer}, brian, good, "2 signatures")

	npm := keySigner(t, read("examples/publish_key.pub"))
	accept(t, read("examples/bundle-publish.json"), verify.Blob{Digest: js130}, npm, good)
	refuse(t, read("examples/bundle-publish.json"), verify.Blob{Digest: js200}, npm, good, "match")
	refuse(t, read("examples/bundle-publish.json"), verify.Blob{Digest: js130}, newBlobLab(t).key, good, "")

	scaffolding := blobRoot(t, read(fixtures+"trusted-roots/scaffolding.json"), nil, policy.Thresholds{LogEntries: 1, Timestamps: 1})
	other := verify.Blob{Digest: "sha256:bc103b4a84971ef6459b294a2b98568a2bfb72cded09d4acd1e16366a401f95b"}
	accept(t, read(fixtures+"bundles/othername.sigstore.json"), other, verify.BlobSigner{Identity: "foo!oidc.local", Issuer: "http://oidc.local:8080"}, scaffolding)
	refuse(t, read(fixtures+"bundles/othername.sigstore.json"), other, verify.BlobSigner{Identity: "foo@oidc.local", Issuer: "http://oidc.local:8080"}, scaffolding, "wanted")

	// A key and a timestamp, under a root that has a timestamp authority alone.
	stamped := blobRoot(t, read(fixtures+"trusted-roots/public-key-validity.json"), nil, noLog)
	v := accept(t, read(fixtures+"bundles/public-key-validity.sigstore.json"), content("test content"), keySigner(t, read(fixtures+"public-keys/public-key-validity.pem")), stamped)
	if len(v.Times()) != 1 || v.Times()[0].Source != "timestamp-authority" || v.Log() != verify.LogNone {
		t.Errorf("times %v, log %s", v.Times(), v.Log())
	}
	elsewhere := blobRoot(t, []byte(emptyRoot), nil, noLog)
	if v := accept(t, read(fixtures+"bundles/public-key-validity.sigstore.json"), content("test content"), keySigner(t, read(fixtures+"public-keys/public-key-validity.pem")), elsewhere); len(v.Times()) != 0 {
		t.Errorf("a root without timestamp authorities verified the times %v", v.Times())
	}
}

// FuzzBlob: no bytes make VerifyBlob panic, and none verify over an artifact that
// nobody signed, though the seeds are signed by all that the question names.
func FuzzBlob(f *testing.F) {
	l := newBlobLab(f)
	for _, opts := range [][]lab.BundleOption{nil, {lab.RekorV2()}, {lab.Timestamp()}, {lab.Version(lab.BundleV01)}, {lab.Version(lab.BundleV02)}, {lab.AlsoRekorV2()}} {
		for _, dsse := range []bool{true, false} {
			f.Add(l.sign(f, l.person, dsse, opts...))
			f.Add(l.sign(f, l.keyed, dsse, opts...))
		}
	}
	f.Add([]byte(`{}`))
	good := trust.PublicGood()
	root := blobRoot(f, good.JSON, nil, policy.DefaultThresholds())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range []*verify.TrustedRoot{l.root, root} {
			for _, signer := range []verify.BlobSigner{l.identity, l.key} {
				for _, blob := range []verify.Blob{content("nobody signed this"), {Digest: sha256Of("nobody signed this")}} {
					refuse(t, b, blob, signer, r, "")
				}
			}
		}
	})
}
