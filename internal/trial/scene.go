package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// scene is a case that is ready to be judged, by its policy or by one that was changed.
type scene struct {
	stage *Stage
	spec  policy.Case
	ref   verify.Reference
	// layout holds image and evidence, mirror the TUF repository, "" where there is none.
	layout, mirror string
	options        verify.Options
	// open opens where image and evidence are.
	open func() (source verify.Source, done func(), err error)
	// lab is where an image of the laboratory is from, nil for saved evidence.
	lab *laboratory
	// trust is the policy's, once it is known.
	trust *verify.Trust
}

// scene prepares a case, once.
func (s *Stage) scene(c policy.Case) (*scene, error) {
	if known, ok := s.scenes[c.Name]; ok {
		return known, nil
	}
	made := &scene{stage: s, spec: c}
	made.open = made.saved
	made.options = verify.Options{At: s.Now, Version: c.Version, Limits: verify.DefaultLimits()}
	if !c.At.IsZero() {
		made.options.At, made.options.Hypothetical = c.At, true
	}
	if err := made.evidence(); err != nil {
		return nil, err
	}
	if rule, ok := s.Policy.Rule(made.ref.Name()); ok && c.Version != "" {
		if err := verify.CheckVersion(rule, made.ref, c.Version); err != nil {
			return nil, fmt.Errorf("version: %w", err)
		}
	}
	if s.scenes == nil {
		s.scenes = map[string]*scene{}
	}
	s.scenes[c.Name] = made
	return made, nil
}

// evidence finds the evidence of a case, or makes it.
func (s *scene) evidence() (err error) {
	c := s.spec
	if c.Lab != "" {
		return s.fromLab()
	}
	if s.ref, err = verify.ParseReference(c.Image); err != nil {
		return err
	}
	s.layout = s.stage.beside(c.Layout)
	if c.TUFMirror != "" {
		s.mirror = s.stage.beside(c.TUFMirror)
		if info, err := os.Stat(s.mirror); err != nil || !info.IsDir() {
			return fmt.Errorf("tuf_mirror is %q; wanted a folder with metadata/ and targets/", c.TUFMirror)
		}
		if rule, ok := s.stage.Policy.Rule(s.ref.Name()); ok && rule.Release == nil {
			return fmt.Errorf("tuf_mirror has no meaning: the policy demands no release of %s", s.ref.Name())
		}
	}
	if c.Index == "" {
		return nil
	}
	if s.options.Index, err = verify.ParseReference(c.Index); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if s.options.Index.Name() != s.ref.Name() {
		return fmt.Errorf("index names the repository %s; wanted the image's own, %s", s.options.Index.Name(), s.ref.Name())
	}
	return nil
}

// beside resolves a path of the file of cases.
func (s *Stage) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.Folder, path)
}

// trusted is what a policy trusts, which a mutation changes only where it says so.
func (s *scene) trusted(m policy.Mutation) (verify.Trust, error) {
	if s.trust != nil && !m.Thresholds {
		return *s.trust, nil
	}
	p := s.stage.Policy
	if m.Thresholds {
		p = m.Policy
	}
	trust, err := s.stage.Trust(p, s.spec)
	if err != nil {
		return trust, err
	}
	if s.lab != nil {
		if trust, err = s.lab.standIn(trust, p); err != nil {
			return trust, err
		}
	}
	if !m.Thresholds {
		s.trust = &trust
	}
	return trust, nil
}

// examine gathers the evidence and judges it. The facts are nil where there are none.
func (s *scene) examine(ctx context.Context, m policy.Mutation) (verify.Verdict, *verify.Facts, error) {
	trust, err := s.trusted(m)
	if err != nil {
		return verify.Verdict{}, nil, err
	}
	p := s.adapted(m.Policy)
	source, done, err := s.open()
	if err != nil {
		failure := &verify.Failure{}
		if !errors.As(err, &failure) {
			failure = &verify.Failure{Code: verify.LayoutUnreadable, Class: verify.Definitive, Place: s.layout, Detail: err.Error()}
		}
		return verify.Undecided(s.ref, p, trust, failure, s.options), nil, nil
	}
	defer done()
	v, facts := verify.Examine(ctx, source, s.ref, p, trust, s.options)
	return v, facts, nil
}

// saved opens the layout, and the TUF repository beside it.
func (s *scene) saved() (verify.Source, func(), error) {
	layout, err := registry.OpenLayout(s.layout, verify.DefaultLimits())
	if err != nil {
		return nil, nil, err
	}
	releases := release.New(release.Options{Mirror: s.mirror, Offline: true, UserAgent: "assay"})
	return &places.Source{Image: layout, Releases: releases}, func() { _ = layout.Close() }, nil
}

// judge judges known facts by a changed policy, or gathers them again where they do not do.
func (s *scene) judge(ctx context.Context, facts *verify.Facts, m policy.Mutation) (verify.Verdict, error) {
	if m.Again || m.Thresholds || facts == nil {
		v, _, err := s.examine(ctx, m)
		return v, err
	}
	trust, err := s.trusted(m)
	if err != nil {
		return verify.Verdict{}, err
	}
	return verify.Judge(*facts, s.adapted(m.Policy), trust, s.options), nil
}

// adapted is the policy as the laboratory needs it.
func (s *scene) adapted(p *policy.Policy) *policy.Policy {
	if s.lab == nil {
		return p
	}
	return s.lab.adapt(p)
}

// nameAndTag splits a reference that people wrote with a tag or without.
func nameAndTag(ref verify.Reference) (name, tag string) {
	if ref.Tag() == "latest" && !strings.HasSuffix(ref.String(), ":latest") {
		return ref.Name(), ""
	}
	return ref.Name(), ref.Tag()
}
