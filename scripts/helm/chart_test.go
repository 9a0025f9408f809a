package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/serve/settings"
)

const folder = "../../deploy/helm"

// object is an object of Kubernetes, as YAML gives it.
type object map[string]any

// at follows keys down; a number as text is an index. nil if there is nothing.
func (o object) at(keys ...string) any {
	var v any = map[string]any(o)
	for _, k := range keys {
		switch t := v.(type) {
		case map[string]any:
			v = t[k]
		case []any:
			i := int(k[0] - '0')
			if i >= len(t) {
				return nil
			}
			v = t[i]
		default:
			return nil
		}
	}
	return v
}

func (o object) text(keys ...string) string { s, _ := o.at(keys...).(string); return s }

// rendered reads what the chart renders with testdata's values of that name.
func rendered(t *testing.T, name string) []object {
	t.Helper()
	return readObjects(t, filepath.Join(folder, "testdata", name+".yaml"))
}

func readObjects(t *testing.T, file string) []object {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []object
	d := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var o map[string]any
		err := d.Decode(&o)
		if err == io.EOF { //nolint:errorlint // yaml returns it bare
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			all = append(all, o)
		}
	}
}

// kind picks the objects of a kind.
func kind(all []object, kind string) []object {
	return slices.DeleteFunc(slices.Clone(all), func(o object) bool { return o.text("kind") != kind })
}

// one wants exactly one of a kind.
func one(t *testing.T, all []object, name string) object {
	t.Helper()
	found := kind(all, name)
	if len(found) != 1 {
		t.Fatalf("found %d of kind %s; wanted one", len(found), name)
	}
	return found[0]
}

var variants = []string{"minimal", "full", "mtls"}

// TestPodIsRestricted holds the pod against the restricted Pod Security Standard, and the
// rest of what the container is promised to be.
func TestPodIsRestricted(t *testing.T) {
	for _, v := range variants {
		d := one(t, rendered(t, v), "Deployment")
		pod := object(d.at("spec", "template", "spec").(map[string]any))
		for path, want := range map[string]any{
			"securityContext.runAsNonRoot":                          true,
			"securityContext.runAsUser":                             65532,
			"securityContext.seccompProfile.type":                   "RuntimeDefault",
			"containers.0.securityContext.allowPrivilegeEscalation": false,
			"containers.0.securityContext.privileged":               false,
			"containers.0.securityContext.readOnlyRootFilesystem":   true,
			"containers.0.securityContext.capabilities.drop.0":      "ALL",
			"containers.0.securityContext.capabilities.add":         nil,
			"enableServiceLinks":                                    false,
			"hostNetwork":                                           nil,
			"hostPID":                                               nil,
			"hostIPC":                                               nil,
			"automountServiceAccountToken":                          v == "full", // reads pull secrets
			"containers.1":                                          nil,
			"initContainers":                                        nil,
			"containers.0.readinessProbe.httpGet.path":              "/readyz",
			"containers.0.livenessProbe.httpGet.path":               "/healthz",
			"containers.0.readinessProbe.httpGet.port":              "probes",
			"topologySpreadConstraints.0.topologyKey":               "kubernetes.io/hostname",
		} {
			if got := pod.at(strings.Split(path, ".")...); got != want {
				t.Errorf("%s: %s is %v; wanted %v", v, path, got, want)
			}
		}
		if pod.at("containers", "0", "resources", "limits", "memory") == nil || pod.at("containers", "0", "resources", "requests", "cpu") == nil {
			t.Errorf("%s: the container has no resources", v)
		}
		args, _ := yaml.Marshal(pod.at("containers", "0", "args"))
		if string(args) != "- serve\n- --config\n- /etc/assay/settings/settings.yaml\n" {
			t.Errorf("%s: the arguments are\n%s", v, args)
		}
		volumes := pod.at("volumes").([]any)
		for _, raw := range volumes {
			volume := object(raw.(map[string]any))
			if volume.at("hostPath") != nil {
				t.Errorf("%s: volume %s is a folder of the node", v, volume.text("name"))
			}
		}
		for i, raw := range pod.at("containers", "0", "volumeMounts").([]any) {
			m := object(raw.(map[string]any))
			writable := m.text("name") == "state" || m.text("name") == "tmp"
			if ro, _ := m.at("readOnly").(bool); ro == writable {
				t.Errorf("%s: mount %d, %s: readOnly is %v", v, i, m.text("name"), ro)
			}
			if !slices.ContainsFunc(volumes, func(raw any) bool { return object(raw.(map[string]any)).text("name") == m.text("name") }) {
				t.Errorf("%s: mount %s has no volume", v, m.text("name"))
			}
		}
		if a := one(t, rendered(t, v), "ServiceAccount"); a.at("automountServiceAccountToken") != false {
			t.Errorf("%s: the service account's token is mounted by default", v)
		}
	}
}

