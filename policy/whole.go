package policy

import "go.yaml.in/yaml/v3"

// platforms reads which platforms an index must and may hold.
func (r *reader) platforms(n *yaml.Node) *Platforms {
	r.fail(n, "platforms is not judged yet")
	return nil
}

// consistency reads which claims all evidence must agree on.
func (r *reader) consistency(n *yaml.Node) *Consistency {
	r.fail(n, "consistency is not judged yet")
	return nil
}

// freshness reads how long ago a release may have been signed.
func (r *reader) freshness(n *yaml.Node) *Freshness {
	r.fail(n, "freshness is not judged yet")
	return nil
}
