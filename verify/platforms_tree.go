package verify

import (
	"fmt"
	"slices"
)

// role is what an entry of an index is good for.
type role string

const (
	roleImage       role = "image"
	roleIndex       role = "index"
	roleAttestation role = attestationManifest
)

// node is one entry of an index, or of an index inside it.
type node struct {
	entry
	role role
	// facts are what is known of it: nil where nothing was collected.
	facts *Facts
	// opened is true for a nested index whose entries follow.
	opened bool
	// proved is true for an attestation manifest whose bytes show that it is one.
	proved bool
	// impostor says why what calls itself an attestation manifest is none.
	impostor string
}

// tree is everything that an index lists, in its order, what nested indexes list after them.
type tree struct {
	index Image
	nodes []node
	// err says why the index cannot be read.
	err error
}

// treeOf reads the index that facts are of, and what was collected of nested ones.
func treeOf(facts *Facts, limits Limits) *tree {
	t := &tree{index: facts.image}
	// A source hashed these bytes; everything that is read of them rests on it.
	if found := facts.lists(limits).digest; found != "" && found != facts.image.Digest {
		t.err = fmt.Errorf("%s: its bytes hash to %s, not to %s", RegistryDigestMismatch, found, facts.image.Digest)
		return t
	}
	known := map[string]*childFacts{}
	for i := range facts.children {
		known[facts.children[i].child.Image.Digest] = &facts.children[i]
	}
	t.err = t.read(facts.image.Manifest, known, map[string]bool{facts.image.Digest: true}, 0, limits)
	return t
}

// read adds what one index lists. seen keeps an index that is listed twice from being
// read twice.
func (t *tree) read(index []byte, known map[string]*childFacts, seen map[string]bool, depth int, limits Limits) error {
	entries, err := parseIndex(index, limits)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if len(t.nodes) == maxEntries {
			return fmt.Errorf("it lists more than %d manifests with those of nested indexes", maxEntries)
		}
		n := newNode(e, entries, known[e.digest], limits)
		nested := isIndexType(e.mediaType) && n.facts != nil && n.facts.image.Manifest != nil && isIndex(n.facts.image)
		n.opened = nested && depth < maxNesting
		if nested {
			n.role = roleIndex
		}
		t.nodes = append(t.nodes, n)
		if !n.opened || seen[e.digest] {
			continue
		}
		seen[e.digest] = true
		if err := t.read(n.facts.image.Manifest, known, seen, depth+1, limits); err != nil {
			return fmt.Errorf("the nested index %s: %w", e.digest, err)
		}
	}
	return nil
}

// newNode tells what an entry is, by what is known of it.
func newNode(e entry, siblings []entry, known *childFacts, limits Limits) node {
	n := node{entry: e, role: roleImage}
	if known != nil {
		n.facts = &known.facts
		if manifest := n.facts.image.Manifest; manifest != nil {
			if bad := e.check(manifest); bad != nil { // whoever fetched it should have seen that
				n.facts = &Facts{image: Image{Reference: n.facts.image.Reference, Digest: e.digest}, failures: []Failure{*bad}}
			}
		}
	}
	read := n.facts != nil && n.facts.image.Manifest != nil
	switch {
	case isIndexType(e.mediaType) && !read:
		n.role = roleIndex
	case !e.candidate(siblings):
		if e.platform.unknown() || e.annotations[annotationReferenceType] == attestationManifest {
			n.impostor = "it does not name a sibling in the same index"
		}
	case read:
		if err := onlyInToto(n.facts.image.Manifest, limits); err != nil {
			n.impostor = err.Error()
		} else {
			n.role, n.proved = roleAttestation, true
		}
	case n.facts == nil: // by its own word
		n.role = roleAttestation
	}
	return n
}

// check says how bytes are not those that a descriptor describes, or nil.
func (e entry) check(b []byte) *Failure {
	bad := &Failure{Class: Definitive, Place: e.digest}
	switch found := digestOf(b); {
	case found != e.digest:
		bad.Code, bad.Detail = RegistryDigestMismatch, "the bytes hash to "+found
	case int64(len(b)) != e.size:
		bad.Code, bad.Detail = RegistrySizeMismatch, fmt.Sprintf("it has %d bytes, its descriptor says %d", len(b), e.size)
	default:
		return nil
	}
	return bad
}

// runs reports whether a node could be run, as far as is known.
func (n node) runs() bool { return !n.proved && !n.opened }

// name says which node it is, for people.
func (n node) name() string {
	if p := n.platform.String(); p != "" {
		return p + " (" + n.digest + ")"
	}
	return n.digest + ", which names no platform,"
}

// holds reports whether the index lists a digest. sure is false where part of the
// index could not be read, and it could be there.
func (t *tree) holds(digest string) (held, sure bool) {
	held = slices.ContainsFunc(t.nodes, func(n node) bool { return n.digest == digest })
	unread := slices.ContainsFunc(t.nodes, func(n node) bool { return n.role == roleIndex && !n.opened })
	return held, held || !unread
}

// failure is the first that kept a nested index from being read.
func (t *tree) failure() (Failure, bool) {
	for _, n := range t.nodes {
		if n.role == roleIndex && !n.opened {
			return n.unread(), true
		}
	}
	return Failure{}, false
}

// unread says why nothing is known of a node.
func (n node) unread() Failure {
	if n.facts != nil && len(n.facts.failures) > 0 {
		return n.facts.failures[0]
	}
	if n.facts != nil && n.role == roleIndex {
		return Failure{Code: LimitExceeded, Class: Definitive, Place: n.digest, Detail: fmt.Sprintf("indexes lie one in the other more than %d deep", maxNesting)}
	}
	return Failure{Code: PlaceUnavailable, Class: Definitive, Place: n.digest, Detail: "the evidence about it was not collected"}
}
