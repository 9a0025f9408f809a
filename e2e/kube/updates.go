package main

import (
	"context"
	"fmt"
	"net/http"
)

// Objects that were there before the webhooks, with an image that nobody signed.
const (
	legacyPod        = "legacy"
	legacyMoved      = "legacy-moved" // [good by digest, attack]
	legacyDeleted    = "legacy-deleted"
	legacyDeployment = "legacy"
)

const finalizer = "example.com/e2e"

// plantLegacy makes them.
func (w *world) plantLegacy(ctx context.Context) error {
	two := object{"containers": []any{container("app", w.releases.good.pinned()), container("beside", w.releases.bad.tagged())}}
	doomed := pod(legacyDeleted, podSpec(w.releases.bad.tagged()))
	doomed["metadata"] = object{"name": legacyDeleted, "finalizers": []any{finalizer}}
	deployments := workloads()[0]
	for _, o := range []struct {
		path string
		body object
	}{
		{pods(plainNamespace), pod(legacyPod, podSpec(w.releases.bad.tagged()))},
		{pods(plainNamespace), pod(legacyMoved, two)},
		{pods(plainNamespace), doomed},
		{deployments.api(plainNamespace), deployments.make(legacyDeployment, podSpec(w.releases.bad.tagged()))},
	} {
		r, err := w.admin.do(ctx, http.MethodPost, o.path, o.body)
		if err != nil {
			return err
		}
		if err := admitted(r); err != nil {
			return fmt.Errorf("plant an object before the webhooks are there: %w", err)
		}
	}
	return nil
}

// updateScenarios are about objects that are there already.
func (w *world) updateScenarios() []scenario {
	legacy := pods(plainNamespace) + "/" + legacyPod
	deployment := "/apis/apps/v1/namespaces/" + plainNamespace + "/deployments/" + legacyDeployment
	image := func(name, image string) object {
		return object{"spec": object{"containers": []any{container(name, image)}}}
	}
	return []scenario{
		one("update/image-alone/good-is-pinned", func(ctx context.Context) error {
			r, err := w.changed(ctx, image("app", w.releases.other.tagged()))
			if err != nil {
				return err
			}
			return named(r, w.releases.other.pinned(), "spec", "containers", 0)
		}),
		one("update/image-alone/attack-is-denied", func(ctx context.Context) error {
			r, err := w.changed(ctx, image("app", w.releases.bad.tagged()))
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}),
		one("update/image-alone/attack-by-digest-is-denied", func(ctx context.Context) error {
			r, err := w.changed(ctx, image("app", w.releases.bad.pinned()))
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}),
		one("update/labels-of-a-good-pod", func(ctx context.Context) error {
			r, err := w.changed(ctx, object{"metadata": object{"labels": object{"a": "b"}}})
			if err != nil {
				return err
			}
			if err := named(r, w.releases.good.pinned(), "spec", "containers", 0); err != nil {
				return err
			}
			return silent(r)
		}),
		one("update/image-moved-to-another-container-is-denied", func(ctx context.Context) error {
			r, err := w.admin.strategic(ctx, pods(plainNamespace)+"/"+legacyMoved, object{"spec": object{"containers": []any{
				container("app", w.releases.bad.tagged()), container("beside", w.releases.good.pinned()),
			}}})
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}),
		one("update/of-what-was-there-before/labels-with-a-warning", func(ctx context.Context) error { return w.tellsOfLegacy(ctx, legacy) }),
		one("update/of-what-was-there-before/status", func(ctx context.Context) error {
			r, err := w.admin.patch(ctx, legacy+"/status", object{"status": object{"phase": "Running", "message": w.name("seen")}})
			if err != nil {
				return err
			}
			return admitted(r)
		}),
		one("update/of-what-was-there-before/to-an-attack-is-denied", func(ctx context.Context) error {
			r, err := w.admin.strategic(ctx, legacy, image("app", w.releases.bad.pinned()))
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}),
		one("update/of-what-was-there-before/finalizer-and-end", w.letGo),
		one("update/of-what-was-there-before/deployment-status", func(ctx context.Context) error {
			r, err := w.admin.patch(ctx, deployment+"/status", object{"status": object{"observedGeneration": 1}})
			if err != nil {
				return err
			}
			return admitted(r)
		}),
		one("update/of-what-was-there-before/deployment-scale", func(ctx context.Context) error {
			r, err := w.admin.patch(ctx, deployment+"/scale", object{"spec": object{"replicas": 3}})
			if err != nil {
				return err
			}
			return admitted(r)
		}),
		one("update/of-what-was-there-before/deployment-labels", func(ctx context.Context) error {
			r, err := w.admin.patch(ctx, deployment, object{"metadata": object{"labels": object{"a": w.name("b")}}})
			if err != nil {
				return err
			}
			return admitted(r)
		}),
	}
}

// changed makes a good Pod and changes it.
func (w *world) changed(ctx context.Context, change object) (reply, error) {
	r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.good.tagged()))
	if err != nil {
		return reply{}, err
	}
	o, err := r.object()
	if err != nil {
		return reply{}, err
	}
	return w.admin.strategic(ctx, pods(plainNamespace)+"/"+text(o, "metadata", "name"), change)
}

// tellsOfLegacy changes labels of a Pod whose image would be refused today: that is done, and told where the verdict is at hand.
func (w *world) tellsOfLegacy(ctx context.Context, path string) error {
	// The question that is denied leaves the verdict behind.
	if r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.bad.tagged())); err != nil || r.good() {
		return fmt.Errorf("ask before: found status %d, %w; wanted a denial", r.status, err)
	}
	r, err := w.admin.patch(ctx, path, object{"metadata": object{"labels": object{"a": w.name("b")}}})
	if err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	return warned(r, "signature.missing", "would be refused today")
}

// letGo deletes a Pod that a finalizer holds, and then takes that away.
func (w *world) letGo(ctx context.Context) error {
	path := pods(plainNamespace) + "/" + legacyDeleted
	r, err := w.admin.do(ctx, http.MethodDelete, path+"?gracePeriodSeconds=0", nil)
	if err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	if r, err = w.admin.patch(ctx, path, object{"metadata": object{"finalizers": nil}}); err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	if r, err = w.admin.do(ctx, http.MethodGet, path, nil); err != nil {
		return err
	}
	return refused(r, http.StatusNotFound)
}
