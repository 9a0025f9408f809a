package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/trust"
)

func trustCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "trust",
		Usage: "show or update what is trusted: the public-good root, and projects' TUF repositories",
		Subcommands: []*cli.Command{
			{
				Name:  "show",
				Usage: "print the authorities of a trusted root as JSON",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "trusted-root", Usage: "show the trusted_root.json in `FILE` instead of the one that verify uses"},
				},
				Action: func(c *cli.Context) error { return runTrustShow(c, w) },
			},
			{
				Name:  "update",
				Usage: "fetch the newest public-good root from Sigstore's TUF repository",
				Description: "The root is verified from the one that assay carries and kept in the cache folder\n" +
					"(ASSAY_CACHE, or assay in the user's cache folder). Nothing else ever fetches it.",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "mirror", Usage: "fetch from the TUF repository at `URL`", Value: trust.DefaultMirror},
					&cli.StringFlag{Name: "root", Usage: "start from the TUF root in `FILE`, for a mirror with keys of its own"},
					&cli.DurationFlag{Name: "timeout", Usage: "give up after `DURATION`", Value: trust.DefaultTimeout},
				},
				Action: func(c *cli.Context) error { return runTrustUpdate(c, w) },
			},
			trustTUFCommand(w),
		},
	}
}

func runTrustShow(c *cli.Context, w world) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay trust show` takes none", c.Args().First())
	}
	root := trust.Root{}
	var err error
	if file := c.String("trusted-root"); file != "" {
		if root, err = trust.Load(file, ""); err != nil {
			return usagef("%w", err)
		}
	} else {
		if root, err = defaultRoot(c, w); err != nil {
			return usagef("%w", err)
		}
	}
	summary, err := trust.Describe(root.JSON)
	if err != nil {
		return usagef("%w", err)
	}
	return printJSON(w, struct {
		Source string `json:"source"`
		trust.Summary
	}{root.Source, summary})
}

func runTrustUpdate(c *cli.Context, w world) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay trust update` takes none", c.Args().First())
	}
	if c.Duration("timeout") <= 0 {
		return usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	dir := w.cacheDir()
	if dir == "" {
		return usagef("there is no cache folder; set ASSAY_CACHE to one")
	}
	o := trust.UpdateOptions{CacheDir: dir, Now: w.now(), MirrorURL: c.String("mirror")}
	if file := c.String("root"); file != "" {
		var err error
		if o.Root, err = files.Read(file, trust.MaxSize); err != nil {
			return usagef("read the TUF root: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	result, err := trust.Update(ctx, o)
	switch {
	case errors.Is(err, trust.ErrMirror):
		return &exit{code: exitUndecided, err: err}
	case errors.Is(err, trust.ErrRefused):
		return &exit{code: exitBad, err: err}
	case err != nil:
		return usagef("%w", err)
	}
	return printJSON(w, result)
}

func printJSON(w world, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err = fmt.Fprintf(w.stdout, "%s\n", b)
	return err
}
