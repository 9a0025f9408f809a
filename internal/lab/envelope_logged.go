package lab

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// LoggedEnvelope signs a statement and has the log witness whatever bytes change makes of the envelope: what somebody can
// do who holds no key, since anybody may log an envelope that was signed.
func (s *Signer) LoggedEnvelope(statement []byte, at time.Time, change func(string) string) (Layer, error) {
	env, err := s.newEnvelope(InTotoPayloadType, statement)
	if err != nil {
		return Layer{}, err
	}
	good, err := env.marshal()
	if err != nil {
		return Layer{}, err
	}
	changed := []byte(change(string(good)))
	body, err := json.Marshal(object{"apiVersion": "0.0.1", "kind": "dsse", "spec": object{
		"envelopeHash": sha256Object(changed),
		"payloadHash":  sha256Object(statement),
		"signatures": []object{{
			"signature": base64.StdEncoding.EncodeToString(env.signatures[0]),
			"verifier":  base64.StdEncoding.EncodeToString(s.verifierPEM()),
		}},
	}})
	if err != nil {
		return Layer{}, fmt.Errorf("log envelope: %w", err)
	}
	cfg := newLegacyConfig([]LegacyOption{LegacyEntryBody(body)})
	annotations, err := s.legacyAnnotations(content{envelope: &env, message: env.encoding(), signature: env.signatures[0]}, at, cfg)
	if err != nil {
		return Layer{}, fmt.Errorf("log envelope: %w", err)
	}
	annotations[SignatureAnnotation] = ""
	if t := predicateType(statement); t != "" {
		annotations[PredicateTypeAnnotation] = t
	}
	return Layer{MediaType: EnvelopeMediaType, Bytes: changed, Annotations: annotations}, nil
}
