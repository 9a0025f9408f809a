package doors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/serve/kube"
)

// members are those of a JSON object, by their exact names: encoding/json fills a
// struct from names of any case.
type members map[string]json.RawMessage

// parse reads a document that two parsers read alike: UTF-8, one object, no name twice.
func parse(b []byte) (members, error) {
	if _, err := kube.ParseObject(b); err != nil {
		return nil, err
	}
	return object(b)
}

// object reads an object of a document that was parsed.
func object(raw json.RawMessage) (members, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil, fmt.Errorf("found %s, wanted an object", opening(raw))
	}
	var m members
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// only refuses members of other names.
func (m members) only(names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("found the unknown field %q; wanted %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// text reads a string; one that is not there is "".
func (m members) text(name string) (string, error) {
	raw, ok := m[name]
	if !ok {
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", fmt.Errorf("%s is %s, wanted a string", name, opening(raw))
	}
	return *s, nil
}

// flag reads a boolean; one that is not there is false.
func (m members) flag(name string) (bool, error) {
	switch raw := m[name]; string(raw) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, fmt.Errorf("%s is %s, wanted true or false", name, opening(raw))
	}
}

// list reads the elements of an array of 1 to most.
func (m members) list(name string, most int) ([]json.RawMessage, error) {
	raw := m[name]
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return nil, fmt.Errorf("%s is %s, wanted a list", name, opening(raw))
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New(name + " is empty")
	}
	if len(all) > most {
		return nil, fmt.Errorf("%s has %d elements, wanted %d at most", name, len(all), most)
	}
	return all, nil
}

// opening shows how a value begins.
func opening(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.40s", raw)
}
