package cases

import "slices"

// repositories: classes 34 to 36, the project's own TUF repository, and the good releases without which a gate that
// refuses every such repository would look perfect.
func repositories() []Case {
	var all []Case
	for _, c := range slices.Concat(
		goodListings(), goodHistories(),
		rollbacks(), rollbackHistories(), freezes(), mismatches(), wrongManifests(), malformedMetadata(), hostileForms(),
		endlessMetadata(), thresholds(), doubledHolders(), rootChains(), delegationPaths(), delegationOrders(),
		delegatedRoles(), hidingRoles(), metadataSignatures(), signerClasses(), machineNames(), signerCounts(),
		unreleased(), oddManifests(), withdrawals(), tagsPointedBack(), keptStates(), lostStates(),
	) {
		all = append(all, c.made())
	}
	return all
}
