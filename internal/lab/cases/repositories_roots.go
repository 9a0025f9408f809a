package cases

import (
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// thresholds let one holder, or none, count as enough.
func thresholds() []repositoryCase {
	few := refusedAs("threshold")
	const zero = "CVE-2026-23992"
	// unsigned lists the image in a delegated role that nobody signed.
	unsigned := func(threshold int) func(*hall) {
		return func(h *hall) {
			role := h.delegate("releases", nil, h.releases())
			role.Threshold, role.Signers = threshold, []*lab.TUFKey{}
			h.moveTo("releases")
			h.publish()
		}
	}
	return []repositoryCase{
		{class: 34, words: "a threshold of zero in a delegation", advisories: []string{zero}, want: few, spoil: unsigned(0),
			shows: "A delegation demands no signature at all, and whoever writes to the server lists the image in its role."},
		{class: 34, words: "a threshold below zero", advisories: []string{zero}, want: few, spoil: unsigned(-1),
			shows: "A delegation demands minus one signature, which every number of signatures reaches."},
		{class: 34, words: "a threshold of zero in the root", advisories: []string{zero}, want: few,
			shows: "The root demands no signature under the targets, and there is none.",
			spoil: func(h *hall) {
				h.repo.Targets.Threshold, h.repo.Targets.Signers = 0, []*lab.TUFKey{}
				h.publish("root", "targets")
			}},
		{class: 34, words: "no signature", want: few, shows: "The targets that list the image are not signed.",
			spoil: func(h *hall) {
				h.try(h.repo.EditSignatures(h.metadata("targets"), func([]lab.TUFSignature) []lab.TUFSignature { return []lab.TUFSignature{} }))
			}},
		{class: 34, words: "a changed listing", want: few, shows: "Somebody changed a listing from the released image to another one, under the signatures that were there.",
			spoil: func(h *hall) {
				good := h.manifest(h.digest())
				h.list(lab.DefaultTag, another("the released image"))
				h.publish()
				relist(h, good)
			}},
		{class: 34, words: "a key of an unknown type", want: refusedAs("unknown_key"),
			shows: "The targets are signed by a key of a type that nobody has heard of.",
			spoil: func(h *hall) {
				k := h.ordinary()
				k.Type, k.Scheme = "dilithium", "dilithium5"
				h.holders(1, k)
			}},
	}
}

// doubledHolders make one holder count twice, where two must sign.
func doubledHolders() []repositoryCase {
	few := refusedAs("threshold")
	return []repositoryCase{
		{class: 34, words: "one key under two ids", want: few,
			shows: "Two must sign the targets, and the root lists one maintainer under two key ids.",
			spoil: func(h *hall) {
				alice := h.people()[0]
				h.holders(2, alice, alice.Labelled("alice-again"))
			}},
		{class: 34, words: "one id listed twice", want: few,
			shows: "Two must sign the targets, and the root lists one key id twice.",
			spoil: func(h *hall) {
				alice := h.people()[0]
				h.holders(2, alice, alice)
				h.repo.Targets.Signers = []*lab.TUFKey{alice}
				h.publish("targets")
			}},
		{class: 34, words: "one signature twice", want: refusedAs("metadata_malformed"),
			shows: "Two must sign the targets; one maintainer's signature is there twice.",
			spoil: func(h *hall) {
				h.holders(2, h.people()...)
				h.try(h.repo.EditSignatures(h.metadata("targets"), func(all []lab.TUFSignature) []lab.TUFSignature {
					return append(all[:1:1], all[0])
				}))
			}},
		{class: 34, words: "a signature under the id of another", want: few,
			shows: "Two must sign the targets; one maintainer signed twice, the second time under the other's key id.",
			spoil: func(h *hall) {
				alice, bob := h.people()[0], h.people()[1]
				h.holders(2, alice, bob)
				h.repo.Targets.Signers = []*lab.TUFKey{alice, alice.Labelled(bob.ID)}
				h.publish()
			}},
		{class: 34, words: "one signature of two", want: few, shows: "Two must sign the targets, and one did.",
			spoil: func(h *hall) {
				h.holders(2, h.people()...)
				h.repo.Targets.Signers = h.people()[:1]
				h.publish()
			}},
	}
}

// relist has the newest targets list a file in the image's place, without signing them again.
func relist(h *hall, content []byte) {
	h.repo.SetFile(h.repo.TargetPath(h.target(lab.DefaultTag), content), content)
	h.try(h.repo.EditFile(h.metadata("targets"), func(file map[string]any) {
		target := file["signed"].(map[string]any)["targets"].(map[string]any)[h.target(lab.DefaultTag)].(map[string]any)
		target["length"], target["hashes"] = len(content), map[string]any{"sha256": sum(content)}
	}))
}

// rootChains lead from the pinned root to keys that its holders did not name.
func rootChains() []repositoryCase {
	few := refusedAs("threshold")
	// replaced has a new root name a stranger in the maintainers' place.
	replaced := func(keep func(signature lab.TUFSignature, old []string) bool) func(*hall) {
		return func(h *hall) {
			var old []string
			for _, k := range h.repo.Root.Keys {
				old = append(old, k.ID)
			}
			mallory := h.person("mallory@example.com", lab.PersonIssuer)
			h.rotate(func() { h.repo.Root.Keys, h.repo.Targets.Keys = []*lab.TUFKey{mallory}, []*lab.TUFKey{mallory} })
			h.try(h.repo.EditSignatures("metadata/2.root.json", func(all []lab.TUFSignature) []lab.TUFSignature {
				return slices.DeleteFunc(all, func(s lab.TUFSignature) bool { return !keep(s, old) })
			}))
		}
	}
	return []repositoryCase{
		{class: 34, words: "a root that its predecessor did not sign", want: few,
			shows: "The next root names a stranger as the holder of everything, and nobody but the stranger signed it.",
			spoil: replaced(func(s lab.TUFSignature, old []string) bool { return !slices.Contains(old, s.KeyID) })},
		{class: 34, words: "a root that its own holders did not sign", want: few,
			shows: "The next root is signed by its predecessor's holders alone.",
			spoil: replaced(func(s lab.TUFSignature, old []string) bool { return slices.Contains(old, s.KeyID) })},
		{class: 34, words: "a skipped root", want: refusedAs("metadata_malformed"),
			shows: "In the second root's place lies the third, so that a root which took a key away is never seen.",
			spoil: func(h *hall) {
				h.publish("root")
				h.publish("root")
				h.put("metadata/2.root.json", h.repo.File("metadata/3.root.json"))
			}},
		{class: 34, words: "the first root again", want: refusedAs("metadata_malformed"), shows: "In the second root's place lies the first again.",
			spoil: func(h *hall) { h.put("metadata/2.root.json", h.repo.FirstRoot()) }},
		{class: 34, words: "a root that is withheld", want: few,
			shows: "The second root took away a stolen key, and is withheld; the third is there, and nobody gets to it. Timestamp and snapshot are by the new key.",
			spoil: func(h *hall) {
				h.rotate(func() {
					key := []*lab.TUFKey{h.machine("acme/new-tuf")}
					h.repo.Timestamp.Keys, h.repo.Snapshot.Keys = key, key
				})
				h.publish("root")
				h.put("metadata/2.root.json", nil)
			}},
		{class: 34, words: "a root without a role", want: refusedAs("metadata_malformed"), shows: "The next root names nobody for the timestamp.",
			spoil: func(h *hall) {
				h.repo.Root.Edit = func(signed map[string]any) { delete(signed["roles"].(map[string]any), "timestamp") }
				h.publish("root")
			}},
	}
}
