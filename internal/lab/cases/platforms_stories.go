package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// The release before, from which evidence about the same image could come.
const (
	olderTag = "1.2.2"
	olderRef = "refs/tags/v" + olderTag
)

var olderCommit, nightlyCommit = strings.Repeat("ab", 20), strings.Repeat("cd", 20)

// ofOlder and ofNightly tell of other builds than the release's, and atMovedTag of one at the same tag.
func ofOlder(r *lab.Release)    { r.Ref, r.Commit = olderRef, olderCommit }
func ofNightly(r *lab.Release)  { r.Ref, r.Commit = "refs/tags/v0.0.0-nightly", nightlyCommit }
func atMovedTag(r *lab.Release) { r.Commit = olderCommit }

// telling takes a step that tells of the release otherwise.
func telling(change func(*lab.Release), add step) step {
	return func(r *lab.Release) error { return r.Telling(change, add) }
}

// describes adds the release's metadata as the release tells them.
func (b *Bench) describes(r *lab.Release) error {
	version := strings.TrimPrefix(r.Ref, "refs/tags/v")
	return b.attests(lab.ReleaseMetadata,
		lab.Set("predicate.version", version), lab.Set("predicate.tag", "v"+version),
		lab.Set("predicate.source.ref", r.Ref), lab.Set("predicate.source.commit", r.Commit),
		lab.Set("predicate.build.workflow", "https://github.com/"+r.Repo+"/"+lab.DefaultWorkflow+"@"+r.Ref),
	)(r)
}

// lists adds a bill of materials.
func (b *Bench) lists(r *lab.Release) error { return b.attests(undated(lab.CycloneDX).dated)(r) }

// Legs that any release of the repository meets, so that only what all evidence says together can refuse.
const (
	anyRelease    = `source: {repository: ` + lab.DefaultRepo + `, ref: "refs/tags/v*"}`
	anyWorkflow   = `{issuer: ` + lab.GitHubIssuer + `, workflow: ".github/workflows/*.yml"}`
	anySignature  = "signature: {signer: " + anyWorkflow + "}"
	anyProvenance = "provenance: {builder: {level: 3}}"
	anySBOM       = "sbom: {signer: " + anyWorkflow + "}"
	anyMetadata   = "metadata: {type: " + lab.MetadataPredicateType + ", signer: " + anyWorkflow + ", metadata: {digest: digest, commit: source.commit, ref: source.ref}}"
)

// wide is a rule of all these legs.
func wide(more ...string) []string {
	return slices.Concat([]string{anyRelease, anySignature, anyProvenance, anySBOM}, attestationsLeg(anyMetadata), more)
}

func disagreeing() Want { return Fails("consistency", "consistency.disagreement") }

// stories is class 23: evidence of several releases about one image, each piece valid by itself.
func stories() []Case { return slices.Concat(mixedReleases(), otherReleases(), splitStories()) }

// mixedReleases have one leg, or two, of another release.
func mixedReleases() []Case {
	of := func(name, shows string, steps func(*Bench) []step) Case {
		return Case{ID: slug(23, name), Class: 23, Shows: shows, Want: disagreeing(), Build: func(b *Bench) error {
			b.Rule(wide()...)
			return b.publish(nil, steps(b)...)
		}}
	}
	odd := func(name, what string, n int) Case {
		return of(name+" of the last release", "All is of v1.2.3 but "+what+", which is of v1.2.2; each is valid, and about this very image.", func(b *Bench) []step {
			steps := []step{b.signs, b.builds, b.lists, b.describes}
			steps[n] = telling(ofOlder, steps[n])
			return steps
		})
	}
	return []Case{
		of("three releases", "The signature is of v1.2.3, the provenance of v1.2.2 and the bill of materials of a nightly build, all of this very image.", func(b *Bench) []step {
			return []step{b.signs, telling(ofOlder, b.builds), telling(ofNightly, b.lists), b.describes}
		}),
		of("two half releases", "Two releases signed this image; of one there is provenance and no bill of materials, of the other a bill and no provenance.", func(b *Bench) []step {
			return []step{b.signs, b.builds, telling(ofOlder, b.signs), telling(ofOlder, b.lists), telling(ofOlder, b.describes)}
		}),
		of("many releases", "Sixty builds left a piece of evidence each about this image, fifteen of every kind, and no two of them are of one build.", func(b *Bench) []step {
			var steps []step
			for i, add := range []step{b.signs, b.builds, b.lists, b.describes} {
				for n := range 15 {
					commit := fmt.Sprintf("%02x%038x", i, n)
					steps = append(steps, telling(func(r *lab.Release) { r.Commit = commit }, add))
				}
			}
			return steps
		}),
		odd("signature", "the signature", 0), odd("provenance", "the provenance", 1), odd("bill", "the bill of materials", 2), odd("metadata", "the release's metadata", 3),
		{
			ID: slug(23, "listing of another commit"), Class: 23, Want: disagreeing(),
			Shows: "The project's TUF repository lists this image for v1.2.3 with another commit than the one that was built.",
			Build: listedOtherwise,
		},
		{
			ID: slug(23, "tag moved between two jobs"), Class: 23, Want: disagreeing(),
			Shows: "The tag v1.2.3 was moved while the workflow ran: the image was signed at one commit and built from another.",
			Build: func(b *Bench) error { return b.publish(nil, b.signs, telling(atMovedTag, b.builds)) },
		},
		{
			ID: slug(23, "two runs of one release"), Class: 23, Want: disagreeing(),
			Shows: "Signature and provenance are of one tag and commit, and of two runs of the workflow, where the policy wants one.",
			Build: func(b *Bench) error {
				b.Rule(Standard("consistency: {claims: [image, digest, version, repository, ref, commit, run], required: [run]}")...)
				return b.publish(nil, b.builds, func(r *lab.Release) error {
					id := r.Signer()
					id.Extensions.RunInvocationURI = "https://github.com/" + r.Repo + "/actions/runs/1/attempts/1"
					return r.Sign(b.Sigstore, id)
				})
			},
		},
	}
}

