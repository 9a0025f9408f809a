package verify

// Codes of the check "sbom". Those about signature, signer, source and time are the
// same as of "signature".
const (
	SBOMMissing          Code = "sbom.missing"
	SBOMMalformed        Code = "sbom.malformed"
	SBOMInvalid          Code = "sbom.invalid"
	SBOMSubjectMismatch  Code = "sbom.subject_mismatch"
	SBOMKeySigned        Code = "sbom.key_signed"
	SBOMUnsupported      Code = "sbom.unsupported"
	SBOMIdentityMismatch Code = "sbom.identity_mismatch"
	SBOMSourceMismatch   Code = "sbom.source_mismatch"
	SBOMClaimMismatch    Code = "sbom.claim_mismatch"
	SBOMClaimMissing     Code = "sbom.claim_missing"
	SBOMOutsideWindow    Code = "sbom.outside_window"
	SBOMInFuture         Code = "sbom.in_future"
	// SBOMTooOld is a statement that was signed too long ago.
	SBOMTooOld Code = "sbom.too_old"
	// SBOMSuperseded is one that only an older document than the newest has: select newest.
	SBOMSuperseded Code = "sbom.superseded"
	// SBOMSpoilt is a good document beside one that is not: select all.
	SBOMSpoilt Code = "sbom.spoilt"
	// SBOMUnsigned is BuildKit's statement where nothing vouches for it.
	SBOMUnsigned Code = "sbom.unsigned"
	// SBOMIncomplete is BuildKit's statements about some images of an index, and not all.
	SBOMIncomplete Code = "sbom.incomplete"
	// SBOMTooLarge is a document of more bytes than the policy reads.
	SBOMTooLarge Code = "sbom.too_large"
	// SBOMFormatMismatch is a document of another format or spec version than the policy
	// accepts or its predicate type says.
	SBOMFormatMismatch Code = "sbom.format_mismatch"
	// SBOMSchemaInvalid is a document that its specification's schema refuses.
	SBOMSchemaInvalid Code = "sbom.schema_invalid"
	// SBOMSchemaUnavailable is a document of a kind that there is no schema for.
	SBOMSchemaUnavailable Code = "sbom.schema_unavailable"
	// SBOMDescribesOther is a document about another image's digest.
	SBOMDescribesOther Code = "sbom.describes_other"
	// SBOMDescribesNothing is one that names no digest, where the policy wants it to.
	SBOMDescribesNothing Code = "sbom.describes_nothing"
	// SBOMTooFewComponents is one with fewer components than demanded: an empty one.
	SBOMTooFewComponents Code = "sbom.too_few_components"
	// SBOMComponentDenied is one that lists a denied component.
	SBOMComponentDenied Code = "sbom.component_denied"
	// SBOMLicenseDenied is one with a component under a denied licence alone.
	SBOMLicenseDenied Code = "sbom.license_denied"
	// SBOMLicenseMissing is one with a component without a licence that is allowed.
	SBOMLicenseMissing Code = "sbom.license_missing"
	// SBOMNTIAIncomplete is one that lacks one of the NTIA's minimum elements.
	SBOMNTIAIncomplete Code = "sbom.ntia_incomplete"
	// SBOMPURLCoverage, SBOMHashCoverage and SBOMVersionsUnknown are shares of components.
	SBOMPURLCoverage    Code = "sbom.purl_coverage"
	SBOMHashCoverage    Code = "sbom.hash_coverage"
	SBOMVersionsUnknown Code = "sbom.versions_unknown"
	// SBOMDocumentTooOld is a document whose own timestamp is old, missing or in the future.
	SBOMDocumentTooOld Code = "sbom.document_too_old"
	// SBOMRuleViolated is a rule of the policy that does not hold.
	SBOMRuleViolated Code = "sbom.rule_violated"
	// SBOMRuleFailed is one that could not be evaluated.
	SBOMRuleFailed Code = "sbom.rule_failed"
)

