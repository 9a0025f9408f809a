package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// unreleased are images of which every signature and all provenance is valid, because the release workflow itself was
// taken over: what the maintainers did not list was not released.
func unreleased() []repositoryCase {
	const workflow = "The release workflow was taken over: signature and provenance are valid. "
	return []repositoryCase{
		{class: 35, words: "released by nobody", unlisted: true, want: refusedAs("not_listed"),
			shows: workflow + "No maintainer listed the image.",
			why:   "Only the repository of releases stops this attack. A gate that looks at signatures alone admits it."},
		{class: 35, words: "released by nobody asked by digest", unlisted: true, want: refusedAs("not_listed"),
			shows: workflow + "No maintainer listed the image, and it is asked for by its digest.",
			spoil: func(h *hall) { h.ask("@" + h.digest()) }},
		{class: 35, words: "released by nobody behind latest", unlisted: true, want: refusedAs("not_listed"),
			shows: workflow + "The tag latest was pointed at the image, which no maintainer listed.",
			spoil: func(h *hall) {
				h.tag("latest")
				h.ask(":latest")
			}},
		{class: 35, words: "pushed over a release", want: refusedAs("digest_mismatch"),
			shows: workflow + "The tag of a version that the maintainers did list was pushed anew, with the attacker's image.",
			spoil: func(h *hall) {
				h.list(lab.DefaultTag, another("the released image"))
				h.publish()
			}},
		{class: 35, words: "listed by one account", people: 2, want: refusedAs("too_few_people"),
			shows: workflow + "The account of one maintainer was taken over too, and listed the image.",
			why:   "Where the policy demands one person (people: 1), the same image passes: one account is enough then.",
			spoil: func(h *hall) {
				h.repo.Targets.Signers = h.people()[:1]
				h.publish()
			}},
		{class: 35, words: "listed by the workflow itself", want: refusedAs("threshold"),
			shows: workflow + "The workflow listed its image in the targets, which it does not hold.",
			spoil: func(h *hall) {
				h.repo.Targets.Signers = []*lab.TUFKey{h.identity(h.image.Signer())}
				h.publish()
			}},
		{class: 35, words: "listed with the online keys", unlisted: true, want: refusedAs("threshold"),
			shows: workflow + "The workflow that signs snapshot and timestamp was taken over too, and listed the image in targets of its own.",
			spoil: func(h *hall) {
				h.list(lab.DefaultTag, h.digest())
				h.repo.Targets.Signers = h.repo.Snapshot.Keys
				h.publish()
			}},
		{class: 35, words: "listed by nightly builds", want: refusedAs("machine_signers"),
			shows: workflow + "The maintainers let a workflow list nightly builds, under every path, and it listed the image as a release.",
			spoil: func(h *hall) {
				h.delegate("nightly", []*lab.TUFKey{h.identity(h.image.Signer())}, h.releases())
				h.moveTo("nightly")
				h.publish()
			}},
		{class: 35, words: "listed by the digest of one platform", want: refusedAs("digest_mismatch"),
			shows: "The maintainers listed the manifest of one platform; the tag points to an index over it and over one that nobody has looked at.",
			spoil: func(h *hall) {
				h.list(lab.DefaultTag, h.image.Image.Children()[0].Digest.String())
				h.publish()
			}},
	}
}

// oddManifests are listed as they should be, and say something else.
func oddManifests() []repositoryCase {
	return []repositoryCase{
		{class: 35, words: "a manifest of another image", want: refusedAs("image_mismatch"),
			shows: "The maintainers listed this digest as a release of another image, and somebody published it under this one's name.",
			spoil: listedAs(func(m map[string]any) { m["image"] = "registry.example/acme/gadget" })},
		{class: 35, words: "a manifest of another version", want: refusedAs("version_mismatch"),
			shows: "The manifest under 1.2.3 says of itself that it is of 1.2.2.",
			spoil: listedAs(func(m map[string]any) { m["version"] = "1.2.2" })},
		{class: 35, words: "a manifest of another commit", want: Fails("consistency", "consistency.disagreement"),
			release: []string{"fields: {commit: commit}"},
			shows:   "The maintainers listed the image as built from the commit that they had reviewed; signature and provenance name another.",
			spoil:   listedAs(func(m map[string]any) { m["commit"] = "00112233445566778899aabbccddeeff00112233" })},
		{class: 35, words: "a manifest without a digest", want: refusedAs("manifest_malformed"),
			shows: "The listed manifest names the version and the image, and no digest.",
			spoil: listedAs(func(m map[string]any) { delete(m, "digest") })},
		{class: 35, words: "a manifest whose digest is a list", want: refusedAs("manifest_malformed"),
			shows: "The listed manifest names a list of digests, of which the image's is one.",
			spoil: listedAs(func(m map[string]any) { m["digest"] = []any{another("the released image"), m["digest"]} })},
	}
}

// listedAs lists the image by a manifest that says something else.
func listedAs(edit func(manifest map[string]any)) func(*hall) {
	return func(h *hall) {
		h.listAs("targets", lab.ReleaseEntry{Version: lab.DefaultTag, Digest: h.digest(), Edit: edit})
		h.publish()
	}
}
