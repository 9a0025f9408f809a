package verify_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func describeOne(p verify.Piece) verify.Description {
	return verify.Describe(p, verify.DefaultLimits())
}

func layerToDescribe(layout verify.Layout, l lab.Layer) verify.Piece {
	return verify.Piece{Layout: layout, Place: "here", MediaType: l.MediaType, Bytes: l.Bytes, Annotations: l.Annotations}
}

func bundleToDescribe(b []byte) verify.Piece {
	return verify.Piece{Layout: verify.Bundle, Place: "here", MediaType: lab.BundleMediaType, Bytes: b}
}

// describable is one good piece in each layout, all of one signer.
func describable(t testing.TB) map[string]verify.Piece {
	t.Helper()
	s := must(lab.NewSigstore(lab.Options{Now: then, Name: "lab"}))
	signer := must(s.Issue(lab.GitHub("acme/widget", "refs/tags/v1.2.3", lab.DefaultCommit, lab.DefaultWorkflow), then))
	o := lab.ProvenanceOptions{Subjects: lab.Subjects(imageName, imageDigest)}
	return map[string]verify.Piece{
		"signature":   layerToDescribe(verify.LegacySignature, must(signer.LegacySignature(imageName, imageDigest, soon, lab.LegacyTimestamp()))),
		"attestation": layerToDescribe(verify.LegacyAttestation, must(signer.LegacyAttestation(must(lab.ProvenanceV02(o)), soon))),
		"bundle":      bundleToDescribe(must(signer.Bundle(must(lab.ProvenanceGitHub(o)), soon, lab.Timestamp()))),
		"old bundle":  bundleToDescribe(must(signer.Bundle(must(lab.ProvenanceBYOB(o)), soon, lab.Version(lab.BundleV01), lab.NoProof()))),
		"rekor v2":    bundleToDescribe(must(signer.Bundle(must(lab.SignStatement(imageName, imageDigest)), soon, lab.RekorV2()))),
		"key":         bundleToDescribe(must(must(s.NewKeySigner()).Bundle(must(lab.SignStatement(imageName, imageDigest)), soon))),
	}
}

func TestDescribe(t *testing.T) {
	for name, p := range describable(t) {
		d := describeOne(p)
		if len(d.Problems) > 0 || !d.Names(imageDigest) || d.Names(otherDigest) || len(d.Log) != 1 || d.Size != len(p.Bytes) {
			t.Errorf("%s: found %+v", name, d)
			continue
		}
		if d.PlainKey != (name == "key") || d.PlainKey != (d.KeyHint != "") || d.PlainKey != (d.Claims == nil) || d.PlainKey != (d.Certificate == nil) {
			t.Errorf("%s: the signer is %+v, key %v %q", name, d.Claims, d.PlainKey, d.KeyHint)
		}
		if e := d.Log[0]; (e.IntegratedTime == nil) != (name == "rekor v2") || e.IntegratedTime != nil && !e.IntegratedTime.Equal(soon) || !e.Promise && !e.Proof {
			t.Errorf("%s: found the log entry %+v", name, e)
		}
		for _, at := range d.Timestamps {
			if !at.Equal(soon) {
				t.Errorf("%s: found the timestamp %s", name, at)
			}
		}
		if stamped := name == "signature" || name == "bundle" || name == "rekor v2"; stamped != (len(d.Timestamps) == 1) {
			t.Errorf("%s: found %d timestamps", name, len(d.Timestamps))
		}
		built := strings.HasPrefix(d.PredicateType, "https://slsa.dev/")
		if built != (d.Build != nil) || built && (d.Build.Builder == "" || d.Build.Type == "" || d.Build.Commit != lab.DefaultCommit || !strings.Contains(d.Build.Source, "acme/widget")) {
			t.Errorf("%s: found the build %+v", name, d.Build)
		}
	}
}

// TestDescribeBuildKit wants a statement that nobody signed to be read, without a signer.
func TestDescribeBuildKit(t *testing.T) {
	statement := must(lab.ProvenanceGitHub(lab.ProvenanceOptions{Subjects: lab.Subjects(imageName, imageDigest)}))
	d := describeOne(verify.Piece{Layout: verify.BuildKit, Bytes: statement})
	if len(d.Problems) > 0 || !d.Names(imageDigest) || d.Build == nil || d.Claims != nil || d.PlainKey || len(d.Log) > 0 {
		t.Errorf("found %+v", d)
	}
}

