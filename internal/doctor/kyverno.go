package doctor

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// kyvernoPolicy is kyverno.io/v1 ClusterPolicy or Policy.
type kyvernoPolicy struct {
	Spec struct {
		FailureAction string            `json:"validationFailureAction"`
		Overrides     []json.RawMessage `json:"validationFailureActionOverrides"`
		FailurePolicy string            `json:"failurePolicy"`
		Admission     *bool             `json:"admission"`
		Webhook       struct {
			FailurePolicy   string            `json:"failurePolicy"`
			MatchConditions []json.RawMessage `json:"matchConditions"`
		} `json:"webhookConfiguration"`
		Rules []kyvernoRule `json:"rules"`
	} `json:"spec"`
}

type kyvernoRule struct {
	Name     string            `json:"name"`
	Match    kyvernoMatch      `json:"match"`
	Exclude  json.RawMessage   `json:"exclude"`
	Matched  []json.RawMessage `json:"celPreconditions"`
	Before   json.RawMessage   `json:"preconditions"`
	Context  []kyvernoContext  `json:"context"`
	Validate *kyvernoValidate  `json:"validate"`
}

type kyvernoContext struct {
	APICall *struct {
		Service struct {
			URL      string `json:"url"`
			CABundle string `json:"caBundle"`
		} `json:"service"`
		Default json.RawMessage `json:"default"`
	} `json:"apiCall"`
}

type kyvernoValidate struct {
	FailureAction string            `json:"failureAction"`
	Overrides     []json.RawMessage `json:"failureActionOverrides"`
	AllowExisting *bool             `json:"allowExistingViolations"`
	Foreach       []struct {
		Context []kyvernoContext `json:"context"`
		Before  json.RawMessage  `json:"preconditions"`
		Deny    json.RawMessage  `json:"deny"`
	} `json:"foreach"`
	Deny json.RawMessage `json:"deny"`
}

// kyverno examines the policies that ask /v1/verify.
func (e *examiner) kyverno() {
	var names []string
	var asked []kyvernoFilter
	for _, kind := range []string{"ClusterPolicy", "Policy"} {
		each(e, "kyverno.io", kind, func(o Object, p kyvernoPolicy) {
			for _, r := range p.Spec.Rules {
				if calls := r.calls(); len(calls) > 0 {
					names = append(names, o.Metadata.Name)
					e.kyvernoRule(o, p, r, calls)
					e.kyvernoScope(o, r)
					asked = append(asked, r.Match.filters()...)
				}
			}
		})
	}
	if len(names) == 0 {
		return
	}
	e.gate("kyverno")
	e.kyvernoCoverage(names[0], asked)
	e.kyvernoExceptions(names)
	e.kyvernoWebhook()
}

// calls are the places of a rule that ask assay.
func (r kyvernoRule) calls() []kyvernoContext {
	contexts := r.Context
	if r.Validate != nil {
		for _, f := range r.Validate.Foreach {
			contexts = slices.Concat(contexts, f.Context)
		}
	}
	return slices.DeleteFunc(slices.Clone(contexts), func(c kyvernoContext) bool {
		if c.APICall == nil {
			return true
		}
		u, err := url.Parse(c.APICall.Service.URL)
		return err != nil || u.Path != "/v1/verify"
	})
}

func (e *examiner) kyvernoRule(o Object, p kyvernoPolicy, r kyvernoRule, calls []kyvernoContext) {
	where := fmt.Sprintf("%s rule %s", o.where(), r.Name)
	if p.Spec.FailurePolicy == "Ignore" || p.Spec.Webhook.FailurePolicy == "Ignore" {
		e.open("kyverno.fails_open", o.where()+" failurePolicy", "Ignore", "set Fail: with Ignore an API server admits what Kyverno did not answer, and Kyverno what the call could not tell")
	}
	if p.Spec.Admission != nil && !*p.Spec.Admission {
		e.open("kyverno.not_enforced", o.where()+" spec.admission", "false", "set true: the policy only reports")
	}
	if n := len(p.Spec.Webhook.MatchConditions); n > 0 {
		e.open("kyverno.narrowed", o.where()+" spec.webhookConfiguration.matchConditions", fmt.Sprintf("%d conditions", n), "remove them: what does not match is not judged")
	}
	if present(r.Exclude) {
		e.open("kyverno.narrowed", where+" exclude", string(r.Exclude), "remove it: what is excluded is not judged")
	}
	if n := len(r.Matched); n > 0 {
		e.open("kyverno.narrowed", where+" celPreconditions", fmt.Sprintf("%d conditions", n), "remove them: what does not match is not judged")
	}
	for _, c := range calls {
		e.kyvernoCall(where, c)
	}
	v := r.Validate
	if v == nil {
		e.open("kyverno.not_enforced", where, "no validate", "deny in the rule that asks")
		return
	}
	if action := or(v.FailureAction, or(p.Spec.FailureAction, "Audit")); !strings.EqualFold(action, "enforce") {
		e.open("kyverno.not_enforced", where+" validate.failureAction", action, "set Enforce: Kyverno's default, Audit, only reports")
	}
	if n := len(v.Overrides) + len(p.Spec.Overrides); n > 0 {
		e.open("kyverno.overridden", where+" validate.failureActionOverrides", fmt.Sprintf("%d overrides", n), "remove them: they can turn Enforce into Audit for some namespaces")
	}
	if v.AllowExisting == nil || *v.AllowExisting {
		e.weak("kyverno.existing_violations", where+" validate.allowExistingViolations", "true", "set false: an update of an object that was refused before is let through otherwise")
	}
}

