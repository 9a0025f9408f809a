package main

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/verify"
)

// source is where image and evidence come from, and how to let go of it.
type source struct {
	places.Source
	// releases is nil where a layout cannot be read.
	releases *release.Repositories
	// access and budget are how all places are reached and what they spend, nil without
	// a network.
	access *load.Access
	budget *budget.Budget
	close  func()
}

// spent is what has been asked so far.
func (s *source) spent() (requests int, bytes int64) {
	if s.budget == nil {
		return 0, 0
	}
	return s.budget.Requests(), s.budget.Bytes()
}

// placeFlags are the flags of every command that reads an image: where from, how
// long, and where to write in which of the formats.
func placeFlags(formats string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "layout", Usage: "read image and evidence from the OCI layout in `DIR`, as cosign save writes it"},
		&cli.StringSliceFlag{Name: "bundle", Usage: "take the Sigstore bundles in `FILE` for evidence too; repeatable"},
		&cli.BoolFlag{Name: "offline", Usage: "open no connection; needs --layout"},
		configFlag(),
		&cli.BoolFlag{Name: "plain-http", Usage: "allow registries without TLS (loopback needs no permission)"},
		&cli.StringSliceFlag{Name: "output", Usage: "write `" + formats + "[=FILE]`; repeatable, at most one without a file"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up after `DURATION`", Value: time.Minute},
	}
}

// openSource opens the places that the flags name. This is the one function from
// which anything that dials comes, and with --layout nothing of the kind is made.
// A layout that cannot be read is a failure to be judged, not a usage error.
func openSource(c *cli.Context, w world) (*source, *verify.Failure, error) {
	s := &source{close: func() {}}
	for _, file := range c.StringSlice("bundle") {
		pieces, err := places.ReadBundles(file, verify.DefaultLimits())
		if err != nil {
			return nil, nil, usagef("%w", err)
		}
		s.Files = append(s.Files, pieces...)
	}
	repositories := releaseOptions(c, w)
	if dir := c.String("layout"); dir != "" {
		layout, err := registry.OpenLayout(dir, verify.DefaultLimits())
		if err != nil {
			failure := &verify.Failure{}
			if !errors.As(err, &failure) {
				failure = &verify.Failure{Code: verify.LayoutUnreadable, Class: verify.Definitive, Place: dir, Detail: err.Error()}
			}
			return s, failure, nil
		}
		s.Image, s.close = layout, func() { _ = layout.Close() }
		repositories.Offline = true
		if failure := s.takeSaved(dir, layout, &repositories); failure != nil {
			return s, failure, nil
		}
		s.releases = release.New(repositories)
		s.Releases = s.releases
		return s, nil, nil
	}
	access, err := openAccess(w, c.String("config"), c.Bool("plain-http"))
	if err != nil {
		return nil, nil, err
	}
	s.take(access, budgetOf(c.Duration("timeout")), repositories)
	return s, nil, nil
}

// take opens all places over the network.
func (s *source) take(access *load.Access, b *budget.Budget, repositories release.Options) {
	from := access.Source(load.SourceOptions{Budget: b, Release: repositories})
	s.Image, s.GitHub, s.Releases = from.Image, from.GitHub, from.Releases
	s.releases, s.access, s.budget, s.close = from.Repositories, access, b, access.Close
}
