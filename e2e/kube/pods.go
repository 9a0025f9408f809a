package main

import (
	"context"
	"net/http"
)

// one makes a scenario.
func one(name string, run func(context.Context) error) scenario {
	return scenario{name: name, run: run}
}

// place is one of the places of a Pod that can name an image.
type place struct {
	name string
	// spec makes a Pod around the image, whose other containers are as they should be.
	spec func(w *world, image string) object
	path []any
	role string // as a denial calls it
}

func places() []place {
	return []place{
		{"container", func(_ *world, image string) object { return podSpec(image) }, []any{"spec", "containers", 0}, `container "app" (spec.containers[0].image)`},
		{"second-container", func(w *world, image string) object {
			return object{"containers": []any{container("app", w.releases.good.tagged()), container("beside", image)}}
		}, []any{"spec", "containers", 1}, `container "beside" (spec.containers[1].image)`},
		{"init-container", func(w *world, image string) object {
			return object{"containers": []any{container("app", w.releases.good.tagged())}, "initContainers": []any{container("first", image)}}
		}, []any{"spec", "initContainers", 0}, `init container "first" (spec.initContainers[0].image)`},
		{"sidecar", func(w *world, image string) object {
			side := container("side", image)
			side["restartPolicy"] = "Always"
			return object{"containers": []any{container("app", w.releases.good.tagged())}, "initContainers": []any{side}}
		}, []any{"spec", "initContainers", 0}, `init container "side" (spec.initContainers[0].image)`},
	}
}

// podScenarios are about Pods and everything in them that names an image.
func (w *world) podScenarios() []scenario {
	var out []scenario
	for _, p := range places() {
		out = append(out,
			one("pod/"+p.name+"/good-is-pinned", func(ctx context.Context) error {
				r, err := w.createPod(ctx, plainNamespace, p.spec(w, w.releases.good.tagged()))
				if err != nil {
					return err
				}
				if err := named(r, w.releases.good.pinned(), p.path...); err != nil {
					return err
				}
				return w.readBack(ctx, r, w.releases.good.pinned(), p.path...)
			}),
			one("pod/"+p.name+"/attack-is-denied", func(ctx context.Context) error {
				r, err := w.createPod(ctx, plainNamespace, p.spec(w, w.releases.bad.tagged()))
				if err != nil {
					return err
				}
				return forbidden(r, p.role, "signature.missing", "image: "+w.releases.bad.pinned(), "wanted: ", "found: ", "rule: ", "run: assay verify ")
			}),
		)
	}
	return append(out,
		one("pod/image-volume/good-is-pinned", func(ctx context.Context) error {
			r, err := w.createPod(ctx, plainNamespace, w.volume(w.releases.other.tagged()))
			if err != nil {
				return err
			}
			if err := admitted(r); err != nil {
				return err
			}
			o, err := r.object()
			if err != nil {
				return err
			}
			return wanted("reference", text(o, "spec", "volumes", 0, "image", "reference"), w.releases.other.pinned())
		}),
		one("pod/image-volume/attack-is-denied", func(ctx context.Context) error {
			r, err := w.createPod(ctx, plainNamespace, w.volume(w.releases.bad.tagged()))
			if err != nil {
				return err
			}
			return forbidden(r, `image volume "data"`, "signature.missing")
		}),
		one("pod/by-digest-stays-as-it-is", func(ctx context.Context) error {
			image := w.releases.good.repository + "@" + w.releases.good.digest
			r, err := w.createPod(ctx, plainNamespace, podSpec(image))
			if err != nil {
				return err
			}
			return named(r, image, "spec", "containers", 0)
		}),
		one("pod/digest-of-an-attack-under-a-good-tag", func(ctx context.Context) error {
			r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.good.tagged()+"@"+w.releases.bad.digest))
			if err != nil {
				return err
			}
			if r.good() {
				return forbidden(r)
			}
			return nil // no such image there, or another than the tag's: the status says which
		}),
		one("pod/never-pulled-tag-becomes-a-digest", func(ctx context.Context) error {
			c := container("app", w.releases.good.tagged())
			c["imagePullPolicy"] = "Never"
			r, err := w.createPod(ctx, plainNamespace, object{"containers": []any{c}})
			if err != nil {
				return err
			}
			return named(r, w.releases.good.pinned(), "spec", "containers", 0)
		}),
		one("pod/dry-run/good-is-pinned-and-not-kept", func(ctx context.Context) error {
			p := pod(w.name("dry"), podSpec(w.releases.good.tagged()))
			r, err := w.admin.do(ctx, http.MethodPost, pods(plainNamespace)+"?dryRun=All", p)
			if err != nil {
				return err
			}
			if err := named(r, w.releases.good.pinned(), "spec", "containers", 0); err != nil {
				return err
			}
			r, err = w.admin.do(ctx, http.MethodGet, pods(plainNamespace)+"/"+text(p, "metadata", "name"), nil)
			if err != nil {
				return err
			}
			return refused(r, http.StatusNotFound)
		}),
		one("pod/dry-run/attack-is-denied", func(ctx context.Context) error {
			r, err := w.admin.do(ctx, http.MethodPost, pods(plainNamespace)+"?dryRun=All", pod(w.name("dry"), podSpec(w.releases.bad.tagged())))
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}),
		one("pod/without-an-image-is-refused", func(ctx context.Context) error {
			r, err := w.createPod(ctx, plainNamespace, object{"containers": []any{object{"name": "app"}}})
			if err != nil {
				return err
			}
			if r.good() {
				return forbidden(r)
			}
			return nil
		}),
		one("network/registry-of-this-machine-that-nobody-allowed", func(ctx context.Context) error {
			r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.stray.tagged()))
			if err != nil {
				return err
			}
			return refused(r, http.StatusServiceUnavailable, "registry.insecure", "leads to this machine")
		}),
		one("ephemeral-container/good-is-pinned", w.goodEphemeral),
		one("ephemeral-container/attack-is-denied", w.badEphemeral),
	)
}

