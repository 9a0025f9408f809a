package policy

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Position is where in a file something stands, counted from 1.
type Position struct{ Line, Column int }

// Positions are those of a policy's keys, by paths as [Mutation] has them.
type Positions map[string]Position

// PositionsOf reads where the keys of one policy file stand. Text that is no policy, and
// what the policy includes, has none.
func PositionsOf(b []byte) Positions {
	found := Positions{}
	root, err := (&reader{}).document(b)
	if err != nil {
		return found
	}
	locator{found: found, identities: member(root, "identities")}.walk(root, "", "")
	return found
}

// Find returns where a demand stands. Where that is not written by itself, written is
// false and p is of what it is part of; p is zero where nothing of it is in the file.
func (f Positions) Find(path string) (p Position, written bool) {
	if p, ok := f[path]; ok {
		return p, true
	}
	parts := strings.Split(path, ".")
	for i, part := range parts { // a source may stand beside the demands that it is for
		if i < 1 || !strings.HasPrefix(part, "source") || !strings.HasPrefix(parts[0], "images[") {
			continue
		}
		if _, own := f[strings.Join(parts[:i], ".")+".source"]; !own {
			if p, ok := f[strings.Join(append([]string{parts[0]}, parts[i:]...), ".")]; ok {
				return p, true
			}
		}
	}
	for len(parts) > 1 {
		parts = parts[:len(parts)-1]
		if p, ok := f[strings.Join(parts, ".")]; ok {
			return p, false
		}
	}
	return Position{}, false
}

// maxPlaces is how deep a policy is looked into: no key that is judged lies deeper.
const maxPlaces = 24

type locator struct {
	found      Positions
	identities *yaml.Node
	depth      int
}

// walk notes where n stands, which is the value of a key or of one element of its list.
func (l locator) walk(n *yaml.Node, path, key string) {
	if l.depth++; l.depth > maxPlaces {
		return
	}
	if known := l.named(key, n); known != nil {
		n, l.identities = known, nil
	}
	if _, known := l.found[path]; !known && path != "" {
		l.found[path] = Position{n.Line, n.Column}
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := join(path, key.Value)
			l.found[at] = Position{key.Line, key.Column}
			l.walk(value, at, key.Value)
		}
	case yaml.SequenceNode:
		for i, element := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			if len(n.Content) == 1 && (key == "signer" || key == "source") {
				at = path // which might as well stand without a list
			}
			l.walk(element, at, key)
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
}

// named returns what the name of a signer or source stands for, nil for anything else.
func (l locator) named(key string, n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.ScalarNode || key != "signer" && key != "source" {
		return nil
	}
	return member(member(l.identities, key+"s"), n.Value)
}

// member returns a mapping's value, nil if there is none.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
