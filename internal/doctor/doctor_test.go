package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const deploy = "../../deploy/"

// shipped are the manifests of a cluster in which every gate is closed: those of deploy/,
// and the webhooks of others.
func shipped(t *testing.T) string {
	t.Helper()
	var all []string
	for _, name := range []string{
		deploy + "helm/testdata/minimal.yaml", deploy + "gatekeeper/provider.yaml", deploy + "gatekeeper/template.yaml",
		deploy + "gatekeeper/constraint.yaml", deploy + "kyverno/policy.yaml", "testdata/others.yaml",
	} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return strings.Join(all, "\n---\n")
}

func machine(t *testing.T) (AdmissionFile, ContainerdFile) {
	t.Helper()
	read := func(name string) ([]byte, error) {
		return os.ReadFile(deploy + "imagepolicywebhook/" + filepath.Base(name))
	}
	admission, err := read("admission.yaml")
	if err != nil {
		t.Fatal(err)
	}
	toml, err := os.ReadFile(deploy + "containerd/config.toml")
	if err != nil {
		t.Fatal(err)
	}
	list := func(string) ([]Entry, error) { return []Entry{{"50-assay-containerd", true}}, nil }
	return AdmissionFile{"admission.yaml", admission, read}, ContainerdFile{"config.toml", toml, list}
}

func examine(t *testing.T, text string, o Options) Report {
	t.Helper()
	objects, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	admission, toml := machine(t)
	return Examine(Input{Objects: objects, ImagePolicies: []AdmissionFile{admission}, Containerd: []ContainerdFile{toml}}, o)
}

// TestShippedIsClosed examines every manifest that we ship.
func TestShippedIsClosed(t *testing.T) {
	r := examine(t, shipped(t), Options{})
	for _, f := range r.Findings {
		if f.Level == Open || f.Level == Weak {
			t.Errorf("found %s %s at %s: %s", f.Level, f.Code, f.Where, f.Found)
		}
	}
	if !r.Closed() || !slices.Equal(r.Gates, []string{"webhook", "gatekeeper", "kyverno", "imagepolicy", "containerd"}) {
		t.Errorf("closed %v, gates %v, unread %v", r.Closed(), r.Gates, r.Unread)
	}
	for _, name := range []string{"full", "mtls"} {
		b, err := os.ReadFile(deploy + "helm/testdata/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if r := examine(t, string(b), Options{}); r.Open() {
			t.Errorf("%s: found %v", name, r.Findings)
		}
	}
}

// TestNothingReadIsNotClosed is of the zero value and of an empty cluster.
func TestNothingReadIsNotClosed(t *testing.T) {
	if (Report{}).Closed() {
		t.Error("the zero report is closed")
	}
	r := Examine(Input{}, Options{})
	if r.Closed() || !r.Open() || r.Findings[0].Code != "gate.none" {
		t.Errorf("found %+v", r)
	}
	if r := Examine(Input{Unread: []string{"x"}}, Options{}); r.Closed() {
		t.Error("what could not be read is closed")
	}
}

// change is an edit of the shipped manifests: the nth place of old becomes new.
type change struct {
	code     string
	level    Level
	old, new string
	nth      int // 0 is all of them
}

