package kube

import (
	"errors"
	"fmt"
	"strings"
)

// ReviewVersion and ReviewKind name the one form of review that is read and written.
const (
	ReviewVersion = "admission.k8s.io/v1"
	ReviewKind    = "AdmissionReview"
)

// Operation is what is being done to the object.
type Operation string

// The operations of admission.k8s.io/v1.
const (
	Create  Operation = "CREATE"
	Update  Operation = "UPDATE"
	Delete  Operation = "DELETE"
	Connect Operation = "CONNECT"
)

// Kind is a group, a version and a kind; the group of Pods is "".
type Kind struct{ Group, Version, Kind string }

// String is the kind as manifests write it: apps/v1 Deployment.
func (k Kind) String() string { return k.apiVersion() + " " + k.Kind }

func (k Kind) apiVersion() string {
	if k.Group == "" {
		return k.Version
	}
	return k.Group + "/" + k.Version
}

// Resource is a group, a version and a resource, which is plural and in lower case.
type Resource struct{ Group, Version, Resource string }

// User is who asks the API server.
type User struct {
	Name   string
	UID    string
	Groups []string
}

// Request is the question of a review.
type Request struct {
	UID             string
	Kind            Kind
	Resource        Resource
	SubResource     string
	Name, Namespace string
	Operation       Operation
	User            User
	Object          Object
	OldObject       Object
	Options         Object
	DryRun          bool
}

// ParseReview reads an AdmissionReview of [MaxReview] bytes at most. Fields that it
// does not know are passed over; one that it needs and that is missing, of another
// type or written twice is an error. The request that comes with an error holds the
// UID wherever that could be read, so that the denial can say whose it is.
func ParseReview(b []byte) (Request, error) {
	r, err := parseReview(b)
	if err != nil {
		return Request{UID: r.UID}, fmt.Errorf("read the admission review: %w", err)
	}
	return r, nil
}

func parseReview(b []byte) (Request, error) {
	whole, err := check(b)
	if err != nil {
		return Request{}, err
	}
	top, err := fields(whole, place{}, "apiVersion", "kind", "request", "response")
	if err != nil {
		return Request{}, err
	}
	request := place{}.key("request")
	if kindOf(top[2]) != "an object" {
		return Request{}, wrongType(request, "an object", top[2])
	}
	r, err := readRequest(top[2], request)
	if err != nil {
		return r, err
	}
	version, _ := text(top[0], place{}.key("apiVersion"))
	kind, _ := text(top[1], place{}.key("kind"))
	if version != ReviewVersion || kind != ReviewKind {
		return r, fmt.Errorf("found %s %s, wanted %s %s", quoted(version), quoted(kind), ReviewVersion, ReviewKind)
	}
	if top[3].d != nil {
		return r, errors.New("found a response in a question")
	}
	return r, nil
}

// readRequest reads the UID first, so that every later error can be answered.
func readRequest(v value, at place) (Request, error) {
	var r Request
	f, err := fields(v, at, "uid", "kind", "resource", "subResource", "name", "namespace",
		"operation", "userInfo", "object", "oldObject", "options", "dryRun")
	if err != nil {
		return r, err
	}
	if r.UID, err = readUID(f[0], at.key("uid")); err != nil {
		return r, err
	}
	var kind, resource [3]string
	if kind, err = three(f[1], at.key("kind"), "kind"); err != nil {
		return r, err
	}
	if resource, err = three(f[2], at.key("resource"), "resource"); err != nil {
		return r, err
	}
	r.Kind, r.Resource = Kind{kind[0], kind[1], kind[2]}, Resource{resource[0], resource[1], resource[2]}
	var operation string
	for i, s := range []struct {
		name string
		into *string
	}{{"subResource", &r.SubResource}, {"name", &r.Name}, {"namespace", &r.Namespace}, {"operation", &operation}} {
		if *s.into, err = text(f[3+i], at.key(s.name)); err != nil {
			return r, err
		}
	}
	if r.Namespace != "" && !objectName(r.Namespace) {
		return r, fmt.Errorf("read %s: found %s, wanted the name of a namespace", at.key("namespace"), quoted(r.Namespace))
	}
	if r.User, err = readUser(f[7], at.key("userInfo")); err != nil {
		return r, err
	}
	r.Operation, r.Object, r.OldObject, r.Options = Operation(operation), Object{f[8]}, Object{f[9]}, Object{f[10]}
	switch kindOf(f[11]) {
	case "":
	case "a boolean":
		r.DryRun = f[11].first() == 't'
	default:
		return r, wrongType(at.key("dryRun"), "a boolean", f[11])
	}
	return r, r.objects(at)
}

