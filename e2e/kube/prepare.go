package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// scenarios lists all of them, in the order in which they begin.
func (w *world) scenarios() []scenario {
	return slices.Concat(
		w.podScenarios(), w.workloadScenarios(), w.updateScenarios(), w.policyScenarios(), w.tenantScenarios(), w.evasionScenarios(), w.swapScenarios(),
		w.secretScenarios(), w.doorScenarios(), w.commandScenarios(), w.attacks(), w.goldenScenarios(), w.outageScenarios(),
	)
}

// prepare fills the cluster, starts assay and registers its webhooks.
func (w *world) prepare(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"install the chart", w.install},
		{"make namespaces", w.makeNamespaces},
		{"make the tenant's rights", w.makeTenant},
		{"make pull secrets", w.plantSecrets},
		{"make what was there before", w.plantLegacy},
		{"start assay", w.firstStart},
		{"register the webhooks", w.registerAll},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		w.say("%s: done after %.1f s", step.name, time.Since(began).Seconds())
	}
	return nil
}

func (w *world) makeNamespaces(ctx context.Context) error {
	for _, name := range []string{plainNamespace, trialNamespace, strictNamespace, swappedNamespace, lockedNamespace, "kube-system"} {
		if err := w.namespace(ctx, name); err != nil {
			return err
		}
	}
	review, err := w.review.client(adminToken)
	if err != nil {
		return err
	}
	if err := makeNamespace(ctx, review, plainNamespace); err != nil {
		return err
	}
	r, err := w.admin.do(ctx, http.MethodPost, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", extension())
	if err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		r, err := w.admin.do(ctx, http.MethodGet, workersAPI, nil)
		if err != nil {
			return err
		}
		return admitted(r)
	})
}

// makeTenant gives the tenant everything in a namespace, and its Namespace object too.
func (w *world) makeTenant(ctx context.Context) error {
	const rbac = "/apis/rbac.authorization.k8s.io/v1"
	user := []any{object{"kind": "User", "name": "tenant", "apiGroup": "rbac.authorization.k8s.io"}}
	for _, o := range []struct {
		path string
		body object
	}{
		{rbac + "/namespaces/" + plainNamespace + "/rolebindings", object{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata("tenant"), "subjects": user,
			"roleRef": object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		}},
	} {
		r, err := w.admin.do(ctx, http.MethodPost, o.path, o.body)
		if err != nil {
			return err
		}
		if err := admitted(r); err != nil {
			return err
		}
	}
	return nil
}

// firstStart starts assay with the token of the chart's service account.
func (w *world) firstStart(ctx context.Context) error {
	all, err := rendered(w.file("chart.yaml"))
	if err != nil {
		return err
	}
	name := ""
	for _, o := range all {
		if text(o, "kind") == "ServiceAccount" {
			name = text(o, "metadata", "name")
		}
	}
	token, err := w.accountToken(ctx, name)
	if err != nil {
		return err
	}
	settings, err := w.settings()
	if err != nil {
		return err
	}
	if err := writeWhole(w.file("serve.yaml"), settings); err != nil {
		return err
	}
	if err := w.mountAccount(token); err != nil {
		return err
	}
	return w.startAssay(ctx)
}

// registerAll registers our webhooks and somebody else's, and waits until the API server asks them.
func (w *world) registerAll(ctx context.Context) error {
	if err := w.register(ctx); err != nil {
		return err
	}
	if err := w.startSwapper(); err != nil {
		return err
	}
	if err := w.registerSwapper(ctx); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		r, err := w.admin.do(ctx, http.MethodPost, pods(plainNamespace)+"?dryRun=All", pod("probe", podSpec(w.releases.bad.tagged())))
		if err != nil {
			return err
		}
		if r.good() {
			return fmt.Errorf("found an unsigned image admitted; wanted the webhooks to be asked")
		}
		return nil
	})
}

// eventually asks again until there is no error, for some seconds.
func eventually(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
