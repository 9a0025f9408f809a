package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// usage is what one process cost.
type usage struct {
	Wall, CPU time.Duration
	// Peak is the most memory that was resident, in bytes; 0 where the system does not say.
	Peak   int64
	Exit   int
	Output string
}

// measure runs a program and prints what it used as JSON. A process of its own does this, since a child's peak begins
// at what its parent had resident: this one has little, and less than assay in any case.
func measure(program string, args []string) int {
	cmd := exec.Command(program, args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	u := usage{Wall: time.Since(began)}
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	u.Exit, u.CPU = cmd.ProcessState.ExitCode(), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	u.Peak = peak(cmd.ProcessState)
	if u.Exit != 0 {
		u.Output = string(out)
	}
	if err := json.NewEncoder(os.Stdout).Encode(u); err != nil {
		return 2
	}
	return 0
}
