package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/files"
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
			"or another gate admitted no good release), 2 usage, 3 the run could not be made, or not to its end.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "gate", Usage: "ask `COMMAND` instead of assay"},
			&cli.StringFlag{Name: "lab", Usage: "ask about the lab that is served from `DIR`, which `assay lab serve` wrote"},
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
	r, err := labOf(c, w)
	if err != nil {
		return err
	}
	defer r.stop()
	var done atomic.Int64
	progress := startLine(w, func() string { return fmt.Sprintf("%d of %d cases asked…", done.Load(), len(r.list.Cases)) })
	defer progress.stop()
	report, err := gate.Run(r.ctx, r.list, gate.Options{
		Gate: command, Dir: r.dir, Turn: r.turn, Parallel: c.Int("parallel"), Done: func(gate.Result) { done.Add(1) },
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

// labRange is a lab to run on, in its folder.
type labRange struct {
	// ctx ends with the lab.
	ctx  context.Context //nolint:containedctx // as long as one run
	dir  string
	list cases.Listing
	turn func(ctx context.Context, id string, act int) error
	stop func()
}

// labOf is the lab that is served, or one that is made now and closed by stop.
func labOf(c *cli.Context, w world) (*labRange, error) {
	if c.IsSet("lab") {
		return servedLab(c)
	}
	chosen, err := chosenCases(c)
	if err != nil {
		return nil, err
	}
	site, err := openSite(c, w, chosen)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "assay-lab-")
	if err == nil {
		err = site.Write(dir, "")
	}
	r := &labRange{ctx: c.Context, dir: dir, list: site.Listing(""), turn: site.Turn, stop: func() { _, _ = site.Close(), os.RemoveAll(dir) }}
	if err != nil {
		r.stop()
		return nil, &exit{code: exitUndecided, err: err}
	}
	return r, nil
}

// listLimit is how long a cases.json may be, in bytes.
const listLimit = 16 << 20

// readList reads the list of cases in a folder.
func readList(dir string) (raw []byte, list cases.Listing, err error) {
	if raw, err = files.Read(filepath.Join(dir, cases.CasesFile), listLimit); err != nil {
		return nil, list, err
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, list, fmt.Errorf("%s: %w", cases.CasesFile, err)
	}
	return raw, list, nil
}

// servedLab takes a lab that is served, and keeps of its list what --case names.
func servedLab(c *cli.Context) (*labRange, error) {
	dir, err := filepath.Abs(c.String("lab"))
	if err != nil || c.String("lab") == "" {
		return nil, usagef("--lab is %q; wanted the folder of an `assay lab serve` that is running", c.String("lab"))
	}
	raw, list, err := readList(dir)
	if err != nil {
		return nil, usagef("--lab %s: %w; wanted the folder of an `assay lab serve` that is running", c.String("lab"), err)
	}
	if c.IsSet("case") {
		chosen, err := chosenCases(c)
		if err != nil {
			return nil, err
		}
		ids := map[string]bool{}
		for _, k := range chosen {
			ids[k.ID] = true
		}
		list.Cases = slices.DeleteFunc(list.Cases, func(k cases.Listed) bool { return !ids[k.ID] })
		if len(list.Cases) == 0 {
			return nil, usagef("--case: the lab in %s serves none of these", c.String("lab"))
		}
	}
	ctx, release, err := takeLab(c.Context, list.Control, raw)
	if err != nil {
		return nil, &exit{code: exitUndecided, err: fmt.Errorf("use the lab in %s: %w", c.String("lab"), err)}
	}
	return &labRange{ctx: ctx, dir: dir, list: list, turn: turnAt(list.Control), stop: release}, nil
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
		if named { // a run is long; that its report has no place is said before
			if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
				return nil, usagef("found the output %q; wanted a file in a folder that is there", value)
			}
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

// writeLab writes the report to stdout first, so that it is not lost where a file cannot be written.
func writeLab(c *cli.Context, w world, r *gate.Report, outputs []labOutput) error {
	slices.SortStableFunc(outputs, func(a, b labOutput) int { return min(1, len(a.file)) - min(1, len(b.file)) })
	for _, o := range outputs {
		var doc bytes.Buffer
		var err error
		switch o.format {
		case "json":
			err = r.JSON(&doc)
		case "junit":
			err = r.JUnit(&doc)
		default:
			err = r.Text(&doc, c.Bool("all"))
		}
		if err == nil && o.file == "" {
			_, err = w.stdout.Write(doc.Bytes())
		}
		if err != nil {
			return &exit{code: exitUndecided, err: fmt.Errorf("write the report: %w", err)}
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
