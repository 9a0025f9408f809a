package coverage

import (
	"fmt"
	"maps"
	"slices"
)

// Ref is one image reference as it was written, and where.
type Ref struct{ Image, Where string }

// podSpecs are the paths at which the kinds of Kubernetes, and those that people add
// after their example, keep what pods are made of.
var podSpecs = [][]string{
	{"spec"},                     // Pod
	{"spec", "template", "spec"}, // Deployment, StatefulSet, DaemonSet, ReplicaSet, Job
	{"spec", "jobTemplate", "spec", "template", "spec"}, // CronJob
	{"template", "spec"}, // PodTemplate
}

// images lists the images that an object of Kubernetes runs or mounts: of containers,
// init containers, ephemeral containers and image volumes. An object that runs nothing
// has none.
func images(object map[string]any) []Ref {
	var all []Ref
	name := nameOf(object)
	for _, path := range podSpecs {
		spec := at(object, path...)
		for _, key := range []string{"initContainers", "containers", "ephemeralContainers"} {
			for _, c := range mappings(spec[key]) {
				image, _ := c["image"].(string)
				container, _ := c["name"].(string)
				all = append(all, Ref{image, fmt.Sprintf("%s, %s %q", name, key, container)})
			}
		}
		for _, v := range mappings(spec["volumes"]) {
			if source, ok := v["image"].(map[string]any); ok {
				image, _ := source["reference"].(string)
				volume, _ := v["name"].(string)
				all = append(all, Ref{image, fmt.Sprintf("%s, volume %q", name, volume)})
			}
		}
	}
	return all
}

// nameOf says which object it is: "Pod shop/web-0".
func nameOf(object map[string]any) string {
	kind, _ := object["kind"].(string)
	meta := at(object, "metadata")
	name, _ := meta["name"].(string)
	if namespace, _ := meta["namespace"].(string); namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + name
}

// at returns the mapping at a path, nothing where there is none.
func at(object map[string]any, path ...string) map[string]any {
	for _, key := range path {
		object, _ = object[key].(map[string]any)
	}
	return object
}

// mappings returns the mappings of a list. What is none stands for one without an
// image, which is shown and not passed over.
func mappings(v any) []map[string]any {
	var all []map[string]any
	switch list := v.(type) {
	case []any:
		for _, x := range list {
			m, _ := x.(map[string]any)
			all = append(all, m)
		}
	case map[string]any: // a mapping where a list belongs
		for _, key := range slices.Sorted(maps.Keys(list)) {
			m, _ := list[key].(map[string]any)
			all = append(all, m)
		}
	}
	return all
}
