package main

import (
	"bytes"
	"fmt"
	"testing"
)

// TestBroken: files that are not metadata, or metadata that is not valid. Each is refused, and none
// ends the program but with exit code 1.
func TestBroken(t *testing.T) {
	bodies := map[string]func(good []byte) []byte{
		"empty":     func([]byte) []byte { return []byte{} },
		"truncated": func(good []byte) []byte { return good[:len(good)-20] },
		"a page":    func([]byte) []byte { return []byte("<html>not here</html>") },
		"an array":  func([]byte) []byte { return []byte("[]") },
		"null":      func([]byte) []byte { return []byte("null") },
		"two":       func(good []byte) []byte { return append(bytes.Clone(good), good...) },
		"endless":   func(good []byte) []byte { return append(bytes.Clone(good), bytes.Repeat([]byte(" "), 8<<20)...) },
		"twice the version": func(good []byte) []byte {
			return bytes.Replace(good, []byte(`"version": `), []byte(`"version": 7, "version": `), 1)
		},
		"another byte": func(good []byte) []byte { return bytes.Replace(good, []byte(`"2026-`), []byte(`"2027-`), 1) },
	}
	for _, role := range []string{"root", "timestamp", "snapshot", "targets", "A"} {
		for name, body := range bodies {
			t.Run(role+" "+name, func(t *testing.T) {
				c, r := initialised(t)
				r.add("targets", "top", "content")
				build(r, edge{by: "targets", role: "A"})
				r.publish("root")
				files := r.published[role]
				files[len(files)-1] = body(r.last(role))
				c.download(1, "x")
				for _, trusted := range c.trusted() {
					if trusted == fmt.Sprintf("%s %d", role, len(files)) {
						t.Errorf("trusts %s", trusted)
					}
				}
			})
		}
	}
	for name, change := range map[string]func(r *repository){
		"timestamp without snapshot":  func(r *repository) { r.signed["timestamp"]["meta"] = object{} },
		"timestamp without meta":      func(r *repository) { delete(r.signed["timestamp"], "meta") },
		"snapshot without targets":    func(r *repository) { r.signed["snapshot"]["meta"] = object{} },
		"snapshot of version 0":       func(r *repository) { r.meta("snapshot")["version"] = 0 },
		"version that is text":        func(r *repository) { r.meta("snapshot")["version"] = "1" },
		"expiry without zone":         func(r *repository) { r.signed["targets"]["expires"] = "2026-06-30T00:00:00" },
		"no expiry":                   func(r *repository) { delete(r.signed["snapshot"], "expires") },
		"specification 2":             func(r *repository) { r.signed["root"]["spec_version"] = "2.0.0" },
		"threshold 0":                 func(r *repository) { r.threshold("targets", 0) },
		"threshold -1":                func(r *repository) { r.threshold("root", -1) },
		"root without a timestamp":    func(r *repository) { delete(r.signed["root"]["roles"].(object), "timestamp") },
		"hash of snapshot is wrong":   func(r *repository) { r.meta("snapshot")["hashes"] = object{"sha256": sum("sha256", nil)} },
		"length of snapshot too low":  func(r *repository) { r.meta("snapshot")["length"] = 10 },
		"length of snapshot too high": func(r *repository) { r.meta("snapshot")["length"] = 100000 },
		"length of targets too low":   func(r *repository) { r.meta("targets")["length"] = 10 },
	} {
		t.Run(name, func(t *testing.T) {
			c, r := initialised(t)
			change(r)
			snapshot := r.signed["timestamp"]["meta"]
			r.publish("root")
			r.published["targets"] = [][]byte{r.sign("targets", r.signed["targets"])}
			r.published["snapshot"] = [][]byte{r.sign("snapshot", r.signed["snapshot"])}
			r.signed["timestamp"]["meta"] = snapshot
			r.publish("timestamp")
			c.refresh(1)
		})
	}
}
