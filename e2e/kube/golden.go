package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
)

// goldens are the renderings of the chart that are committed, which the chart's tests hold to what helm makes of it.
var goldens = []string{"minimal", "full", "mtls"}

func goldenFile(source, name string) string {
	return filepath.Join(source, "deploy", "helm", "testdata", name+".yaml")
}

// keepGoldens copies them into the folder of the run.
func keepGoldens(source, dir string) error {
	for _, name := range goldens {
		raw, err := os.ReadFile(goldenFile(source, name))
		if err != nil {
			return fmt.Errorf("read a rendering of the chart: %w", err)
		}
		if err := writeWhole(filepath.Join(dir, "golden-"+name+".yaml"), raw); err != nil {
			return err
		}
	}
	return nil
}

// goldenScenarios register the webhooks of each committed rendering in place of those of the run.
func (w *world) goldenScenarios() []scenario {
	var out []scenario
	for _, name := range goldens {
		out = append(out, scenario{name: "chart/committed-" + name, alone: true, run: func(ctx context.Context) error { return w.golden(ctx, name) }})
	}
	return out
}

func (w *world) golden(ctx context.Context, name string) (err error) {
	ours, err := hooks(w.file("chart.yaml"))
	if err != nil {
		return err
	}
	theirs, err := hooks(w.file("golden-" + name + ".yaml"))
	if err != nil {
		return err
	}
	if len(theirs) != 2 {
		return fmt.Errorf("found %d configurations of webhooks in %s; wanted a mutating and a validating one", len(theirs), name)
	}
	if err := w.unregister(ctx, ours); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, w.unregister(ctx, theirs), w.registerHooks(ctx, ours), w.gate(ctx, false))
	}()
	if err := w.gate(ctx, true); err != nil {
		return fmt.Errorf("without webhooks: %w", err)
	}
	if err := w.registerHooks(ctx, theirs); err != nil {
		return err
	}
	if err := w.gate(ctx, false); err != nil {
		return fmt.Errorf("with the webhooks of %s: %w", name, err)
	}
	return w.closed(ctx)
}

// closed asks about a Pod, its debugger, and a workload of every kind.
func (w *world) closed(ctx context.Context) error {
	r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.good.tagged()))
	if err != nil {
		return err
	}
	if err := named(r, w.releases.good.pinned(), "spec", "containers", 0); err != nil {
		return err
	}
	if err := w.badEphemeral(ctx); err != nil {
		return fmt.Errorf("ephemeral container: %w", err)
	}
	for _, k := range workloads() {
		r, err := w.admin.do(ctx, http.MethodPost, k.api(plainNamespace)+"?dryRun=All", k.make(w.name("bad"), podSpec(w.releases.bad.pinned())))
		if err != nil {
			return err
		}
		if err := forbidden(r, "signature.missing"); err != nil {
			return fmt.Errorf("%s: %w", k.kind, err)
		}
	}
	// What a cluster needs to repair itself is left out, or nothing would start again.
	if r, err = w.admin.do(ctx, http.MethodPost, pods("kube-system")+"?dryRun=All", pod(w.name("repair"), podSpec(w.releases.bad.pinned()))); err != nil {
		return err
	}
	return admitted(r)
}

// hooks are the configurations of webhooks in a rendering.
func hooks(file string) ([]object, error) {
	all, err := rendered(file)
	return slices.DeleteFunc(all, func(o object) bool { return !isHook(o) }), err
}

func (w *world) registerHooks(ctx context.Context, all []object) error {
	for _, o := range all {
		if len(at(o, "webhooks").([]any)) > 0 && text(o, "webhooks", 0, "clientConfig", "service", "path") != "" {
			if err := w.direct(o); err != nil {
				return err
			}
		}
		path, err := collection(o)
		if err != nil {
			return err
		}
		r, err := w.admin.do(ctx, http.MethodPost, path, o)
		if err != nil {
			return err
		}
		if err := admitted(r); err != nil {
			return fmt.Errorf("register %s %s: %w", text(o, "kind"), text(o, "metadata", "name"), err)
		}
	}
	return nil
}

func (w *world) unregister(ctx context.Context, all []object) error {
	for _, o := range all {
		path, err := collection(o)
		if err != nil {
			return err
		}
		r, err := w.admin.do(ctx, http.MethodDelete, path+"/"+text(o, "metadata", "name"), nil)
		if err != nil {
			return err
		}
		if !r.good() && r.status != http.StatusNotFound {
			return fmt.Errorf("take away %s: found status %d: %s", text(o, "metadata", "name"), r.status, r.message())
		}
	}
	return nil
}

// gate waits until an unsigned image is admitted, or no more: the API server learns of webhooks after a moment.
func (w *world) gate(ctx context.Context, open bool) error {
	return eventually(ctx, func() error {
		r, err := w.admin.do(ctx, http.MethodPost, pods(plainNamespace)+"?dryRun=All", pod("probe", podSpec(w.releases.bad.pinned())))
		if err == nil && r.good() != open {
			err = fmt.Errorf("found an unsigned image answered with status %d; wanted the gate open: %t", r.status, open)
		}
		return err
	})
}
