//go:build unix

package gate

import (
	"os/exec"
	"syscall"
)

// endTogether makes a command the first of a group of processes, which ends as a whole when its time is over: a shell
// would leave behind what it started.
func endTogether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// endRest ends what a command that is done left running in its group.
func endRest(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
