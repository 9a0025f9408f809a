package verify

import "slices"

// Labels of an image that tell of its source:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
var labelClaims = []struct{ name, claim string }{
	{"org.opencontainers.image.source", "repository"},
	{"org.opencontainers.image.revision", "commit"},
	{"org.opencontainers.image.version", "version"},
}

// tellLabels notes what labels and annotations of the image, its index and its platforms
// say. Whoever builds an image on another inherits its labels, so that they are hints
// unless the policy says that its own are always written.
func (q *question) tellLabels(t *story) {
	hint := q.rule.Consistency == nil || !q.rule.Consistency.Labels
	for _, f := range q.family() {
		// What no signature covers, anybody can have written.
		who := teller{evidence: f.image.Digest, piece: "labels", hint: hint || !q.attested(f)}
		who.source = sourceAnnotation
		q.tellPairs(t, who, textsAt(f.image.Manifest, q.limits, "annotations"))
		who.source = sourceLabel
		q.tellPairs(t, who, textsAt(f.config, q.limits, "config", "Labels"))
	}
}

// attested reports whether a statement that met a check is about an image, and so about
// its labels and annotations.
func (q *question) attested(f *Facts) bool {
	for _, c := range checks(q.rule) {
		check, ok := c.(statements)
		if !ok || !c.required(q.rule) {
			continue
		}
		if slices.ContainsFunc(q.statements(check).met, func(s *Statement) bool { return s.layout != BuildKit && q.about(s) == f.image.Digest }) {
			return true
		}
	}
	_, m := q.released()
	return m != nil && f == &q.facts
}

// withheld finds what kept the labels that the policy wants compared from being read.
func (q *question) withheld() (Finding, bool) {
	if !q.rule.Consistency.Labels {
		return Finding{}, false
	}
	for _, f := range q.family() {
		for _, failure := range f.failures {
			if slices.Contains(failure.Layouts, Config) {
				return Finding{ID: "labels of " + f.image.Digest, Code: failure.Code, Class: failure.Class}, true
			}
		}
	}
	if q.facts.config != nil || isIndex(q.facts.image) {
		return Finding{}, false
	}
	if o, err := parseObject(q.facts.image.Manifest, "the manifest"); err == nil && o["config"] != nil {
		return Finding{ID: "labels of " + q.facts.image.Digest, Code: PlaceUnavailable, Class: Definitive}, true
	}
	return Finding{}, false
}

func (q *question) tellPairs(t *story, who teller, pairs map[string]string) {
	for _, l := range labelClaims {
		if value := pairs[l.name]; value != "" {
			t.says(q, who, l.claim, value)
		}
	}
}

// textsAt reads an object of strings out of a JSON document; nil where there is none.
// What is no string is left out: a label is a hint, and the image runs all the same.
func textsAt(b []byte, limits Limits, path ...string) map[string]string {
	if len(b) == 0 || int64(len(b)) > limits.PieceBytes || checkSmallJSON(b, limits.Depth, maxLabelValues) != nil {
		return nil
	}
	o, err := parseObject(b, "the labels")
	for _, key := range path {
		if err != nil {
			return nil
		}
		o, err = o.object(key)
	}
	if err != nil {
		return nil
	}
	texts := map[string]string{}
	for key := range o {
		if text, err := o.text(key); err == nil {
			texts[key] = text
		}
	}
	return texts
}

// maxLabelValues bounds the values of a manifest or configuration that is read for its labels.
const maxLabelValues = 1 << 17
