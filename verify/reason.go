package verify

// Code is the stable reason of a finding that is not a pass: subject.problem.
// Codes are append-only; docs/reasons.md explains each.
type Code string

// Codes of failures: something was needed and could not be had, so that nothing
// is decided. The class of the failure says whether asking again can help.
const (
	// RegistryUnauthorized is a 401 after the credentials at hand were tried.
	RegistryUnauthorized Code = "registry.unauthorized"
	// RegistryForbidden is a 403.
	RegistryForbidden Code = "registry.forbidden"
	// RegistryNotFound is a 404 for something that had to be there: the image
	// itself, or bytes that a manifest names.
	RegistryNotFound Code = "registry.not_found"
	// RegistryRateLimited is a 429.
	RegistryRateLimited Code = "registry.rate_limited"
	// RegistryServerError is a 5xx, or a status that no registry should send.
	RegistryServerError Code = "registry.server_error"
	// RegistryUnreachable is a connection that could not be made: DNS, TCP, TLS, proxy.
	RegistryUnreachable Code = "registry.unreachable"
	// RegistryTimeout is an answer that did not come in time.
	RegistryTimeout Code = "registry.timeout"
	// RegistryTruncated is a body that ended before its announced length.
	RegistryTruncated Code = "registry.truncated"
	// RegistryDigestMismatch is a body that does not hash to the digest asked for.
	RegistryDigestMismatch Code = "registry.digest_mismatch"
	// RegistrySizeMismatch is a body of another size than its descriptor says.
	RegistrySizeMismatch Code = "registry.size_mismatch"
	// RegistryMalformed is a manifest or index that is not one.
	RegistryMalformed Code = "registry.malformed"
	// RegistryInsecure is a plain-HTTP or otherwise refused hop: scheme, redirect, token realm.
	RegistryInsecure Code = "registry.insecure"
	// RegistryRedirectLoop is more redirects, or Link pages, than any registry needs.
	RegistryRedirectLoop Code = "registry.redirect_loop"
	// LimitExceeded is a bound of requests, bytes, pages or pieces that was reached.
	LimitExceeded Code = "limit.exceeded"
	// PlaceUnavailable is a place that the policy names and this run cannot ask.
	PlaceUnavailable Code = "place.unavailable"
	// LayoutUnreadable is an OCI layout on disk that cannot be read.
	LayoutUnreadable Code = "layout.unreadable"
	// LayoutNotFound is an image that the layout does not hold.
	LayoutNotFound Code = "layout.not_found"
)

// Codes that belong to no check.
const (
	// PolicyNoRule is an image that no rule of the policy matches.
	PolicyNoRule Code = "policy.no_rule"
	// PolicyNoVersion is a demand that names {version} where no one version is known.
	PolicyNoVersion Code = "policy.no_version"
	// UnknownAuthority is evidence by a certificate authority or a log that the
	// trusted root does not know.
	UnknownAuthority Code = "trust.unknown_authority"
	// InternalPanic is a fault of this program or of a library.
	InternalPanic Code = "internal.panic"
)

// Codes of the check "signature".
const (
	SignatureMissing          Code = "signature.missing"
	SignatureMalformed        Code = "signature.malformed"
	SignatureInvalid          Code = "signature.invalid"
	SignatureSubjectMismatch  Code = "signature.subject_mismatch"
	SignatureKeySigned        Code = "signature.key_signed"
	SignatureUnsupported      Code = "signature.unsupported"
	SignatureIdentityMismatch Code = "signature.identity_mismatch"
	SignatureSourceMismatch   Code = "signature.source_mismatch"
	SignatureClaimMismatch    Code = "signature.claim_mismatch"
	SignatureClaimMissing     Code = "signature.claim_missing"
	SignatureOutsideWindow    Code = "signature.outside_window"
	SignatureInFuture         Code = "signature.in_future"
)

