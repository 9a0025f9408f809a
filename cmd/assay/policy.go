package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/docs/schema"
	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/policy"
)

func policyCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "write, check and try policies",
		Subcommands: []*cli.Command{
			policyInitCommand(w),
			policyCoverageCommand(w),
			policyTestCommand(w),
			{
				Name:      "lint",
				Usage:     "list what in policies is legal and dangerous",
				ArgsUsage: "FILE...",
				Description: "Each line is FILE:LINE:COLUMN: what follows from it, and [code]. A comment\n" +
					"\"lint: allow CODE, because ...\" keeps what a person has decided from being listed again.\n" +
					"Exit codes: 0 nothing found, 1 something found, 2 a policy is not valid.",
				Action: func(c *cli.Context) error { return runPolicyLint(c, w) },
			},
			{
				Name:   "schema",
				Usage:  "print the JSON Schema of policies, for editors to complete from",
				Action: func(c *cli.Context) error { return runPolicySchema(c, w) },
			},
		},
	}
}

func runPolicySchema(c *cli.Context, w world) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay policy schema` takes none", c.Args().First())
	}
	_, err := w.stdout.Write(schema.Policy)
	return err
}

// runPolicyLint looks at every file, also where one before it is not valid.
func runPolicyLint(c *cli.Context, w world) error {
	if !c.Args().Present() {
		return usagef("found no argument; wanted the policies to look at: assay policy lint FILE...")
	}
	found := 0
	var invalid []error
	for _, file := range c.Args().Slice() {
		// That a newer assay is required, and includes, are as when it is used.
		if _, err := policyFile(w, file); err != nil {
			invalid = append(invalid, err)
			continue
		}
		warnings, err := policy.Lint(file, func(path string) ([]byte, error) {
			if path == file {
				return files.Read(path, policy.MaxSize)
			}
			return load.ReadFragment(path)
		}, policy.LintOptions{Now: w.now(), Root: func(root policy.PinnedRoot) []byte {
			return rootBytes(filepath.Dir(file), root)
		}})
		if err != nil {
			invalid = append(invalid, usagef("%w", err))
			continue
		}
		found += len(warnings)
		for _, line := range warnings {
			fmt.Fprintln(w.stdout, escape(line.String()))
		}
	}
	switch {
	case len(invalid) > 0:
		return &exit{code: exitUsage, err: errors.Join(invalid...)}
	case found > 0:
		return &exit{code: exitBad}
	}
	return nil
}

// rootBytes are those of a TUF root that a policy pins, nil where they cannot be read:
// what they are is then not looked at, and `assay verify` says why.
func rootBytes(dir string, root policy.PinnedRoot) []byte {
	if root.File == "" {
		return []byte(root.Inline)
	}
	b, err := files.Read(load.Beside(dir, root.File), load.MaxTUFRoot)
	if err != nil {
		return nil
	}
	return b
}
