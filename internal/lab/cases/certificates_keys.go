package cases

import (
	"bytes"
	"encoding/pem"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/releaseassay/assay/internal/lab"
)

// rawKeyAdvisory is about a key that was taken for a certificate.
const rawKeyAdvisory = "GHSA-fx35-mq7g-6g98"

// rawKeys: class 10, a key where a certificate belongs.
func rawKeys() []Case {
	return []Case{
		{
			ID: slug(10, "signature by a raw key"), Class: 10, Advisories: []string{rawKeyAdvisory},
			Shows: "The image is signed with a key that anybody can make, and no certificate says whose it is.",
			Want:  Fails("signature", "signature.key_signed"),
			Build: odd{before: plainKey}.sign,
		},
		{
			ID: slug(10, "provenance by a raw key"), Class: 10, Advisories: []string{rawKeyAdvisory},
			Shows: "The provenance is signed with a key that anybody can make, and no certificate names a builder.",
			Want:  Fails("provenance", "provenance.key_signed"),
			Build: odd{before: plainKey}.attest,
		},
		certificateText("raw key as certificate", "signature.malformed",
			"The bare public key stands where the certificate of the signer belongs.",
			func(s *lab.Signer) string { return string(s.PublicKeyPEM()) }),
		certificateText("raw key called certificate", "signature.malformed",
			"The bare public key stands in the certificate's place, in an envelope that calls it a certificate.",
			func(s *lab.Signer) string {
				block, _ := pem.Decode(s.PublicKeyPEM())
				return certificateBlock(nil, block.Bytes)
			}),
		certificateText("empty certificate", "signature.key_signed",
			"The certificate of the signer is an empty text, so that nobody is named.",
			func(*lab.Signer) string { return "" }),
		certificateText("two certificates", "signature.malformed",
			"Two certificates stand where one belongs, so that one program checks the first and another one the second.",
			func(s *lab.Signer) string { return string(s.CertificatePEM()) + string(s.ChainPEM()) }),
		certificateText("certificate with headers", "signature.malformed",
			"The certificate's text has a header, which some programs skip and others read.",
			func(s *lab.Signer) string { return certificateBlock(map[string]string{"a": "b"}, s.Certificate.Raw) }),
		certificateText("certificate with a tail", "signature.malformed",
			"A byte follows the certificate, so that what was signed and what is shown are not the same bytes.",
			func(s *lab.Signer) string { return certificateBlock(nil, append(bytes.Clone(s.Certificate.Raw), 0)) }),
		{
			ID: slug(10, "certificate left out"), Class: 10, Advisories: []string{rawKeyAdvisory},
			Shows: "The release workflow did sign, but its certificate was taken away, so that only a key is left.",
			Want:  Fails("signature", "signature.key_signed"),
			Build: odd{legacy: []lab.LegacyOption{lab.DropAnnotation(lab.CertificateAnnotation)}, bundle: []lab.BundleOption{hinted}}.sign,
		},
	}
}

// certificateText is a case with another text where the legacy layout has the certificate.
func certificateText(words, code, shows string, text func(*lab.Signer) string) Case {
	return Case{
		ID: slug(10, words), Class: 10, Advisories: []string{rawKeyAdvisory}, Shows: shows,
		Want: Fails("signature", code),
		Build: odd{form: lab.LegacyForm, before: func(l *leg) error {
			l.Legacy = append(l.Legacy, lab.Annotation(lab.CertificateAnnotation, text(l.signer)))
			return nil
		}}.sign,
	}
}

func certificateBlock(headers map[string]string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: headers, Bytes: der}))
}

// plainKey has a key without a certificate sign.
func plainKey(l *leg) error {
	var err error
	l.signer, err = l.NewKeySigner()
	return err
}

// hinted shows the name of a key in place of a bundle's certificate.
var hinted = lab.EditBundle(func(b *protobundle.Bundle) {
	b.VerificationMaterial.Content = &protobundle.VerificationMaterial_PublicKey{
		PublicKey: &protocommon.PublicKeyIdentifier{Hint: "release"},
	}
})