// Codes of the check "provenance".
const (
	ProvenanceMissing             Code = "provenance.missing"
	ProvenanceMalformed           Code = "provenance.malformed"
	ProvenanceInvalid             Code = "provenance.invalid"
	ProvenanceSubjectMismatch     Code = "provenance.subject_mismatch"
	ProvenanceKeySigned           Code = "provenance.key_signed"
	ProvenanceUnsupported         Code = "provenance.builder_unsupported"
	ProvenanceIdentityMismatch    Code = "provenance.identity_mismatch"
	ProvenanceBuilderMismatch     Code = "provenance.builder_mismatch"
	ProvenanceLevelTooLow         Code = "provenance.level_too_low"
	ProvenanceSourceMismatch      Code = "provenance.source_mismatch"
	ProvenanceClaimMismatch       Code = "provenance.claim_mismatch"
	ProvenanceClaimMissing        Code = "provenance.claim_missing"
	ProvenanceCertificateMismatch Code = "provenance.certificate_mismatch"
	ProvenanceInputsMismatch      Code = "provenance.inputs_mismatch"
	ProvenanceOutsideWindow       Code = "provenance.outside_window"
	ProvenanceInFuture            Code = "provenance.in_future"
)

// Codes of what GitHub's attestations API did not give. Bounds are LimitExceeded.
const (
	// GitHubUnauthorized is a 401: the token is wrong, expired or revoked.
	GitHubUnauthorized Code = "github.unauthorized"
	// GitHubForbidden is a 403 that is no rate limit: the token may not read attestations,
	// or the organisation wants single sign-on first.
	GitHubForbidden Code = "github.forbidden"
	// GitHubNotFound is a repository that GitHub does not show (it says 404 of private ones
	// too), or a bundle that is not where the API says.
	GitHubNotFound Code = "github.not_found"
	// GitHubRateLimited is a primary or secondary rate limit that outlasts the budget.
	GitHubRateLimited Code = "github.rate_limited"
	// GitHubServerError is a 5xx, or a status that the API should not send.
	GitHubServerError Code = "github.server_error"
	// GitHubUnreachable is a connection that could not be made: DNS, TCP, TLS, proxy.
	GitHubUnreachable Code = "github.unreachable"
	// GitHubTimeout is an answer that did not come in time.
	GitHubTimeout Code = "github.timeout"
	// GitHubTruncated is a body that ended early.
	GitHubTruncated Code = "github.truncated"
	// GitHubMalformed is an answer that is not what the API is documented to send.
	GitHubMalformed Code = "github.malformed"
	// GitHubInsecure is a refused hop: plain HTTP, credentials in a URL, a page elsewhere.
	GitHubInsecure Code = "github.insecure"
	// GitHubRedirectLoop is more redirects, or pages, than the API needs.
	GitHubRedirectLoop Code = "github.redirect_loop"
	// GitHubUnusableName is a repository or digest that the API cannot be asked for.
	GitHubUnusableName Code = "github.unusable_name"
)

// codeOf gives the problem of a candidate its code under one check.
func codeOf(check string, p problem) Code {
	suffix := "invalid"
	switch p {
	case problemUnknownAuthority:
		return UnknownAuthority
	case problemPanic:
		return InternalPanic
	case problemMalformed, problemStatement:
		suffix = "malformed"
	case problemSubject:
		suffix = "subject_mismatch"
	case problemKeySigned:
		suffix = "key_signed"
	case problemUnsupported:
		if check == "provenance" {
			suffix = "builder_unsupported"
		} else {
			suffix = "unsupported"
		}
	case problemIdentity:
		suffix = "identity_mismatch"
	case problemBuilder:
		suffix = "builder_mismatch"
	case problemSource:
		suffix = "source_mismatch"
	case problemClaimMismatch:
		suffix = "claim_mismatch"
	case problemClaimMissing:
		suffix = "claim_missing"
	case problemWindow:
		suffix = "outside_window"
	case problemFuture:
		suffix = "in_future"
	case problemCertificate:
		suffix = "certificate_mismatch"
	case problemLevel:
		suffix = "level_too_low"
	case problemInputs:
		suffix = "inputs_mismatch"
	case problemDenied:
		suffix = "signer_denied"
	case problemAge:
		suffix = "too_old"
	case problemOlder:
		suffix = "superseded"
	case problemSpoilt:
		suffix = "spoilt"
	case problemSchema:
		suffix = "schema_invalid"
	case problemContent:
		suffix = "content_refused"
	case problemRule:
		suffix = "rule_violated"
	}
	return Code(check + "." + suffix)
}

// Reason explains one code.
type Reason struct {
	Code Code `json:"code"`
	// Meaning says when the code is given, Next what a person can do.
	Meaning string `json:"meaning"`
	Next    string `json:"next"`
}

// Reasons lists every code with its explanation, in the order of docs/reasons.md.
func Reasons() []Reason {
	all := imageReasons()
	for _, more := range [][]Reason{modeReasons(), serverReasons(), contentReasons(), attestationReasons(), platformReasons(), storyReasons(), freshnessReasons(), releaseReasons()} {
		all = append(all, more...)
	}
	return all
}

