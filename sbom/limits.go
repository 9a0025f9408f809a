package sbom

// Limits bounds what one document may cost. A field that is zero takes the value of
// [DefaultLimits]: there is no way to say "without limit".
type Limits struct {
	// Bytes is the size of the document at most.
	Bytes int
	// Depth is the nesting of objects and arrays, or of XML elements, at most.
	Depth int
	// Values is the number of objects, arrays, strings, numbers and words at most. An
	// XML element counts for two and an attribute for one.
	Values int
	// Objects is the number of JSON objects at most: an empty one costs three
	// characters and, once parsed, some hundred bytes.
	Objects int
	// Keys is the number of keys of one object, or of attributes of one element, at
	// most. Neither format uses objects as maps.
	Keys int
	// Components is the number of components or packages at any depth at most.
	Components int
}

// DefaultLimits returns 32 MiB (GitHub stores SBOM attestations of up to 16 MiB), 64
// levels (a component inside another is two), two million values (documents in the
// wild have one for every 20 to 40 bytes), 600,000 objects (one for every 60 to 200
// bytes), 1,024 keys and 100,000 components.
func DefaultLimits() Limits {
	return Limits{Bytes: 32 << 20, Depth: 64, Values: 2_000_000, Objects: 600_000, Keys: 1024, Components: 100_000}
}

// orDefault returns l with defaults for what is not set.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ have, want *int }{
		{&d.Bytes, &l.Bytes},
		{&d.Depth, &l.Depth},
		{&d.Values, &l.Values},
		{&d.Objects, &l.Objects},
		{&d.Keys, &l.Keys},
		{&d.Components, &l.Components},
	} {
		if *f.want > 0 {
			*f.have = *f.want
		}
	}
	return d
}
