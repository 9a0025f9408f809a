package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/coverage"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/verify"
)

func policyCoverageCommand(w world) *cli.Command {
	return &cli.Command{
		Name:      "coverage",
		Usage:     "list the images that no rule of a policy, or no evidence, covers",
		ArgsUsage: "[IMAGE...|-]",
		Description: "With - the images are read from stdin: one reference a line, or objects of Kubernetes as JSON or YAML:\n" +
			"  kubectl get pods -A -o json | assay policy coverage --policy FILE -\n" +
			"Evidence is counted by what it says of itself and trusted in nothing: what is covered may still be refused.\n" +
			"Exit codes: 0 all are covered, 1 not all, 2 usage or policy, 3 undecided (ask again).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "policy", Usage: "the policy in `FILE`"},
			&cli.BoolFlag{Name: "evidence", Usage: "look whether each image carries evidence of the kinds that its rule demands"},
			configFlag(),
			&cli.BoolFlag{Name: "plain-http", Usage: "allow registries without TLS (loopback needs no permission)"},
			&cli.StringSliceFlag{Name: "output", Usage: "write `json|text[=FILE]`; repeatable, at most one without a file"},
			&cli.DurationFlag{Name: "timeout", Usage: "give up on the whole after `DURATION`", Value: 10 * time.Minute},
		},
		Action: func(c *cli.Context) error { return runPolicyCoverage(c, w) },
	}
}

func runPolicyCoverage(c *cli.Context, w world) error {
	switch {
	case c.String("policy") == "":
		return usagef("nothing is demanded: wanted --policy FILE")
	case c.Duration("timeout") <= 0:
		return usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	for _, name := range []string{"config", "plain-http", "timeout"} {
		if c.IsSet(name) && !c.Bool("evidence") {
			return usagef("--%s has no meaning without --evidence, which alone asks registries", name)
		}
	}
	out, err := newOutputs(c, w)
	if err != nil {
		return err
	}
	if err := wantTreeFormats(out); err != nil {
		return err
	}
	if len(c.StringSlice("output")) == len(out.files) { // a list to look at, wherever it goes
		out.stdout = report.FormatText
	}
	p, err := policyFile(w, c.String("policy"))
	if err != nil {
		return err
	}
	refs, err := imagesOf(c)
	if err != nil {
		return err
	}
	table := coverage.Of(p, refs)
	if c.Bool("evidence") {
		ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
		defer cancel()
		open := func() (verify.Source, func(), error) {
			s, _, err := openSource(c, w)
			if err != nil {
				return nil, nil, err
			}
			return s, s.close, nil
		}
		if table, err = coverage.Look(ctx, table, open, verify.DefaultLimits()); err != nil {
			return err
		}
	}
	return writeCoverage(out, table)
}

// imagesOf reads the images that the arguments name, or those on stdin.
func imagesOf(c *cli.Context) ([]coverage.Ref, error) {
	args := c.Args().Slice()
	switch {
	case len(args) == 0:
		return nil, usagef("found no image; wanted IMAGE..., or - for a list on stdin")
	case slices.Equal(args, []string{"-"}):
		refs, err := coverage.Read(os.Stdin)
		if err != nil {
			return nil, usagef("%s", escape(err.Error()))
		}
		return refs, nil
	case slices.Contains(args, "-"):
		return nil, usagef("found - among other arguments; wanted IMAGE... or - alone")
	}
	refs, err := coverage.Words(args)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return refs, nil
}

// writeCoverage writes the table to all outputs and returns the exit code that it deserves.
func writeCoverage(o *outputs, t coverage.Table) error {
	render := func(w io.Writer, f report.Format) error {
		if f == report.FormatText {
			return coverage.Text(w, t)
		}
		return coverage.JSON(w, t)
	}
	for _, f := range o.files {
		var doc bytes.Buffer
		if err := render(&doc, f.Format); err != nil {
			return usagef("%w", err)
		}
		if err := replaceFile(f.File, doc.Bytes()); err != nil {
			return usagef("write the table: %w", err)
		}
	}
	if err := render(o.world.stdout, o.stdout); err != nil {
		return &exit{code: exitUndecided, err: err}
	}
	switch t.Worst() {
	case coverage.Covered:
		return nil
	case coverage.Undecided:
		return &exit{code: exitUndecided, err: errors.New("not everything could be read")}
	}
	return &exit{code: exitBad}
}