func changes() []change {
	const (
		first    = "    failurePolicy: Fail\n    matchPolicy: Equivalent"
		selector = "        - key: kubernetes.io/metadata.name\n          operator: NotIn"
		kind     = "kind: ValidatingWebhookConfiguration\nmetadata:\n  name: assay\n"
	)
	return []change{
		{"webhook.fails_open", Open, first, "    failurePolicy: Ignore\n    matchPolicy: Equivalent", 1},
		{"webhook.fails_open", Open, first, "    failurePolicy: Ignore\n    matchPolicy: Equivalent", 2},
		{"webhook.match_exact", Open, "matchPolicy: Equivalent", "matchPolicy: Exact", 1},
		{"webhook.object_selector", Open, first, first + "\n    objectSelector: {matchLabels: {judge: 'yes'}}", 1},
		{"webhook.object_selector", Open, first, first + "\n    objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}", 1},
		{"webhook.match_conditions", Open, first, first + "\n    matchConditions: [{name: a, expression: 'true'}]", 1},
		{"webhook.timeout", Open, "timeoutSeconds: 10", "timeoutSeconds: 31", 1},
		{"webhook.timeout_short", Weak, "timeoutSeconds: 10", "timeoutSeconds: 1", 1},
		{"webhook.no_ca", Weak, "      caBundle: UkVEQUNURUQ=\n", "", 1},
		{"webhook.namespace_label", Open, selector, "        - {key: assay, operator: NotIn, values: [off]}\n" + selector, 1},
		{"webhook.namespace_label", Open, selector, "        - {key: assay, operator: Exists}\n" + selector, 1},
		{"webhook.namespaces_listed", Open, selector, strings.Replace(selector, "NotIn", "In", 1), 1},
		{"webhook.exempt_other", Open, "            - kube-system\n", "            - kube-system\n            - default\n", 1},
		{"webhook.not_asked", Open, "operations: [CREATE, UPDATE]\n        resources: [pods,", "operations: [CREATE]\n        resources: [pods,", 2},
		{"webhook.not_asked", Open, "pods, pods/ephemeralcontainers,", "pods,", 2},
		{"webhook.not_asked", Open, "pods, pods/ephemeralcontainers,", "'*',", 2},
		{"webhook.not_asked", Open, "apiVersions: [v1]\n        operations: [CREATE, UPDATE]\n        resources: [pods,", "apiVersions: [v1beta1]\n        operations: [CREATE, UPDATE]\n        resources: [pods,", 2},
		{"webhook.not_asked", Open, "scope: Namespaced", "scope: Cluster", 4},
		{"webhook.templates_not_asked", Weak, "resources: [jobs, cronjobs]", "resources: [jobs]", 2},
		{"webhook.not_reinvoked", Weak, "    reinvocationPolicy: IfNeeded\n", "", 1},
		{"webhook.validate_missing", Open, "path: /admission/validate", "path: /elsewhere", 1},
		{"webhook.not_tls", Open, "    clientConfig:\n", "    clientConfig:\n      url: http://assay.example/admission/validate\n", 2},

		{"gatekeeper.not_tls", Open, "https://assay.assay-system.svc:443/gatekeeper", "http://assay.assay-system.svc/gatekeeper", 1},
		{"gatekeeper.no_ca", Weak, "  caBundle: REPLACE_WITH_THE_CA", "", 1},
		{"gatekeeper.old_version", Weak, "externaldata.gatekeeper.sh/v1beta1", "externaldata.gatekeeper.sh/v1alpha1", 1},
		{"gatekeeper.no_template", Open, `"provider": "assay"`, `"provider": "another"`, 1},
		{"gatekeeper.errors_pass", Open, "answer.errors[_]", "nobody[_]", 1},
		{"gatekeeper.system_error_passes", Open, "answer.system_error", "nothing", 0},
		{"gatekeeper.missing_keys_pass", Open, "answer.responses[_]", "nobody[_]", 1},
		{"gatekeeper.no_constraint", Open, "kind: AssayImages\nmetadata", "kind: Others\nmetadata", 1},
		{"gatekeeper.not_enforced", Open, "enforcementAction: deny", "enforcementAction: dryrun", 1},
		{"gatekeeper.not_enforced", Open, "enforcementAction: deny", "enforcementAction: scoped\n  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]", 1},
		{"gatekeeper.narrowed", Open, "  enforcementAction: deny\n  match:\n", "  enforcementAction: deny\n  match:\n    labelSelector: {matchLabels: {a: b}}\n", 1},
		{"gatekeeper.narrowed", Open, "  enforcementAction: deny\n  match:\n", "  enforcementAction: deny\n  match:\n    namespaces: [prod]\n", 1},
		{"webhook.exempt_other", Open, "  enforcementAction: deny\n  match:\n", "  enforcementAction: deny\n  match:\n    excludedNamespaces: [dev]\n", 1},
		{"gatekeeper.fails_open", Open, "failurePolicy: Fail # gatekeeper", "failurePolicy: Ignore", 1},
		{"gatekeeper.object_selector", Open, "failurePolicy: Fail # gatekeeper", "objectSelector: {matchLabels: {a: b}}", 1},
		{"gatekeeper.ignore_label", Open, "failurePolicy: Fail # label", "failurePolicy: Ignore", 1},
		{"gatekeeper.no_webhook", Open, "name: validation.gatekeeper.sh", "name: other.gatekeeper.sh", 1},
		{"webhook.exempt_other", Open, "apiVersion: externaldata", "apiVersion: config.gatekeeper.sh/v1alpha1\nkind: Config\nmetadata: {name: config}\nspec: {match: [{excludedNamespaces: [dev], processes: ['*']}]}\n---\napiVersion: externaldata", 1},

		{"gatekeeper.not_asked", Open, "kinds: [Pod, PodTemplate, ReplicationController]", "kinds: [ReplicationController]", 1},
		{"gatekeeper.not_asked", Open, "resources: ['*', pods/ephemeralcontainers, pods/exec]", "resources: ['*']", 1},
		{"gatekeeper.not_asked", Open, "operations: [CREATE, UPDATE], resources: ['*', pods", "operations: [CREATE], resources: ['*', pods", 1},
		{"gatekeeper.narrowed", Open, "  enforcementAction: deny\n  match:\n", "  enforcementAction: deny\n  match:\n    scope: Cluster\n", 1},
		{"gatekeeper.narrowed", Open, "failurePolicy: Fail # gatekeeper", "matchConditions: [{name: a, expression: 'false'}]", 1},
		{"gatekeeper.narrowed", Open, "- {key: admission.gatekeeper.sh/ignore, operator: DoesNotExist}", "- {key: judged, operator: Exists}", 1},
		{"webhook.exempt_other", Open, "values: [gatekeeper-system]", "values: [gatekeeper-system, dev]", 1},

		{"kyverno.fails_open", Open, "  failurePolicy: Fail\n  webhookConfiguration", "  failurePolicy: Ignore\n  webhookConfiguration", 1},
		{"kyverno.fails_open", Open, "    failurePolicy: Fail\n    timeoutSeconds: 15", "    failurePolicy: Ignore\n    timeoutSeconds: 15", 1},
		{"kyverno.not_enforced", Open, "failureAction: Enforce", "failureAction: Audit", 2},
		{"kyverno.not_enforced", Open, "        failureAction: Enforce\n", "", 1},
		{"kyverno.not_enforced", Open, "  admission: true", "  admission: false", 1},
		{"kyverno.overridden", Open, "failureAction: Enforce", "failureAction: Enforce\n        failureActionOverrides: [{action: Audit, namespaces: [dev]}]", 1},
		{"kyverno.existing_violations", Weak, "        allowExistingViolations: false\n", "", 1},
		{"kyverno.narrowed", Open, "      validate:\n", "      exclude: {any: [{resources: {namespaces: [dev]}}]}\n      validate:\n", 1},
		{"kyverno.narrowed", Open, "      validate:\n", "      celPreconditions: [{name: a, expression: 'false'}]\n      validate:\n", 1},
		{"kyverno.narrowed", Open, "    timeoutSeconds: 15", "    timeoutSeconds: 15\n    matchConditions: [{name: a, expression: 'false'}]", 1},
		{"kyverno.narrowed", Open, "              kinds: [Pod]\n", "              kinds: [Pod]\n              namespaces: [prod]\n", 1},
		{"kyverno.narrowed", Open, "              kinds: [Pod]\n", "              kinds: [Pod]\n              selector: {matchLabels: {judge: 'yes'}}\n", 1},
		{"kyverno.narrowed", Open, "          - resources:\n", "          - subjects: [{kind: User, name: bob}]\n            resources:\n", 1},
		{"kyverno.narrowed", Open, "kind: ClusterPolicy", "kind: Policy", 1},
		{"kyverno.narrowed", Open, "          - key: \"{{ request.oldObject.metadata.deletionTimestamp || '' }}\"", "          - key: \"{{ request.object.metadata.labels.judge || '' }}\"", 1},
		{"kyverno.narrowed", Open, "            deny:\n", "            preconditions: {all: [{key: \"{{ element.name }}\", operator: NotEquals, value: skip}]}\n            deny:\n", 2},
		{"kyverno.not_enforced", Open, "answer.verdict ||", "answer.word ||", 0},
		{"kyverno.not_asked", Open, "kinds: [Pod, Pod/ephemeralcontainers]", "kinds: [Pod]", 1},
		{"kyverno.not_asked", Open, "operations: [CREATE, UPDATE]\n      preconditions", "operations: [CREATE]\n      preconditions", 1},
		{"kyverno.no_webhook", Open, "resources: [pods, pods/ephemeralcontainers], scope: Namespaced}", "resources: [services], scope: Namespaced}", 1},
		{"kyverno.default_answer", Open, "                  method: POST", "                  method: POST\n                  default: {verdict: pass}", 2},
		{"kyverno.not_tls", Open, "https://assay.assay-system.svc:443/v1/verify", "http://assay.assay-system.svc/v1/verify", 2},
		{"kyverno.no_ca", Weak, "                    caBundle: |\n                      REPLACE_WITH_THE_CA\n", "", 1},
		{"kyverno.exception", Open, "apiVersion: externaldata", "apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {name: x, namespace: dev}\nspec: {exceptions: [{policyName: assay, ruleNames: ['*']}]}\n---\napiVersion: externaldata", 1},
		{"kyverno.no_webhook", Open, "failurePolicy: Fail # kyverno", "failurePolicy: Ignore", 1},
		{"kyverno.object_selector", Open, "failurePolicy: Fail # kyverno", "objectSelector: {matchLabels: {a: b}}", 1},
		{"kyverno.namespace_label", Open, "- {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}", "- {key: skip, operator: DoesNotExist}", 1},

		{"server.alone", Weak, "  replicas: 2\n", "  replicas: 1\n", 1},
		{"server.stopped", Weak, "  replicas: 2\n", "  replicas: 0\n", 1},
		{"server.no_budget", Weak, "kind: PodDisruptionBudget", "kind: Nothing", 1},
		{"server.no_network_policy", Weak, "kind: NetworkPolicy", "kind: Nothing", 1},
		{"server.tags", Open, "    auth: bearer", "    auth: bearer\n    allow_tags: true", 1},
		{"server.tags", Open, "    auth: bearer", "    auth: bearer\n    review_tags: true", 1},
		{"server.tags", Open, "args: [serve,", "args: [serve, --allow-tags,", 1},
		{"server.tags", Open, "args: [serve,", "env: [{name: ASSAY_SERVE_ALLOW_TAGS, value: 'true'}]\n          args: [serve,", 1},
		{"server.no_auth", Weak, "    auth: bearer", "    auth: none", 1},
		{"server.tag", Note, "kind: Deployment", "kind: Deployment", 1},
		{"webhook.exempt", Note, "kind: Deployment", "kind: Deployment", 1},
		{"gate.none", Open, kind, kind, 1}, // in its own test
	}
}