// contentReasons explain codes.
func contentReasons() []Reason {
	compare := "compare wanted with found"
	listed := "the violations list where; correct the document's maker, or what it describes"
	return []Reason{
		{SBOMMissing, "No bill of materials (CycloneDX or SPDX) is attached to the image.", "attest one in the release workflow: actions/attest-sbom, or `cosign attest --type cyclonedx`"},
		{SBOMMalformed, "The document, or the statement around it, cannot be read in one way alone: broken, too deep, a key twice, an unknown spec version.", "make and attest the document again; docs/sbom.md lists what is checked"},
		{SBOMInvalid, "An SBOM attestation is there and does not verify under the trusted root.", "do not run the image before you know why; the reason is under found"},
		{SBOMSubjectMismatch, "The SBOM attestation is about another digest.", "attest this digest; a copied document says nothing about this image"},
		{SBOMKeySigned, "The SBOM was signed with a plain key that the policy does not name.", "name the key in the policy (signer: {key: {file, sha256}}), or sign with a workflow identity"},
		{SBOMUnsupported, "The bundle signs bytes by themselves, without a statement about an image, or its log entry is of a kind that cannot be verified.", "attest the document: `cosign attest` of cosign 3, or actions/attest-sbom"},
		{SBOMIdentityMismatch, "The SBOM is signed by somebody else than the policy demands.", "compare wanted with found: anybody can attest anything"},
		{SBOMSourceMismatch, "The signer is right and signed for another repository, ref or commit.", compare + "; a release's SBOM must come from the ref that its tag names"},
		{SBOMClaimMismatch, "The SBOM was signed under other circumstances (trigger, runner, visibility) than demanded.", compare},
		{SBOMClaimMissing, "The policy demands a claim that the certificate does not make; certificates of 2023 lack some.", "sign again with a current Fulcio, or demand less"},
		{SBOMOutsideWindow, "The SBOM was signed outside the time for which the policy accepts its signer.", "sign again, or extend the window if the old signer is still trusted for that time"},
		{SBOMInFuture, "The SBOM was signed after the time of judgement.", "check the clock of this machine, or --at"},
		{SBOMTooOld, "The SBOM was signed longer ago than max_age.", "attest a new one"},
		{SBOMSuperseded, "A newer SBOM by the same signer counts in its place (select: newest).", "look at the newest one under found"},
		{SBOMSpoilt, "This SBOM is good, and another one that has to be as well is not (select: all, newest).", "look at the other candidates under found"},
		{SBOMUnsigned, "BuildKit keeps an SBOM inside the index. It is not signed, and nothing that the policy demands vouches for it.", "sign the index itself and set buildkit: true, or attest the document"},
		{SBOMIncomplete, "BuildKit keeps an SBOM about some images of the index and none that counts about the others, or an entry of the index is not shown to be what nobody can run.", "build every platform with --sbom=true, or attest the documents"},
		{SBOMTooLarge, "The document has more bytes than the policy reads.", "raise max_size if the document is really that large"},
		{SBOMFormatMismatch, "The document is of another format or spec version than the policy accepts, or than its predicate type says.", compare + "; attest the document under its own type"},
		{SBOMSchemaInvalid, "The document does not follow the schema of its specification.", listed + ", or demand schema: warn"},
		{SBOMSchemaUnavailable, "No schema is known for documents of this format and version: SPDX, and CycloneDX in XML.", "write CycloneDX JSON, or demand no schema"},
		{SBOMDescribesOther, "The document says that it describes another image.", "do not take one image's SBOM for another's: make one from this digest"},
		{SBOMDescribesNothing, "The document does not name the image's digest, and the policy wants it to.", "make it from the pushed image (`syft NAME@DIGEST`), so that it names the digest"},
		{SBOMTooFewComponents, "The document lists fewer components than min_components; an empty one says nothing.", "look how it was made: of the image's content, not of an empty folder"},
		{SBOMComponentDenied, "The document lists a component that the policy denies.", listed},
		{SBOMLicenseDenied, "A component can only be used under a licence that the policy denies.", listed},
		{SBOMLicenseMissing, "A component has no licence, or none that the policy allows.", listed},
		{SBOMNTIAIncomplete, "The document lacks some of the NTIA's minimum elements.", listed},
		{SBOMPURLCoverage, "Too few components have a package URL that can be read.", listed},
		{SBOMHashCoverage, "Too few components have a hash of SHA-256 or better.", listed},
		{SBOMVersionsUnknown, "Too many components have no version.", listed},
		{SBOMDocumentTooOld, "The document's own timestamp is too old, missing or in the future.", "make the document when the image is built"},
		{SBOMRuleViolated, "A rule of the policy over the document's content does not hold.", "compare the rule with the document; its name and text are under violations"},
		{SBOMRuleFailed, "A rule of the policy could not be evaluated over this document: a field that it lacks, or the cost limit.", "test for fields with has(), and make the rule cheaper"},
	}
}
