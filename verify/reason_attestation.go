package verify

// Codes of the checks "attestations.<name>".
const (
	AttestationMissing          Code = "attestation.missing"
	AttestationMalformed        Code = "attestation.malformed"
	AttestationInvalid          Code = "attestation.invalid"
	AttestationSubjectMismatch  Code = "attestation.subject_mismatch"
	AttestationKeySigned        Code = "attestation.key_signed"
	AttestationUnsupported      Code = "attestation.unsupported"
	AttestationIdentityMismatch Code = "attestation.identity_mismatch"
	AttestationSourceMismatch   Code = "attestation.source_mismatch"
	AttestationClaimMismatch    Code = "attestation.claim_mismatch"
	AttestationClaimMissing     Code = "attestation.claim_missing"
	AttestationOutsideWindow    Code = "attestation.outside_window"
	AttestationInFuture         Code = "attestation.in_future"
	AttestationTooOld           Code = "attestation.too_old"
	AttestationSuperseded       Code = "attestation.superseded"
	AttestationSpoilt           Code = "attestation.spoilt"
	// AttestationRuleViolated is a rule of the policy over the predicate that does not
	// hold, AttestationRuleFailed one that cannot be evaluated.
	AttestationRuleViolated Code = "attestation.rule_violated"
	AttestationRuleFailed   Code = "attestation.rule_failed"
)

// Codes of typed shapes of predicates.
const (
	// AttestationFieldMissing and AttestationFieldMismatch are of release metadata.
	AttestationFieldMissing  Code = "attestation.field_missing"
	AttestationFieldMismatch Code = "attestation.field_mismatch"
	// AttestationScannerMismatch and those below are of vulnerability scans.
	AttestationScannerMismatch Code = "attestation.scanner_mismatch"
	AttestationScanTooOld      Code = "attestation.scan_too_old"
	AttestationDatabaseTooOld  Code = "attestation.database_too_old"
	AttestationScanUnreadable  Code = "attestation.scan_unreadable"
	AttestationSeverityDenied  Code = "attestation.severity_denied"
	// AttestationVEXAuthor and those below are of OpenVEX documents.
	AttestationVEXAuthor Code = "attestation.vex_author"
	AttestationVEXOther  Code = "attestation.vex_other"
	AttestationVEXStatus Code = "attestation.vex_status"
	// AttestationVerifierMismatch and those below are of verification summaries.
	AttestationVerifierMismatch Code = "attestation.verifier_mismatch"
	AttestationPolicyMismatch   Code = "attestation.policy_mismatch"
	AttestationResourceMismatch Code = "attestation.resource_mismatch"
	AttestationNotPassed        Code = "attestation.not_passed"
	AttestationLevelMissing     Code = "attestation.level_missing"
	// AttestationTestsFailed and AttestationTestsMissing are of test results.
	AttestationTestsFailed  Code = "attestation.tests_failed"
	AttestationTestsMissing Code = "attestation.tests_missing"
)

