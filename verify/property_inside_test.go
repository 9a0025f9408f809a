package verify

// Join puts facts about one image together as [Authenticate] does with all their evidence
// at once, so that what was verified once can be judged in very many collections. Of the
// whole image it takes over the last release. TestJoin holds the two against each other.
func Join(image Image, failures []Failure, parts ...Facts) Facts {
	all := Facts{image: image, failures: failures}
	for _, p := range parts {
		all.statements = append(all.statements, p.statements...)
		all.rejected = append(all.rejected, p.rejected...)
		all.failures = append(all.failures[:len(all.failures):len(all.failures)], p.failures...)
		if p.release != nil {
			all.release = p.release
		}
	}
	return all
}
