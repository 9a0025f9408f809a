package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
	"github.com/releaseassay/assay/e2e/internal/process"
	"github.com/releaseassay/assay/internal/lab"
)

// plan is what the process in the namespace has to know.
type plan struct {
	// Bin is where the tools lie, by name, and Assay the program under test.
	Bin   map[string]string
	Assay string
}

const planFile = "plan.json"

func writePlan(dir string, p plan) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, planFile), raw, 0o600); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

func readPlan(dir string) (plan, error) {
	var p plan
	raw, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return p, fmt.Errorf("read plan: %w", err)
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("read plan: %w", err)
	}
	return p, nil
}

// rehearse is the process in the namespace: it starts everything, runs the scenarios and prints how they came out.
func (o options) rehearse(ctx context.Context) (int, error) {
	p, err := readPlan(o.inside)
	if err != nil {
		return 0, err
	}
	if err := process.RaiseLoopback(); err != nil {
		return 0, exit.CannotRun{Reason: err}
	}
	all := selected(scenarios(), o.match)
	if len(all) == 0 {
		return 0, fmt.Errorf("found no scenario with %q in its name; -list lists them", o.match)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done within %s", o.timeout))
	defer cancel()
	began := time.Now()
	w, err := build(ctx, o.inside, p)
	if err != nil {
		return 0, err
	}
	defer w.close()
	o.say("servers started in %.1f s", time.Since(began).Seconds())
	counted := runAll(ctx, w, all, o.workers, os.Stdout)
	o.say("scenarios ended after %.1f s", time.Since(began).Seconds())
	fmt.Println(counted)
	if counted.failed > 0 || counted.passed != len(all) {
		return exit.Failed, nil
	}
	return exit.Good, nil
}

// say prints what is being done, for those who asked for it.
func (o options) say(format string, args ...any) {
	if o.verbose {
		fmt.Fprintf(os.Stderr, "e2e: "+format+"\n", args...)
	}
}

// build makes the world of a run in its folder.
func build(ctx context.Context, dir string, p plan) (*world, error) {
	w := &world{
		stack: &stack{dir: filepath.Join(dir, "stack"), bin: p.Bin}, dir: dir, assay: p.Assay,
		registry: lab.NewRegistry(lab.RegistryOptions{}), now: time.Now,
	}
	if err := errors.Join(os.MkdirAll(w.stack.dir, 0o700), os.MkdirAll(w.file("home"), 0o700)); err != nil {
		return nil, fmt.Errorf("make folders: %w", err)
	}
	if err := w.open(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// open starts everything: the lab first, since it is GitHub's issuer for the real Fulcio as well.
func (w *world) open(ctx context.Context) error {
	at := w.now().Add(-5 * time.Minute) // so that the lab's releases are a few minutes old
	var err error
	if w.known, err = lab.NewSigstore(lab.Options{Now: at, Name: "known"}); err != nil {
		return err
	}
	if w.unknown, err = lab.NewSigstore(lab.Options{Now: at, Name: "unknown"}); err != nil {
		return err
	}
	w.services = lab.NewServices(w.known, lab.ServicesOptions{IssuerProxy: true})
	if err := errors.Join(w.services.Start(), w.registry.Start()); err != nil {
		return err
	}
	if err := w.describeLab(); err != nil {
		return err
	}
	w.stack.issuerProxy, w.stack.issuerCA = w.services.IssuerProxyURL(), w.services.IssuerCA()
	if err := w.stack.start(ctx); err != nil {
		return err
	}
	if err := w.describeServers(ctx); err != nil {
		return err
	}
	return errors.Join(writePolicies(w.real.roots.trusted), writePolicies(w.labs.roots.trusted))
}

// close ends everything that runs.
func (w *world) close() {
	w.stack.stop()
	_ = w.registry.Close()
	if w.services != nil {
		_ = w.services.Close()
	}
}
