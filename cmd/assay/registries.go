package main

import (
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/config"
	"github.com/releaseassay/assay/internal/load"
)

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "read how registries are reached and logged in to from `FILE`"}
}

// openAccess reads how registries are reached: file is --config's, "" for none.
func openAccess(w world, file string, plainHTTP bool) (*load.Access, error) {
	path, named := config.Find(file, w.getenv, os.UserConfigDir)
	access, err := load.NewAccess(load.AccessOptions{
		Config: path, ConfigOptional: !named, PlainHTTP: plainHTTP,
		Getenv: w.getenv, Version: version, GitHubAPI: w.getenv("ASSAY_GITHUB_API"),
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	return access, nil
}

// budgetOf is what one verification may ask for within a time.
func budgetOf(timeout time.Duration) *budget.Budget {
	limits := budget.Default()
	limits.Time = timeout
	return budget.New(limits, budget.Clock{})
}
