package lab

import "fmt"

// Layouts says in which layouts the release carries its evidence.
func (r *Release) Layouts() Form { return r.form }

// SignDigest adds a signature in the legacy layout over any text in the digest's place.
func (r *Release) SignDigest(signer *Signer, digest string) error {
	layer, err := signer.LegacySignature(r.Repository, digest, r.at.Add(loggingDelay))
	if err != nil {
		return fmt.Errorf("sign digest: %w", err)
	}
	r.Signatures = append(r.Signatures, layer)
	return nil
}
