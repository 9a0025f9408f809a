package lab

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// InTotoPayloadType is the payload type of an envelope that holds an in-toto statement.
const InTotoPayloadType = "application/vnd.in-toto+json"

// envelope is a DSSE envelope.
type envelope struct {
	payloadType string
	payload     []byte
	signatures  [][]byte
}

// Envelope signs a payload and returns a DSSE envelope as JSON, unlogged.
func (s *Signer) Envelope(payloadType string, payload []byte) ([]byte, error) {
	env, err := s.newEnvelope(payloadType, payload)
	if err != nil {
		return nil, err
	}
	return env.marshal()
}

// newEnvelope signs a payload.
func (s *Signer) newEnvelope(payloadType string, payload []byte) (envelope, error) {
	env := envelope{payloadType: payloadType, payload: payload}
	sig, err := s.Sign(env.encoding())
	if err != nil {
		return envelope{}, fmt.Errorf("sign envelope: %w", err)
	}
	env.signatures = [][]byte{sig}
	return env, nil
}

// encoding is the pre-authentication encoding of DSSE, protocol section "Signature Definition".
func (e envelope) encoding() []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.payloadType), e.payloadType, len(e.payload), e.payload)
}

// surround puts further signatures around the real one.
func (e envelope) surround(before, after [][]byte) envelope {
	e.signatures = slices.Concat(before, e.signatures, after)
	return e
}

// marshal writes the envelope as cosign does.
func (e envelope) marshal() ([]byte, error) {
	type signature struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"`
	}
	out := struct {
		PayloadType string      `json:"payloadType"`
		Payload     string      `json:"payload"`
		Signatures  []signature `json:"signatures"`
	}{PayloadType: e.payloadType, Payload: base64.StdEncoding.EncodeToString(e.payload), Signatures: []signature{}}
	for _, s := range e.signatures {
		out.Signatures = append(out.Signatures, signature{Sig: base64.StdEncoding.EncodeToString(s)})
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return raw, nil
}
