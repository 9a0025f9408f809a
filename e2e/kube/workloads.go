package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// wanted compares two texts.
func wanted(what, found, want string) error {
	if found != want {
		return fmt.Errorf("found the %s %q; wanted %q", what, found, want)
	}
	return nil
}

// workloadScenarios are about every kind that makes Pods, and one that assay does not know by itself.
func (w *world) workloadScenarios() []scenario {
	var out []scenario
	for _, k := range workloads() {
		first := slices.Concat(k.spec, []any{"containers", 0})
		out = append(out,
			one("workload/"+k.kind+"/good-stays-as-written", func(ctx context.Context) error {
				r, err := w.admin.do(ctx, http.MethodPost, k.api(plainNamespace), k.make(w.name("good"), podSpec(w.releases.good.tagged())))
				if err != nil {
					return err
				}
				return named(r, w.releases.good.tagged(), first...)
			}),
			one("workload/"+k.kind+"/attack-is-denied", func(ctx context.Context) error {
				r, err := w.admin.do(ctx, http.MethodPost, k.api(plainNamespace), k.make(w.name("bad"), podSpec(w.releases.bad.tagged())))
				if err != nil {
					return err
				}
				return forbidden(r, "signature.missing", w.releases.bad.pinned())
			}),
			one("workload/"+k.kind+"/attack-as-init-container-is-denied", func(ctx context.Context) error {
				spec := podSpec(w.releases.good.tagged())
				spec["initContainers"] = []any{container("first", w.releases.bad.tagged())}
				r, err := w.admin.do(ctx, http.MethodPost, k.api(plainNamespace), k.make(w.name("bad"), spec))
				if err != nil {
					return err
				}
				return forbidden(r, `init container "first"`, "signature.missing")
			}),
		)
		if k.kind == "Job" {
			continue // its template cannot be changed
		}
		out = append(out, one("workload/"+k.kind+"/update-to-an-attack-is-denied", func(ctx context.Context) error {
			name := w.name("changed")
			o := k.make(name, podSpec(w.releases.good.tagged()))
			r, err := w.admin.do(ctx, http.MethodPost, k.api(plainNamespace), o)
			if err != nil {
				return err
			}
			if err := admitted(r); err != nil {
				return err
			}
			at(o, slices.Concat(k.spec, []any{"containers"})...).([]any)[0] = container("app", w.releases.bad.tagged())
			if r, err = w.admin.patch(ctx, k.api(plainNamespace)+"/"+name, o); err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}))
	}
	return append(out,
		one("workload/of-another-kind/good", func(ctx context.Context) error {
			r, err := w.worker(ctx, w.releases.good.tagged())
			if err != nil {
				return err
			}
			return admitted(r)
		}),
		one("workload/of-another-kind/attack-is-denied", func(ctx context.Context) error {
			r, err := w.worker(ctx, w.releases.bad.tagged())
			if err != nil {
				return err
			}
			return forbidden(r, "spec.workers[1].image", "signature.missing")
		}),
	)
}

// workersAPI is where objects of the extension are created.
const workersAPI = "/apis/example.com/v1/namespaces/" + plainNamespace + "/workers"

// worker makes an object of the extension, which names two images.
func (w *world) worker(ctx context.Context, image string) (reply, error) {
	return w.admin.do(ctx, http.MethodPost, workersAPI, object{
		"apiVersion": "example.com/v1", "kind": "Worker", "metadata": metadata(w.name("worker")),
		"spec": object{"workers": []any{object{"image": w.releases.good.tagged()}, object{"image": image}}},
	})
}

// extension is a kind that assay is told about: settings, `kinds`.
func extension() object {
	anything := object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	return object{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata("workers.example.com"),
		"spec": object{
			"group": "example.com", "scope": "Namespaced", "names": object{"kind": "Worker", "plural": "workers"},
			"versions": []any{object{
				"name": "v1", "served": true, "storage": true,
				"schema": object{"openAPIV3Schema": object{"type": "object", "properties": object{"spec": anything}}},
			}},
		},
	}
}
