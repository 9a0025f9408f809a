package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// exceptionFlags are about failures that somebody has answered for.
func exceptionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "exceptions", Usage: "note in the verdict what in `FILE` excuses a failure"},
		&cli.BoolFlag{Name: "allow-excepted", Usage: "let a failure that --exceptions excuses exit 0"},
	}
}

// loadExceptions reads the file of exceptions, nil where none is named.
func loadExceptions(c *cli.Context) (*policy.Exceptions, error) {
	file := c.String("exceptions")
	if file == "" {
		if c.IsSet("allow-excepted") {
			return nil, usagef("--allow-excepted has no meaning without --exceptions")
		}
		return nil, nil
	}
	e, err := load.ReadExceptions(file)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return e, nil
}

// sayExcepted says on stderr that a failure is excused, and what that takes.
func sayExcepted(w io.Writer, v verify.Verdict, allowed bool) {
	e := v.Exception
	fmt.Fprintf(w, "assay: this failure is excepted until %s by %s: %s\n", e.Expires.UTC().Format(time.RFC3339), escape(e.Approver), escape(e.Reason))
	if !allowed {
		fmt.Fprintf(w, "assay: exit 0 needs --allow-excepted\n")
	}
}