// TestEveryChangeIsFound makes one change at a time to what is closed.
func TestEveryChangeIsFound(t *testing.T) {
	whole := shipped(t)
	for _, c := range changes() {
		if c.code == "gate.none" {
			continue
		}
		text, ok := edit(whole, c)
		if !ok {
			t.Errorf("%s: found no %q to change", c.code, c.old)
			continue
		}
		r := examine(t, text, Options{})
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Code == c.code })
		if i < 0 || r.Findings[i].Level != c.level || r.Open() != slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Open }) {
			t.Errorf("%q for %q: wanted %s %s; found %v", c.new, c.old, c.level, c.code, codes(r))
			continue
		}
		if f := r.Findings[i]; f.Where == "" || f.Found == "" || f.Next == "" {
			t.Errorf("%s: a word is missing: %+v", c.code, f)
		}
		if c.level == Open && r.Closed() {
			t.Errorf("%s: open, and the report is closed", c.code)
		}
	}
}

func edit(text string, c change) (string, bool) {
	parts := strings.Split(text, c.old)
	if len(parts) <= c.nth || len(parts) < 2 {
		return "", false
	}
	if c.nth == 0 {
		return strings.Join(parts, c.new), true
	}
	return strings.Join(parts[:c.nth], c.old) + c.new + strings.Join(parts[c.nth:], c.old), true
}

