package cases

import (
	"fmt"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// delegationPaths list the image in a role that is trusted with other paths.
func delegationPaths() []repositoryCase {
	unlisted, malformed := refusedAs("not_listed"), refusedAs("metadata_malformed")
	// by lists the image in a role of people that is trusted with other paths.
	by := func(pattern func(*hall) string) func(*hall) {
		return func(h *hall) {
			h.delegate("releases", nil, pattern(h))
			h.moveTo("releases")
			h.publish()
		}
	}
	fixed := func(pattern string) func(*hall) string { return func(*hall) string { return pattern } }
	return []repositoryCase{
		{class: 34, words: "a delegation whose star ends at a slash", want: unlisted, spoil: by(fixed("widget/*")),
			shows: "A role that is trusted with widget/* lists the image's manifest, which lies one folder deeper."},
		{class: 34, words: "a delegation of another folder", want: unlisted, spoil: by(fixed("*/releases/v9*.json")),
			shows: "A role that is trusted with version 9 alone lists the image as 1.2.3."},
		{class: 34, words: "a delegation that looks like a regular expression", want: unlisted, spoil: by(fixed("widget/releases/.*")),
			shows: "A role is trusted with a path that fits the manifest only where patterns are read as regular expressions."},
		{class: 34, words: "a delegation in other letters", want: unlisted, spoil: by(fixed("Widget/Releases/*")),
			shows: "A role is trusted with a folder of the same name in capitals."},
		{class: 34, words: "a delegation with a class that does not fit", want: unlisted, spoil: by(fixed("widget/releases/v[!1]*.json")),
			shows: "A role is trusted with every version that does not begin with 1, and lists 1.2.3."},
		{class: 34, words: "a delegation whose pattern is none", want: malformed, spoil: by(fixed("widget/releases/v[1*.json")),
			shows: "A delegation's pattern has a bracket that nothing closes, which programs read differently."},
		{class: 34, words: "a delegation by the hash of another path", want: unlisted,
			shows: "A role is trusted with paths by the first digits of their hash, which are not the manifest's.",
			spoil: func(h *hall) {
				h.delegate("releases", nil)
				last := &h.repo.Targets.Delegations[0]
				last.Paths, last.PathHashPrefixes = nil, []string{other(sum([]byte(h.target(lab.DefaultTag)))[:2])}
				h.moveTo("releases")
				h.publish()
			}},
	}
}

// delegationOrders list the image after a role whose word comes before.
func delegationOrders() []repositoryCase {
	unlisted := refusedAs("not_listed")
	return []repositoryCase{
		{class: 34, words: "after a terminating delegation", want: unlisted,
			shows: "The first role that is asked has the last word about releases, and lists none; a role after it lists the image.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases())
				h.repo.Targets.Delegations[0].Terminating = true
				h.delegate("more", nil, h.releases())
				h.moveTo("more")
				h.publish()
			}},
		{class: 34, words: "after a terminating delegation further down", want: unlisted,
			shows: "A role that is asked first hands its word on to a terminating one, which lists nothing; a role after both lists the image.",
			spoil: func(h *hall) {
				first := h.delegate("releases", nil, h.releases())
				first.Delegations = []lab.TUFDelegation{{Role: h.role("inner", nil), Paths: []string{h.releases()}, Terminating: true}}
				h.delegate("more", nil, h.releases())
				h.moveTo("more")
				h.publish()
			}},
		{class: 34, words: "a listing that is not the first", advisories: []string{"CVE-2024-47534"}, want: refusedAs("digest_mismatch"),
			shows: "The role that is asked first leads to one that lists the released image; a role that is asked later lists the attacker's under the same version.",
			why:   "A client that visits the roles in another order takes the later word.",
			spoil: func(h *hall) {
				first := h.delegate("releases", nil, h.releases())
				first.Delegations = []lab.TUFDelegation{{Role: h.role("inner", nil), Paths: []string{h.releases()}}}
				h.delegate("more", nil, h.releases())
				h.moveTo("more")
				h.listIn("inner", lab.DefaultTag, another("the released image"))
				h.publish()
			}},
		{class: 34, words: "delegations in a circle", want: unlisted, shows: "Two roles delegate to each other for ever, and neither lists the image.",
			spoil: func(h *hall) {
				first, second := h.delegate("first", nil, h.releases()), h.role("second", nil)
				first.Delegations = []lab.TUFDelegation{{Role: second, Paths: []string{h.releases()}}}
				second.Delegations = []lab.TUFDelegation{{Role: first, Paths: []string{h.releases()}}}
				h.withdraw(lab.DefaultTag)
				h.publish()
			}},
		{class: 34, words: "delegations without end", want: openAs("not_enumerable"),
			shows: "Seventy roles, each good, have to be asked before the one that lists the image.",
			spoil: func(h *hall) {
				for i := range 70 {
					h.delegate(fmt.Sprintf("role-%02d", i), h.people()[:1], h.releases())
				}
				h.moveTo("role-69")
				h.publish()
			}},
	}
}

