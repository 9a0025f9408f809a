package cases

import "github.com/releaseassay/assay/internal/lab"

// withdrawals are images that the maintainers once listed, and do not mean to be run now.
func withdrawals() []repositoryCase {
	gone := refusedAs("withdrawn")
	// once asks about the image while it is listed, and again after a change.
	once := func(suffix string, change func(*hall)) func(*hall) {
		return func(h *hall) {
			h.tag("latest")
			image := h.bench.Repository + suffix
			h.bench.Ask(Act{Image: image, Turn: h.serve(), Want: Admits()})
			change(h)
			h.publish()
			h.bench.Ask(Act{Image: image, Turn: h.serve()})
		}
	}
	withdraw := func(h *hall) { h.withdraw(lab.DefaultTag) }
	return []repositoryCase{
		{class: 36, words: "withdrawn", want: gone, spoil: once(":"+lab.DefaultTag, withdraw),
			shows: "The image was listed when the gate first asked; the maintainers have withdrawn it since, and its signatures are as good as ever."},
		{class: 36, words: "withdrawn asked by digest", want: gone, shows: "The withdrawn image is asked for by its digest.",
			spoil: func(h *hall) { once("@"+h.digest(), withdraw)(h) }},
		{class: 36, words: "withdrawn behind latest", want: gone, spoil: once(":latest", withdraw), shows: "The tag latest still points to the withdrawn image."},
		{class: 36, words: "replaced under its version", want: gone,
			shows: "The maintainers replaced the image under its version by another one, and the tag still points to the first.",
			spoil: once(":"+lab.DefaultTag, func(h *hall) { h.list(lab.DefaultTag, another("the replacement")) })},
		{class: 36, words: "listed under another version", want: refusedAs("other_version"),
			shows: "The tag says 1.2.3; the maintainers listed this very image as 1.2.4.",
			spoil: func(h *hall) {
				h.withdraw(lab.DefaultTag)
				h.list("1.2.4", h.digest())
				h.publish()
			}},
		{class: 36, words: "the tag of another listed version", want: refusedAs("other_version"),
			shows: "The tag 1.2.3 was pointed at the image of 1.2.4.",
			spoil: func(h *hall) {
				h.list(lab.DefaultTag, another("the image of 1.2.3"))
				h.list("1.2.4", h.digest())
				h.publish()
			}},
	}
}

// tagsPointedBack are tags that move, and point to an older release than they should.
func tagsPointedBack() []repositoryCase {
	back := refusedAs("rolled_back")
	// behind points a tag at the image, while a newer version is listed.
	behind := func(tag, newer string) func(*hall) {
		return func(h *hall) {
			h.tag(tag)
			h.list(newer, another("the newest release"))
			h.publish()
			h.ask(":" + tag)
		}
	}
	return []repositoryCase{
		{class: 36, words: "latest pointed back", want: back, spoil: behind("latest", "1.2.4"),
			shows: "The tag latest was pointed back at an older release, whose signature, provenance and listing are all good.",
			why:   "To run an older release on purpose, name its version or its digest."},
		{class: 36, words: "a line pointed back", want: back, spoil: behind("1.2", "1.2.4"),
			shows: "The tag 1.2 was pointed back at an older release of that line."},
		{class: 36, words: "latest pointed back by number and not by letter", want: back, spoil: behind("latest", "1.10.0"),
			shows: "The newest release is 1.10.0, which a program that compares letters puts before 1.2.3."},
		{class: 36, words: "a line pointed at another line", want: refusedAs("version_mismatch"),
			shows: "The tag 9.9 was pointed at a release of 1.2.",
			spoil: func(h *hall) {
				h.tag("9.9")
				h.ask(":9.9")
			}},
		{class: 36, words: "latest two releases behind", want: back,
			shows: "The tag latest is two releases behind, both of which were listed a moment ago: a tag may lag by one.",
			spoil: func(h *hall) {
				h.repo.Now = h.bench.Now()
				h.list("1.2.4", another("the release before"))
				behind("latest", "1.2.5")(h)
			}},
	}
}
