package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/lab/cases"
	"github.com/releaseassay/assay/internal/lab/gate"
)

func labRunCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "put every case of the attack range to assay, or to another gate, and print what got through",
		Description: "A gate is any command that exits 0 to admit an image. {image} is the reference; {policy}, {trusted_root},\n" +
			"{dir} (the folder of the lab's files) and {state} (a folder that a case keeps) may stand in it too. No shell\n" +
			"reads the command: write sh -c '...' for one. The lab is made for the run, unless --lab names a served one.\n" +
			"Exit codes: 0 nothing got through, 1 something did (or assay refused for another reason than the wanted one,\n" +
			"or the gate admitted no good release), 2 usage, 3 the run could not be made.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "gate", Usage: "ask `COMMAND` instead of assay"},
			&cli.StringFlag{Name: "lab", Usage: "take the lab that `assay lab serve` wrote into `DIR`"},
			caseFlag(),
			&cli.BoolFlag{Name: "all", Usage: "list every case, not only what did not come out as wanted"},
			&cli.StringSliceFlag{Name: "output", Usage: "write `text|json|junit[=FILE]`; repeatable, at most one without a file"},
			&cli.IntFlag{Name: "parallel", Usage: "ask about `N` cases at once", Value: 4},
			&cli.DurationFlag{Name: "gate-timeout", Usage: "a gate that has not answered after `DURATION` has not admitted", Value: time.Minute},
		},
		Action: func(c *cli.Context) error { return runLab(c, w) },
	}
}

func runLab(c *cli.Context, w world) error {
	outputs, err := labOutputs(c)
	if err != nil {
		return err
	}
	switch {
	case c.Args().Present():
		return usagef("found the argument %q; `assay lab run` takes none; choose with --case", c.Args().First())
	case c.Int("parallel") < 1 || c.Int("parallel") > 64:
		return usagef("--parallel is %d; wanted 1 to 64", c.Int("parallel"))
	case c.Duration("gate-timeout") <= 0:
		return usagef("--gate-timeout is %s; wanted a positive duration such as 30s", c.Duration("gate-timeout"))
	}
	command, err := gateOf(c)
	if err != nil {
		return err
	}
	dir, list, turn, stop, err := labOf(c, w)
	if err != nil {
		return err
	}
	defer stop()
	var done atomic.Int64
	progress := startLine(w, func() string { return fmt.Sprintf("%d of %d cases asked…", done.Load(), len(list.Cases)) })
	defer progress.stop()
	report, err := gate.Run(c.Context, list, gate.Options{
		Gate: command, Dir: dir, Turn: turn, Parallel: c.Int("parallel"), Done: func(gate.Result) { done.Add(1) },
	})
	progress.stop()
	if err != nil {
		return &exit{code: exitUndecided, err: err}
	}
	if err := writeLab(c, w, report, outputs); err != nil {
		return err
	}
	if !report.Sound() {
		return &exit{code: exitBad}
	}
	return nil
}

// gateOf is the gate to ask: this program, or the command that is given.
func gateOf(c *cli.Context) (gate.Command, error) {
	if !c.IsSet("gate") {
		self, err := os.Executable()
		if err != nil {
			return gate.Command{}, fmt.Errorf("find this program: %w", err)
		}
		command := gate.Assay(self)
		command.Timeout = c.Duration("gate-timeout")
		return command, nil
	}
	command, err := gate.ParseCommand(c.String("gate"))
	if err != nil {
		return gate.Command{}, usagef("--gate: %w", err)
	}
	command.Timeout = c.Duration("gate-timeout")
	return command, nil
}

// labOf is the lab to run on: one that is served, or one that is made now and closed by stop.
func labOf(c *cli.Context, w world) (dir string, list cases.Listing, turn func(context.Context, string, int) error, stop func(), err error) {
	if c.IsSet("lab") {
		dir, list, err = servedLab(c)
		return dir, list, turnAt(list.Control), func() {}, err
	}
	site, err := openSite(c, w)
	if err != nil {
		return "", list, nil, nil, err
	}
	dir, err = os.MkdirTemp("", "assay-lab-")
	if err == nil {
		err = site.Write(dir, "")
	}
	stop = func() { _, _ = site.Close(), os.RemoveAll(dir) }
	if err != nil {
		stop()
		return "", list, nil, nil, &exit{code: exitUndecided, err: err}
	}
	return dir, site.Listing(""), site.Turn, stop, nil
}

// servedLab reads the list of a lab that is served, and keeps of it what --case names.
func servedLab(c *cli.Context) (dir string, list cases.Listing, err error) {
	if dir, err = filepath.Abs(c.String("lab")); err != nil {
		return "", list, usagef("--lab: %w", err)
	}
	raw, err := readFile(filepath.Join(dir, cases.CasesFile), 16<<20)
	if err != nil {
		return "", list, usagef("--lab %s: %w; wanted the folder of an `assay lab serve` that is running", c.String("lab"), err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", list, usagef("--lab %s: %s: %w", c.String("lab"), cases.CasesFile, err)
	}
	if !c.IsSet("case") {
		return dir, list, nil
	}
	chosen, err := chosenCases(c)
	if err != nil {
		return "", list, err
	}
	ids := map[string]bool{}
	for _, k := range chosen {
		ids[k.ID] = true
	}
	list.Cases = slices.DeleteFunc(list.Cases, func(k cases.Listed) bool { return !ids[k.ID] })
	if len(list.Cases) == 0 {
		return "", list, usagef("--case: the lab in %s serves none of these", c.String("lab"))
	}
	return dir, list, nil
}

// labOutput is one value of --output.
type labOutput struct{ format, file string }

func labOutputs(c *cli.Context) ([]labOutput, error) {
	var out []labOutput
	for _, value := range c.StringSlice("output") {
		format, file, named := strings.Cut(value, "=")
		switch {
		case !slices.Contains([]string{"text", "json", "junit"}, format):
			return nil, usagef("found the output %q; wanted text, json or junit, or one of them with =FILE", value)
		case named && file == "":
			return nil, usagef("found the output %q without a file after the =; wanted %s=FILE", value, format)
		}
		for _, o := range out {
			if o.file == file {
				return nil, usagef("found two outputs to one place; wanted a file for each, and at most one without")
			}
		}
		out = append(out, labOutput{format, file})
	}
	if !slices.ContainsFunc(out, func(o labOutput) bool { return o.file == "" }) {
		out = append(out, labOutput{format: "text"})
	}
	return out, nil
}

func writeLab(c *cli.Context, w world, r *gate.Report, outputs []labOutput) error {
	for _, o := range outputs {
		var doc bytes.Buffer
		var to io.Writer = &doc
		if o.file == "" {
			to = w.stdout
		}
		var err error
		switch o.format {
		case "json":
			err = r.JSON(to)
		case "junit":
			err = r.JUnit(to)
		default:
			err = r.Text(to, c.Bool("all"))
		}
		if err != nil {
			return &exit{code: exitUndecided, err: err}
		}
		if o.file == "" {
			continue
		}
		if err := replaceFile(o.file, doc.Bytes()); err != nil {
			return usagef("write the report: %w", err)
		}
	}
	return nil
}
