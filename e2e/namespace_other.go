//go:build !linux

package main

import (
	"context"
	"errors"
	"os/exec"
)

var errNotLinux = errors.New("network namespaces are Linux's; run this there")

func enter(context.Context, []string) (int, error) { return 0, unavailable{errNotLinux} }

func raiseLoopback() error { return errNotLinux }

func dieWithUs(*exec.Cmd) {}