func (e *examiner) kyvernoCall(where string, c kyvernoContext) {
	call := c.APICall
	if present(call.Default) || string(call.Default) == `""` || string(call.Default) == "{}" {
		e.open("kyverno.default_answer", where+" context.apiCall.default", string(call.Default), "remove it: it is the answer where assay gave none")
	}
	if !strings.HasPrefix(call.Service.URL, "https://") {
		e.open("kyverno.not_tls", where+" context.apiCall.service.url", call.Service.URL, "use https and caBundle: whoever stands between answers for assay")
	} else if call.Service.CABundle == "" {
		e.weak("kyverno.no_ca", where+" context.apiCall.service.caBundle", "nothing", "set the CA of the server's certificate")
	}
}

// kyvernoExceptions names PolicyExceptions of those policies.
func (e *examiner) kyvernoExceptions(policies []string) {
	type exception struct {
		Spec struct {
			Exceptions []struct {
				Policy string `json:"policyName"`
			} `json:"exceptions"`
		} `json:"spec"`
	}
	each(e, "kyverno.io", "PolicyException", func(o Object, x exception) {
		for _, one := range x.Spec.Exceptions {
			_, name, divided := strings.Cut(one.Policy, "/")
			if !divided {
				name = one.Policy
			}
			if slices.Contains(policies, name) || strings.ContainsAny(name, "*?") {
				e.open("kyverno.exception", o.where(), one.Policy, "remove it, and grant exceptions in assay's own file, where they end")
			}
		}
	})
}

// kyvernoWebhook looks whether Kyverno has the webhook that policies with Fail are in.
func (e *examiner) kyvernoWebhook() {
	var closed []rule
	each(e, admissionGroup, validating, func(o Object, c webhookConfiguration) {
		if !strings.HasPrefix(o.Metadata.Name, "kyverno-resource-validating-webhook") {
			return
		}
		for i, w := range c.Webhooks {
			if w.FailurePolicy != "Ignore" {
				closed = append(closed, w.Rules...)
				e.kyvernoSelectors(fmt.Sprintf("%s webhooks[%d]", o.where(), i), w)
			}
		}
	})
	if missing := uncovered(closed); len(missing) > 0 {
		e.open("kyverno.no_webhook", "Kyverno", "in kyverno-resource-validating-webhook-cfg with failurePolicy Fail: "+strings.Join(missing, ", "), "look whether Kyverno runs and the policy is ready")
	}
}

// kyvernoSelectors examines what a webhook of Kyverno's is not asked about.
func (e *examiner) kyvernoSelectors(where string, w webhook) {
	if present(w.ObjectSelector) {
		e.open("kyverno.object_selector", where+".objectSelector", string(w.ObjectSelector), "remove it from Kyverno's configuration: whoever creates a pod writes its labels")
	}
	if n := len(w.MatchConditions); n > 0 {
		e.open("kyverno.narrowed", where+".matchConditions", fmt.Sprintf("%d conditions", n), "remove them from Kyverno's configuration: what does not match is not judged")
	}
	for key, value := range w.NamespaceSelector.MatchLabels {
		e.open("kyverno.namespace_label", where+".namespaceSelector", key+"="+value, "leave namespaces out by "+nameLabel+" and NotIn alone: one that is created tomorrow is not judged")
	}
	for _, x := range w.NamespaceSelector.MatchExpressions {
		switch {
		case x.Key == nameLabel && x.Operator == "NotIn":
			e.exempt(where+".namespaceSelector", x.Values, "kyverno")
		case x.Key == nameLabel && x.Operator == "Exists":
		default:
			e.open("kyverno.namespace_label", where+".namespaceSelector", x.Key+" "+x.Operator, "leave namespaces out by "+nameLabel+" and NotIn alone: whoever may label a namespace can take it out")
		}
	}
}