// objects checks that the operation came with the objects that belong to it.
func (r Request) objects(at place) error {
	var present, absent bool // of object and oldObject: must be there, must not be
	switch r.Operation {
	case Create:
		present, absent = r.Object.Present(), !r.OldObject.Present()
	case Update:
		present, absent = r.Object.Present() && r.OldObject.Present(), true
	case Delete:
		present, absent = true, !r.Object.Present() // old servers send no old object
	case Connect:
		present, absent = true, true
	default:
		return fmt.Errorf("read %s: found %s, wanted CREATE, UPDATE, DELETE or CONNECT", at.key("operation"), quoted(string(r.Operation)))
	}
	if !present || !absent {
		return fmt.Errorf("read %s: %s comes with object (%t) and oldObject (%t), which is not how an API server asks",
			at, r.Operation, r.Object.Present(), r.OldObject.Present())
	}
	for _, o := range []struct {
		name string
		v    value
	}{{"object", r.Object.v}, {"oldObject", r.OldObject.v}, {"options", r.Options.v}} {
		if k := kindOf(o.v); k != "" && k != "an object" {
			return wrongType(at.key(o.name), "an object", o.v)
		}
	}
	return nil
}

// maxUID bounds the UID, which is a UUID of 36 characters wherever we have seen one.
const maxUID = 128

func readUID(v value, at place) (string, error) {
	uid, err := text(v, at)
	if err != nil {
		return "", err
	}
	if uid == "" || len(uid) > maxUID || strings.Trim(uid, plainKey) != "" {
		return "", fmt.Errorf("read %s: wanted 1 to %d letters, digits and dashes", at, maxUID)
	}
	return uid, nil
}

// three reads group, version and the third field, of which the group may be empty.
func three(v value, at place, third string) ([3]string, error) {
	var s [3]string
	names := []string{"group", "version", third}
	f, err := fields(v, at, names...)
	if err != nil {
		return s, err
	}
	for i, name := range names {
		if s[i], err = text(f[i], at.key(name)); err != nil {
			return s, err
		}
		if s[i] == "" && i > 0 {
			return s, wrongType(at.key(name), "a string that is not empty", value{})
		}
	}
	return s, nil
}

// maxGroups bounds the groups of a user.
const maxGroups = 10_000

func readUser(v value, at place) (User, error) {
	var u User
	f, err := fields(v, at, "username", "uid", "groups")
	if err != nil {
		return u, err
	}
	if u.Name, err = text(f[0], at.key("username")); err != nil {
		return u, err
	}
	if u.UID, err = text(f[1], at.key("uid")); err != nil {
		return u, err
	}
	err = elements(f[2], at.key("groups"), func(at place, v value) error {
		group, err := text(v, at)
		if u.Groups = append(u.Groups, group); len(u.Groups) > maxGroups {
			return fmt.Errorf("read %s: wanted at most %d groups", at, maxGroups)
		}
		return err
	})
	return u, err
}

// objectName reports whether s can name an object that is read by its name: a DNS
// subdomain (RFC 1123), so that no name climbs out of its path.
func objectName(s string) bool {
	if s == "" || len(s) > 253 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}
