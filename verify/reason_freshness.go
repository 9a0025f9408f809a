package verify

// Codes of the check "freshness", and of evidence by a denied signer.
const (
	// FreshnessDeniedDigest is an image, an index or a platform that the policy denies.
	FreshnessDeniedDigest Code = "freshness.denied_digest"
	// FreshnessDeniedVersion is a version that the policy denies.
	FreshnessDeniedVersion Code = "freshness.denied_version"
	// FreshnessTooOld is a release of which nothing that counts was signed recently.
	FreshnessTooOld Code = "freshness.too_old"
	// FreshnessNoTime is a bound on the age of evidence of which none has a verified time.
	FreshnessNoTime Code = "freshness.no_time"
	// FreshnessClock is a time of judgement before the evidence was made.
	FreshnessClock Code = "freshness.clock"

	// SignatureSignerDenied and the three after it are evidence that would count, by
	// somebody whose signatures of that time the policy denies.
	SignatureSignerDenied   Code = "signature.signer_denied"
	ProvenanceSignerDenied  Code = "provenance.signer_denied"
	SBOMSignerDenied        Code = "sbom.signer_denied"
	AttestationSignerDenied Code = "attestation.signer_denied"

	// SignatureTooOld and ProvenanceTooOld are evidence older than the demand's max_age,
	// SignatureSuperseded and ProvenanceSuperseded such that is not the newest, which alone
	// counts.
	SignatureTooOld      Code = "signature.too_old"
	SignatureSuperseded  Code = "signature.superseded"
	ProvenanceTooOld     Code = "provenance.too_old"
	ProvenanceSuperseded Code = "provenance.superseded"
)

// freshnessReasons explain codes.
func freshnessReasons() []Reason {
	const (
		denied = "would count, and the policy's deny.signed names who signed it, for the time at which it was signed."
		again  = "build and sign the release again with credentials that nobody else has; nothing lifts a denial but an edit of the policy"
	)
	return []Reason{
		{FreshnessDeniedDigest, "The policy's deny.digests lists the image, the index that was named for it, or something that the image holds.", "run another release; nothing lifts a denial but an edit of the policy"},
		{FreshnessDeniedVersion, "The policy's deny.versions lists a version that the image is: by its tag, its evidence, or the project's TUF repository.", "run another release; nothing lifts a denial but an edit of the policy"},
		{FreshnessTooOld, "Nothing that counts was signed within freshness.max_age, and no TUF repository still lists the version.", "build the release again, or list it in the TUF repository"},
		{FreshnessNoTime, "The policy bounds the age of the evidence, and none that counts has a verified time.", "demand a signature, an attestation or a release that says when it was made"},
		{FreshnessClock, "Evidence was made after the time of judgement, so that this machine's clock, or --at, is behind.", "check the clock of this machine, or --at"},
		{SignatureTooOld, "The signature was made longer ago than the policy's max_age.", "sign the release again, or run a newer one"},
		{SignatureSuperseded, "Another signature was made later, and the policy takes the newest alone (select: newest).", "nothing, if the newer one counts; it is listed beside it"},
		{ProvenanceTooOld, "The provenance was made longer ago than the policy's max_age.", "build the release again, or run a newer one"},
		{ProvenanceSuperseded, "Other provenance was made later, and the policy takes the newest alone (select: newest).", "nothing, if the newer one counts; it is listed beside it"},
		{SignatureSignerDenied, "A signature " + denied, again},
		{ProvenanceSignerDenied, "Provenance " + denied, again},
		{SBOMSignerDenied, "A bill of materials " + denied, again},
		{AttestationSignerDenied, "An attestation " + denied, again},
	}
}
