package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Label is what the chart puts on everything that belongs to assay.
const Label = "app.kubernetes.io/name=assay"

// deployment is apps/v1 Deployment.
type deployment struct {
	Spec struct {
		Replicas *int `json:"replicas"`
		Template struct {
			Spec struct {
				Containers []serverContainer `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// serverContainer is the container of a Deployment, whose flags and variables say more than
// the file of settings.
type serverContainer struct {
	Image   string   `json:"image"`
	Command []string `json:"command"`
	Args    []string `json:"args"`
	Env     []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"env"`
	EnvFrom []json.RawMessage `json:"envFrom"`
}

// tagSettings are those that admit tags.
var tagSettings = []string{"allow_tags", "review_tags"}

// overrides examines flags and variables, each of which replaces what the file says.
func (e *examiner) overrides(where string, c serverContainer) {
	for _, name := range tagSettings {
		flag, variable := strings.ReplaceAll(name, "_", "-"), "ASSAY_SERVE_"+strings.ToUpper(name)
		for _, arg := range slices.Concat(c.Command, c.Args) {
			given, value, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if strings.HasPrefix(arg, "-") && given == flag && !(valued && value == "false") {
				e.open("server.tags", where+" args", arg, "remove it: a tag can be moved between the verdict and the pull")
			}
		}
		for _, v := range c.Env {
			if v.Name == variable && v.Value != "false" {
				e.open("server.tags", where+" env", v.Name+"="+v.Value, "remove it: a tag can be moved between the verdict and the pull")
			}
		}
	}
	if len(c.EnvFrom) > 0 {
		e.unread = append(e.unread, where+" envFrom: variables that can change every setting are in other objects; wanted them in the file of settings")
	}
}

// server examines how assay itself runs.
func (e *examiner) server() {
	budgets, policies, scaled := map[string]bool{}, map[string]bool{}, map[string]bool{}
	each(e, "policy", "PodDisruptionBudget", func(o Object, _ struct{}) {
		budgets[o.Metadata.Namespace] = budgets[o.Metadata.Namespace] || o.isOurs()
	})
	each(e, "networking.k8s.io", "NetworkPolicy", func(o Object, _ struct{}) {
		policies[o.Metadata.Namespace] = policies[o.Metadata.Namespace] || o.isOurs()
	})
	each(e, "autoscaling", "HorizontalPodAutoscaler", func(o Object, _ struct{}) { scaled[o.Metadata.Namespace] = scaled[o.Metadata.Namespace] || o.isOurs() })
	each(e, "apps", "Deployment", func(o Object, d deployment) {
		if !o.isOurs() {
			return
		}
		n := 1
		if d.Spec.Replicas != nil {
			n = *d.Spec.Replicas
		}
		switch {
		case n == 0:
			e.weak("server.stopped", o.where()+" spec.replicas", "0", "start it: nothing new is admitted")
		case n == 1 && !scaled[o.Metadata.Namespace]:
			e.weak("server.alone", o.where()+" spec.replicas", "1", "run two or more: while the only one restarts nothing new is admitted, which is when somebody opens the webhooks")
		}
		if !budgets[o.Metadata.Namespace] {
			e.weak("server.no_budget", o.where(), "no PodDisruptionBudget", "add one, so that draining nodes does not stop all replicas at once")
		}
		if !policies[o.Metadata.Namespace] {
			e.weak("server.no_network_policy", o.where(), "no NetworkPolicy", "add one, so that not every pod can ask at the admission doors")
		}
		for _, c := range d.Spec.Template.Spec.Containers {
			e.overrides(o.where(), c)
			if !strings.Contains(c.Image, "@sha256:") {
				e.note("server.tag", o.where()+" image", c.Image, "name the image by its digest: what judges images is not judged by itself")
			}
		}
	})
	each(e, "", "ConfigMap", func(o Object, c struct {
		Data map[string]string `json:"data"`
	},
	) {
		if text, ok := c.Data["settings.yaml"]; ok && o.isOurs() {
			e.settings(o.where()+" settings.yaml", text)
		}
	})
}

func (o Object) isOurs() bool { return o.Metadata.Labels["app.kubernetes.io/name"] == "assay" }

// settings examines those of the server that open a door.
func (e *examiner) settings(where, text string) {
	var s struct {
		Auth       string `yaml:"auth"`
		AllowTags  bool   `yaml:"allow_tags"`
		ReviewTags bool   `yaml:"review_tags"`
	}
	if err := yaml.Unmarshal([]byte(text), &s); err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", where, err))
		return
	}
	if s.AllowTags {
		e.open("server.tags", where+" allow_tags", "true", "set false: a tag can be moved between the verdict and the pull")
	}
	if s.ReviewTags {
		e.open("server.tags", where+" review_tags", "true", "set false: a tag can be moved between the verdict and the pull")
	}
	if s.Auth == "none" {
		e.weak("server.no_auth", where+" auth", "none", "set bearer or mtls: whoever reaches the doors can ask, and reads verdicts")
	}
}