func codes(r Report) []string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Level)+" "+f.Code)
	}
	return append(all, r.Unread...)
}

// TestExempt is of namespaces that are left out on purpose.
func TestExempt(t *testing.T) {
	text, _ := edit(shipped(t), change{old: "            - kube-system\n", new: "            - kube-system\n            - default\n"})
	if r := examine(t, text, Options{Exempt: []string{"default"}}); r.Open() {
		t.Errorf("found %v", codes(r))
	}
}

// TestService is of another product's webhook at the same path.
func TestService(t *testing.T) {
	text, _ := edit(shipped(t), change{old: "kind: MutatingWebhookConfiguration", new: "kind: Nothing"})
	text += "\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: other}\n" +
		"webhooks: [{name: a.b.c, failurePolicy: Ignore, clientConfig: {service: {namespace: other, name: other, path: /admission/validate}}}]\n"
	if r := examine(t, text, Options{}); !r.Open() {
		t.Error("another webhook of our path, which fails open, is not found")
	}
	if r := examine(t, text, Options{Service: "assay-system/assay"}); r.Open() {
		t.Errorf("found %v", codes(r))
	}
}

func TestImagePolicy(t *testing.T) {
	whole, toml := machine(t)
	kubeconfig, err := whole.Read("kubeconfig.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, code string }{
		{"defaultAllow: false", "defaultAllow: true", "imagepolicy.default_allow"},
		{"allowTTL: 50", "allowTTL: 3600", "imagepolicy.long_memory"},
		{"name: ImagePolicyWebhook", "name: Other", "imagepolicy.absent"},
		{"imagePolicy:", "other:", "imagepolicy.absent"},
		{"        kubeConfigFile: /etc/kubernetes/assay/kubeconfig.yaml\n", "", "imagepolicy.no_kubeconfig"},
		{"https://192.0.2.10:443/imagereview", "http://192.0.2.10/imagereview", "imagepolicy.not_tls"},
		{"certificate-authority: /etc/kubernetes/assay/ca.crt", "insecure-skip-tls-verify: true", "imagepolicy.not_tls"},
		{"      certificate-authority: /etc/kubernetes/assay/ca.crt\n", "", "imagepolicy.no_ca"},
		{"defaultAllow: false", "defaultallow: true", "imagepolicy.default_allow"},
		{"192.0.2.10:443/imagereview", "192.0.2.10:443/other", "imagepolicy.another"},
		{"kind: AdmissionConfiguration", "kind: Other", "unread"},
		{"plugins:", "plugins: [", "unread"},
	} {
		f := whole
		f.Text = []byte(strings.Replace(string(whole.Text), c.old, c.new, 1))
		f.Read = func(string) ([]byte, error) { return []byte(strings.Replace(string(kubeconfig), c.old, c.new, 1)), nil }
		r := Examine(Input{ImagePolicies: []AdmissionFile{f}, Containerd: []ContainerdFile{toml}}, Options{})
		if c.code == "unread" {
			if r.Closed() || len(r.Unread) == 0 {
				t.Errorf("%q: found %v, closed %v", c.new, codes(r), r.Closed())
			}
			continue
		}
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == c.code }) {
			t.Errorf("%q: found %v; wanted %s", c.new, codes(r), c.code)
		}
	}
	f := whole
	f.Read = func(string) ([]byte, error) { return nil, errors.New("permission denied") }
	if r := Examine(Input{ImagePolicies: []AdmissionFile{f}}, Options{}); r.Closed() {
		t.Error("a kubeconfig that could not be read is closed")
	}
}

