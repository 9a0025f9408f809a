// Package process starts the servers that end-to-end scenarios need, each until the end, in a network namespace of their
// own.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startLimit is how long a server may take until it is ready: the slowest takes a second on a quiet machine.
const startLimit = time.Minute

// Server is one program that runs until the end.
type Server struct {
	Name string
	// Args and Env are the program's; it sees no other environment than Env. It is called by its path in the cache and
	// works in a folder of its own.
	Args, Env []string
	// Ready returns nil once the server can be used.
	Ready Probe
}

// Probe asks once whether something is ready.
type Probe func(context.Context) error

// Process is a server that was started.
type Process struct {
	name, log string
	cmd       *exec.Cmd
	ended     chan struct{}
}

// Launch starts a server in a folder and waits until it is ready.
func Launch(ctx context.Context, program, folder string, s Server) (*Process, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of %s: %w", s.Name, err)
	}
	p := &Process{name: s.Name, log: filepath.Join(folder, "log"), ended: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("make log of %s: %w", s.Name, err)
	}
	defer func() { _ = output.Close() }() // the child keeps its own
	p.cmd = exec.Command(program, s.Args...)
	p.cmd.Dir, p.cmd.Env = folder, append([]string{"HOME=" + folder, "TMPDIR=" + folder}, s.Env...)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	DieWithUs(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := Await(ctx, s.Ready, p.ended); err != nil {
		p.Stop()
		return nil, fmt.Errorf("start %s: %w\n%s", s.Name, err, p.Tail())
	}
	return p, nil
}

// Stop ends the process and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill() // or it has ended before
	<-p.ended
}

// Signal tells the process something.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// Wait waits until the process has ended by itself, and returns its exit code, or -1 after a signal.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return -1, fmt.Errorf("wait for the end of %s: %w", p.name, context.Cause(ctx))
	}
}

// Tail returns the end of the log, in which a server says why it cannot start.
func (p *Process) Tail() []byte {
	const most = 2000
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(raw[max(0, len(raw)-most):])
}

// ErrEnded says that a server ended before it was ready.
var ErrEnded = errors.New("it ended by itself")

// Await asks a probe again and again until it is content, the server has ended, or the context does.
func Await(ctx context.Context, ready Probe, ended <-chan struct{}) error {
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		last := ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-ended:
			return ErrEnded
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", errors.Join(context.Cause(ctx), last))
		case <-pause.C:
		}
	}
}

// Answers is content when a GET of the URL is answered with 200.
func Answers(url string) Probe {
	return func(ctx context.Context) error {
		_, err := Fetch(ctx, url)
		return err
	}
}

// Appears is content when the file is there.
func Appears(file string) Probe {
	return func(context.Context) error {
		_, err := os.Stat(file)
		return err
	}
}

// Fetch returns the body of a GET, which must be answered with 200.
func Fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", url, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch %s: found status %s; wanted 200", url, resp.Status)
	}
	return raw, nil
}
