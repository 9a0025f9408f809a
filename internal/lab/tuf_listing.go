package lab

import (
	"encoding/json"
	"fmt"
)

// ListIn lists a release in a role, "targets" or a delegated one, which must be there. It returns the path of the
// manifest. Without a time the manifest has the repository's.
func (t *TUF) ListIn(role string, e ReleaseEntry) (string, error) {
	if e.Created.IsZero() {
		e.Created = t.Now
	}
	raw, err := ReleaseManifest(e)
	if err != nil {
		return "", err
	}
	target := ReleaseTarget(e.Image, e.Version)
	t.AddTarget(target, raw, role)
	return target, nil
}

// EditSignatures changes the signatures under a file of metadata and leaves what was signed.
func (t *TUF) EditSignatures(path string, edit func([]TUFSignature) []TUFSignature) error {
	var file struct {
		Signatures []TUFSignature  `json:"signatures"`
		Signed     json.RawMessage `json:"signed"`
	}
	if err := json.Unmarshal(t.File(path), &file); err != nil {
		return fmt.Errorf("edit signatures of %s: %w", path, err)
	}
	raw, err := encodeTUF(object{"signatures": edit(file.Signatures), "signed": file.Signed})
	if err != nil {
		return fmt.Errorf("edit signatures of %s: %w", path, err)
	}
	t.SetFile(path, raw)
	return nil
}
