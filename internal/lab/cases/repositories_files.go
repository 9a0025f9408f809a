package cases

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// mismatches serve files that are not those which other files list.
func mismatches() []repositoryCase {
	mixed := refusedAs("mix_and_match")
	// serves puts a role's version before the newest in the newest's place, once the image was withdrawn.
	serves := func(role string, before func(*hall) string, since ...func(*hall)) func(*hall) {
		return func(h *hall) {
			content := h.repo.File(before(h))
			h.withdraw(lab.DefaultTag)
			for _, change := range since {
				change(h)
			}
			h.publish()
			h.put(h.metadata(role), content)
		}
	}
	newest := func(role string) func(*hall) string { return func(h *hall) string { return h.metadata(role) } }
	hashes := func(h *hall) string {
		h.repo.MetaHashes = true
		h.publish("targets", "snapshot", "timestamp")
		return h.metadata("targets")
	}
	longer := func(h *hall) string {
		manyReleases(h)
		return hashes(h)
	}
	inPlace := func(h *hall) string {
		h.repo.Consistent = false
		h.publish("root", "targets", "snapshot", "timestamp")
		return h.metadata("targets")
	}
	return []repositoryCase{
		{class: 34, words: "mix and match of the targets", want: mixed, spoil: serves("targets", newest("targets")),
			shows: "The timestamp and the snapshot are the newest; in the place of the targets lie older ones, which list a withdrawn image."},
		{class: 34, words: "mix and match of the snapshot", want: mixed, spoil: serves("snapshot", newest("snapshot")),
			shows: "The timestamp is the newest; in the place of the snapshot lies an older one, which leads to targets that list a withdrawn image."},
		{class: 34, words: "mix and match of a delegated role", want: mixed,
			shows: "In the place of a delegated role's newest version lies an older one, which lists a withdrawn image.",
			spoil: func(h *hall) {
				h.delegate("releases", nil, h.releases())
				h.moveTo("releases")
				h.publish()
				content := h.repo.File(h.metadata("releases"))
				h.repo.RemoveTarget(h.target(lab.DefaultTag), "releases")
				h.publish()
				h.put(h.metadata("releases"), content)
			}},
		{class: 34, words: "mix and match against a listed hash", want: refusedAs("hash_mismatch"), spoil: serves("targets", hashes, manyReleases),
			shows: "The snapshot lists the hash of the targets, and the file in their place is an older one."},
		{class: 34, words: "mix and match against a listed length", want: openAs("limit.exceeded"), spoil: serves("targets", longer, noReleases),
			shows: "The snapshot lists the length of the targets, and the file in their place is an older one that is longer."},
		{class: 34, words: "mix and match where files are replaced", want: openAs("mix_and_match"), spoil: serves("targets", inPlace),
			shows: "The repository replaces its files under their names; the timestamp is the newest, the targets are those from before a withdrawal.",
			why:   "A publication between two requests looks the same here, so that nothing is decided."},
		{class: 34, words: "the metadata of another repository", want: refusedAs("threshold"),
			shows: "Somebody serves a repository of their own, good in itself, in the place of the project's.",
			spoil: otherRepository},
	}
}

// wrongManifests serve another file than the manifest that is listed.
func wrongManifests() []repositoryCase {
	return []repositoryCase{
		{class: 34, words: "a manifest of another hash", want: openAs("hash_mismatch"),
			shows: "The metadata are good; the manifest that is served is not the listed one, and names the attacker's image.",
			why:   "The file is no evidence of anything, so that the answer is \"undecided\".",
			spoil: func(h *hall) {
				h.list(lab.DefaultTag, another("the released image"))
				h.publish()
				h.put(h.manifestPath(lab.DefaultTag), h.manifest(h.digest()))
			}},
		{class: 34, words: "a manifest of another length", want: openAs("hash_mismatch"),
			shows: "The targets list the manifest's hash, and a length that is one byte too long.",
			spoil: editTarget(func(target map[string]any) { target["length"] = target["length"].(int) + 1 })},
		{class: 34, words: "a manifest longer than listed", want: openAs("limit.exceeded"),
			shows: "The targets list the manifest's hash, and a length that is one byte short: no more is read than is listed.",
			spoil: editTarget(func(target map[string]any) { target["length"] = target["length"].(int) - 1 })},
		{class: 34, words: "a manifest under a weak hash", want: openAs("hash_mismatch"),
			shows: "The targets list nothing but the MD5 of the manifest, for which anybody can make another file.",
			spoil: editTarget(func(target map[string]any) {
				target["hashes"] = map[string]any{"md5": strings.Repeat("0", 32)}
			})},
		{class: 34, words: "a manifest on the server alone", want: refusedAs("not_listed"), unlisted: true,
			shows: "Somebody who can write to the web server put a release manifest among the others; the metadata do not list it.",
			spoil: func(h *hall) {
				raw := h.manifest(h.digest())
				h.put(h.repo.TargetPath(h.target(lab.DefaultTag), raw), raw)
				h.put("targets/"+h.target(lab.DefaultTag), raw)
			}},
	}
}

