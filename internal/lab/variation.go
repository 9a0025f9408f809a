package lab

import "fmt"

// Variation is how one piece of evidence differs from a good one. The zero value differs in nothing.
type Variation struct {
	// Form says in which layouts the piece is added, whatever the release's own form is.
	Form Form
	// Legacy and Bundle are for the one and for the other layout.
	Legacy []LegacyOption
	Bundle []BundleOption
}

// SignBy adds a signature by a signer, who may show any certificate.
func (r *Release) SignBy(signer *Signer, v Variation) error {
	if v.Form != BundleForm {
		layer, err := signer.LegacySignature(r.Repository, r.Image.Digest(), r.at.Add(loggingDelay), v.Legacy...)
		if err != nil {
			return fmt.Errorf("sign release: %w", err)
		}
		r.Signatures = append(r.Signatures, layer)
	}
	if v.Form == LegacyForm {
		return nil
	}
	statement, err := SignStatement(r.Repository, r.Image.Digest())
	if err != nil {
		return fmt.Errorf("sign release: %w", err)
	}
	return r.addBundle(signer, statement, v.Bundle...)
}

// AttestBy adds an attestation by a signer, who may show any certificate.
func (r *Release) AttestBy(signer *Signer, statement []byte, v Variation) error {
	if v.Form != BundleForm {
		layer, err := signer.LegacyAttestation(statement, r.at.Add(loggingDelay), v.Legacy...)
		if err != nil {
			return fmt.Errorf("attest release: %w", err)
		}
		r.Attestations = append(r.Attestations, layer)
	}
	if v.Form == LegacyForm {
		return nil
	}
	return r.addBundle(signer, statement, v.Bundle...)
}
