package cases

import (
	"context"
	"os"

	"github.com/releaseassay/assay/internal/lab"
)

// goodListings are releases that people listed, and repositories in which something is unusual and nothing is wrong.
func goodListings() []repositoryCase {
	good := Admits()
	return []repositoryCase{
		{words: "listed on a first run", want: good,
			shows: "The maintainers listed the release, and nothing was known of their repository before: all rests on the pinned root.",
			why:   "The verdict says \"bootstrap\"."},
		{words: "listed and asked again", want: good, shows: "The release is listed still when the gate asks again.",
			spoil: func(h *hall) {
				h.seen(Admits())
				h.list("1.2.4", another("a newer release"))
				h.publish()
				h.attack()
			}},
		{words: "listed by two people", people: 2, want: good, shows: "Two maintainers signed the listing, and two are demanded."},
		{words: "listed in a role of people", people: 2, want: good, shows: "The maintainers listed the release in a role that they delegate to themselves.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.publish()
			}},
		{words: "listed before a machine is asked", want: good, shows: "A workflow may list nightly builds; the release is listed in a role that is asked before.",
			spoil: func(h *hall) {
				h.tag("latest")
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.delegate("nightly", []*lab.TUFKey{h.machine("acme/ci")}, h.releases())
				h.listIn("nightly", "99.0.0", another("a nightly build"))
				h.withdraw("1.2.2")
				h.publish()
				h.ask(":latest")
			}},
	}
}

// goodHistories are repositories that something happened to, and nothing is wrong with.
func goodHistories() []repositoryCase {
	good := Admits()
	return []repositoryCase{
		{words: "listed behind latest", want: good, shows: "The tag latest points to the newest listed release.",
			spoil: func(h *hall) {
				h.tag("latest")
				h.ask(":latest")
			}},
		{words: "listed and an older release by name", want: good, shows: "An older release that is still listed is asked for by its version.",
			spoil: func(h *hall) {
				h.list("1.2.4", another("a newer release"))
				h.publish()
			}},
		{words: "listed while latest lags", want: good, shows: "A newer release was listed a few minutes ago, and the tag latest has not followed yet.",
			spoil: func(h *hall) {
				h.tag("latest")
				h.repo.Now = h.bench.Now()
				h.list("1.2.4", another("a newer release"))
				h.publish()
				h.ask(":latest")
			}},
		{words: "listed while the repository is down", want: good, shows: "The repository cannot be reached, and what the gate kept of it has not expired.",
			spoil: func(h *hall) {
				h.bench.Ask(Act{Turn: h.faulty("", nil)})
				h.bench.Ask(Act{Turn: h.faulty("*", lab.AnswerStatus(503))})
			}},
		{words: "listed after the keys were replaced", people: 2, want: good, shows: "Everybody's keys were replaced by a root that the holders before and after have signed.",
			spoil: func(h *hall) {
				h.seen(Admits())
				carol := []*lab.TUFKey{h.person("carol@example.com", lab.PersonIssuer), h.person("dave@example.com", lab.PersonIssuer)}
				h.rotate(func() {
					online := []*lab.TUFKey{h.machine("acme/new-tuf")}
					h.repo.Root.Keys, h.repo.Targets.Keys, h.repo.Snapshot.Keys, h.repo.Timestamp.Keys = carol, carol, online, online
				})
				h.attack()
			}},
		{words: "listed after a fast forward was undone", want: good,
			shows: "With the stolen online key somebody published a version far ahead; the maintainers replaced the key, and versions go on where they were.",
			why:   "What was seen of versions is forgotten where the root takes a key away, as the TUF specification wants.",
			spoil: func(h *hall) {
				h.fastForward()
				h.rotate(func() {
					online := []*lab.TUFKey{h.machine("acme/new-tuf")}
					h.repo.Snapshot.Keys, h.repo.Timestamp.Keys = online, online
					h.repo.Timestamp.Version = 2
				})
				h.attack()
			}},
		{words: "listed and several ask at once", want: good, shows: "Four questions come at the same moment to a gate that has seen nothing yet.",
			spoil: func(h *hall) { h.bench.Ask(Act{AtOnce: 4}) }},
		{words: "listed with state in a file", want: good, shows: "Two jobs on fresh machines carry what was seen from one to the other.",
			spoil: func(h *hall) {
				file := h.stateFile()
				h.bench.Ask(Act{Turn: func(context.Context) error { return os.RemoveAll(file) }})
				h.bench.Ask(Act{})
			}},
	}
}
