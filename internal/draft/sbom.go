package draft

import (
	"fmt"

	"github.com/releaseassay/assay/sbom"
)

// waysOfSBOM are demands on the content of bills of materials like these: of the format
// of the first, with at least half as many components as the smallest of them has.
func waysOfSBOM(list []exhibit) []way {
	format := sbom.FormatOf(list[0].PredicateType)
	least := -1
	for _, e := range list {
		if sbom.FormatOf(e.PredicateType) != format {
			continue
		}
		doc, err := sbom.ParsePredicate(e.PredicateType, e.Statement.Predicate(), sbom.DefaultLimits())
		if err != nil {
			continue
		}
		if n := len(doc.All()); least < 0 || n < least {
			least = n
		}
	}
	lines := []string{"format: " + string(format)}
	switch {
	case least > 1:
		lines = append(lines, fmt.Sprintf("min_components: %d # half of what this release lists (%d)", least/2, least))
	case least == 1:
		lines = append(lines, "min_components: 1")
	case least == 0:
		lines = append(lines, "min_components: 0 # this one lists nothing: is that meant?")
	}
	const (
		strict   = "schema: strict"
		warn     = "schema: warn"
		describe = "describes: image"
		unnamed  = "The bill of materials does not name the image's digest (describes: image)."
		invalid  = "The bill of materials is not valid by its specification's schema: it is demanded with schema: warn."
	)
	with := func(more ...string) []string { return append(append([]string{}, lines...), more...) }
	return []way{
		{with(strict, describe), ""},
		{with(strict), unnamed},
		{with(warn, describe), invalid},
		{with(warn), invalid + " " + unnamed},
		{lines, invalid + " " + unnamed},
	}
}

// otherFormat is a second format among bills of materials, "" if there is none.
func otherFormat(list []exhibit) string {
	for _, e := range list {
		if f := sbom.FormatOf(e.PredicateType); f != sbom.FormatOf(list[0].PredicateType) {
			return string(f)
		}
	}
	return ""
}
