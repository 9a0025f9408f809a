package main

// Objects as people write them.

// container names an image.
func container(name, image string) object { return object{"name": name, "image": image} }

// podSpec runs one image.
func podSpec(image string) object { return object{"containers": []any{container("app", image)}} }

// metadata names an object; an empty namespace is none.
func metadata(name string) object { return object{"name": name} }

// pod makes a Pod, which the change may alter.
func pod(name string, spec object) object {
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata(name), "spec": spec}
}

// workload is a kind with a pod template.
type workload struct {
	kind, group, resource string
	// make writes an object around the pod template's spec.
	make func(name string, spec object) object
	// spec is the way to the template's spec.
	spec []any
}

// api is the path of the workload's resource in a namespace.
func (w workload) api(namespace string) string {
	if w.group == "v1" {
		return "/api/v1/namespaces/" + namespace + "/" + w.resource
	}
	return "/apis/" + w.group + "/namespaces/" + namespace + "/" + w.resource
}

// labelled is a template that selectors find.
func labelled(spec object) object {
	return object{"metadata": object{"labels": object{"app": "e2e"}}, "spec": spec}
}

// workloads are all built-in kinds with a pod template.
func workloads() []workload {
	selector := object{"matchLabels": object{"app": "e2e"}}
	template := []any{"spec", "template", "spec"}
	selecting := func(kind string, more object) func(string, object) object {
		return func(name string, spec object) object {
			s := object{"selector": selector, "template": labelled(spec)}
			for k, v := range more {
				s[k] = v
			}
			return object{"apiVersion": "apps/v1", "kind": kind, "metadata": metadata(name), "spec": s}
		}
	}
	once := func(spec object) object {
		spec["restartPolicy"] = "Never"
		return object{"spec": spec}
	}
	return []workload{
		{"Deployment", "apps/v1", "deployments", selecting("Deployment", nil), template},
		{"ReplicaSet", "apps/v1", "replicasets", selecting("ReplicaSet", nil), template},
		{"StatefulSet", "apps/v1", "statefulsets", selecting("StatefulSet", object{"serviceName": "e2e"}), template},
		{"DaemonSet", "apps/v1", "daemonsets", selecting("DaemonSet", nil), template},
		{"Job", "batch/v1", "jobs", func(name string, spec object) object {
			return object{"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name), "spec": object{"template": once(spec)}}
		}, template},
		{"CronJob", "batch/v1", "cronjobs", func(name string, spec object) object {
			job := object{"spec": object{"template": once(spec)}}
			return object{
				"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata(name),
				"spec": object{"schedule": "@yearly", "jobTemplate": job},
			}
		}, []any{"spec", "jobTemplate", "spec", "template", "spec"}},
		{"ReplicationController", "v1", "replicationcontrollers", func(name string, spec object) object {
			return object{
				"apiVersion": "v1", "kind": "ReplicationController", "metadata": metadata(name),
				"spec": object{"selector": object{"app": "e2e"}, "template": labelled(spec)},
			}
		}, template},
		{"PodTemplate", "v1", "podtemplates", func(name string, spec object) object {
			return object{"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata(name), "template": labelled(spec)}
		}, []any{"template", "spec"}},
	}
}
