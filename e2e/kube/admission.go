package main

import (
	"encoding/json"
	"fmt"
)

// webhookAccess has the API server show assay a client certificate, as `auth: mtls` demands.
func (w *world) webhookAccess() string {
	hooks := object{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": w.file("pki", "webhooks.kubeconfig"),
	}
	return admissionOf([]object{
		{"name": "MutatingAdmissionWebhook", "configuration": hooks},
		{"name": "ValidatingAdmissionWebhook", "configuration": hooks},
	})
}

// imagePolicy configures the plugin ImagePolicyWebhook, closed when it gets no answer.
func (w *world) imagePolicy() string {
	return admissionOf([]object{{"name": "ImagePolicyWebhook", "configuration": object{"imagePolicy": object{
		"kubeConfigFile": w.file("pki", "imagepolicy.kubeconfig"),
		"allowTTL":       1, "denyTTL": 1, "retryBackoff": 100, "defaultAllow": false,
	}}}})
}

func admissionOf(plugins []object) string {
	return asJSON(object{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": plugins})
}

// writeKubeconfigs writes how the API servers reach assay.
func (w *world) writeKubeconfigs() error {
	user := object{"client-certificate": w.file("pki", "admission.crt"), "client-key": w.file("pki", "admission.key")}
	hooks := object{"apiVersion": "v1", "kind": "Config", "users": []object{{"name": doorsAddress, "user": user}}}
	policy := object{
		"apiVersion": "v1", "kind": "Config",
		"clusters": []object{{"name": "assay", "cluster": object{
			"server": "https://" + doorsAddress + "/imagereview", "certificate-authority": w.file("pki", "serving-ca.crt"),
		}}},
		"users":           []object{{"name": "api", "user": user}},
		"contexts":        []object{{"name": "assay", "context": object{"cluster": "assay", "user": "api"}}},
		"current-context": "assay",
	}
	if err := writeWhole(w.file("pki", "webhooks.kubeconfig"), []byte(asJSON(hooks))); err != nil {
		return err
	}
	return writeWhole(w.file("pki", "imagepolicy.kubeconfig"), []byte(asJSON(policy)))
}

// asJSON writes a value that is made of maps, lists and texts; JSON is YAML.
func asJSON(v any) string {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Sprintf("%q", err) // no such value is made here
	}
	return string(raw)
}
