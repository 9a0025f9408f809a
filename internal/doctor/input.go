package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Input is what was read.
type Input struct {
	Objects []Object
	// ImagePolicies and Containerd are files of machines.
	ImagePolicies []AdmissionFile
	Containerd    []ContainerdFile
	// Unread says what could not be had.
	Unread []string
}

// Object is an object of Kubernetes.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	raw []byte
}

// maxObjects bounds what one input may hold, and maxDepth how deep lists lie in lists.
const (
	maxObjects = 100_000
	maxDepth   = 4
)

// group is the API group, "" for the core's.
func (o Object) group() string {
	group, _, found := strings.Cut(o.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// where names the object for people.
func (o Object) where() string {
	if o.Metadata.Namespace != "" {
		return fmt.Sprintf("%s %s/%s", o.Kind, o.Metadata.Namespace, o.Metadata.Name)
	}
	return fmt.Sprintf("%s %s", o.Kind, o.Metadata.Name)
}

// Read reads objects and lists of them, as JSON or as YAML with one or more documents.
// What has no kind is an error: it would be passed over otherwise.
func Read(b []byte) ([]Object, error) {
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '{' {
		return readJSON(b)
	}
	var all []Object
	d := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var document any
		err := d.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		if document == nil {
			continue
		}
		raw, err := json.Marshal(document)
		if err != nil {
			return nil, fmt.Errorf("read YAML as JSON: %w", err)
		}
		if all, err = appendObjects(all, raw, 0); err != nil {
			return nil, err
		}
	}
}

// readJSON reads one or more JSON documents after each other.
func readJSON(b []byte) ([]Object, error) {
	var all []Object
	d := json.NewDecoder(bytes.NewReader(b))
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read JSON: %w", err)
		}
		if all, err = appendObjects(all, raw, 0); err != nil {
			return nil, err
		}
	}
}

func appendObjects(all []Object, raw []byte, depth int) ([]Object, error) {
	var list struct {
		Kind  string            `json:"kind"`
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	switch {
	case list.Kind == "":
		return nil, errors.New("read object: found no kind; wanted an object of Kubernetes or a list of them, as `kubectl get -o json` prints")
	case depth > maxDepth || len(all)+len(list.Items) > maxObjects:
		return nil, fmt.Errorf("read objects: found more than %d, or lists in lists; wanted fewer", maxObjects)
	case strings.HasSuffix(list.Kind, "List"):
		for _, item := range list.Items {
			var err error
			if all, err = appendObjects(all, item, depth+1); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	var o Object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("read %s: %w", list.Kind, err)
	}
	o.raw = raw
	return append(all, o), nil
}

// each calls f with every object of a kind. One that cannot be decoded is unread.
func each[T any](e *examiner, group, kind string, f func(Object, T)) {
	for _, o := range e.in.Objects {
		if o.group() == group && o.Kind == kind {
			decode(e, o, f)
		}
	}
}

func decode[T any](e *examiner, o Object, f func(Object, T)) {
	var v T
	if err := json.Unmarshal(o.raw, &v); err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", o.where(), err))
		return
	}
	f(o, v)
}

// present reports whether a JSON value is there and says something: not null, not empty.
func present(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", "{}", "[]", `""`:
		return false
	}
	return true
}
