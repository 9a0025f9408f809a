package main

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/github"
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
	// budget is what all places spend, nil without a network.
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
	options, err := registryOptions(c, w)
	if err != nil {
		return nil, nil, err
	}
	s.Image = registry.New(options)
	token, host := githubToken(w.getenv)
	s.GitHub = github.New(github.Options{
		Token: token, TokenHost: host, Transport: options.Transport, Budget: options.Budget, UserAgent: "assay/" + version, BaseURL: w.getenv("ASSAY_GITHUB_API"),
	})
	repositories.Transport, repositories.Budget = options.Transport, options.Budget
	s.releases = release.New(repositories)
	s.Releases = s.releases
	s.budget = options.Budget
	s.close = (&http.Client{Transport: options.Transport}).CloseIdleConnections
	return s, nil, nil
}

// githubToken returns the token for GitHub's API, if the environment has one, and
// the host that it is for: gh's own variables first, then those of Actions.
func githubToken(getenv func(string) string) (token, host string) {
	if u, err := url.Parse(getenv("GITHUB_SERVER_URL")); err == nil {
		host = u.Host
	}
	for _, name := range []string{"GH_TOKEN", "GITHUB_TOKEN"} {
		if token := getenv(name); token != "" {
			return token, host
		}
	}
	return getenv("GH_ENTERPRISE_TOKEN"), host
}