// TestWebhooks holds the webhooks to be closed, and to leave out namespaces by their
// names alone.
func TestWebhooks(t *testing.T) {
	exempt := map[string]string{"minimal": "assay-system,kube-system", "full": "assay-system,kube-node-lease,kube-system", "mtls": "assay-system,kube-system"}
	for _, v := range variants {
		for _, k := range []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
			c := one(t, rendered(t, v), k)
			hooks := c.at("webhooks").([]any)
			if len(hooks) != 1 {
				t.Fatalf("%s: found %d webhooks", v, len(hooks))
			}
			w := object(hooks[0].(map[string]any))
			door, reinvoked := "/admission/validate", any(nil)
			if k == "MutatingWebhookConfiguration" {
				door, reinvoked = "/admission/mutate", "IfNeeded"
			}
			seconds := 10
			if v == "full" {
				seconds = 15
			}
			for path, want := range map[string]any{
				"failurePolicy": "Fail", "matchPolicy": "Equivalent", "sideEffects": "None", "timeoutSeconds": seconds,
				"objectSelector": nil, "matchConditions": nil, "reinvocationPolicy": reinvoked, "admissionReviewVersions.0": "v1",
				"clientConfig.url": nil, "clientConfig.service.path": door, "clientConfig.service.namespace": "assay-system",
				"namespaceSelector.matchLabels": nil, "namespaceSelector.matchExpressions.1": nil,
				"namespaceSelector.matchExpressions.0.key": "kubernetes.io/metadata.name", "namespaceSelector.matchExpressions.0.operator": "NotIn",
			} {
				if got := w.at(strings.Split(path, ".")...); got != want {
					t.Errorf("%s: %s %s is %v; wanted %v", v, k, path, got, want)
				}
			}
			var names []string
			for _, n := range w.at("namespaceSelector", "matchExpressions", "0", "values").([]any) {
				names = append(names, n.(string))
			}
			if got := strings.Join(names, ","); got != exempt[v] {
				t.Errorf("%s: left out are %s; wanted %s", v, got, exempt[v])
			}
			hasCA, injected := w.text("clientConfig", "caBundle") != "", c.text("metadata", "annotations", "cert-manager.io/inject-ca-from")
			if v == "full" && (hasCA || injected != "assay-system/gate") || v != "full" && (!hasCA || injected != "") {
				t.Errorf("%s: CA %v, injected from %q", v, hasCA, injected)
			}
		}
	}
}

// TestSettings reads the rendered settings as the server does, and holds them against
// what the rest of the chart does with files and ports.
func TestSettings(t *testing.T) {
	for _, v := range variants {
		all := rendered(t, v)
		var text string
		for _, o := range kind(all, "ConfigMap") {
			if s := o.text("data", "settings.yaml"); s != "" {
				text = s
			}
		}
		s, said, err := settings.Load(settings.Sources{File: "/etc/assay/settings/settings.yaml", Open: func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text)), nil
		}})
		if err != nil {
			t.Errorf("%s: %v\n%s", v, err, text)
			continue
		}
		d := one(t, all, "Deployment")
		pod := object(d.at("spec", "template", "spec").(map[string]any))
		var mounts []string
		for _, raw := range pod.at("containers", "0", "volumeMounts").([]any) {
			mounts = append(mounts, object(raw.(map[string]any)).text("mountPath"))
		}
		files := slices.Concat(s.Tokens, s.StoreKeys, []string{s.Certificate, s.Key, s.ClientCA, s.Exceptions, s.Shadow, s.Registries, s.TrustedRoot, s.State + "/x", s.RedisPassword, s.RedisCA})
		for _, p := range s.Policies {
			files = append(files, p.File)
		}
		for _, f := range files {
			if f != "" && !slices.Contains(mounts, filepath.Dir(f)) {
				t.Errorf("%s: the settings name %s, whose folder is not mounted", v, f)
			}
		}
		if s.Listen != ":8443" || s.Probes != ":8081" || pod.at("containers", "0", "ports", "0", "containerPort") != 8443 || pod.at("containers", "0", "ports", "1", "containerPort") != 8081 {
			t.Errorf("%s: listen %s, probes %s, ports %v", v, s.Listen, s.Probes, pod.at("containers", "0", "ports"))
		}
		if scheme := pod.text("containers", "0", "readinessProbe", "httpGet", "scheme"); (scheme == "HTTPS") != s.ProbesTLS {
			t.Errorf("%s: the probes' scheme is %s, probes_tls %v", v, scheme, s.ProbesTLS)
		}
		w := one(t, all, "ValidatingWebhookConfiguration")
		if seconds := w.at("webhooks", "0", "timeoutSeconds").(int); s.Deadline >= time.Duration(seconds)*time.Second {
			t.Errorf("%s: the deadline is %s, the API server waits %d s", v, s.Deadline, seconds)
		}
		if s.Drain >= 60*time.Second-5*time.Second {
			t.Errorf("%s: the server drains for %s, and is ended after 60 s", v, s.Drain)
		}
		if s.AllowTags || s.ReviewTags || said["open"] == "file" && v != "minimal" || s.Auth == "none" || !s.MetricsAuth {
			t.Errorf("%s: %+v", v, s)
		}
	}
}

