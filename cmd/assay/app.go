package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// newApp puts the commands together. Help that was asked for goes to stdout, all
// else to stderr; urfave/cli's own ways to exit are switched off.
func newApp(w world) *cli.App {
	app := &cli.App{
		Name:            "assay",
		Usage:           "may this release image run? one verdict over signature and provenance",
		Version:         version,
		HideHelpCommand: true,
		Writer:          w.stdout,
		ErrWriter:       w.stderr,
		ExitErrHandler:  func(*cli.Context, error) {}, // exitCode prints and decides
		OnUsageError:    usageError,
		Action:          refuseUnknown,
		Commands: []*cli.Command{
			verifyCommand(w),
			inspectCommand(w),
			saveCommand(w),
			labCommand(w),
			policyCommand(w),
			trustCommand(w),
			containerdCommand(w),
			doctorCommand(w),
			serveCommand(w),
			versionCommand(w),
		},
		DisableSliceFlagSeparator: true,
	}
	for _, c := range app.Commands {
		harden(c)
	}
	return app
}

// harden gives a command and its subcommands the defaults that refuse.
func harden(c *cli.Command) {
	c.HideHelpCommand = true
	c.OnUsageError = usageError
	if c.Action == nil {
		c.Action = refuseUnknown
	}
	for _, s := range c.Subcommands {
		harden(s)
	}
}

// usageError keeps help off stdout where nobody asked for it.
func usageError(c *cli.Context, err error, _ bool) error {
	return usagef("%s; see `%s --help`", err, helpName(c))
}

// refuseUnknown is the action of everything that only has subcommands: urfave/cli
// would exit 3, or 0, on a word that it does not know.
func refuseUnknown(c *cli.Context) error {
	switch {
	case !c.Args().Present():
		return usagef("no command given; see `%s --help`", helpName(c))
	case c.Args().First() == "help" && len(c.Lineage()) <= 2:
		return cli.ShowAppHelp(c)
	}
	return usagef("found the unknown command %q; see `%s --help`", c.Args().First(), helpName(c))
}

func helpName(c *cli.Context) string {
	if c.Command != nil && c.Command.HelpName != "" {
		return c.Command.HelpName
	}
	return c.App.Name
}

func versionCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("found the argument %q; `assay version` takes none", c.Args().First())
			}
			fmt.Fprintf(w.stdout, "assay %s", version)
			if commit != "" {
				fmt.Fprintf(w.stdout, " (%s, %s)", commit, date)
			}
			fmt.Fprintln(w.stdout)
			return nil
		},
	}
}
