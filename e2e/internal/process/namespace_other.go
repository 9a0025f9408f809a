//go:build !linux

package process

import (
	"context"
	"errors"
	"os/exec"

	"github.com/releaseassay/assay/e2e/internal/exit"
)

var errNotLinux = errors.New("network namespaces are Linux's; run this there")

// Enter needs Linux.
func Enter(context.Context, []string) (int, error) { return 0, exit.CannotRun{Reason: errNotLinux} }

// RaiseLoopback needs Linux.
func RaiseLoopback() error { return errNotLinux }

// Cover needs Linux.
func Cover(string) error { return errNotLinux }

// DieWithUs needs Linux; elsewhere a child may outlive its parent.
func DieWithUs(*exec.Cmd) {}
