package verify_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// releaseDemands are policies that demand a release in every way that can be written.
func releaseDemands(s *stage) []demand {
	head := "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: release}\ntrust: {public-good: {builtin: public-good, thresholds: {log_entries: 1, scts: 1, timestamps: 1}}}\nimages:\n  - match: " + imageName + "\n    "
	open := func(people []*lab.TUFKey) *hall {
		h := &hall{s, must(lab.NewReleaseTUF(s.Sigstore, then))}
		if people != nil {
			online := h.Timestamp.Keys
			h.TUF = must(lab.NewTUF(lab.TUFOptions{Now: then, Root: people, Targets: people, Snapshot: online, Timestamp: online}))
		}
		must(h.AddRelease("1.2.3", imageName, imageDigest))
		b := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: "1.2.3", Image: imageName, Digest: imageDigest, Commit: lab.DefaultCommit, Created: then}))
		h.AddTarget(lab.ReleaseTarget(imageName, "1.2.3"), b, "targets")
		return h
	}
	publish := func(h *hall) *hall {
		if err := h.Publish(); err != nil {
			panic(err)
		}
		return h
	}
	plain := publish(open(nil))
	known := plain.evidence(func(e *verify.ReleaseEvidence) { e.State.Kind = verify.StateKnown })

	behind := publish(open(nil))
	behind.Now = today.Add(-20 * time.Minute)
	behind.Timestamp.Lifetime = 10 * time.Minute
	must(behind.AddRelease("1.2.4", imageName, otherDigest))
	must(behind.AddRelease("1.3.0-rc.1", imageName, newerDigest))
	publish(behind)
	kept := behind.evidence(func(e *verify.ReleaseEvidence) { e.Refreshed = false })

	const account, accounts = "ci@project.iam.gserviceaccount.com", "https://accounts.google.com"
	ordinary := must(lab.NewTUFKey(lab.TUFEd25519))
	listed := publish(open([]*lab.TUFKey{plain.person(lab.FirstPerson), must(lab.NewSigstoreTUFKey(s.Sigstore, lab.Person(account, accounts))), ordinary}))
	signers := fmt.Sprintf("signers: {class: human, identities: [{issuer: %q, identity: %s}], keys: [{sha256: %q, person: carol@example.com}], people: 3}",
		accounts, account, ordinary.Fingerprint())
	inline := strings.Replace(listed.releaseYAML(signers), "file: 1.root.json", fmt.Sprintf("inline: %q", listed.FirstRoot()), 1)

	return []demand{
		{
			name: "a release", ref: imageRef, release: known, root: plain.FirstRoot(), source: memory{repository: imageName},
			text: head + `tags: {version: "{version}", moving: latest, version_regexp: "[0-9]+[.][0-9]+[.][0-9]+"}` + "\n    " +
				plain.releaseYAML("tuf.min: {root: 1, timestamp: 2, snapshot: 2, targets: 2}", "tuf.state: required", "tuf.refresh: required",
					"fields: {digest: digest, version: version, image: image, commit: commit}",
					"signers: {class: human, issuers: [\""+lab.PersonIssuer+"\"], people: 2}", "moving: {lag: 1h, prereleases: false}", "offline: {max_age: 72h}", "trust: public-good") + "\n",
		},
		{
			name: "a release behind latest", ref: moving, release: kept, root: behind.FirstRoot(), source: memory{repository: imageName, resolve: imageDigest},
			text: head + `tags: {version: "{version}", moving: latest}` + "\n    " +
				behind.releaseYAML(human, "moving: {lag: 1h, prereleases: false}", "offline: {max_age: 72h}") + "\n",
		},
		{
			name: "a release by listed signers", ref: imageName + "@" + imageDigest, release: listed.evidence(), root: listed.FirstRoot(), source: memory{repository: imageName},
			text: head + inline + "\n",
		},
	}
}

// impossibleRelease has a value that nothing can meet for every field of a demand for a
// release.
var impossibleRelease = map[string]any{
	"TUF.MetadataURL": "https://impossible.example", "TUF.TargetsURL": "https://impossible.example", "TUF.Root.SHA256": strings.Repeat("0", 64),
	"TUF.Min": 1 << 40, "TUF.StateRequired": true, "TUF.Refresh": string(policy.RefreshRequired),
	"Target":        pattern("impossible/{version}", "version"),
	"Fields.Digest": "impossible", "Fields.Version": "impossible", "Fields.Image": "impossible", "Fields.Commit": "impossible",
	"Signers.Human": false, "Signers.Issuers": []string{"https://impossible.example"}, "Signers.People": 9,
	"Signers.Identities.Issuer": "https://impossible.example", "Signers.Identities.Identity": "impossible",
	"Signers.Keys.SHA256": "impossible", "Signers.Keys.Person": lab.FirstPerson,
	"Moving.Lag": time.Nanosecond, "Moving.Prereleases": true, "OfflineMaxAge": time.Nanosecond, "Trust": "impossible",
}

var impossibleTUF = map[string]any{
	"metadata_url": "https://impossible.example/metadata", "targets_url": "https://impossible.example/targets",
	"root": map[string]any{"file": "impossible.json", "sha256": strings.Repeat("0", 64)},
}

// impossibleReleaseKeys are as impossibleKeys, for the mappings of a release.
func impossibleReleaseKeys() map[string]map[string]any {
	nobody := []any{map[string]any{"issuer": "https://impossible.example", "identity": "impossible"}}
	return map[string]map[string]any{
		"release": {
			"tuf": impossibleTUF, "target": "impossible/{version}", "fields": map[string]any{"digest": "impossible"}, "signers": map[string]any{"identities": nobody},
			"moving": map[string]any{"lag": "1s"}, "offline": map[string]any{"max_age": "1s"}, "trust": refused{"impossible"},
		},
		"release.tuf": {
			"metadata_url": impossibleTUF["metadata_url"], "targets_url": impossibleTUF["targets_url"], "root": impossibleTUF["root"],
			"min": map[string]any{"root": 999}, "state": "required", "refresh": "required",
		},
		"release.tuf.root": {"file": refused{""}, "inline": refused{"{}"}, "sha256": strings.Repeat("0", 64)},
		"release.fields":   {"digest": "impossible", "version": "impossible", "image": "impossible", "commit": "impossible"},
		"release.signers": {
			"class": refused{"machine"}, "issuers": []any{"https://impossible.example"}, "people": 16, "identities": nobody,
			"keys": []any{map[string]any{"sha256": strings.Repeat("0", 64)}},
		},
		"release.signers.identities": {"issuer": "https://impossible.example", "identity": "impossible"},
		"release.signers.keys":       {"sha256": strings.Repeat("0", 64), "person": lab.FirstPerson},
		"release.moving":             {"lag": "1s", "prereleases": true},
		"release.offline":            {"max_age": "1s"},
	}
}
