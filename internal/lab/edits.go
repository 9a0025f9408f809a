package lab

import "encoding/json"

// Null is JSON's null, which [Set] writes where nil would remove.
var Null = json.RawMessage("null")

// Set returns an edit that writes a value into a statement at a path, "predicate.components.0.name", with a backslash
// before a dot that is part of a name. What has the value nil is removed. Where the path leads nowhere the statement
// cannot be encoded.
func Set(path string, value any) Edit {
	return func(statement map[string]any) {
		if err := setAt(statement, splitPath(path), value); err != nil {
			statement["edit"] = failedEdit{err}
		}
	}
}

// failedEdit is an error that waits to be encoded.
type failedEdit struct{ error }

// MarshalJSON implements json.Marshaler.
func (f failedEdit) MarshalJSON() ([]byte, error) { return nil, f.error }
