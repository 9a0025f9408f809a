package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/lab/cases"
)

func labCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "lab",
		Usage: "a release factory on loopback, to see what a gate lets through",
		Subcommands: []*cli.Command{
			labDemoCommand(w), labRunCommand(w), labServeCommand(w), labListCommand(w), labShowCommand(w),
		},
	}
}

func caseFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "case", Usage: "only the cases that `PATTERN` fits, such as '03-*'; repeatable"}
}

// chosenCases are the cases that --case names.
func chosenCases(c *cli.Context) ([]cases.Case, error) {
	found, err := cases.Find(c.StringSlice("case")...)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return found, nil
}

func labListCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "print the cases of the attack range, one a line",
		Flags: []cli.Flag{
			caseFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("found the argument %q; `assay lab list` takes none; choose with --case", c.Args().First())
			}
			found, err := chosenCases(c)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return listCasesJSON(w, found)
			}
			t := tabwriter.NewWriter(w.stdout, 0, 4, 2, ' ', 0)
			for _, k := range found {
				fmt.Fprintf(t, "%s\t%s\t%s\n", k.ID, wanted(k.Want), k.Shows)
			}
			return t.Flush()
		},
	}
}

func listCasesJSON(w world, found []cases.Case) error {
	list := []cases.Listed{}
	for _, k := range found {
		list = append(list, cases.Listed{ID: k.ID, Class: k.Class, Advisories: k.Advisories, Shows: k.Shows, Why: k.Why, Wanted: k.Want, Slow: k.Slow})
	}
	e := json.NewEncoder(w.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(list)
}

// wanted is an answer in a word: the code, or what becomes of the image.
func wanted(want cases.Want) string {
	if want.Code != "" {
		return want.Code
	}
	return want.Verdict
}

func labShowCommand(w world) *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "explain one case of the attack range",
		ArgsUsage: "CASE",
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usagef("found %d arguments; wanted one CASE; `assay lab list` prints every id", c.Args().Len())
			}
			found, err := cases.Find(c.Args().First())
			if err != nil {
				return usagef("%w", err)
			}
			for i, k := range found {
				if i > 0 {
					fmt.Fprintln(w.stdout)
				}
				showCase(w, k)
			}
			return nil
		},
	}
}

func showCase(w world, k cases.Case) {
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w.stdout, "  %-10s %s\n", name, text)
		}
	}
	class := fmt.Sprintf("%d, %s", k.Class, cases.ClassName(k.Class))
	fmt.Fprintf(w.stdout, "%s\n", k.ID)
	line("shows", k.Shows)
	line("note", k.Why)
	line("class", class)
	line("advisories", strings.Join(k.Advisories, ", "))
	answer := map[string]string{
		cases.Pass: "admit: exit 0", cases.Refuse: "refuse: exit 1", cases.Undecided: "refuse, undecided: exit 3",
	}[k.Want.Verdict]
	if k.Want.Exit != 0 {
		answer = fmt.Sprintf("refuse: exit %d", k.Want.Exit)
	}
	line("wanted", answer)
	if k.Want.Code != "" {
		line("", fmt.Sprintf("%s by the check %s (docs/reasons.md)", k.Want.Code, k.Want.Check))
	}
	line("try", "assay lab run --all --case "+k.ID)
	line("by hand", "assay lab serve --case "+k.ID)
}
