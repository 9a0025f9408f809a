package cases

import "slices"

// identities: classes 1 to 8, and 9.
func identities() []Case {
	return slices.Concat(flawed(wrongIdentities()...), absentLegs(), ignoredFields())
}

// wrongIdentities are the releases with a wrong identity, or none.
func wrongIdentities() []wrong {
	return slices.Concat(
		absent(), otherPredicates(), nearNames(), nearRefs(), nearPatterns(), nearBuilders(), wrongIssuers(), secondRoots(),
		wrongEvents(), wrongRefs(), wrongRunners(), wrongCallers(), wrongSigners(), wrongIDs(),
	)
}
