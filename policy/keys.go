package policy

// Keys lists every key that the policy names, each once by its digest.
func (p *Policy) Keys() []Key {
	var keys []Key
	seen := map[string]bool{}
	for _, rule := range p.Rules {
		for _, d := range rule.Demands() {
			for _, s := range d.Signers {
				if s.Key != nil && !seen[s.Key.SHA256] {
					seen[s.Key.SHA256] = true
					keys = append(keys, *s.Key)
				}
			}
		}
	}
	return keys
}

// PinnedRoots lists every TUF root that the policy pins, each once by its digest; an
// inline one before a file of the same digest, since it need not be read.
func (p *Policy) PinnedRoots() []PinnedRoot {
	var roots []PinnedRoot
	at := map[string]int{}
	for _, rule := range p.Rules {
		if rule.Release == nil {
			continue
		}
		root := rule.Release.TUF.Root
		i, seen := at[root.SHA256]
		switch {
		case !seen:
			at[root.SHA256] = len(roots)
			roots = append(roots, root)
		case roots[i].Inline == "":
			roots[i] = root
		}
	}
	return roots
}
