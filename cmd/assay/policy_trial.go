package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/trial"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func policyTestCommand(w world) *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "try a policy on cases with the verdicts that are wanted",
		ArgsUsage: "FILE",
		Description: "The cases are saved evidence, or images that `assay lab demo` shows, and lie beside the policy\n" +
			"(policy.yaml: policy.test.yaml). No connection is opened. Then every demand of the policy is given a value\n" +
			"that nothing can meet, and a case that passes has to turn: a demand that turns nothing is listed.\n" +
			"Exit codes: 0 all as wanted, 1 not all, 2 usage, policy or cases.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "cases", Usage: "take the cases from `FILE` (default: the policy's name with .test.yaml)"},
			&cli.BoolFlag{Name: "no-mutate", Usage: "judge the cases alone, and do not look for demands that turn nothing"},
			&cli.DurationFlag{Name: "timeout", Usage: "give up after `DURATION`", Value: 2 * time.Minute},
		},
		Action: func(c *cli.Context) error { return runPolicyTest(c, w) },
	}
}

func runPolicyTest(c *cli.Context, w world) error {
	if c.Args().Len() != 1 {
		return usagef("found %d arguments; wanted one policy: assay policy test FILE", c.Args().Len())
	}
	if c.Duration("timeout") <= 0 {
		return usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	file := c.Args().First()
	p, err := policyFile(w, file)
	if err != nil {
		return err
	}
	text, err := files.Read(file, policy.MaxSize)
	if err != nil {
		return usagef("read the policy: %w", err)
	}
	casesFile := c.String("cases")
	if !c.IsSet("cases") {
		casesFile = strings.TrimSuffix(file, filepath.Ext(file)) + ".test.yaml"
	}
	cases, err := loadCases(casesFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	stage := &trial.Stage{Policy: p, Folder: load.Folder(casesFile), Now: w.now(), Trust: func(p *policy.Policy, spec policy.Case) (verify.Trust, error) {
		return caseTrust(c, w, p, load.Folder(file), load.Folder(casesFile), spec)
	}}
	defer stage.Close()
	results, wrong, err := runCases(ctx, w, stage, cases)
	coverage := trial.Coverage{}
	if err == nil && !c.Bool("no-mutate") {
		if coverage, err = stage.Mutate(ctx, text, results); err != nil {
			err = usagef("%s: %w", casesFile, err)
		}
	}
	switch {
	case c.Context.Err() != nil:
		return &exit{code: exitUndecided, err: errors.New("interrupted; nothing was decided")}
	case err != nil:
		return err
	}
	showCoverage(w, file, coverage)
	fmt.Fprintf(w.stdout, "%d of %d cases as wanted", len(results)-wrong, len(results))
	if !c.Bool("no-mutate") {
		fmt.Fprintf(w.stdout, "; %d demands tried, %d listed", coverage.Demands, len(coverage.Idle))
	}
	fmt.Fprintln(w.stdout)
	if wrong > 0 || len(coverage.Idle) > 0 || coverage.Untried > 0 {
		return &exit{code: exitBad}
	}
	return nil
}

func loadCases(file string) ([]policy.Case, error) {
	b, err := files.Read(file, policy.MaxSize)
	if err != nil {
		return nil, usagef("read the cases: %w; wanted them there, or --cases FILE", err)
	}
	cases, err := trial.Read(file, b)
	if err != nil {
		return nil, usagef("the cases are not valid:\n%w", err)
	}
	return cases, nil
}

// runCases judges every case and prints a line for each.
func runCases(ctx context.Context, w world, stage *trial.Stage, cases []policy.Case) (results []trial.Result, wrong int, err error) {
	for _, spec := range cases {
		r, err := stage.Run(ctx, spec)
		switch {
		case ctx.Err() != nil:
			return nil, 0, &exit{code: exitBad, err: fmt.Errorf("the case %q was not judged in time; wanted a longer --timeout", spec.Name)}
		case err != nil:
			return nil, 0, usagef("%w", err)
		}
		results = append(results, r)
		if r.Right {
			fmt.Fprintf(w.stdout, "ok    %s: %s\n", escape(spec.Name), escape(r.Got))
			continue
		}
		wrong++
		fmt.Fprintf(w.stdout, "FAIL  %s: wanted %s, got %s\n", escape(spec.Name), escape(r.Wanted), escape(r.Got))
	}
	return results, wrong, nil
}

// showCoverage lists the demands that turn nothing, and those that were not tried.
func showCoverage(w world, file string, c trial.Coverage) {
	for _, idle := range c.Idle {
		where := file
		if idle.Position.Line > 0 {
			where = fmt.Sprintf("%s:%d:%d", file, idle.Position.Line, idle.Position.Column)
		}
		fmt.Fprintf(w.stdout, "%s: %s turns nothing: %s\n", escape(where), escape(idle.Path), idle.Why)
	}
	for _, path := range c.Unseen {
		fmt.Fprintf(w.stdout, "note: %s says where evidence is looked for, which saved evidence cannot show\n", escape(path))
	}
	if c.Untried > 0 {
		fmt.Fprintf(w.stdout, "%d demands were not tried in time; wanted a longer --timeout, or --no-mutate\n", c.Untried)
	}
}

// caseTrust is what a policy in the folder dir trusts, with a case's own trusted root in
// place of the public-good one. A case that is judged as of another time reads no cache.
func caseTrust(c *cli.Context, w world, p *policy.Policy, dir, cases string, spec policy.Case) (verify.Trust, error) {
	if !spec.At.IsZero() {
		w.cacheDir = func() string { return "" }
	}
	t, err := loadTrust(c, w, p, dir)
	if err != nil || spec.TrustedRoot == "" {
		return t, err
	}
	if !p.Trust[policy.PublicGood].Builtin {
		return t, usagef("trusted_root stands in for the builtin root, and the policy's public-good is a file; wanted one of them")
	}
	root, err := trust.Load(load.Beside(cases, spec.TrustedRoot), "")
	if err != nil {
		return t, usagef("trusted_root: %w", err)
	}
	own, err := verify.NewTrustedRoot(policy.PublicGood, root.Source, root.JSON, p.Trust[policy.PublicGood].Thresholds)
	if err != nil {
		return t, usagef("trusted_root: %w", err)
	}
	for i, r := range t.Roots {
		if r.Name() == policy.PublicGood {
			t.Roots[i] = own
		}
	}
	return t, nil
}
