package lab

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// PipelineListing is what the TUF repository of a [Pipeline] says of the release. The zero value lists it, by two people.
type PipelineListing struct {
	// Absent lists only the release before this one.
	Absent bool `yaml:"absent"`
	// Digest and Version are listed in place of the release's. A digest may be "other".
	Digest  string `yaml:"digest"`
	Version string `yaml:"version"`
	// Newer are versions that are listed besides, of other images.
	Newer []string `yaml:"newer"`
	// By is who signs the targets that list it: "people", "one" of them, or a "machine" that holds the role.
	By string `yaml:"by"`
	// Commit is written into the manifest, or "same" for the release's.
	Commit string `yaml:"commit"`
	// Set writes values into the manifest at paths, and removes what is null.
	Set map[string]any `yaml:"set"`
	// Expired has the timestamp expire right after it was published.
	Expired bool `yaml:"expired"`
}

// list makes the TUF repository.
func (p *Pipeline) list(l PipelineListing) error {
	var people []*TUFKey
	for _, email := range []string{FirstPerson, SecondPerson} {
		k, err := NewSigstoreTUFKey(p.Sigstore, Person(email, PersonIssuer))
		if err != nil {
			return err
		}
		people = append(people, k)
	}
	online, err := NewSigstoreTUFKey(p.Sigstore, GitHub(PipelineTUFRepo, "refs/heads/main", commitOf(PipelineTUFRepo), OnlineWorkflow))
	if err != nil {
		return err
	}
	targets := people
	switch l.By {
	case "", "people", "one":
	case "machine":
		targets = []*TUFKey{online}
	default:
		return fmt.Errorf("list release: found by %q; wanted people, one or machine", l.By)
	}
	p.TUF, err = NewTUF(TUFOptions{Now: p.Now(), Root: people, Targets: targets, Snapshot: []*TUFKey{online}, Timestamp: []*TUFKey{online}})
	if err != nil {
		return err
	}
	if err := p.addManifests(l); err != nil {
		return err
	}
	if l.By == "one" {
		p.TUF.Targets.Signers = people[:1]
	}
	if l.Expired {
		p.TUF.Timestamp.Lifetime = time.Minute
	}
	return p.TUF.Publish()
}

func (p *Pipeline) addManifests(l PipelineListing) error {
	entry := func(version, digest string) ReleaseEntry {
		return ReleaseEntry{Version: version, Image: PipelineName, Digest: digest, Repo: PipelineRepo, Created: p.Now()}
	}
	add := func(version string, e ReleaseEntry, set map[string]any) error {
		raw, err := ReleaseManifest(e)
		if err == nil {
			raw, err = setAll(raw, set)
		}
		if err != nil {
			return err
		}
		p.TUF.AddTarget(ReleaseTarget(PipelineName, version), raw, "targets")
		return nil
	}
	for _, version := range append([]string{"1.2.2"}, l.Newer...) {
		if err := add(version, entry(version, "sha256:"+hexDigest("release "+version)), nil); err != nil {
			return err
		}
	}
	if l.Absent {
		return nil
	}
	digest := cmp.Or(l.Digest, p.Image.Digest())
	if !strings.HasPrefix(digest, "sha256:") {
		var err error
		if digest, err = p.Digest(digest); err != nil {
			return err
		}
	}
	version := cmp.Or(l.Version, p.options.Version)
	e := entry(version, digest)
	if e.Commit = l.Commit; l.Commit == "same" {
		e.Commit = p.release.commit
	}
	return add(version, e, l.Set)
}

// Withdraw takes the release off the list.
func (p *Pipeline) Withdraw() error {
	p.TUF.RemoveTarget(ReleaseTarget(PipelineName, p.options.Version), "targets")
	return p.TUF.Publish()
}
