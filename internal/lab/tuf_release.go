package lab

import (
	"fmt"
	"path"
	"time"
)

// Who signs in the lab's release repository, and how.
const (
	PersonIssuer   = "https://github.com/login/oauth"
	FirstPerson    = "alice@example.com"
	SecondPerson   = "bob@example.com"
	TUFRepo        = "acme/widget-tuf"
	OnlineWorkflow = ".github/workflows/online-sign.yml"
)

// OnlineSigner is the workflow that signs snapshot and timestamp of the lab's release repository.
func OnlineSigner() Identity {
	return GitHub(TUFRepo, "refs/heads/main", commitOf(TUFRepo), OnlineWorkflow)
}

// NewReleaseTUF makes a repository as tuf-on-ci does with Sigstore keys: two people hold root and targets, and a
// workflow holds snapshot and timestamp. Both people sign, although one would do.
func NewReleaseTUF(s *Sigstore, now time.Time) (*TUF, error) {
	var people []*TUFKey
	for _, email := range []string{FirstPerson, SecondPerson} {
		k, err := NewSigstoreTUFKey(s, Person(email, PersonIssuer))
		if err != nil {
			return nil, err
		}
		people = append(people, k)
	}
	online, err := NewSigstoreTUFKey(s, OnlineSigner())
	if err != nil {
		return nil, err
	}
	return NewTUF(TUFOptions{
		Now: now, Root: people, Targets: people, Snapshot: []*TUFKey{online}, Timestamp: []*TUFKey{online},
	})
}

// ReleaseEntry is one release to be listed.
type ReleaseEntry struct {
	// Version is without a leading "v"; Image is "host/path", Digest "sha256:…".
	Version, Image, Digest string
	// Repo is the source repository. Default: [DefaultRepo].
	Repo string
	// Commit is left out if empty.
	Commit  string
	Created time.Time
	// Edit changes the manifest.
	Edit func(manifest map[string]any)
}

// ReleaseTarget is the path of a release's manifest among the targets: "widget/releases/v1.2.3.json".
func ReleaseTarget(image, version string) string {
	return path.Base(image) + "/releases/v" + version + ".json"
}

// ReleasePattern is [ReleaseTarget] for every version, as a policy writes it.
func ReleasePattern(image string) string { return ReleaseTarget(image, "{version}") }

// ReleaseManifest writes the manifest of a release in the shape of a real one.
func ReleaseManifest(e ReleaseEntry) ([]byte, error) {
	repo, tag := "https://github.com/"+orDefault(e.Repo, DefaultRepo), "v"+e.Version
	manifest := object{
		"schema_version":             "1.0",
		"project":                    path.Base(e.Image),
		"version":                    e.Version,
		"tag":                        tag,
		"image":                      e.Image,
		"digest":                     e.Digest,
		"image_ref_digest":           e.Image + "@" + e.Digest,
		"release_metadata_asset_url": repo + "/releases/download/" + tag + "/release-metadata.json",
		"release_url":                repo + "/releases/tag/" + tag,
		"workflow_run_url":           repo + "/actions/runs/" + DefaultRunID,
		"created_at":                 e.Created.UTC().Format("2006-01-02T15:04:05Z"),
	}
	if e.Commit != "" {
		manifest["commit"] = e.Commit
	}
	if e.Edit != nil {
		e.Edit(manifest)
	}
	raw, err := encodeTUF(manifest)
	if err != nil {
		return nil, fmt.Errorf("write release manifest: %w", err)
	}
	return append(raw, '\n'), nil
}

// AddRelease lists a release in the top-level targets and returns the path of its manifest.
func (t *TUF) AddRelease(version, image, digest string) (string, error) {
	return t.ListIn(t.Targets.Name, ReleaseEntry{Version: version, Image: image, Digest: digest})
}
