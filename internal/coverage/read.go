package coverage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/verify"
)

// Bounds of what is read. A list of all pods of a cluster of a thousand nodes is about
// 10 MiB once `kubectl get -o json` has written it for reading.
const (
	// MaxBytes is how many bytes are read, MaxRefs how many references.
	MaxBytes = 16 << 20
	MaxRefs  = 100_000
	// maxObject bounds one object in bytes: no more fits into a cluster's store.
	maxObject = 4 << 20
	// maxMarks bounds how many values a text of YAML can have, counted by its marks.
	maxMarks = 2_000_000
	// maxNested is how deep lists of objects lie one in the other.
	maxNested = 8
	maxLine   = 4096
)

// Read reads references, one a line, or objects of Kubernetes as JSON or YAML, whichever
// it is. In lines, what follows "#" is a comment. Every line has to be a reference, and
// something has to name an image.
func Read(r io.Reader) ([]Ref, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the images: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("read the images: found more than %d bytes; give them in parts, such as by namespace", MaxBytes)
	}
	var refs []Ref
	switch trimmed := bytes.TrimSpace(b); {
	case len(trimmed) == 0:
		return nil, errors.New("read the images: there is nothing to read")
	case trimmed[0] == '{':
		refs, err = fromJSON(trimmed)
	case isYAML(b):
		refs, err = fromYAML(b)
	default:
		refs, err = fromLines(string(b))
	}
	if err != nil {
		return nil, err
	}
	switch n := len(refs); {
	case n == 0: // nothing looked at is not all covered
		return nil, errors.New("read the images: no image is named")
	case n > MaxRefs:
		return nil, fmt.Errorf("read the images: found %d references; wanted at most %d", n, MaxRefs)
	}
	return refs, nil
}

// Words reads references that are given one by one.
func Words(words []string) ([]Ref, error) {
	var refs []Ref
	for _, w := range words {
		if _, err := verify.ParseReference(w); err != nil {
			return nil, err
		}
		refs = append(refs, Ref{Image: w})
	}
	return refs, nil
}

// isYAML reports whether a text is an object: no reference begins with one of its keys
// and a colon.
func isYAML(b []byte) bool {
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n ")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("%")) {
			return true
		}
		key, _, ok := bytes.Cut(line, []byte(":"))
		return ok && strings.Contains(" apiVersion kind items metadata spec status template data ", " "+string(key)+" ")
	}
	return false
}

func fromLines(text string) ([]Ref, error) {
	var refs []Ref
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("line %d has %d bytes; wanted an image reference", n, len(line))
		}
		if _, err := verify.ParseReference(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if refs = append(refs, Ref{line, fmt.Sprintf("line %d", n)}); len(refs) > MaxRefs {
			return nil, fmt.Errorf("found more than %d references", MaxRefs)
		}
	}
	return refs, nil
}

// fromJSON reads objects that follow each other.
func fromJSON(b []byte) ([]Ref, error) {
	var refs []Ref
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return refs, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the objects: %w", err)
		}
		if err := once(raw); err != nil {
			return nil, fmt.Errorf("read the objects: %w", err)
		}
		more, err := fromObject(raw, 0)
		if err != nil {
			return nil, fmt.Errorf("read the objects: %w", err)
		}
		if refs = append(refs, more...); len(refs) > MaxRefs {
			return nil, fmt.Errorf("read the objects: found more than %d references", MaxRefs)
		}
	}
}

// maxDeep is how deep values lie one in the other.
const maxDeep = 200

// once refuses JSON in which a key is there twice: two readers could see two images.
func once(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	type level struct {
		keys map[string]bool // nil in a list
		key  bool            // a key comes next
	}
	var open []level
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		delim, _ := t.(json.Delim)
		if delim == '}' || delim == ']' {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].keys != nil {
			if text, ok := t.(string); ok && open[n-1].key {
				if open[n-1].keys[text] {
					return fmt.Errorf("found the key %q twice", text)
				}
				open[n-1].keys[text], open[n-1].key = true, false
				continue
			}
			open[n-1].key = true // this is the value
		}
		switch delim {
		case '{':
			open = append(open, level{map[string]bool{}, true})
		case '[':
			open = append(open, level{})
		}
		if len(open) > maxDeep {
			return fmt.Errorf("values lie one in the other more than %d deep", maxDeep)
		}
	}
}

