package cases

import (
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// withdrawn has the gate see that the image was withdrawn, and returns the files from before.
func (h *hall) withdrawn() (before map[string][]byte) {
	before = h.repo.Files()
	h.withdraw(lab.DefaultTag)
	h.publish()
	h.seen(refusedAs("not_listed"))
	return before
}

// rollbacks serve an older state of the repository than the gate has seen, in which a withdrawn image was listed.
func rollbacks() []repositoryCase {
	const advisory = "CVE-2022-29173"
	undone := openAs("rollback")
	return []repositoryCase{
		{class: 34, words: "rollback of the whole repository", advisories: []string{advisory}, want: undone,
			shows: "The image was withdrawn; whoever serves the TUF repository serves all of its older files, which are still valid, and in which the image is listed.",
			why:   "A mirror that lags looks the same, so the answer is \"undecided\" and not \"no\".",
			spoil: func(h *hall) {
				h.repo.SetFiles(h.withdrawn())
				h.attack()
			}},
		{class: 34, words: "rollback of the snapshot by a new timestamp", advisories: []string{advisory}, want: undone,
			shows: "With the stolen online key somebody signs a new timestamp over the older snapshot, in which the withdrawn image is listed.",
			spoil: func(h *hall) {
				h.withdrawn()
				h.repo.Timestamp.Edit = func(signed map[string]any) { metaOf(signed, "snapshot")["version"] = 2 }
				h.publish("timestamp")
				h.attack()
			}},
		{class: 34, words: "rollback of the targets by a new snapshot", advisories: []string{advisory}, want: undone,
			shows: "With the stolen online key somebody signs a new timestamp and a new snapshot over the older targets, in which the withdrawn image is listed.",
			spoil: func(h *hall) {
				h.withdrawn()
				h.repo.Snapshot.Edit = func(signed map[string]any) { metaOf(signed, "targets")["version"] = 2 }
				h.publish("snapshot")
				h.attack()
			}},
		{class: 34, words: "rollback of a delegated role", advisories: []string{advisory}, want: undone,
			shows: "A new snapshot lists an older version of the delegated role that listed the withdrawn image.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.publish()
				h.repo.RemoveTarget(h.target(lab.DefaultTag), "releases")
				h.publish()
				h.seen(refusedAs("not_listed"))
				h.repo.Snapshot.Edit = func(signed map[string]any) { metaOf(signed, "releases")["version"] = 1 }
				h.publish("snapshot")
				h.attack()
			}},
		{class: 34, words: "rollback by a role that is dropped", advisories: []string{advisory}, want: undone,
			shows: "The snapshot no longer names the role that lists the newest release, so that an older image behind latest looks like the newest.",
			spoil: func(h *hall) {
				h.tag("latest")
				h.delegate("current", nil, h.target("2.*"))
				h.listIn("current", "2.0.0", another("the newest release"))
				h.publish()
				latest := h.bench.Repository + ":latest"
				h.bench.Ask(Act{Image: latest, Turn: h.serve(), Want: refusedAs("rolled_back")})
				h.repo.Snapshot.Edit = func(signed map[string]any) { delete(signed["meta"].(map[string]any), "current.json") }
				h.publish("snapshot")
				h.bench.Ask(Act{Image: latest, Turn: h.serve()})
			}},
	}
}

// rollbackHistories roll a repository back at another moment, or farther.
func rollbackHistories() []repositoryCase {
	undone := openAs("rollback")
	return []repositoryCase{
		{class: 34, words: "fast forward", want: undone,
			shows: "With the stolen online key somebody published a timestamp far ahead, after which everything that the maintainers publish looks old.",
			why:   "The maintainers mend it by replacing the key in the root.",
			spoil: func(h *hall) {
				h.fastForward()
				h.repo.Timestamp.Version = 2
				h.publish("timestamp")
				h.attack()
			}},
		{class: 34, words: "rollback asked by several at once", want: undone,
			shows: "The older repository is served to four questions that come at the same moment and share what was seen.",
			spoil: func(h *hall) {
				h.repo.SetFiles(h.withdrawn())
				h.bench.Ask(Act{Turn: h.serve(), AtOnce: 4})
			}},
		{class: 34, words: "rollback on a first run", want: openAs("below_minimum"), tuf: []string{"min: {timestamp: 3}"},
			shows: "A fresh machine that has seen nothing is served the older repository, in which a withdrawn image is listed.",
			why:   "Without release.tuf.min or kept state nothing tells the older repository from the newest one.",
			spoil: func(h *hall) {
				before := h.repo.Files()
				h.withdraw(lab.DefaultTag)
				h.publish()
				h.repo.SetFiles(before)
			}},
		{class: 34, words: "rollback to a root that was replaced", want: refusedAs("threshold"),
			shows: "A maintainer's stolen key was replaced; somebody withholds the new root, and signs a listing with the stolen key.",
			spoil: func(h *hall) {
				first := h.repo.Files()
				stolen := h.people()
				h.withdraw(lab.DefaultTag)
				h.holders(1, h.person("carol@example.com", lab.PersonIssuer))
				h.seen(refusedAs("not_listed"))
				h.list(lab.DefaultTag, h.digest())
				h.repo.Targets.Signers = stolen[:1]
				h.publish()
				h.put("metadata/1.root.json", first["metadata/1.root.json"])
				h.put("metadata/2.root.json", nil)
				h.attack()
			}},
	}
}

