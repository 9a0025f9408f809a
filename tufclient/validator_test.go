package tufclient

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestValidatorIsBound: whoever can write to the folder, but not the floor, cannot freeze a
// client by the word of a server that tells the truth.
func TestValidatorIsBound(t *testing.T) {
	r := newRepo(t)
	r.faults["metadata/timestamp.json"] = tagged(r)
	o := r.options(t.TempDir())
	o.StateFile = filepath.Join(t.TempDir(), "state")
	refresh := func() int64 {
		t.Helper()
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		role, _ := c.Trusted().Role("timestamp")
		return role.Version
	}
	refresh()
	path := filepath.Join(o.Dir, "timestamp.json")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.update("targets")
	}
	v := validation{o.MetadataURL + "/timestamp.json", sumOf(old), Validator{ETag: `"` + sumOf(r.files["metadata/timestamp.json"]) + `"`}}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(o.Dir, "validator"), string(b))
	if got := refresh(); got != r.versions["timestamp"] {
		t.Errorf("frozen at timestamp %d; the server has %d", got, r.versions["timestamp"])
	}

	// An old timestamp is not asked about, even by the validator that is its own.
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(old))
	c.memory.Validator = &v
	if err := c.remember(); err != nil {
		t.Fatal(err)
	}
	if got := refresh(); got != r.versions["timestamp"] {
		t.Errorf("frozen at timestamp %d; the server has %d", got, r.versions["timestamp"])
	}
}

// TestValidatorOfTheFloor: a timestamp that the floor does not know yet is asked for itself.
func TestValidatorOfTheFloor(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	r.update()
	c := r.refreshed(t, dir)
	c.memory.Floor.Timestamp--
	b := r.files["metadata/timestamp.json"]
	c.memory.Validator = &validation{c.url("timestamp.json"), sumOf(b), Validator{ETag: `"x"`}}
	if err := c.remember(); err != nil {
		t.Fatal(err)
	}
	r.faults["metadata/timestamp.json"] = func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("If-None-Match") != "" {
			t.Error("it was asked for on condition")
		}
		_, _ = w.Write(b)
	}
	r.refreshed(t, dir)
	if got := r.client(t, dir).State().Floor.Timestamp; got != 2 {
		t.Errorf("the floor is %d after the timestamp was seen again", got)
	}
}

func TestUnconditional(t *testing.T) {
	r := newRepo(t)
	serve, conditions := tagged(r), 0
	r.faults["metadata/timestamp.json"] = func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("If-None-Match") != "" {
			conditions++
		}
		serve(w, req)
	}
	o := r.options(t.TempDir())
	for i, want := range []int{0, 0, 1} {
		o.Unconditional = i < 2
		c, err := New(o)
		if err != nil || c.Refresh(t.Context()) != nil {
			t.Fatal(err)
		}
		if conditions != want {
			t.Errorf("run %d: %d conditions were sent, want %d", i, conditions, want)
		}
	}
}
