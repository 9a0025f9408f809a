package policy

import "go.yaml.in/yaml/v3"

// sbom reads a demand for a bill of materials; shared and used are as in signature.
func (r *reader) sbom(n *yaml.Node, shared []Source, used *bool, p *Policy) *SBOM {
	r.fail(n, "sbom is not judged yet")
	return nil
}
