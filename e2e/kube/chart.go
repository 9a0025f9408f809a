package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/e2e/internal/tool"
)

// The release of the chart, and its namespace.
const (
	assayNamespace = "assay"
	assayRelease   = "assay"
)

// helm is the tool of the chart's tests.
func helm() tool.Tool {
	return tool.Tool{Name: "helm", Module: "tools", Package: "helm.sh/helm/v3/cmd/helm"}
}

// chartValues are those of the run: pull secrets in one namespace, and a rule for a kind of somebody else's.
func chartValues() object {
	return object{
		"policies":    object{"use": []object{{"file": "policy.yaml"}}, "files": object{"policy.yaml": "# another file holds it\n"}},
		"auth":        object{"mode": "mtls", "open": []string{}, "clientCA": object{"existingSecret": "clients"}},
		"pullSecrets": object{"enabled": true, "namespaces": []object{{"name": readableNamespace}}},
		"webhooks": object{"rules": []object{{
			"apiGroups": []string{"example.com"}, "apiVersions": []string{"v1"}, "resources": []string{"workers"},
		}}},
	}
}

// render writes what helm makes of the chart into a file.
func render(ctx context.Context, program, source, file string) error {
	values, err := json.Marshal(chartValues())
	if err != nil {
		return fmt.Errorf("render the chart: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, "template", assayRelease, filepath.Join(source, "deploy", "helm", "assay"),
		"--namespace", assayNamespace, "--kube-version", "1.34.0", "--values", "-")
	home := filepath.Dir(file)
	cmd.Env = []string{"HOME=" + home, "HELM_CACHE_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_DATA_HOME=" + home}
	cmd.Stdin = bytes.NewReader(values)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("render the chart: %w\n%s", err, stderr.Bytes())
	}
	return writeWhole(file, out)
}

// rendered reads what helm wrote.
func rendered(file string) ([]object, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the rendered chart: %w", err)
	}
	var out []object
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the rendered chart: %w", err)
		}
		if len(o) > 0 {
			out = append(out, o)
		}
	}
}

// paths are where the chart's kinds are created.
var paths = map[string]string{
	"Deployment": "/apis/apps/v1/namespaces/NS/deployments", "Service": "/api/v1/namespaces/NS/services",
	"ServiceAccount": "/api/v1/namespaces/NS/serviceaccounts", "ConfigMap": "/api/v1/namespaces/NS/configmaps", "Secret": "/api/v1/namespaces/NS/secrets",
	"Role":                           "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
	"RoleBinding":                    "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
	"ClusterRole":                    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	"ClusterRoleBinding":             "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	"NetworkPolicy":                  "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies",
	"PodDisruptionBudget":            "/apis/policy/v1/namespaces/NS/poddisruptionbudgets",
	"HorizontalPodAutoscaler":        "/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers",
	"ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
	"MutatingWebhookConfiguration":   "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
}

// collection is where an object of the chart is created.
func collection(o object) (string, error) {
	p, ok := paths[text(o, "kind")]
	if !ok {
		return "", fmt.Errorf("found an object of the kind %q in the chart; wanted one of those that a cluster without extensions has", text(o, "kind"))
	}
	return strings.Replace(p, "NS", orElse(text(o, "metadata", "namespace"), assayNamespace), 1), nil
}

// isHook reports whether an object registers webhooks.
func isHook(o object) bool { return strings.HasSuffix(text(o, "kind"), "WebhookConfiguration") }

// install creates every object of the chart but the webhooks in a namespace of restricted pods.
func (w *world) install(ctx context.Context) error {
	r, err := w.admin.do(ctx, http.MethodPost, "/api/v1/namespaces", object{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": object{"name": assayNamespace, "labels": object{"pod-security.kubernetes.io/enforce": "restricted"}},
	})
	if err == nil && !r.good() {
		err = fmt.Errorf("make namespace %s: found status %d: %s", assayNamespace, r.status, r.message())
	}
	if err != nil {
		return err
	}
	if err := w.namespace(ctx, readableNamespace); err != nil {
		return err
	}
	return w.create(ctx, func(o object) bool { return !isHook(o) })
}

// register creates the chart's webhooks. No Service leads anywhere in a cluster without nodes, so that their URL takes
// its place, and the CA of the run that of the chart; nothing else of them is changed.
func (w *world) register(ctx context.Context) error { return w.create(ctx, isHook) }

// create makes the objects of the chart that are wanted.
func (w *world) create(ctx context.Context, wanted func(object) bool) error {
	all, err := rendered(w.file("chart.yaml"))
	if err != nil {
		return err
	}
	made := 0
	for _, o := range all {
		if !wanted(o) {
			continue
		}
		if isHook(o) {
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
		if !r.good() {
			return fmt.Errorf("create %s %s of the chart: found status %d: %s", text(o, "kind"), text(o, "metadata", "name"), r.status, r.message())
		}
		made++
	}
	if made == 0 {
		return errors.New("found nothing to create in the rendered chart")
	}
	return nil
}

// direct leads the webhooks of a configuration to the server of the run.
func (w *world) direct(o object) error {
	hooks, _ := o["webhooks"].([]any)
	if len(hooks) == 0 {
		return fmt.Errorf("found no webhook in the chart's %s", text(o, "kind"))
	}
	for _, h := range hooks {
		path := text(h, "clientConfig", "service", "path")
		if !slices.Contains([]string{"/admission/validate", "/admission/mutate"}, path) {
			return fmt.Errorf("found a webhook of the chart at %q", path)
		}
		h.(object)["clientConfig"] = object{
			"url": "https://" + doorsAddress + path, "caBundle": base64.StdEncoding.EncodeToString(w.serving.pem),
		}
	}
	return nil
}
