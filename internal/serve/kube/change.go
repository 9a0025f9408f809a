package kube

import (
	"fmt"
	"strings"
)

// Exemption says why a question is answered "allowed" whatever its images are.
type Exemption string

// The exemptions; the zero value is none.
const (
	// Deleted: the operation is DELETE, which runs nothing.
	Deleted Exemption = "the object is deleted"
	// Connected: the operation is CONNECT, whose object names no image.
	Connected Exemption = "the operation runs no image"
	// Terminating: the update is of an object that was being deleted before it.
	Terminating Exemption = "the object is being deleted"
	// Unchanged: the update changes no image reference and adds no container.
	Unchanged Exemption = "the update changes no image"
	// Imageless: a kind that can name no image, such as a Scale.
	Imageless Exemption = "the kind names no image"
)

// Question is what there is to decide about a request.
type Question struct {
	// Judge are the images to be judged, in the object's order. Of an exempt question
	// they are those that would be refused today, for a warning and a metric.
	Judge []Ref
	// Skipped are those that an update left as they were, pinned by digest.
	Skipped []Ref
	Exempt  Exemption
}

// Ask lists the images of a request and what an update changed. more says where kinds
// that are not built in name theirs. audited says that the old object may have been
// admitted under audit: then nothing of it is skipped.
//
// An error is a denial. A zero Question, without images and exemption, never comes
// without one.
func Ask(r Request, more map[Kind]Fields, audited bool) (Question, error) {
	switch r.Operation {
	case Delete:
		return Question{Exempt: Deleted}, nil
	case Connect:
		return Question{Exempt: Connected}, nil
	case Create, Update:
	default:
		return Question{}, fmt.Errorf("ask about %s: wanted CREATE, UPDATE, DELETE or CONNECT", quoted(string(r.Operation)))
	}
	// An object being deleted must get rid of its finalizers, whatever it holds. Whoever
	// creates one can write a deletionTimestamp into it: only the stored one counts.
	terminating := r.Operation == Update && deleting(r.OldObject.v)
	refs, err := r.images(more)
	switch {
	case terminating:
		return Question{Judge: refs, Exempt: Terminating}, nil
	case err != nil:
		return Question{}, err
	case len(refs) == 0:
		return Question{Exempt: Imageless}, nil
	case r.Operation == Create:
		return Question{Judge: refs}, nil
	}
	old, err := Images(r.OldObject, r.Kind, more)
	if err != nil {
		old = nil // nothing is known of it, so everything is new
	}
	return compare(refs, old, audited), nil
}

// images lists the images of the request's object, after a look at whose it is.
func (r Request) images(more map[Kind]Fields) ([]Ref, error) {
	metadata := place{}.key("metadata")
	top, err := fields(r.Object.v, place{}, "metadata")
	if err != nil {
		return nil, err
	}
	f, err := fields(top[0], metadata, "namespace")
	if err != nil {
		return nil, err
	}
	namespace, err := text(f[0], metadata.key("namespace"))
	if err != nil {
		return nil, err
	}
	if namespace != "" && namespace != r.Namespace {
		return nil, fmt.Errorf("the object says that it is in the namespace %s, the request says %s", quoted(namespace), quoted(r.Namespace))
	}
	return Images(r.Object, r.Kind, more)
}

// deleting reports whether an object has a deletionTimestamp.
func deleting(v value) bool {
	top, err := fields(v, place{}, "metadata")
	if err != nil {
		return false
	}
	f, err := fields(top[0], place{}, "deletionTimestamp")
	if err != nil {
		return false
	}
	stamp, err := text(f[0], place{})
	return err == nil && strings.TrimSpace(stamp) != ""
}

// compare tells the references of an update from those before it. Only the place
// counts: an image that moved to another container, a renamed container and a
// reordered list are changes.
func compare(refs, old []Ref, audited bool) Question {
	before := make(map[string]Ref, len(old))
	for _, o := range old {
		before[o.Pointer] = o
	}
	q := Question{Exempt: Unchanged}
	for _, r := range refs {
		o, ok := before[r.Pointer]
		r.Held = ok && o.Image == r.Image && o.Name == r.Name && o.Role == r.Role
		// IfNotPresent that becomes Never lets another image of that tag run.
		same := r.Held && o.PullPolicy == r.PullPolicy
		if !same {
			q.Exempt = ""
		}
		if same && !audited && r.Pinned() {
			q.Skipped = append(q.Skipped, r)
		} else {
			q.Judge = append(q.Judge, r)
		}
	}
	return q
}
