package lab

import (
	"errors"
	"fmt"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// On returns a signer that keeps key and certificate, and logs and stamps its signatures at another instance.
func (s *Signer) On(other *Sigstore) *Signer {
	out := *s
	out.sigstore = other
	return &out
}

// Issue certifies a new key with the signer's own certificate as the authority, which it never is: a leaf below a leaf.
func (s *Signer) Issue(id Identity, at time.Time) (*Signer, error) {
	cfg := newLeafConfig(nil)
	template, err := leafTemplate(id, at, cfg)
	if err != nil {
		return nil, fmt.Errorf("issue certificate below a leaf: %w", err)
	}
	below, err := s.sigstore.NewKeySigner()
	if err != nil {
		return nil, err
	}
	cert, err := createCertificate(template, s.Certificate, below.key.Public(), s.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate below a leaf: %w", err)
	}
	if cert, err = s.sigstore.embedSCT(cert, template, s.Certificate, below, s.key, at, cfg); err != nil {
		return nil, fmt.Errorf("issue certificate below a leaf: %w", err)
	}
	below.Certificate = cert
	return below, nil
}

// EntriesOf replaces a bundle's log entries by those of another bundle.
func EntriesOf(bundle []byte) (BundleOption, error) {
	var from protobundle.Bundle
	if err := protojson.Unmarshal(bundle, &from); err != nil {
		return nil, fmt.Errorf("read log entries: %w", err)
	}
	return EditBundle(func(b *protobundle.Bundle) {
		b.VerificationMaterial.TlogEntries = from.GetVerificationMaterial().GetTlogEntries()
	}), nil
}

// CheckpointOf replaces the checkpoint of a bundle's first log entry by that of another bundle.
func CheckpointOf(bundle []byte) (BundleOption, error) {
	var from protobundle.Bundle
	if err := protojson.Unmarshal(bundle, &from); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	entries := from.GetVerificationMaterial().GetTlogEntries()
	if len(entries) == 0 {
		return nil, errors.New("read checkpoint: found a bundle without a log entry")
	}
	return EditBundle(func(b *protobundle.Bundle) {
		b.VerificationMaterial.TlogEntries[0].InclusionProof.Checkpoint = entries[0].GetInclusionProof().GetCheckpoint()
	}), nil
}
