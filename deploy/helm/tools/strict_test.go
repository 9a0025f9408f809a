// Package tools pins helm, and holds what the chart renders against the types of
// Kubernetes: a member that they do not have, or of another type, is an error.
package tools

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmd "k8s.io/client-go/tools/clientcmd/api/v1"
	"sigs.k8s.io/yaml"
)

func types() map[string]func() any {
	return map[string]func() any{
		"admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration": func() any { return &admissionregistration.ValidatingWebhookConfiguration{} },
		"admissionregistration.k8s.io/v1 MutatingWebhookConfiguration":   func() any { return &admissionregistration.MutatingWebhookConfiguration{} },
		"apps/v1 Deployment":                       func() any { return &apps.Deployment{} },
		"autoscaling/v2 HorizontalPodAutoscaler":   func() any { return &autoscaling.HorizontalPodAutoscaler{} },
		"v1 ConfigMap":                             func() any { return &core.ConfigMap{} },
		"v1 Secret":                                func() any { return &core.Secret{} },
		"v1 Service":                               func() any { return &core.Service{} },
		"v1 ServiceAccount":                        func() any { return &core.ServiceAccount{} },
		"networking.k8s.io/v1 NetworkPolicy":       func() any { return &networking.NetworkPolicy{} },
		"policy/v1 PodDisruptionBudget":            func() any { return &policy.PodDisruptionBudget{} },
		"rbac.authorization.k8s.io/v1 Role":        func() any { return &rbac.Role{} },
		"rbac.authorization.k8s.io/v1 RoleBinding": func() any { return &rbac.RoleBinding{} },
		"v1 Config":                                func() any { return &clientcmd.Config{} },
	}
}

// others are kinds of custom resources, whose types are not had here.
var others = map[string]bool{
	"cert-manager.io/v1 Certificate": true, "cert-manager.io/v1 Issuer": true,
	"monitoring.coreos.com/v1 ServiceMonitor": true, "monitoring.coreos.com/v1 PrometheusRule": true,
}

func TestStrict(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../../kyverno/access.yaml", "../../imagepolicywebhook/kubeconfig.yaml", "../../apiserver/webhooks.yaml")
	n := 0
	for _, file := range files {
		if match, _ := filepath.Match("*.values.yaml", filepath.Base(file)); match {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(b, []byte("\n---\n")) {
			var kind meta.TypeMeta
			if err := yaml.Unmarshal(document, &kind); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			name := kind.APIVersion + " " + kind.Kind
			if kind.Kind == "" || others[name] {
				continue
			}
			made := types()[name]
			if made == nil {
				t.Errorf("%s: found %s, whose type is not known here", file, name)
				continue
			}
			if err := yaml.UnmarshalStrict(document, made()); err != nil {
				t.Errorf("%s: %s: %v", file, name, err)
			}
			n++
		}
	}
	if n < 30 {
		t.Errorf("found %d objects", n)
	}
}
