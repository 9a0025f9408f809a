// Package test runs the Rego of the ConstraintTemplate with every kind of answer that a
// provider can give, and none.
package test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"
	"go.yaml.in/yaml/v3"
)

func source(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Spec struct {
			Targets []struct {
				Rego string `yaml:"rego"`
			} `yaml:"targets"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	return template.Spec.Targets[0].Rego
}

// violations evaluates one review. answer is what external_data gives; nil is nothing.
func violations(t *testing.T, text string, review map[string]any, answer func(keys []string) any) ([]string, error) {
	t.Helper()
	external := rego.Function1(&rego.Function{Name: "external_data", Decl: types.NewFunction(types.Args(types.A), types.A)},
		func(_ rego.BuiltinContext, a *ast.Term) (*ast.Term, error) {
			v, err := ast.JSON(a.Value)
			if err != nil {
				return nil, err
			}
			question := v.(map[string]any)
			if question["provider"] != "assay" {
				return nil, fmt.Errorf("another provider was asked: %v", question["provider"])
			}
			var keys []string
			for _, k := range question["keys"].([]any) {
				keys = append(keys, k.(string))
			}
			got := answer(keys)
			if got == nil {
				return nil, nil
			}
			value, err := ast.InterfaceToValue(got)
			return ast.NewTerm(value), err
		})
	r := rego.New(rego.Query("data.assayimages.violation"), rego.SetRegoVersion(ast.RegoV0), rego.Module("template.rego", text), external,
		rego.Input(map[string]any{"review": review}))
	set, err := r.Eval(t.Context())
	if err != nil {
		return nil, err
	}
	var all []string
	for _, result := range set {
		for _, v := range result.Expressions[0].Value.([]any) {
			all = append(all, fmt.Sprint(v.(map[string]any)["msg"]))
		}
	}
	return all, nil
}

const good, bad = "registry.test/a:1@sha256:aa", "registry.test/b:1"

func pod(images ...string) map[string]any {
	var containers []any
	for _, i := range images {
		containers = append(containers, map[string]any{"name": "c", "image": i})
	}
	return map[string]any{"kind": "Pod", "spec": map[string]any{"containers": containers}}
}

func review(operation string, object, old map[string]any) map[string]any {
	kind, _ := object["kind"].(string)
	r := map[string]any{"operation": operation, "kind": map[string]any{"kind": kind}, "object": object}
	if old != nil {
		r["oldObject"] = old
	}
	return r
}

// passing answers for every key as assay does for what passed.
func passing(keys []string) any {
	var all []any
	for _, k := range keys {
		all = append(all, []any{k, map[string]any{"outcome": "passed"}})
	}
	return answer(all, nil, "")
}

func answer(responses, failed []any, system string) map[string]any {
	if responses == nil {
		responses = []any{}
	}
	if failed == nil {
		failed = []any{}
	}
	return map[string]any{"responses": responses, "errors": failed, "status_code": 200, "system_error": system}
}

// refusing answers well for good alone.
func refusing(keys []string) any {
	var responses, failed []any
	for _, k := range keys {
		if k == good {
			responses = append(responses, []any{k, map[string]any{"outcome": "passed"}})
		} else {
			failed = append(failed, []any{k, "FAIL " + k})
		}
	}
	return answer(responses, failed, "")
}

// TestSilenceDenies gives every answer that is none.
func TestSilenceDenies(t *testing.T) {
	text := source(t)
	for name, give := range map[string]func([]string) any{
		"nothing":      func([]string) any { return nil },
		"empty":        func([]string) any { return map[string]any{} },
		"no responses": func([]string) any { return answer(nil, nil, "") },
		"system error": func(keys []string) any { a := passing(keys).(map[string]any); a["system_error"] = "down"; return a },
		"system alone": func([]string) any { return answer(nil, nil, "connection refused") },
		"another key":  func([]string) any { return passing([]string{"another"}) },
		"one of two":   func([]string) any { return passing([]string{good}) },
		"error":        refusing,
		"both": func(k []string) any {
			a := passing(k).(map[string]any)
			a["errors"] = []any{[]any{bad, "no"}}
			return a
		},
		"no outcome": func(k []string) any {
			return answer([]any{[]any{good, map[string]any{}}, []any{bad, map[string]any{}}}, nil, "")
		},
		"text": func(k []string) any { return answer([]any{[]any{good, "passed"}, []any{bad, "passed"}}, nil, "") },
		"other outcome": func(k []string) any {
			return answer([]any{[]any{good, map[string]any{"outcome": "passed"}}, []any{bad, map[string]any{"outcome": "undecided"}}}, nil, "")
		},
		"true": func(k []string) any { return true },
		"list": func(k []string) any { return []any{} },
	} {
		found, err := violations(t, text, review("CREATE", pod(good, bad), nil), give)
		if err == nil && len(found) == 0 {
			t.Errorf("%s: admitted", name)
		}
	}
}

// TestEveryImageIsAsked puts the refused image everywhere that an image can be.
func TestEveryImageIsAsked(t *testing.T) {
	text := source(t)
	spec := func(list string) map[string]any {
		s := pod(good)["spec"].(map[string]any)
		if list == "volumes" {
			s[list] = []any{map[string]any{"name": "v", "image": map[string]any{"reference": bad}}}
			return s
		}
		old, _ := s[list].([]any)
		s[list] = append(old, map[string]any{"name": "x", "image": bad})
		return s
	}
	in := func(kind string, s map[string]any) map[string]any {
		switch kind {
		case "Pod":
			return map[string]any{"kind": kind, "spec": s}
		case "PodTemplate":
			return map[string]any{"kind": kind, "template": map[string]any{"spec": s}}
		case "CronJob":
			return map[string]any{"kind": kind, "spec": map[string]any{"jobTemplate": map[string]any{"spec": map[string]any{"template": map[string]any{"spec": s}}}}}
		}
		return map[string]any{"kind": kind, "spec": map[string]any{"template": map[string]any{"spec": s}}}
	}
	for _, kind := range []string{"Pod", "PodTemplate", "CronJob", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"} {
		for _, list := range []string{"containers", "initContainers", "ephemeralContainers", "volumes"} {
			found, err := violations(t, text, review("CREATE", in(kind, spec(list)), nil), refusing)
			if err != nil || len(found) != 1 || !strings.Contains(found[0], bad) {
				t.Errorf("%s %s: found %v, %v", kind, list, found, err)
			}
		}
		if found, err := violations(t, text, review("CREATE", in(kind, pod(good)["spec"].(map[string]any)), nil), refusing); err != nil || len(found) != 0 {
			t.Errorf("%s: found %v, %v", kind, found, err)
		}
	}
}

// TestNoImageDenies is of objects in which the template finds nothing to ask about.
func TestNoImageDenies(t *testing.T) {
	text := source(t)
	for name, object := range map[string]map[string]any{
		"another kind": {"kind": "Worker", "spec": map[string]any{"image": good}}, "no kind": {"spec": map[string]any{}}, "no spec": {"kind": "Pod"},
		"no containers": {"kind": "Pod", "spec": map[string]any{}}, "null": {"kind": "Pod", "spec": map[string]any{"containers": nil}},
	} {
		if found, err := violations(t, text, review("CREATE", object, nil), passing); err == nil && len(found) == 0 {
			t.Errorf("%s: admitted", name)
		}
	}
	// A container without image is asked about as "", which assay refuses.
	if found, err := violations(t, text, review("CREATE", map[string]any{"kind": "Pod", "spec": map[string]any{"containers": []any{map[string]any{"name": "c"}}}}, nil), refusing); err == nil && len(found) == 0 {
		t.Error("no image: admitted")
	}
}

// TestUpdates is of what needs no judgement, and of what only seems to.
func TestUpdates(t *testing.T) {
	text := source(t)
	deleting := pod(bad)
	deleting["metadata"] = map[string]any{"deletionTimestamp": "2026-11-22T00:00:00Z"}
	for _, c := range []struct {
		name   string
		review map[string]any
		denied bool
	}{
		{"unchanged", review("UPDATE", pod(bad), pod(bad)), false},
		{"deleted", review("DELETE", pod(bad), nil), false},
		{"terminating", review("UPDATE", pod(bad), deleting), false},
		{"create", review("CREATE", pod(bad), pod(bad)), true},
		{"create of what says it is deleted", review("CREATE", deleting, nil), true},
		{"update to what says it is deleted", review("UPDATE", deleting, pod(good)), true},
		{"changed", review("UPDATE", pod(bad), pod(good)), true},
		{"added", review("UPDATE", pod(good, bad), pod(good)), true},
		{"moved", review("UPDATE", pod(bad, good), pod(good, bad)), true},
		{"no old object", review("UPDATE", pod(bad), nil), true},
	} {
		found, err := violations(t, text, c.review, refusing)
		if err != nil || (len(found) > 0) != c.denied {
			t.Errorf("%s: found %v, %v", c.name, found, err)
		}
	}
}
