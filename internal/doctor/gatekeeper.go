package doctor

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// provider is externaldata.gatekeeper.sh/v1beta1 Provider.
type provider struct {
	Spec struct {
		URL      string `json:"url"`
		CABundle string `json:"caBundle"`
		Timeout  int    `json:"timeout"`
		Insecure bool   `json:"insecureTLSSkipVerify"` // v1alpha1 alone
	} `json:"spec"`
}

// constraintTemplate is templates.gatekeeper.sh ConstraintTemplate.
type constraintTemplate struct {
	Spec struct {
		CRD struct {
			Spec struct {
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
			} `json:"spec"`
		} `json:"crd"`
		Targets []struct {
			Rego string `json:"rego"`
			Code []struct {
				Engine string `json:"engine"`
				Source struct {
					Rego string `json:"rego"`
				} `json:"source"`
			} `json:"code"`
		} `json:"targets"`
	} `json:"spec"`
}

func (t constraintTemplate) rego() string {
	var all []string
	for _, target := range t.Spec.Targets {
		all = append(all, target.Rego)
		for _, c := range target.Code {
			all = append(all, c.Source.Rego)
		}
	}
	return strings.Join(all, "\n")
}

// constraint is an object of constraints.gatekeeper.sh.
type constraint struct {
	Spec struct {
		EnforcementAction string `json:"enforcementAction"`
		Scoped            []struct {
			Action string `json:"action"`
			Points []struct {
				Name string `json:"name"`
			} `json:"enforcementPoints"`
		} `json:"scopedEnforcementActions"`
		Match map[string]json.RawMessage `json:"match"`
	} `json:"spec"`
}

// gatekeeper examines the chain from Gatekeeper's webhook to assay's door.
func (e *examiner) gatekeeper() {
	names := e.providers()
	if len(names) == 0 {
		return
	}
	e.gate("gatekeeper")
	kinds := e.templates(names)
	if len(kinds) == 0 {
		e.open("gatekeeper.no_template", "Provider "+names[0], "no ConstraintTemplate asks it", "apply deploy/gatekeeper/template.yaml")
	}
	enforced := false
	for _, o := range e.in.Objects {
		if o.group() == "constraints.gatekeeper.sh" && slices.Contains(kinds, o.Kind) {
			decode(e, o, func(o Object, c constraint) {
				enforced = e.constraint(o, c) || enforced
			})
		}
	}
	if len(kinds) > 0 && !enforced {
		e.open("gatekeeper.no_constraint", "ConstraintTemplate for "+strings.Join(kinds, ", "), "no constraint that denies", "apply deploy/gatekeeper/constraint.yaml")
	}
	e.gatekeeperWebhook()
	e.gatekeeperConfig()
}

// providers examines those that call assay, and returns their names.
func (e *examiner) providers() []string {
	var names []string
	each(e, "externaldata.gatekeeper.sh", "Provider", func(o Object, p provider) {
		u, err := url.Parse(p.Spec.URL)
		if err != nil || u.Path != "/gatekeeper" && u.Path != "/gatekeeper/mutate" {
			return
		}
		names = append(names, o.Metadata.Name)
		if u.Scheme != "https" || p.Spec.Insecure {
			e.open("gatekeeper.not_tls", o.where()+" spec.url", p.Spec.URL, "use https and caBundle: whoever stands between answers for assay")
		} else if p.Spec.CABundle == "" {
			e.weak("gatekeeper.no_ca", o.where()+" spec.caBundle", "nothing", "set the CA of the server's certificate")
		}
		if o.APIVersion != "externaldata.gatekeeper.sh/v1beta1" {
			e.weak("gatekeeper.old_version", o.where()+" apiVersion", o.APIVersion, "use externaldata.gatekeeper.sh/v1beta1")
		}
	})
	return names
}