// createPod makes a Pod as the administrator.
func (w *world) createPod(ctx context.Context, namespace string, spec object) (reply, error) {
	return w.admin.do(ctx, http.MethodPost, pods(namespace), pod(w.name("pod"), spec))
}

// readBack reads an object that was created, and wants the same of what is stored.
func (w *world) readBack(ctx context.Context, created reply, image string, path ...any) error {
	o, err := created.object()
	if err != nil {
		return err
	}
	r, err := w.admin.do(ctx, http.MethodGet, pods(text(o, "metadata", "namespace"))+"/"+text(o, "metadata", "name"), nil)
	if err != nil {
		return err
	}
	return named(r, image, path...)
}

// volume mounts an image.
func (w *world) volume(image string) object {
	spec := podSpec(w.releases.good.tagged())
	spec["volumes"] = []any{object{"name": "data", "image": object{"reference": image, "pullPolicy": "IfNotPresent"}}}
	return spec
}

// ephemeral adds a container to a running Pod, as kubectl debug does.
func (w *world) ephemeral(ctx context.Context, image string) (reply, error) {
	r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.good.tagged()))
	if err != nil {
		return reply{}, err
	}
	o, err := r.object()
	if err != nil {
		return reply{}, err
	}
	change := object{"spec": object{"ephemeralContainers": []any{container("debugger", image)}}}
	return w.admin.strategic(ctx, pods(plainNamespace)+"/"+text(o, "metadata", "name")+"/ephemeralcontainers", change)
}

func (w *world) goodEphemeral(ctx context.Context) error {
	r, err := w.ephemeral(ctx, w.releases.other.tagged())
	if err != nil {
		return err
	}
	return named(r, w.releases.other.pinned(), "spec", "ephemeralContainers", 0)
}

func (w *world) badEphemeral(ctx context.Context) error {
	r, err := w.ephemeral(ctx, w.releases.bad.tagged())
	if err != nil {
		return err
	}
	return forbidden(r, `ephemeral container "debugger"`, "signature.missing")
}
