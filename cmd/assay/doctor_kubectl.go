package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/doctor"
	"github.com/releaseassay/assay/internal/report"
)

// kubectlTime bounds one call of kubectl, and kubectlBytes what it may print.
const (
	kubectlTime  = time.Minute
	kubectlBytes = 64 << 20
)

// kubectl asks an API server by the command that people have, which knows every way to
// log in.
type kubectl struct{ command, kubeconfig, context string }

// resource is a kind of object to be read, by its name in kubectl, and whether only those
// of assay's label are.
type resource struct {
	name  string
	ours  bool
	extra bool // of a custom resource: without it there is nothing to read
}

// doctorResources are read in this order.
func doctorResources() []resource {
	return []resource{
		{name: "validatingwebhookconfigurations.admissionregistration.k8s.io"},
		{name: "mutatingwebhookconfigurations.admissionregistration.k8s.io"},
		{name: "deployments.apps", ours: true},
		{name: "poddisruptionbudgets.policy", ours: true},
		{name: "networkpolicies.networking.k8s.io", ours: true},
		{name: "horizontalpodautoscalers.autoscaling", ours: true},
		{name: "configmaps", ours: true},
		{name: "providers.externaldata.gatekeeper.sh", extra: true},
		{name: "constrainttemplates.templates.gatekeeper.sh", extra: true},
		{name: "configs.config.gatekeeper.sh", extra: true},
		{name: "clusterpolicies.kyverno.io", extra: true},
		{name: "policies.kyverno.io", extra: true},
		{name: "policyexceptions.kyverno.io", extra: true},
	}
}

// constraints ends the names of the resources that Gatekeeper makes of templates.
const constraints = ".constraints.gatekeeper.sh"

// objects reads what there is, and says what could not be read.
func (k kubectl) objects(ctx context.Context) ([]doctor.Object, []string) {
	names, err := k.run(ctx, "api-resources", "--output=name", "--verbs=list")
	if err != nil {
		return nil, []string{err.Error()}
	}
	var all []doctor.Object
	var unread []string
	known := map[string]bool{}
	resources := doctorResources()
	for name := range strings.FieldsSeq(string(names)) {
		known[name] = true
		if strings.HasSuffix(name, constraints) {
			resources = append(resources, resource{name: name})
		}
	}
	for _, r := range resources {
		if r.extra && !known[r.name] {
			continue
		}
		objects, err := k.get(ctx, r)
		if err != nil {
			unread = append(unread, err.Error())
		}
		all = append(all, objects...)
	}
	return all, unread
}

func (k kubectl) get(ctx context.Context, r resource) ([]doctor.Object, error) {
	args := []string{"get", r.name, "--all-namespaces", "--output=json"}
	if r.ours {
		args = append(args, "--selector="+doctor.Label)
	}
	b, err := k.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	objects, err := doctor.Read(b)
	if err != nil {
		return nil, fmt.Errorf("kubectl get %s: %w", r.name, err)
	}
	return objects, nil
}

// run calls kubectl once.
func (k kubectl) run(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kubectlTime)
	defer cancel()
	if k.kubeconfig != "" {
		args = append(args, "--kubeconfig="+k.kubeconfig)
	}
	if k.context != "" {
		args = append(args, "--context="+k.context)
	}
	out, complaint := &bounded{most: kubectlBytes}, &bounded{most: 64 << 10}
	cmd := exec.CommandContext(ctx, k.command, args...) //nolint:gosec // the command is the user's own choice
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, complaint, time.Second
	if err := cmd.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		words := report.Escape(strings.TrimSpace(complaint.String()), maxDoctorWord)
		if errors.Is(err, exec.ErrNotFound) {
			words = "name another command with --kubectl, or read saved objects with --from"
		}
		return nil, fmt.Errorf("%s %s: %w: %s", k.command, strings.Join(args[:min(2, len(args))], " "), err, words)
	}
	return out.Bytes(), nil
}

// bounded keeps so many bytes, and fails on more.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, errors.New("found more output than there is room for")
	}
	return b.Buffer.Write(p)
}
