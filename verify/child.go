package verify

import "fmt"

// maxChildPieces is how many pieces of evidence are read about all manifests of an index
// together, as a multiple of what is read of one layout about one image.
const maxChildPieces = 4

// Child is one manifest of an index, with the evidence about it.
type Child struct {
	// Image is the manifest; Manifest is nil where its bytes were not needed.
	Image Image
	// Platform is "os/architecture" or "os/architecture/variant" as the index says, ""
	// where it says nothing.
	Platform string
	// Parents are the nested indexes on the way to it, the outermost first.
	Parents  []Image
	Evidence Evidence
}

// childFacts are the facts about one manifest of an index.
type childFacts struct {
	child Child
	facts Facts
}

// extend adds to the facts about an image what authentication makes of the evidence about
// the manifests of its index, and about the index that the caller named. A statement
// about one of them has to name that one's digest.
func (f Facts) extend(evidence Evidence, trust Trust, limits Limits) Facts {
	f.children, f.index = nil, nil
	pieces := 0
	for _, c := range evidence.Children {
		// One file of bundles, or one tag of a layout, can be offered for every child.
		if pieces += len(c.Evidence.Pieces); pieces > maxChildPieces*limits.Pieces {
			c.Evidence.Pieces = nil
			c.fail(LimitExceeded, fmt.Sprintf("there are more than %d pieces of evidence about the images of the index", maxChildPieces*limits.Pieces))
		}
		f.children = append(f.children, childFacts{Child{Image: c.Image, Platform: c.Platform, Parents: c.Parents}, c.authenticate(trust, limits)})
	}
	if evidence.Index != nil {
		index := evidence.Index.authenticate(trust, limits)
		for _, c := range evidence.Index.Evidence.Children { // what is known of nested indexes
			index.children = append(index.children, childFacts{Child{Image: c.Image, Platform: c.Platform, Parents: c.Parents}, c.authenticate(trust, limits)})
		}
		f.index = &index
	}
	return f
}

func (c Child) authenticate(trust Trust, limits Limits) Facts {
	about := c.Evidence
	about.Children, about.Index, about.Release = nil, nil, nil
	return Authenticate(c.Image, about, trust, limits)
}

// others are the facts about other manifests than the image's own.
func (f *Facts) others() []*Facts {
	var all []*Facts
	for i := range f.children {
		all = append(all, &f.children[i].facts)
	}
	if f.index != nil {
		all = append(append(all, f.index), f.index.others()...)
	}
	return all
}

// configOf returns the configuration of an image if its bytes are those that the
// manifest names, else nil: labels of another image are none of this one.
func configOf(image Image, config []byte) []byte {
	o, err := parseObject(image.Manifest, "the manifest")
	if len(config) == 0 || err != nil || o.exact("config") != nil {
		return nil
	}
	named, err := o.object("config")
	if err != nil {
		return nil
	}
	if digest, err := named.text("digest"); err != nil || digest != digestOf(config) {
		return nil
	}
	return config
}
