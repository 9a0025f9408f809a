package lab_test

import (
	"crypto/x509"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/releaseassay/assay/internal/lab"
)

// then lies well in the past, so that anything that asked the machine's clock would fail.
var then = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

var digest = "sha256:" + strings.Repeat("ab", 32)

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newSigstore(t *testing.T, opts lab.Options) *lab.Sigstore {
	t.Helper()
	opts.Now = then
	s, err := lab.NewSigstore(opts)
	return must(t, s, err)
}

func release() lab.Identity {
	return lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)
}

// check verifies a bundle with sigstore-go as strictly as its own command does.
func check(t *testing.T, s *lab.Sigstore, raw []byte, san string, extra ...verify.VerifierOption) (*verify.VerificationResult, error) {
	t.Helper()
	b := &bundle.Bundle{}
	if err := b.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	rootJSON, err := s.TrustedRoot()
	material, err := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	opts := append([]verify.VerifierOption{verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}, extra...)
	v, err := verify.NewVerifier(must(t, material, err), opts...)
	id, idErr := verify.NewShortCertificateIdentity(lab.GitHubIssuer, "", san, "")
	raw32, hexErr := hex.DecodeString(digest[len("sha256:"):])
	must(t, raw32, hexErr)
	return must(t, v, err).Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", raw32), verify.WithCertificateIdentity(must(t, id, idErr))))
}

func statement(t *testing.T) []byte {
	t.Helper()
	s, err := lab.SignStatement("registry.example/acme/widget", digest)
	return must(t, s, err)
}

func TestBundlesVerify(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	for name, opts := range map[string][]lab.BundleOption{
		"default":             nil,
		"v0.1":                {lab.Version(lab.BundleV01)},
		"v0.1 promise alone":  {lab.Version(lab.BundleV01), lab.NoProof()},
		"v0.2":                {lab.Version(lab.BundleV02)},
		"intoto 0.0.2":        {lab.Entry(lab.EntryIntoto002)},
		"with timestamp":      {lab.Timestamp()},
		"proof and timestamp": {lab.NoPromise(), lab.Timestamp()},
		"rekor v2":            {lab.RekorV2()},
		"rekor v2 in v0.2":    {lab.RekorV2(), lab.Version(lab.BundleV02)},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := s.Issue(release(), then)
			raw, err2 := must(t, signer, err).Bundle(statement(t), then.Add(time.Minute), opts...)
			res, err := check(t, s, must(t, raw, err2), release().SAN)
			if err != nil {
				t.Fatal(err)
			}
			cert := res.Signature.Certificate
			if cert.SourceRepositoryURI != "https://github.com/acme/widget" || cert.BuildTrigger != "push" {
				t.Errorf("certificate says %+v", cert)
			}
			if got := res.VerifiedTimestamps[0].Timestamp; !got.Equal(then.Add(time.Minute)) {
				t.Errorf("dated %s", got)
			}
		})
	}
}

