package main

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

// server is one program that runs until the end.
type server struct {
	name string
	// args and env are the program's; it sees no other environment than env. It is called by its path in the cache and
	// works in a folder of its own.
	args, env []string
	// ready returns nil once the server can be used.
	ready probe
}

// probe asks once whether something is ready.
type probe func(context.Context) error

// process is a server that was started.
type process struct {
	name, log string
	cmd       *exec.Cmd
	ended     chan struct{}
}

// launch starts a server in a folder and waits until it is ready.
func launch(ctx context.Context, program, folder string, s server) (*process, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of %s: %w", s.name, err)
	}
	p := &process{name: s.name, log: filepath.Join(folder, "log"), ended: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("make log of %s: %w", s.name, err)
	}
	defer func() { _ = output.Close() }() // the child keeps its own
	p.cmd = exec.Command(program, s.args...)
	p.cmd.Dir, p.cmd.Env = folder, append([]string{"HOME=" + folder, "TMPDIR=" + folder}, s.env...)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	dieWithUs(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := await(ctx, s.ready, p.ended); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w\n%s", s.name, err, p.tail())
	}
	return p, nil
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Kill() // or it has ended before
	<-p.ended
}

// tail returns the end of the log, in which a server says why it cannot start.
func (p *process) tail() []byte {
	const most = 2000
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(raw[max(0, len(raw)-most):])
}

// errEnded says that a server ended before it was ready.
var errEnded = errors.New("it ended by itself")

// await asks a probe again and again until it is content, the server has ended, or the context does.
func await(ctx context.Context, ready probe, ended <-chan struct{}) error {
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		last := ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-ended:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", errors.Join(context.Cause(ctx), last))
		case <-pause.C:
		}
	}
}

// answers is content when a GET of the URL is answered with 200.
func answers(url string) probe {
	return func(ctx context.Context) error {
		_, err := fetch(ctx, url)
		return err
	}
}

// appears is content when the file is there.
func appears(file string) probe {
	return func(context.Context) error {
		_, err := os.Stat(file)
		return err
	}
}

// fetch returns the body of a GET, which must be answered with 200.
func fetch(ctx context.Context, url string) ([]byte, error) {
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
