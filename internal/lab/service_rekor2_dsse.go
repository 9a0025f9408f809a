package lab

//lint:file-ignore SA1019 older clients send what newer ones call deprecated

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/sigstore/pkg/signature"
)

// tileSignatures is how many signatures and verifiers an envelope may come with.
const tileSignatures = 16

// dsseTileEntry verifies an envelope and returns its entry. Rekor v2 took envelopes as such until version 2.3, and
// cosign 2 still sends them; newer clients send a hashedrekord over the envelope's pre-authentication encoding, and
// newer verifiers know only that.
func dsseTileEntry(request *rekortiles.CreateEntryRequest_DsseRequestV002, algorithms *signature.AlgorithmRegistryConfig) (*rekortiles.Entry, error) {
	env, verifiers := request.DsseRequestV002.GetEnvelope(), request.DsseRequestV002.GetVerifiers()
	if n, m := len(env.GetSignatures()), len(verifiers); n == 0 || m == 0 || n > tileSignatures || m > tileSignatures {
		return nil, fmt.Errorf("want 1 to %d signatures and as many verifiers, found %d and %d", tileSignatures, n, m)
	}
	message := envelope{payloadType: env.GetPayloadType(), payload: env.GetPayload()}.encoding()
	var signed []*rekortiles.Signature
	for i, sig := range env.GetSignatures() {
		by, err := tileVerifierOf(sig.GetSig(), message, verifiers, algorithms)
		if err != nil {
			return nil, fmt.Errorf("signature %d: %w", i+1, err)
		}
		signed = append(signed, &rekortiles.Signature{Content: sig.GetSig(), Verifier: by})
	}
	slices.SortFunc(signed, func(a, b *rekortiles.Signature) int { return bytes.Compare(a.GetContent(), b.GetContent()) })
	sum := sha256.Sum256(env.GetPayload())
	return &rekortiles.Entry{
		Kind:       "dsse",
		ApiVersion: "0.0.2",
		Spec: &rekortiles.Spec{Spec: &rekortiles.Spec_DsseV002{DsseV002: &rekortiles.DSSELogEntryV002{
			PayloadHash: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signatures:  signed,
		}}},
	}, nil
}

// tileVerifierOf finds the verifier whose key made a signature.
func tileVerifierOf(sig, message []byte, verifiers []*rekortiles.Verifier, algorithms *signature.AlgorithmRegistryConfig) (*rekortiles.Verifier, error) {
	for _, v := range verifiers {
		pub, err := tileKey(v)
		if err != nil {
			return nil, err
		}
		details, err := signature.GetAlgorithmDetails(v.GetKeyDetails())
		if err != nil {
			return nil, fmt.Errorf("read verifier: %w", err)
		}
		if ok, err := algorithms.IsAlgorithmPermitted(pub, details.GetHashType()); err != nil || !ok {
			return nil, errors.Join(fmt.Errorf("check verifier: the log does not take %s with a key of type %T", v.GetKeyDetails(), pub), err)
		}
		verifier, err := signature.LoadVerifier(pub, details.GetHashType())
		if err != nil {
			return nil, fmt.Errorf("load verifier: %w", err)
		}
		if verifier.VerifySignature(bytes.NewReader(sig), bytes.NewReader(message)) == nil {
			return v, nil
		}
	}
	return nil, errors.New("no verifier's key made it")
}

// tileKey returns the key of a verifier.
func tileKey(v *rekortiles.Verifier) (crypto.PublicKey, error) {
	if cert := v.GetX509Certificate(); cert != nil {
		parsed, err := x509.ParseCertificate(cert.GetRawBytes())
		if err != nil {
			return nil, fmt.Errorf("read verifier's certificate: %w", err)
		}
		return parsed.PublicKey, nil
	}
	pub, err := x509.ParsePKIXPublicKey(v.GetPublicKey().GetRawBytes())
	if err != nil {
		return nil, fmt.Errorf("read verifier's public key: %w", err)
	}
	return pub, nil
}
