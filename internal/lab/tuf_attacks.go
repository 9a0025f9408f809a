package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// RootFile is the name of the pinned root beside a policy of [ReleasePolicy].
const RootFile = "1.root.json"

// Unreleased makes the attack that no signature shows: the release workflow itself was compromised, so that signature
// and provenance are all valid, and nobody listed the image in the TUF repository.
func Unreleased(s *Sigstore, opts ReleaseOptions) (Attack, error) {
	a := Attack{
		Name:      "released-by-nobody",
		Shows:     "The release workflow was compromised: signature and provenance are valid. Nobody listed the image.",
		WantCheck: "release", WantCode: "release.not_listed",
	}
	return a, a.compromise(s, opts)
}

// TakenOver makes the same attack with the account of one maintainer besides: the first person alone signs a new version
// of the targets that lists the image. It passes where one person is demanded and is refused where two are.
func TakenOver(s *Sigstore, t *TUF, opts ReleaseOptions) (Attack, error) {
	a := Attack{
		Name:      "listed-by-one",
		Shows:     "The account of one maintainer was taken over too, and listed the image.",
		WantCheck: "release", WantCode: "release.too_few_people",
	}
	if err := a.compromise(s, opts); err != nil {
		return Attack{}, err
	}
	if _, err := t.AddRelease(a.Tag, a.Repository, a.Image.Digest()); err != nil {
		return Attack{}, fmt.Errorf("make attack %s: %w", a.Name, err)
	}
	t.Targets.Signers = t.Targets.Keys[:1]
	if err := t.Publish(); err != nil {
		return Attack{}, fmt.Errorf("make attack %s: %w", a.Name, err)
	}
	return a, nil
}

// compromise makes the release that the release workflow would have made.
func (a *Attack) compromise(s *Sigstore, opts ReleaseOptions) error {
	opts.Tag = orDefault(opts.Tag, DefaultTag) + "-" + a.Name
	release, err := GoodRelease(s, opts)
	if err != nil {
		return fmt.Errorf("make attack %s: %w", a.Name, err)
	}
	a.Release = release
	return nil
}

// ReleasePolicy writes the policy that the releases of an image meet: signature, provenance and the listing in a started
// repository, signed by so many people. The root lies beside it as [RootFile].
func ReleasePolicy(t *TUF, image string, people int) []byte {
	root := sha256.Sum256(t.FirstRoot())
	return fmt.Appendf(nil, `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: lab}
images:
  - match: %s
    source: {repository: %s, ref: "refs/tags/v{version}"}
    signature:
      signer: {issuer: %s, workflow: %s}
    provenance: {builder: {level: 3}}
    release:
      tuf:
        metadata_url: %s
        targets_url: %s
        root: {file: ./%s, sha256: %s}
      target: %s
      signers: {class: human, people: %d}
`, image, DefaultRepo, GitHubIssuer, DefaultWorkflow, t.MetadataURL(), t.TargetsURL(), RootFile, hex.EncodeToString(root[:]),
		ReleasePattern(image), people)
}
