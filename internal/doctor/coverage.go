package doctor

import (
	"slices"
	"strings"
)

// target is what a webhook has to be asked about.
type target struct {
	group, resource, operation string
	level                      Level
}

// targets lists everything that runs an image. Without the workloads nothing gets in,
// since their pods are judged; but it is then found out late, by a controller.
func targets() []target {
	all := []target{
		{"", "pods", "CREATE", Open},
		{"", "pods", "UPDATE", Open},
		{"", "pods/ephemeralcontainers", "UPDATE", Open},
	}
	for _, w := range []struct{ group, resource string }{
		{"", "replicationcontrollers"},
		{"apps", "deployments"},
		{"apps", "replicasets"},
		{"apps", "statefulsets"},
		{"apps", "daemonsets"},
		{"batch", "jobs"},
		{"batch", "cronjobs"},
	} {
		all = append(all, target{w.group, w.resource, "CREATE", Weak}, target{w.group, w.resource, "UPDATE", Weak})
	}
	return all
}

// coverage names what no validating webhook is asked about.
func (e *examiner) coverage(webhooks []placed) {
	where := webhooks[0].where + ".rules"
	for _, t := range targets() {
		if slices.ContainsFunc(webhooks, func(w placed) bool { return slices.ContainsFunc(w.Rules, t.in) }) {
			continue
		}
		found := "no rule for " + t.operation + " of " + t.resource
		if t.level == Open {
			e.open("webhook.not_asked", where, found, "add it: what is not asked about runs unjudged")
		} else {
			e.weak("webhook.templates_not_asked", where, found, "add it: the pods are judged, but whoever makes the workload hears of a refusal only from its events")
		}
	}
}

// in reports whether a rule asks about the target.
func (t target) in(r rule) bool {
	has := func(list []string, value string) bool {
		return slices.Contains(list, value) || slices.Contains(list, "*")
	}
	return has(r.APIGroups, t.group) && has(r.APIVersions, "v1") && has(r.Operations, t.operation) && r.Scope != "Cluster" && t.among(r.Resources)
}

// among reports whether a list of resources names the target, as an API server reads it:
// * stands for every resource or subresource, and a name without / for no subresource.
func (t target) among(resources []string) bool {
	resource, sub, _ := strings.Cut(t.resource, "/")
	return slices.ContainsFunc(resources, func(r string) bool {
		name, of, _ := strings.Cut(r, "/")
		return (name == "*" || name == resource) && (of == "*" || of == sub)
	})
}

// uncovered names what lets an image run and no rule asks about.
func uncovered(rules []rule) []string {
	var missing []string
	for _, t := range targets() {
		if t.level == Open && !slices.ContainsFunc(rules, t.in) {
			missing = append(missing, "no rule for "+t.operation+" of "+t.resource)
		}
	}
	return missing
}
