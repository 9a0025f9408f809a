package verify

// Codes of the check "platforms", and of evidence that has to be on an index.
const (
	// PlatformsMalformed is an index that cannot be read, or that two clients could read
	// differently.
	PlatformsMalformed Code = "platforms.malformed"
	// PlatformsIndexUnknown is a demand on the index of an image where nobody named one.
	PlatformsIndexUnknown Code = "platforms.index_unknown"
	// PlatformsNotInIndex is a named index that does not list the image.
	PlatformsNotInIndex Code = "platforms.not_in_index"
	// PlatformsEmpty is an index that lists nothing that could be run.
	PlatformsEmpty Code = "platforms.empty"
	// PlatformsNotAttestation is a manifest of an unknown platform that is no attestation
	// manifest of BuildKit's and lacks evidence of its own.
	PlatformsNotAttestation Code = "platforms.not_attestation"
	// PlatformsEvidenceMissing is an image of the index without what it needs.
	PlatformsEvidenceMissing Code = "platforms.evidence_missing"
	// PlatformsMissing is a platform that the policy requires and the index lacks.
	PlatformsMissing Code = "platforms.missing"
	// PlatformsUnexpected is a platform that the policy does not list.
	PlatformsUnexpected Code = "platforms.unexpected"
	// PlatformsAmbiguous is a platform with two images, of which each client picks one.
	PlatformsAmbiguous Code = "platforms.ambiguous"
)

// platformReasons explain the codes of platforms, the gravest first.
func platformReasons() []Reason {
	do := "do not run the image before you know why: somebody may have changed the index after it was signed"
	return []Reason{
		{PlatformsMalformed, "The index cannot be read, or two clients could read it differently.", "build and push the index again"},
		{PlatformsIndexUnknown, "The policy demands something of the image's index, and the image is none.", "name the index that holds the image: --index NAME:TAG or NAME@sha256:HEX; or verify the index itself"},
		{PlatformsNotInIndex, "The index that was named does not list the image.", "name the index that the image is from"},
		{PlatformsEmpty, "The index lists no image that could be run.", "build and push the index again"},
		{PlatformsNotAttestation, "A manifest of an unknown platform lacks evidence, and its bytes do not show that it is an attestation manifest of BuildKit's, which nobody could run.", do},
		{PlatformsMissing, "The index has no image for a platform that the policy requires.", "push the missing platform, or do not require it"},
		{PlatformsUnexpected, "The index has an image for a platform that the policy does not list.", "remove it from the index, or list it in platforms.only"},
		{PlatformsAmbiguous, "The index has two images for one platform: which one runs depends on the client.", "push the index again with one image for each platform"},
		// What only follows from another check comes last: of several, the first is the code.
		{PlatformsEvidenceMissing, "An image of the index lacks evidence that the policy demands, on itself and on the index.", "sign and attest the index, or each of its images; if the image is not yours, " + do},
	}
}
