package main

import (
	"errors"
	"fmt"
	"io"
)

// Exit codes of all commands; this file alone decides them.
const (
	exitGood      = 0 // done and good
	exitBad       = 1 // done and bad
	exitUsage     = 2 // usage, policy or configuration
	exitUndecided = 3 // not conclusive: asking again may help
)

// exit is an error that ends the program with a code. Its error, if any, is
// printed; a verdict has said by itself what is to be said.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usagef is an error of the command line, the policy or the configuration.
func usagef(format string, args ...any) error {
	return &exit{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// exitCode prints an error and returns its code. An error without a code is one
// of configuration: nothing was decided, and asking again would not help.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitGood
	}
	code := exitUsage
	var e *exit
	if errors.As(err, &e) {
		code = e.code
		if e.err == nil {
			return code
		}
	}
	fmt.Fprintf(stderr, "assay: %s\n", err)
	return code
}