// imageReasons explain the codes of everything but releases.
func imageReasons() []Reason {
	retry := "ask again; if it stays, look at the registry"
	github := "ask again; if it stays, see githubstatus.com"
	return []Reason{
		{PolicyNoRule, "No rule of the policy matches the image's name.", "add a rule whose match covers the image, or check the name"},
		{PolicyNoVersion, "A demand names {version}, and no one version is known: the tag names none, or the evidence fits none or several.", "name the version: a version tag, or --image-version"},
		{UnknownAuthority, "The evidence was made under a certificate authority or a log that the trusted root does not know.", "if the authority is right, run `assay trust update`, or name its root with trust: or --trusted-root"},
		{InternalPanic, "Reading a piece of evidence made this program or a library panic: the piece does not count, and without another nothing is decided.", "please report it with the image's digest"},

		{SignatureMissing, "No cosign signature is attached to the image; an attestation is not one.", "sign the image with cosign in the release workflow, or look where the signature went with `cosign tree`"},
		{SignatureMalformed, "Something in a signature's place cannot be parsed.", "sign the image again; if somebody else put it there, remove it"},
		{SignatureInvalid, "A signature is there and does not verify under the trusted root.", "do not run the image before you know why; the reason is under found"},
		{SignatureSubjectMismatch, "The signatures are over another digest.", "sign this digest; a copied signature is not one"},
		{SignatureKeySigned, "The signature was made with a plain key that the policy does not name.", "name the key in the policy (signer: {key: {file, sha256}}), or sign with a workflow identity"},
		{SignatureUnsupported, "The bundle signs bytes by themselves, without a statement about an image, or its log entry is of a kind that cannot be verified.", "sign with cosign 3, or with cosign 2.4 or newer and Rekor v1: they write a statement, and entries that can be verified"},
		{SignatureIdentityMismatch, "The signature is valid and by somebody else than the policy demands.", "compare wanted with found: either the policy names the wrong workflow, or the image is not yours"},
		{SignatureSourceMismatch, "The signer is right and signed for another repository, ref or commit.", "compare wanted with found; a release must be built from the ref that its tag names"},
		{SignatureClaimMismatch, "The signature was made under other circumstances (trigger, runner, visibility) than demanded.", "compare wanted with found"},
		{SignatureClaimMissing, "The policy demands a claim that the certificate does not make; certificates of 2023 lack some.", "sign again with a current Fulcio, or demand less"},
		{SignatureOutsideWindow, "The signature was made outside the time for which the policy accepts its signer.", "sign again, or extend the window if the old signer is still trusted for that time"},
		{SignatureInFuture, "The signature was made after the time of judgement.", "check the clock of this machine, or --at"},

		{ProvenanceMissing, "No SLSA provenance (v0.2 or v1) is attached to the image.", "attest the build with slsa-github-generator or actions/attest-build-provenance"},
		{ProvenanceMalformed, "Something in a provenance's place cannot be parsed.", "attest the build again; if somebody else put it there, remove it"},
		{ProvenanceInvalid, "Provenance is there and does not verify under the trusted root.", "do not run the image before you know why; the reason is under found"},
		{ProvenanceSubjectMismatch, "The provenance is about another digest.", "attest this digest; provenance of another build says nothing about this one"},
		{ProvenanceKeySigned, "The provenance was signed with a plain key, which says nothing of a builder.", "attest the build with a builder that has an identity"},
		{ProvenanceUnsupported, "The builder, its build type, or the log entry of its bundle, is of a kind that assay has no rules for.", "see docs/policy.md for the builders that are supported; no guess is made"},
		{ProvenanceIdentityMismatch, "The provenance was signed under another issuer or identity than demanded.", "compare wanted with found"},
		{ProvenanceBuilderMismatch, "Another builder made the provenance than the policy trusts, or one at no release of its own.", "compare wanted with found; a builder must be used at a full version tag"},
		{ProvenanceLevelTooLow, "The builder's SLSA level is below the demanded one.", "build with a builder of that level, or list the builder in the policy's builders:"},
		{ProvenanceSourceMismatch, "The image was built from another repository, ref or commit than demanded.", "compare wanted with found; a release must be built from the ref that its tag names"},
		{ProvenanceClaimMismatch, "The build ran under other circumstances (trigger, runner, visibility) than demanded.", "compare wanted with found"},
		{ProvenanceClaimMissing, "The policy demands a claim that the certificate does not make; certificates of 2023 lack some.", "build again with a current builder, or demand less"},
		{ProvenanceCertificateMismatch, "The statement says one thing of the build and the certificate that signed it another.", "do not run the image: the provenance was not written by its builder"},
		{ProvenanceInputsMismatch, "The workflow was started with other inputs than demanded.", "compare wanted with found"},
		{ProvenanceOutsideWindow, "The provenance was made outside the time for which the policy accepts it.", "build again, or extend the window"},
		{ProvenanceInFuture, "The provenance was made after the time of judgement.", "check the clock of this machine, or --at"},

		{RegistryUnauthorized, "The registry wants credentials, or refuses those at hand (401).", "log in: docker login REGISTRY"},
		{RegistryForbidden, "The registry refuses access (403).", "ask for read access to the repository"},
		{RegistryNotFound, "The image, or bytes that a manifest names, are not in the registry (404).", "check name and tag; a private image may need a login"},
		{RegistryRateLimited, "The registry's rate limit was reached (429).", "wait, or log in: most registries allow more to those they know"},
		{RegistryServerError, "The registry answered with an error of its own.", retry},
		{RegistryUnreachable, "No connection to the registry could be made (DNS, TCP, TLS, proxy).", "check name, network and proxy; with --layout nothing is fetched"},
		{RegistryTimeout, "The registry did not answer in time.", "ask again, or give it longer with --timeout"},
		{RegistryTruncated, "An answer ended before its announced length.", retry},
		{RegistryDigestMismatch, "Bytes do not hash to the digest they were asked for by.", "do not trust this registry or the proxy before it"},
		{RegistrySizeMismatch, "Bytes are of another size than their descriptor says.", "do not trust this registry or the proxy before it"},
		{RegistryMalformed, "A manifest or an index is not one.", "push the image or its evidence again"},
		{RegistryInsecure, "A hop would have been without TLS, would have carried credentials elsewhere, or would have led to an address that is not allowed.", "serve the registry over TLS, or say plain_http for its host in config.yaml; a server wants network there for an address that is not public"},
		{RegistryRedirectLoop, "More redirects or pages than any registry needs.", retry},
		{LimitExceeded, "A bound on pieces, bytes, pages or requests was reached before everything was read.", "remove what does not belong there: somebody attached very much to this image"},
		{GitHubUnauthorized, "GitHub refuses the token (401).", "renew the token, or unset GH_TOKEN and GITHUB_TOKEN: public repositories need none"},
		{GitHubForbidden, "GitHub refuses access to the attestations (403).", "give the token the permission attestations: read, and authorise it for the organisation's single sign-on"},
		{GitHubNotFound, "GitHub shows no such repository, or no bundle where its API says there is one (404).", "check the source's repository; a private one needs a token that may read it"},
		{GitHubRateLimited, "GitHub's rate limit was reached.", "wait until it resets, or set GH_TOKEN: with a token GitHub allows 5,000 requests an hour instead of 60"},
		{GitHubServerError, "GitHub answered with an error of its own.", github},
		{GitHubUnreachable, "No connection to GitHub could be made (DNS, TCP, TLS, proxy).", "check name, network and proxy; bundles are not at api.github.com but at a blob store"},
		{GitHubTimeout, "GitHub did not answer in time.", "ask again, or give it longer with --timeout"},
		{GitHubTruncated, "An answer of GitHub ended early.", github},
		{GitHubMalformed, "An answer of GitHub is not one that its API is documented to give.", github},
		{GitHubInsecure, "A hop would have been without TLS, or away from the API.", "do not trust this server or the proxy before it"},
		{GitHubRedirectLoop, "More redirects or pages than the API needs.", github},
		{GitHubUnusableName, "The source's repository is not one that GitHub can be asked for.", "write it as owner/name, or as https://HOST/owner/name"},

		{PlaceUnavailable, "The policy names a place that this run cannot ask: a service or a TUF repository, where no connection may be opened.", "run without --offline, or bring the evidence: --bundle FILE, --tuf-mirror DIR"},
		{LayoutUnreadable, "The OCI layout on disk cannot be read.", "save the image again"},
		{LayoutNotFound, "The OCI layout does not hold the image.", "name the digest that it holds, as the message lists"},
	}
}