func TestContainerd(t *testing.T) {
	_, whole := machine(t)
	plugin := []Entry{{"assay-containerd", true}}
	for _, c := range []struct {
		old, new, code string
		entries        []Entry
		err            error
	}{
		{"", "", "", plugin, nil},
		{"bin_dir = '/opt/containerd/image-verifier/bin'", "bin_dir = \"\"", "containerd.no_folder", plugin, nil},
		{"", "", "containerd.no_folder", nil, errors.New("no such file")},
		{"", "", "containerd.no_plugin", nil, nil},
		{"", "", "containerd.no_plugin", []Entry{{"other", true}}, nil},
		{"", "", "containerd.not_runnable", []Entry{{"README", false}, {"assay-containerd", true}}, nil},
		{"max_verifiers = -1", "max_verifiers = 0", "containerd.skipped", plugin, nil},
		{"max_verifiers = -1", "max_verifiers = 1", "containerd.skipped", []Entry{{"50-assay-containerd", true}, {"10-other", true}}, nil},
		{"max_verifiers = -1", "max_verifiers = \"all\"", "containerd.skipped", plugin, nil},
		{"'15s'", "'5s'", "containerd.timeout_short", plugin, nil},
		{"use_local_image_pull = false", "use_local_image_pull = true", "containerd.pulls_itself", plugin, nil},
		{"disable_snapshot_annotations = true", "disable_snapshot_annotations = false", "containerd.pulls_itself", plugin, nil},
		{"discard_unpacked_layers = false", "discard_unpacked_layers = true", "containerd.pulls_itself", plugin, nil},
		{"max_concurrent_downloads = 3", "max_concurrent_downloads = 10", "containerd.pulls_itself", plugin, nil},
		{"image_pull_with_sync_fs = false", "image_pull_with_sync_fs = true", "containerd.pulls_itself", plugin, nil},
		{"image_pull_with_sync_fs = false", "registry.mirrors.'docker.io'.endpoint = ['https://m.example']", "containerd.pulls_itself", plugin, nil},
		{"image_pull_with_sync_fs = false", "[plugins.'io.containerd.cri.v1.images'.registry.configs.'a.example'.tls]\ninsecure_skip_verify = true", "containerd.pulls_itself", plugin, nil},
		{"version = 3", "version = 2", "containerd.old", plugin, nil},
		{"version = 3", "version = 3\ndisabled_plugins = ['io.containerd.image-verifier.v1.bindir']", "containerd.disabled", plugin, nil},
		{"version = 3", "version = 3\nimports = ['/etc/containerd/conf.d/*.toml']", "unread", plugin, nil},
		{"version = 3", "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors]", "unread", plugin, nil},
		{"version = 3", "version == 3", "unread", plugin, nil},
	} {
		f := whole
		f.Text = []byte(strings.Replace(string(whole.Text), c.old, c.new, 1))
		f.List = func(string) ([]Entry, error) { return c.entries, c.err }
		r := Examine(Input{Containerd: []ContainerdFile{f}}, Options{})
		switch {
		case c.code == "":
			if !r.Closed() || len(r.Findings) != 0 {
				t.Errorf("found %v", codes(r))
			}
		case c.code == "unread":
			if r.Closed() || len(r.Unread) == 0 {
				t.Errorf("%q: found %v", c.new, codes(r))
			}
		case !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == c.code }):
			t.Errorf("%q, %v: found %v; wanted %s", c.new, c.entries, codes(r), c.code)
		}
	}
}

