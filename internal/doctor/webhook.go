package doctor

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// webhookConfiguration is a ValidatingWebhookConfiguration or a mutating one,
// admissionregistration.k8s.io/v1.
type webhookConfiguration struct {
	Webhooks []webhook `json:"webhooks"`
}

type webhook struct {
	Name         string `json:"name"`
	ClientConfig struct {
		URL     string `json:"url"`
		Service struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
			Path      string `json:"path"`
		} `json:"service"`
		CABundle string `json:"caBundle"`
	} `json:"clientConfig"`
	Rules              []rule            `json:"rules"`
	FailurePolicy      string            `json:"failurePolicy"`
	MatchPolicy        string            `json:"matchPolicy"`
	NamespaceSelector  selector          `json:"namespaceSelector"`
	ObjectSelector     json.RawMessage   `json:"objectSelector"`
	MatchConditions    []json.RawMessage `json:"matchConditions"`
	TimeoutSeconds     *int              `json:"timeoutSeconds"`
	ReinvocationPolicy string            `json:"reinvocationPolicy"`
}

type rule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Operations  []string `json:"operations"`
	Resources   []string `json:"resources"`
	Scope       string   `json:"scope"`
}

type selector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

const (
	admissionGroup = "admissionregistration.k8s.io"
	validating     = "ValidatingWebhookConfiguration"
	mutating       = "MutatingWebhookConfiguration"
	// nameLabel is put on every namespace by the API server itself, with the namespace's
	// name, and cannot be changed.
	nameLabel = "kubernetes.io/metadata.name"
)

// repair are the namespaces that are left out so that a cluster can repair itself.
var repair = []string{"kube-system", "kube-node-lease", "kube-public"}

// webhooks examines the webhooks that ask assay.
func (e *examiner) webhooks() {
	var validates, mutates []placed
	each(e, admissionGroup, validating, func(o Object, c webhookConfiguration) {
		validates = append(validates, e.ours(o, c, "/admission/validate")...)
	})
	each(e, admissionGroup, mutating, func(o Object, c webhookConfiguration) {
		mutates = append(mutates, e.ours(o, c, "/admission/mutate")...)
	})
	for _, w := range slices.Concat(validates, mutates) {
		e.webhook(w)
	}
	for _, w := range mutates {
		if w.ReinvocationPolicy != "IfNeeded" {
			e.weak("webhook.not_reinvoked", w.where+".reinvocationPolicy", or(w.ReinvocationPolicy, "Never"),
				"set IfNeeded, so that an image which a later webhook brings is pinned too, and not only refused")
		}
	}
	if len(validates) > 0 {
		e.gate("webhook")
		e.coverage(validates)
	} else if len(mutates) > 0 {
		e.gate("webhook")
		e.open("webhook.validate_missing", mutates[0].where, "a mutating webhook and no validating one",
			"register /admission/validate too: a webhook that is called later can replace the image that was pinned")
	}
}

// placed is a webhook with its place.
type placed struct {
	webhook
	where string
}

// ours picks the webhooks of a configuration that call a door.
func (e *examiner) ours(o Object, c webhookConfiguration, door string) []placed {
	var found []placed
	for i, w := range c.Webhooks {
		service := w.ClientConfig.Service
		path := service.Path
		if w.ClientConfig.URL != "" {
			if u, err := url.Parse(w.ClientConfig.URL); err == nil {
				path = u.Path
			}
		}
		named := e.options.Service == "" || e.options.Service == service.Namespace+"/"+service.Name
		if named && strings.TrimSuffix(path, "/") == door {
			found = append(found, placed{w, fmt.Sprintf("%s webhooks[%d]", o.where(), i)})
		}
	}
	return found
}

func (e *examiner) webhook(w placed) {
	if w.FailurePolicy == "Ignore" {
		e.open("webhook.fails_open", w.where+".failurePolicy", "Ignore", "set Fail: with Ignore a server that is silent, slow or broken admits everything")
	}
	if present(w.ObjectSelector) && string(w.ObjectSelector) != `{"matchExpressions":[],"matchLabels":{}}` {
		e.open("webhook.object_selector", w.where+".objectSelector", string(w.ObjectSelector), "remove it: whoever creates a pod writes its labels, and opts out")
	}
	if len(w.MatchConditions) > 0 {
		e.open("webhook.match_conditions", w.where+".matchConditions", fmt.Sprintf("%d conditions", len(w.MatchConditions)),
			"remove them: what they leave out is not judged, and much of what they can read is written by whoever creates the object")
	}
	if w.MatchPolicy == "Exact" {
		e.open("webhook.match_exact", w.where+".matchPolicy", "Exact", "set Equivalent: with Exact an object sent by another version of its API is not judged")
	}
	if t := w.TimeoutSeconds; t != nil && (*t < 1 || *t > 30) {
		e.open("webhook.timeout", w.where+".timeoutSeconds", fmt.Sprint(*t), "set 1 to 30: an API server refuses anything else, and keeps what it had")
	} else if t != nil && *t < 3 {
		e.weak("webhook.timeout_short", w.where+".timeoutSeconds", fmt.Sprint(*t), "set about 10: less is too short for a first verification, and every new image is refused at first")
	}
	if w.ClientConfig.CABundle == "" {
		e.weak("webhook.no_ca", w.where+".clientConfig.caBundle", "nothing", "set the CA of the server's certificate: without it the API server trusts the roots of its own machine, and most likely every call fails")
	}
	if u := w.ClientConfig.URL; u != "" && !strings.HasPrefix(u, "https://") {
		e.open("webhook.not_tls", w.where+".clientConfig.url", u, "use https")
	}
	e.namespaces(w)
}

// namespaces examines which namespaces a webhook is not asked about.
func (e *examiner) namespaces(w placed) {
	where := w.where + ".namespaceSelector"
	listed := "take it out: a namespace that is created tomorrow is not judged; name those to leave out, with NotIn"
	for key, value := range w.NamespaceSelector.MatchLabels {
		if key != nameLabel {
			e.open("webhook.namespace_label", where, key+"="+value, "select by "+nameLabel+" alone: whoever may label a namespace can take it out")
			continue
		}
		e.open("webhook.namespaces_listed", where, value, listed)
	}
	for _, x := range w.NamespaceSelector.MatchExpressions {
		switch {
		case x.Key != nameLabel:
			e.open("webhook.namespace_label", where, strings.TrimSpace(x.Key+" "+x.Operator+" "+strings.Join(x.Values, ",")),
				"select by "+nameLabel+" alone: whoever may label a namespace can take it out")
		case x.Operator == "In" || x.Operator == "DoesNotExist":
			e.open("webhook.namespaces_listed", where, x.Operator+" "+strings.Join(x.Values, ","), listed)
		case x.Operator == "NotIn":
			e.exempt(where, x.Values, w.ClientConfig.Service.Namespace)
		}
	}
}

// exempt tells the namespaces that are left out for repair or on purpose from others.
func (e *examiner) exempt(where string, names []string, own string) {
	for _, name := range names {
		if name == own || slices.Contains(repair, name) || slices.Contains(e.options.Exempt, name) {
			e.note("webhook.exempt", where, name, "keep this namespace to the people who run the cluster: what is created in it is not judged")
			continue
		}
		e.open("webhook.exempt_other", where, name, "take it out, or say that it is meant so with --exempt "+name)
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
