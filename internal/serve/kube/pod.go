package kube

import (
	"fmt"
	"slices"
)

// pod gathers the images of the pod spec at path.
func (l *list) pod(v value, path []string) error {
	var at place
	for _, key := range path {
		f, err := fields(v, at, key)
		if err != nil {
			return err
		}
		at, v = at.key(key), f[0]
		if kindOf(v) != "an object" {
			return wrongType(at, "an object", v)
		}
	}
	lists := []struct {
		name string
		role Role
	}{{"initContainers", Init}, {"containers", Container}, {"ephemeralContainers", Ephemeral}, {"volumes", Volume}}
	f, err := fields(v, at, "initContainers", "containers", "ephemeralContainers", "volumes",
		"serviceAccountName", "serviceAccount", "imagePullSecrets")
	if err != nil {
		return err
	}
	pod, err := readPod(f[4:], at)
	if err != nil {
		return err
	}
	pod.Template = len(path) > 1
	for i, kind := range lists {
		read := func(at place, v value) error { return l.container(v, at, kind.role, pod) }
		if kind.role == Volume {
			read = func(at place, v value) error { return l.volume(v, at, pod) }
		}
		if err := elements(f[i], at.key(kind.name), read); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(l.refs, func(r Ref) bool { return r.Role == Container }) {
		return wrongType(at.key("containers"), "at least one container", value{}) // Kubernetes wants one too
	}
	return nil
}

// readPod reads serviceAccountName, serviceAccount (its older name) and
// imagePullSecrets.
func readPod(f []value, at place) (Pod, error) {
	var p Pod
	var err error
	if p.ServiceAccount, err = text(f[0], at.key("serviceAccountName")); err == nil && p.ServiceAccount == "" {
		p.ServiceAccount, err = text(f[1], at.key("serviceAccount"))
	}
	if err != nil {
		return p, err
	}
	if p.ServiceAccount == "" {
		p.ServiceAccount = "default"
	}
	if !objectName(p.ServiceAccount) {
		return p, fmt.Errorf("read %s: found %s, wanted the name of a service account", at.key("serviceAccountName"), quoted(p.ServiceAccount))
	}
	err = elements(f[2], at.key("imagePullSecrets"), func(at place, v value) error {
		f, err := fields(v, at, "name")
		if err != nil {
			return err
		}
		name, err := text(f[0], at.key("name"))
		switch {
		case err != nil:
			return err
		case name == "": // Kubernetes passes over it too
			return nil
		case !objectName(name):
			return fmt.Errorf("read %s: found %s, wanted the name of a secret", at.key("name"), quoted(name))
		case len(p.PullSecrets) == maxSecrets:
			return fmt.Errorf("read %s: wanted at most %d secrets", at, maxSecrets)
		}
		p.PullSecrets = append(p.PullSecrets, name)
		return nil
	})
	return p, err
}

// container gathers the image of one container. One without an image is there too.
func (l *list) container(v value, at place, role Role, pod Pod) error {
	if kindOf(v) != "an object" {
		return wrongType(at, "an object", v)
	}
	f, err := fields(v, at, "image", "imagePullPolicy", "name")
	if err != nil {
		return err
	}
	return l.named(f, at, [3]string{"image", "imagePullPolicy", "name"}, Ref{Role: role, Pod: pod})
}

// volume gathers the image of a volume, if it is one of an image.
func (l *list) volume(v value, at place, pod Pod) error {
	if kindOf(v) != "an object" {
		return wrongType(at, "an object", v)
	}
	f, err := fields(v, at, "name", "image")
	if err != nil || f[1].d == nil {
		return err
	}
	name, err := text(f[0], at.key("name"))
	if err != nil {
		return err
	}
	at = at.key("image")
	if f, err = fields(f[1], at, "reference", "pullPolicy"); err != nil {
		return err
	}
	return l.named(append(f, value{}), at, [3]string{"reference", "pullPolicy", ""}, Ref{Role: Volume, Name: name, Pod: pod})
}

// named reads image, pull policy and name, and adds the reference.
func (l *list) named(f []value, at place, names [3]string, r Ref) error {
	for i, into := range []*string{&r.Image, &r.PullPolicy, &r.Name} {
		if names[i] == "" {
			continue
		}
		var err error
		if *into, err = text(f[i], at.key(names[i])); err != nil {
			return err
		}
	}
	image := at.key(names[0])
	r.Path, r.Pointer = image.String(), image.pointer()
	return l.add(r)
}