// templates examines the templates that ask one of the providers, and returns the kinds
// of their constraints. The text is searched, not run: it can be wrong in ways that are
// not seen here.
func (e *examiner) templates(providers []string) []string {
	var kinds []string
	each(e, "templates.gatekeeper.sh", "ConstraintTemplate", func(o Object, t constraintTemplate) {
		rego := withoutComments(t.rego())
		asks := strings.Contains(rego, "external_data") && slices.ContainsFunc(providers, func(p string) bool { return strings.Contains(rego, `"`+p+`"`) })
		if !asks {
			return
		}
		kinds = append(kinds, t.Spec.CRD.Spec.Names.Kind)
		for _, need := range []struct{ code, word, what string }{
			{"gatekeeper.errors_pass", ".errors", "the errors of single keys"},
			{"gatekeeper.system_error_passes", ".system_error", "system_error, which stands where the provider could not be reached"},
			{"gatekeeper.missing_keys_pass", ".responses", "keys that are missing from the responses"},
		} {
			if !strings.Contains(rego, need.word) {
				e.open(need.code, o.where(), "the Rego never reads "+need.word, "deny on "+need.what+", as deploy/gatekeeper/template.yaml does")
			}
		}
	})
	return kinds
}

// withoutComments takes Rego's comments out.
func withoutComments(rego string) string {
	lines := strings.Split(rego, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// constraint reports whether a constraint denies, and examines whom it leaves out.
func (e *examiner) constraint(o Object, c constraint) bool {
	action := or(c.Spec.EnforcementAction, "deny")
	denies := action == "deny"
	if action == "scoped" {
		for _, s := range c.Spec.Scoped {
			for _, p := range s.Points {
				denies = denies || s.Action == "deny" && (p.Name == "validation.gatekeeper.sh" || p.Name == "*")
			}
		}
	}
	if !denies {
		e.open("gatekeeper.not_enforced", o.where()+" spec.enforcementAction", action, "set deny: anything else only reports")
	}
	for _, field := range []string{"labelSelector", "namespaceSelector", "namespaces", "name", "source", "scope"} {
		raw := c.Spec.Match[field]
		all := string(raw) == `"*"` || string(raw) == `"All"` || field == "scope" && string(raw) == `"Namespaced"`
		if present(raw) && !all {
			e.open("gatekeeper.narrowed", o.where()+" spec.match."+field, string(raw), "remove it: what does not match is not judged")
		}
	}
	if raw := c.Spec.Match["kinds"]; present(raw) && denies {
		e.constraintKinds(o, raw)
	}
	var excluded []string
	if raw := c.Spec.Match["excludedNamespaces"]; present(raw) {
		if err := json.Unmarshal(raw, &excluded); err != nil {
			e.unread = append(e.unread, fmt.Sprintf("%s spec.match.excludedNamespaces: %v", o.where(), err))
		}
	}
	e.exempt(o.where()+" spec.match.excludedNamespaces", excluded, "gatekeeper-system")
	return denies
}

// constraintKinds examines whether Pods are among what a constraint is for.
func (e *examiner) constraintKinds(o Object, raw json.RawMessage) {
	var kinds []struct {
		Groups []string `json:"apiGroups"`
		Kinds  []string `json:"kinds"`
	}
	if err := json.Unmarshal(raw, &kinds); err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s spec.match.kinds: %v", o.where(), err))
		return
	}
	for _, k := range kinds {
		if (slices.Contains(k.Groups, "") || slices.Contains(k.Groups, "*")) && (slices.Contains(k.Kinds, "Pod") || slices.Contains(k.Kinds, "*")) {
			return
		}
	}
	e.open("gatekeeper.not_asked", o.where()+" spec.match.kinds", string(raw), "add Pod: what makes pods by another way than these kinds is not judged")
}

// gatekeeperWebhook examines Gatekeeper's own webhooks, which are open as it ships them.
func (e *examiner) gatekeeperWebhook() {
	found, guarded := false, false
	var labelled []string
	each(e, admissionGroup, validating, func(o Object, c webhookConfiguration) {
		for i, w := range c.Webhooks {
			where := fmt.Sprintf("%s webhooks[%d]", o.where(), i)
			switch w.Name {
			case "validation.gatekeeper.sh":
				found = true
				if w.FailurePolicy == "Ignore" {
					e.open("gatekeeper.fails_open", where+".failurePolicy", "Ignore", "set Fail (validatingWebhookFailurePolicy in Gatekeeper's chart): a Gatekeeper that is down admits everything")
				}
				labelled = append(labelled, e.gatekeeperScope(where, w)...)
			case "check-ignore-label.gatekeeper.sh":
				guarded = w.FailurePolicy != "Ignore"
			}
		}
	})
	if !found {
		e.open("gatekeeper.no_webhook", "Gatekeeper", "no webhook validation.gatekeeper.sh", "install Gatekeeper's validating webhook: without it constraints are only audited")
	}
	for _, where := range labelled {
		if !guarded {
			e.open("gatekeeper.ignore_label", where, "a label takes a namespace out, and nothing guards the label", "keep check-ignore-label.gatekeeper.sh, with failurePolicy Fail")
		}
	}
}

// ignoreLabel is the label whose use check-ignore-label.gatekeeper.sh guards.
const ignoreLabel = "admission.gatekeeper.sh/ignore"

// gatekeeperScope examines what Gatekeeper's webhook is not asked about, and returns where
// the guarded label takes namespaces out.
func (e *examiner) gatekeeperScope(where string, w webhook) []string {
	if present(w.ObjectSelector) {
		e.open("gatekeeper.object_selector", where+".objectSelector", string(w.ObjectSelector), "remove it: whoever creates a pod writes its labels")
	}
	if n := len(w.MatchConditions); n > 0 {
		e.open("gatekeeper.narrowed", where+".matchConditions", fmt.Sprintf("%d conditions", n), "remove them: what they leave out is not judged")
	}
	for _, missing := range uncovered(w.Rules) {
		e.open("gatekeeper.not_asked", where+".rules", missing, "add it: what is not asked about runs unjudged")
	}
	var labelled []string
	s := w.NamespaceSelector
	for key, value := range s.MatchLabels {
		e.open("gatekeeper.narrowed", where+".namespaceSelector", key+"="+value, "remove it: a namespace without it is not judged")
	}
	for _, x := range s.MatchExpressions {
		switch {
		case x.Key == ignoreLabel && (x.Operator == "DoesNotExist" || x.Operator == "NotIn"):
			labelled = append(labelled, where+".namespaceSelector")
		case x.Key == nameLabel && x.Operator == "NotIn":
			e.exempt(where+".namespaceSelector", x.Values, "gatekeeper-system")
		case x.Key == nameLabel && x.Operator == "Exists":
		default:
			e.open("gatekeeper.narrowed", where+".namespaceSelector", strings.TrimSpace(x.Key+" "+x.Operator+" "+strings.Join(x.Values, ",")),
				"select by "+nameLabel+" with NotIn alone: whoever may label a namespace can take it out")
		}
	}
	return labelled
}

// gatekeeperConfig examines which namespaces Gatekeeper as a whole passes over.
func (e *examiner) gatekeeperConfig() {
	type config struct {
		Spec struct {
			Match []struct {
				Excluded  []string `json:"excludedNamespaces"`
				Processes []string `json:"processes"`
			} `json:"match"`
		} `json:"spec"`
	}
	each(e, "config.gatekeeper.sh", "Config", func(o Object, c config) {
		for i, m := range c.Spec.Match {
			if slices.Contains(m.Processes, "*") || slices.Contains(m.Processes, "webhook") {
				e.exempt(fmt.Sprintf("%s spec.match[%d].excludedNamespaces", o.where(), i), m.Excluded, "gatekeeper-system")
			}
		}
	})
}
