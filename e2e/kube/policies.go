package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// policyScenarios are about namespaces: which policy is whose, what audit mode says, and which are left out.
func (w *world) policyScenarios() []scenario {
	return []scenario{
		one("policy/another-for-another-namespace", func(ctx context.Context) error {
			r, err := w.createPod(ctx, strictNamespace, podSpec(w.releases.good.tagged()))
			if err != nil {
				return err
			}
			return forbidden(r, "sbom.missing", w.releases.good.pinned())
		}),
		one("policy/audit/attack-runs-with-a-warning", func(ctx context.Context) error {
			r, err := w.createPod(ctx, trialNamespace, podSpec(w.releases.bad.tagged()))
			if err != nil {
				return err
			}
			if err := named(r, w.releases.bad.tagged(), "spec", "containers", 0); err != nil {
				return err
			}
			return warned(r, "audit: signature.missing: would be refused")
		}),
		one("policy/audit/good-is-pinned", func(ctx context.Context) error {
			r, err := w.createPod(ctx, trialNamespace, podSpec(w.releases.good.tagged()))
			if err != nil {
				return err
			}
			return named(r, w.releases.good.pinned(), "spec", "containers", 0)
		}),
		one("policy/audit-log/good", func(ctx context.Context) error {
			r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.good.tagged()))
			if err != nil {
				return err
			}
			return w.annotated(ctx, r, "spec.containers[0].image passed", "digest="+w.releases.good.digest, "policy=sha256:", "verdict=")
		}),
		one("policy/audit-log/audit", func(ctx context.Context) error {
			r, err := w.createPod(ctx, trialNamespace, podSpec(w.releases.bad.tagged()))
			if err != nil {
				return err
			}
			return w.annotated(ctx, r, "digest="+w.releases.bad.digest, "code=signature.missing")
		}),
		one("chart/pod-of-the-deployment-is-restricted", func(ctx context.Context) error {
			r, err := w.admin.do(ctx, http.MethodGet, "/apis/apps/v1/namespaces/"+assayNamespace+"/deployments/"+assayRelease, nil)
			if err != nil {
				return err
			}
			o, err := r.object()
			if err != nil {
				return err
			}
			spec, _ := at(o, "spec", "template", "spec").(object)
			if r, err = w.createPod(ctx, assayNamespace, spec); err != nil {
				return err
			}
			return admitted(r)
		}),
		one("policy/cluster-can-repair-itself", func(ctx context.Context) error {
			r, err := w.createPod(ctx, "kube-system", podSpec(w.releases.bad.tagged()))
			if err != nil {
				return err
			}
			return named(r, w.releases.bad.tagged(), "spec", "containers", 0)
		}),
	}
}

// annotated wants the API server's own audit log to hold, for a Pod that was created, an annotation with words.
func (w *world) annotated(ctx context.Context, r reply, words ...string) error {
	if err := admitted(r); err != nil {
		return err
	}
	o, err := r.object()
	if err != nil {
		return err
	}
	name := text(o, "metadata", "name")
	for range 100 {
		found, err := annotationsOf(w.cluster.auditLog(), name)
		if err != nil {
			return err
		}
		for key, value := range found {
			ours := strings.HasPrefix(key, "validate.releaseassay.dev/")
			if ours && all(words, func(word string) bool { return strings.Contains(value, word) }) {
				return nil
			}
		}
		if len(found) > 0 {
			return fmt.Errorf("found the annotations %v of Pod %s; wanted one with %q", found, name, words)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond): // the log is written beside the answers
		}
	}
	return fmt.Errorf("found nothing of Pod %s in the API server's audit log", name)
}

// annotationsOf reads the annotations of the creation of a Pod.
func annotationsOf(file, name string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the API server's audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb        string
			ObjectRef   struct{ Name string }
			Annotations map[string]string
		}
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.Verb == "create" && event.ObjectRef.Name == name {
			return event.Annotations, nil
		}
	}
	return nil, nil
}