func TestBundlesRefused(t *testing.T) {
	s, stranger := newSigstore(t, lab.Options{}), newSigstore(t, lab.Options{})
	other, err := lab.SignStatement("registry.example/acme/other", digest)
	must(t, other, err)
	soon := then.Add(time.Minute)
	for name, tc := range map[string]struct {
		leaf []lab.LeafOption
		opts []lab.BundleOption
		want string
	}{
		"no sct":              {leaf: []lab.LeafOption{lab.NoSCT()}, want: "SCT"},
		"sct of unknown log":  {leaf: []lab.LeafOption{lab.UnknownCTLog()}, want: "SCT"},
		"not code signing":    {leaf: []lab.LeafOption{lab.LeafUsage(x509.ExtKeyUsageServerAuth)}, want: "leaf certificate"},
		"self-signed":         {leaf: []lab.LeafOption{lab.SelfSigned()}, want: "leaf certificate"},
		"expired leaf":        {leaf: []lab.LeafOption{lab.ValidFor(time.Second)}, want: "outside certificate validity"},
		"unlogged":            {opts: []lab.BundleOption{lab.Unlogged(), lab.Timestamp()}, want: "not enough verified log entries"},
		"no proof in v0.3":    {opts: []lab.BundleOption{lab.NoProof()}, want: "inclusion proof missing"},
		"no promise in v0.1":  {opts: []lab.BundleOption{lab.Version(lab.BundleV01), lab.NoPromise()}, want: "inclusion promises missing"},
		"false promise":       {opts: []lab.BundleOption{lab.FalsePromise()}, want: "not enough verified log entries"},
		"false proof":         {opts: []lab.BundleOption{lab.FalseProof()}, want: "root"},
		"false proof v2":      {opts: []lab.BundleOption{lab.RekorV2(), lab.FalseProof()}, want: "root"},
		"wrong origin v2":     {opts: []lab.BundleOption{lab.RekorV2(), lab.CheckpointOrigin("elsewhere.example")}, want: "checkpoint"},
		"unknown log":         {opts: []lab.BundleOption{lab.UnknownLog()}, want: "not enough verified log entries"},
		"unknown log v2":      {opts: []lab.BundleOption{lab.RekorV2(), lab.UnknownLog()}, want: "not enough verified log entries"},
		"impostor log":        {opts: []lab.BundleOption{lab.ImpostorLog()}, want: "not enough verified log entries"},
		"impostor log v2":     {opts: []lab.BundleOption{lab.RekorV2(), lab.ImpostorLog()}, want: "verif"},
		"v2 without time":     {opts: []lab.BundleOption{lab.RekorV2(), lab.NoTimestamp()}, want: "threshold not met"},
		"entry of another":    {opts: []lab.BundleOption{lab.EntryOf(other)}, want: "does not match"},
		"entry of another v2": {opts: []lab.BundleOption{lab.RekorV2(), lab.EntryOf(other)}, want: "root"},
		"stamp over other":    {opts: []lab.BundleOption{lab.RekorV2(), lab.TimestampOver([]byte("other"))}, want: "threshold not met"},
		"stamped too late":    {opts: []lab.BundleOption{lab.RekorV2(), lab.TimestampAt(then.Add(time.Hour))}, want: ""},
		"other payload type":  {opts: []lab.BundleOption{lab.PayloadType("application/json")}, want: "payload type"},
		"two signatures":      {opts: []lab.BundleOption{lab.SignatureAfter([]byte("another"))}, want: "signature"},
		"bad one first":       {opts: []lab.BundleOption{lab.SignatureBefore([]byte("another"))}, want: "signature"},
		"message signature":   {opts: []lab.BundleOption{lab.MessageSignature()}, want: ""},
		"edited": {opts: []lab.BundleOption{lab.EditBundle(func(b *protobundle.Bundle) {
			b.GetDsseEnvelope().Payload = other
		})}, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := s.Issue(release(), then, tc.leaf...)
			raw, err2 := must(t, signer, err).Bundle(statement(t), soon, tc.opts...)
			_, err = check(t, s, must(t, raw, err2), release().SAN)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("refused for another reason: %v", err)
			}
		})
	}
	t.Run("stranger", func(t *testing.T) {
		signer, err := stranger.Issue(release(), then)
		raw, err2 := must(t, signer, err).Bundle(statement(t), soon)
		if _, err := check(t, s, must(t, raw, err2), release().SAN); err == nil {
			t.Fatal("accepted")
		}
	})
	t.Run("twice logged against a threshold of two", func(t *testing.T) {
		signer, err := s.Issue(release(), then)
		raw, err2 := must(t, signer, err).Bundle(statement(t), soon, lab.LoggedTwice())
		if _, err := check(t, s, must(t, raw, err2), release().SAN); err != nil {
			t.Fatal(err)
		}
		if _, err := check(t, s, raw, release().SAN, verify.WithTransparencyLog(2)); err == nil {
			t.Fatal("accepted")
		}
		raw, err = signer.Bundle(statement(t), soon, lab.AlsoRekorV2())
		if _, err := check(t, s, must(t, raw, err), release().SAN, verify.WithTransparencyLog(2)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestValidity(t *testing.T) {
	soon := then.Add(time.Minute)
	past := lab.Window{From: then.Add(-48 * time.Hour), To: then.Add(-24 * time.Hour)}
	for _, tc := range []struct {
		part lab.Part
		opts []lab.BundleOption
	}{
		{lab.FulcioCA, nil},
		{lab.FulcioRootCert, nil},
		{lab.FulcioIntermediateCert, nil},
		{lab.CTLog, nil},
		{lab.RekorV1Log, nil},
		{lab.TSA, []lab.BundleOption{lab.RekorV2()}},
		{lab.TSARootCert, []lab.BundleOption{lab.RekorV2()}},
		{lab.TSAIntermediateCert, []lab.BundleOption{lab.RekorV2()}},
		{lab.TSALeafCert, []lab.BundleOption{lab.RekorV2()}},
	} {
		t.Run(string(tc.part), func(t *testing.T) {
			s := newSigstore(t, lab.Options{Validity: map[lab.Part]lab.Window{tc.part: past}})
			signer, err := s.Issue(release(), then)
			raw, err2 := must(t, signer, err).Bundle(statement(t), soon, tc.opts...)
			if _, err := check(t, s, must(t, raw, err2), release().SAN); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	t.Run("trusted root keeps windows", func(t *testing.T) {
		s := newSigstore(t, lab.Options{Validity: map[lab.Part]lab.Window{lab.RekorV2Log: past}})
		raw, err := s.TrustedRoot()
		tr, err2 := root.NewTrustedRootFromJSON(must(t, raw, err))
		ended, open := 0, 0
		for _, l := range must(t, tr, err2).RekorLogs() {
			switch {
			case l.ValidityPeriodEnd.IsZero():
				open++
			case l.ValidityPeriodEnd.Equal(past.To) && l.ValidityPeriodStart.Equal(past.From):
				ended++
			}
		}
		if ended != 1 || open != 1 {
			t.Errorf("%d logs ended, %d open", ended, open)
		}
	})
	t.Run("tsa usage", func(t *testing.T) {
		s := newSigstore(t, lab.Options{TSAUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
		signer, err := s.Issue(release(), then)
		raw, err2 := must(t, signer, err).Bundle(statement(t), soon, lab.RekorV2())
		if _, err := check(t, s, must(t, raw, err2), release().SAN); err == nil {
			t.Fatal("accepted")
		}
	})
}

func TestMessageSignature(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	rootJSON, err := s.TrustedRoot()
	material, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	v, err3 := verify.NewVerifier(must(t, material, err2), verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	must(t, v, err3)
	for name, opts := range map[string][]lab.BundleOption{"rekor v1": nil, "rekor v2": {lab.RekorV2()}} {
		t.Run(name, func(t *testing.T) {
			signer, err := s.Issue(release(), then)
			raw, err2 := must(t, signer, err).Bundle([]byte("hello"), then.Add(time.Minute), append(opts, lab.MessageSignature())...)
			b := &bundle.Bundle{}
			if err := b.UnmarshalJSON(must(t, raw, err2)); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(b, verify.NewPolicy(verify.WithArtifact(strings.NewReader("hello")), verify.WithoutIdentitiesUnsafe())); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(b, verify.NewPolicy(verify.WithArtifact(strings.NewReader("hullo")), verify.WithoutIdentitiesUnsafe())); err == nil {
				t.Fatal("accepted another file")
			}
		})
	}
}
