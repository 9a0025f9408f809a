package doctor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kyvernoMatch says which requests a rule is for: those of one filter, of any, or of all.
type kyvernoMatch struct {
	kyvernoFilter
	Any []kyvernoFilter `json:"any"`
	All []kyvernoFilter `json:"all"`
}

type kyvernoFilter struct {
	Resources    map[string]json.RawMessage `json:"resources"`
	Subjects     json.RawMessage            `json:"subjects"`
	Roles        json.RawMessage            `json:"roles"`
	ClusterRoles json.RawMessage            `json:"clusterRoles"`
}

// filters are those of a rule, whichever way they are written.
func (m kyvernoMatch) filters() []kyvernoFilter {
	all := slices.Concat(m.Any, m.All)
	if len(m.Resources) > 0 {
		all = append(all, m.kyvernoFilter)
	}
	return all
}

// beingDeleted is what the one precondition reads that leaves nothing out.
const beingDeleted = "request.oldObject.metadata.deletionTimestamp"

// kyvernoScope examines what a rule that asks is not for, and whether it heeds the answer.
func (e *examiner) kyvernoScope(o Object, r kyvernoRule) {
	where := fmt.Sprintf("%s rule %s", o.where(), r.Name)
	narrowed := func(field, found string) {
		e.open("kyverno.narrowed", where+" "+field, found, "remove it: what does not match is not judged")
	}
	if o.Kind == "Policy" {
		narrowed("kind", "Policy, which is for its own namespace alone")
	}
	if len(r.Match.All) > 1 {
		narrowed("match.all", fmt.Sprintf("%d filters", len(r.Match.All)))
	}
	for _, f := range r.Match.filters() {
		for _, field := range slices.Sorted(maps.Keys(f.Resources)) {
			if raw := f.Resources[field]; field != "kinds" && field != "operations" && present(raw) {
				narrowed("match resources."+field, string(raw))
			}
		}
		for _, people := range []json.RawMessage{f.Subjects, f.Roles, f.ClusterRoles} {
			if present(people) {
				narrowed("match", string(people))
			}
		}
	}
	before := []json.RawMessage{r.Before}
	if r.Validate != nil {
		heeded := strings.Contains(string(r.Validate.Deny), ".verdict")
		for _, f := range r.Validate.Foreach {
			before = append(before, f.Before)
			heeded = heeded || strings.Contains(string(f.Deny), ".verdict")
		}
		if !heeded {
			e.open("kyverno.not_enforced", where+" validate", "no deny that reads the answer's verdict", "deny unless verdict is pass, as deploy/kyverno/policy.yaml does")
		}
	}
	for _, raw := range before {
		if n := conditions(raw); n < 0 {
			narrowed("preconditions", string(raw))
		}
	}
}

// conditions counts preconditions that are about objects being deleted, and is below 0 if
// there is another.
func conditions(raw json.RawMessage) int {
	if !present(raw) {
		return 0
	}
	type condition struct {
		Key string `json:"key"`
	}
	var groups struct {
		Any, All []condition
	}
	var all []condition
	if json.Unmarshal(raw, &groups) == nil {
		all = slices.Concat(groups.Any, groups.All)
	} else if json.Unmarshal(raw, &all) != nil {
		return -1
	}
	for _, c := range all {
		if !strings.Contains(c.Key, beingDeleted) {
			return -1
		}
	}
	return len(all)
}

// kyvernoCoverage names what no rule asks about.
func (e *examiner) kyvernoCoverage(policy string, filters []kyvernoFilter) {
	for _, t := range []struct {
		kinds     []string
		operation string
	}{
		{[]string{"Pod"}, "CREATE"},
		{[]string{"Pod"}, "UPDATE"},
		{[]string{"Pod/ephemeralcontainers", "Pod/*"}, "UPDATE"},
	} {
		asked := slices.ContainsFunc(filters, func(f kyvernoFilter) bool {
			var kinds, operations []string
			_ = json.Unmarshal(f.Resources["kinds"], &kinds) // what is no list of texts asks about nothing
			_ = json.Unmarshal(f.Resources["operations"], &operations)
			if present(f.Resources["operations"]) && !slices.Contains(operations, t.operation) {
				return false
			}
			return slices.ContainsFunc(kinds, func(k string) bool {
				return slices.Contains(t.kinds, strings.TrimPrefix(k, "v1/"))
			})
		})
		if !asked {
			e.open("kyverno.not_asked", "the rules of "+policy, "no rule for "+t.operation+" of "+t.kinds[0], "add it: what is not asked about runs unjudged")
		}
	}
}