// manyReleases lists so many that their length is not lost among that of signatures, which differ by hundreds of bytes.
func manyReleases(h *hall) {
	for i := range 60 {
		version := fmt.Sprintf("0.%d.0", i)
		h.list(version, another(version))
	}
}

func noReleases(h *hall) { clear(h.repo.Targets.Targets) }

// otherRepository replaces everything that is served by a repository of strangers that lists the image.
func otherRepository(h *hall) {
	mallory := []*lab.TUFKey{h.person("mallory@example.com", lab.PersonIssuer)}
	online := []*lab.TUFKey{h.machine("mallory/widget-tuf")}
	other, err := lab.NewTUF(lab.TUFOptions{Now: h.repo.Now, Root: mallory, Targets: mallory, Snapshot: online, Timestamp: online})
	if err != nil {
		h.try(err)
		return
	}
	if _, err := other.AddRelease(lab.DefaultTag, h.bench.Repository, h.digest()); err != nil {
		h.try(err)
	}
	h.try(other.Publish())
	files := other.Files()
	files["metadata/1.root.json"] = h.repo.FirstRoot()
	h.repo.SetFiles(files)
}

// manifest is one of the image's version that names a digest.
func (h *hall) manifest(digest string) []byte {
	raw, err := lab.ReleaseManifest(lab.ReleaseEntry{Version: lab.DefaultTag, Image: h.bench.Repository, Digest: digest, Created: h.repo.Now})
	h.try(err)
	return raw
}

// manifestPath is where the listed manifest of a version lies.
func (h *hall) manifestPath(version string) string {
	return h.repo.TargetPath(h.target(version), h.repo.Targets.Targets[h.target(version)])
}

// editTarget signs targets that say something else of the image's manifest.
func editTarget(edit func(target map[string]any)) func(*hall) {
	return func(h *hall) {
		h.repo.Targets.Edit = func(signed map[string]any) {
			edit(signed["targets"].(map[string]any)[h.target(lab.DefaultTag)].(map[string]any))
		}
		h.publish()
	}
}

