//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peak reads ru_maxrss, which is in kilobytes everywhere but on macOS.
func peak(state *os.ProcessState) int64 {
	used, ok := state.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin" || runtime.GOOS == "ios":
		return int64(used.Maxrss)
	default:
		return int64(used.Maxrss) << 10
	}
}
