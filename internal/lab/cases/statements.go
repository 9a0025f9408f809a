package cases

import "slices"

// statements: classes 18 to 20 and 22, 24.
func statements() []Case { return flawed(wrongStatements()...) }

// wrongStatements are the releases of which a signed statement is wrong.
func wrongStatements() []wrong {
	return slices.Concat(
		otherSubjects(), copiedEvidence(), payloadTypes(), wrongEnvelopes(), wrongPlaces(), swappedLayers(), nearTypes(), falseProvenance(), falseV1Provenance(),
		otherInputs(), incompleteProvenance(), unknownBuilds(),
	)
}