// delegatedRoles list the image in a role that is not what it is called.
func delegatedRoles() []repositoryCase {
	malformed := refusedAs("metadata_malformed")
	return []repositoryCase{
		{class: 34, words: "a role that another delegator trusts", want: refusedAs("threshold"),
			shows: "Two roles trust a third, each with keys and paths of its own; it is signed by the one whose paths do not include releases.",
			spoil: func(h *hall) {
				mallory := []*lab.TUFKey{h.person("mallory@example.com", lab.PersonIssuer)}
				shared := h.role("shared", mallory)
				h.delegate("nightly", nil, "widget/nightly/*").Delegations = []lab.TUFDelegation{{Role: shared, Paths: []string{"widget/nightly/*"}}}
				h.delegate("releases", nil, h.releases()).Delegations = []lab.TUFDelegation{{Role: shared, Paths: []string{h.releases()}, Keys: h.people()}}
				h.moveTo("shared")
				h.publish()
			}},
		{class: 34, words: "a role that the snapshot does not list", want: refusedAs("not_delegated"),
			shows: "A role is delegated to and lists the image; the snapshot says nothing of its version.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.repo.Snapshot.Edit = func(signed map[string]any) { delete(signed["meta"].(map[string]any), "releases.json") }
				h.publish()
			}},
		{class: 34, words: "a role with a name from the top", want: malformed,
			shows: "The targets delegate to a role that is called timestamp, whose file would lie over the real one.",
			spoil: func(h *hall) {
				h.repo.Targets.Edit = func(signed map[string]any) {
					signed["delegations"] = map[string]any{"keys": map[string]any{}, "roles": []any{map[string]any{
						"name": "timestamp", "keyids": []any{}, "threshold": 1, "terminating": false, "paths": []string{h.releases()},
					}}}
				}
				h.publish()
			}},
		{class: 34, words: "a role with dots in its name", advisories: []string{"CVE-2026-24686"}, want: refusedAs("machine_signers"),
			shows: "A machine lists the image in a role that is called ../../root, to have its file written over what the gate keeps; asked again, the gate still knows what it saw.",
			spoil: func(h *hall) {
				h.seen(Admits())
				h.delegate("../../root", []*lab.TUFKey{h.machine("acme/ci")}, h.releases())
				h.moveTo("../../root")
				h.publish()
				h.attack()
				h.attack()
			}},
	}
}

// other are hexadecimal digits that differ from these in each place.
func other(digits string) string {
	out := []byte(digits)
	for i, d := range out {
		if out[i] = '0'; d == '0' {
			out[i] = '1'
		}
	}
	return string(out)
}

// hidingRoles keep a newer release from being seen behind a tag that moves, or list one that nobody released.
func hidingRoles() []repositoryCase {
	machines := refusedAs("machine_signers")
	// latest asks for an older image behind latest.
	latest := func(prepare func(*hall)) func(*hall) {
		return func(h *hall) {
			h.tag("latest")
			prepare(h)
			h.publish()
			h.ask(":latest")
		}
	}
	return []repositoryCase{
		{class: 34, words: "a machine could hide the newest release", want: machines,
			shows: "A role that a machine holds is asked before the people's, and points with a terminating delegation away from the newest release, so that the one before it behind latest looks like the newest.",
			spoil: latest(func(h *hall) {
				nightly := h.delegate("nightly", []*lab.TUFKey{h.machine("acme/ci")}, h.releases())
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.listIn("releases", "1.2.4", another("the newest release"))
				nightly.Delegations = []lab.TUFDelegation{{Role: h.role("nobody", nil), Paths: []string{h.target("1.2.4")}, Terminating: true}}
			})},
		{class: 34, words: "a machine replaces the newest release", want: machines,
			shows: "A role that a machine holds is asked before the people's, and lists the image behind latest as the newest version.",
			spoil: latest(func(h *hall) {
				h.delegate("nightly", []*lab.TUFKey{h.machine("acme/ci")}, h.releases())
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.listIn("releases", "1.2.4", another("the newest release"))
				h.listIn("nightly", "1.2.4", h.digest())
			})},
		{class: 34, words: "one of two people hides the newest release", people: 2, want: refusedAs("too_few_people"),
			shows: "One maintainer alone takes the newest release off the list of its role, so that an older image behind latest looks like the newest.",
			spoil: latest(func(h *hall) {
				current := h.delegate("current", nil, h.target("2.*"))
				h.listIn("current", "2.0.0", another("the newest release"))
				h.publish()
				current.Signers = current.Keys[:1]
				h.repo.RemoveTarget(h.target("2.0.0"), "current")
			})},
		{class: 34, words: "a frozen role could hide the newest release", want: openAs("expired"),
			shows: "The role that would list the newest release has expired, so that an older image behind latest looks like the newest.",
			spoil: latest(func(h *hall) {
				h.delegate("current", nil, h.target("2.*")).Lifetime = time.Hour
			})},
	}
}