// fromObject reads one object, or each of a list of them, one at a time: a list is never
// in memory as a whole.
func fromObject(raw json.RawMessage, depth int) ([]Ref, error) {
	if depth > maxNested {
		return nil, fmt.Errorf("lists lie one in the other more than %d deep", maxNested)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(raw, &top); err != nil || top == nil {
		return nil, errors.New("found what is no object")
	}
	var kind string
	if err := json.Unmarshal(top["kind"], &kind); err != nil || kind == "" {
		return nil, errors.New("found an object without a kind; wanted what `kubectl get -o json` or -o yaml writes")
	}
	if _, ok := top["items"]; ok {
		var items []json.RawMessage
		if err := json.Unmarshal(top["items"], &items); err != nil {
			return nil, fmt.Errorf("the items of a %s are no list", kind)
		}
		var refs []Ref
		for _, item := range items {
			more, err := fromObject(item, depth+1)
			if err != nil {
				return nil, err
			}
			if refs = append(refs, more...); len(refs) > MaxRefs {
				return nil, fmt.Errorf("found more than %d references", MaxRefs)
			}
		}
		return refs, nil
	}
	if len(raw) > maxObject {
		return nil, fmt.Errorf("an object of the kind %q has %d bytes; wanted at most %d", kind, len(raw), maxObject)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	return images(object), nil
}

// fromYAML reads documents of objects. Anchors are refused: no tool writes them into
// objects, and a few lines of them can stand for millions.
func fromYAML(b []byte) ([]Ref, error) {
	marks := 0
	for _, c := range b {
		if c == '\n' || c == ',' || c == ':' || c == '[' || c == '{' || c == '-' {
			marks++
		}
	}
	if marks > maxMarks {
		return nil, fmt.Errorf("read the objects: there are too many values for YAML; give them as JSON (-o json)")
	}
	var refs []Ref
	dec := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return refs, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the objects: %w", err)
		}
		if len(doc.Content) == 1 && doc.Content[0].Tag == "!!null" {
			continue // nothing between two marks
		}
		v, err := plain(&doc)
		if err != nil {
			return nil, fmt.Errorf("read the objects: %w", err)
		}
		more, err := fromValue(v, 0)
		if err != nil {
			return nil, fmt.Errorf("read the objects: line %d: %w", doc.Line, err)
		}
		if refs = append(refs, more...); len(refs) > MaxRefs {
			return nil, fmt.Errorf("read the objects: found more than %d references", MaxRefs)
		}
	}
}

// fromValue is fromObject for what was read from YAML.
func fromValue(v any, depth int) ([]Ref, error) {
	object, ok := v.(map[string]any)
	if !ok || depth > maxNested {
		return nil, errors.New("found what is no object")
	}
	if kind, _ := object["kind"].(string); kind == "" {
		return nil, errors.New("found an object without a kind; wanted what `kubectl get -o json` or -o yaml writes")
	}
	list, ok := object["items"]
	if !ok {
		return images(object), nil
	}
	items, ok := list.([]any)
	if !ok && list != nil {
		return nil, errors.New("the items of a list are no list")
	}
	var refs []Ref
	for _, item := range items {
		more, err := fromValue(item, depth+1)
		if err != nil {
			return nil, err
		}
		refs = append(refs, more...)
	}
	return refs, nil
}

// plain turns nodes of YAML into maps, lists and texts. A key that is there twice is
// refused: two readers could see two images.
func plain(n *yaml.Node) (any, error) {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return nil, fmt.Errorf("line %d: found an anchor or an alias, which are not read", n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) != 1 {
			return nil, fmt.Errorf("line %d: found no object", n.Line)
		}
		return plain(n.Content[0])
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if _, twice := m[key.Value]; twice || key.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: found the key %q twice, or a key that is no text", key.Line, key.Value)
			}
			v, err := plain(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := plain(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	if n.Tag == "!!null" {
		return nil, nil //nolint:nilnil // a value that is null
	}
	return n.Value, nil
}
