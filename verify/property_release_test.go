package verify_test

import (
	"bytes"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// addReleases authenticates a TUF repository as it is, and spoilt in several ways. The
// repository lists the image as 1.2.3, the other one as 1.2.2, both by two people.
func (p *pool) addReleases() {
	h := &hall{p.stage, must(lab.NewReleaseTUF(p.Sigstore, then))}
	p.hall, p.listed = h, map[string]string{"1.2.2": otherDigest, "1.2.3": imageDigest}
	for version, digest := range ordered(p.listed) {
		must(h.AddRelease(version, imageName, digest))
		if err := h.Publish(); err != nil {
			panic(err)
		}
		p.strangers = append(p.strangers, gathered(h.TUF))
	}
	p.roots.Pinned = []verify.PinnedRoot{pinnedRoot(h.FirstRoot())}
	p.rules = must(policy.Parse("release.yaml", []byte(policyText(tagsYAML, h.releaseYAML(human)))))
	p.addStrange()
	flip := func(b []byte, old, other string) []byte { return bytes.Replace(b, []byte(old), []byte(other), 1) }
	for _, change := range []func(*verify.ReleaseEvidence){
		func(*verify.ReleaseEvidence) {},
		func(e *verify.ReleaseEvidence) { e.Refreshed = false },
		func(e *verify.ReleaseEvidence) { e.Complete = false },
		func(e *verify.ReleaseEvidence) { e.Manifests = nil },
		func(e *verify.ReleaseEvidence) {
			for i, m := range e.Manifests {
				e.Manifests[i].Bytes = flip(m.Bytes, otherDigest, imageDigest)
			}
		},
		func(e *verify.ReleaseEvidence) { e.Targets = flip(e.Targets, "v1.2.2", "v1.2.3") },
		func(e *verify.ReleaseEvidence) { e.Targets = flip(e.Targets, `"version":`, `"version":1`) },
		func(e *verify.ReleaseEvidence) { e.Snapshot = nil },
		func(e *verify.ReleaseEvidence) { e.Timestamp = slices.Clone(e.Snapshot) },
		func(e *verify.ReleaseEvidence) { e.Timestamp = e.Timestamp[:len(e.Timestamp)/2] },
		func(e *verify.ReleaseEvidence) {
			e.Failures = []verify.Failure{{Code: verify.LimitExceeded, Class: verify.Transient, Place: metadataURL}}
		},
		func(e *verify.ReleaseEvidence) { *e = verify.ReleaseEvidence{} },
	} {
		e := gathered(h.TUF)
		change(e)
		p.releases = append(p.releases, p.authenticateRelease(*e))
	}
}

// addStrange makes repositories of other people, under the same Sigstore and under
// another, which list the image under every version.
func (p *pool) addStrange() {
	for _, s := range []*lab.Sigstore{p.Sigstore, p.second} {
		mallory := []*lab.TUFKey{must(lab.NewSigstoreTUFKey(s, lab.Person("mallory@example.com", lab.PersonIssuer)))}
		repo := must(lab.NewTUF(lab.TUFOptions{Now: then, Root: mallory, Targets: mallory, Snapshot: mallory, Timestamp: mallory}))
		for version, digest := range ordered(map[string]string{"1.2.2": imageDigest, "1.2.3": otherDigest, "1.3.0": imageDigest}) {
			must(repo.AddRelease(version, imageName, digest))
		}
		if err := repo.Publish(); err != nil {
			panic(err)
		}
		e := gathered(repo)
		e.Roots = append(e.Roots, repo.FirstRoot())
		p.strangers = append(p.strangers, e)
	}
}

// authenticateRelease replays what was gathered under the pool's roots.
func (p *pool) authenticateRelease(e verify.ReleaseEvidence) verify.Facts {
	rule, _ := p.rules.Rule(imageName)
	return verify.Authenticate(imageOf(imageRef), verify.Evidence{Want: verify.WantOf(rule, imageName), Release: &e}, p.roots, options().Limits)
}

// authorises reports whether people listed a digest under a version, by a path.
func (p *pool) authorises(path, version, digest string) bool {
	return p.listed[version] == digest && strings.HasSuffix(path, "/v"+version+".json")
}