// TestUnreadable is of objects that cannot be decoded: they are never closed.
func TestUnreadable(t *testing.T) {
	for _, text := range []string{"{", "a: b", "kind: List\nitems: [1]", "[]", "kind: [", `{"kind":"List","items":[{"a":1}]}`} {
		if _, err := Read([]byte(text)); err == nil {
			t.Errorf("%q: read", text)
		}
	}
	text, _ := edit(shipped(t), change{old: "timeoutSeconds: 10", new: "timeoutSeconds: ten"})
	if r := examine(t, text, Options{}); r.Closed() || len(r.Unread) == 0 {
		t.Errorf("found %v", codes(r))
	}
}

// TestPage holds docs/doctor.md to name every code, and no other.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`(?:e\.(?:open|weak|note)\(|\{)"([a-z]+\.[a-z_]+)"`)
	row := regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)` \\| (open|weak|note) \\|")
	in, documented := map[string]bool{}, map[string]bool{}
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			in[m[1]] = true
		}
	}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if documented[m[1]] {
			t.Errorf("docs/doctor.md names %s twice", m[1])
		}
		documented[m[1]] = true
		if !in[m[1]] {
			t.Errorf("docs/doctor.md names %s, which nothing finds", m[1])
		}
	}
	reached := map[string]bool{}
	for _, c := range changes() {
		reached[c.code] = true
	}
	for code := range in {
		if !documented[code] {
			t.Errorf("docs/doctor.md does not name %s", code)
		}
		if subject, _, _ := strings.Cut(code, "."); subject != "imagepolicy" && subject != "containerd" && !reached[code] {
			t.Errorf("no change reaches %s", code)
		}
	}
	if len(in) < 50 {
		t.Errorf("found %d codes in the sources; the pattern is wrong", len(in))
	}
}
