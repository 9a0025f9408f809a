package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// decisionIn reads a verdict without what differs between runs.
func decisionIn(ts *testscript.TestScript, text []byte) map[string]any {
	var v map[string]any
	ts.Check(json.Unmarshal(text, &v))
	delete(v, "run")
	return v
}

// decides wants two verdicts to be one decision: decides FILE FILE [released]. With a third
// word, what is known of a TUF repository may differ: it was asked, or a copy served.
func decides(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: decides FILE FILE [released]")
	}
	a, b := decisionIn(ts, []byte(ts.ReadFile(args[0]))), decisionIn(ts, []byte(ts.ReadFile(args[1])))
	if len(args) > 2 {
		for _, v := range []map[string]any{a, b} {
			for _, check := range v["checks"].([]any) {
				if r, ok := check.(map[string]any)["release"].(map[string]any); ok {
					delete(r, "state")
					delete(r, "refreshed")
				}
			}
		}
	}
	if reflect.DeepEqual(a, b) == neg {
		ts.Fatalf("one decision: %v; wanted %v\n%s\n%s", !neg, neg, ts.ReadFile(args[0]), ts.ReadFile(args[1]))
	}
}

// tampered changes one file after the other of a layout in the folder DIR, by a flipped bit
// in its middle and by its absence, and judges each time, which must not pass: tampered DIR FILES COMMAND ARG... FILES is how many there are at least.
func tampered(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: tampered DIR FILES COMMAND ARG...")
	}
	least, err := strconv.Atoi(args[1])
	ts.Check(err)
	files := 0
	judge := func(name, how string) {
		err := ts.Exec(args[2], args[3:]...)
		var exited *exec.ExitError
		if !errors.As(err, &exited) || exited.ExitCode() != 1 && exited.ExitCode() != 3 {
			ts.Fatalf("%s %s: %v; wanted a refusal", name, how, err)
		}
	}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		whole, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 1
		ts.Check(os.WriteFile(name, flipped, 0o600))
		judge(name, "flipped")
		ts.Check(os.Remove(name))
		judge(name, "removed")
		return os.WriteFile(name, whole, 0o600)
	}))
	if files < least {
		ts.Fatalf("%d files were changed; wanted at least %d", files, least)
	}
}