// TestDescribeProblems wants the rest of a piece to be read in spite of a problem.
func TestDescribeProblems(t *testing.T) {
	s := must(lab.NewSigstore(lab.Options{Now: then, Name: "lab"}))
	signer := must(s.Issue(lab.GitHub("acme/widget", "refs/tags/v1.2.3", lab.DefaultCommit, lab.DefaultWorkflow), then))
	statement := must(lab.SignStatement(imageName, imageDigest))
	legacy := func(o ...lab.LegacyOption) verify.Piece {
		return layerToDescribe(verify.LegacySignature, must(signer.LegacySignature(imageName, imageDigest, soon, o...)))
	}
	bundle := func(o ...lab.BundleOption) verify.Piece {
		return bundleToDescribe(must(signer.Bundle(statement, soon, o...)))
	}
	long := bundle()
	long.Bytes = append(long.Bytes, make([]byte, verify.DefaultLimits().PieceBytes)...)
	for name, c := range map[string]struct {
		piece          verify.Piece
		want           string
		subject, signs bool
	}{
		"no bundle":         {bundleToDescribe([]byte("{}")), "read the bundle", false, false},
		"two documents":     {bundleToDescribe([]byte("{}{}")), "after its end", false, false},
		"too long":          {long, "at most", false, false},
		"long annotation":   {legacy(lab.Annotation("x", strings.Repeat("x", 5<<20))), "annotations have", false, false},
		"unknown layout":    {verify.Piece{Layout: "other"}, "is not known", false, false},
		"message":           {bundle(lab.MessageSignature()), "message signature", false, true},
		"two signatures":    {bundle(lab.SignatureAfter([]byte("x"))), "2 signatures", true, true},
		"payload type":      {bundle(lab.PayloadType("text/plain")), "payloadType", false, true},
		"timestamp":         {bundle(lab.Timestamp(), lab.EditBundle(spoilTimestamp)), "read the timestamp", true, true},
		"payload":           {legacy(lab.LegacyPayload([]byte("{}"))), `"critical" is missing`, false, true},
		"certificate":       {legacy(lab.Annotation(lab.CertificateAnnotation, "x")), "no PEM CERTIFICATE", true, false},
		"log entry":         {legacy(lab.RawBundle("{}")), "SignedEntryTimestamp", true, true},
		"log body":          {legacy(lab.LegacyEntryBody([]byte("{}"))), "log entry's body", true, true},
		"legacy timestamp":  {legacy(lab.Annotation(lab.TimestampAnnotation, "{}")), "SignedRFC3161Timestamp", true, true},
		"legacy timestamp2": {legacy(lab.Annotation(lab.TimestampAnnotation, `{"SignedRFC3161Timestamp":"MAA="}`)), "read the timestamp", true, true},
	} {
		d := describeOne(c.piece)
		if len(d.Problems) != 1 || !strings.Contains(d.Problems[0], c.want) {
			t.Errorf("%s: found the problems %q; wanted one about %q", name, d.Problems, c.want)
		}
		if d.Names(imageDigest) != c.subject || (d.Claims != nil) != c.signs {
			t.Errorf("%s: names the image %v, signer %v", name, d.Names(imageDigest), d.Claims)
		}
	}
}

func spoilTimestamp(b *protobundle.Bundle) {
	b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp = []byte("x")
}

// TestDescribeAgreesWithAuthenticate wants both to read the same claims out of the
// same piece.
func TestDescribeAgreesWithAuthenticate(t *testing.T) {
	for name, p := range describable(t) {
		image := verify.Image{Reference: must(verify.ParseReference(imageRef)), Digest: imageDigest}
		d := describeOne(p)
		root := must(lab.NewSigstore(lab.Options{Now: then, Name: "stranger"}))
		trusted := must(verify.NewTrustedRoot("x", "x", must(root.TrustedRoot()), policy.DefaultThresholds()))
		facts := verify.Authenticate(image, verify.Evidence{Pieces: []verify.Piece{p}}, verify.Trust{Roots: []*verify.TrustedRoot{trusted}}, verify.DefaultLimits())
		for _, signer := range facts.Signers() {
			if signer.Authenticated || d.Claims == nil || *d.Claims != signer.Claims {
				t.Errorf("%s: described %+v, authenticated %+v", name, d.Claims, signer)
			}
		}
	}
}

// FuzzDescribe wants a description of anything: without a panic, and one that can be
// written as JSON.
func FuzzDescribe(f *testing.F) {
	layouts := []verify.Layout{verify.LegacySignature, verify.LegacyAttestation, verify.Bundle, verify.BuildKit}
	for _, p := range describable(f) {
		for i, l := range layouts {
			if l == p.Layout {
				f.Add(i, p.Bytes, p.Annotations[lab.CertificateAnnotation], p.Annotations[lab.BundleAnnotation], p.Annotations[lab.TimestampAnnotation])
			}
		}
	}
	limits := verify.DefaultLimits()
	f.Fuzz(func(t *testing.T, layout int, body []byte, certificate, entry, stamp string) {
		p := verify.Piece{Layout: layouts[(layout%4+4)%4], Bytes: body, Annotations: map[string]string{
			lab.CertificateAnnotation: certificate, lab.BundleAnnotation: entry, lab.TimestampAnnotation: stamp,
		}}
		d := verify.Describe(p, limits)
		for _, problem := range d.Problems {
			if strings.Contains(problem, "ended in a panic") {
				t.Error(problem)
			}
		}
		if _, err := json.Marshal(d); err != nil {
			t.Error(err)
		}
		if again := verify.Describe(p, limits); !reflect.DeepEqual(d, again) {
			t.Errorf("described twice, found %+v and %+v", d, again)
		}
		d.Names(imageDigest)
	})
}
