package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// The laboratory's image where a case does not name one, and its release that nobody
// attacked.
const (
	labImage = "registry.example/acme/widget"
	labGood  = "good"
)

// laboratory makes releases under an authority of its own, which stands in for the
// public-good root, and lists the good one in a TUF repository of its own, which stands
// in for the project's where the policy demands a release.
type laboratory struct {
	releases map[string]*lab.Release
	root     []byte
	// rule is which rule demands a release, -1 for none; demand is what it demands, and
	// mirror a folder with the repository whose root is pinned instead.
	rule   int
	demand *policy.Release
	mirror string
	pinned verify.PinnedRoot
	sha256 string
}

// fromLab makes the laboratory's image that a case names.
func (s *scene) fromLab() error {
	image := s.spec.Image
	if image == "" {
		image = labImage
	}
	ref, err := verify.ParseReference(image)
	if err != nil {
		return err
	}
	if ref.Digest() != "" {
		return fmt.Errorf("image is %q; wanted a name, or a name and a version, since the laboratory makes a new image", image)
	}
	if s.lab, err = s.stage.laboratory(ref, s.spec.Repository, s.options.At); err != nil {
		return err
	}
	made, ok := s.lab.releases[s.spec.Lab]
	if !ok {
		return fmt.Errorf("lab is %q; wanted one of %s", s.spec.Lab, strings.Join(slices.Sorted(maps.Keys(s.lab.releases)), ", "))
	}
	if s.ref, err = verify.ParseReference(made.Reference() + "@" + made.Image.Digest()); err != nil {
		return err
	}
	if s.layout, err = s.stage.folder(); err != nil {
		return err
	}
	s.mirror = s.lab.mirror
	return lab.WriteLayout(s.layout, made.Publication)
}

// folder makes a new folder.
func (s *Stage) folder() (string, error) {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "assay-trial-")
		if err != nil {
			return "", fmt.Errorf("make a folder for images of the laboratory: %w", err)
		}
		s.dir = dir
	}
	return os.MkdirTemp(s.dir, "")
}

// laboratory makes the releases of one image as of a time, once.
func (s *Stage) laboratory(ref verify.Reference, repository string, at time.Time) (*laboratory, error) {
	name, tag := nameAndTag(ref)
	key := fmt.Sprint(name, " ", tag, " ", repository, " ", at.UnixNano())
	if known, ok := s.labs[key]; ok {
		return known, nil
	}
	authority, err := lab.NewSigstore(lab.Options{Now: at.Add(-5 * time.Minute), Name: "lab"})
	if err != nil {
		return nil, fmt.Errorf("make the laboratory's authority: %w", err)
	}
	l := &laboratory{releases: map[string]*lab.Release{}, rule: -1}
	if l.root, err = authority.TrustedRoot(); err != nil {
		return nil, fmt.Errorf("write the laboratory's trusted root: %w", err)
	}
	options := lab.ReleaseOptions{Repository: name, Repo: repository, Tag: tag}
	good, err := lab.GoodRelease(authority, options)
	if err != nil {
		return nil, fmt.Errorf("make the laboratory's release: %w", err)
	}
	l.releases[labGood] = good
	attacks, err := lab.Attacks(authority, options)
	if err != nil {
		return nil, fmt.Errorf("make the laboratory's attacks: %w", err)
	}
	unlisted, err := lab.Unreleased(authority, options)
	if err != nil {
		return nil, fmt.Errorf("make the laboratory's attacks: %w", err)
	}
	for _, a := range append(attacks, unlisted) {
		l.releases[a.Name] = a.Release
	}
	if err := l.list(s, authority, good); err != nil {
		return nil, fmt.Errorf("list the laboratory's release: %w", err)
	}
	if s.labs == nil {
		s.labs = map[string]*laboratory{}
	}
	s.labs[key] = l
	return l, nil
}

// list lists the good release as the policy wants it, if it does.
func (l *laboratory) list(s *Stage, authority *lab.Sigstore, good *lab.Release) error {
	rule, ok := s.Policy.Rule(good.Repository)
	if !ok || rule.Release == nil {
		return nil
	}
	version, ok := rule.VersionTags().VersionOf(good.Tag)
	target, known := rule.Release.Target.Expand(policy.Vars{Version: version})
	if !ok || !known {
		return fmt.Errorf("the tag %s names no version under the policy's tags; wanted image: NAME:TAG with a tag that does", good.Tag)
	}
	tuf, err := lab.NewReleaseTUF(authority, authority.Now())
	if err != nil {
		return err
	}
	f := rule.Release.Fields
	manifest, err := lab.ReleaseManifest(lab.ReleaseEntry{
		Version: version, Image: rule.Canonical, Digest: good.Image.Digest(), Repo: good.Repo, Created: authority.Now(),
		Edit: func(m map[string]any) {
			m[f.Version], m[f.Image], m[f.Digest] = version, rule.Canonical, good.Image.Digest()
			if f.Commit != "" {
				m[f.Commit] = good.Commit
			}
		},
	})
	if err != nil {
		return err
	}
	tuf.AddTarget(target, manifest, tuf.Targets.Name)
	if err := tuf.Publish(); err != nil {
		return err
	}
	if l.mirror, err = s.folder(); err != nil {
		return err
	}
	if err := tuf.WriteDir(l.mirror); err != nil {
		return err
	}
	sum := sha256.Sum256(tuf.FirstRoot())
	l.sha256, l.rule, l.demand = hex.EncodeToString(sum[:]), ruleOf(s.Policy, good.Repository), rule.Release
	l.pinned, err = verify.NewPinnedRoot(tuf.FirstRoot(), l.sha256)
	return err
}

// standIn puts the laboratory's authorities in place of the public-good root and of the
// pinned TUF root.
func (l *laboratory) standIn(trust verify.Trust, p *policy.Policy) (verify.Trust, error) {
	root, err := verify.NewTrustedRoot(policy.PublicGood, "the laboratory's own, in place of the public-good root", l.root, p.Trust[policy.PublicGood].Thresholds)
	if err != nil {
		return trust, err
	}
	trust.Roots = append(slices.DeleteFunc(slices.Clone(trust.Roots), func(r *verify.TrustedRoot) bool { return r.Name() == policy.PublicGood }), root)
	if l.rule >= 0 {
		trust.Pinned = append(slices.Clone(trust.Pinned), l.pinned)
	}
	return trust, nil
}

// adapt pins the laboratory's TUF root in place of the one that the policy pins. What a
// mutation has changed stays changed.
func (l *laboratory) adapt(p *policy.Policy) *policy.Policy {
	if l.rule < 0 || p.Rules[l.rule].Release == nil {
		return p
	}
	changed, demand := *p, *p.Rules[l.rule].Release
	if demand.TUF.Root.SHA256 == l.demand.TUF.Root.SHA256 {
		demand.TUF.Root = policy.PinnedRoot{File: lab.RootFile, SHA256: l.sha256}
	}
	if maps.Equal(demand.TUF.Min, l.demand.TUF.Min) {
		demand.TUF.Min = nil // which are versions of the project's repository
	}
	changed.Rules = slices.Clone(p.Rules)
	changed.Rules[l.rule].Release = &demand
	return &changed
}
