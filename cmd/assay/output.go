package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/verify"
)

// outputs is where a verdict goes: exactly one document on stdout, and files.
type outputs struct {
	world    world
	stdout   report.Format
	printRef bool
	files    []report.Output
	width    int
	color    bool
}

func newOutputs(c *cli.Context, w world) (*outputs, error) {
	o := &outputs{world: w, stdout: report.FormatJSON, printRef: c.Bool("print-ref")}
	width, terminal := w.terminal(w.stdout)
	o.width = width
	o.color = terminal && w.getenv("NO_COLOR") == "" && w.getenv("TERM") != "dumb"
	if terminal {
		o.stdout = report.FormatText
	}
	named, err := report.ParseOutputs(c.StringSlice("output"))
	if err != nil {
		return nil, usagef("%w", err)
	}
	for _, out := range named {
		switch {
		case out.File != "":
			o.files = append(o.files, out)
		case o.printRef:
			return nil, usagef("found --print-ref and --output %s; stdout carries one document: write %s=FILE", out.Format, out.Format)
		default:
			o.stdout = out.Format
		}
	}
	return o, nil
}

// allowed is what the caller lets through beside a pass of this moment.
type allowed struct {
	// at lets through the pass of a hypothetical question, excepted a failure that an
	// exception excuses.
	at, excepted bool
}

// write renders the verdict and returns the exit code that it deserves.
func (o *outputs) write(v verify.Verdict, allow allowed) error {
	for _, f := range o.files {
		if err := o.writeFile(f, v); err != nil {
			return usagef("write the report: %w", err)
		}
	}
	through := v.Passed() || allow.excepted && v.Exception != nil
	passed := through && (!v.Hypothetical || allow.at)
	var doc bytes.Buffer
	switch {
	case o.printRef && passed:
		fmt.Fprintln(&doc, v.Image.Pinned)
	case o.printRef:
	default:
		if err := o.render(&doc, o.stdout, v, o.color); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if _, err := o.world.stdout.Write(doc.Bytes()); err != nil {
		return &exit{code: exitUndecided, err: fmt.Errorf("write the report: %w", err)}
	}
	return o.conclude(v, passed, through)
}

// conclude says on stderr why it is not a pass, unless the text report on stdout
// has said it, and chooses the exit code. through is what passed is but for --at.
func (o *outputs) conclude(v verify.Verdict, passed, through bool) error {
	if v.Exception != nil {
		defer sayExcepted(o.world.stderr, v, through)
	}
	if passed {
		return nil
	}
	if through {
		what := "pass"
		if !v.Passed() {
			what = "exception"
		}
		fmt.Fprintf(o.world.stderr, "assay: the %s is hypothetical (--at); exit 0 needs --allow-at\n", what)
		return &exit{code: exitBad}
	}
	if o.printRef || !o.stdout.ForEye() {
		if err := report.Refusal(o.world.stderr, v); err != nil {
			return fmt.Errorf("write the refusal: %w", err)
		}
	}
	if !v.Conclusive {
		return &exit{code: exitUndecided}
	}
	return &exit{code: exitBad}
}

func (o *outputs) render(w io.Writer, format report.Format, v verify.Verdict, color bool) error {
	return report.Write(w, v, format, report.TextOptions{Color: color, Width: o.width})
}

// writeFile writes a report whole or not at all.
func (o *outputs) writeFile(out report.Output, v verify.Verdict) error {
	var doc bytes.Buffer
	if err := o.render(&doc, out.Format, v, false); err != nil {
		return err
	}
	return replaceFile(out.File, doc.Bytes())
}

// replaceFile writes a file whole or not at all. What is there and is no file (a
// pipe, a device) is written to, and never replaced; a link leads to what it names.
func replaceFile(file string, doc []byte) (err error) {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(file, doc, 0o644) //nolint:gosec // it is there already
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".assay-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(doc); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
