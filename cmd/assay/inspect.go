package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/inspect"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/verify"
)

func inspectCommand(w world) *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "show an image and the evidence beside it, without verifying anything",
		ArgsUsage: "IMAGE",
		Description: "What is shown is what image and evidence say of themselves; `assay verify` decides whether it is so.\n" +
			"Exit codes: 0 all of it could be read, 2 usage, 3 not all (what could be is shown).",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "no-platforms", Usage: fmt.Sprintf("of an index, look for evidence on itself alone, not on its images (at most %d)", inspect.MaxChildren)},
		}, placeFlags("json|text")...),
		Action: func(c *cli.Context) error { return runInspect(c, w) },
	}
}

func runInspect(c *cli.Context, w world) error {
	ref, err := oneReference(c)
	if err != nil {
		return err
	}
	if err := checkFlags(c); err != nil {
		return err
	}
	out, err := newOutputs(c, w)
	if err != nil {
		return err
	}
	if err := wantTreeFormats(out); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	source, failure, err := openSource(c, w)
	if err != nil {
		return err
	}
	defer source.close()
	if failure != nil {
		return writeTree(c, out, inspect.Unresolved(ref, failure))
	}
	return writeTree(c, out, inspect.Look(ctx, source, ref, inspect.Options{
		Platforms: !c.Bool("no-platforms"), Limits: verify.DefaultLimits(),
	}))
}

// wantTreeFormats refuses the formats that only a verdict has.
func wantTreeFormats(o *outputs) error {
	for _, f := range append([]report.Output{{Format: o.stdout}}, o.files...) {
		if f.Format != report.FormatJSON && f.Format != report.FormatText {
			return usagef("found the output %q; `assay inspect` writes json and text", f.Format)
		}
	}
	return nil
}

// writeTree writes the tree to all outputs and returns the exit code that it deserves.
func writeTree(c *cli.Context, o *outputs, t inspect.Tree) error {
	text := inspect.TextOptions{Width: o.width}
	if dir := c.String("layout"); dir != "" {
		text.Flags = append(text.Flags, "--layout", dir)
	}
	for _, flag := range []string{"offline", "plain-http"} {
		if c.Bool(flag) {
			text.Flags = append(text.Flags, "--"+flag)
		}
	}
	render := func(w io.Writer, f report.Format) error {
		if f == report.FormatText {
			return inspect.Text(w, t, text)
		}
		return inspect.JSON(w, t)
	}
	for _, f := range o.files {
		var doc bytes.Buffer
		if err := render(&doc, f.Format); err != nil {
			return usagef("%w", err)
		}
		if err := replaceFile(f.File, doc.Bytes()); err != nil {
			return usagef("write the tree: %w", err)
		}
	}
	if err := render(o.world.stdout, o.stdout); err != nil {
		return &exit{code: exitUndecided, err: err}
	}
	if t.Complete() {
		return nil
	}
	if o.stdout == report.FormatText {
		return &exit{code: exitUndecided}
	}
	first, more := t.Failures[0], ""
	if n := len(t.Failures) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more in failures", n)
	}
	return &exit{code: exitUndecided, err: fmt.Errorf("not everything could be read: %s%s",
		escape(fmt.Sprintf("%s: %s: %s", first.Code, first.Place, first.Detail)), more)}
}
