package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRead takes a file of the limit, and no byte more.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(path, 5); err != nil || string(b) != "12345" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := Read(path, 4); b != nil || err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Read(path+"x", 5); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}
