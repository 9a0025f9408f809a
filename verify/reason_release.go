package verify

// Codes of the check "release": what the project's TUF repository does not
// authorise, or does not show that it does.
const (
	// ReleaseNotListed is an image that the repository lists under no version, or not
	// under the one that is asked for.
	ReleaseNotListed Code = "release.not_listed"
	// ReleaseWithdrawn is an image that an earlier run saw listed and that is no more.
	ReleaseWithdrawn Code = "release.withdrawn"
	// ReleaseOtherVersion is an image that is listed under another version than asked for.
	ReleaseOtherVersion Code = "release.other_version"
	// ReleaseDigestMismatch is a version whose manifest names another digest.
	ReleaseDigestMismatch Code = "release.digest_mismatch"
	// ReleaseImageMismatch is a manifest that names another image.
	ReleaseImageMismatch Code = "release.image_mismatch"
	// ReleaseVersionMismatch is a manifest that names another version than its path does,
	// or a moving tag of other versions than the image's.
	ReleaseVersionMismatch Code = "release.version_mismatch"
	// ReleaseManifestMalformed is a manifest that is not what the policy's fields say.
	ReleaseManifestMalformed Code = "release.manifest_malformed"
	// ReleaseRolledBack is a moving tag that points to an older release than the newest.
	ReleaseRolledBack Code = "release.rolled_back"
	// ReleaseLagging is the notice of a pass: a newer release was listed a moment ago,
	// and the moving tag still points to the one before.
	ReleaseLagging Code = "release.lagging"
	// ReleaseMachineSigners is a role that the answer rests on and that machines hold, or
	// could sign alone: one on the way, and for a moving tag one that could hide a version.
	ReleaseMachineSigners Code = "release.machine_signers"
	// ReleaseTooFewPeople is a role that the answer rests on and that fewer persons signed
	// than demanded.
	ReleaseTooFewPeople Code = "release.too_few_people"
	// ReleaseNotEnumerable is a question that needs all listed versions where not all
	// could be seen or put in order.
	ReleaseNotEnumerable Code = "release.not_enumerable"
	// ReleaseExpired is metadata past its expiry.
	ReleaseExpired Code = "release.expired"
	// ReleaseRollback is metadata older than what an earlier run saw.
	ReleaseRollback Code = "release.rollback"
	// ReleaseBelowMinimum is metadata older than the policy accepts.
	ReleaseBelowMinimum Code = "release.below_minimum"
	// ReleaseThreshold is metadata with too few valid signatures.
	ReleaseThreshold Code = "release.threshold"
	// ReleaseUnknownKey is a threshold missed because of keys of an unknown type.
	ReleaseUnknownKey Code = "release.unknown_key"
	// ReleaseMetadataMalformed is metadata that is not what the specification says.
	ReleaseMetadataMalformed Code = "release.metadata_malformed"
	// ReleaseMixAndMatch is metadata of a version that the role above does not list.
	ReleaseMixAndMatch Code = "release.mix_and_match"
	// ReleaseHashMismatch is a file that is not the one listed.
	ReleaseHashMismatch Code = "release.hash_mismatch"
	// ReleaseNotDelegated is metadata of a role that nobody delegates to.
	ReleaseNotDelegated Code = "release.not_delegated"
	// ReleaseStateMissing is a policy that demands saved state where there is none.
	ReleaseStateMissing Code = "release.state_missing"
	// ReleaseStateUnreadable is saved state that cannot be read.
	ReleaseStateUnreadable Code = "release.state_unreadable"
	// ReleaseInFuture is metadata that was signed after the time of judgement.
	ReleaseInFuture Code = "release.in_future"
)

// Codes of what a TUF repository did not give. Bounds are LimitExceeded.
const (
	// TUFUnreachable is a connection that could not be made: DNS, TCP, TLS, proxy.
	TUFUnreachable Code = "tuf.unreachable"
	// TUFTimeout is an answer that did not come in time.
	TUFTimeout Code = "tuf.timeout"
	// TUFServerError is a 5xx, or a status that no server of files should send.
	TUFServerError Code = "tuf.server_error"
	// TUFNotFound is a file that has to be there (404).
	TUFNotFound Code = "tuf.not_found"
	// TUFForbidden is a file that has to be there (401, 403).
	TUFForbidden Code = "tuf.forbidden"
	// TUFRateLimited is a 429.
	TUFRateLimited Code = "tuf.rate_limited"
	// TUFTruncated is a body that ended before its announced length.
	TUFTruncated Code = "tuf.truncated"
	// TUFInsecure is a refused hop: plain HTTP, or another host than redirects may name.
	TUFInsecure Code = "tuf.insecure"
	// TUFRedirectLoop is more redirects than any repository needs.
	TUFRedirectLoop Code = "tuf.redirect_loop"
)

