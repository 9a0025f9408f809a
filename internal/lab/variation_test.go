package lab_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/releaseassay/assay/internal/lab"
)

func TestVariation(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	for _, c := range []struct {
		form            lab.Form
		layers, bundles int
	}{{lab.BothForms, 1, 1}, {lab.LegacyForm, 1, 0}, {lab.BundleForm, 0, 1}} {
		r, err := lab.NewRelease(s, lab.ReleaseOptions{Repository: "registry.example/acme/widget"})
		must(t, r, err)
		signer, err := s.Issue(r.Signer(), then)
		must(t, signer, err)
		if err := r.SignBy(signer, lab.Variation{Form: c.form}); err != nil {
			t.Fatal(err)
		}
		if err := r.AttestBy(signer, statement(t), lab.Variation{Form: c.form}); err != nil {
			t.Fatal(err)
		}
		if len(r.Signatures) != c.layers || len(r.Attestations) != c.layers || len(r.Referrers) != 2*c.bundles {
			t.Errorf("form %d: %d signatures, %d attestations, %d bundles", c.form, len(r.Signatures), len(r.Attestations), len(r.Referrers))
		}
	}
}

// What is taken from another bundle, or made by another instance, is not accepted in this one.
func TestElsewhere(t *testing.T) {
	s, other := newSigstore(t, lab.Options{}), newSigstore(t, lab.Options{})
	issue := func(from *lab.Sigstore, opts ...lab.LeafOption) *lab.Signer {
		signer, err := from.Issue(release(), then, opts...)
		return must(t, signer, err)
	}
	signer, at := issue(s), then.Add(time.Minute)
	bundled := func(by *lab.Signer, opts ...lab.BundleOption) []byte {
		b, err := by.Bundle(statement(t), at, opts...)
		return must(t, b, err)
	}
	first := bundled(signer)
	own, err := lab.EntriesOf(first)
	must(t, own, err)
	foreign, err := lab.EntriesOf(bundled(issue(s)))
	must(t, foreign, err)
	older, err := lab.CheckpointOf(first)
	must(t, older, err)
	below, err := signer.Issue(release(), then)
	must(t, below, err)
	if err := below.Certificate.CheckSignatureFrom(signer.Certificate); err == nil {
		t.Error("a leaf may issue certificates")
	}
	if err := signer.Certificate.CheckSignature(below.Certificate.SignatureAlgorithm, below.Certificate.RawTBSCertificate, below.Certificate.Signature); err != nil {
		t.Errorf("the leaf did not sign what it issued: %v", err)
	}
	for name, c := range map[string]struct {
		bundle []byte
		good   bool
	}{
		"its own timestamp":                     {bundled(signer, lab.RekorV2(), lab.StampedBy(s)), true},
		"another instance's timestamp":          {bundled(signer, lab.RekorV2(), lab.StampedBy(other)), false},
		"another bundle's entries":              {bundled(signer, foreign), false},
		"entries of another signature":          {bundled(signer, own), false},
		"an older checkpoint":                   {bundled(signer, older), false},
		"another instance's certificate":        {bundled(issue(other).On(s)), false},
		"a certificate below a leaf":            {bundled(below), false},
		"a promise of another certificate":      {bundled(issue(s, lab.OtherSCT())), false},
		"its own certificate, logged elsewhere": {bundled(signer.On(other)), false},
	} {
		if _, err := check(t, s, c.bundle, release().SAN); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJointRoot(t *testing.T) {
	raw, err := lab.JointRoot(newSigstore(t, lab.Options{}), newSigstore(t, lab.Options{Name: "old"}))
	joint, err := root.NewTrustedRootFromJSON(must(t, raw, err))
	must(t, joint, err)
	if a, l, c, s := len(joint.FulcioCertificateAuthorities()), len(joint.RekorLogs()), len(joint.CTLogs()), len(joint.TimestampingAuthorities()); a != 2 || l != 4 || c != 2 || s != 2 {
		t.Errorf("the root lists %d authorities, %d logs, %d certificate logs and %d timestamp authorities", a, l, c, s)
	}
}

func TestLoggedEnvelope(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	signer, err := s.Issue(release(), then)
	must(t, signer, err)
	layer, err := signer.LoggedEnvelope(statement(t), then, func(e string) string { return e + " " })
	must(t, layer, err)
	good, err := signer.LegacyAttestation(statement(t), then)
	must(t, good, err)
	if !bytes.HasSuffix(layer.Bytes, []byte("} ")) {
		t.Errorf("the envelope ends in %q", layer.Bytes[len(layer.Bytes)-2:])
	}
	for key := range good.Annotations {
		if _, ok := layer.Annotations[key]; !ok {
			t.Errorf("the annotation %s is missing", key)
		}
	}
}
