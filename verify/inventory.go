package verify

// inventory is what the bytes of an image list, read once however many images, checks and
// statements ask for it.
type inventory struct {
	// digest is that of the bytes, "" where there are none.
	digest  string
	entries []entry
	// err says why the bytes are no index that can be read.
	err error
	// at is where each digest is listed first; digests are those, in this order.
	at      map[string]int
	digests []string
}

// inventoryOf reads what the bytes of an image list.
func inventoryOf(image Image, limits Limits) *inventory {
	l := &inventory{at: map[string]int{}}
	if len(image.Manifest) == 0 {
		return l
	}
	l.digest = digestOf(image.Manifest)
	l.entries, l.err = parseIndex(image.Manifest, limits)
	for i, e := range l.entries {
		if _, again := l.at[e.digest]; !again {
			l.at[e.digest] = i
			l.digests = append(l.digests, e.digest)
		}
	}
	return l
}

// entry returns what the index says of a digest that it lists.
func (l *inventory) entry(digest string) (entry, bool) {
	i, ok := l.at[digest]
	if !ok {
		return entry{}, false
	}
	return l.entries[i], true
}

// lists returns what the image of facts lists: nothing where it is no index.
func (f *Facts) lists(limits Limits) *inventory {
	if f.inventory == nil { // facts that no authentication made
		return inventoryOf(f.image, limits)
	}
	return f.inventory
}