// TestRoles wants no right anywhere but to read pull secrets in the namespaces named.
func TestRoles(t *testing.T) {
	for _, v := range variants {
		all := rendered(t, v)
		if n := len(kind(all, "ClusterRole")) + len(kind(all, "ClusterRoleBinding")); n != 0 {
			t.Errorf("%s: found %d rights in the whole cluster", v, n)
		}
		roles := kind(all, "Role")
		if v != "full" {
			if len(roles) != 0 {
				t.Errorf("%s: found %d roles", v, len(roles))
			}
			continue
		}
		var found []string
		for _, r := range roles {
			for _, raw := range r.at("rules").([]any) {
				b, _ := yaml.Marshal(raw)
				found = append(found, r.text("metadata", "namespace")+" "+strings.Join(strings.Fields(string(b)), " "))
			}
		}
		want := []string{
			`payments apiGroups: - "" resourceNames: - registry resources: - secrets verbs: - get`,
			`payments apiGroups: - "" resources: - serviceaccounts verbs: - get`,
			`prod-shop apiGroups: - "" resources: - secrets verbs: - get`,
			`prod-shop apiGroups: - "" resources: - serviceaccounts verbs: - get`,
		}
		if !slices.Equal(found, want) {
			t.Errorf("found the rights\n%s", strings.Join(found, "\n"))
		}
	}
}

// TestNetwork wants the doors reachable by API servers alone once their addresses are
// said, and never metadata without being asked to.
func TestNetwork(t *testing.T) {
	full := one(t, rendered(t, "full"), "NetworkPolicy")
	if full.text("spec", "ingress", "0", "from", "0", "ipBlock", "cidr") != "10.0.0.0/28" || full.at("spec", "ingress", "0", "from", "2") != nil {
		t.Errorf("found %v", full.at("spec", "ingress"))
	}
	for _, v := range variants {
		b, _ := yaml.Marshal(one(t, rendered(t, v), "NetworkPolicy").at("spec", "egress"))
		if got := strings.Contains(string(b), "169.254.169.254/32"); got != (v == "full") {
			t.Errorf("%s: metadata reachable: %v", v, got)
		}
		if !strings.Contains(string(b), "169.254.0.0/16") {
			t.Errorf("%s: link-local addresses are not left out", v)
		}
	}
}

// TestMonitor wants the scraper to show what the server demands.
func TestMonitor(t *testing.T) {
	full, mtls := one(t, rendered(t, "full"), "ServiceMonitor"), one(t, rendered(t, "mtls"), "ServiceMonitor")
	end := object(full.at("spec", "endpoints", "0").(map[string]any))
	if end.text("scheme") != "https" || end.text("authorization", "credentials", "name") != "gate-callers" || end.text("authorization", "credentials", "key") != "current" ||
		end.text("tlsConfig", "serverName") != "gate.assay-system.svc" || end.at("tlsConfig", "insecureSkipVerify") != nil {
		t.Errorf("bearer: %v", end)
	}
	end = object(mtls.at("spec", "endpoints", "0").(map[string]any))
	if end.text("scheme") != "https" || end.at("authorization") != nil || end.text("tlsConfig", "cert", "secret", "name") != "prometheus-client" {
		t.Errorf("mtls: %v", end)
	}
	ours, err := os.ReadFile(filepath.Join(folder, "assay", "files", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(filepath.Join(folder, "..", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		t.Error("deploy/helm/assay/files/rules.yaml is not deploy/prometheus/alerts.yaml: run `make helm-golden`")
	}
	rules := one(t, rendered(t, "full"), "PrometheusRule")
	if rules.at("spec", "groups", "0", "rules", "0", "alert") == nil {
		t.Error("found no alert")
	}
}