// releaseReasons explain the codes of releases.
func releaseReasons() []Reason {
	retry := "ask again; if it stays, look at the server of the TUF repository"
	do := "do not run the image before you know why"
	back := "if the older release is meant, name its version or digest; to run an older release is never an accident then"
	return []Reason{
		{ReleaseNotListed, "The project's TUF repository lists this image under no version, or not under the one asked for: nobody who may release did.", do + "; if the release is under way, ask again once its manifest is published"},
		{ReleaseWithdrawn, "The repository listed this image before and does so no more.", "take a release that is listed, as the message names them; " + back},
		{ReleaseOtherVersion, "The repository lists this image under another version than the one asked for.", "ask for the version that the message names; if a tag says otherwise, the tag was moved"},
		{ReleaseDigestMismatch, "The repository lists another image under this version.", do + ": the tag does not point to what was released"},
		{ReleaseImageMismatch, "The release manifest names another image.", "compare wanted with found: the policy's target, or the manifest, is of another image"},
		{ReleaseVersionMismatch, "The release manifest names another version than its path, or the moving tag is of other versions than the image.", "compare wanted with found"},
		{ReleaseManifestMalformed, "The release manifest is not JSON with the members that the policy's fields name.", "look at the manifest with `assay trust tuf show`, and compare release.fields with it"},
		{ReleaseRolledBack, "The moving tag points to another release than the newest one that the repository lists for it.", "find out who moved the tag; " + back},
		{ReleaseLagging, "A notice, not a failure: the moving tag points to the release before the newest, which was listed less than moving.lag ago.", "nothing; the tag has to follow before the time that the message names"},
		{ReleaseMachineSigners, "A role that the answer rests on was not signed by enough people, or machines alone could sign it.", "let only people hold root, targets and the delegations that can list a release, delegate to machines after them or for other paths, or name the key or identity under release.signers"},
		{ReleaseTooFewPeople, "A role that the answer rests on was signed by fewer persons than the policy demands.", "let more of the role's people sign, or demand fewer"},
		{ReleaseNotEnumerable, "Not all versions that the repository lists could be seen or put in order, and the question needs that.", "name the version: a version tag, or --image-version; if one is named, the way to its manifest is too long: ask the repository's owners"},
		{ReleaseExpired, "Metadata of the repository has expired: it is frozen, its signing job is dead, or this copy of it is old.", "ask again once the repository is signed anew; release.offline.max_age allows expired metadata for a time"},
		{ReleaseRollback, "The repository gives older metadata than an earlier run saw.", "ask again, in case a mirror or cache lags; if it stays, somebody has rolled the repository back"},
		{ReleaseBelowMinimum, "The repository gives older metadata than release.tuf.min accepts.", "look at the repository, or at release.tuf.min"},
		{ReleaseThreshold, "Metadata of the repository has fewer valid signatures than its keys must make.", do + "; the role and the reason are in the message"},
		{ReleaseUnknownKey, "Metadata of the repository is signed with keys of a type that assay cannot verify.", "see docs/policy.md for the types of key that are supported"},
		{ReleaseMetadataMalformed, "Metadata of the repository is not what the TUF specification says.", do + "; the role and the reason are in the message"},
		{ReleaseMixAndMatch, "Two files of metadata do not belong together.", do + "; if the repository was just published, ask again"},
		{ReleaseHashMismatch, "A file of the repository is not the one that its metadata lists.", "do not trust this server or the proxy before it; if the repository was just published, ask again"},
		{ReleaseNotDelegated, "A role was given that no other delegates to.", do + "; the role is in the message"},
		{ReleaseStateMissing, "The policy demands that an earlier run's state is at hand, and there is none.", "run `assay trust tuf init`, or bring the state with --tuf-state FILE"},
		{ReleaseStateUnreadable, "The state that an earlier run saved is there and cannot be read, or that which the replicas of a server share.", "find out what happened to the file, or to the store; `assay trust tuf init --again` begins anew from the pinned root, with a file"},
		{ReleaseInFuture, "Metadata of the repository was signed after the time of judgement.", "check the clock of this machine, and ask again; or check --at"},

		{TUFUnreachable, "No connection to the TUF repository could be made (DNS, TCP, TLS, proxy), and no copy serves.", "check name, network and proxy, or bring a copy with --tuf-mirror"},
		{TUFTimeout, "The TUF repository did not answer in time.", "ask again, or give it longer with --timeout"},
		{TUFServerError, "The server of the TUF repository answered with an error of its own.", retry},
		{TUFNotFound, "A file that the TUF repository must have is not there (404).", "check metadata_url and targets_url of the policy"},
		{TUFForbidden, "The server of the TUF repository refuses a file (401, 403).", "check metadata_url and targets_url of the policy; assay sends no credentials there"},
		{TUFRateLimited, "The rate limit of the TUF repository's server was reached (429).", "wait, and ask again"},
		{TUFTruncated, "An answer of the TUF repository's server ended early.", retry},
		{TUFInsecure, "A hop would have been without TLS, or would have led to an address that is not allowed.", "serve the repository over TLS; a server wants network for its host in config.yaml where its address is not public"},
		{TUFRedirectLoop, "More redirects than any repository needs.", retry},
	}
}