// fastForward has the gate see a timestamp of a version far ahead.
func (h *hall) fastForward() {
	h.repo.Timestamp.Version = 9_000
	h.publish("timestamp")
	h.seen(Admits())
}

// metaOf is what a timestamp or snapshot says of a role's file.
func metaOf(signed map[string]any, role string) map[string]any {
	meta := signed["meta"].(map[string]any)
	entry := meta[role+".json"]
	return entry.(map[string]any)
}

// freezes keep the gate from seeing what is newer.
func freezes() []repositoryCase {
	const frozen = "An image that was withdrawn since is still listed in it."
	expired := openAs("expired")
	short := func(role string) func(*hall) {
		return func(h *hall) {
			h.repo.Role(role).Lifetime = time.Hour
			h.publish(role)
		}
	}
	return []repositoryCase{
		{class: 34, words: "freeze with an expired timestamp", want: expired, spoil: short("timestamp"),
			shows: "Whoever serves the repository goes on serving the state of a day whose timestamp has expired. " + frozen,
			why:   "A frozen repository and a signing job that has died look alike, so that nothing is decided."},
		{class: 34, words: "freeze with an expired snapshot", want: expired, spoil: short("snapshot"),
			shows: "The timestamp is signed anew by a machine, over a snapshot that has expired. " + frozen},
		{class: 34, words: "freeze with expired targets", want: expired, spoil: short("targets"),
			shows: "Machines go on signing over targets that people signed too long ago. " + frozen},
		{class: 34, words: "freeze with an expired root", want: expired, spoil: short("root"),
			shows: "The newest root that is served has expired."},
		{class: 34, words: "freeze with an expired delegation", want: expired,
			shows: "The delegated role that lists the image has expired; everything above it has not.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases()).Lifetime = time.Hour
				h.moveTo("releases")
				h.publish()
			}},
		{class: 34, words: "freeze of what had expired before", want: expired, release: []string{"offline: {max_age: 72h}"},
			shows: "The policy has patience with metadata that expired lately; a machine signs a fresh timestamp over targets that had expired before.",
			spoil: func(h *hall) {
				h.repo.Targets.Lifetime = time.Hour
				h.publish("targets")
				h.repo.Now = h.repo.Now.Add(2 * time.Hour)
				h.publish("timestamp")
			}},
		{class: 34, words: "freeze by silence", want: openAs("tuf.server_error"), tuf: []string{"refresh: required"},
			shows: "The server answers no question any more, so that a gate would go on with its old copy and see no withdrawal.",
			spoil: func(h *hall) {
				h.bench.Ask(Act{Turn: h.faulty("", nil), Want: Admits()})
				h.bench.Ask(Act{Turn: h.faulty("*", lab.AnswerStatus(503))})
			}},
		{class: 34, words: "freeze by unchanged", want: openAs("tuf.server_error"),
			shows: "The server says of a timestamp that the gate has never seen that it has not changed.",
			spoil: func(h *hall) { h.repo.SetFault("metadata/timestamp.json", lab.AnswerStatus(304)) }},
		{class: 34, words: "metadata from the future", want: openAs("in_future"),
			shows: "The targets were signed an hour from now: this machine's clock is behind, or somebody signed ahead.",
			spoil: func(h *hall) {
				h.repo.Targets.Signers = []*lab.TUFKey{h.people()[0].But(func(s *lab.TUFSigning) { s.At = h.bench.Now().Add(time.Hour) })}
				h.publish()
			}},
	}
}
