package tufclient

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	listed := map[string]string{"a": "", "z": "", "b": "sha256:1", "y": "sha256:2"}
	for _, c := range []struct {
		gone string
		left map[string]string
	}{
		{"", listed},
		{"a", map[string]string{"z": "", "b": "sha256:1", "y": "sha256:2"}},
		{"az", map[string]string{"b": "sha256:1", "y": "sha256:2"}},
		{"azb", map[string]string{"y": "sha256:2"}},
		{"azby", map[string]string{}},
	} {
		limit := 0
		for path, digest := range listed {
			if !strings.Contains(c.gone, path) {
				limit += entrySize(path, digest)
			}
		}
		if got := cut(maps.Clone(listed), limit); !maps.Equal(got, c.left) {
			t.Errorf("without %q: got %q", c.gone, got)
		}
	}
}

// TestListedIsBounded: whatever is noted, the floor file stays small, and the floor can
// be raised.
func TestListedIsBounded(t *testing.T) {
	r := unservedRepo(t)
	dir := t.TempDir()
	c := r.quick(t, dir)
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	digest := "sha256:" + strings.Repeat("a", 64)
	for n := range 3 {
		many := map[string]string{"widget/releases/v1.0.0.json": digest}
		for i := range 12_000 {
			many[fmt.Sprintf("widget/releases/v9.%d.%d-<\u2028>.json", n, i)] = ""
		}
		if err := c.Note(many); err != nil || c.Unkept() != nil {
			t.Fatalf("got %v, %v", err, c.Unkept())
		}
	}
	listed := r.quick(t, dir).State().Listed
	if info, err := os.Stat(filepath.Join(dir, "floor")); err != nil || info.Size() > maxListed+4000 || info.Size() < maxListed/2 {
		t.Errorf("the floor file is %v, %v", info, err)
	}
	if listed["widget/releases/v1.0.0.json"] != digest {
		t.Error("what has a digest was dropped first")
	}
	old := maps.Clone(r.files)
	r.update("targets")
	if err := r.quick(t, dir).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.files = old
	if err := r.quick(t, dir).Refresh(t.Context()); err == nil {
		t.Error("went back")
	}
	// What is dropped again is noted without a write.
	if err := r.quick(t, dir).Note(map[string]string{"a": "", "b": ""}); err != nil {
		t.Fatal(err)
	}
	r.update("targets")
	d := newCutDisk(1<<30, before)
	c, err := newClient(r.local(dir), d)
	if err == nil {
		err = c.Note(map[string]string{"a": "", "b": ""})
	}
	if err != nil || len(d.steps) != 0 {
		t.Errorf("got steps %q, %v", d.steps, err)
	}
}
