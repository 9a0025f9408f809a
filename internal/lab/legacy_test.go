package lab_test

import (
	"context"
	"crypto"
	"encoding/json"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"

	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"

	"github.com/releaseassay/assay/internal/lab"
)

// checkLayer verifies a legacy layer with cosign's own functions, offline.
func checkLayer(t *testing.T, s *lab.Sigstore, layer lab.Layer, tweak func(*cosign.CheckOpts)) error {
	t.Helper()
	rootJSON, err := s.TrustedRoot()
	material, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	co := &cosign.CheckOpts{
		TrustedMaterial: must(t, material, err2),
		Offline:         true,
		Identities:      []cosign.Identity{{Issuer: lab.GitHubIssuer, Subject: release().SAN}},
	}
	if tweak != nil {
		tweak(co)
	}
	var opts []static.Option
	if cert := layer.Annotations[lab.CertificateAnnotation]; cert != "" {
		opts = append(opts, static.WithCertChain([]byte(cert), []byte(layer.Annotations[lab.ChainAnnotation])))
	}
	if text := layer.Annotations[lab.BundleAnnotation]; text != "" {
		var b cosignbundle.RekorBundle
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return err
		}
		opts = append(opts, static.WithBundle(&b))
	}
	if text := layer.Annotations[lab.TimestampAnnotation]; text != "" {
		var ts cosignbundle.RFC3161Timestamp
		if err := json.Unmarshal([]byte(text), &ts); err != nil {
			return err
		}
		opts = append(opts, static.WithRFC3161Timestamp(&ts))
	}
	hash, err := v1.NewHash(digest)
	must(t, hash, err)
	var sig oci.Signature
	verify := cosign.VerifyImageSignature
	if layer.MediaType == lab.EnvelopeMediaType {
		co.ClaimVerifier = cosign.IntotoSubjectClaimVerifier
		verify = cosign.VerifyBlobAttestation
		sig, err = static.NewAttestation(layer.Bytes, opts...)
	} else {
		co.ClaimVerifier = cosign.SimpleClaimVerifier
		sig, err = static.NewSignature(layer.Bytes, layer.Annotations[lab.SignatureAnnotation], opts...)
	}
	verified, err := verify(context.Background(), must(t, sig, err), hash, co)
	if err == nil && !verified {
		t.Error("no error, and nothing verified")
	}
	return err
}

func TestLegacySignature(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	soon := then.Add(time.Minute)
	const repo = "registry.example/acme/widget"
	for name, tc := range map[string]struct {
		opts []lab.LegacyOption
		bad  bool
	}{
		"default":           {},
		"with timestamp":    {opts: []lab.LegacyOption{lab.LegacyTimestamp()}},
		"other payload":     {opts: []lab.LegacyOption{lab.LegacyPayload([]byte(`{"critical":{}}`))}, bad: true},
		"entry of another":  {opts: []lab.LegacyOption{lab.LegacyEntryOf([]byte("other"))}, bad: true},
		"unknown log":       {opts: []lab.LegacyOption{lab.LegacyUnknownLog()}, bad: true},
		"impostor log":      {opts: []lab.LegacyOption{lab.LegacyImpostorLog()}, bad: true},
		"false promise":     {opts: []lab.LegacyOption{lab.LegacyFalsePromise()}, bad: true},
		"no bundle":         {opts: []lab.LegacyOption{lab.DropAnnotation(lab.BundleAnnotation)}, bad: true},
		"no certificate":    {opts: []lab.LegacyOption{lab.DropAnnotation(lab.CertificateAnnotation)}, bad: true},
		"null bundle":       {opts: []lab.LegacyOption{lab.RawBundle("[]")}, bad: true},
		"another signature": {opts: []lab.LegacyOption{lab.Annotation(lab.SignatureAnnotation, "AAAA")}, bad: true},
		"critical type":     {opts: []lab.LegacyOption{lab.CriticalType("something else")}}, // cosign does not look
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := s.Issue(release(), then)
			layer, err2 := must(t, signer, err).LegacySignature(repo, digest, soon, tc.opts...)
			err = checkLayer(t, s, must(t, layer, err2), func(co *cosign.CheckOpts) {
				co.UseSignedTimestamps = layer.Annotations[lab.TimestampAnnotation] != ""
			})
			if (err != nil) != tc.bad {
				t.Errorf("verify: %v", err)
			}
		})
	}
	t.Run("key", func(t *testing.T) {
		signer, err := s.NewKeySigner()
		layer, err2 := must(t, signer, err).LegacySignature(repo, digest, soon)
		must(t, layer, err2)
		err = checkLayer(t, s, layer, func(co *cosign.CheckOpts) {
			v, err := signature.LoadVerifier(signer.PublicKey(), crypto.SHA256)
			co.SigVerifier = must(t, v, err)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLegacyAttestation(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	soon := then.Add(time.Minute)
	st, err := lab.ProvenanceV02(lab.ProvenanceOptions{Subjects: lab.Subjects("registry.example/acme/widget", digest)})
	must(t, st, err)
	for name, tc := range map[string]struct {
		opts []lab.LegacyOption
		bad  bool
	}{
		"default":            {},
		"intoto 0.0.1":       {opts: []lab.LegacyOption{lab.LegacyEntry(lab.EntryIntoto001)}},
		"with timestamp":     {opts: []lab.LegacyOption{lab.LegacyTimestamp()}},
		"entry of another":   {opts: []lab.LegacyOption{lab.LegacyEntryOf([]byte(`{}`))}, bad: true},
		"other payload type": {opts: []lab.LegacyOption{lab.LegacyPayloadType("text/plain")}, bad: true},
		"false promise":      {opts: []lab.LegacyOption{lab.LegacyFalsePromise()}, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := s.Issue(release(), then)
			layer, err2 := must(t, signer, err).LegacyAttestation(st, soon, tc.opts...)
			must(t, layer, err2)
			if got := layer.Annotations[lab.PredicateTypeAnnotation]; got != lab.SLSAv02PredicateType {
				t.Errorf("annotated as %q", got)
			}
			err = checkLayer(t, s, layer, func(co *cosign.CheckOpts) {
				co.UseSignedTimestamps = layer.Annotations[lab.TimestampAnnotation] != ""
			})
			if (err != nil) != tc.bad {
				t.Errorf("verify: %v", err)
			}
		})
	}
}