// attestationReasons explain codes.
func attestationReasons() []Reason {
	compare := "compare wanted with found"
	return []Reason{
		{AttestationMissing, "No attestation of the demanded predicate type is attached to the image.", "attest it in the release workflow: cosign attest --type TYPE --predicate FILE; types are compared exactly"},
		{AttestationMalformed, "Something in the attestation's place cannot be parsed, or its predicate is not what its type says.", "make the attestation again; if somebody else put it there, remove it"},
		{AttestationInvalid, "An attestation of the type is there and does not verify under the trusted root.", "do not run the image before you know why; the reason is under found"},
		{AttestationSubjectMismatch, "The attestations of the type are about another digest.", "attest this digest; what is said of another image says nothing about this one"},
		{AttestationKeySigned, "The attestation was signed with a plain key that the policy does not name.", "name the key in the policy (signer: {key: {file, sha256}}), or sign with a workflow identity"},
		{AttestationUnsupported, "The bundle signs bytes by themselves, without a statement about an image, or its log entry is of a kind that cannot be verified.", "attest with `cosign attest` of cosign 3, which writes a statement"},
		{AttestationIdentityMismatch, "The attestation is valid and by somebody else than the policy demands.", "compare wanted with found: either the policy names the wrong workflow, or the attestation is not yours"},
		{AttestationSourceMismatch, "The signer is right and signed for another repository, ref or commit.", compare},
		{AttestationClaimMismatch, "The attestation was signed under other circumstances (trigger, runner, visibility) than demanded.", compare},
		{AttestationClaimMissing, "A claim that the policy demands, or that the predicate is compared with, is not in the certificate; a plain key makes none.", "sign again with a current Fulcio, or demand less"},
		{AttestationOutsideWindow, "The attestation was signed outside the time for which the policy accepts its signer.", "sign again, or extend the window if the old signer is still trusted for that time"},
		{AttestationInFuture, "The attestation was signed after the time of judgement, or holds a time that lies after its own signature.", "check the clock of this machine, or --at; a scan or a verification cannot end after it was signed"},
		{AttestationTooOld, "The attestation was signed longer ago than the policy's max_age.", "attest again: scans and VEX documents are of their day"},
		{AttestationSuperseded, "Another attestation of the type was signed later, and the policy takes the newest alone (select: newest).", "nothing, if the newer one counts; it is listed beside it"},
		{AttestationSpoilt, "The attestation would count, but the policy wants each to be good (select: all) or two are equally new, and another one is not.", "look at what is wrong with the other one, under found"},
		{AttestationRuleViolated, "A rule of the policy over the predicate does not hold.", "the rule and the predicate are under violations; make the release so that it holds"},
		{AttestationRuleFailed, "A rule of the policy over the predicate cannot be evaluated: it speaks of what is not there, or costs too much.", "guard the rule with has(), or make the predicate hold what it speaks of; nothing passes unevaluated"},

		{AttestationFieldMissing, "The release metadata lack what a path of the policy names.", "write it in the release workflow, or correct the path under metadata:"},
		{AttestationFieldMismatch, "The release metadata are of another release: what a path names is not this image's, this version's or the certificate's.", "compare wanted with found; metadata are written by the workflow run that signs them"},
		{AttestationScannerMismatch, "Another scanner made the scan than the policy names.", "compare scanner.uri with scan.scanners; without @version there, any version serves"},
		{AttestationScanTooOld, "The scan ended longer ago than the policy's scan.max_age, or does not say when it ended.", "scan and attest again, on a schedule"},
		{AttestationDatabaseTooOld, "The scanner's database was older than the policy's scan.database_age allows, or the scan does not say how old.", "let the scanner update its database; write scanner.db.lastUpdate"},
		{AttestationScanUnreadable, "What the scanner found cannot be read, so that nobody knows whether it found what is denied.", "use the in-toto form (vulns/v0.2), or Trivy's or Grype's JSON report in cosign's form"},
		{AttestationSeverityDenied, "The scan found vulnerabilities of a severity that the policy denies.", "update what is listed under violations; accept one by its id under scan.allow after a person has looked at it"},
		{AttestationVEXAuthor, "The VEX document is by another author than the policy names.", compare},
		{AttestationVEXOther, "The VEX document makes no statement about this image: names alone and wildcards are nobody's.", "name the product by digest: pkg:oci/NAME@sha256%3A…, or its sha-256 under hashes"},
		{AttestationVEXStatus, "The VEX document gives a vulnerability of this image a status that the policy does not accept.", "fix what is listed under violations, or state why it does not affect the image in a newer document"},
		{AttestationVerifierMismatch, "Another verifier made the verification summary than the policy names.", compare},
		{AttestationPolicyMismatch, "The summary is of a verification against another policy than demanded.", compare},
		{AttestationResourceMismatch, "The summary is about another resource: its resourceUri names neither this image nor its digest.", "let the verifier write the image's name, or its package URL with the digest"},
		{AttestationNotPassed, "The verifier says that the image did not pass.", "do not run the image; ask the verifier why"},
		{AttestationLevelMissing, "A level that the policy demands is not among those that were verified.", "compare wanted with found; a higher SLSA level of the same track serves too"},
		{AttestationTestsFailed, "The test result says that tests failed, or that the run did not pass.", "look at the tests under violations"},
		{AttestationTestsMissing, "A test that the policy names is not among those that passed.", "run the test in the release workflow, or correct its name under tests.passed"},
	}
}
