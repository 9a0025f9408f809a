package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/releaseassay/assay/internal/lab"
)

// Namespaces with a pull secret that opens the private registry. The chart grants assay the secrets of one of them.
const (
	readableNamespace = "readable"
	lockedNamespace   = "locked"
)

// pullSecret is its name in both, and pullAccount a service account that has it.
const (
	pullSecret  = "registry"
	pullAccount = "builder"
)

// plantSecrets makes secrets and service accounts.
func (w *world) plantSecrets(ctx context.Context) error {
	config := asJSON(object{"auths": object{w.private.Host(): object{"username": lab.User, "password": lab.Password}}})
	for _, namespace := range []string{readableNamespace, lockedNamespace} {
		for path, o := range map[string]object{
			"secrets": {
				"apiVersion": "v1", "kind": "Secret", "metadata": metadata(pullSecret), "type": "kubernetes.io/dockerconfigjson",
				"data": object{".dockerconfigjson": base64.StdEncoding.EncodeToString([]byte(config))},
			},
			"serviceaccounts": {
				"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(pullAccount), "imagePullSecrets": []any{object{"name": pullSecret}},
			},
		} {
			r, err := w.admin.do(ctx, http.MethodPost, "/api/v1/namespaces/"+namespace+"/"+path, o)
			if err != nil {
				return err
			}
			if err := admitted(r); err != nil {
				return fmt.Errorf("make %s of %s: %w", path, namespace, err)
			}
		}
	}
	return nil
}

// accountToken asks the API server for a token of assay's own service account, as a kubelet does.
func (w *world) accountToken(ctx context.Context, name string) (string, error) {
	r, err := w.admin.do(ctx, http.MethodPost, "/api/v1/namespaces/"+assayNamespace+"/serviceaccounts/"+name+"/token", object{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": object{"expirationSeconds": 3600},
	})
	if err != nil {
		return "", err
	}
	if err := admitted(r); err != nil {
		return "", fmt.Errorf("ask for a token of %s: %w", name, err)
	}
	o, err := r.object()
	if err != nil {
		return "", err
	}
	if text(o, "status", "token") == "" {
		return "", fmt.Errorf("ask for a token of %s: found none in the answer", name)
	}
	return text(o, "status", "token"), nil
}

// withSecret is a Pod's spec that names the pull secret.
func withSecret(image string) object {
	spec := podSpec(image)
	spec["imagePullSecrets"] = []any{object{"name": pullSecret}}
	return spec
}

// ofAccount is a Pod's spec of the service account that has the secret.
func ofAccount(image string) object {
	spec := podSpec(image)
	spec["serviceAccountName"] = pullAccount
	return spec
}

// secretScenarios are about images that only a pod's own secrets open.
func (w *world) secretScenarios() []scenario {
	image := w.releases.private
	create := func(namespace string, spec object) func(context.Context) (reply, error) {
		return func(ctx context.Context) (reply, error) { return w.createPod(ctx, namespace, spec) }
	}
	opens := func(name string, do func(context.Context) (reply, error)) scenario {
		return one("pull-secret/"+name, func(ctx context.Context) error {
			r, err := do(ctx)
			if err != nil {
				return err
			}
			return named(r, image.pinned(), "spec", "containers", 0)
		})
	}
	closed := func(name, code string, do func(context.Context) (reply, error)) scenario {
		return one("pull-secret/"+name, func(ctx context.Context) error {
			r, err := do(ctx)
			if err != nil {
				return err
			}
			return refused(r, http.StatusServiceUnavailable, "assay: undecided, retry: ", code)
		})
	}
	return []scenario{
		opens("of-the-pod", create(readableNamespace, withSecret(image.tagged()))),
		opens("of-the-service-account", create(readableNamespace, ofAccount(image.tagged()))),
		closed("none", "registry.unauthorized", create(readableNamespace, podSpec(image.tagged()))),
		closed("not-granted", "registry.unauthorized", create(lockedNamespace, withSecret(image.tagged()))),
		closed("not-granted-of-the-service-account", "registry.unauthorized", create(lockedNamespace, ofAccount(image.tagged()))),
		closed("of-another-namespace", "registry.unauthorized", func(ctx context.Context) (reply, error) {
			// Somebody who may read it has just had a pass.
			if r, err := w.createPod(ctx, readableNamespace, withSecret(image.tagged())); err != nil || !r.good() {
				return reply{}, fmt.Errorf("ask before: found status %d, %w; wanted it admitted", r.status, err)
			}
			return w.createPod(ctx, readableNamespace, podSpec(image.tagged()))
		}),
		one("pull-secret/of-a-template-without-any-warns", func(ctx context.Context) error {
			k := workloads()[0]
			r, err := w.admin.do(ctx, http.MethodPost, k.api(readableNamespace), k.make(w.name("private"), podSpec(image.tagged())))
			if err != nil {
				return err
			}
			if err := admitted(r); err != nil {
				return err
			}
			return warned(r, "registry.unauthorized")
		}),
	}
}