// malformedMetadata are files that programs read differently, or that end a program which trusts their form.
func malformedMetadata() []repositoryCase {
	malformed := refusedAs("metadata_malformed")
	body := func(role string, content func(good string) string) func(*hall) {
		return func(h *hall) {
			path := h.metadata(role)
			h.put(path, []byte(content(string(h.repo.File(path)))))
		}
	}
	text := func(s string) func(string) string { return func(string) string { return s } }
	const schema = "CVE-2026-23991"
	return []repositoryCase{
		{class: 34, words: "metadata with a member twice", want: malformed,
			shows: "The targets name the list of files twice: one program reads the first, another the last, and both find the signature good.",
			spoil: body("targets", func(good string) string {
				return strings.Replace(good, `"signed": {`, `"signed": {"targets": {},`, 1)
			})},
		{class: 34, words: "metadata with what is signed twice", want: malformed,
			shows: "The file has two things called signed: the maintainers' own, and the attacker's.",
			spoil: body("targets", func(good string) string {
				return strings.Replace(good, `"signed": {`, `"signed": {"_type": "targets"}, "signed": {`, 1)
			})},
		{class: 34, words: "metadata of another form", advisories: []string{schema}, want: malformed,
			shows: "The timestamp is JSON, but nothing in it has the form that TUF gives it, which made a client panic.",
			spoil: body("timestamp", text(`{"signatures": [], "signed": {"_type": "timestamp", "meta": [1], "version": {}, "expires": 7, "spec_version": null}}`))},
		{class: 34, words: "metadata without what is signed", advisories: []string{schema}, want: malformed,
			shows: "The targets are an empty list where an object with its signatures belongs.", spoil: body("targets", text("[]"))},
		{class: 34, words: "a timestamp without a snapshot", advisories: []string{schema}, want: malformed,
			shows: "The timestamp is rightly signed, and names no snapshot.",
			spoil: func(h *hall) {
				h.repo.Timestamp.Edit = func(signed map[string]any) { signed["meta"] = map[string]any{} }
				h.publish("timestamp")
			}},
		{class: 34, words: "metadata of another role", want: malformed,
			shows: "In the place of the targets lies the snapshot, whose signatures are good.",
			spoil: func(h *hall) { h.put(h.metadata("targets"), h.repo.File(h.metadata("snapshot"))) }},
		{class: 34, words: "half of the metadata", want: malformed, shows: "The snapshot ends in the middle.",
			spoil: body("snapshot", func(good string) string { return good[:len(good)/2] })},
		{class: 34, words: "a web page for metadata", want: malformed, shows: "In the timestamp's place the server answers 200 with a page.",
			spoil: body("timestamp", text("<!doctype html><title>Sign in</title>"))},
	}
}

// hostileForms are of a size or with names that a program should not follow.
func hostileForms() []repositoryCase {
	return []repositoryCase{
		{class: 34, words: "metadata that are nested without end", want: openAs("limit.exceeded"),
			shows: "The targets hold a hundred thousand lists, each in the one before.",
			spoil: func(h *hall) {
				lists := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
				h.put(h.metadata("targets"), []byte(`{"signatures": [], "signed": `+lists+"}"))
			}},
		{class: 34, words: "ten thousand signatures", want: openAs("limit.exceeded"),
			shows: "The targets carry ten thousand signatures, so that a gate verifies them for minutes.", spoil: manySignatures},
		{class: 34, words: "a manifest with a digest twice", want: refusedAs("manifest_malformed"),
			shows: "The listed manifest names two digests, the released image's and the attacker's.",
			spoil: func(h *hall) {
				raw := h.manifest(h.digest())
				raw = bytes.Replace(raw, []byte("{"), []byte(`{"digest":"`+another("the released image")+`",`), 1)
				h.repo.AddTarget(h.target(lab.DefaultTag), raw, "targets")
				h.publish()
			}},
		{class: 34, words: "a target with dots in its name", advisories: []string{"CVE-2026-24686"}, want: refusedAs("not_listed"), unlisted: true,
			shows: "The repository lists the image's manifest under a name with ../ in it, which another program would resolve to the right one.",
			spoil: func(h *hall) {
				h.repo.AddTarget("widget/releases/../releases/v"+lab.DefaultTag+".json", h.manifest(h.digest()), "targets")
				h.publish()
			}},
		{class: 34, words: "a version with dots in its name", advisories: []string{"CVE-2026-24686"}, want: refusedAs("not_listed"), unlisted: true,
			shows: "Asked for a digest, the gate looks through what is listed, and meets a version that climbs out of its folder.",
			spoil: func(h *hall) {
				h.repo.AddTarget(h.target("../../../../../../tmp/"+lab.DefaultTag), h.manifest(h.digest()), "targets")
				h.publish()
				h.ask("@" + h.digest())
			}},
	}
}

// manySignatures adds signatures by keys that nobody knows.
func manySignatures(h *hall) {
	h.try(h.repo.EditSignatures(h.metadata("targets"), func(all []lab.TUFSignature) []lab.TUFSignature {
		for i := range 10_000 {
			all = append(all, lab.TUFSignature{KeyID: fmt.Sprintf("%064x", i), Sig: "AAAA"})
		}
		return all
	}))
}
