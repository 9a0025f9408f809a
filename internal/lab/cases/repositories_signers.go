package cases

import "github.com/releaseassay/assay/internal/lab"

const googleIssuer = "https://accounts.google.com"

// held has others hold the targets than the two maintainers.
func held(threshold int, keys func(*hall) []*lab.TUFKey) func(*hall) {
	return func(h *hall) { h.holders(threshold, keys(h)...) }
}

func heldBy(key func(*hall) *lab.TUFKey) func(*hall) {
	return held(1, func(h *hall) []*lab.TUFKey { return []*lab.TUFKey{key(h)} })
}

// ci is the key of a workflow.
func ci(h *hall) *lab.TUFKey { return h.machine("acme/ci") }

// signerClasses have a workflow among those who could list a release.
func signerClasses() []repositoryCase {
	machines := refusedAs("machine_signers")
	return []repositoryCase{
		{class: 34, words: "a workflow in the root", want: machines,
			shows: "A workflow is one of those who may sign the root, each alone, and so may make itself the holder of everything.",
			spoil: func(h *hall) {
				h.rotate(func() { h.repo.Root.Keys = append(h.people(), ci(h)) })
			}},
		{class: 34, words: "a workflow in a root that was replaced", want: machines,
			shows: "A workflow could sign the root once; the newest root no longer names it, and could be its work.",
			spoil: func(h *hall) {
				people := h.people()
				h.rotate(func() { h.repo.Root.Keys = append(h.people(), ci(h)) })
				h.rotate(func() { h.repo.Root.Keys = people })
			}},
		{class: 34, words: "a workflow in the targets", want: machines, spoil: heldBy(ci), shows: "A workflow holds the targets and listed the image."},
		{class: 34, words: "a workflow beside people in the targets", want: machines,
			shows: "People listed the image, and a workflow could have, since each holder may sign alone.",
			spoil: func(h *hall) {
				people := h.people()
				h.holders(1, append(h.people(), ci(h))...)
				h.repo.Targets.Signers = people
				h.publish("targets")
			}},
		{class: 34, words: "a workflow in a delegated role", want: machines,
			shows: "People hold the targets, and delegate to a workflow, which listed the image.",
			spoil: func(h *hall) {
				h.delegate("releases", []*lab.TUFKey{ci(h)}, h.releases())
				h.moveTo("releases")
				h.publish()
			}},
		{class: 34, words: "a workflow below a role of people", want: machines,
			shows: "The targets delegate to people, and these to a workflow, which listed the image.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases()).Delegations = []lab.TUFDelegation{{Role: h.role("ci", []*lab.TUFKey{ci(h)}), Paths: []string{h.releases()}}}
				h.moveTo("ci")
				h.publish()
			}},
		{class: 34, words: "two workflows against a threshold of two", want: machines,
			shows: "Two must sign the targets, and two workflows are among those who may.",
			spoil: held(2, func(h *hall) []*lab.TUFKey { return append(h.people(), ci(h), h.machine("acme/cd")) })},
		{class: 34, words: "a person and a workflow against a threshold of two", want: machines,
			shows: "Two must sign the targets: one person and one workflow did.",
			spoil: held(2, func(h *hall) []*lab.TUFKey { return []*lab.TUFKey{h.people()[0], ci(h)} })},
	}
}

// machineNames list the image by keys and addresses that are not people's.
func machineNames() []repositoryCase {
	machines := refusedAs("machine_signers")
	named := func(email, issuer string) func(*hall) {
		return heldBy(func(h *hall) *lab.TUFKey { return h.person(email, issuer) })
	}
	return []repositoryCase{
		{class: 34, words: "an ed25519 secret", want: machines, spoil: heldBy((*hall).ordinary),
			shows: "An ed25519 key, which may lie among the secrets of a repository, signed the listing."},
		{class: 34, words: "a service account", want: machines, spoil: named("release@acme.iam.gserviceaccount.com", googleIssuer),
			shows: "The address that signed the listing is a service account's, whose key a machine holds."},
		{class: 34, words: "a service account in capitals", want: machines, spoil: named("release@acme.iam.GServiceAccount.com", googleIssuer),
			shows: "The service account's address is written with capitals."},
		{class: 34, words: "a bot", want: machines, spoil: named("41898282+release[bot]@users.noreply.github.com", lab.PersonIssuer),
			shows: "The address that signed the listing is a bot's."},
		{class: 34, words: "a person of an unknown issuer", want: machines, spoil: named(lab.FirstPerson, "https://login.mallory.example"),
			shows: "The address is a maintainer's, and the issuer that vouches for it is one that anybody could run."},
		{class: 34, words: "a workflow of a persons issuer", want: machines,
			shows: "A workflow's identity comes from the issuer that vouches for people.",
			spoil: heldBy(func(h *hall) *lab.TUFKey {
				id := lab.GitHub("acme/ci", "refs/heads/main", lab.DefaultCommit, ".github/workflows/sign.yml")
				id.Extensions.Issuer = lab.PersonIssuer
				return h.identity(id)
			})},
		{class: 34, words: "a person whom the policy does not name", want: machines,
			signers: "{identities: [{issuer: " + lab.PersonIssuer + ", identity: " + lab.FirstPerson + "}]}",
			shows:   "The policy names one maintainer; the targets could be signed by another person too.",
			spoil:   func(*hall) {}},
	}
}

// signerCounts make one person look like two.
func signerCounts() []repositoryCase {
	few := refusedAs("too_few_people")
	return []repositoryCase{
		{class: 34, words: "one person under two issuers", people: 2, want: few,
			shows: "Two people are demanded; one address signed twice, vouched for by two issuers.",
			spoil: func(h *hall) {
				h.holders(1, h.person(lab.FirstPerson, lab.PersonIssuer), h.person(lab.FirstPerson, googleIssuer))
			}},
		{class: 34, words: "one person in two spellings", people: 2, want: few,
			shows: "Two people are demanded; one address signed twice, the second time in capitals.",
			spoil: func(h *hall) {
				h.holders(2, h.person(lab.FirstPerson, lab.PersonIssuer), h.person("Alice@Example.com", lab.PersonIssuer))
			}},
		{class: 34, words: "one person in a delegated role", people: 2, want: few,
			shows: "Two people hold the targets, and delegate to one of them, who listed the image alone.",
			spoil: func(h *hall) {
				h.delegate("releases", h.people()[:1], h.releases())
				h.moveTo("releases")
				h.publish()
			}},
		{class: 34, words: "one person signed the root", people: 2, want: few,
			shows: "Two people signed the listing; the root that names them was signed by one of them alone.",
			spoil: func(h *hall) {
				h.repo.Root.Signers = h.people()[:1]
				h.publish("root")
				h.try(h.repo.EditSignatures("metadata/2.root.json", func(all []lab.TUFSignature) []lab.TUFSignature { return all[:1] }))
			}},
	}
}
