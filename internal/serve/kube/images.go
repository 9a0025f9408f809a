package kube

import (
	"errors"
	"fmt"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Role says what the image is for.
type Role string

// The roles. Field is a field of another kind, found by a configured [Path].
const (
	Container Role = "container"
	Init      Role = "init container"
	Ephemeral Role = "ephemeral container"
	Volume    Role = "image volume"
	Field     Role = "field"
)

// Ref is one image reference of an object, as it is written there.
type Ref struct {
	Image string // "" where a container names none
	// Path is the field for people, spec.containers[0].image; Pointer the same as a
	// JSON pointer (RFC 6901).
	Path, Pointer string
	Role          Role
	Name          string // of the container or volume; foreign text
	PullPolicy    string // imagePullPolicy, or the image volume's pullPolicy
	Pod           Pod
	// Held: an update found the same reference at the same place, so that it must not
	// be patched. Only [Ask] sets it.
	Held bool
}

// Pod is what a container shares with the others of its pod.
type Pod struct {
	// ServiceAccount is "default" where a pod names none, and "" for a [Field].
	ServiceAccount string
	PullSecrets    []string // names in the object's namespace
	Template       bool     // of a workload or another kind, not a Pod of its own
}

// Pinned reports whether the reference has a digest.
func (r Ref) Pinned() bool {
	ref, err := verify.ParseReference(r.Image)
	return err == nil && ref.Digest() != ""
}

// NodeDecides reports whether the reference is a tag that the kubelet must not look up:
// whatever the node holds under that name is run, and no verdict is about it.
func (r Ref) NodeDecides() bool { return r.PullPolicy == "Never" && !r.Pinned() }

// Bounds on the images of an object; more is an error.
const (
	maxRefs    = 1000
	maxSecrets = 100
)

// podSpecs says where each kind keeps the spec of its pods.
var podSpecs = map[Kind][]string{
	{"", "v1", "Pod"}:                   {"spec"},
	{"", "v1", "PodTemplate"}:           {"template", "spec"},
	{"", "v1", "ReplicationController"}: {"spec", "template", "spec"},
	{"apps", "v1", "Deployment"}:        {"spec", "template", "spec"},
	{"apps", "v1", "ReplicaSet"}:        {"spec", "template", "spec"},
	{"apps", "v1", "StatefulSet"}:       {"spec", "template", "spec"},
	{"apps", "v1", "DaemonSet"}:         {"spec", "template", "spec"},
	{"batch", "v1", "Job"}:              {"spec", "template", "spec"},
	{"batch", "v1", "CronJob"}:          {"spec", "jobTemplate", "spec", "template", "spec"},
}

// imageless are the kinds of the subresources that a rule for pods/* or deployments/*
// brings along. They can name no image.
var imageless = map[Kind]bool{
	{"", "v1", "Binding"}:                           true,
	{"policy", "v1", "Eviction"}:                    true,
	{"autoscaling", "v1", "Scale"}:                  true,
	{"authentication.k8s.io", "v1", "TokenRequest"}: true,
}

// ErrUnknownKind is the error of a kind whose images nobody told where to find.
var ErrUnknownKind = errors.New("no images are known for this kind")

// Fields says where the objects of one kind name images, beside what is built in.
type Fields struct {
	Paths []Path
	// Optional objects may name no image. Without it an object at none of whose paths
	// there is an image is an error: a mistyped path must not admit everything.
	Optional bool
}

// Images lists every image reference of an object, which must be of the kind given, in the object's order: containers, init and ephemeral containers, image
// volumes, and the fields of more. A field that cannot be read is an error, and so is
// an unknown kind or a list of objects.
func Images(o Object, kind Kind, more map[Kind]Fields) ([]Ref, error) {
	refs, err := images(o.v, kind, more)
	if err != nil {
		return nil, fmt.Errorf("read the images of %s: %w", quoted(kind.String()), err)
	}
	return refs, nil
}

func images(v value, kind Kind, more map[Kind]Fields) ([]Ref, error) {
	if err := sameKind(v, kind); err != nil {
		return nil, err
	}
	path, builtin := podSpecs[kind]
	configured, known := more[kind]
	switch {
	case strings.HasSuffix(kind.Kind, "List"):
		return nil, errors.New("found a list, wanted one object")
	case imageless[kind]:
		return nil, nil
	case !builtin && !known:
		return nil, fmt.Errorf("%w; configure the paths of its images", ErrUnknownKind)
	}
	var l list
	if builtin {
		if err := l.pod(v, path); err != nil {
			return nil, err
		}
	}
	found := false
	for _, p := range configured.Paths {
		err := p.walk(v, place{}, func(v value, at place) error {
			found = true
			return l.field(v, at)
		})
		if err != nil {
			return nil, err
		}
	}
	if known && !configured.Optional && !found {
		return nil, errors.New("found no image at the configured paths")
	}
	return l.refs, nil
}

// sameKind refuses an object that says it is of another kind than the question does.
func sameKind(v value, kind Kind) error {
	f, err := fields(v, place{}, "apiVersion", "kind")
	if err != nil {
		return err
	}
	version, err := text(f[0], place{}.key("apiVersion"))
	if err != nil {
		return err
	}
	found, err := text(f[1], place{}.key("kind"))
	if err != nil {
		return err
	}
	if version != kind.apiVersion() || found != kind.Kind {
		return fmt.Errorf("the object says that it is %s, which is another kind", quoted(version+" "+found))
	}
	return nil
}

// list gathers references, one of each place.
type list struct {
	refs   []Ref
	places map[string]bool
}

func (l *list) add(r Ref) error {
	switch {
	case l.places[r.Pointer]: // a configured path to a place that is built in
		return nil
	case len(l.refs) == maxRefs:
		return fmt.Errorf("found more than %d images", maxRefs)
	case l.places == nil:
		l.places = map[string]bool{}
	}
	l.places[r.Pointer] = true
	l.refs = append(l.refs, r)
	return nil
}

// field gathers the image at a configured path.
func (l *list) field(v value, at place) error {
	image, err := text(v, at)
	if err != nil {
		return err
	}
	return l.add(Ref{Image: image, Path: at.String(), Pointer: at.pointer(), Role: Field, Pod: Pod{Template: true}})
}
