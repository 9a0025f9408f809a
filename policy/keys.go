package policy

// Keys lists every key that the policy names, each once by its digest.
func (p *Policy) Keys() []Key {
	var keys []Key
	seen := map[string]bool{}
	for _, rule := range p.Rules {
		if rule.Signature == nil {
			continue
		}
		for _, s := range rule.Signature.Signers {
			if s.Key != nil && !seen[s.Key.SHA256] {
				seen[s.Key.SHA256] = true
				keys = append(keys, *s.Key)
			}
		}
	}
	return keys
}
