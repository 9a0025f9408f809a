package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tufFile is one file as a web server has it.
type tufFile struct {
	content  []byte
	modified time.Time
}

// Files returns everything that is served by path: "metadata/1.root.json", "targets/dir/HASH.name". In it the names of
// roles are escaped as in a URL.
func (t *TUF) Files() map[string][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string][]byte{}
	for path, f := range t.files {
		out[path] = f.content
	}
	return out
}

// SetFiles replaces everything that is served, as by a copy of an earlier [TUF.Files]: a repository rolled back.
func (t *TUF) SetFiles(files map[string][]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.files = map[string]tufFile{}
	for path, content := range files {
		t.files[path] = tufFile{content, t.Now}
	}
}

// File returns one file, nil if it is not there.
func (t *TUF) File(path string) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.files[path].content
}

// SetFile replaces one file; nil takes it away.
func (t *TUF) SetFile(path string, content []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if content == nil {
		delete(t.files, path)
		return
	}
	t.files[path] = tufFile{bytes.Clone(content), t.Now}
}

// EditFile changes the metadata in a file and leaves its signatures as they are. Numbers are json.Number.
func (t *TUF) EditFile(path string, edit func(file map[string]any)) error {
	d := json.NewDecoder(bytes.NewReader(t.File(path)))
	d.UseNumber()
	var file map[string]any
	if err := d.Decode(&file); err != nil {
		return fmt.Errorf("edit %s: %w", path, err)
	}
	edit(file)
	raw, err := encodeTUF(file)
	if err != nil {
		return fmt.Errorf("edit %s: %w", path, err)
	}
	t.SetFile(path, raw)
	return nil
}

// MoveSignatures puts the signatures of one role's newest file into another's, under the ids that stand there.
func (t *TUF) MoveSignatures(from, to string) error {
	var source, target struct {
		Signatures []TUFSignature  `json:"signatures"`
		Signed     json.RawMessage `json:"signed"`
	}
	if err := json.Unmarshal(t.File(t.MetadataPath(from)), &source); err != nil {
		return fmt.Errorf("move signatures: %w", err)
	}
	if err := json.Unmarshal(t.File(t.MetadataPath(to)), &target); err != nil {
		return fmt.Errorf("move signatures: %w", err)
	}
	for i := range min(len(source.Signatures), len(target.Signatures)) {
		source.Signatures[i].KeyID = target.Signatures[i].KeyID
	}
	raw, err := encodeTUF(object{"signatures": source.Signatures, "signed": target.Signed})
	if err != nil {
		return fmt.Errorf("move signatures: %w", err)
	}
	t.SetFile(t.MetadataPath(to), raw)
	return nil
}

// FirstRoot returns version 1 of the root, which a policy pins.
func (t *TUF) FirstRoot() []byte { return t.File("metadata/1.root.json") }

// WriteDir writes everything that is served below a folder.
func (t *TUF) WriteDir(dir string) error {
	for path, content := range maps.All(t.Files()) {
		if !fs.ValidPath(path) || strings.Contains(path, `\`) {
			return fmt.Errorf("write tuf repository: found the path %q", path)
		}
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("write tuf repository: %w", err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("write tuf repository: %w", err)
		}
	}
	return nil
}
