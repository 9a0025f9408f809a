package lab

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// setAll writes values into a statement at paths ("predicate.components.0.name"; a backslash before a dot that is part of a
// name), and removes what has the value nil. A path that leads nowhere is an error.
func setAll(statement []byte, values map[string]any) ([]byte, error) {
	if len(values) == 0 {
		return statement, nil
	}
	var decoded any
	if err := json.Unmarshal(statement, &decoded); err != nil {
		return nil, fmt.Errorf("decode statement: %w", err)
	}
	for _, path := range slices.Sorted(maps.Keys(values)) {
		if err := setAt(decoded, splitPath(path), values[path]); err != nil {
			return nil, fmt.Errorf("set %s: %w", path, err)
		}
	}
	return json.Marshal(decoded)
}

func splitPath(path string) []string {
	const escaped = "\x00"
	parts := strings.Split(strings.ReplaceAll(path, `\.`, escaped), ".")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], escaped, ".")
	}
	return parts
}

// setAt writes a value below a decoded object or array, and makes objects on the way.
func setAt(at any, path []string, value any) error {
	switch at := at.(type) {
	case map[string]any:
		switch {
		case len(path) > 1:
			if at[path[0]] == nil {
				at[path[0]] = map[string]any{}
			}
			return setAt(at[path[0]], path[1:], value)
		case value == nil:
			delete(at, path[0])
		default:
			at[path[0]] = plain(value)
		}
		return nil
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i >= len(at) {
			return fmt.Errorf("found a list of %d; wanted an index into it, not %q", len(at), path[0])
		}
		if len(path) > 1 {
			return setAt(at[i], path[1:], value)
		}
		at[i] = plain(value)
		return nil
	}
	return fmt.Errorf("found %v; wanted an object with %q", at, path[0])
}

// plain is a value as encoding/json decodes it.
func plain(value any) any {
	raw, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return value
	}
	return out
}
