//go:build unix

package front

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipe puts a pipe where a file was: it is refused, and not waited for, so that it
// holds up neither the start nor the other files.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("ci:0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := loadTokens([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if err := held.reload(); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a pipe was read: %v", err)
	}
	if name, ok := held.admit("0123456789abcdef"); !ok || name != "ci" {
		t.Error("the old token is out")
	}
	if _, err := loadTokens([]string{path}); err == nil {
		t.Error("a pipe has tokens")
	}
}
