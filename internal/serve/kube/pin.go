package kube

import (
	"encoding/json"
	"fmt"

	"github.com/releaseassay/assay/verify"
)

// Pin gives a reference the digest that it was verified with.
type Pin struct {
	Ref   Ref
	Image string // NAME:TAG@sha256:HEX
}

// Patch is a JSON patch (RFC 6902).
type Patch []Edit

// Edit is one operation of a patch.
type Edit struct {
	Op    string `json:"op"`
	Path  string `json:"path"` // a JSON pointer
	Value string `json:"value"`
}

// Pins writes the patch that puts the pins into the object: for each a test that the
// reference is still the one that was judged, then its replacement. References that an
// update left as they were are passed over, as the API server refuses to change many of
// them, and so are those of templates unless asked for: GitOps tools and kubectl apply
// fight a changed template. A pin that is of another repository, tag or digest than
// its reference is an error.
func Pins(pins []Pin, templates bool) (Patch, error) {
	var p Patch
	for _, pin := range pins {
		if err := pin.check(); err != nil {
			return nil, fmt.Errorf("pin %s: %w", pin.Ref.Path, err)
		}
		if pin.Ref.Held || pin.Ref.Pod.Template && !templates || pin.Image == pin.Ref.Image {
			continue
		}
		p = append(p, Edit{"test", pin.Ref.Pointer, pin.Ref.Image}, Edit{"replace", pin.Ref.Pointer, pin.Image})
	}
	return p, nil
}

// check holds a pin against its reference.
func (p Pin) check() error {
	from, err := verify.ParseReference(p.Ref.Image)
	if err != nil {
		return err
	}
	to, err := verify.ParseReference(p.Image)
	if err != nil {
		return err
	}
	if to.Digest() == "" || to.Name() != from.Name() || to.Tag() != from.Tag() ||
		from.Digest() != "" && from.Digest() != to.Digest() {
		return fmt.Errorf("found %s, wanted %s with a digest", quoted(p.Image), quoted(p.Ref.Image))
	}
	return nil
}

// encode is the patch as JSON, nothing for an empty one.
func (p Patch) encode() ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	return json.Marshal(p)
}