// listedOtherwise lists a good release with another commit.
func listedOtherwise(b *Bench) error {
	t, err := b.TUF()
	if err != nil {
		return err
	}
	leg, err := b.ReleaseLeg(t, 2, "fields: {digest: digest, version: version, image: image, commit: commit}")
	if err != nil {
		return err
	}
	b.Rule(Standard(leg...)...)
	return b.publishGood(func(r *lab.Release) error {
		manifest, err := lab.ReleaseManifest(lab.ReleaseEntry{Version: r.Tag, Image: r.Repository, Digest: r.Image.Digest(), Commit: olderCommit, Created: b.Now()})
		if err != nil {
			return err
		}
		t.AddTarget(lab.ReleaseTarget(r.Repository, r.Tag), manifest, t.Targets.Name)
		return t.Publish()
	})
}

// otherReleases are judged by the standard rule, which wants the tag of the version in each leg.
func otherReleases() []Case {
	of := func(name, shows string, want Want, steps func(*Bench) []step) Case {
		return Case{ID: slug(23, name), Class: 23, Shows: shows, Want: want, Build: func(b *Bench) error { return b.publish(nil, steps(b)...) }}
	}
	return []Case{
		of("old image under a new tag", "The image of v1.2.2, with its own signature and provenance, was pushed under the tag 1.2.3.", Fails("signature", "signature.identity_mismatch"),
			func(b *Bench) []step { return []step{telling(ofOlder, b.evidence)} }),
		of("old signature beside new provenance", "The provenance is of v1.2.3, and the signature is the one of v1.2.2.", Fails("signature", "signature.identity_mismatch"),
			func(b *Bench) []step { return []step{telling(ofOlder, b.signs), b.builds} }),
		of("new signature beside old provenance", "The signature is of v1.2.3, and the provenance is the one of v1.2.2.", Fails("provenance", "provenance.source_mismatch"),
			func(b *Bench) []step { return []step{b.signs, telling(ofOlder, b.builds)} }),
		of("another image of the release", "One run of the workflow released two images, and the other one was pushed under this one's name with all its evidence.", disagreeing(),
			func(b *Bench) []step {
				other := func(r *lab.Release) { r.Repository = strings.TrimSuffix(r.Repository, "widget") + "gadget" }
				return []step{telling(other, b.evidence)}
			}),
		of("repository made again", "The repository was deleted and made again under its name between signature and build: its number is another.", disagreeing(),
			func(b *Bench) []step {
				return []step{b.builds, func(r *lab.Release) error {
					return r.Sign(b.Sigstore, r.Signer().WithIDs("9009", lab.DefaultOwnerID))
				}}
			}),
		of("commit left out", "The signature's certificate names no commit, so that there is nothing to hold against that of the provenance.", Fails("consistency", "consistency.nothing_to_compare"),
			func(b *Bench) []step {
				b.Rule(Standard("consistency: {required: [commit]}")...)
				return []step{b.builds, func(r *lab.Release) error {
					id := r.Signer()
					e := &id.Extensions
					e.SourceRepositoryDigest, e.GithubWorkflowSHA, e.BuildSignerDigest, e.BuildConfigDigest = "", "", "", ""
					return r.Sign(b.Sigstore, id)
				}}
			}),
	}
}

// splitStories are of indexes whose images are of several releases.
func splitStories() []Case {
	old := func(b *Bench, r *lab.Release) error { return r.Telling(ofOlder, b.evidence) }
	return []Case{
		{
			ID: slug(23, "platforms of two releases"), Class: 23, Want: disagreeing(),
			Shows: "The amd64 image is of v1.2.3 and the arm64 image of v1.2.2, each with its own signature and provenance.",
			Build: indexed(hangsBoth, old, anyRelease, anySignature, anyProvenance),
		},
		{
			ID: slug(23, "old platform in a new index"), Class: 23, Want: Fails("signature", "signature.identity_mismatch"),
			Shows: "An attacker put the vulnerable arm64 image of v1.2.2 into the index of v1.2.3, with the evidence that it always had.",
			Build: indexed(hangsBoth, old),
		},
		{
			ID: slug(23, "index of one release images of another"), Class: 23, Want: disagreeing(),
			Shows: "The index was signed for v1.2.3, and the provenance of the images in it is of v1.2.2.",
			Build: func(b *Bench) error {
				b.Rule(anyRelease, anySignature, anyProvenance)
				oldBuild := func(b *Bench, r *lab.Release) error { return r.Telling(ofOlder, b.builds) }
				return b.pushIndex(hangsSignature, oldBuild, oldBuild)
			},
		},
	}
}
