// Package exit says how the end-to-end programs end.
package exit

import (
	"errors"
	"fmt"
)

// The exit codes.
const (
	Good        = 0
	Failed      = 1 // a scenario came out otherwise than it should
	Fault       = 2 // of the program, or of its setting
	Unavailable = 3 // it cannot be run here
)

// CannotRun says why the scenarios cannot run on this machine now, through no fault of the tree.
type CannotRun struct{ Reason error }

// Error implements error.
func (c CannotRun) Error() string { return c.Reason.Error() }

// Unwrap returns the reason.
func (c CannotRun) Unwrap() error { return c.Reason }

// Coded gives an error its exit code; without one, code stays.
func Coded(code int, err error) (int, error) {
	switch {
	case err == nil:
		return code, nil
	case errors.As(err, new(CannotRun)):
		return Unavailable, fmt.Errorf("cannot be run here: %w", err)
	default:
		return Fault, err
	}
}
