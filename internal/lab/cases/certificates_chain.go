package cases

import (
	"crypto/x509"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/releaseassay/assay/internal/lab"
)

// borrowedCertificates: class 10, the right certificate beside a signature by another key.
func borrowedCertificates() []Case {
	borrow := func(l *leg) error {
		certificate := l.signer.Certificate
		if err := plainKey(l); err != nil {
			return err
		}
		l.signer = l.signer.WithCertificate(certificate)
		return nil
	}
	return []Case{
		{
			ID: slug(10, "borrowed certificate, signature"), Class: 10,
			Shows: "The release workflow's own certificate, which is public, stands beside a signature by another key.",
			Want:  Fails("signature", "signature.invalid"),
			Build: odd{before: borrow}.sign,
		},
		{
			ID: slug(10, "borrowed certificate, provenance"), Class: 10,
			Shows: "The builder's own certificate, which is public, stands beside provenance that another key signed.",
			Want:  Fails("provenance", "provenance.invalid"),
			Build: odd{before: borrow}.attest,
		},
		{
			ID: slug(10, "intermediate as the certificate"), Class: 10,
			Shows: "The authority's own certificate is shown as that of the signer.",
			Want:  Fails("signature", "signature.invalid"),
			Build: odd{before: func(l *leg) error {
				l.signer = l.signer.WithCertificate(l.FulcioChain()[0])
				return nil
			}}.sign,
		},
	}
}

// unfitLeaves: class 10, certificates by the right authority that are not for signing releases.
func unfitLeaves() []Case {
	leaf := func(words, shows string, o odd) Case {
		return Case{ID: slug(10, words), Class: 10, Shows: shows, Want: Fails("signature", "signature.invalid"), Build: o.sign}
	}
	use := func(u ...x509.ExtKeyUsage) odd { return odd{leaf: []lab.LeafOption{lab.LeafUsage(u...)}} }
	return []Case{
		leaf("certificate for no use", "The certificate does not say that it is for signing code.", use()),
		leaf("certificate for servers", "The certificate is one for web servers.", use(x509.ExtKeyUsageServerAuth)),
		leaf("certificate for any use", "The certificate is for any use, which is not the same as for signing code.", use(x509.ExtKeyUsageAny)),
		leaf("certificate of an authority", "The certificate that signed may itself issue certificates.", odd{leaf: []lab.LeafOption{lab.CALeaf()}}),
		leaf("certificate without claims", "The certificate has the right name and none of the authority's claims, such as who vouched for that name.",
			odd{who: func(id *lab.Identity) { id.DropExtensions = true }}),
	}
}

// strangeChains: class 10, certificates that the trusted authority did not issue.
func strangeChains() []Case {
	unknown := func(words, check, shows string, build func(*Bench) error) Case {
		return Case{ID: slug(10, words), Class: 10, Shows: shows, Want: Fails(check, "trust.unknown_authority"), Build: build}
	}
	self := odd{leaf: []lab.LeafOption{lab.SelfSigned()}}
	return []Case{
		unknown("self-signed certificate, signature", "signature",
			"The attacker wrote a certificate with the right names and signed it with its own key.", self.sign),
		unknown("self-signed certificate, provenance", "provenance",
			"The attacker wrote a certificate with the builder's names and signed it with its own key.", self.attest),
		unknown("another Fulcio, signature", "signature",
			"A certificate authority of the attacker's own gave the right names, brings its chain along, and the signature is in the right log.",
			odd{before: otherFulcio}.sign),
		unknown("another Fulcio, provenance", "provenance",
			"A certificate authority of the attacker's own gave the builder's names, brings its chain along, and the provenance is in the right log.",
			odd{before: otherFulcio}.attest),
		unknown("leaf below a leaf", "signature",
			"The attacker's own valid certificate, which may issue nothing, issued one with the right names and stands in the chain.",
			odd{before: belowLeaf}.sign),
	}
}

// otherFulcio has an instance of the attacker's certify, and the site's log the signature.
func otherFulcio(l *leg) error {
	evil, err := lab.NewSigstore(lab.Options{Now: l.Now(), Name: l.Name()})
	if err != nil {
		return err
	}
	id := l.release.Signer()
	if l.attests {
		id = l.release.Builder()
	}
	signer, err := evil.Issue(id, l.Now())
	if err != nil {
		return err
	}
	l.chain(signer.On(l.Sigstore), string(signer.ChainPEM()), evil.FulcioChain()...)
	return nil
}

// belowLeaf has a stranger's valid certificate issue one for the release workflow.
func belowLeaf(l *leg) error {
	stranger, err := l.Issue(lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).WithIDs("6666", "7777"), l.Now())
	if err != nil {
		return err
	}
	signer, err := stranger.Issue(l.release.Signer(), l.Now())
	if err != nil {
		return err
	}
	above := append([]*x509.Certificate{stranger.Certificate}, l.FulcioChain()...)
	l.chain(signer, string(stranger.CertificatePEM())+string(stranger.ChainPEM()), above...)
	return nil
}

// chain replaces the signer and brings the certificates above it along in both layouts. Bundles have had no place for
// them since v0.3.
func (l *leg) chain(signer *lab.Signer, text string, above ...*x509.Certificate) {
	l.signer = signer
	l.Legacy = append(l.Legacy, lab.Annotation(lab.ChainAnnotation, text))
	l.Bundle = append(l.Bundle, lab.Version(lab.BundleV02), lab.EditBundle(func(b *protobundle.Bundle) {
		c := b.VerificationMaterial.GetX509CertificateChain()
		for _, a := range above {
			c.Certificates = append(c.Certificates, &protocommon.X509Certificate{RawBytes: a.Raw})
		}
	}))
}
