package policy

import "go.yaml.in/yaml/v3"

// attestations reads demands for named attestations; shared and used are as in signature.
func (r *reader) attestations(n *yaml.Node, shared []Source, used *bool, p *Policy) []Attestation {
	r.fail(n, "attestations are not judged yet")
	return nil
}