// tenantScenarios are attempts of somebody with all rights in one namespace.
func (w *world) tenantScenarios() []scenario {
	attempt := func(name string, change func(object)) scenario {
		return one("tenant/"+name, func(ctx context.Context) error {
			p := pod(w.name("tenant"), podSpec(w.releases.bad.tagged()))
			change(p)
			r, err := w.tenant.do(ctx, http.MethodPost, pods(plainNamespace), p)
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		})
	}
	set := func(key string, pairs object) func(object) {
		return func(p object) { p["metadata"].(object)[key] = pairs }
	}
	return []scenario{
		one("tenant/good-is-pinned", func(ctx context.Context) error {
			r, err := w.tenant.do(ctx, http.MethodPost, pods(plainNamespace), pod(w.name("tenant"), podSpec(w.releases.good.tagged())))
			if err != nil {
				return err
			}
			return named(r, w.releases.good.pinned(), "spec", "containers", 0)
		}),
		attempt("labels-that-opt-out-elsewhere", set("labels", object{
			"admission.gatekeeper.sh/ignore": "yes", "policy.sigstore.dev/include": "false", "kubernetes.io/metadata.name": "kube-system",
			"assay.dev/ignore": "true", "releaseassay.dev/ignore": "true", "app.kubernetes.io/name": "assay",
		})),
		attempt("our-verdict-as-annotation", set("annotations", object{
			"validate.releaseassay.dev/image-0": "spec.containers[0].image passed", "mutate.releaseassay.dev/image-0": "passed",
			"assay/verdict": `{"verdict":"pass"}`, "kyverno.io/verify-images": `{"` + w.releases.bad.pinned() + `":"pass"}`,
		})),
		attempt("a-pod-that-says-it-is-being-deleted", func(p object) {
			p["metadata"].(object)["deletionTimestamp"] = "2020-01-01T00:00:00Z"
			p["metadata"].(object)["finalizers"] = []any{finalizer}
		}),
		attempt("a-pod-that-claims-a-node", func(p object) { p["spec"].(object)["nodeName"] = "node-1" }),
		attempt("a-pod-that-claims-to-be-of-the-system", func(p object) {
			p["spec"].(object)["tolerations"] = []any{object{"operator": "Exists"}}
			p["metadata"].(object)["labels"] = object{"k8s-app": "kube-proxy", "tier": "node"}
		}),
		one("tenant/server-side-apply", func(ctx context.Context) error {
			name := w.name("applied")
			r, err := w.tenant.send(ctx, http.MethodPatch, pods(plainNamespace)+"/"+name+"?fieldManager=e2e&force=true", "application/apply-patch+yaml",
				pod(name, podSpec(w.releases.bad.tagged())))
			if err != nil {
				return err
			}
			return forbidden(r, "signature.missing")
		}),
		one("tenant/relabels-the-namespace", w.relabel),
		one("tenant/in-a-namespace-that-is-left-out", func(ctx context.Context) error {
			r, err := w.tenant.do(ctx, http.MethodPost, pods("kube-system"), pod(w.name("tenant"), podSpec(w.releases.bad.tagged())))
			if err != nil {
				return err
			}
			return refused(r, http.StatusForbidden, `User "tenant" cannot create resource "pods"`)
		}),
	}
}

// relabel has the owner of a namespace put every label on it that exempts somewhere, the one by which the chart exempts
// among them.
func (w *world) relabel(ctx context.Context) error {
	namespace := "/api/v1/namespaces/" + plainNamespace
	r, err := w.tenant.patch(ctx, namespace, object{"metadata": object{"labels": object{
		"kubernetes.io/metadata.name": "kube-system", "admission.gatekeeper.sh/ignore": "yes", "control-plane": "true",
		"policy.sigstore.dev/include": "false", "releaseassay.dev/ignore": "true",
	}}})
	if err != nil {
		return err
	}
	if r.good() {
		o, err := r.object()
		if err != nil {
			return err
		}
		if err := wanted("name in the label", text(o, "metadata", "labels", "kubernetes.io/metadata.name"), plainNamespace); err != nil {
			return err
		}
	}
	for range 3 {
		r, err = w.tenant.do(ctx, http.MethodPost, pods(plainNamespace), pod(w.name("tenant"), podSpec(w.releases.bad.tagged())))
		if err != nil {
			return err
		}
		if err := forbidden(r, "signature.missing"); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // until the webhooks' view of namespaces is new
	}
	return nil
}
