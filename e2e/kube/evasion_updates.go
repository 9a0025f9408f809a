package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// changes are updates of a good Pod or Deployment; NAME stands for its name.
func (w *world) changes() []evasion {
	one, all := pods(plainNamespace)+"/NAME", "/apis/apps/v1/namespaces/"+plainNamespace+"/deployments/NAME"
	bad := w.releases.bad.pinned()
	const merge, jsonPatch, strategic, apply = "application/merge-patch+json", "application/json-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"
	container := `{"containers":[{"name":"app","image":"` + bad + `"}]}`
	ephemeral := `{"spec":{"ephemeralContainers":[{"name":"e","image":"` + bad + `"}]}}`
	applied := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"NAME"},"spec":` + container + `}`
	var out []evasion
	for _, sub := range []string{"", "/status", "/ephemeralcontainers", "/resize"} {
		out = append(out,
			evasion{name: "pod" + sub + "/merge", path: one + sub, contentType: merge, body: `{"spec":` + container + `}`},
			evasion{name: "pod" + sub + "/strategic", path: one + sub, contentType: strategic, body: `{"spec":` + container + `}`},
			evasion{name: "pod" + sub + "/json-patch", path: one + sub, contentType: jsonPatch, body: `[{"op":"replace","path":"/spec/containers/0/image","value":"` + bad + `"}]`},
			evasion{name: "pod" + sub + "/apply", path: one + sub + "?fieldManager=evasion&force=true", contentType: apply, body: applied},
			evasion{name: "pod" + sub + "/ephemeral-container", path: one + sub, contentType: strategic, body: ephemeral},
			evasion{name: "pod" + sub + "/ephemeral-and-deletion", path: one + sub, contentType: strategic, body: `{"metadata":{"deletionTimestamp":"2020-01-01T00:00:00Z"},"spec":{"ephemeralContainers":[{"name":"e","image":"` + bad + `"}]}}`},
			evasion{name: "pod" + sub + "/put", method: http.MethodPut, path: one + sub},
		)
	}
	template := `{"spec":{"template":{"spec":` + container + `}}}`
	for _, sub := range []string{"", "/status", "/scale"} {
		out = append(out,
			evasion{name: "deployment" + sub + "/merge", path: all + sub, contentType: merge, body: template},
			evasion{name: "deployment" + sub + "/strategic", path: all + sub, contentType: strategic, body: template},
			evasion{name: "deployment" + sub + "/json-patch", path: all + sub, contentType: jsonPatch, body: `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"` + bad + `"}]`},
			evasion{name: "deployment" + sub + "/volume", path: all + sub, contentType: strategic, body: `{"spec":{"template":{"spec":{"volumes":[{"name":"v","image":{"reference":"` + bad + `"}}]}}}}`},
			evasion{name: "deployment" + sub + "/put", method: http.MethodPut, path: all + sub},
		)
	}
	return out
}

// evade makes a good object, has it changed, and looks at what is stored.
func (w *world) evade(ctx context.Context, e evasion) error {
	name := w.name("evasion")
	o := pod(name, podSpec(w.releases.good.tagged()))
	if strings.HasPrefix(e.path, "/apis/apps") {
		o = workloads()[0].make(name, podSpec(w.releases.good.tagged()))
	}
	collection, _, _ := strings.Cut(e.path, "/NAME")
	r, err := w.tenant.do(ctx, http.MethodPost, collection, o)
	if err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	e.path, e.body = strings.ReplaceAll(e.path, "NAME", name), strings.ReplaceAll(e.body, "NAME", name)
	if e.method == http.MethodPut {
		e.body = strings.NewReplacer(w.releases.good.pinned(), w.releases.bad.pinned(), w.releases.good.tagged(), w.releases.bad.pinned()).Replace(string(r.body))
		if !strings.Contains(e.body, w.releases.bad.digest) {
			return fmt.Errorf("found no image to change in %s", r.body)
		}
	}
	e.method = orElse(e.method, http.MethodPatch)
	if r, err = w.raw(ctx, e); err != nil {
		return err
	}
	if c := control(r.message()); c != "" && !r.good() {
		return fmt.Errorf("found the character %s in the denial", c)
	}
	if r, err = w.tenant.do(ctx, http.MethodGet, collection+"/"+name, nil); err != nil {
		return err
	}
	return w.verified(r)
}

// undelete has a Pod that is being deleted take an image that nobody signed, which nothing starts any more, and tries to
// have it live on.
func (w *world) undelete(ctx context.Context) error {
	name := w.name("undeleted")
	p := pod(name, podSpec(w.releases.good.tagged()))
	p["metadata"] = object{"name": name, "finalizers": []any{finalizer}}
	path := pods(plainNamespace) + "/" + name
	for _, step := range []struct {
		method, path string
		body         any
	}{{http.MethodPost, pods(plainNamespace), p}, {http.MethodDelete, path, nil}} {
		r, err := w.tenant.do(ctx, step.method, step.path, step.body)
		if err != nil {
			return err
		}
		if err := admitted(r); err != nil {
			return err
		}
	}
	for _, sub := range []string{"", "/status", "/ephemeralcontainers", "/resize"} {
		for _, body := range []string{
			`{"metadata":{"deletionTimestamp":null},"spec":{"containers":[{"name":"app","image":"` + w.releases.bad.pinned() + `"}]}}`,
			`{"metadata":{"deletionTimestamp":"2999-01-01T00:00:00Z","deletionGracePeriodSeconds":1000000}}`,
		} {
			if _, err := w.raw(ctx, evasion{method: http.MethodPatch, path: path + sub, contentType: "application/strategic-merge-patch+json", body: body}); err != nil {
				return err
			}
			r, err := w.tenant.do(ctx, http.MethodGet, path, nil)
			if err != nil {
				return err
			}
			o, err := r.object()
			if err != nil {
				return err
			}
			if stamp := text(o, "metadata", "deletionTimestamp"); stamp == "" || stamp > "2998" {
				return fmt.Errorf("found the deletion timestamp %q after %s of %q; wanted it to stay", stamp, body, sub)
			}
		}
	}
	r, err := w.tenant.patch(ctx, path, object{"metadata": object{"finalizers": nil}})
	if err != nil {
		return err
	}
	return admitted(r)
}
